//! Starting a unit, knowing that it is up, and knowing what it was started from.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Host;
use super::api::Api;
use super::systemd::UnitFacts;
use crate::digest::Digest;
use crate::resource::{Readiness, Unit};
use crate::{Error, Result};

/// Where it is noted what a running unit was started from. Gone after a boot,
/// as is what was running.
const STARTED: &str = "/run/node-setup/started";

/// How long one answer of the API may take.
const ANSWER: Duration = Duration::from_secs(5);

/// One start of a unit, and the digests of the files that it read.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Started {
    invocation: Vec<u8>,
    inputs: BTreeMap<PathBuf, Option<Digest>>,
}

impl Host {
    /// Starts a unit and waits until it is ready.
    pub fn start(&self, unit: &Unit) -> Result<()> {
        self.systemd()?.start(&unit.name)?;
        self.await_ready(unit)
    }

    /// Restarts a unit and waits until it is ready.
    pub fn restart(&self, unit: &Unit) -> Result<()> {
        self.systemd()?.restart(&unit.name)?;
        self.await_ready(unit)
    }

    /// docker's API.
    pub fn api(&self, socket: &Path) -> Api {
        Api::new(socket.to_owned(), ANSWER)
    }

    /// Whether a running unit was started from what is on disk now.
    pub fn is_fresh(&self, unit: &Unit, facts: &UnitFacts) -> Result<bool> {
        if facts.needs_reload
            || unit.program.as_ref().is_some_and(|program| !executes(facts.main_pid, program))
        {
            return Ok(false);
        }
        let changed_since: Vec<&PathBuf> =
            unit.inputs.iter().filter(|path| changed_usec(path) > facts.started_usec).collect();
        match started(&unit.name) {
            Some(started) if started.invocation == facts.invocation => {
                let same =
                    |path: &PathBuf| started.inputs.get(path).is_some_and(|then| *then == digest_of(path));
                Ok(changed_since.into_iter().all(same))
            }
            _ => Ok(changed_since.is_empty()),
        }
    }

    /// A unit whose main process changes while its API is awaited is crashing.
    fn await_ready(&self, unit: &Unit) -> Result<()> {
        let systemd = self.systemd()?;
        let started = systemd.unit(&unit.name)?;
        if let Readiness::Api(socket) = &unit.ready {
            self.await_api(unit, socket)?;
            let now = systemd.unit(&unit.name)?;
            if now.main_pid != started.main_pid || now.restarts != started.restarts || !now.active {
                return Err(
                    systemd.failed(&unit.name, "does not stay up: its main process ended after it was ready")
                );
            }
        }
        self.note_started(unit)
    }

    fn await_api(&self, unit: &Unit, socket: &Path) -> Result<()> {
        let deadline = Instant::now() + self.limits().ready;
        loop {
            self.interrupt().check()?;
            let Err(error) = self.api(socket).ping() else { return Ok(()) };
            let facts = self.systemd()?.unit(&unit.name)?;
            if facts.is_stopped() || facts.sub_state == "auto-restart" {
                return Err(self
                    .systemd()?
                    .failed(&unit.name, format!("ended before it was ready: {}", facts.result)));
            }
            if Instant::now() >= deadline {
                return Err(Error::Timeout {
                    what: format!("{unit} answering ({error})"),
                    after: self.limits().ready,
                    help: format!("see: journalctl -u {unit}; --timeout gives it longer"),
                });
            }
            self.pause(Duration::from_millis(20));
        }
    }

    /// Notes what a running unit was started from, if none of it has changed since.
    pub fn note_started(&self, unit: &Unit) -> Result<()> {
        let facts = self.systemd()?.unit(&unit.name)?;
        if !facts.active || unit.inputs.iter().any(|path| changed_usec(path) > facts.started_usec) {
            return Ok(());
        }
        let inputs = unit.inputs.iter().map(|path| (path.clone(), digest_of(path))).collect();
        let started = Started { invocation: facts.invocation, inputs };
        let text = serde_json::to_vec(&started).unwrap_or_default();
        self.files().write_state(&Path::new(STARTED).join(&unit.name), &text)
    }
}

/// Whether a process runs the file that is at `program` now.
fn executes(pid: u32, program: &Path) -> bool {
    let inode = |path: &Path| fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
    inode(&PathBuf::from(format!("/proc/{pid}/exe"))).is_some_and(|running| inode(program) == Some(running))
}

/// When a file last changed, microseconds since the epoch; 0 if there is none.
fn changed_usec(path: &Path) -> u64 {
    let changed = |metadata: fs::Metadata| {
        u64::try_from(metadata.ctime() * 1_000_000 + metadata.ctime_nsec() / 1000).unwrap_or_default()
    };
    fs::metadata(path).map(changed).unwrap_or_default()
}

fn digest_of(path: &Path) -> Option<Digest> {
    fs::read(path).ok().map(|bytes| Digest::of(&bytes))
}

fn started(unit: &str) -> Option<Started> {
    serde_json::from_slice(&fs::read(Path::new(STARTED).join(unit)).ok()?).ok()
}
