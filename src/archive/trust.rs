//! What an archive must be, and who says so.
//!
//! Whoever serves an archive can serve a digest of it as well: so the digest comes from
//! somewhere else, or from a file that was signed with a key which the site has set.
//! The signature is minisign's: ed25519 over one line format, which one small crate by
//! the format's author reads, where `OpenPGP` would bring a packet parser, certificates and
//! policies, or a program that a bare node does not have.

use std::fmt;

use minisign_verify::{PublicKey, Signature};

use crate::digest::Digest;

/// What an archive must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Its digest.
    pub sha256: Digest,
    /// Who says so.
    pub by: Authority,
}

/// Who says what an archive must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// A setting: where it was written.
    Setting(String),
    /// A signed sums file: where it is.
    Sums(String),
    /// The built-in catalogue.
    Catalogue,
    /// The journal: it was installed from it before.
    Journal,
    /// The cache, which node-setup filled with what it had verified.
    Cache,
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(origin) | Self::Sums(origin) => f.write_str(origin),
            Self::Catalogue => f.write_str("the built-in catalogue"),
            Self::Journal => f.write_str("the journal"),
            Self::Cache => f.write_str("the cache"),
        }
    }
}

/// Reads a public key as minisign prints it: one line of base64, the comment before it or not.
pub fn public_key(text: &str) -> Result<PublicKey, String> {
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    PublicKey::from_base64(line).map_err(|_| "it is not a public key of minisign, such as RWQf6L…".to_owned())
}

/// What is wrong with `signature` being that of `sums` by `key`, if something is.
pub fn verify(sums: &[u8], signature: &str, key: &PublicKey) -> Result<(), String> {
    let signature = Signature::decode(signature).map_err(|_| "the signature is not one of minisign's")?;
    key.verify(sums, &signature, true)
        .map_err(|_| "the signature is not by the key of fetch.signed-by".to_owned())
}

/// The digest of `name` for `arch` in a sums file as sha256sum(1) writes it. The name may
/// have the architecture's directory before it, and then counts for no other.
pub fn digest_in(sums: &str, arch: &str, name: &str) -> Option<Digest> {
    let of_arch = format!("{arch}/{name}");
    let lines = || sums.lines().filter_map(sum);
    let is_of_arch = |path: &str| path == of_arch || path.ends_with(&format!("/{of_arch}"));
    let exact = lines().find(|(_, path)| is_of_arch(path));
    exact.or_else(|| lines().find(|(_, path)| *path == name)).map(|(digest, _)| digest)
}

/// `DIGEST  PATH`, or `DIGEST *PATH` of a file that was read as binary.
fn sum(line: &str) -> Option<(Digest, &str)> {
    let (digest, path) = line.split_once(' ')?;
    let path = path.strip_prefix([' ', '*']).unwrap_or(path).trim();
    Some((digest.parse().ok()?, path.strip_prefix("./").unwrap_or(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    /// minisign's own example: the text `test`, with the digest of the text signed.
    const SIGNATURE: &str = "untrusted comment: signature from minisign secret key\n\
        RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
        trusted comment: timestamp:1633700835\tfile:test\tprehashed\n\
        wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";

    #[test]
    fn a_signature_is_that_of_the_text_by_the_key() {
        let key = public_key(&format!("untrusted comment: minisign public key\n{KEY}\n")).unwrap();
        assert_eq!(verify(b"test", SIGNATURE, &key), Ok(()));
        assert!(verify(b"Test", SIGNATURE, &key).is_err());
        assert!(verify(b"test", &SIGNATURE.replace("1633700835", "1633700836"), &key).is_err());
        assert!(verify(b"test", "", &key).is_err());
        let other = public_key("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO4");
        assert!(other.is_ok_and(|other| verify(b"test", SIGNATURE, &other).is_err()));
        for text in ["", "RWQ", "untrusted comment: x"] {
            assert!(public_key(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_sum_is_found_by_name_and_architecture() {
        let (one, two, three) = (Digest::of(b"1"), Digest::of(b"2"), Digest::of(b"3"));
        let sums = format!(
            "{one}  x86_64/docker-28.5.2.tgz\n{two} *./aarch64/docker-28.5.2.tgz\n{three}  docker-27.3.1.tgz\n\
             # a comment\n\nnonsense  docker-26.1.4.tgz\n"
        );
        for (arch, name, expected) in [
            ("x86_64", "docker-28.5.2.tgz", Some(one)),
            ("aarch64", "docker-28.5.2.tgz", Some(two)),
            ("x86_64", "docker-27.3.1.tgz", Some(three)),
            ("x86_64", "docker-26.1.4.tgz", None),
            ("x86_64", "docker-28.5.tgz", None),
            ("86_64", "docker-28.5.2.tgz", None),
        ] {
            assert_eq!(digest_in(&sums, arch, name), expected, "{arch} {name}");
        }
    }
}
