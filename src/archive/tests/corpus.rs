//! Good archives are read as they are; damaged and hostile ones are refused by name.

use std::io::{self, Read};

use super::{BLOCK, FILES, Tar, VERSION, gzip, read};
use crate::archive::unpack::{self, Discard, Sink};
use crate::archive::{Contents, Member};
use crate::digest::Digest;
use crate::error::{Error, Result};

/// Checks `contents` and what was kept against [`FILES`].
fn assert_docker(archive: &[u8]) {
    let (contents, kept) = read(archive).unwrap();
    assert_eq!(contents.sha256, Digest::of(archive));
    assert!(contents.members.is_sorted_by_key(|member| &member.name));
    assert_eq!(contents.members.len(), FILES.len());
    for ((member, bytes), (name, written)) in kept.files.iter().zip(FILES) {
        let sha256 = Digest::of(written);
        assert_eq!(*member, Member { name: name.to_owned(), sha256, size: written.len() as u64 });
        assert_eq!(bytes, written, "{name}");
        assert!(contents.members.contains(member));
    }
}

fn problem<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Archive { origin, problem, help }) => {
            assert_eq!(origin, "docker.tgz");
            assert!(!help.is_empty());
            problem
        }
        other => panic!("not refused as an archive: {other:?}"),
    }
}

#[test]
fn a_docker_archive_is_read_in_every_usual_form() {
    let long = "docker/containerd-shim\0";
    for (form, archive) in [
        ("plain", Tar::docker().tgz()),
        ("filled up to a record", gzip(&[Tar::docker().end(), vec![0; 7 * BLOCK]].concat())),
        ("zeros behind the gzip stream", [Tar::docker().tgz(), vec![0; 3000]].concat()),
        ("a pax header with times", Tar::default().pax(b'x', "mtime", "1.5").append(&Tar::docker()).tgz()),
        ("a global comment", Tar::default().pax(b'g', "comment", "abc").append(&Tar::docker()).tgz()),
    ] {
        println!("{form}");
        assert_docker(&archive);
    }
    let named = Tar::docker().entry(b"././@LongLink", b'L', long.as_bytes()).file("docker/x").tgz();
    let renamed = Tar::docker().pax(b'x', "path", "docker/containerd-shim").file("docker/x").tgz();
    for archive in [named, renamed] {
        let (contents, _) = read(&archive).unwrap();
        assert!(contents.members.iter().any(|member| member.name == "containerd-shim"));
    }
}

#[test]
fn what_another_program_writes_is_read() {
    for new_header in [::tar::Header::new_gnu, ::tar::Header::new_ustar, ::tar::Header::new_old] {
        let mut builder = ::tar::Builder::new(Vec::new());
        for (name, contents) in FILES {
            let mut header = new_header();
            header.set_size(contents.len() as u64);
            header.set_mode(0o755);
            builder.append_data(&mut header, format!("docker/{name}"), contents).unwrap();
        }
        assert_docker(&gzip(&builder.into_inner().unwrap()));
    }
}

#[test]
fn hostile_entries_are_refused() {
    let docker = Tar::docker;
    let far = "x/".repeat(200);
    for (tar, expected) in [
        (docker().file("docker/../runc"), "its entry 'docker/../runc' has '..' in its path"),
        (docker().file("../runc"), "its entry '../runc' has '..' in its path"),
        (docker().file("/docker/runc"), "its entry '/docker/runc' has an absolute path"),
        (docker().entry(b"docker/ctr", b'2', b""), "its entry 'docker/ctr' is a symbolic link"),
        (docker().entry(b"docker/ctr", b'1', b""), "its entry 'docker/ctr' is a hard link"),
        (docker().entry(b"docker/ctr", b'3', b""), "its entry 'docker/ctr' is a character device"),
        (docker().entry(b"docker/ctr", b'4', b""), "its entry 'docker/ctr' is a block device"),
        (docker().entry(b"docker/ctr", b'6', b""), "its entry 'docker/ctr' is a fifo"),
        (docker().entry(b"docker/ctr", b'S', b""), "its entry 'docker/ctr' is a sparse file"),
        (docker().entry(b"docker/ctr", b'K', b""), "its entry 'docker/ctr' is a link with a long target"),
        (docker().entry(b"docker/ctr", b'V', b""), "its entry 'docker/ctr' is an entry of unknown type"),
        (docker().file("docker/runc"), "its entry 'docker/runc' is in it twice"),
        (docker().file("docker/kubectl"), "its entry 'docker/kubectl' is not one of docker's files"),
        (docker().file("docker/\x1b[2Jctr"), "its entry 'docker/\\u{1b}[2Jctr' is not one of docker's files"),
        (
            docker().entry(b"docker/\xff", b'0', b"x"),
            "its entry 'docker/\u{fffd}' has a name that is not UTF-8",
        ),
        (docker().entry(b"docker/ctr", b'0', b""), "its entry 'docker/ctr' is empty"),
        (
            docker().entry(b"etc/", b'5', b""),
            "its entry 'etc/' is a directory that docker's archives do not have",
        ),
        (
            docker().header(b"docker/ctr", b'0', b"77777777777\0"),
            "its entry 'docker/ctr' is larger than 200 MiB",
        ),
        (
            docker().header(b"docker/ctr", b'0', b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"),
            "its entry 'docker/ctr' is larger than 200 MiB",
        ),
        (
            docker().header(b"docker/ctr", b'0', b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            "is corrupt: tar header 9 has a size that is not a number",
        ),
        (
            docker().header(b"docker/ctr", b'0', b"-0000000001\0"),
            "is corrupt: tar header 9 has a size that is not a number",
        ),
        (docker().header(b"docker/ctr", b'0', b"00010000000\0"), "unpacks to more than 2 MiB"),
        (docker().pax(b'x', "path", "../x").file("docker/ctr"), "its entry '../x' has '..' in its path"),
        (
            docker().pax(b'x', "path", &far).file("docker/ctr"),
            "its entry 'x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/' is not one of docker's files",
        ),
        (
            docker().pax(b'x', "size", "536870913").file("docker/ctr"),
            "its entry 'docker/ctr' is larger than 200 MiB",
        ),
        (docker().pax(b'x', "size", "-1").file("docker/ctr"), "is corrupt: its pax records do not add up"),
        (docker().pax(b'x', "GNU.sparse.major", "1").file("docker/ctr"), "its entry 'pax' is a sparse file"),
        (
            docker().pax(b'g', "path", "docker/ctr").file("docker/x"),
            "its entry 'pax' renames all that follows",
        ),
        (
            docker().entry(b"pax", b'x', b"99 path=x\n").file("docker/ctr"),
            "is corrupt: its pax records do not add up",
        ),
        (docker().pax(b'x', "path", "docker/ctr"), "is cut off: its tar has no end"),
        (
            docker().entry(b"L", b'L', b"docker/../x\0").file("docker/ctr"),
            "its entry 'docker/../x' has '..' in its path",
        ),
        (docker().header(b"L", b'L', b"77777777777\0"), "its entry 'L' has a name of absurd length"),
        (docker().header(b"x", b'x', b"77777777777\0"), "its entry 'x' has a name of absurd length"),
        ((0..70).fold(docker(), |tar, _| tar.entry(b"docker/", b'5', b"")), "has more than 64 entries"),
        (
            Tar::default().file("docker/docker"),
            "lacks dockerd, containerd, runc, docker-proxy, docker-init, containerd-shim-runc-v2",
        ),
        (Tar::default().file("README.md"), "its entry 'README.md' is not one of docker's files"),
        (
            Tar::default(),
            "lacks docker, dockerd, containerd, runc, docker-proxy, docker-init, containerd-shim-runc-v2",
        ),
    ] {
        assert_eq!(problem(read(&tar.tgz())), expected);
    }
}

#[test]
fn damaged_files_are_refused() {
    let good = Tar::docker().tgz();
    let with = |tail: &[u8]| [&good, tail].concat();
    let zeros = gzip(&[Tar::docker().end(), vec![0; 3 << 20]].concat());
    let mut noise = vec![0; 2 << 20];
    noise.iter_mut().fold(1_u32, |seed, byte| {
        *byte = (seed >> 24) as u8;
        seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
    });
    let corrupt = |at: usize| good.iter().enumerate().map(|(i, b)| if i == at { !b } else { *b }).collect();
    for (archive, expected) in [
        (vec![], "is empty"),
        (b"<html>404</html>".to_vec(), "is not a gzip file"),
        (Tar::docker().end(), "is not a gzip file"),
        (gzip(b""), "is cut off: its tar has no end"),
        (gzip(b"#!/bin/sh\n"), "is cut off: its tar has no end"),
        (gzip(&[b'x'; 4096]), "does not hold a tar archive"),
        (gzip(&Tar::docker().0), "is cut off: its tar has no end"),
        (gzip(&[Tar::docker().0, vec![0; BLOCK]].concat()), "is cut off: its tar has no end"),
        (gzip(&Tar::docker().0[..BLOCK * 3 + 9]), "is cut off: its tar has no end"),
        (
            gzip(&[Tar::docker().0, vec![0; BLOCK], vec![1; BLOCK]].concat()),
            "is corrupt: its tar goes on behind its end",
        ),
        (gzip(&[Tar::docker().end(), vec![1; BLOCK]].concat()), "has other bytes behind the end of its tar"),
        (gzip(&[Tar::docker().0, vec![1; BLOCK]].concat()), "is corrupt: tar header 9 has a wrong checksum"),
        (with(b"\0\0x"), "has other bytes behind the end of its gzip stream"),
        (with(&good), "has other bytes behind the end of its gzip stream"),
        (
            with(&[vec![0; 300 << 10], b"x".to_vec()].concat()),
            "has other bytes behind the end of its gzip stream",
        ),
        (with(&vec![0; 1 << 20]), "is larger than 1 MiB"),
        (gzip(&[Tar::docker().0, noise].concat()), "is corrupt: tar header 9 has a wrong checksum"),
        (corrupt(0), "is not a gzip file"),
        (zeros, "unpacks to more than 2 MiB"),
    ] {
        assert_eq!(problem(read(&archive)), expected);
    }
    for trailer in good.len() - 8..good.len() {
        let problem = problem(read(&corrupt(trailer)));
        assert!(problem.starts_with("is corrupt: its gzip stream breaks at byte"), "{trailer}: {problem}");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let good = Tar::docker().tgz();
    for length in (1..10).map(|tenth| good.len() * tenth / 10).chain([1, 9, 10, 17, good.len() - 1]) {
        let expected = format!("is cut off after {length} bytes");
        assert_eq!(problem(read(&good[..length])), expected);
    }
}

#[test]
fn a_flipped_bit_is_refused_or_changes_nothing() {
    let good = Tar::docker().tgz();
    let (_, kept) = read(&good).unwrap();
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match read(&flipped) {
            Ok((_, same)) => assert_eq!(same, kept, "bit {bit}"),
            Err(error) => assert!(matches!(error, Error::Archive { .. }), "bit {bit}: {error}"),
        }
    }
}

/// Reads some, then fails in its own way.
struct Failing<F>(usize, F);

impl<F: FnMut() -> io::Result<usize>> Read for Failing<F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return (self.1)();
        }
        let good = Tar::docker().tgz();
        let count = self.0.min(bytes.len());
        bytes[..count].copy_from_slice(&good[..count]);
        self.0 -= count;
        Ok(count)
    }
}

fn pass(source: impl Read + Send) -> Result<Contents> {
    unpack::read(source, VERSION, "docker.tgz", &mut Discard)
}

#[test]
fn a_failing_reader_fails_the_pass() {
    let broken = Failing(20, || Err(io::Error::other("the disk is gone")));
    assert_eq!(problem(pass(broken)), "cannot be read after 20 bytes: the disk is gone");
    let panicking = Failing(20, || panic!("of this test's making"));
    assert_eq!(problem(pass(panicking)), "made its reader panic");
    let mut calls = 0;
    let interrupted = Failing(20, move || {
        calls += 1;
        if calls < 3 { Err(io::ErrorKind::Interrupted.into()) } else { Ok(0) }
    });
    assert_eq!(problem(pass(interrupted)), "is cut off after 20 bytes");
}

/// Refuses the member named, and counts.
#[derive(Default)]
struct Full(&'static str, u64);

impl Sink for Full {
    fn begin(&mut self, name: &str, _size: u64) -> Result<()> {
        if name == self.0 { Err(Error::Interrupted { signal: "SIGTERM" }) } else { Ok(()) }
    }

    fn progress(&mut self, done: u64, _total: Option<u64>) -> Result<()> {
        self.1 = done;
        if self.0 == "progress" { Err(Error::Interrupted { signal: "SIGTERM" }) } else { Ok(()) }
    }
}

#[test]
fn an_error_of_the_sink_ends_the_pass_as_it_is() {
    let good = Tar::docker().tgz();
    for at in ["runc", "progress"] {
        let result = unpack::read(&good[..], VERSION, "docker.tgz", &mut Full(at, 0));
        assert!(matches!(result, Err(Error::Interrupted { signal: "SIGTERM" })), "{at}: {result:?}");
    }
}

#[test]
fn progress_ends_at_the_size_of_the_file() {
    let good = Tar::docker().tgz();
    let mut sink = Full::default();
    unpack::read(&good[..], VERSION, "docker.tgz", &mut sink).unwrap();
    assert_eq!(sink.1, good.len() as u64);
}
