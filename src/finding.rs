//! What somebody looked at and found: the one form of everything that is checked,
//! before a run and after it.
//!
//! "Could not look" is a status of its own, and never the same as "not as it should be".

use serde::{Deserialize, Serialize};

/// How something came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As it should be.
    Pass,
    /// Works, but somebody should look at it.
    Warn,
    /// Not as it should be. In preflight: a reason not to begin.
    Fail,
    /// Does not apply to this node, or nobody wants to know.
    Skip,
    /// Could not be looked at.
    Unknown,
}

/// What a check has to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// Stable name, such as `forward-policy`.
    pub id: String,
    /// How it came out.
    pub status: Status,
    /// What was seen, in one sentence.
    pub detail: String,
    /// What preflight wants to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<String>,
    /// What to do, when there is something to do.
    pub remedy: Option<String>,
    /// Who said that preflight is to go on all the same: `--skip`, a file and line, a variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped_by: Option<String>,
}

impl Finding {
    /// A verdict under a name.
    pub(crate) fn of(id: &str, verdict: Verdict) -> Self {
        let Verdict { status, detail, remedy } = verdict;
        Self { id: id.to_owned(), status, detail, needed: None, remedy, skipped_by: None }
    }

    /// Whether people want to read it without having asked for it.
    pub fn is_of_interest(&self) -> bool {
        !matches!(self.status, Status::Pass | Status::Skip) || self.skipped_by.is_some()
    }
}

/// A verdict on what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub(crate) status: Status,
    pub(crate) detail: String,
    pub(crate) remedy: Option<String>,
}

impl Verdict {
    pub(crate) fn pass(detail: impl Into<String>) -> Self {
        Self { status: Status::Pass, detail: detail.into(), remedy: None }
    }

    pub(crate) fn skip(detail: impl Into<String>) -> Self {
        Self { status: Status::Skip, detail: detail.into(), remedy: None }
    }

    pub(crate) fn warn(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Warn, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    pub(crate) fn fail(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Fail, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    pub(crate) fn unknown(detail: impl Into<String>, remedy: Option<String>) -> Self {
        Self { status: Status::Unknown, detail: detail.into(), remedy }
    }
}

/// Whether any finding keeps the node from counting as right.
pub fn any_failed(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| matches!(finding.status, Status::Fail | Status::Unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_does_not_count_as_right() {
        let finding = |status| Finding::of("", Verdict { status, detail: String::new(), remedy: None });
        for (status, failed) in [
            (Status::Pass, false),
            (Status::Warn, false),
            (Status::Skip, false),
            (Status::Fail, true),
            (Status::Unknown, true),
        ] {
            assert_eq!(any_failed(&[finding(status)]), failed, "{status:?}");
        }
    }
}
