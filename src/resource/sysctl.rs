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

    /// The kernel takes a number in any base that C has (`strtoul_lenient`), and shows it in ten.
    fn agree(one: &SysctlState, other: &SysctlState) -> bool {
        one == other || numbers(one).is_some_and(|one| Some(one) == numbers(other))
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
    let (Some(from), Some(to), Some(now)) = (numbers(from), numbers(to), numbers(now)) else {
        return false;
    };
    let is_fitted = |((from, to), now): ((&i128, &i128), &i128)| {
        (from.min(to)..=from.max(to)).contains(&now) || is_rounded(*to, *now)
    };
    from.len() == now.len() && to.len() == now.len() && from.iter().zip(&to).zip(&now).all(is_fitted)
}

/// How many pointers a page has, for pages of 4, 16 and 64 KiB.
const POINTERS: [u64; 3] = [512, 2048, 8192];

/// Whether the kernel may have made `now` of `to`: it makes hash tables of whole pages
/// (`nf_ct_alloc_hashtable`), and others of powers of two (`rps_sock_flow_sysctl`, `round_pipe_size`).
fn is_rounded(to: i128, now: i128) -> bool {
    let (Ok(to), Ok(now)) = (u64::try_from(to), u64::try_from(now)) else { return false };
    let pages = POINTERS.iter().map(|pointers| to.checked_next_multiple_of(*pointers));
    to > 0 && pages.chain([to.checked_next_power_of_two()]).any(|rounded| rounded == Some(now))
}

/// The words of a value, where each is a number.
fn numbers(state: &SysctlState) -> Option<Vec<i128>> {
    match state {
        SysctlState::Absent => None,
        SysctlState::Value(value) => value.split(' ').map(number).collect(),
    }
}

fn number(word: &str) -> Option<i128> {
    let (sign, digits) = word.strip_prefix('-').map_or((1, word), |digits| (-1, digits));
    let (base, digits) = match (digits.strip_prefix("0x"), digits.strip_prefix('0')) {
        (Some(digits), _) => (16, digits),
        (None, Some(octal)) if !octal.is_empty() => (8, octal),
        _ => (10, digits),
    };
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let number = i128::from_str_radix(digits, base).ok().filter(|_| is_plain)?;
    Some(sign * number)
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
            ("65536", "100000", "100352", true),
            ("4096", "5000", "8192", true),
            ("65536", "100000", "110000", false),
            ("0", "0x10", "8", true),
        ] {
            let is_fitted =
                is_fitted(&SysctlState::value(from), &SysctlState::value(to), &SysctlState::value(now));
            assert_eq!(is_fitted, ours, "{from} to {to}: {now}");
        }
        let (absent, value) = (SysctlState::Absent, SysctlState::value("1"));
        assert!(!is_fitted(&absent, &value, &SysctlState::value("2")));
    }

    #[test]
    fn a_number_is_the_same_in_every_base() {
        for (one, other, agree) in [
            ("0x10", "16", true),
            ("-0x1 010", "-1 8", true),
            ("0", "0x0", true),
            ("010", "10", false),
            ("16", "16 16", false),
            ("0x", "0", false),
            ("089", "89", false),
            ("0x-1", "-1", false),
            ("|/bin/core", "|/bin/core", true),
            ("core", "0xc", false),
        ] {
            assert_eq!(Sysctl::agree(&SysctlState::value(one), &SysctlState::value(other)), agree, "{one}");
        }
        assert!(!Sysctl::agree(&SysctlState::Absent, &SysctlState::value("0")));
    }
}
