//! Kernel parameters under `/proc/sys`, as they are now.
//!
//! What they will be after a boot is the business of files in `sysctl.d`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::change::Resource;
use crate::host::Host;
use crate::{Error, Result};

/// A key as `sysctl` writes it: `net.ipv4.ip_forward`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sysctl(pub String);

/// The value, words separated by one space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SysctlState {
    /// This kernel has no such key (yet: a module may bring it).
    Absent,
    /// The key's value.
    Value(String),
}

impl SysctlState {
    /// The state of a key that has `value`.
    pub fn value(value: &str) -> Self {
        Self::Value(value.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl Resource for Sysctl {
    type State = SysctlState;

    fn observe(&self, host: &Host) -> Result<SysctlState> {
        Ok(match host.kernel().sysctl(&self.0)? {
            Some(value) => SysctlState::value(&value),
            None => SysctlState::Absent,
        })
    }

    fn converge(&self, host: &Host, to: &SysctlState) -> Result<()> {
        match to {
            SysctlState::Value(value) => host.kernel().set_sysctl(&self.0, value),
            SysctlState::Absent => Err(Error::NotConverged {
                on: format!("sysctl {self}"),
                wanted: to.to_string(),
                found: "a key of the running kernel, which cannot be taken away".to_owned(),
            }),
        }
    }
}

impl fmt::Display for Sysctl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SysctlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("no such key"),
            Self::Value(value) => f.write_str(value),
        }
    }
}
