//! A back end that signs tokens for its own users, as the guide shows it.

use axum::{Router, http::StatusCode, routing::get};
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = std::fs::read_to_string("chat.secret")?;
    let key = EncodingKey::from_secret(secret.trim().as_bytes());
    let token = async move || {
        let user = "ann"; // whoever your site knows this request to come from
        let now = get_current_timestamp();
        let claims = serde_json::json!({ "sub": user, "iat": now, "exp": now + 3_600 });
        encode(&Header::default(), &claims, &key).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, Router::new().route("/chat-token", get(token))).await?)
}
