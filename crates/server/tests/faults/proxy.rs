//! A network between clients and server that cuts, stalls and delays, and delivers what its sender has given up.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The weather.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    /// Links are numbered by the generation they are made in.
    generation: u64,
    /// Links of earlier generations are cut.
    cut: u64,
    /// Links of earlier generations are cut at the client's end only.
    stranded: u64,
    /// On links of earlier generations nothing passes to the server.
    held: u64,
    /// Nothing passes at all.
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
                    let (mut from_client, to_client) = client.into_split();
                    let (mut from_server, to_server) = server.into_split();
                    let generation = weather.borrow().generation;
                    let stops_to_server = move |weather: &Weather| weather.is_still || weather.held > generation;
                    let mut ends = weather.clone();
                    let stranded = ends.wait_for(|weather| weather.stranded > generation);
                    let returning = async {
                        tokio::select! {
                            () = pass(&mut from_server, to_client, weather.clone(), |weather| weather.is_still) => {
                                return;
                            }
                            _ = stranded => {}
                        }
                        // Unread, it would have the link reset before the server has read what is still to come.
                        let _ = tokio::io::copy(&mut from_server, &mut tokio::io::sink()).await;
                    };
                    tokio::join!(pass(&mut from_client, to_server, weather.clone(), stops_to_server), returning);
                });
            }
        });
        Self { host, weather }
    }

    /// Cuts every link.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| {
            weather.generation += 1;
            weather.cut = weather.generation;
        });
    }

    /// Cuts every link at the client's end; what the clients had sent arrives after a while all the same.
    pub async fn strand(&self, time: Duration) {
        self.weather.send_modify(|weather| {
            weather.generation += 1;
            weather.held = weather.generation;
        });
        // Meanwhile acks come, and what is sent after them gets stuck.
        tokio::time::sleep(Duration::from_millis(150)).await;
        self.weather.send_modify(|weather| weather.stranded = weather.generation);
        tokio::time::sleep(time).await;
        self.weather.send_modify(|weather| weather.held = 0);
        tokio::time::sleep(Duration::from_millis(150)).await;
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

/// Passes one direction on until it ends or is cut; not while it `stops`.
async fn pass(
    from: &mut OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    stops: impl Fn(&Weather) -> bool,
) {
    let generation = weather.borrow().generation;
    let mut bytes = [0; 16 * 1024];
    let mut changes = weather.clone();
    let cut = async {
        let _ = changes.wait_for(|weather| weather.cut > generation).await;
    };
    let passing = async {
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let delay = weather.borrow().delay;
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let _ = weather.wait_for(|weather| !stops(weather)).await;
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
