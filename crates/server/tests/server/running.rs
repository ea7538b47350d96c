//! A server to test, and clients that are not ours.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use micro_chat_server::api::Origins;
use micro_chat_server::auth::Policy;
use micro_chat_server::server::{self, Config, Reach, Server};
use micro_chat_server::store::Store;
use micro_chat_server::stream::Timing;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

/// Long enough for anything that should happen, on a machine that has much else to do.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// No heartbeat comes into what a test hears, nobody is taken for dead, and no connection is closed for want of a
/// request, however long a test takes. Which of these is to be seen is said where it is.
pub fn timing() -> Timing {
    let hour = Duration::from_secs(3_600);
    Timing { heartbeat: hour, head: hour, first_frame: hour, ..Timing::default() }
}

/// A loopback address of this process alone, for one of three uses: a port that was free on it still is a moment later,
/// though others take ports all the time.
pub fn own_address(usage: u8) -> IpAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 * usage + high, middle, low).into()
}

/// A server of this test alone.
pub struct Running {
    /// `127.0.0.1:port`.
    pub host: String,
    pub http: reqwest::Client,
    pub store: Store,
    stopping: CancellationToken,
    serving: JoinHandle<()>,
    _data: Option<TempDir>,
}

impl Running {
    /// With an empty database.
    pub async fn start() -> Self {
        Self::with(timing()).await
    }

    pub async fn with(timing: Timing) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let mut running = Self::at(data.path(), timing).await;
        running._data = Some(data);
        running
    }

    /// With the database in `data`.
    pub async fn on(data: &Path) -> Self {
        Self::at(data, timing()).await
    }

    async fn at(data: &Path, timing: Timing) -> Self {
        let (data, policy) = (data.to_owned(), Policy::Open);
        Self::of(Config {
            data,
            policy,
            accounts: None,
            rates: None,
            origins: Origins::All,
            reach: Reach::Developer,
            tls: None,
            timing,
            retention: micro_chat_server::chat::retention::Retention::default(),
        })
        .await
    }

    /// As it is told.
    pub async fn of(config: Config) -> Self {
        let server = Server::open(&config).expect("the database opens");
        let store = server.store().clone();
        let listener = server::listen(([127, 0, 0, 1], 0).into(), Reach::Developer).await.expect("a free port");
        let host = listener.local_addr().expect("an address").to_string();
        let stopping = CancellationToken::new();
        let token = stopping.clone();
        let serving = tokio::spawn(async move { server.run(listener, token).await.expect("a clean end") });
        Self { host, http: reqwest::Client::new(), store, stopping, serving, _data: None }
    }

    /// Stops it as SIGTERM would.
    pub async fn stop(self) {
        self.stopping.cancel();
        timeout(PATIENCE, self.serving).await.expect("it ends in time").expect("it ends well");
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// Status and body of a POST in the default namespace.
    pub async fn post(&self, path: &str, body: impl ToString) -> (u16, String) {
        self.post_in("micro", path, body).await
    }

    pub async fn post_in(&self, namespace: &str, path: &str, body: impl ToString) -> (u16, String) {
        let request = self.http.post(self.url(path)).header("micro-namespace", namespace).body(body.to_string());
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    }

    /// The JSON of an answer that has to be a success.
    pub async fn ask(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.post(path, body).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// The id of the error that a request gets.
    pub async fn refused(&self, path: &str, body: impl ToString) -> (u16, String) {
        let (status, body) = self.post(path, body).await;
        let error: Value = serde_json::from_str(&body).expect("the error form");
        assert_eq!(error["Code"], status, "{body}");
        assert!(error["Detail"].as_str().is_some_and(|detail| detail.len() > 10), "{body}");
        assert!(error["Status"].is_string(), "{body}");
        (status, error["Id"].as_str().expect("an id").to_owned())
    }

    /// A call that is given up while the server waits for the database. The token may be empty.
    pub async fn hang_up(&self, token: &str, path: &str, body: Value) {
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let store = self.store.clone();
        let hold = move |_: &_| {
            let _ = begun.send(());
            let _ = ended.recv();
            Ok(())
        };
        let held = tokio::spawn(async move { store.change(hold).await });
        has_begun.await.expect("it begins");
        let request = self.http.post(self.url(path)).body(body.to_string());
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let asking = tokio::spawn(request.send());
        let waits = async {
            while self.store.waiting_writes() == 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, waits).await.expect("it wants to write");
        assert!(!asking.is_finished(), "it did not wait");
        asking.abort();
        assert!(asking.await.is_err_and(|error| error.is_cancelled()), "it was answered");
        drop(end);
        held.await.expect("it ends").expect("a commit");
    }

    /// A chat of Ann and Ben.
    pub async fn chat(&self) -> String {
        let answer = self.ask("/chat/New", json!({ "user_ids": ["ann", "ben"] })).await;
        answer["chat_id"].as_str().expect("an id").to_owned()
    }

    pub async fn send(&self, chat_id: &str, user_id: &str, text: &str) {
        let message = json!({ "chat_id": chat_id, "user_id": user_id, "text": text });
        assert_eq!(self.ask("/chat/Send", message).await, json!({}));
    }

    /// A WebSocket in the gateway dialect, with these headers.
    pub async fn gateway(&self, path: &str, headers: &[(&'static str, &str)]) -> Stream {
        self.stream(path, headers).await
    }

    /// A WebSocket in the session dialect, with its hello said and its welcome heard.
    pub async fn session(&self, user_id: &str) -> Stream {
        let mut stream = self.stream("/chat/Connect", &[("sec-websocket-protocol", "micro.chat.v1")]).await;
        stream.send(json!([1, { "user_id": user_id }])).await;
        assert_eq!(stream.json().await[0], 20);
        stream
    }

    pub async fn stream(&self, path: &str, headers: &[(&'static str, &str)]) -> Stream {
        let mut request = format!("ws://{}{path}", self.host).into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        // Small frames leave at once.
        let connecting = tokio_tungstenite::connect_async_with_config(request, None, true);
        let (socket, _) = connecting.await.expect("an upgrade");
        Stream { socket }
    }
}

/// A client's end of a WebSocket.
pub struct Stream {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Stream {
    pub async fn send(&mut self, frame: impl ToString) {
        self.socket.send(Message::text(frame.to_string())).await.expect("a link");
    }

    /// The next text or close frame.
    pub async fn next(&mut self) -> Message {
        loop {
            let frame = timeout(PATIENCE, self.socket.next()).await.expect("a frame in time").expect("an open socket");
            match frame.expect("a frame") {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }

    pub async fn text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            frame => panic!("a text frame was expected, not {frame:?}"),
        }
    }

    pub async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await).expect("JSON")
    }

    /// The code of the close frame that comes next.
    pub async fn closed(&mut self) -> u16 {
        match self.next().await {
            Message::Close(Some(frame)) => frame.code.into(),
            frame => panic!("a close frame was expected, not {frame:?}"),
        }
    }

    /// Nothing comes for a while.
    pub async fn is_quiet(&mut self) -> bool {
        timeout(Duration::from_millis(150), self.socket.next()).await.is_err()
    }
}
