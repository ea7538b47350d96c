//! A network between the program and the server that can be cut.

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// The network.
pub struct Relay {
    /// `127.0.0.1:port`.
    pub host: String,
    /// What cuts it; none: it is cut.
    open: Arc<Mutex<Option<CancellationToken>>>,
}

impl Relay {
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let open = Arc::new(Mutex::new(Some(CancellationToken::new())));
        let (server, state) = (server.to_owned(), open.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let Some(cut) = state.lock().expect("a state").clone() else { continue };
                let server = server.clone();
                tokio::spawn(cut.run_until_cancelled_owned(async move {
                    let mut server = TcpStream::connect(server).await?;
                    copy_bidirectional(&mut client, &mut server).await
                }));
            }
        });
        Self { host, open }
    }

    pub fn cut(&self) {
        if let Some(open) = self.open.lock().expect("a state").take() {
            open.cancel();
        }
    }

    pub fn mend(&self) {
        *self.open.lock().expect("a state") = Some(CancellationToken::new());
    }
}
