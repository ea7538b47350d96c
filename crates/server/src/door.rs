//! The way in: TCP, TLS where there is a certificate, and HTTP/1.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::certificate::Certificate;

/// What the kernel keeps for a reader that takes nothing. Its own default swallows megabytes before we notice.
const SEND_BUFFER: usize = 64 * 1024;

/// How long to wait where no more connections can be taken: for want of files, as a rule.
const BREATH: Duration = Duration::from_millis(50);

/// An open port.
#[derive(Debug)]
pub struct Door {
    /// Where connections come in.
    pub listener: TcpListener,
    /// What the server proves its name with; none: no TLS.
    pub tls: Option<Certificate>,
    /// How long a handshake and the head of a request may take, and how long a connection may wait for the next one.
    pub patience: Duration,
}

impl Door {
    /// Takes connections until `stopping` is cancelled; ends when the last request on them was answered.
    pub async fn serve(self, router: Router, stopping: CancellationToken) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.patience);
        let visitors = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stopping.cancelled() => break,
            };
            let Ok((stream, address)) = accepted else {
                sleep(BREATH).await;
                continue;
            };
            // Neither changes what is sent, only when: a failure is no reason to refuse a connection.
            let _ = stream.set_nodelay(true);
            let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
            let visitor = Visitor { address, router: router.clone(), http: http.clone(), stopping: stopping.clone() };
            match self.tls.as_ref().map(Certificate::acceptor) {
                None => drop(visitors.spawn(visitor.serve(stream))),
                Some(tls) => {
                    let patience = self.patience;
                    visitors.spawn(async move {
                        // Who can't do TLS with us is nobody to speak to.
                        if let Ok(Ok(stream)) = timeout(patience, tls.accept(stream)).await {
                            visitor.serve(stream).await;
                        }
                    });
                }
            }
        }
        drop(self.listener);
        visitors.close();
        visitors.wait().await;
    }
}

/// One connection.
struct Visitor {
    address: SocketAddr,
    router: Router,
    http: http1::Builder,
    stopping: CancellationToken,
}

impl Visitor {
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { address, router, http, stopping } = self;
        let router = TowerToHyperService::new(router);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(address));
            hyper::service::Service::call(&router, request)
        });
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
        tokio::select! {
            // Links break; there is nobody to tell.
            _ = connection.as_mut() => return,
            () = stopping.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}
