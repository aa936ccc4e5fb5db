//! A power cut that loses every write that was not flushed.
//!
//! A node of the testbed shares its kernel with the machine: ending it loses nothing that was written. So a run is
//! recorded with strace, a model of a file system tells from the calls what a disk may hold after a power cut at each
//! of them, and of every such tree a node is made, booted, and brought forward.

mod act;
mod disk;
#[cfg(test)]
mod model_tests;
mod play;
mod record;
mod states;
mod trace;
mod tree;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub use act::Act;
use record::Recording;
use states::State;

use crate::job::{Job, Output};
use crate::machine::Machine;
use crate::owner::Owner;
use crate::snapshot::Section;
use crate::{Node, Snapshot, Suite, lab};

/// How long one command may take on a node that comes back.
const LIMIT: Duration = Duration::from_mins(3);

/// What no removal takes back: what an earlier boot or the time brought.
const OF_TIME: [&str; 6] = [
    "file /etc/docker/key.json",
    "unit network-online.target",
    "route ",
    "link ",
    "file /run/node-setup",
    "file /run/xtables.lock",
];

/// A node that somebody has used: a daemon.json, binaries and rules of its own.
const LIVED_IN: &str = r#"set -eu
mkdir -p /etc/docker /opt/k8s/bin
echo '{"debug": true}' >/etc/docker/daemon.json
head -c 3000000 /usr/bin/strace >/opt/k8s/bin/docker-init
printf '#!/bin/sh\nsleep infinity\n' >/opt/k8s/bin/kubelet
chmod 755 /opt/k8s/bin/docker-init /opt/k8s/bin/kubelet
cat >/etc/systemd/system/site-rules.service <<'UNIT'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/iptables -A INPUT -p tcp --dport 22 -j ACCEPT
[Install]
WantedBy=multi-user.target
UNIT
systemctl -q enable site-rules.service
"#;

/// What became of the states.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How many states each run could have left.
    pub states: Vec<(Act, usize)>,
    /// How many were tried.
    pub tried: usize,
    /// The ones that the product could bring neither forward nor back: what they were, and what happened.
    pub lost: Vec<String>,
    /// What a run had said was done, and was not on disk.
    pub unflushed: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for lost in self.lost.iter().chain(&self.unflushed) {
            writeln!(f, "{lost}")?;
        }
        let of: Vec<String> = self.states.iter().map(|(act, count)| format!("{act} {count}")).collect();
        write!(f, "{} states tried of {}; {} lost", self.tried, of.join(", "), self.lost.len())
    }
}

/// How much of it is done.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// About how many states of each run are tried, spread over all of them; all if nothing is said.
    pub spread: Option<usize>,
    /// On how many nodes at once.
    pub nodes: usize,
}

/// Records each [`Act`] on a node of `suite`, and recovers from the states that a power cut may leave.
///
/// # Errors
/// When a run cannot be recorded or the model does not understand it. A state that is lost is no error, but counted.
pub fn lost_writes(suite: Suite, extent: Extent) -> Result<Tally> {
    let node = Node::builder(suite).name("lost").worker();
    let machine = node.machine();
    for archive in Act::archives(suite) {
        node.bring_archive(archive);
    }
    node.ok(LIVED_IN);
    let (recordings, before) = record(suite, machine)?;
    let trial = Trial { suite, before: &before };
    let others = (1..extent.nodes).map(|_| another(machine, &recordings)).collect::<Result<Vec<_>>>()?;
    let machines: Vec<&Machine> = others.iter().chain([machine]).collect();
    let mut tally = Tally::default();
    for recording in &recordings {
        tally.states.push((recording.act, recording.states.len()));
        let late = states::unflushed(&recording.disk)?;
        let late = late.iter().filter(|path| !may_be_late(path));
        tally
            .unflushed
            .extend(late.map(|path| format!("{}: {} is not flushed", recording.act, path.display())));
        trial.all(recording, extent, &machines, &mut tally);
    }
    others.iter().try_for_each(Machine::remove)?;
    Ok(tally)
}

/// Digests that are remembered, and what is left of the store: the next run does without.
fn may_be_late(path: &std::path::Path) -> bool {
    path.starts_with("/var/lib/node-setup/store/staged")
        || path.starts_with("/var/lib/node-setup/store/candidate")
}

fn record(suite: Suite, machine: &Machine) -> Result<(Vec<Recording>, Snapshot)> {
    let (mut recordings, mut before) = (Vec::new(), None);
    for act in Act::ALL {
        machine.power_off()?;
        let pristine = machine.dir().join(format!("before-{act}"));
        tree::copy(&machine.root(), &pristine)?;
        machine.start()?;
        if before.is_none() {
            before = Some(Snapshot::of(machine)?.without(Section::MachineSysctls));
        }
        recordings.push(Recording::of(act, suite, machine, pristine)?);
    }
    Ok((recordings, before.context("nothing was recorded")?))
}

/// What is asked of every state.
struct Trial<'a> {
    suite: Suite,
    before: &'a Snapshot,
}

impl Trial<'_> {
    /// Tries a spread of a recording's states, on several nodes at once.
    fn all(&self, recording: &Recording, extent: Extent, machines: &[&Machine], tally: &mut Tally) {
        let every = extent.spread.map_or(1, |spread| recording.states.len().div_ceil(spread.max(1)).max(1));
        let chosen: Vec<&State> = recording.states.iter().step_by(every).collect();
        let (next, lost) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = |machine: &Machine| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(state) = chosen.get(number) else { break };
                eprintln!("{}: state {} of {}", recording.act, number + 1, chosen.len());
                if let Err(error) = self.one(recording, state, machine) {
                    let text = format!("{}, {}: {error:#}\n{}", recording.act, state.name, describe(state));
                    eprintln!("lost: {text}");
                    lost.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(text);
                }
            }
        };
        std::thread::scope(|threads| {
            for machine in machines {
                threads.spawn(|| work(machine));
            }
        });
        tally.tried += chosen.len();
        tally.lost.append(&mut lost.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// Boots a node with this tree, and brings it forward; then everything goes, and nothing may be left.
    fn one(&self, recording: &Recording, state: &State, machine: &Machine) -> Result<()> {
        machine.power_off()?;
        recording.lay(state, &machine.root())?;
        machine.start()?;
        for command in recording.act.recovery(self.suite) {
            product(machine, &command)?;
        }
        let said = product(machine, &["docker", "remove", "--purge"].map(str::to_owned))?;
        let mut left = self.before.diff(&Snapshot::of(machine)?);
        left.retain(|line| !OF_TIME.iter().any(|start| line.starts_with(start)));
        if !left.is_empty() {
            bail!("after its removal the node is not as it was before:\n{}\n{said}", left.join("\n"));
        }
        Ok(())
    }
}

/// Another node for the same states.
fn another(machine: &Machine, recordings: &[Recording]) -> Result<Machine> {
    let first = recordings.first().context("nothing was recorded")?;
    Machine::create(&format!("lost-{}", lab::unique()), "lost", &first.pristine, &Owner::this_process())
        .with_context(|| format!("a node beside {}", machine.name()))
}

fn product(machine: &Machine, args: &[String]) -> Result<String> {
    let mut line = vec!["/usr/bin/node-setup"];
    line.extend(args.iter().map(String::as_str));
    run(machine, &line, LIMIT)
}

/// Runs a command on a node that has to succeed.
fn run(machine: &Machine, line: &[&str], limit: Duration) -> Result<String> {
    let Output { code, stdout, stderr } = Job::start(machine.command(line, &[])?)?.wait(limit)?;
    if code != 0 {
        let words: Vec<&str> = line.iter().copied().filter(|word| !word.contains('\n')).collect();
        bail!("`{}` exited with {code}\n{stdout}{stderr}", words.join(" "));
    }
    Ok(stdout + &stderr)
}

/// What a state is, one line for each path that is not as it was before the run.
fn describe(state: &State) -> String {
    let line = |(path, entry): (&PathBuf, &Option<states::Entry>)| match entry {
        None => format!("  {}: not there", path.display()),
        Some(entry) => {
            let states::Entry { kind, attributes, appended, zeros, .. } = entry;
            format!("  {}: {kind:?} {:04o}, {appended} bytes, {zeros} zeros", path.display(), attributes.mode)
        }
    };
    state.changes.iter().map(line).collect::<BTreeSet<String>>().into_iter().collect::<Vec<_>>().join("\n")
}
