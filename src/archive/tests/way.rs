//! The way to a server: TLS and proxies.

use std::path::PathBuf;

use super::Tar;
use super::download::{fetch_with, network, problem};
use super::server::{AUTHORITY, CLOSED, Server, announce, reply, tunnel};
use crate::archive::{Network, Proxies};
use crate::digest::Digest;
use crate::error::Error;

fn archive() -> (Vec<u8>, Digest) {
    let archive = Tar::docker().tgz();
    let digest = Digest::of(&archive);
    (archive, digest)
}

fn serving(archive: Vec<u8>) -> Server {
    Server::start(move |client, _| reply(client, "200 OK", &announce(archive.len()), &archive))
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    std::fs::write(&path, text).unwrap();
    (directory, path)
}

#[test]
fn a_certificate_is_judged_by_the_authorities() {
    let (archive, sha256) = archive();
    let plain = serving(archive.clone());
    let to_plain = format!("Location: {}\r\n{}", plain.url("docker.tgz"), announce(0));
    let server = Server::start_tls(move |client, request| match request.path() {
        "/to-plain" => reply(client, "302 Found", &to_plain, b""),
        _ => reply(client, "200 OK", &announce(archive.len()), &archive),
    });
    let url = format!("https://{}/docker.tgz", server.address);
    let unknown = fetch_with(&network(), &url, sha256).unwrap_err();
    assert!(unknown.help().unwrap().contains("fetch.ca-file"), "{unknown}");
    let unknown = problem::<()>(Err(unknown));
    assert!(unknown.starts_with("no secure connection: ") && unknown.contains("UnknownIssuer"), "{unknown}");

    let (_directory, ca) = file(AUTHORITY);
    let known = Network { ca_file: Some(ca), ..network() };
    assert_eq!(fetch_with(&known, &url, sha256).unwrap().sha256, sha256);
    let other_name = url.replace("127.0.0.1", "localhost");
    let other_name = problem(fetch_with(&known, &other_name, sha256));
    assert!(other_name.contains("not valid for name"), "{other_name}");
    let to_plain = format!("https://{}/to-plain", server.address);
    assert_eq!(problem(fetch_with(&known, &to_plain, sha256)), "it redirects to what is not https");
    assert_eq!(plain.requests().len(), 0);
    let no_tls = format!("https://{}/docker.tgz", plain.address);
    let no_tls = problem(fetch_with(&known, &no_tls, sha256));
    assert!(no_tls.starts_with("no secure connection: "), "{no_tls}");
}

/// Whoever can add an authority can be any server.
#[test]
fn authorities_that_others_could_have_added_do_not_count() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, ca) = file(AUTHORITY);
    std::fs::set_permissions(&ca, std::fs::Permissions::from_mode(0o666)).unwrap();
    let known = Network { ca_file: Some(ca), ..network() };
    let error = fetch_with(&known, "https://127.0.0.1:1/docker.tgz", Digest::of(b"")).unwrap_err();
    assert!(matches!(&error, Error::Config { .. }) && error.to_string().contains("by everybody"), "{error}");
}

#[test]
fn a_file_without_authorities_is_a_wrong_setting() {
    let (directory, _) = file("");
    let key = include_str!("tls/server.key");
    for (name, text) in [
        ("absent", None),
        ("empty", Some("")),
        ("key", Some(key)),
        ("torn", Some("-----BEGIN CERTIFICATE-----\nx")),
    ] {
        let path = directory.path().join(name);
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let network = Network { ca_file: Some(path), ..network() };
        let error = fetch_with(&network, "https://127.0.0.1:1/", Digest::of(b"")).unwrap_err();
        assert!(
            matches!(&error, Error::Config { origin, .. } if origin == "fetch.ca-file"),
            "{name}: {error}"
        );
    }
}

fn through(proxy: &str, none_for: &[&str]) -> Network {
    let none_for = none_for.iter().map(|entry| (*entry).to_owned()).collect();
    let proxies = Proxies { http: Some(proxy.to_owned()), https: None, none_for };
    Network { proxies, ..network() }
}

#[test]
fn a_proxy_is_asked_with_its_credentials() {
    let (archive, sha256) = archive();
    let server = serving(archive);
    let to = server.address.clone();
    let proxy = Server::start(move |client, request| {
        let welcome = request.header("proxy-authorization") == Some("Basic dXNlcjpwQHNz");
        match request.path() {
            _ if !welcome => reply(client, "407 Proxy Authentication Required", "", b""),
            "mirror.invalid:80" => tunnel(client, &to),
            "busy.invalid:80" => reply(client, "503 Busy", "", b""),
            _ => reply(client, "403 Forbidden", "", b""),
        }
    });
    let own = through(&format!("http://user:p%40ss@{}", proxy.address), &[]);
    // The name is the proxy's to resolve.
    let url = "http://mirror.invalid/docker.tgz";
    assert_eq!(fetch_with(&own, url, sha256).unwrap().sha256, sha256);
    assert_eq!(proxy.requests()[0].head.lines().next(), Some("CONNECT mirror.invalid:80 HTTP/1.1"));
    let forbidden = problem(fetch_with(&own, "http://other.invalid/docker.tgz", sha256));
    assert_eq!(forbidden, "the proxy answers 403 Forbidden");
    let busy = problem(fetch_with(&own, "http://busy.invalid/docker.tgz", sha256));
    assert_eq!(busy, "the proxy answers 503 Service Unavailable");
    let asked = proxy.requests().iter().filter(|request| request.path() == "busy.invalid:80").count();
    assert!(asked > 1, "a busy proxy was asked {asked} times");

    let nobody = fetch_with(&through(&format!("http://{}", proxy.address), &[]), url, sha256).unwrap_err();
    assert_eq!(nobody.help().as_deref(), Some("write them into the proxy's URL"));
    assert_eq!(problem::<()>(Err(nobody)), "the proxy wants another user and password");
    let gone = problem(fetch_with(&through(&format!("http://user:word@{CLOSED}"), &[]), url, sha256));
    assert_eq!(gone, format!("the connection is refused (through the proxy {CLOSED})"));
    let wrong = fetch_with(&through("socks5://127.0.0.1:1", &[]), url, sha256).unwrap_err();
    assert!(matches!(&wrong, Error::Config { origin, .. } if origin == "fetch.http-proxy"), "{wrong}");
}

#[test]
fn what_needs_no_proxy_does_not_use_it() {
    let (archive, sha256) = archive();
    let server = serving(archive);
    let proxy = Server::start(|client, _| reply(client, "403 Forbidden", "", b""));
    let url = server.url("docker.tgz");
    for none_for in ["127.0.0.0/8", "127.0.0.1", "*"] {
        let network = through(&proxy.address, &["example.com", none_for]);
        assert_eq!(fetch_with(&network, &url, sha256).unwrap().sha256, sha256, "{none_for}");
    }
    assert_eq!(proxy.requests().len(), 0);
    let network = through(&proxy.address, &["example.com", "10.0.0.0/8"]);
    assert_eq!(problem(fetch_with(&network, &url, sha256)), "the proxy answers 403 Forbidden");
}
