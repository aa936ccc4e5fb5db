//! docker's version numbers: `18.09.0`, `20.10.24+dfsg1`, `28.5.2`.
//!
//! Not semver: minors have leading zeros, distributions append their own mark,
//! and what follows the three numbers never decides anything here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Year or major, month or minor, patch; ordered by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// `18` of `18.09.0`.
    pub major: u16,
    /// `9` of `18.09.0`.
    pub minor: u16,
    /// `0` of `18.09.0`.
    pub patch: u16,
}

impl Version {
    /// A version from its three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// The version in an archive's file name: `docker-VERSION.tgz`, with
    /// `-ce` behind the version up to 18.06.
    pub fn of_archive_name(name: &str) -> Option<Self> {
        let stem = name.strip_prefix("docker-")?;
        let stem = stem.strip_suffix(".tgz").or_else(|| stem.strip_suffix(".tar.gz"))?;
        stem.parse().ok()
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || format!("'{text}' is not a docker version such as 28.5.2");
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (numbers, mark) = text.split_at(end);
        if !(mark.is_empty() || mark.starts_with(['-', '+', '~'])) {
            return Err(malformed());
        }
        let mut parts = numbers.split('.').map(str::parse::<u16>);
        let mut next = || parts.next().and_then(Result::ok).ok_or_else(malformed);
        let version = Self::new(next()?, next()?, next()?);
        if parts.next().is_some() { Err(malformed()) } else { Ok(version) }
    }
}

impl fmt::Display for Version {
    /// As docker writes it: the months of 17.03 to 19.03 have two digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, patch } = self;
        if *major < 20 {
            write!(f, "{major}.{minor:02}.{patch}")
        } else {
            write!(f, "{major}.{minor}.{patch}")
        }
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_written_as_docker_does() {
        for (text, written) in [
            ("18.09.0", "18.09.0"),
            ("18.06.3-ce", "18.06.3"),
            ("20.10.24+dfsg1", "20.10.24"),
            ("28.5.2", "28.5.2"),
            ("26.1.5~rc1", "26.1.5"),
        ] {
            assert_eq!(text.parse::<Version>().map(|v| v.to_string()), Ok(written.to_owned()));
        }
        for text in ["", "18", "18.09", "18.09.0.1", "v18.09.0", "18.09.0x", "18..0", "18.-9.0", "99999.1.1"]
        {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_archive_is_named_after_its_version() {
        for (name, version) in [
            ("docker-18.09.0.tgz", Some(Version::new(18, 9, 0))),
            ("docker-17.03.0-ce.tgz", Some(Version::new(17, 3, 0))),
            ("docker-28.5.2.tar.gz", Some(Version::new(28, 5, 2))),
            ("docker-rootless-extras-28.5.2.tgz", None),
            ("docker.tgz", None),
        ] {
            assert_eq!(Version::of_archive_name(name), version, "{name}");
        }
    }
}
