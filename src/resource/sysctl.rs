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

    /// A value is written whole; but the kernel may have made it fit a limit of its own.
    fn between(_: &Host, from: &SysctlState, to: &SysctlState, now: &SysctlState) -> bool {
        is_fitted(from, to, now)
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

    fn offline(_: SysctlState) -> Option<SysctlState> {
        None
    }
}

fn is_fitted(from: &SysctlState, to: &SysctlState, now: &SysctlState) -> bool {
    let numbers = |state: &SysctlState| match state {
        SysctlState::Absent => None,
        SysctlState::Value(value) => {
            value.split(' ').map(|word| word.parse::<i128>().ok()).collect::<Option<Vec<_>>>()
        }
    };
    let (Some(from), Some(to), Some(now)) = (numbers(from), numbers(to), numbers(now)) else {
        return false;
    };
    let within = |((from, to), now): ((&i128, &i128), &i128)| (from.min(to)..=from.max(to)).contains(&now);
    from.len() == now.len() && to.len() == now.len() && from.iter().zip(&to).zip(&now).all(within)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_the_old_nor_the_new_value_is_somebody_elses() {
        for (from, to, now, ours) in [
            ("4096", "65536", "32768", true),
            ("65536", "4096", "8192", true),
            ("0", "1", "2", false),
            ("4096 87380", "8192 174760", "8192 100000", true),
            ("4096 87380", "8192 174760", "8192 200000", false),
            ("4096 87380", "8192 174760", "8192", false),
            ("1024 65000", "1024 65535", "x", false),
        ] {
            let is_fitted =
                is_fitted(&SysctlState::value(from), &SysctlState::value(to), &SysctlState::value(now));
            assert_eq!(is_fitted, ours, "{from} to {to}: {now}");
        }
        let (absent, value) = (SysctlState::Absent, SysctlState::value("1"));
        assert!(!is_fitted(&absent, &value, &SysctlState::value("2")));
    }
}
