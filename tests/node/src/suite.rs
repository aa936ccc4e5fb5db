//! The Debian releases a node can be made of.

use std::fmt;
use std::str::FromStr;

use anyhow::{Error, bail};

/// A Debian release: each brings another systemd, iptables and docker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suite {
    /// Debian 11.
    Bullseye,
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
    /// Debian 14, still moving.
    Forky,
}

impl Suite {
    /// Every suite, oldest first.
    pub const ALL: [Self; 4] = [Self::Bullseye, Self::Bookworm, Self::Trixie, Self::Forky];

    /// The name apt knows it by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bullseye => "bullseye",
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::Forky => "forky",
        }
    }

    /// The docker the suite packages, and so the version of its [`archive`](crate::archive()).
    #[must_use]
    pub const fn docker_version(self) -> &'static str {
        match self {
            Self::Bullseye => "20.10.5",
            Self::Bookworm => "20.10.24",
            Self::Trixie => "26.1.5",
            Self::Forky => "28.5.2",
        }
    }

    /// The suite before it, whose docker runs on this one too; of the oldest, itself.
    #[must_use]
    pub const fn older(self) -> Self {
        match self {
            Self::Bullseye | Self::Bookworm => Self::Bullseye,
            Self::Trixie => Self::Bookworm,
            Self::Forky => Self::Trixie,
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Suite {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match Self::ALL.into_iter().find(|suite| suite.name() == text) {
            Some(suite) => Ok(suite),
            None => bail!("no suite {text}: there are {}", Self::ALL.map(Self::name).join(", ")),
        }
    }
}
