//! Archives from servers: those that do as they should, and all the others.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::server::{CLOSED, Server, announce, hold, reply, resume};
use super::{Kept, Tar, VERSION};
use crate::archive::http::shown;
use crate::archive::{Contents, Discard, Network, Patience, Sink, Source};
use crate::digest::Digest;
use crate::error::{Error, Result};

const ETAG: &str = "\"one\"";

/// As impatient as a test.
pub(super) fn network() -> Network {
    let patience = Patience {
        connect: Duration::from_secs(5),
        stall: Duration::from_millis(300),
        pause: Duration::from_millis(4),
        ..Patience::default()
    };
    Network { patience, ..Network::default() }
}

fn patient(patience: impl FnOnce(&mut Patience)) -> Network {
    let mut network = network();
    patience(&mut network.patience);
    network
}

fn good() -> (Vec<u8>, Digest) {
    let archive = Tar::docker().tgz();
    let digest = Digest::of(&archive);
    (archive, digest)
}

pub(super) fn fetch_with(network: &Network, url: &str, sha256: Digest) -> Result<Contents> {
    url.parse::<Source>().unwrap().read(VERSION, Some(sha256), network, &mut Discard)
}

fn fetch(url: &str, sha256: Digest) -> Result<Contents> {
    fetch_with(&network(), url, sha256)
}

pub(super) fn problem<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Archive { problem, .. }) => problem,
        other => panic!("not refused as an archive: {other:?}"),
    }
}

/// What a sink was told of how it goes.
#[derive(Default)]
struct Told {
    kept: Kept,
    archive: Vec<u8>,
    last: Option<(u64, Option<u64>)>,
    notes: Vec<String>,
}

impl Sink for Told {
    fn begin(&mut self, name: &str, size: u64) -> Result<()> {
        self.kept.begin(name, size)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.kept.write(bytes)
    }

    fn end(&mut self, member: &crate::archive::Member) -> Result<()> {
        self.kept.end(member)
    }

    fn archive(&mut self, bytes: &[u8]) -> Result<()> {
        self.archive.extend_from_slice(bytes);
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        self.archive.clear();
        self.kept.restart()
    }

    fn progress(&mut self, done: u64, total: Option<u64>) -> Result<()> {
        self.last = Some((done, total));
        Ok(())
    }

    fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }
}

#[test]
fn an_archive_is_read_from_a_server() {
    let (archive, sha256) = good();
    let body = archive.clone();
    let server = Server::start(move |client, request| match request.path() {
        "/docker.tgz" => reply(client, "200 OK", &announce(body.len()), &body),
        "/unannounced" => reply(client, "200 OK", "", &body),
        _ => reply(client, "302 Found", "Location: /docker.tgz\r\nContent-Length: 0\r\n", b""),
    });
    for path in ["docker.tgz", "unannounced", "elsewhere"] {
        let source: Source = server.url(path).parse().unwrap();
        let mut told = Told::default();
        let contents = source.read(VERSION, Some(sha256), &network(), &mut told).unwrap();
        assert_eq!(contents.sha256, sha256);
        assert_eq!(told.archive, archive, "{path}");
        let length = archive.len() as u64;
        assert_eq!(told.last, Some((length, (path != "unannounced").then_some(length))), "{path}");
    }
}

#[test]
fn a_download_that_is_cut_at_every_tenth_is_put_together() {
    let (archive, sha256) = good();
    let tenth = archive.len() / 10;
    let body = archive.clone();
    let server = Server::start(move |client, request| resume(client, request, ETAG, &body, tenth));
    let source: Source = server.url("docker.tgz").parse().unwrap();
    let mut told = Told::default();
    assert_eq!(source.read(VERSION, Some(sha256), &network(), &mut told).unwrap().sha256, sha256);
    let requests = server.requests();
    let asked: Vec<_> = requests.iter().map(|request| request.from().unwrap_or(0) / tenth).collect();
    assert_eq!(asked, (0..requests.len()).collect::<Vec<_>>());
    assert!(requests.len() > 10);
    assert!(requests.iter().skip(1).all(|request| request.header("if-range") == Some(ETAG)));
    assert!(told.notes[0].ends_with("the connection broke; trying again"), "{:?}", told.notes);
    assert_eq!(told.archive, archive);
}

#[test]
fn a_server_without_ranges_is_read_past_what_is_known() {
    let (archive, sha256) = good();
    let half = archive.len() / 2;
    let server = Server::start(move |client, request| {
        let body = if request.number == 0 { &archive[..half] } else { &archive[..] };
        reply(client, "200 OK", &announce(archive.len()), body);
    });
    assert_eq!(fetch(&server.url("docker.tgz"), sha256).unwrap().sha256, sha256);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn what_has_changed_meanwhile_is_fetched_from_the_start() {
    let (archive, sha256) = good();
    let old = Tar::docker().file("docker/ctr").tgz();
    for how in ["answers in full", "has another tag in its range", "has another length", "has no such range"]
    {
        let (archive, old) = (archive.clone(), old.clone());
        let server = Server::start(move |client, request| match (request.number, how) {
            (0, "has another length") => reply(client, "200 OK", &announce(old.len()), &old[..100]),
            (0, _) => resume(client, request, ETAG, &old, 100),
            (1, "has another tag in its range") => {
                let range = format!("Content-Range: bytes 100-{}/*\r\nETag: \"two\"\r\n", archive.len() - 1);
                reply(client, "206 Partial Content", &range, &archive[100..]);
            }
            (1, "has no such range") => reply(client, "416 Range Not Satisfiable", "", b""),
            _ => resume(client, request, "\"two\"", &archive, usize::MAX),
        });
        let source: Source = server.url("docker.tgz").parse().unwrap();
        let mut told = Told::default();
        assert_eq!(
            source.read(VERSION, Some(sha256), &network(), &mut told).unwrap().sha256,
            sha256,
            "{how}"
        );
        assert_eq!(server.requests().len(), 3, "{how}");
        assert!(told.notes.iter().any(|note| note.ends_with("; fetching it from the start")), "{how}");
        assert_eq!(Digest::of(&told.archive), sha256, "{how}");
    }
}

#[test]
fn what_never_stops_changing_is_given_up() {
    let (archive, sha256) = good();
    let server = Server::start(move |client, request| {
        resume(client, request, &format!("\"{}\"", request.number), &archive, 100);
    });
    let changes = "it changes while it is being fetched";
    assert_eq!(problem(fetch(&server.url("docker.tgz"), sha256)), changes);
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn what_can_pass_is_tried_again_and_what_cannot_is_not() {
    let (archive, sha256) = good();
    let tries = Patience::default().tries as usize;
    for (answer, headers, asked, expected) in [
        ("404 Not Found", "", 1, "the server answers 404 Not Found"),
        ("403 Forbidden", "", 1, "the server answers 403 Forbidden"),
        ("401 Unauthorized", "", 1, "the server answers 401 Unauthorized"),
        ("304 Not Modified", "", 1, "the server answers 304 Not Modified"),
        (
            "206 Partial Content",
            "Content-Range: bytes 0-1/2\r\n",
            1,
            "the server answers 206 Partial Content",
        ),
        ("500 Oops", "", tries, "the server answers 500 Internal Server Error"),
        ("503 Busy", "", tries, "the server answers 503 Service Unavailable"),
        ("429 Slow Down", "Retry-After: 0\r\n", tries, "the server answers 429 Too Many Requests"),
        ("429 Slow Down", "Retry-After: 3600\r\n", 1, "the server answers 429 Too Many Requests"),
        (
            "503 Busy",
            "Retry-After: Fri, 31 Dec 2027 23:59:59 GMT\r\n",
            tries,
            "the server answers 503 Service Unavailable",
        ),
    ] {
        let server = Server::start(move |client, _| reply(client, answer, headers, b""));
        assert_eq!(problem(fetch(&server.url("docker.tgz"), sha256)), expected, "{answer}");
        assert_eq!(server.requests().len(), asked, "{answer} {headers}");
    }
    let server = Server::start(move |client, request| match request.number {
        0 => reply(client, "503 Busy", "Retry-After: 0\r\n", b""),
        1 => reply(client, "500 Oops", "", b""),
        _ => reply(client, "200 OK", &announce(archive.len()), &archive),
    });
    assert_eq!(fetch(&server.url("docker.tgz"), sha256).unwrap().sha256, sha256);
}

#[test]
fn a_server_that_fails_is_said_to() {
    let (archive, sha256) = good();
    let (whole, half) = (archive.len(), archive.len() / 2);
    let server = Server::start(move |client, request| match request.path() {
        "/loop" => reply(client, "301 Moved Permanently", "Location: /loop\r\nContent-Length: 0\r\n", b""),
        "/nowhere" => reply(client, "302 Found", "Location: http://no.such.host.invalid/\r\n", b""),
        "/short" => reply(client, "200 OK", &announce(half), &archive),
        "/long" => reply(client, "200 OK", &announce(whole + 1), &archive),
        "/cut" if request.number > 0 && request.from().is_some() => reply(client, "503 Busy", "", b""),
        "/cut" => reply(client, "200 OK", &announce(whole), &archive[..half]),
        "/truncated" => reply(client, "200 OK", "", &archive[..half]),
        "/other" => reply(client, "200 OK", "", &Tar::docker().file("docker/ctr").tgz()),
        "/page" => reply(client, "200 OK", "", b"<html>log in</html>"),
        "/large" => reply(client, "200 OK", &announce((400 << 20) + 1), &archive),
        _ => reply(client, "OK", "", b""),
    });
    let other = Digest::of(&Tar::docker().file("docker/ctr").tgz());
    for (path, expected) in [
        ("loop", "it redirects more than 5 times".to_owned()),
        ("nowhere", "its host is not known".to_owned()),
        ("short", format!("is cut off after {half} bytes")),
        ("long", format!("the connection broke, after {whole} bytes")),
        ("cut", format!("the server answers 503 Service Unavailable, after {half} bytes")),
        ("truncated", format!("is cut off after {half} bytes")),
        ("page", "is not a gzip file".to_owned()),
        ("large", "is larger than 400 MiB".to_owned()),
        ("other", format!("has the sha256 {other}, expected {sha256}")),
    ] {
        assert_eq!(problem(fetch(&server.url(path), sha256)), expected, "{path}");
    }
    let odd = problem(fetch(&server.url("odd"), sha256));
    assert!(odd.starts_with("the server does not speak HTTP as it should"), "{odd}");
    let refused = format!("http://{CLOSED}/docker.tgz");
    assert_eq!(problem(fetch(&refused, sha256)), "the connection is refused");
}

#[test]
fn a_silent_server_is_left_after_the_deadline() {
    let (archive, sha256) = good();
    let server = Server::start(move |client, request| {
        if request.path() == "/half" {
            reply(client, "200 OK", &announce(1000), &archive[..20]);
        }
        hold(client);
    });
    let network = patient(|patience| patience.tries = 2);
    let silent = "the server has been silent for 0.3 s";
    assert_eq!(problem(fetch_with(&network, &server.url("never"), sha256)), silent);
    assert_eq!(server.requests().len(), 2);
    let half = problem(fetch_with(&network, &server.url("half"), sha256));
    assert_eq!(half, format!("{silent}, after 20 bytes"));
}

#[test]
fn a_server_that_drips_is_left() {
    let (archive, sha256) = good();
    let server = Server::start(move |client, _| {
        reply(client, "200 OK", &announce(archive.len()), &archive[..20]);
        for byte in &archive[20..] {
            // The test's own clock: a server has nothing to wait for.
            thread::sleep(Duration::from_millis(20));
            if client.write_all(&[*byte]).and_then(|()| client.flush()).is_err() {
                return;
            }
        }
    });
    let slow = patient(|patience| (patience.window, patience.floor) = (Duration::from_millis(200), 1 << 20));
    let problem = problem(fetch_with(&slow, &server.url("docker.tgz"), sha256));
    assert!(problem.starts_with("it is slower than 1024 KiB a second, after "), "{problem}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_is_known_is_read_past_within_the_same_bounds() {
    for (bound, expected) in [
        ("floor", "it is slower than 1024 KiB a second, after 100 bytes"),
        ("total", "it is not here after 2 s, after 100 bytes"),
    ] {
        let (archive, sha256) = good();
        let server = Server::start(move |client, request| {
            if request.number == 0 {
                return reply(client, "200 OK", &announce(archive.len()), &archive[..100]);
            }
            reply(client, "200 OK", &announce(archive.len()), b"");
            for byte in &archive[..100] {
                // The test's own clock: a server has nothing to wait for.
                thread::sleep(Duration::from_millis(100));
                if client.write_all(&[*byte]).and_then(|()| client.flush()).is_err() {
                    return;
                }
            }
            hold(client);
        });
        let network = patient(|patience| {
            patience.stall = Duration::from_secs(20);
            match bound {
                "floor" => (patience.window, patience.floor) = (Duration::from_secs(1), 1 << 20),
                _ => patience.total = Duration::from_secs(2),
            }
        });
        let started = Instant::now();
        assert_eq!(problem(fetch_with(&network, &server.url("docker.tgz"), sha256)), expected, "{bound}");
        assert!(started.elapsed() < Duration::from_secs(9), "{bound}: all of it was read");
    }
}

#[test]
fn waiting_for_an_answer_is_not_slowness() {
    let (archive, sha256) = good();
    let server = Server::start(move |client, _| {
        // As a mirror does that first has to get it itself.
        thread::sleep(Duration::from_millis(1200));
        reply(client, "200 OK", &announce(archive.len()), &archive);
    });
    let network = patient(|patience| {
        patience.stall = Duration::from_secs(20);
        (patience.window, patience.floor) = (Duration::from_secs(1), 1 << 30);
    });
    assert_eq!(fetch_with(&network, &server.url("docker.tgz"), sha256).unwrap().sha256, sha256);
}

#[test]
fn a_source_has_a_deadline_for_all_of_it() {
    let (archive, sha256) = good();
    let server = Server::start(move |client, request| resume(client, request, ETAG, &archive, 1));
    let late = patient(|patience| {
        patience.total = Duration::from_secs(1);
        patience.pause = Duration::from_millis(100);
    });
    let problem = problem(fetch_with(&late, &server.url("docker.tgz"), sha256));
    assert!(problem.starts_with("it is not here after 1 s, after "), "{problem}");
}

#[test]
fn the_deadline_is_that_of_the_source_and_of_every_wait() {
    let (archive, sha256) = good();
    let server = Server::start(move |client, request| match request.path() {
        // Each answer is of something else, and each begins in time.
        "/changes" => {
            thread::sleep(Duration::from_millis(150));
            resume(client, request, &format!("\"{}\"", request.number), &archive, 100);
        }
        "/busy" => reply(client, "503 Busy", "Retry-After: 60\r\n", b""),
        _ => hold(client),
    });
    let late = patient(|patience| {
        patience.stall = Duration::from_secs(20);
        patience.total = Duration::from_millis(400);
    });
    for path in ["changes", "busy", "silent"] {
        let started = Instant::now();
        let problem = problem(fetch_with(&late, &server.url(path), sha256));
        assert!(problem.starts_with("it is not here after 0.4 s"), "{path}: {problem}");
        assert!(started.elapsed() < Duration::from_secs(10), "{path}");
    }
}

/// Stops the pass at its third tick.
struct Stopping(u32);

impl Sink for Stopping {
    fn progress(&mut self, _: u64, _: Option<u64>) -> Result<()> {
        self.0 += 1;
        if self.0 < 3 { Ok(()) } else { Err(Error::Interrupted { signal: "SIGINT" }) }
    }
}

#[test]
fn a_download_that_waits_can_be_stopped() {
    let (archive, sha256) = good();
    let server = Server::start(move |client, request| match request.path() {
        "/busy" => reply(client, "503 Busy", "Retry-After: 60\r\n", b""),
        "/silent" => hold(client),
        _ => {
            reply(client, "200 OK", &announce(1000), &archive[..20]);
            hold(client);
        }
    });
    let network = patient(|patience| patience.stall = Duration::from_mins(1));
    for path in ["half", "silent", "busy"] {
        let source: Source = server.url(path).parse().unwrap();
        let started = Instant::now();
        let result = source.read(VERSION, Some(sha256), &network, &mut Stopping(0));
        assert!(matches!(result, Err(Error::Interrupted { signal: "SIGINT" })), "{path}: {result:?}");
        let text = source.text(1 << 20, &network, &mut Stopping(0));
        assert!(matches!(text, Err(Error::Interrupted { signal: "SIGINT" })), "{path}: {text:?}");
        assert!(started.elapsed() < Duration::from_secs(20), "{path}");
    }
}

/// What a hostile server may try. It costs time that has an end, and brings nothing.
#[test]
fn a_hostile_server_gets_nowhere() {
    let server = Server::start(move |client, request| {
        let to = |place: &str| format!("Location: {place}\r\n{}", announce(0));
        let mut for_ever = |head: &str, again: &[u8]| {
            let _ = client.write_all(head.as_bytes());
            while client.write_all(again).is_ok() {}
        };
        match request.path() {
            "/file" => reply(client, "302 Found", &to("file:///etc/passwd"), b""),
            "/ftp" => reply(client, "302 Found", &to("ftp://127.0.0.1/x"), b""),
            "/gopher" => reply(client, "301 Moved", &to("gopher://127.0.0.1:25/x"), b""),
            "/odd" => reply(client, "302 Found", &to("http://127.0.0.1/\tx y"), b""),
            "/heads" => {
                for_ever("HTTP/1.1 200 OK\r\n", b"X-Line: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
            }
            "/one-head" => for_ever("HTTP/1.1 200 OK\r\nX: ", &[b'y'; 1 << 13]),
            "/continue" => for_ever("", b"HTTP/1.1 100 Continue\r\n\r\n"),
            _ => for_ever("HTTP/1.1 200 OK\r\n\r\n", &[b'y'; 1 << 13]),
        }
    });
    let network = patient(|patience| patience.tries = 1);
    for (path, says) in [
        // It is taken for a path on the same server.
        ("file", "is larger than 1 MiB"),
        ("ftp", "it is not, or redirects to what is not, a valid URL"),
        ("gopher", "it is not, or redirects to what is not, a valid URL"),
        ("odd", "the server does not speak HTTP as it should"),
        ("heads", "too many headers"),
        ("one-head", "response header is too big"),
        ("continue", "response header is too big"),
        ("endless", "is larger than 1 MiB"),
    ] {
        let began = Instant::now();
        let source = server.url(path).parse::<Source>().unwrap();
        let problem = problem(source.text(1 << 20, &network, &mut Told::default()));
        assert!(problem.contains(says), "{path}: {problem}");
        assert!(began.elapsed() < Duration::from_secs(20), "{path} took {:?}", began.elapsed());
    }
    let paths: Vec<String> = server.requests().iter().map(|request| request.path().to_owned()).collect();
    assert!(
        paths.iter().any(|path| path.ends_with("/etc/passwd")),
        "a file of this machine is read: {paths:?}"
    );
}

#[test]
fn a_text_is_read_whole_or_not_at_all() {
    let server = Server::start(move |client, request| match request.path() {
        "/text" => reply(client, "200 OK", "", &vec![b'a'; 1 << 20]),
        "/large" => reply(client, "200 OK", "", &vec![b'a'; (1 << 20) + 1]),
        "/bytes" => reply(client, "200 OK", "", b"\xff"),
        _ if request.number < 5 => reply(client, "503 Busy", "", b""),
        _ => reply(client, "200 OK", "", b"late"),
    });
    let read = |place: &str| {
        let mut told = Told::default();
        let text = place.parse::<Source>().unwrap().text(1 << 20, &network(), &mut told);
        (text, told.notes)
    };
    assert_eq!(read(&server.url("text")).0.unwrap().len(), 1 << 20);
    assert_eq!(problem(read(&server.url("large")).0), "is larger than 1 MiB");
    assert_eq!(problem(read(&server.url("bytes")).0), "is not text");
    let (text, notes) = read(&server.url("late"));
    assert_eq!((text.unwrap().as_str(), notes.len()), ("late", 1), "{notes:?}");
    let scratch = tempfile::tempdir().unwrap();
    let fifo = scratch.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
    assert_eq!(problem(read(fifo.to_str().unwrap()).0), "is not a regular file");
    let missing = problem(read("/no/such/file").0);
    assert!(missing.starts_with("cannot be read: No such file"), "{missing}");
}

#[test]
fn an_archive_that_is_refused_ends_its_download() {
    let hostile = Tar::default().file("etc/passwd").tgz();
    let server = Server::start(move |client, _| {
        reply(client, "200 OK", &announce(hostile.len() + 1000), &hostile);
        hold(client);
    });
    let network = patient(|patience| patience.stall = Duration::from_mins(1));
    let started = Instant::now();
    let problem = problem(fetch_with(&network, &server.url("docker.tgz"), Digest::of(b"")));
    assert_eq!(problem, "its entry 'etc/passwd' is not one of docker's files");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn thirty_clients_that_fail_at_once_do_not_come_back_at_once() {
    const CLIENTS: usize = 30;
    let (archive, sha256) = good();
    let at_once = Arc::new(Barrier::new(CLIENTS));
    let server = Server::start(move |client, request| {
        if request.number < CLIENTS {
            at_once.wait();
            return reply(client, "503 Busy", "", b"");
        }
        reply(client, "200 OK", &announce(archive.len()), &archive);
    });
    let network = patient(|patience| {
        patience.pause = Duration::from_millis(400);
        patience.stall = Duration::from_secs(20);
    });
    let url = server.url("docker.tgz");
    thread::scope(|scope| {
        let fetch = || fetch_with(&network, &url, sha256).map(|contents| contents.sha256);
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(fetch)).collect();
        for client in clients {
            assert_eq!(client.join().unwrap().unwrap(), sha256);
        }
    });
    let mut back: Vec<_> = server.requests().iter().skip(CLIENTS).map(|request| request.at).collect();
    back.sort();
    assert_eq!(back.len(), CLIENTS);
    assert!(back[CLIENTS - 1] - back[0] > Duration::from_millis(100), "they come back together");
}

#[test]
fn credentials_of_a_url_are_never_shown() {
    for (url, expected) in [
        ("https://user:pass@host:1/a@b/c.tgz?token=x#y", Some("https://host:1/a@b/c.tgz")),
        ("https://user@host/c.tgz", Some("https://host/c.tgz")),
        ("https://[::1]:8443/c.tgz", Some("https://[::1]:8443/c.tgz")),
        ("https://host?token=x", Some("https://host/")),
        ("https://host/c", Some("https://host/c")),
        ("https://user:p/w@host/c.tgz", None),
        ("https://user:p?ss@host/c", None),
        ("https://user:p#ss@host/c", None),
        ("https://user:12/w ord@host/c", None),
        ("https://", None),
    ] {
        assert_eq!(shown(url).as_deref(), expected, "{url}");
    }
    let url = format!("http://user:secret@{CLOSED}/docker.tgz?key=secret");
    let error = fetch(&url, Digest::of(b"")).unwrap_err();
    let source: Source = url.parse().unwrap();
    for text in [format!("{error} {error:?} {:?}", error.help()), format!("{source} {source:?}")] {
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn credentials_go_to_the_server_and_not_to_where_it_redirects() {
    let (archive, sha256) = good();
    let far = Server::start(move |client, _| reply(client, "200 OK", &announce(archive.len()), &archive));
    let elsewhere = format!("Location: {}\r\n{}", far.url("docker.tgz"), announce(0));
    let near = Server::start(move |client, _| reply(client, "302 Found", &elsewhere, b""));
    let url = format!("http://user:word@{}/docker.tgz", near.address);
    assert_eq!(fetch(&url, sha256).unwrap().sha256, sha256);
    assert_eq!(near.requests()[0].header("authorization"), Some("Basic dXNlcjp3b3Jk"));
    assert_eq!(far.requests()[0].header("authorization"), None);
}
