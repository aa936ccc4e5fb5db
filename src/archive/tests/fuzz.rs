//! Archives, and what servers say of them, for the fuzzer.

use ureq::http::{HeaderMap, HeaderValue, Uri, header as field};

use super::{Tar, gzip, read};
use crate::archive::download::{content_range, moment};
use crate::archive::header::{self, BLOCK};
use crate::archive::http::{by_status, shown};
use crate::archive::{Proxies, Source, trust};
use crate::digest::Digest;

pub(crate) const WORDS: &[&str] = &[
    "ustar\0",
    "ustar  \0",
    "docker/",
    "docker/runc",
    "../",
    "/etc/",
    "././@LongLink",
    "30 path=docker/containerd-shim\n",
    "16 size=9999999\n",
    "22 GNU.sparse.major=1\n",
    "00000000000\0",
    "77777777777\0",
    "\0\0\0\0\0\0\0\0",
];

pub(crate) const ANSWER: &[&str] = &[
    "bytes ",
    "0-99/100",
    "*/100",
    "/*",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "https://",
    "user:pass@",
    "@",
    ":",
    "[::1]",
    "#",
    "?sig=",
    "-",
];

pub(crate) const SUMS: &[&str] = &["  ", " *", "./", "untrusted comment: "];

pub(crate) fn files() -> Vec<Vec<u8>> {
    tars().iter().map(|tar| gzip(tar)).collect()
}

pub(crate) fn tars() -> Vec<Vec<u8>> {
    let named = Tar::docker().entry(b"././@LongLink", b'L', b"docker/containerd-shim\0").file("docker/x");
    let noted = Tar::default().pax(b'g', "comment", "abc").pax(b'x', "mtime", "1.5").append(&Tar::docker());
    let renamed = Tar::docker().pax(b'x', "path", "docker/containerd-shim").file("docker/x");
    [Tar::docker(), named, noted, renamed].into_iter().map(Tar::end).collect()
}

pub(crate) fn answers() -> Vec<Vec<u8>> {
    let lines = [
        "bytes 100-199/200",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "https://user:secret@mirror.example.com:8443/docker/x.tgz?sig=abc#part",
        "file:///srv/docker.tgz",
        "120",
        "10.0.0.0/8",
        ".example.com:8080",
    ];
    lines.map(|line| line.as_bytes().to_vec()).to_vec()
}

pub(crate) fn sums() -> Vec<Vec<u8>> {
    let digest = Digest::of(b"");
    let sums = format!("{digest}  x86_64/docker-28.5.2.tgz\n{digest} *./aarch64/docker-28.5.2.tgz\n");
    let signed = "untrusted comment: signature from minisign secret key\n\
        RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
        trusted comment: timestamp:1633700835\tfile:test\tprehashed\n\
        wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";
    vec![sums.into_bytes(), signed.as_bytes().to_vec()]
}

/// An archive that is let through holds what its list says, and no more, under names that are docker's.
pub(crate) fn file(archive: &[u8]) -> String {
    let (contents, kept) = match read(archive) {
        Ok(read) => read,
        Err(error) => return error.to_string(),
    };
    assert_eq!(contents.sha256, Digest::of(archive));
    assert_eq!(contents.members.len(), kept.files.len());
    for (member, bytes) in &kept.files {
        assert!(contents.members.contains(member));
        assert_eq!((member.size, member.sha256), (bytes.len() as u64, Digest::of(bytes)));
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(member.name.bytes().all(is_plain), "{:?}", member.name);
    }
    format!("{} members", contents.members.len())
}

/// The same behind the gzip stream, whose checksum a hostile archive has right, as it has those of
/// its headers.
pub(crate) fn tar(bytes: &[u8]) -> String {
    let mut bytes = bytes.to_vec();
    if !bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>().is_multiple_of(4) {
        for block in bytes.chunks_exact_mut(BLOCK).filter(|block| block[257..].starts_with(b"ustar")) {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().copied().map(u32::from).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    file(&gzip(&bytes))
}

pub(crate) fn header(bytes: &[u8]) -> String {
    let records = header::pax(bytes);
    let parsed = bytes.first_chunk().map(header::parse);
    format!("{} {:?}", records.is_some(), parsed.map(|parsed| parsed.map(|header| header.role)))
}

/// What servers and settings say. A URL that is shown has no password in it.
pub(crate) fn answer(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut headers = HeaderMap::new();
    headers.extend(HeaderValue::from_bytes(bytes).ok().map(|value| (field::RETRY_AFTER, value)));
    let later = by_status(503, &headers);
    let shows = shown(&text);
    if let Some(shows) = &shows {
        let rest = shows.split("://").nth(1).unwrap_or_default();
        let authority = rest.split('/').next().unwrap_or_default();
        assert!(!authority.contains('@') && !shows.contains('?'), "{shows:?}");
        assert!(!shows.contains(char::is_control), "{shows:?}");
    }
    let source = text.parse::<Source>().map(|source| source.to_string().contains("://"));
    let none_for = vec![text.to_string()];
    let proxies = Proxies { http: Some(text.to_string()), none_for, ..Proxies::default() };
    let proxy = proxies.for_uri(&Uri::from_static("http://mirror.example.com/x"));
    format!(
        "{:?} {} {} {} {} {:?}",
        later.again,
        content_range(&text).is_some(),
        moment(&text).is_some(),
        shows.is_some(),
        source.is_ok(),
        proxy.map(|proxy| proxy.is_some()),
    )
}

pub(crate) fn sum(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let key = trust::public_key("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3").unwrap();
    let verified = trust::verify(b"Test", &text, &key);
    assert!(verified.is_err(), "a signature of something else is taken");
    let found = trust::digest_in(&text, "x86_64", "docker-28.5.2.tgz").is_some();
    format!("{found} {verified:?} {}", trust::public_key(&text).is_ok())
}
