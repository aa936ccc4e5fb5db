//! How a server is spoken to, and what its failures mean.
//!
//! Certificates are judged by the machine's own store, so that a site's own authority
//! is known where the site has installed it, and by the file that the site names.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::{HeaderMap, Uri, header};
use ureq::tls::{Certificate, PemItem, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Timeout};

use super::proxy::Proxies;
use super::retry::{Again, Patience};
use crate::error::{Error, Result, seconds};
use crate::host::{addresses, stranger};
use crate::read;

/// How many addresses of a host are tried.
const MOST_ADDRESSES: usize = 8;

/// Enough for a mirror that sends to a mirror.
const MAX_REDIRECTS: u32 = 5;

/// What has to be known to fetch something.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The proxies.
    pub proxies: Proxies,
    /// Certificates of authorities beside those of the machine's store.
    pub ca_file: Option<PathBuf>,
    /// How long to wait, and how often to try.
    pub patience: Patience,
}

/// Why something did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) problem: String,
    pub(super) help: &'static str,
    pub(super) again: Again,
}

const CHECK_THE_WAY: &str = "check the URL and the way to it, or give the path of a file as --archive";
const CHECK_THE_URL: &str = "check the URL";
const CHECK_THE_CERTIFICATE: &str = "check that the server speaks TLS, that the machine's clock is right, and that its \
     certificate store has the server's authority, or name that with fetch.ca-file";
const CHECK_THE_PROXY: &str = "check fetch.https-proxy, fetch.http-proxy and fetch.no-proxy";

impl Failure {
    pub(super) fn never(problem: impl Into<String>, help: &'static str) -> Self {
        Self { problem: problem.into(), help, again: Again::Never }
    }

    pub(super) fn later(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), help: CHECK_THE_WAY, again: Again::Later(None) }
    }

    pub(super) fn too_late(patience: &Patience) -> Self {
        let problem = format!("it is not here after {}", seconds(patience.total));
        Self::never(problem, "try another mirror, or set fetch.timeout")
    }

    /// What came first and what would come now are two things.
    pub(super) fn changed() -> Self {
        let problem = "it changes while it is being fetched".to_owned();
        Self { problem, help: "fetch it again when it is complete", again: Again::FromStart }
    }

    pub(super) fn error(self, origin: &str) -> Error {
        Error::Archive { origin: origin.to_owned(), problem: self.problem, help: self.help.to_owned() }
    }
}

impl Network {
    /// What asks for `uri`. Nothing is asked yet.
    pub(super) fn agent(&self, uri: &Uri) -> Result<Agent> {
        let secure = uri.scheme_str() == Some("https");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(self.authorities(secure)?.into())
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let proxy = self.proxies.for_uri(uri).map_err(|problem| Error::Config {
            origin: if secure { "fetch.https-proxy" } else { "fetch.http-proxy" }.to_owned(),
            problem: problem.to_owned(),
            help: "set it, or the variable that it comes from; config show says which".to_owned(),
        })?;
        let Patience { connect, stall, .. } = self.patience;
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            .https_only(secure)
            .http_status_as_error(false)
            .max_redirects(MAX_REDIRECTS)
            .user_agent(concat!("node-setup/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .timeout_recv_response(Some(stall))
            .timeout_per_read(Some(stall))
            .timeout_per_write(Some(stall))
            .build();
        Ok(Agent::with_parts(config, DefaultConnector::default(), Names))
    }

    fn authorities(&self, secure: bool) -> Result<Vec<Certificate<'static>>> {
        let mut all = Vec::new();
        if let Some(path) = &self.ca_file {
            let wrong = |problem: String| Error::Config {
                origin: "fetch.ca-file".to_owned(),
                problem: format!("{}: {problem}", path.display()),
                help: "name a file with certificates in PEM".to_owned(),
            };
            if let Some(stranger) = stranger(path) {
                return Err(wrong(format!(
                    "{stranger}, and whoever that is would say which servers to believe"
                )));
            }
            let pem = read::bytes(path).map_err(|error| wrong(error.to_string()))?;
            for entry in parse_pem(&pem) {
                if let PemItem::Certificate(one) = entry.map_err(|error| wrong(error.to_string()))? {
                    all.push(one);
                }
            }
            if all.is_empty() {
                return Err(wrong("it has no certificate".to_owned()));
            }
        }
        let store = rustls_native_certs::load_native_certs();
        all.extend(store.certs.iter().map(|one| Certificate::from_der(one).to_owned()));
        if all.is_empty() && secure {
            return Err(Error::Config {
                origin: "https".to_owned(),
                problem: "this machine has no certificates to judge a server by".to_owned(),
                help: "install ca-certificates, or name a file with fetch.ca-file".to_owned(),
            });
        }
        Ok(all)
    }

    /// What an error of ureq means, without the parts of its text that quote the URL.
    pub(super) fn failure(&self, error: &ureq::Error) -> Failure {
        use ureq::Error::{
            BadUri, ConnectProxyFailed, HostNotFound, Http, InvalidProxyUrl, Io, Protocol, RequireHttpsOnly,
            TooManyRedirects,
        };
        match error {
            HostNotFound => Failure::never("its host is not known", CHECK_THE_WAY),
            TooManyRedirects => {
                Failure::never(format!("it redirects more than {MAX_REDIRECTS} times"), CHECK_THE_URL)
            }
            RequireHttpsOnly(_) => Failure::never("it redirects to what is not https", CHECK_THE_URL),
            BadUri(_) | Http(_) => {
                Failure::never("it is not, or redirects to what is not, a valid URL", CHECK_THE_URL)
            }
            Protocol(ureq_problem) => {
                Failure::later(format!("the server does not speak HTTP as it should: {ureq_problem}"))
            }
            ConnectProxyFailed(reason) => by_proxy(reason),
            InvalidProxyUrl => Failure::never("the proxy's URL is not valid", CHECK_THE_PROXY),
            ureq::Error::Timeout(Timeout::Global) => Failure::too_late(&self.patience),
            ureq::Error::Timeout(phase) => Failure::later(self.late(*phase)),
            Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                Failure::later("the connection is refused")
            }
            error if is_tls(error) => {
                Failure::never(format!("no secure connection: {}", bare(error)), CHECK_THE_CERTIFICATE)
            }
            Io(error) if error.kind() == ErrorKind::UnexpectedEof => Failure::later("the connection broke"),
            error => Failure::later(bare(error)),
        }
    }

    /// What an error means that comes in the middle of a body. The server's certificate was
    /// judged before: what TLS complains of then came about on the way.
    pub(super) fn broken(&self, error: io::Error) -> Failure {
        match ureq::Error::from(error) {
            error if is_tls(&error) => Failure::later(format!("the connection broke: {}", bare(&error))),
            error => self.failure(&error),
        }
    }

    fn late(&self, phase: Timeout) -> String {
        let Patience { connect, stall, .. } = self.patience;
        match phase {
            Timeout::Resolve => format!("its host's address is not known after {}", seconds(connect)),
            Timeout::Connect => format!("no connection within {}", seconds(connect)),
            _ => format!("the server has been silent for {}", seconds(stall)),
        }
    }
}

/// Hosts by the names that the node has for them.
#[derive(Debug)]
struct Names;

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(usual));
        let found = addresses(host, *timeout.after).map_err(|error| io::Error::other(error.to_string()))?;
        let mut all = self.empty();
        found.iter().take(MOST_ADDRESSES).for_each(|address| all.push(SocketAddr::new(*address, port)));
        if all.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(all) }
    }
}

/// What an answer means that brings nothing.
pub(super) fn by_status(status: u16, headers: &HeaderMap) -> Failure {
    let problem = format!("the server answers {}", status_line(status));
    // RFC 9110, 15.5 and 15.6: the ones that tell of a passing state.
    if !matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504) {
        return Failure::never(problem, CHECK_THE_URL);
    }
    let asked = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Failure { again: Again::Later(asked.map(Duration::from_secs)), ..Failure::later(problem) }
}

/// ureq says "proxy server responded 407/407".
fn by_proxy(reason: &str) -> Failure {
    let status = reason.rsplit('/').next().and_then(|digits| digits.parse::<u16>().ok());
    match status {
        Some(status @ (500 | 502..=504)) => {
            Failure::later(format!("the proxy answers {}", status_line(status)))
        }
        Some(407) => {
            Failure::never("the proxy wants another user and password", "write them into the proxy's URL")
        }
        Some(status) => Failure::never(format!("the proxy answers {}", status_line(status)), CHECK_THE_PROXY),
        None => Failure::later("the proxy does not connect"),
    }
}

/// Without the word that ureq puts before what the system says.
fn bare(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    }
}

fn status_line(status: u16) -> String {
    let reason = ureq::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    format!("{status} {}", reason.unwrap_or_default()).trim_end().to_owned()
}

/// rustls' errors also arrive inside of those of the connection.
fn is_tls(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => true,
        ureq::Error::Io(error) => error.kind() == ErrorKind::InvalidData,
        _ => false,
    }
}

/// A URL as it may be shown: without user, password, query and fragment. None if it is not
/// one, for then it cannot be told where the password is.
pub(super) fn shown(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?;
    let end = authority.as_str().rsplit('@').next()?;
    let port = end.strip_prefix(authority.host())?;
    let is_port = |port: &str| port.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok());
    let whole = port.is_empty() || is_port(port);
    whole.then(|| format!("{}://{end}{}", uri.scheme_str().unwrap_or_default(), uri.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_not_to_blame_for_a_broken_body() {
        let network = Network::default();
        let invalid = || io::Error::new(ErrorKind::InvalidData, "cannot decrypt peer's message");
        assert_eq!(network.failure(&ureq::Error::Io(invalid())).again, Again::Never);
        let broken = network.broken(invalid());
        assert_eq!(broken.again, Again::Later(None));
        assert_eq!(broken.problem, "the connection broke: cannot decrypt peer's message");
        let timeout = ureq::Error::Timeout(Timeout::RecvBody);
        assert_eq!(network.broken(timeout.into_io()).problem, "the server has been silent for 30 s");
    }
}
