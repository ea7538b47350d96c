//! HTTP calls, one after the other, over a connection that stays open.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::socket::connect;

/// A connection for calls.
#[derive(Debug)]
pub struct Caller {
    stream: TcpStream,
    host: String,
    /// The token that comes with each call; empty: none.
    token: String,
    outbound: Vec<u8>,
    inbound: Vec<u8>,
}

impl Caller {
    /// Connects to the server.
    pub async fn connect(server: SocketAddr) -> Result<Self> {
        Self::connect_from(Ipv4Addr::LOCALHOST, String::new(), server).await
    }

    /// The same from that address, for whoever has that token.
    pub async fn connect_from(source: Ipv4Addr, token: String, server: SocketAddr) -> Result<Self> {
        let stream = connect(source, server).await.context("connecting for calls")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host: server.to_string(), token, outbound: Vec::new(), inbound: Vec::new() })
    }

    /// Posts JSON; returns the body of an answer with status 200, and fails for every other.
    pub async fn post(&mut self, path: &str, body: &[u8]) -> Result<&[u8]> {
        self.outbound.clear();
        write!(
            self.outbound,
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            self.host,
            body.len()
        )?;
        if !self.token.is_empty() {
            write!(self.outbound, "authorization: Bearer {}\r\n", self.token)?;
        }
        self.outbound.extend_from_slice(b"\r\n");
        self.outbound.extend_from_slice(body);
        self.stream.write_all(&self.outbound).await?;
        self.inbound.clear();
        loop {
            if self.stream.read_buf(&mut self.inbound).await? == 0 {
                bail!("{path}: the server closed the connection without an answer");
            }
            let Some(answer) = Answer::read(&self.inbound)? else { continue };
            let body = &self.inbound[answer.head..answer.head + answer.length];
            if answer.status != 200 {
                bail!("{path}: {} {}", answer.status, String::from_utf8_lossy(body));
            }
            return Ok(body);
        }
    }
}

/// Where things are in an answer.
struct Answer {
    status: u16,
    head: usize,
    length: usize,
}

impl Answer {
    /// None: not all of it is there.
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head) = response.parse(bytes)? else { return Ok(None) };
        let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let length = length.context("an answer without content-length")?;
        let length: usize = std::str::from_utf8(length.value)?.parse()?;
        let status = response.code.unwrap_or(0);
        Ok((bytes.len() >= head + length).then_some(Self { status, head, length }))
    }
}
