//! What a command has to say, as a document and as a page.
//!
//! The document is a contract (`packaging/schema/report.schema.json`); fields are
//! added, never changed or taken away while [`SCHEMA`] stays the same.

mod collected;
mod explained;
mod journald;
mod looked;
mod page;
mod plain;
#[cfg(test)]
mod snapshots;
mod terminal;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::change::{Name, Step};
use crate::check::Finding;
use crate::config::Effective;
use crate::event::{Event, Left, Sink};
use crate::host::Host;
use crate::redact::redact_prose;

pub use journald::Journald;
pub use page::{Page, Style};
pub(crate) use plain::plain_all;
pub use terminal::{Terminal, print};

/// The form of the document.
pub const SCHEMA: u32 = 1;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing was, or is, to be done.
    Unchanged,
    /// The node was changed.
    Changed,
    /// Changes are pending; none was made.
    Planned,
    /// The node was not touched, for the reasons given.
    Refused,
    /// It failed; for a run, with something left that could not be put back.
    Failed,
    /// It failed, and the node is as it was before.
    Restored,
}

/// A change, made or planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeReport {
    /// What: a path, a key, a unit.
    pub on: String,
    /// Its kind: `file`, `module`, `sysctl`, `table`, `policy`, `unit`.
    pub kind: String,
    /// The state before, in words.
    pub from: String,
    /// The state after, in words.
    pub to: String,
    /// The difference as a unified diff, for text.
    pub diff: Option<String>,
    /// How long it took, in microseconds, where it was made just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
}

/// A long part of a run that is not a change: reading an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StageReport {
    /// What it is about.
    pub stage: String,
    /// How long it took, in microseconds.
    pub took_us: u64,
}

/// What went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ErrorReport {
    /// What was attempted, and on what.
    pub message: String,
    /// What the system said, outermost first.
    pub causes: Vec<String>,
    /// What to do now.
    pub help: Option<String>,
    /// Why preflight refused, if it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<RefusalReport>,
    /// The last lines that the unit logged, if it was one that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// A reason not to touch the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefusalReport {
    /// Stable name.
    pub id: String,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

/// Something that could not be, or was not, put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeftReport {
    /// What.
    pub on: String,
    /// Its kind.
    pub kind: String,
    /// Why.
    pub why: String,
}

/// What is installed, running and owned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StatusReport {
    /// The machine.
    pub node: String,
    /// Its distribution.
    pub distribution: String,
    /// docker's version, as node-setup installed it.
    pub installed: Option<String>,
    /// The SHA-256 of the archive that it was installed from.
    #[serde(default)]
    pub archive: Option<String>,
    /// docker's version, as its API tells it.
    pub running: Option<String>,
    /// docker.service, in words.
    pub docker: String,
    /// The guard, in words.
    pub guard: String,
    /// docker0's address.
    pub bridge: Option<String>,
    /// flannel's lease.
    pub lease: Option<String>,
    /// When the last run began, in seconds since the epoch.
    pub last_run: Option<u64>,
    /// A run that did not end.
    pub unfinished: Option<String>,
    /// Who is at work on the node right now: a process and its command.
    #[serde(default)]
    pub at_work: Option<String>,
    /// What node-setup changed on this node, over all its runs.
    pub owned: Vec<ChangeReport>,
}

/// An archive in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ArchiveReport {
    /// docker's version.
    pub version: String,
    /// The architecture that it is for.
    pub arch: String,
    /// Where it lies.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// Where it came from; where it lies, if it was there already.
    pub source: String,
    /// Who says that it must have this digest: a file and line, a variable, a flag, the place
    /// of signed sums, the catalogue, the cache; or nobody, which only a local file may.
    pub vouched_for_by: String,
}

/// A version of docker, as far as the catalogue knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VersionReport {
    /// The version.
    pub version: String,
    /// The architectures whose archive's digest is known.
    pub arches: Vec<String>,
    /// The highest version of the API that it speaks.
    pub api: Option<String>,
    /// The versions of cgroup that it runs on.
    pub cgroup: Vec<u8>,
    /// Whether nobody mends it any more.
    pub end_of_life: bool,
    /// Whether it is what would be installed.
    pub default: bool,
    /// The architectures whose archive is in the cache.
    pub cached: Vec<String>,
}

/// A run, as its journal tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunReport {
    /// Its number.
    pub number: String,
    /// The command.
    pub command: String,
    /// When it began, in seconds since the epoch.
    pub started: u64,
    /// How it ended, in words.
    pub end: String,
    /// docker's version, as it left it.
    pub docker: Option<String>,
    /// What it changed.
    pub changes: Vec<ChangeReport>,
}

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The command: `docker`, `docker plan`, …
    pub command: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether anything on the node is different now.
    pub changed: bool,
    /// Changes made, or planned.
    pub changes: Vec<ChangeReport>,
    /// The long parts that are not changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageReport>,
    /// What preflight found, before anything was touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preflight: Vec<Finding>,
    /// What the checks found.
    pub checks: Vec<Finding>,
    /// What went wrong.
    pub error: Option<ErrorReport>,
    /// What the user should know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What could not be, or was not, put back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<LeftReport>,
    /// The answer of `docker status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusReport>,
    /// The answer of `docker history`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunReport>,
    /// The answer of `docker fetch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveReport>,
    /// The answer of `docker versions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<VersionReport>,
    /// The answer of `metrics`, where it goes to stdout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
    /// The answer of `support`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<SupportReport>,
    /// The answer of `config show`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingReport>,
    /// The answer of `explain`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<PageReport>,
    /// How long it took.
    pub duration_ms: u64,
}

/// The answer of `node-setup support`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SupportReport {
    /// Where the archive is, unless it went to stdout.
    pub path: Option<String>,
    /// In bytes.
    pub size: usize,
    /// How many files are in it, beside the manifest.
    pub files: usize,
    /// What is not in it.
    pub missing: Vec<LackReport>,
}

/// What is not in the archive of `node-setup support`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LackReport {
    /// Its path there.
    pub name: String,
    /// Whether this node has no such thing, and need not.
    pub absent: bool,
    /// Why it is not there.
    pub why: String,
}

/// A page of `node-setup explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PageReport {
    /// What it is on: `forward-policy`, `exit-3`, …
    pub id: String,
    /// `check`, `preflight`, `refusal`, `exit`, `guide`.
    pub kind: String,
    /// What it is on, in one line.
    pub title: String,
    /// The page, as Markdown; left out of the list of all pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A setting, its value, and where the value was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SettingReport {
    /// The key.
    pub key: String,
    /// The value; secrets are masked.
    pub value: serde_json::Value,
    /// The file and line, the variable or the flag.
    pub origin: String,
}

impl Report {
    /// A report of which only the command is known yet.
    pub fn new(command: &str) -> Self {
        Self {
            schema: SCHEMA,
            command: command.to_owned(),
            outcome: Outcome::Unchanged,
            changed: false,
            changes: Vec::new(),
            stages: Vec::new(),
            preflight: Vec::new(),
            checks: Vec::new(),
            error: None,
            notes: Vec::new(),
            left: Vec::new(),
            status: None,
            runs: Vec::new(),
            archive: None,
            versions: Vec::new(),
            metrics: None,
            support: None,
            settings: Vec::new(),
            pages: Vec::new(),
            duration_ms: 0,
        }
    }

    /// Enters an error, with the outcome that goes with it.
    pub fn fail(&mut self, outcome: Outcome, error: &Error) {
        self.outcome = outcome;
        self.error = Some(ErrorReport::from(error));
    }
}

impl ChangeReport {
    /// A step for people; its diff without secrets.
    pub fn new(step: &Step, host: &Host) -> Self {
        Self { diff: step.diff(host).map(|diff| redact_prose(&diff)), ..Self::brief(step) }
    }

    /// A step without its diff.
    pub fn brief(step: &Step) -> Self {
        let name = step.name();
        Self {
            on: name.on,
            kind: name.kind.to_owned(),
            from: step.from(),
            to: step.to(),
            diff: None,
            took_us: None,
        }
    }
}

impl From<&Error> for ErrorReport {
    fn from(error: &Error) -> Self {
        let mut causes = Vec::new();
        let mut source = std::error::Error::source(error);
        let mut innermost = error;
        while let Some(cause) = source {
            causes.push(redact_prose(&cause.to_string()));
            innermost = cause.downcast_ref::<Error>().unwrap_or(innermost);
            source = cause.source();
        }
        let innermost = match innermost {
            Error::Step { cause, .. } => cause,
            other => other,
        };
        let (mut refusals, mut log) = (Vec::new(), Vec::new());
        match innermost {
            Error::Refused(all) => {
                refusals = all
                    .iter()
                    .map(|one| RefusalReport {
                        id: one.id.to_string(),
                        found: one.found.clone(),
                        remedy: one.remedy.clone(),
                    })
                    .collect();
            }
            Error::Unit { log: lines, .. } => log = lines.iter().map(|line| redact_prose(line)).collect(),
            _ => {}
        }
        Self { message: redact_prose(&error.to_string()), causes, help: error.help(), refusals, log }
    }
}

impl From<&Left> for LeftReport {
    fn from(left: &Left) -> Self {
        Self { on: left.name.on.clone(), kind: left.name.kind.to_owned(), why: left.why.clone() }
    }
}

impl From<Effective> for SettingReport {
    fn from(effective: Effective) -> Self {
        Self { key: effective.key, value: effective.value, origin: effective.origin }
    }
}

/// Collects what a report needs from the stream.
#[derive(Debug, Default)]
pub struct Collector {
    /// Notes, in order.
    pub notes: Vec<String>,
    stages: Vec<StageReport>,
    stage: Option<(String, Instant)>,
    took: HashMap<Name, u64>,
}

impl Collector {
    /// Enters it all into the report.
    pub fn enter(mut self, report: &mut Report) {
        report.notes.append(&mut self.notes);
        report.stages.append(&mut self.stages);
        let took = self.took.iter();
        let took: HashMap<_, _> = took.map(|(name, took)| ((name.kind, name.on.as_str()), *took)).collect();
        for change in &mut report.changes {
            change.took_us = took.get(&(change.kind.as_str(), change.on.as_str())).copied();
        }
    }
}

impl Sink for Collector {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Note(note) => self.notes.push((*note).to_owned()),
            Event::Refused { step, reason } => {
                self.notes.push(format!("{} stays {}: {reason}", step.name(), step.from()));
            }
            Event::Stage(stage) => self.stage = Some(((*stage).to_owned(), Instant::now())),
            Event::ProgressEnd => {
                let ended = self.stage.take();
                self.stages.extend(
                    ended.map(|(stage, began)| StageReport { stage, took_us: microseconds(began.elapsed()) }),
                );
            }
            Event::Done { step, took } => {
                self.took.insert(step.name(), microseconds(*took));
            }
            _ => {}
        }
    }
}

fn microseconds(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const SCHEMA_FILE: &str = "packaging/schema/report.schema.json";

    /// The schema is generated here: `UPDATE=1 cargo test` writes it.
    #[test]
    fn the_schema_that_is_shipped_is_that_of_the_types() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Report)).unwrap() + "\n";
        crate::generated::assert_fresh(Path::new(SCHEMA_FILE), &schema);
    }

    #[test]
    fn an_error_is_reported_with_its_causes_and_the_innermost_refusals() {
        let refusal = crate::error::Refusal {
            id: crate::error::Id::KEPT,
            found: "full".into(),
            remedy: "free some".into(),
        };
        let error = Error::Step { step: "file /x".into(), cause: Box::new(Error::Refused(vec![refusal])) };
        let report = ErrorReport::from(&error);
        assert_eq!(report.causes, ["full"]);
        assert_eq!(report.refusals.len(), 1);
    }
}
