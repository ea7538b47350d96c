//! One WebSocket to the server.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::dialect::Dialect;

/// Ten thousand sockets have a buffer each; a batch of sixteen messages still fits.
const BUFFER: usize = 8 * 1024;

/// Loopback addresses that connections come from: one alone has too few ports for some machines.
const SOURCES: usize = 8;

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Connects. `number` spreads connections over source addresses.
    pub async fn open(server: SocketAddr, number: usize, dialect: Dialect) -> Result<Self> {
        let last = u8::try_from(number % SOURCES).unwrap_or(0) + 1;
        Self::open_from(Ipv4Addr::new(127, 0, 0, last), server, dialect).await
    }

    /// Connects from that address.
    pub async fn open_from(source: Ipv4Addr, server: SocketAddr, dialect: Dialect) -> Result<Self> {
        let stream = connect(source, server).await?;
        stream.set_nodelay(true)?;
        let mut request = format!("ws://{server}/chat/Connect").into_client_request()?;
        if let Some(subprotocol) = dialect.subprotocol() {
            request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(subprotocol));
        }
        let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(BUFFER);
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await.context("the handshake")?;
        Ok(Self(socket))
    }

    /// Writes frames together.
    pub async fn write(&mut self, frames: impl IntoIterator<Item = String>) -> Result<()> {
        for frame in frames {
            self.0.feed(Message::text(frame)).await?;
        }
        Ok(self.0.flush().await?)
    }

    /// The next text frame. Cancel-safe.
    pub async fn read(&mut self) -> Result<Utf8Bytes> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(Some(close)))) => bail!("closed with {}: {}", close.code, close.reason),
                Some(Ok(Message::Close(None))) | None => bail!("closed"),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// Breaks the link as a fault of the network would: no goodbye, and nothing that waits is sent.
    pub fn cut(self) {
        // Where it fails the link ends with a FIN, which is a cut as well.
        let _ = self.0.get_ref().set_zero_linger();
    }
}

/// A TCP connection from that address.
pub async fn connect(source: Ipv4Addr, server: SocketAddr) -> Result<TcpStream> {
    if !server.is_ipv4() {
        return Ok(TcpStream::connect(server).await?);
    }
    let socket = TcpSocket::new_v4()?;
    socket.bind((source, 0).into()).context("a source address")?;
    Ok(socket.connect(server).await?)
}
