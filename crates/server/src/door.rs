//! The way in: TCP, TLS where there is a certificate, and HTTP/1.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::{Instant, interval_at, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::certificate::Certificate;
use crate::limits::{Limits, Place};
use crate::metrics::{Connected, Metrics};
use crate::progress::Watched;

/// What the kernel keeps for a reader that takes nothing. Its own default swallows megabytes before we notice.
const SEND_BUFFER: usize = 64 * 1024;

/// The largest head of a request, in bytes.
const HEAD: usize = 32 * 1024;

/// How long to wait where no more connections can be taken: for want of files, as a rule.
const BREATH: Duration = Duration::from_millis(50);

/// How long who asks for too much waits for the answer that says so. Their next request is not read before that: a
/// flood costs no more than its connections.
const PENANCE: Duration = Duration::from_secs(1);

/// An open port.
#[derive(Debug)]
pub struct Door {
    /// Where connections come in.
    pub listener: TcpListener,
    /// What the server proves its name with; none: no TLS.
    pub tls: Option<Certificate>,
    /// How much is too much; none: nothing is.
    pub limits: Option<Arc<Limits>>,
    /// Whether connections come from a proxy: its address is nobody's.
    pub behind_proxy: bool,
    /// How long a handshake and the head of a request may take, how long a connection may wait for the next one, and
    /// how long an answer may wait to be taken.
    pub patience: Duration,
    /// What is counted.
    pub metrics: Metrics,
}

impl Door {
    /// Takes connections until `stopping` is cancelled; ends when the last request on them was answered.
    pub async fn serve(self, router: Router, stopping: CancellationToken) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.patience).max_buf_size(HEAD);
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
            let address_limits = self.limits.as_ref().filter(|_| !self.behind_proxy);
            let place = match address_limits {
                // Closed without a word: whoever has so many would not hear it.
                Some(limits) => match limits.connection(address.ip()) {
                    Some(place) => Some(place),
                    None => continue,
                },
                None => None,
            };
            // Neither changes what is sent, only when: a failure is no reason to refuse a connection.
            let _ = stream.set_nodelay(true);
            let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
            let (router, http, stopping) = (router.clone(), http.clone(), stopping.clone());
            let patience = self.patience;
            let counted = (self.metrics.connected(), place);
            let visitor = Visitor { address, router, http, stopping, patience, _counted: counted };
            match self.tls.as_ref().map(Certificate::acceptor) {
                None => drop(visitors.spawn(visitor.serve(stream))),
                Some(tls) => {
                    visitors.spawn(async move {
                        // Who can't do TLS with us is nobody to speak to.
                        let shaken = tokio::select! {
                            shaken = timeout(patience, tls.accept(stream)) => shaken,
                            () = visitor.stopping.cancelled() => return,
                        };
                        if let Ok(Ok(stream)) = shaken {
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
    patience: Duration,
    /// Among all, and among those of its address.
    _counted: (Connected, Option<Place<IpAddr>>),
}

impl Visitor {
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { address, router, http, stopping, patience, _counted } = self;
        let router = TowerToHyperService::new(router);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(address));
            let answering = hyper::service::Service::call(&router, request);
            async move { Ok::<_, Infallible>(held_back(answering.await.unwrap_or_else(|never| match never {})).await) }
        });
        let (stream, mut watch) = Watched::new(stream);
        let mut looks = interval_at(Instant::now() + patience, patience);
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
        loop {
            tokio::select! {
                // Links break; there is nobody to tell.
                _ = connection.as_mut() => return,
                () = stopping.cancelled() => break,
                // Who takes no answer would not take this one.
                _ = looks.tick() => if watch.stands(patience) { return },
            }
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// Who asks for too much is answered later, whatever else is answered.
async fn held_back(answer: Response) -> Response {
    if answer.status() == StatusCode::TOO_MANY_REQUESTS {
        sleep(PENANCE).await;
    }
    answer
}
