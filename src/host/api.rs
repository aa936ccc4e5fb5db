//! docker's API on its unix socket.
//!
//! HTTP/1.0, one request a connection: the answer ends when the daemon closes,
//! so there is nothing to keep alive and no chunk to put together.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket, sockopt::PeerCredentials,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::memory::Memory;
use crate::{Error, Result};

/// More than any answer that is asked for here.
const LARGEST_ANSWER: usize = 16 << 20;

/// How many times as long a whole answer may take as each part of it.
const WHOLE: u32 = 4;

/// The API of the daemon that listens on a socket.
#[derive(Clone, Debug)]
pub struct Api {
    socket: PathBuf,
    limit: Duration,
    memory: Rc<Memory>,
}

/// A container of `GET /containers/json`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    /// Its whole id.
    pub id: String,
    /// Its names, each with a slash before it.
    #[serde(default)]
    pub names: Vec<String>,
    /// The ports that it has, published or not; one entry for each address of the host.
    #[serde(default)]
    ports: Option<Vec<Port>>,
    /// Its networks.
    #[serde(default)]
    network_settings: NetworkSettings,
    /// How it was told to be.
    #[serde(default)]
    host_config: HostConfig,
}

#[derive(Clone, Debug, Deserialize)]
struct Port {
    #[serde(rename = "IP", default)]
    ip: String,
    #[serde(rename = "PrivatePort")]
    private: u16,
    #[serde(rename = "PublicPort", default)]
    public: u16,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkSettings {
    networks: BTreeMap<String, Endpoint>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Endpoint {
    #[serde(rename = "IPAddress")]
    ip_address: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    network_mode: String,
}

/// `GET /networks/NAME`, as far as it is used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    #[serde(default)]
    options: BTreeMap<String, String>,
}

const MASQUERADES: &str = "com.docker.network.bridge.enable_ip_masquerade";

/// `GET /containers/ID/json`, as far as it is used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    state: State,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    running: bool,
}

impl Container {
    /// What people call it.
    pub fn name(&self) -> &str {
        self.names.first().map_or(self.id.as_str(), |name| name.trim_start_matches('/'))
    }

    /// Whether it has the node's own network, and no bridge.
    pub fn is_on_host_network(&self) -> bool {
        self.host_config.network_mode == "host"
    }

    /// Its IPv4 addresses.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.network_settings.networks.values().filter_map(|endpoint| endpoint.ip_address.parse().ok())
    }

    /// For each port that is published, how it may be: once a network.
    pub fn published(&self) -> impl Iterator<Item = Vec<Published>> {
        let ports = self.ports.iter().flatten().filter(|port| port.public != 0 && port.is_ipv4());
        let ways = |port: &Port| {
            let Port { public, private, .. } = *port;
            self.addresses().map(|address| Published { public, address, private }).collect::<Vec<_>>()
        };
        ports.map(ways).filter(|ways| !ways.is_empty())
    }
}

/// A published port, and where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Published {
    /// The port of the node.
    pub public: u16,
    /// The container's address.
    pub address: Ipv4Addr,
    /// The container's port.
    pub private: u16,
}

impl Port {
    /// Before 20.10 docker does not say to which address of the node it belongs.
    fn is_ipv4(&self) -> bool {
        !self.ip.contains(':')
    }
}

/// `GET /info`, as far as it is used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DaemonInfo {
    /// data-root.
    pub docker_root_dir: String,
    /// live-restore.
    pub live_restore_enabled: bool,
    /// debug.
    pub debug: bool,
    /// log-driver.
    pub logging_driver: String,
    /// The storage driver that it chose.
    pub driver: String,
    /// registry-mirrors and insecure-registries.
    pub registry_config: RegistryConfig,
}

/// The registries of `GET /info`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RegistryConfig {
    /// registry-mirrors, each with a slash at its end.
    pub mirrors: Option<Vec<String>>,
}

const INFO: &str = "/info";

/// A question to the daemon, how it is configured.
#[derive(Debug)]
pub struct Asked {
    api: Api,
    sent: io::Result<UnixStream>,
}

impl Asked {
    /// What it says.
    pub fn answer(self) -> Result<DaemonInfo> {
        let Answer { body, .. } = self.api.receive(("GET", INFO), self.sent, &[200])?;
        self.api.parse(INFO, &body)
    }
}

impl Api {
    /// The API on `socket`; an answer may take `limit`.
    pub fn new(socket: PathBuf, limit: Duration) -> Self {
        Self { socket, limit, memory: Rc::default() }
    }

    /// The same, which asks nothing again that was answered while the node stands still.
    pub(super) fn remembering(self, memory: &Rc<Memory>) -> Self {
        Self { memory: Rc::clone(memory), ..self }
    }

    /// Whether the daemon answers.
    pub fn ping(&self) -> Result<()> {
        self.get("/_ping").map(drop)
    }

    /// The daemon's version: `28.5.2`. It stands in the head of every answer; `/version` runs
    /// other programs first.
    pub fn version(&self) -> Result<String> {
        let version = server(&self.get("/_ping")?.head).map(str::to_owned);
        version.ok_or_else(|| self.failed("GET /_ping: the answer does not say docker's version".to_owned()))
    }

    /// What the daemon says at `path`, as it says it.
    pub fn document(&self, path: &str) -> Result<serde_json::Value> {
        self.get_json(path)
    }

    /// How the daemon is configured.
    pub fn info(&self) -> Result<DaemonInfo> {
        self.ask_info().answer()
    }

    /// Asks how the daemon is configured. It takes a while to say so, and does while other things are
    /// looked at.
    pub fn ask_info(&self) -> Asked {
        Asked { api: self.clone(), sent: self.send("GET", INFO) }
    }

    /// The containers that run.
    pub fn running(&self) -> Result<Vec<Container>> {
        self.get_json("/containers/json")
    }

    /// Whether docker masquerades what leaves its own bridge.
    pub fn masquerades(&self) -> Result<bool> {
        let network: Network = self.get_json("/networks/bridge")?;
        Ok(network.options.get(MASQUERADES).is_some_and(|value| value == "true"))
    }

    /// Whether a container runs, if there is one.
    pub fn is_running(&self, id: &str) -> Result<Option<bool>> {
        let path = format!("/containers/{id}/json");
        match self.request("GET", &path, &[200, 404])? {
            Answer { status: 404, .. } => Ok(None),
            Answer { body, .. } => {
                self.parse::<Inspected>(&path, &body).map(|inspected| Some(inspected.state.running))
            }
        }
    }

    /// Starts a container.
    pub fn start(&self, id: &str) -> Result<()> {
        // 304: it runs already.
        self.request("POST", &format!("/containers/{id}/start"), &[204, 304]).map(drop)
    }

    /// Stops a container, and waits until it has.
    pub fn stop(&self, id: &str) -> Result<()> {
        // 304: it had stopped already; 404: it was one that goes when it stops.
        self.request("POST", &format!("/containers/{id}/stop"), &[204, 304, 404]).map(drop)
    }

    fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.parse(path, &self.get(path)?.body)
    }

    fn parse<T: DeserializeOwned>(&self, path: &str, body: &[u8]) -> Result<T> {
        serde_json::from_slice(body).map_err(|error| self.failed(format!("GET {path}: {error}")))
    }

    fn get(&self, path: &str) -> Result<Rc<Answer>> {
        let question = (self.socket.clone(), path.to_owned());
        self.memory.once(
            |seen| seen.answers.get(&question).cloned(),
            || self.request("GET", path, &[200]).map(Rc::new),
            |seen, answer| drop(seen.answers.insert(question.clone(), answer)),
        )
    }

    fn request(&self, method: &str, path: &str, fine: &[u16]) -> Result<Answer> {
        self.receive((method, path), self.send(method, path), fine)
    }

    fn receive(
        &self,
        (method, path): (&str, &str),
        sent: io::Result<UnixStream>,
        fine: &[u16],
    ) -> Result<Answer> {
        super::root::live("docker")?;
        let failed = |problem: String| self.failed(format!("{method} {path}: {problem}"));
        let answer = sent.and_then(|stream| read_within(stream, Instant::now() + self.limit * WHOLE));
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let answer = split(&answer).ok_or_else(|| failed("not an HTTP answer".to_owned()))?;
        if fine.contains(&answer.status) {
            Ok(answer)
        } else {
            Err(failed(format!("status {}", answer.status)))
        }
    }

    fn send(&self, method: &str, path: &str) -> io::Result<UnixStream> {
        super::root::live("docker").map_err(io::Error::other)?;
        let mut stream = self.connect()?;
        let request = format!("{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        Ok(stream)
    }

    /// Connects, if it is root who listens: what this daemon says is believed. Also one whose
    /// queue is full may not keep this waiting.
    fn connect(&self) -> io::Result<UnixStream> {
        let own = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        let stream = UnixStream::from(own);
        stream.set_read_timeout(Some(self.limit))?;
        stream.set_write_timeout(Some(self.limit))?;
        connect(stream.as_raw_fd(), &UnixAddr::new(&self.socket)?)?;
        let peer = getsockopt(&stream, PeerCredentials)?;
        if [0, nix::unistd::geteuid().as_raw()].contains(&peer.uid()) {
            return Ok(stream);
        }
        let (pid, uid) = (peer.pid(), peer.uid());
        Err(io::Error::other(format!("process {pid} of user {uid} listens there, and docker is root's")))
    }

    fn failed(&self, problem: String) -> Error {
        Error::Api { socket: self.socket.clone(), problem }
    }
}

/// Reads an answer to its end. Each part of it may take the stream's own time, and all of it no
/// longer than until the deadline.
fn read_within(mut stream: UnixStream, deadline: Instant) -> io::Result<Vec<u8>> {
    let (mut answer, mut part) = (Vec::new(), [0; 16 << 10]);
    loop {
        let count = match stream.read(&mut part) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        answer.extend_from_slice(part.get(..count).unwrap_or_default());
        if count == 0 {
            return Ok(answer);
        }
        if answer.len() > LARGEST_ANSWER {
            return Err(io::Error::other("the answer does not end"));
        }
        if Instant::now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

/// An HTTP answer.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

fn split(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let status = head.lines().next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: answer.get(end + 4..)?.to_owned() })
}

/// docker's version from the head of an answer: `Server: Docker/28.5.2 (linux)`.
fn server(head: &str) -> Option<&str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, server) = fields.find(|(name, _)| name.eq_ignore_ascii_case("server"))?;
    server.trim().strip_prefix("Docker/")?.split(' ').next()
}

/// What a daemon says, for the fuzzer.
#[cfg(test)]
pub(super) mod fuzz {
    use super::{Container, DaemonInfo, Inspected, Network, server, split};

    /// Reads an answer as whatever is asked for.
    pub(in crate::host) fn read(bytes: &[u8]) -> String {
        let Some(answer) = split(bytes) else { return "no answer".to_owned() };
        let containers = serde_json::from_slice::<Vec<Container>>(&answer.body);
        let containers = containers.map(|all| {
            let one =
                |one: &Container| (one.name().is_empty(), one.published().count(), one.is_on_host_network());
            all.iter().map(one).take(3).collect::<Vec<_>>()
        });
        let others = [
            serde_json::from_slice::<DaemonInfo>(&answer.body).is_ok(),
            serde_json::from_slice::<Network>(&answer.body).is_ok(),
            serde_json::from_slice::<Inspected>(&answer.body).is_ok(),
        ];
        let containers = containers.map_err(|error| error.classify());
        format!("{} {containers:?} {others:?} {}", answer.status, server(&answer.head).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_split_into_status_and_body() {
        for (answer, split_up) in [
            (&b"HTTP/1.0 200 OK\r\nA: b\r\n\r\nOK"[..], Some((200, "HTTP/1.0 200 OK\r\nA: b", &b"OK"[..]))),
            (b"HTTP/1.1 500 Error\r\n\r\n", Some((500, "HTTP/1.1 500 Error", b""))),
            (b"HTTP/1.0 200 OK\r\nA: b\r\n", None),
            (b"", None),
            (b"\r\n\r\n", None),
        ] {
            let expected = split_up.map(|(status, head, body)| Answer {
                status,
                head: head.to_owned(),
                body: body.to_owned(),
            });
            assert_eq!(split(answer), expected);
        }
    }

    /// A daemon that says `first`, and then `again` for as long as somebody listens.
    fn daemon(first: &'static [u8], again: &'static [u8], pause: Duration) -> (tempfile::TempDir, Api) {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("docker.sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let mut said = stream.write_all(first);
            while said.is_ok() && !again.is_empty() {
                std::thread::park_timeout(pause);
                said = stream.write_all(again);
            }
        });
        (scratch, Api::new(path, Duration::from_millis(100)))
    }

    #[test]
    fn a_daemon_that_answers_nonsense_or_without_end_is_left() {
        let began = Instant::now();
        let head = b"HTTP/1.0 200 OK\r\n\r\n";
        for (first, again, pause, problem) in [
            (&b""[..], &b""[..], 0, "not an HTTP answer"),
            (b"\x00\xff\r\n\r\n", b"", 0, "not an HTTP answer"),
            (b"HTTP/1.0 two OK\r\n\r\n", b"", 0, "not an HTTP answer"),
            (b"HTTP/1.0 200 OK\r\n\r\n[{\"a\":", b"", 0, "EOF while parsing"),
            (head, b"x", 10, "timed out"),
            (head, &[b'['; 1 << 13], 0, "the answer does not end"),
            (b"HTTP/1.0 200 OK\r\n", b"X: y\r\n", 10, "timed out"),
        ] {
            let (_scratch, api) = daemon(first, again, Duration::from_millis(pause));
            let error = api.running().unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_daemon_whose_queue_is_full_is_not_waited_for() {
        use nix::sys::socket::{Backlog, bind, listen};
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("docker.sock");
        let own = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).unwrap();
        bind(own.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
        listen(&own, Backlog::new(0).unwrap()).unwrap();
        let api = Api::new(path.clone(), Duration::from_millis(50));
        let _waiting = UnixStream::connect(&path).unwrap();
        let began = Instant::now();
        assert!(api.ping().is_err());
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn every_answer_says_docker_s_version() {
        for (head, version) in [
            (
                "HTTP/1.0 200 OK\r\nApi-Version: 1.45\r\nServer: Docker/26.1.5+dfsg1 (linux)",
                Some("26.1.5+dfsg1"),
            ),
            ("HTTP/1.0 200 OK\r\nserver: Docker/18.09.0 (linux)", Some("18.09.0")),
            ("HTTP/1.0 200 OK\r\nServer: nginx", None),
            ("HTTP/1.0 200 OK", None),
        ] {
            assert_eq!(server(head), version);
        }
    }
}
