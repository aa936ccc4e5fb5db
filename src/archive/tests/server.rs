//! An HTTP server that keeps or breaks each of its promises.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The authority that has signed the server's certificate.
pub(crate) const AUTHORITY: &str = include_str!("tls/ca.pem");

/// A request, as far as the tests look at it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: String,
    /// How many came before it.
    pub(crate) number: usize,
    pub(crate) at: Instant,
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.clone().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The first byte that is asked for.
    pub(crate) fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// The way back to the client.
pub(crate) trait Client: Read + Write {}
impl<T: Read + Write> Client for T {}

/// Answers; the client may be gone, which is its test's business.
pub(crate) fn reply(client: &mut dyn Client, status: &str, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n");
    let _ =
        client.write_all(head.as_bytes()).and_then(|()| client.write_all(body)).and_then(|()| client.flush());
}

pub(crate) fn announce(length: usize) -> String {
    format!("Content-Length: {length}\r\n")
}

/// The rest of `body` from where it is asked for, cut off after `most` bytes.
pub(crate) fn resume(client: &mut dyn Client, request: &Request, etag: &str, body: &[u8], most: usize) {
    let from = request.from().filter(|_| request.header("if-range").is_none_or(|mark| mark == etag));
    let rest = &body[from.unwrap_or(0)..];
    let sent = &rest[..most.min(rest.len())];
    let headers = format!("ETag: {etag}\r\n{}", announce(rest.len()));
    match from {
        None => reply(client, "200 OK", &headers, sent),
        Some(from) => {
            let range = format!("Content-Range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len());
            reply(client, "206 Partial Content", &format!("{headers}{range}"), sent);
        }
    }
}

/// Holds the connection until the client has gone.
pub(crate) fn hold(client: &mut dyn Client) {
    let _ = client.read(&mut [0]);
}

/// A server at work, as long as the test's process lives.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Serves each connection with `answer`, on a thread of its own.
    pub(crate) fn start(answer: impl Fn(&mut dyn Client, &Request) + Send + Sync + 'static) -> Self {
        Self::with(None, answer)
    }

    /// The same behind TLS.
    pub(crate) fn start_tls(answer: impl Fn(&mut dyn Client, &Request) + Send + Sync + 'static) -> Self {
        let chain = vec![CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self::with(Some(Arc::new(config)), answer)
    }

    fn with(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&mut dyn Client, &Request) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Self { address, requests: Arc::default() };
        let (answer, requests) = (Arc::new(answer), Arc::clone(&server.requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (tls, answer, requests) = (tls.clone(), Arc::clone(&answer), Arc::clone(&requests));
                thread::spawn(move || match tls {
                    None => serve(&mut stream.unwrap(), &requests, &*answer),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        serve(&mut StreamOwned::new(connection, stream.unwrap()), &requests, &*answer);
                    }
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    client: &mut dyn Client,
    requests: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&mut dyn Client, &Request),
) {
    let Some(head) = head(client) else { return };
    let request = {
        let mut requests = requests.lock().unwrap();
        let request = Request { head, number: requests.len(), at: Instant::now() };
        requests.push(request.clone());
        request
    };
    answer(client, &request);
}

/// The head of a request; none if it is none.
fn head(client: &mut dyn Client) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.starts_with(b"\x16") {
            // TLS on a port without it: as web servers answer that, and without a reset.
            reply(client, "400 Bad Request", "", b"");
            let _ = std::io::copy(client, &mut std::io::sink());
        }
        if client.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// A port that nobody listens on: one below those that are given to whoever asks.
pub(crate) const CLOSED: &str = "127.0.0.1:1";

/// Passes bytes on in both directions, as a proxy does after CONNECT.
pub(crate) fn tunnel(client: &mut dyn Client, to: &str) {
    let mut far = TcpStream::connect(to).unwrap();
    reply_connected(client);
    let Some(head) = head(client) else { return };
    far.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = far.read_to_end(&mut answer);
    let _ = client.write_all(&answer);
}

fn reply_connected(client: &mut dyn Client) {
    let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
}
