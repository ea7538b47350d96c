//! Cookies: what a login kept in one is worth to other sites, and to scripts.

use axum::http::HeaderMap;
use micro_chat_server::api::Origins;
use serde_json::{Value, json};

use crate::hosted::{Answer, Hosted, Kind, PASSWORD, SHOP};

const ANN: &str = "ann@example.com";

/// A call as the browser makes it for a page.
async fn call(hosted: &Hosted, origin: &str, site: &str, cookie: &str, path: &str, body: Value) -> Answer {
    let fields = [("origin", origin), ("sec-fetch-site", site), ("cookie", cookie)];
    let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    hosted.call(path, &fields, body).await
}

/// The server's own origin.
fn own(hosted: &Hosted) -> String {
    format!("http://{}", hosted.server.host)
}

/// Ann's cookie, as her browser sends it from the server's own pages.
async fn cookie(hosted: &Hosted) -> String {
    let body = json!({ "id": ANN, "secret": PASSWORD, "cookie": true });
    let answer = call(hosted, &own(hosted), "same-origin", "", "/auth/Token", body).await;
    assert_eq!((answer.status, &answer.json["token"]["refresh_token"]), (200, &json!("")), "{}", answer.text);
    answer.cookie().expect("a cookie").0
}

#[tokio::test]
async fn a_login_is_kept_where_no_script_reads_it() {
    let hosted = Hosted::start().await;
    let own = own(&hosted);
    let code = hosted.code(ANN).await;
    let body = json!({ "email": ANN, "secret": PASSWORD, "token": code, "cookie": true });
    let answer = call(&hosted, &own, "same-origin", "", "/signup/completeSignup", body).await;
    assert_eq!((answer.status, &answer.json["authToken"]["refresh_token"]), (200, &json!("")), "{}", answer.text);
    let (first, attributes) = answer.cookie().expect("a cookie");
    assert!(first.starts_with("__Host-micro-bWljcm8=mcr_"), "{first}");
    assert_eq!(attributes, "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=2592000");

    let refresh =
        async |cookie: &str| call(&hosted, &own, "same-origin", cookie, "/auth/Token", json!({ "cookie": true })).await;
    let answer = refresh(&format!("other=1; {first}")).await;
    assert_eq!((answer.status, &answer.json["account"]["id"]), (200, &json!(ANN)), "{}", answer.text);
    let (second, _) = answer.cookie().expect("the next cookie");
    assert_ne!(first, second);
    assert_eq!(refresh("").await.id(), (401, "auth.NoLogin"));
    assert_eq!(refresh("__Host-micro-bWljcm8=").await.id(), (401, "auth.NoLogin"));
    // Another namespace's is another cookie.
    let body = json!({ "cookie": true, "namespace": "club" });
    assert_eq!(call(&hosted, &own, "same-origin", &second, "/auth/Token", body).await.id(), (401, "auth.NoLogin"));

    let access = answer.json["token"]["access_token"].as_str().expect("a token");
    let answer = call(&hosted, &own, "same-origin", &second, "/auth/Revoke", json!({ "cookie": true })).await;
    assert_eq!(answer.text, "{}");
    let (gone, attributes) = answer.cookie().expect("an end of it");
    assert_eq!(gone, "__Host-micro-bWljcm8=");
    assert!(attributes.ends_with("Max-Age=0"), "{attributes}");
    assert_eq!(refresh(&second).await.id(), (401, "auth.NoLogin"));
    assert_eq!(hosted.opens(access, ANN).await, (401, "auth.RevokedToken".to_owned()));
}

#[tokio::test]
async fn a_listed_sites_pages_have_a_cookie_of_their_own() {
    let hosted = Hosted::start().await;
    hosted.sign_up(ANN).await;
    let body = json!({ "id": ANN, "secret": PASSWORD, "cookie": true });
    let answer = call(&hosted, SHOP, "cross-site", "", "/auth/Token", body).await;
    let (cookie, attributes) = answer.cookie().expect("a cookie");
    for attribute in ["HttpOnly", "Secure", "SameSite=None", "Partitioned", "Path=/"] {
        assert!(attributes.split("; ").any(|there| there == attribute), "{attribute} in {attributes}");
    }
    let readable = |headers: &HeaderMap| {
        let field = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        (field("access-control-allow-origin"), field("access-control-allow-credentials"))
    };
    assert_eq!(readable(&answer.headers), (Some(SHOP.to_owned()), Some("true".to_owned())));
    let answer = call(&hosted, SHOP, "cross-site", &cookie, "/auth/Token", json!({ "cookie": true })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = call(&hosted, "https://evil.example.com", "cross-site", "", "/auth/Options", json!({})).await;
    assert_eq!(answer.id(), (403, "auth.ForbiddenOrigin"));
    assert_eq!(readable(&answer.headers).0, None);
    // Who lets all pages in lets none of them have cookies.
    let open = Hosted::of(Kind { origins: Origins::All, ..Kind::default() }).await;
    open.sign_up(ANN).await;
    let body = json!({ "id": ANN, "secret": PASSWORD });
    let answer = call(&open, SHOP, "cross-site", "", "/auth/Token", body.clone()).await;
    assert_eq!((answer.status, readable(&answer.headers)), (200, (Some("*".to_owned()), None)));
    let mut with_cookie = body;
    with_cookie["cookie"] = json!(true);
    let answer = call(&open, SHOP, "cross-site", "", "/auth/Token", with_cookie).await;
    assert_eq!((answer.id(), answer.cookie()), ((403, "auth.ForbiddenOrigin"), None));
}

#[tokio::test]
async fn another_sites_page_neither_uses_a_visitors_cookie_nor_gives_them_one() {
    let hosted = Hosted::start().await;
    hosted.sign_up(ANN).await;
    let cookie = cookie(&hosted).await;
    let theirs = json!({ "id": ANN, "secret": PASSWORD, "cookie": true });
    for origin in ["https://evil.example.com", "null", "http://shop.example.com", "https://127.0.0.1", ""] {
        for (path, body) in [
            ("/auth/Token", json!({ "cookie": true })),
            ("/auth/Revoke", json!({ "cookie": true, "everywhere": true })),
            // They would be logged in as somebody else, and tell them what they write.
            ("/auth/Token", theirs.clone()),
            ("/signup/completeSignup", json!({ "email": ANN, "secret": PASSWORD, "token": "1", "cookie": true })),
        ] {
            let answer = call(&hosted, origin, "cross-site", &cookie, path, body).await;
            assert_eq!((answer.id(), answer.cookie()), ((403, "auth.ForbiddenOrigin"), None), "{origin:?}, {path}");
        }
    }
    // Without a cookie, too, nobody's visitors guess passwords or send mail for a page.
    let before = hosted.postbox.count();
    for (path, body) in [
        ("/auth/Token", json!({ "id": ANN, "secret": PASSWORD })),
        ("/signup/sendVerificationEmail", json!({ "email": "ben@example.com" })),
        ("/auth/SendPasswordResetEmail", json!({ "email": ANN })),
    ] {
        let answer = call(&hosted, "https://evil.example.com", "cross-site", &cookie, path, body).await;
        assert_eq!(answer.id(), (403, "auth.ForbiddenOrigin"), "{path}");
    }
    assert_eq!(hosted.postbox.count(), before);
    // All that did the login no harm.
    let answer = call(&hosted, &own(&hosted), "same-origin", &cookie, "/auth/Token", json!({ "cookie": true })).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_cookie_is_no_login_anywhere_else() {
    let hosted = Hosted::start().await;
    hosted.sign_up(ANN).await;
    let cookie = cookie(&hosted).await;
    let own = own(&hosted);
    for path in ["/chat/New", "/chat/Send", "/chat/History", "/auth/Inspect", "/auth/ChangeSecret", "/auth/Delete"] {
        let body = json!({ "user_ids": [ANN], "secret": PASSWORD, "cookie": true });
        let answer = call(&hosted, &own, "same-origin", &cookie, path, body).await;
        assert_eq!(answer.id(), (401, "auth.NoToken"), "{path}");
    }
    let mut stream = hosted.server.stream("/chat/Connect?chat_id=x", &[("cookie", &cookie), ("origin", &own)]).await;
    stream.send(json!({ "text": "hello" })).await;
    assert_eq!(stream.json().await["Id"], "auth.NoToken");
    // Nor without being asked for, in a body.
    let answer = call(&hosted, &own, "same-origin", &cookie, "/auth/Token", json!({})).await;
    assert_eq!(answer.id(), (401, "auth.NoLogin"));
    let get = hosted.server.http.get(hosted.server.url("/auth/Token?cookie=true"));
    let answer = get.header("origin", &own).header("cookie", &cookie).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers().get("set-cookie")), (405, None));
    let post = hosted.server.http.post(hosted.server.url("/auth/Token?cookie=true"));
    let answer = post.header("origin", &own).header("cookie", &cookie).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers().get("set-cookie")), (405, None));
}
