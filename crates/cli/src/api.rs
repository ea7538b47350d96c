//! Calls: one POST, one answer.

use std::sync::Arc;
use std::time::Duration;

use micro_chat_wire::error::ErrorBody;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, BodyReader};
use url::Url;

use crate::failure::Failure;
use crate::place::Place;

/// How long it may take to connect.
const CONNECTING: Duration = Duration::from_secs(10);

/// How long a call may take, its answer included.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The largest answer, in bytes: a page of texts, all escaped.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A server.
#[derive(Debug)]
pub struct Api {
    base: Url,
    /// What its calls name; without it the server takes the token's, or its own.
    pub namespace: Option<String>,
    agent: Agent,
}

impl Api {
    /// The server of a place.
    pub fn of(place: &Place) -> Self {
        let base = place.api.value.clone();
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECTING))
            // What proves who calls goes where it was meant to.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("micro/", env!("CARGO_PKG_VERSION")));
        // Without TLS a proxy that the environment names could read all of it.
        let agent = if base.scheme() == "https" { agent.tls_config(trust()) } else { agent.proxy(None) };
        let namespace = place.namespace.as_ref().map(|namespace| namespace.value.clone());
        Self { base, namespace, agent: agent.build().into() }
    }

    /// The answer of a method, as it came.
    pub fn call(&self, method: &str, request: &impl Serialize, token: Option<&str>) -> Result<String, Failure> {
        self.call_within(PATIENCE, method, request, token)
    }

    /// The same, if it comes within that time.
    pub fn call_within(
        &self,
        patience: Duration,
        method: &str,
        request: &impl Serialize,
        token: Option<&str>,
    ) -> Result<String, Failure> {
        let mut answer = self.begin(method, request, token, Some(patience))?;
        let text = answer.body_mut().with_config().limit(LARGEST).read_to_string();
        text.map_err(|error| self.unreachable(&error))
    }

    /// The answer of a method as it comes, however long that takes.
    pub fn read(
        &self,
        method: &str,
        request: &impl Serialize,
        token: Option<&str>,
    ) -> Result<BodyReader<'static>, Failure> {
        Ok(self.begin(method, request, token, None)?.into_body().into_reader())
    }

    /// An answer that is a success; all of it is to be there within that time.
    fn begin(
        &self,
        method: &str,
        request: &impl Serialize,
        token: Option<&str>,
        patience: Option<Duration>,
    ) -> Result<Response<Body>, Failure> {
        let body = serde_json::to_string(request).map_err(|error| Failure::Usage(error.to_string()))?;
        let url = self.base.join(method).map_err(|error| Failure::Usage(error.to_string()))?;
        let mut request = self.agent.post(url.as_str()).header("content-type", "application/json");
        if let Some(namespace) = &self.namespace {
            request = request.header("micro-namespace", namespace);
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.config().timeout_global(patience).timeout_recv_response(Some(PATIENCE)).build();
        let mut answer = request.send(body).map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = answer.body_mut().with_config().limit(LARGEST).read_to_string();
        let text = text.map_err(|error| self.unreachable(&error))?;
        // A proxy, or something else altogether, may have answered.
        Err(match serde_json::from_str::<ErrorBody>(&text) {
            Ok(error) => Failure::Refused(error),
            Err(_) => Failure::Unreachable(format!(
                "{} answers with status {status}; is that a Micro Chat server?",
                self.base
            )),
        })
    }

    /// The answer, read.
    pub fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        request: &impl Serialize,
        token: Option<&str>,
    ) -> Result<T, Failure> {
        read(&self.call(method, request, token)?)
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        match error {
            ureq::Error::Http(_) => {
                Failure::Usage("the namespace or the token can't be sent: one has characters that none has".to_owned())
            }
            error => Failure::Unreachable(format!("{} does not answer: {error}; name another with --api", self.base)),
        }
    }
}

/// An answer, read.
pub fn read<T: DeserializeOwned>(answer: &str) -> Result<T, Failure> {
    serde_json::from_str(answer)
        .map_err(|error| Failure::Unreachable(format!("the server's answer can't be read: {error}")))
}

/// Whom the system trusts.
fn trust() -> TlsConfig {
    let found = rustls_native_certs::load_native_certs();
    let certificates: Vec<_> =
        found.certs.iter().map(|certificate| Certificate::from_der(certificate.as_ref()).to_owned()).collect();
    TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(certificates))).build()
}
