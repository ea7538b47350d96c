//! A network between clients and server that cuts, stalls and delays.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The weather.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    /// Links that were made before this one are cut.
    cuts: u64,
    /// Nothing passes.
    is_still: bool,
    /// How long each piece takes.
    delay: Duration,
}

/// The network.
pub struct Proxy {
    /// Where clients connect to: `127.0.0.1:port`.
    pub host: String,
    weather: Arc<watch::Sender<Weather>>,
}

impl Proxy {
    /// Begins to pass links on to `server`.
    pub async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let host = listener.local_addr().expect("an address").to_string();
        let weather = Arc::new(watch::Sender::new(Weather::default()));
        let sender = weather.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let weather = sender.subscribe();
                let server = server.clone();
                tokio::spawn(async move {
                    // While there is no server the client's link is closed at once.
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    let _ = (client.set_nodelay(true), server.set_nodelay(true));
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::join!(pass(from_client, to_server, weather.clone()), pass(from_server, to_client, weather),);
                });
            }
        });
        Self { host, weather }
    }

    /// Cuts every link.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Lets nothing pass for a while.
    pub async fn stall(&self, time: Duration) {
        self.weather.send_modify(|weather| weather.is_still = true);
        tokio::time::sleep(time).await;
        self.weather.send_modify(|weather| weather.is_still = false);
    }

    /// Makes every piece take so long from now on.
    pub fn delay(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }
}

/// Passes one direction on until it ends or is cut.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut weather: watch::Receiver<Weather>) {
    let born = weather.borrow().cuts;
    let mut bytes = [0; 16 * 1024];
    let mut changes = weather.clone();
    let cut = async {
        let _ = changes.wait_for(|weather| weather.cuts > born).await;
    };
    let passing = async {
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let delay = weather.borrow().delay;
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let _ = weather.wait_for(|weather| !weather.is_still).await;
            if to.write_all(&bytes[..count]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = passing => {}
        () = cut => {}
    }
}
