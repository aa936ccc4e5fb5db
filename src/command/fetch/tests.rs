//! Fetching into a cache of the test's own, from files and from a server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ring::signature::{Ed25519KeyPair, KeyPair};

use super::*;
use crate::archive::tests::Tar;
use crate::archive::tests::server::{Server, announce, reply};
use crate::config::{Hosts, Inputs, Location, Locations, Words};
use crate::error::Class;

/// A configuration whose cache is a directory of its own.
struct Site {
    scratch: tempfile::TempDir,
    config: Config,
}

impl Site {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        let mut config = Config::load(&Inputs { root, ..Inputs::default() }).unwrap();
        config.fetch.cache = Some(scratch.path().join("cache"));
        config.fetch.official = false;
        config.fetch.no_proxy = Hosts(vec!["*".to_owned()]);
        Self { scratch, config }
    }

    /// With this archive in a file of this name.
    fn archive(mut self, name: &str, bytes: &[u8]) -> Self {
        let path = self.scratch.path().join(name);
        fs::write(&path, bytes).unwrap();
        self.config.docker.archive = Some(Location(path.to_str().unwrap().to_owned()));
        self
    }

    /// With this server as its mirror.
    fn mirror(mut self, server: &Server) -> Self {
        self.config.fetch.mirrors = Locations(vec![Location(server.url("docker"))]);
        self
    }

    fn fetch(&self) -> Result<(ArchiveReport, bool)> {
        let mut notes = Collector::default();
        fetch_into(&self.config, Some("x86_64"), false, &Interrupt::default(), &mut notes)
    }

    fn cached(&self, name: &str) -> PathBuf {
        self.scratch.path().join("cache/x86_64").join(name)
    }
}

fn good() -> (Vec<u8>, Digest) {
    let archive = Tar::docker().tgz();
    let digest = Digest::of(&archive);
    (archive, digest)
}

#[test]
fn an_archive_comes_into_the_cache_once() {
    let (archive, sha256) = good();
    let site = Site::new().archive("docker-29.9.9.tgz", &archive);
    let (report, is_new) = site.fetch().unwrap();
    assert!(is_new);
    assert_eq!((report.version.as_str(), report.vouched_for_by.as_str()), ("29.9.9", "nobody"));
    assert_eq!((report.size, report.sha256), (archive.len() as u64, sha256.to_string()));
    let cached = site.cached("docker-29.9.9.tgz");
    assert_eq!(fs::read(&cached).unwrap(), archive);
    assert!(!site.fetch().unwrap().1, "it is there");
    let note = fs::read_to_string(site.cached("docker-29.9.9.tgz.sha256")).unwrap();
    assert_eq!(note, format!("{sha256}  docker-29.9.9.tgz\n"));
    fs::write(&cached, b"damaged").unwrap();
    assert!(site.fetch().unwrap().1, "what is there is not it");
    assert_eq!(fs::read(&cached).unwrap(), archive);
}

#[test]
fn what_cannot_be_used_leaves_nothing_in_the_cache() {
    let (archive, _) = good();
    let hostile = Tar::docker().file("etc/passwd").tgz();
    let mut other = Site::new().archive("docker-29.9.9.tgz", &archive);
    other.config.docker.sha256 = Some(Digest::of(b"something else"));
    for (what, site) in [
        ("hostile", Site::new().archive("docker-29.9.9.tgz", &hostile)),
        ("cut", Site::new().archive("docker-29.9.9.tgz", &archive[..100])),
        ("of another digest", other),
        ("of another version", Site::new().archive("docker-17.03.0-ce.tgz", &archive)),
    ] {
        let error = site.fetch().unwrap_err();
        assert_eq!(error.class(), Class::Refused, "{what}: {error}");
        let left = fs::read_dir(site.scratch.path().join("cache/x86_64")).unwrap().count();
        assert_eq!(left, 0, "{what}");
    }
    let nameless = Site::new().archive("docker.tgz", &archive).fetch().unwrap_err();
    assert_eq!(nameless.class(), Class::Usage, "{nameless}");
    let mut nowhere = Site::new().archive("docker-29.9.9.tgz", &archive);
    nowhere.config.fetch.cache = None;
    assert_eq!(nowhere.fetch().unwrap_err().class(), Class::Usage);
}

#[test]
fn two_do_not_fetch_at_once() {
    let (archive, _) = good();
    let site = Site::new().archive("docker-29.9.9.tgz", &archive);
    let held = Cache::at(site.config.fetch.cache.as_deref().unwrap()).lock(false).unwrap();
    assert_eq!(site.fetch().unwrap_err().class(), Class::Locked);
    drop(held);
    assert!(site.fetch().is_ok());
}

#[test]
fn a_cache_that_is_in_the_way_is_an_error_with_its_path() {
    let (archive, _) = good();
    let site = Site::new().archive("docker-29.9.9.tgz", &archive);
    fs::write(site.scratch.path().join("cache"), "a file").unwrap();
    let error = site.fetch().unwrap_err();
    assert!(error.to_string().contains("cache"), "{error}");
    let site = Site::new().archive("docker-29.9.9.tgz", &archive);
    fs::create_dir_all(site.cached("docker-29.9.9.tgz").join("below")).unwrap();
    let error = site.fetch().unwrap_err();
    assert!(error.to_string().contains("docker-29.9.9.tgz"), "{error}");
    assert_eq!(fs::read_dir(site.scratch.path().join("cache/x86_64")).unwrap().count(), 1, "no part is left");
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quad = |chunk: &[u8]| {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let digit = |place: usize| char::from(DIGITS[bits as usize >> (18 - 6 * place) & 63]);
        (0..4).map(|place| if place <= chunk.len() { digit(place) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(quad).collect()
}

/// A key of minisign's, and what it signs.
struct Signer(Ed25519KeyPair);

impl Signer {
    fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    fn key(&self) -> Words {
        Words(base64(&[b"Ed", [7; 8].as_slice(), self.0.public_key().as_ref()].concat()))
    }

    fn sign(&self, text: &str) -> String {
        let signature = self.0.sign(text.as_bytes());
        let comment = "made for a test";
        let global = self.0.sign(&[signature.as_ref(), comment.as_bytes()].concat());
        let line = base64(&[b"Ed", [7; 8].as_slice(), signature.as_ref()].concat());
        format!("untrusted comment: x\n{line}\ntrusted comment: {comment}\n{}\n", base64(global.as_ref()))
    }
}

#[test]
fn what_signed_sums_vouch_for_comes_from_a_mirror() {
    let (archive, sha256) = good();
    let signer = Signer::new(1);
    let sums = format!("{sha256}  x86_64/docker-29.9.9.tgz\n");
    let signature = signer.sign(&sums);
    let server = Server::start(move |client, request| {
        let body = match request.path() {
            "/docker/x86_64/docker-29.9.9.tgz" => archive.as_slice(),
            "/SHA256SUMS" => sums.as_bytes(),
            "/SHA256SUMS.minisig" | "/other.minisig" => signature.as_bytes(),
            "/other" => b"something else",
            _ => return reply(client, "404 Not Found", "", b""),
        };
        reply(client, "200 OK", &announce(body.len()), body);
    });
    let site = |sums: &str, key: Option<Words>| {
        let mut site = Site::new().mirror(&server);
        site.config.docker.version = Some(Version::new(29, 9, 9));
        site.config.fetch.sums = Some(Location(server.url(sums)));
        site.config.fetch.signed_by = key;
        site
    };
    let (report, _) = site("SHA256SUMS", Some(signer.key())).fetch().unwrap();
    assert_eq!((report.sha256, report.vouched_for_by), (sha256.to_string(), server.url("SHA256SUMS")));
    for (sums, key, class) in [
        ("SHA256SUMS", Some(Signer::new(2).key()), Class::Refused),
        ("SHA256SUMS", Some(Words("RWQ".to_owned())), Class::Usage),
        ("SHA256SUMS", None, Class::Usage),
        ("other", Some(signer.key()), Class::Refused),
        // Without sums nothing is known of it, and nothing is asked for.
        ("missing", Some(signer.key()), Class::Refused),
    ] {
        let error = site(sums, key).fetch().unwrap_err();
        assert_eq!(error.class(), class, "{sums}: {error}");
    }
    let asked = server.requests().iter().filter(|request| request.path().starts_with("/docker/")).count();
    assert_eq!(asked, 1, "only what is vouched for is asked for");
}

#[test]
fn sums_that_are_no_good_are_passed_over_where_the_catalogue_knows() {
    let signer = Signer::new(1);
    let server = Server::start(move |client, request| match request.path() {
        "/busy" => reply(client, "503 Busy", "", b""),
        "/large" => reply(client, "200 OK", "", &vec![b'#'; (1 << 20) + 1]),
        _ => reply(client, "200 OK", "", b"<html>log in</html>"),
    });
    let mut config = Site::new().config;
    config.fetch.signed_by = Some(signer.key());
    for (sums, problem) in [
        ("portal", "the signature is not one of minisign's"),
        ("large", "is larger than 1 MiB"),
        ("busy", "the server answers 503 Service Unavailable"),
    ] {
        config.fetch.sums = Some(Location(server.url(sums)));
        let trust = |version| {
            let mut notes = Collector::default();
            let request = Request::anywhere(&config, version, Arch::X86_64)?;
            let network = network(&config);
            let wanted = request.wanted(&Interrupt::default(), &config, &network, &mut notes)?;
            let mut report = Report::new("docker fetch");
            notes.enter(&mut report);
            Ok::<_, Error>((wanted.trust.map(|trust| trust.by), report.notes))
        };
        let asked = server.requests().len();
        let (by, notes) = trust(Version::new(28, 5, 2)).unwrap();
        assert_eq!(by, Some(crate::archive::Authority::Catalogue), "{sums}");
        let note = format!("archive {}: {problem}; the signed sums are not used", server.url(sums));
        assert_eq!(notes, [note]);
        let asked = server.requests().len() - asked;
        assert!(asked <= 2, "{sums} was asked for {asked} times");
        if sums == "portal" {
            let error = trust(Version::new(29, 9, 9)).unwrap_err();
            assert_eq!(error.class(), Class::Refused, "{error}");
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}

#[test]
fn the_note_in_the_cache_counts_only_where_nobody_else_could_write_it() {
    let (archive, sha256) = good();
    let site = Site::new().archive("docker-29.9.9.tgz", &archive);
    site.fetch().unwrap();
    let server = Server::start(move |client, _| reply(client, "200 OK", &announce(archive.len()), &archive));
    let mut later = site.config.clone();
    later.docker.archive = None;
    later.docker.version = Some(Version::new(29, 9, 9));
    later.fetch.mirrors = Locations(vec![Location(server.url("docker"))]);
    let site = Site { config: later, ..site };
    fs::write(site.cached("docker-29.9.9.tgz"), "damaged").unwrap();
    let (report, is_new) = site.fetch().unwrap();
    assert_eq!((report.sha256, is_new), (sha256.to_string(), true));
    assert_eq!(report.vouched_for_by, "the cache");
    let note = site.cached("docker-29.9.9.tgz.sha256");
    fs::set_permissions(note, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(site.fetch().unwrap_err().class(), Class::Refused);
}
