//! Starting a unit, knowing that it is up, and knowing what it was started from.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Host;
use super::api::Api;
use super::files::{STARTED, is_nothing};
use super::fingerprints::now_usec;
use super::units::UnitFacts;
use crate::digest::Digest;
use crate::read;
use crate::resource::{Readiness, Unit};
use crate::{Error, Result};

/// How long one answer of the API may take.
const ANSWER: Duration = Duration::from_secs(5);

/// How long a main process has to hold once it is ready. What follows docker's start
/// takes as long: a first install is not made longer by it.
const HOLDS: Duration = Duration::from_millis(200);

/// The same where docker ran before: containers may depend on it, and a longer look
/// costs nobody anything.
const HOLDS_AGAIN: Duration = Duration::from_secs(3);

/// A start that was made, and has to hold until some time.
#[derive(Debug)]
pub(super) struct Start {
    unit: String,
    main_pid: u32,
    restarts: u32,
    until: Instant,
}

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
        self.await_ready(unit, HOLDS)
    }

    /// The arguments of a unit's main process, if it runs.
    pub fn arguments(&self, unit: &str) -> Result<Option<Vec<String>>> {
        let pid = self.systemd()?.unit(unit)?.main_pid;
        let command_line = read::whole(format!("/proc/{pid}/cmdline")).ok().filter(|_| pid != 0);
        let split = |bytes: Vec<u8>| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            text.split('\0').map(str::to_owned).collect()
        };
        Ok(command_line.map(split))
    }

    /// Restarts a unit and waits until it is ready. A restart that somebody asks for is none of
    /// those by which systemd knows a crash loop.
    pub fn restart(&self, unit: &Unit) -> Result<()> {
        self.systemd()?.reset_failed(&unit.name)?;
        self.systemd()?.restart(&unit.name)?;
        self.await_ready(unit, HOLDS_AGAIN)
    }

    /// Has systemd read unit files again before a unit is started, if one of ours has changed, or if it
    /// says itself that it must.
    pub fn reload_for(&self, unit: &str) -> Result<()> {
        let systemd = self.systemd()?;
        if self.files().take_units_changed() || systemd.unit(unit)?.needs_reload {
            systemd.reload()?;
        }
        Ok(())
    }

    /// Has systemd read what has changed of units, if it does not know it yet.
    pub fn tell_systemd(&self) -> Result<()> {
        if self.files().take_units_changed() && !self.is_offline() {
            self.systemd()?.reload()?;
        }
        Ok(())
    }

    /// Waits until what was started with an API has held long enough. A crash loop
    /// begins with a daemon that answers.
    pub fn settle(&self) -> Result<()> {
        for start in self.started.take() {
            while self.holds(&start)? && Instant::now() < start.until {
                self.interrupt().check()?;
                self.pause(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    /// An error if the main process is not the one that was started.
    fn holds(&self, start: &Start) -> Result<bool> {
        let systemd = self.systemd()?;
        let now = systemd.unit(&start.unit)?;
        if now.active && (now.main_pid, now.restarts) == (start.main_pid, start.restarts) {
            return Ok(true);
        }
        Err(systemd.failed(&start.unit, "does not stay up: its main process ended after it was ready"))
    }

    /// docker's API.
    pub fn api(&self, socket: &Path) -> Api {
        Api::new(socket.to_owned(), ANSWER).remembering(&self.memory)
    }

    /// Whether a running unit was started from what is on disk now.
    pub fn is_fresh(&self, unit: &Unit, facts: &UnitFacts) -> Result<bool> {
        if facts.needs_reload
            || unit.program.as_ref().is_some_and(|program| !executes(facts.main_pid, program))
        {
            return Ok(false);
        }
        let noted = started(&unit.name).filter(|started| started.invocation == facts.invocation);
        let noted = noted.map(|started| started.inputs).unwrap_or_default();
        // The clock may have been set back since the start, so a note counts for more than a time.
        Ok(unit.inputs.iter().all(|path| match noted.get(path) {
            Some(then) => self.digest_of(path).is_ok_and(|now| now == *then),
            None => !has_changed_since(path, facts.started_usec),
        }))
    }

    /// `None` where there is no such file. One that cannot be read is not the same as before, whatever it was.
    fn digest_of(&self, path: &Path) -> Result<Option<Digest>> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.len() > LARGEST_INPUT => {
                Err(Error::io("read", path)(io::ErrorKind::FileTooLarge.into()))
            }
            Ok(metadata) => self.files().digest(path, &metadata).map(Some),
            Err(error) if is_nothing(&error) => Ok(None),
            Err(error) => Err(Error::io("look at", path)(error)),
        }
    }

    /// A unit whose main process changes while its API is awaited is crashing.
    fn await_ready(&self, unit: &Unit, holds: Duration) -> Result<()> {
        let started = self.systemd()?.unit(&unit.name)?;
        if let Readiness::Api(socket) = &unit.ready {
            self.await_api(unit, socket)?;
            self.clear_newer_engine(&unit.name, socket)?;
            let (unit, until) = (unit.name.clone(), Instant::now() + holds);
            let start = Start { unit, main_pid: started.main_pid, restarts: started.restarts, until };
            self.holds(&start)?;
            let mut all = self.started.borrow_mut();
            all.retain(|earlier| earlier.unit != start.unit);
            all.push(start);
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
        let is_stale = |path: &PathBuf| has_changed_since(path, facts.started_usec);
        if !facts.active || unit.inputs.iter().any(is_stale) {
            return Ok(());
        }
        let digest = |path: &PathBuf| Some((path.clone(), self.digest_of(path).ok()?));
        let inputs = unit.inputs.iter().filter_map(digest).collect();
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

/// More than any input of a unit: the guard's program, which is this one, is one of them.
const LARGEST_INPUT: u64 = 64 << 20;

/// Whether a file has changed since a time, by its own; in microseconds since the epoch.
fn has_changed_since(path: &Path, time: u64) -> bool {
    let changed = |metadata: fs::Metadata| {
        u64::try_from(metadata.ctime() * 1_000_000 + metadata.ctime_nsec() / 1000).unwrap_or_default()
    };
    let changed = fs::metadata(path).map(changed).unwrap_or_default();
    is_between(time, changed, now_usec())
}

/// A change that is yet to come says nothing: the clock has been set back since.
fn is_between(start: u64, change: u64, now: u64) -> bool {
    (start + 1..=now).contains(&change)
}

fn started(unit: &str) -> Option<Started> {
    serde_json::from_slice(&read::whole(Path::new(STARTED).join(unit)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_that_was_after_the_start_and_is_not_yet_to_come() {
        for (start, change, now, counts) in [
            (10, 20, 30, true),
            (10, 30, 30, true),
            (20, 10, 30, false),
            (20, 20, 30, false),
            (10, 40, 30, false),
        ] {
            assert_eq!(is_between(start, change, now), counts, "{start} {change} {now}");
        }
    }
}
