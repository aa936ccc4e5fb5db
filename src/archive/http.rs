//! Archives over http and https.
//!
//! Certificates are judged by the machine's own store, so that a site's own authority
//! is known where the site has installed it.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, BodyReader, Timeout};

use crate::error::{Error, Result};

/// Enough for a mirror that sends to a mirror.
const MAX_REDIRECTS: u32 = 5;

/// How long a server may keep us waiting.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// For its address, and again for the connection with TLS on it.
    pub connect: Duration,
    /// For the next byte, at any time.
    pub stall: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), stall: Duration::from_secs(30) }
    }
}

/// An archive on its way.
pub(super) struct Download {
    agent: Agent,
    deadlines: Deadlines,
    length: Option<u64>,
    body: BodyReader<'static>,
}

impl Download {
    /// Asks for `url` and waits until the answer begins.
    pub(super) fn start(url: &str, origin: &str, deadlines: Deadlines) -> Result<Self> {
        let agent = agent(deadlines);
        let response = agent.get(url).call().map_err(|error| failed(&error, origin, deadlines))?;
        let body = response.into_body();
        Ok(Self { agent, deadlines, length: body.content_length(), body: body.into_reader() })
    }

    /// The announced length.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// What ends a read that waits for the server, from any thread.
    pub(super) fn interrupt(&self) -> impl Fn() + use<> {
        let agent = self.agent.clone();
        move || agent.clone().shutdown()
    }
}

impl Read for Download {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.body.read(bytes).map_err(|error| match ureq::Error::from(error) {
            ureq::Error::Io(error) => error,
            error => io::Error::other(said(&error, self.deadlines)),
        })
    }
}

fn agent(deadlines: Deadlines) -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .tls_config(tls)
        .max_redirects(MAX_REDIRECTS)
        .user_agent(concat!("node-setup/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(deadlines.connect))
        .timeout_connect(Some(deadlines.connect))
        .timeout_per_read(Some(deadlines.stall))
        .timeout_per_write(Some(deadlines.stall))
        .build()
        .new_agent()
}

fn failed(error: &ureq::Error, origin: &str, deadlines: Deadlines) -> Error {
    Error::Archive {
        origin: origin.to_owned(),
        problem: said(error, deadlines),
        help: remedy(error).to_owned(),
    }
}

/// What went wrong, without the parts of ureq's text that quote the URL.
fn said(error: &ureq::Error, deadlines: Deadlines) -> String {
    use ureq::Error::{
        BadUri, ConnectProxyFailed, HostNotFound, Http, Io, Protocol, StatusCode, TooManyRedirects,
    };
    match error {
        StatusCode(status) => format!("the server answers {}", status_line(*status)),
        HostNotFound => "its host is not known".to_owned(),
        TooManyRedirects => format!("it redirects more than {MAX_REDIRECTS} times"),
        BadUri(_) | Http(_) => "it is not a valid URL".to_owned(),
        Protocol(problem) => format!("the server does not speak HTTP as it should: {problem}"),
        ConnectProxyFailed(_) => "the proxy does not connect".to_owned(),
        ureq::Error::Timeout(phase) => late(*phase, deadlines),
        Io(error) if error.kind() == ErrorKind::ConnectionRefused => "the connection is refused".to_owned(),
        error if is_tls(error) => format!("no secure connection: {}", bare(error)),
        error => bare(error),
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

fn late(phase: Timeout, deadlines: Deadlines) -> String {
    let seconds = crate::error::seconds;
    match phase {
        Timeout::Resolve => format!("its host's address is not known after {}", seconds(deadlines.connect)),
        Timeout::Connect => format!("no connection within {}", seconds(deadlines.connect)),
        _ => format!("the server has been silent for {}", seconds(deadlines.stall)),
    }
}

/// rustls' errors also arrive inside of those of the connection.
fn is_tls(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => true,
        ureq::Error::Io(error) => error.kind() == ErrorKind::InvalidData,
        _ => false,
    }
}

fn remedy(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::StatusCode(_) | ureq::Error::BadUri(_) | ureq::Error::Http(_) => "check the URL",
        error if is_tls(error) => {
            "check that the server speaks TLS, that the machine's clock is right, \
             and that its certificate store has the server's authority"
        }
        _ => "check the URL and the way to it, or give the path of a file as --archive",
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
