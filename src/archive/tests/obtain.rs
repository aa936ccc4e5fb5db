//! Several sources, of which some have it.

use std::path::Path;

use super::download::{network, problem};
use super::server::{CLOSED, Server, announce, reply};
use super::{Kept, Tar, VERSION};
use crate::archive::{Authority, Discard, Obtained, Sink, Source, Trust, Wanted};
use crate::digest::Digest;
use crate::error::{Error, Result};

fn trust(sha256: Digest) -> Trust {
    Trust { sha256, by: Authority::Catalogue }
}

fn wanted(trust: Option<Trust>, sources: &[&str]) -> Wanted {
    let sources = sources.iter().map(|text| text.parse().unwrap()).collect();
    Wanted { version: VERSION, trust, sources }
}

/// Keeps the members, and what it was told.
#[derive(Default)]
struct Noting(Kept, Vec<String>);

impl Sink for Noting {
    fn begin(&mut self, name: &str, size: u64) -> Result<()> {
        self.0.begin(name, size)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write(bytes)
    }

    fn end(&mut self, member: &crate::archive::Member) -> Result<()> {
        self.0.end(member)
    }

    fn restart(&mut self) -> Result<()> {
        self.0.restart()
    }

    fn note(&mut self, note: &str) {
        self.1.push(note.to_owned());
    }
}

#[test]
fn the_first_source_that_has_it_is_taken_and_the_others_are_named() {
    let good = Tar::docker().tgz();
    let sha256 = Digest::of(&good);
    let body = good.clone();
    let server = Server::start(move |client, request| match request.path() {
        "/good" => reply(client, "200 OK", &announce(body.len()), &body),
        "/other" => reply(client, "200 OK", "", &Tar::docker().file("docker/ctr").tgz()),
        "/hostile" => reply(client, "200 OK", "", &Tar::docker().file("docker/../../etc/passwd").tgz()),
        _ => reply(client, "404 Not Found", "", b""),
    });
    let (other, hostile, missing) = (server.url("other"), server.url("hostile"), server.url("missing"));
    let (taken, unasked) = (server.url("good"), server.url("never"));
    let all = ["/no/such/cache.tgz", "/", &other, &hostile, &missing, &taken, &unasked];
    let mut sink = Noting::default();
    let Obtained { contents, source } =
        wanted(Some(trust(sha256)), &all).read(&network(), &mut sink).unwrap();
    assert_eq!((contents.sha256, source), (sha256, Source::Url(taken)));
    assert_eq!(sink.0.files.len(), contents.members.len(), "what came from elsewhere is gone");
    let differs =
        format!("has the sha256 {}, expected {sha256}", Digest::of(&Tar::docker().file("docker/ctr").tgz()));
    let reasons = [
        ("/", "is not a regular file"),
        (&other, &differs),
        (&hostile, "its entry 'docker/../../etc/passwd' has '..' in its path"),
        (&missing, "the server answers 404 Not Found"),
    ];
    let notes: Vec<_> =
        reasons.iter().map(|(at, why)| format!("{at}: {why}; trying the next source")).collect();
    assert_eq!(sink.1, notes);
    assert!(server.requests().iter().all(|request| request.path() != "/never"));
}

#[test]
fn when_none_has_it_each_is_named() {
    let server = Server::start(|client, _| reply(client, "404 Not Found", "", b""));
    let refused = format!("http://{CLOSED}/docker.tgz");
    let all = ["/no/such/cache.tgz", &server.url("docker.tgz"), &refused];
    let error = wanted(Some(trust(Digest::of(b""))), &all).read(&network(), &mut Discard).unwrap_err();
    let Error::Refused(refusals) = error else { panic!("{error}") };
    let found: Vec<_> = refusals.iter().map(|refusal| refusal.found.as_str()).collect();
    assert_eq!(
        found,
        [
            &format!("{}: the server answers 404 Not Found", server.url("docker.tgz")),
            &format!("{refused}: the connection is refused"),
        ]
    );
    assert!(
        refusals.iter().all(|refusal| refusal.id == crate::error::Id::SOURCE && !refusal.remedy.is_empty())
    );
    let nowhere = wanted(None, &[]).read(&network(), &mut Discard).unwrap_err();
    assert!(matches!(&nowhere, Error::Config { origin, .. } if origin == "fetch.official"), "{nowhere}");
}

#[test]
fn a_url_without_a_digest_is_not_even_asked_for() {
    let server = Server::start(|client, _| reply(client, "404 Not Found", "", b""));
    let error = wanted(None, &[&server.url("docker.tgz")]).read(&network(), &mut Discard).unwrap_err();
    assert!(error.help().unwrap().contains("--sha256"), "{error}");
    assert!(problem::<()>(Err(error)).starts_with("no sha256 of docker 28.5.2 is known"));
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn what_is_not_the_sources_fault_ends_it() {
    struct Full;
    impl Sink for Full {
        fn write(&mut self, _: &[u8]) -> Result<()> {
            Err(Error::io("write", Path::new("/store"))(std::io::ErrorKind::StorageFull.into()))
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.tgz");
    std::fs::write(&path, Tar::docker().tgz()).unwrap();
    let path = path.to_str().unwrap();
    let error = wanted(None, &[path, path]).read(&network(), &mut Full).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn a_file_is_held_to_a_digest_that_was_given() {
    let good = Tar::docker().tgz();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.tgz");
    std::fs::write(&path, &good).unwrap();
    let (own, other) = (Digest::of(&good), Digest::of(b""));
    let read = |path: &str, trust| wanted(trust, &[path]).read(&network(), &mut Discard);
    let path = path.to_str().unwrap();
    for trust in [None, Some(trust(own))] {
        assert_eq!(read(path, trust).unwrap().contents.sha256, own);
    }
    assert_eq!(problem(read(path, Some(trust(other)))), format!("has the sha256 {own}, expected {other}"));
    let absent = directory.path().join("absent.tgz");
    assert!(problem(read(absent.to_str().unwrap(), None)).starts_with("cannot be read: No such file"));
    assert_eq!(problem(read(directory.path().to_str().unwrap(), None)), "is not a regular file");
    assert_eq!(read(&format!("file://{path}"), None).unwrap().contents.sha256, own);
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
        ("ftp://a/docker.tgz", "the scheme 'ftp' is not http, https or file"),
        ("file://a/docker.tgz", "a file URL has three slashes: file:///PATH"),
        ("http://user:p/w@host/c.tgz", "it is not a valid URL"),
        ("", "it is empty"),
    ] {
        assert_eq!(text.parse::<Source>().unwrap_err(), expected);
    }
}
