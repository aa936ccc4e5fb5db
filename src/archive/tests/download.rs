//! Archives from a server that keeps or breaks each of its promises.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::Tar;
use crate::archive::http::shown;
use crate::archive::{Contents, Deadlines, Discard, Source};
use crate::digest::Digest;
use crate::error::{Error, Result};

const DEADLINES: Deadlines = Deadlines { connect: Duration::from_secs(5), stall: Duration::from_millis(300) };

/// Serves every connection with `answer` and gives the address.
fn serve(answer: impl Fn(&mut TcpStream, &str) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = request(&mut stream);
            answer(&mut stream, &request);
        }
    });
    address.to_string()
}

/// The head of a request, or as much of it as came.
fn request(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && !head.starts_with(b"\x16") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn reply(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n");
    // The client may be gone: that is its test's business.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn announce(length: usize) -> String {
    format!("Content-Length: {length}\r\n")
}

fn fetch(url: &str, sha256: Option<Digest>) -> Result<Contents> {
    url.parse::<Source>()?.open(sha256, DEADLINES)?.unpack(&mut Discard, &mut |_| Ok(()))
}

fn problem(result: Result<Contents>) -> String {
    match result {
        Err(Error::Archive { problem, .. }) => problem,
        other => panic!("not refused as an archive: {other:?}"),
    }
}

#[test]
fn an_archive_is_read_from_a_server() {
    let good = Tar::docker().tgz();
    let sha256 = Digest::of(&good);
    let address = serve({
        let good = good.clone();
        move |stream, request| match request.split(' ').nth(1) {
            Some("/docker.tgz") => reply(stream, "200 OK", &announce(good.len()), &good),
            Some("/unannounced") => reply(stream, "200 OK", "", &good),
            _ => reply(stream, "302 Found", "Location: /docker.tgz\r\nContent-Length: 0\r\n", b""),
        }
    });
    for path in ["docker.tgz", "unannounced", "elsewhere"] {
        let source: Source = format!("http://{address}/{path}").parse().unwrap();
        let opened = source.open(Some(sha256), DEADLINES).unwrap();
        let announced = (path != "unannounced").then_some(good.len() as u64);
        assert_eq!(opened.length(), announced, "{path}");
        let contents = opened.unpack(&mut Discard, &mut |_| Ok(())).unwrap();
        assert_eq!(contents.sha256, sha256);
    }
}

#[test]
fn a_server_that_fails_is_said_to() {
    let good = Tar::docker().tgz();
    let sha256 = Digest::of(&good);
    let (whole, half) = (good.len(), good.len() / 2);
    let address = serve(move |stream, request| match request.split(' ').nth(1) {
        Some("/loop") => {
            reply(stream, "301 Moved Permanently", "Location: /loop\r\nContent-Length: 0\r\n", b"");
        }
        Some("/short") => reply(stream, "200 OK", &announce(half), &good),
        Some("/long") => reply(stream, "200 OK", &announce(good.len() + 1), &good),
        Some("/cut") => reply(stream, "200 OK", &announce(good.len()), &good[..half]),
        Some("/other") => reply(stream, "200 OK", "", &Tar::docker().file("docker/ctr").tgz()),
        Some("/page") => reply(stream, "200 OK", "", b"<html>log in</html>"),
        Some("/busy") => reply(stream, "503 Service Unavailable", "", b""),
        Some("/odd") => reply(stream, "OK", "", b""),
        _ => reply(stream, "404 Not Found", "", b""),
    });
    let other = Digest::of(&Tar::docker().file("docker/ctr").tgz());
    for (path, expected) in [
        ("missing", "the server answers 404 Not Found".to_owned()),
        ("busy", "the server answers 503 Service Unavailable".to_owned()),
        ("loop", "it redirects more than 5 times".to_owned()),
        ("short", format!("is cut off after {half} bytes")),
        ("long", format!("cannot be read after {whole} bytes: Peer disconnected")),
        ("cut", format!("cannot be read after {half} bytes: Peer disconnected")),
        ("page", "is not a gzip file".to_owned()),
        ("other", format!("has the sha256 {other}, expected {sha256}")),
    ] {
        assert_eq!(problem(fetch(&format!("http://{address}/{path}"), Some(sha256))), expected, "{path}");
    }
    let odd = problem(fetch(&format!("http://{address}/odd"), Some(sha256)));
    assert!(odd.starts_with("the server does not speak HTTP as it should"), "{odd}");
    let plain = fetch(&format!("https://{address}/docker.tgz"), Some(sha256)).unwrap_err();
    assert!(plain.help().unwrap().contains("certificate store"), "{plain}");
    assert!(problem(Err(plain)).starts_with("no secure connection: "));
}

#[test]
fn a_silent_server_is_left_after_the_deadline() {
    let sha256 = Digest::of(b"");
    let address = serve(|stream, request| {
        if request.starts_with("GET /half") {
            reply(stream, "200 OK", &announce(1000), &Tar::docker().tgz()[..20]);
        }
        // Holds the connection until the client is gone.
        let _ = stream.read(&mut [0]);
    });
    let silent = "the server has been silent for 0.3 s";
    assert_eq!(problem(fetch(&format!("http://{address}/never"), Some(sha256))), silent);
    let half = problem(fetch(&format!("http://{address}/half"), Some(sha256)));
    assert_eq!(half, format!("cannot be read after 20 bytes: {silent}"));
}

#[test]
fn progress_stops_a_download_that_waits() {
    let address = serve(|stream, _| {
        reply(stream, "200 OK", &announce(1000), &Tar::docker().tgz()[..20]);
        let _ = stream.read(&mut [0]);
    });
    let deadlines = Deadlines { stall: Duration::from_mins(1), ..DEADLINES };
    let source: Source = format!("http://{address}/").parse().unwrap();
    let opened = source.open(Some(Digest::of(b"")), deadlines).unwrap();
    let started = Instant::now();
    let mut told = 0;
    let result = opened.unpack(&mut Discard, &mut |_| {
        told += 1;
        if told < 3 { Ok(()) } else { Err(Error::Interrupted { signal: "SIGINT" }) }
    });
    assert!(matches!(result, Err(Error::Interrupted { signal: "SIGINT" })), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_closed_port_refuses() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}/docker.tgz");
    assert_eq!(problem(fetch(&url, Some(Digest::of(b"")))), "the connection is refused");
}

#[test]
fn a_url_without_a_digest_is_not_even_asked_for() {
    let error = fetch("http://127.0.0.1:1/docker.tgz", None).unwrap_err();
    assert!(matches!(error, Error::Config { .. }), "{error}");
    assert_eq!(error.help().as_deref(), Some("give --sha256 HEX or a version of the built-in catalogue"));
}

#[test]
fn a_file_is_held_to_a_digest_that_was_given() {
    let good = Tar::docker().tgz();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.tgz");
    std::fs::write(&path, &good).unwrap();
    let file = Source::File(path.clone());
    let read = |sha256| file.open(sha256, DEADLINES)?.unpack(&mut Discard, &mut |_| Ok(()));
    let (own, other) = (Digest::of(&good), Digest::of(b""));
    assert_eq!(file.open(None, DEADLINES).unwrap().length(), Some(good.len() as u64));
    for sha256 in [None, Some(own)] {
        assert_eq!(read(sha256).unwrap().sha256, own);
    }
    assert_eq!(problem(read(Some(other))), format!("has the sha256 {own}, expected {other}"));
    let absent = fetch(directory.path().join("absent.tgz").to_str().unwrap(), None).unwrap_err();
    assert!(absent.is_not_found(), "{absent}");
    assert_eq!(problem(fetch(directory.path().to_str().unwrap(), None)), "is not a regular file");
    assert_eq!(fetch(&format!("file://{}", path.display()), None).unwrap().sha256, own);
}

#[test]
fn sources_are_told_apart_by_their_scheme() {
    for (text, source) in [
        ("docker.tgz", Source::File("docker.tgz".into())),
        ("/a b/docker:1.tgz", Source::File("/a b/docker:1.tgz".into())),
        ("file:///a/docker.tgz", Source::File("/a/docker.tgz".into())),
        ("HTTPS://a/docker.tgz", Source::Url("https://a/docker.tgz".into())),
        ("http://a/docker.tgz", Source::Url("http://a/docker.tgz".into())),
    ] {
        assert_eq!(text.parse::<Source>().unwrap(), source);
    }
    for (text, expected) in [
        ("ftp://a/docker.tgz", "--archive: the scheme 'ftp' is not supported"),
        ("file://a/docker.tgz", "--archive: a file URL has three slashes: file:///PATH"),
        ("http://user:p/w@host/c.tgz", "--archive: it is not a valid URL"),
        ("", "--archive: it is empty"),
    ] {
        assert_eq!(text.parse::<Source>().unwrap_err().to_string(), expected);
    }
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
    let url = "http://user:secret@127.0.0.1:1/docker.tgz?key=secret";
    let error = fetch(url, Some(Digest::of(b""))).unwrap_err();
    let source: Source = url.parse().unwrap();
    for text in [format!("{error} {error:?} {:?}", error.help()), format!("{source} {source:?}")] {
        assert!(!text.contains("secret"), "{text}");
    }
}
