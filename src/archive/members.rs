//! Which entries of an archive we install, and which make us refuse all of it.
//!
//! The list is closed: an archive with a file that docker never shipped is not
//! docker's, and what it would do to the node is unknown.

use crate::version::Version;

/// The directory that every member is in.
const DIRECTORY: &str = "docker/";

/// The largest member; docker's own are below 120 MiB.
pub const MAX_MEMBER: u64 = 200 << 20;

/// The most tar headers in an archive, extended ones included.
pub const MAX_HEADERS: usize = 64;

/// The version that took the prefix off the names of what docker does not write itself.
const RENAMED: Version = Version::new(18, 9, 0);

/// The version that brought containerd's second shim; 19.03 had it in its last releases.
const SECOND_SHIM: Version = Version::new(19, 3, 0);

/// Every file that docker's static archives have had since 17.03, with the versions that
/// have it: from the first, and before the second. Taken from what docker-ce-packaging puts
/// into them (`static/Makefile` on its branches 17.06 to 29.4).
const NAMES: [(&str, Version, Version); 13] = [
    ("docker", OLDEST, NEVER),
    ("dockerd", OLDEST, NEVER),
    ("docker-init", OLDEST, NEVER),
    ("docker-proxy", OLDEST, NEVER),
    ("docker-containerd", OLDEST, RENAMED),
    ("docker-containerd-ctr", OLDEST, RENAMED),
    ("docker-containerd-shim", OLDEST, RENAMED),
    ("docker-runc", OLDEST, RENAMED),
    ("containerd", RENAMED, NEVER),
    ("containerd-shim", RENAMED, NEVER),
    ("containerd-shim-runc-v2", SECOND_SHIM, NEVER),
    ("ctr", RENAMED, NEVER),
    ("runc", RENAMED, NEVER),
];

const OLDEST: Version = Version::new(0, 0, 0);
const NEVER: Version = Version::new(u16::MAX, 0, 0);

/// What a docker worker cannot do without; each line under any of its names.
const NEEDED: [&[&str]; 7] = [
    &["docker"],
    &["dockerd"],
    &["containerd", "docker-containerd"],
    &["runc", "docker-runc"],
    &["docker-proxy"],
    &["docker-init"],
    &["containerd-shim-runc-v2", "containerd-shim", "docker-containerd-shim"],
];

/// What a tar entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// Anything else, by its noun phrase: "a symbolic link".
    Other(&'static str),
}

/// What is to be done with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Install it under this bare name.
    Accept(&'static str),
    /// Read past it.
    Skip,
    /// Refuse the archive; the entry "is a symbolic link".
    Refuse(String),
}

/// Judges one entry of docker `version`'s archive by its path as stored, its kind and its size.
pub fn judge(path: &[u8], kind: Kind, size: u64, version: Version) -> Verdict {
    match admit(path, kind, size, version) {
        Ok(verdict) => verdict,
        Err(reason) => Verdict::Refuse(reason),
    }
}

fn admit(path: &[u8], kind: Kind, size: u64, version: Version) -> Result<Verdict, String> {
    let path = std::str::from_utf8(path).map_err(|_| "has a name that is not UTF-8")?;
    if path.starts_with('/') {
        return Err("has an absolute path".to_owned());
    }
    if path.split('/').any(|component| component == "..") {
        return Err("has '..' in its path".to_owned());
    }
    match kind {
        Kind::Other(noun) => Err(format!("is {noun}")),
        Kind::Directory if path.trim_end_matches('/') != DIRECTORY.trim_end_matches('/') => {
            Err("is a directory that docker's archives do not have".to_owned())
        }
        Kind::Directory if size > 0 => Err("is a directory with contents".to_owned()),
        Kind::Directory => Ok(Verdict::Skip),
        Kind::Regular => admit_file(path, size, version).map(Verdict::Accept),
    }
}

fn admit_file(path: &str, size: u64, version: Version) -> Result<&'static str, String> {
    let (name, since, until) = path
        .strip_prefix(DIRECTORY)
        .and_then(|bare| NAMES.into_iter().find(|(name, ..)| *name == bare))
        .ok_or("is not one of docker's files")?;
    if version < since || version >= until {
        return Err(format!("is not one of docker {version}'s files"));
    }
    match size {
        0 => Err("is empty".to_owned()),
        1..=MAX_MEMBER => Ok(name),
        _ => Err(format!("is larger than {} MiB", MAX_MEMBER >> 20)),
    }
}

/// What `names` lack to be a complete set; each by its newest name.
pub fn missing(names: &[&str]) -> Vec<&'static str> {
    NEEDED
        .into_iter()
        .filter(|any| !any.iter().any(|name| names.contains(name)))
        .filter_map(|any| any.first().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_judged_by_path_kind_and_size() {
        use Kind::{Directory, Other, Regular};
        let refused = |reason: &str| Verdict::Refuse(reason.to_owned());
        for (path, kind, size, verdict) in [
            (&b"docker/dockerd"[..], Regular, 1, Verdict::Accept("dockerd")),
            (b"docker/runc", Regular, MAX_MEMBER, Verdict::Accept("runc")),
            (b"docker/", Directory, 0, Verdict::Skip),
            (b"docker", Directory, 0, Verdict::Skip),
            (b"docker/", Directory, 1, refused("is a directory with contents")),
            (b"etc/", Directory, 0, refused("is a directory that docker's archives do not have")),
            (b"docker/runc", Regular, 0, refused("is empty")),
            (b"docker/runc", Regular, MAX_MEMBER + 1, refused("is larger than 200 MiB")),
            (b"docker/kubectl", Regular, 1, refused("is not one of docker's files")),
            (b"docker/x/runc", Regular, 1, refused("is not one of docker's files")),
            (b"docker/runc/", Regular, 1, refused("is not one of docker's files")),
            (b"docker/runc\0", Regular, 1, refused("is not one of docker's files")),
            (b"./docker/runc", Regular, 1, refused("is not one of docker's files")),
            (b"runc", Regular, 1, refused("is not one of docker's files")),
            (b"", Regular, 1, refused("is not one of docker's files")),
            (b"/docker/runc", Regular, 1, refused("has an absolute path")),
            (b"docker/../runc", Regular, 1, refused("has '..' in its path")),
            (b"docker/run\xff", Regular, 1, refused("has a name that is not UTF-8")),
            (b"docker/runc", Other("a hard link"), 0, refused("is a hard link")),
        ] {
            let version = Version::new(28, 5, 2);
            assert_eq!(judge(path, kind, size, version), verdict, "{}", String::from_utf8_lossy(path));
        }
    }

    #[test]
    fn each_version_has_its_own_files() {
        for (name, version, is_its_own) in [
            ("docker-runc", "17.03.0", true),
            ("docker-runc", "18.06.3", true),
            ("docker-runc", "18.09.0", false),
            ("runc", "18.06.3", false),
            ("runc", "18.09.0", true),
            ("containerd-shim-runc-v2", "18.09.9", false),
            ("containerd-shim-runc-v2", "19.03.15", true),
            ("containerd-shim", "28.5.2", true),
            ("dockerd", "17.03.0", true),
        ] {
            let verdict =
                judge(format!("docker/{name}").as_bytes(), Kind::Regular, 1, version.parse().unwrap());
            let refused = Verdict::Refuse(format!("is not one of docker {version}'s files"));
            assert_eq!(verdict, if is_its_own { Verdict::Accept(name) } else { refused }, "{name} {version}");
        }
    }

    #[test]
    fn a_set_is_complete_under_old_names_and_new() {
        let old = ["docker-containerd", "docker-runc", "docker-containerd-shim"];
        let new = ["containerd", "runc", "containerd-shim-runc-v2"];
        let always = ["docker", "dockerd", "docker-proxy", "docker-init"];
        for three in [old, new] {
            let names: Vec<_> = always.into_iter().chain(three).collect();
            assert!(missing(&names).is_empty());
            for absent in &names {
                let rest: Vec<_> = names.iter().copied().filter(|name| name != absent).collect();
                assert_eq!(missing(&rest).len(), 1, "{absent}");
            }
        }
        assert_eq!(missing(&["containerd"]).len(), NEEDED.len() - 1);
    }
}
