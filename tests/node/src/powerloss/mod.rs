//! A power cut that loses every write that was not flushed.
//!
//! A node of the testbed shares its kernel with the machine: ending it loses nothing that was written. So a run is
//! recorded with strace, a model of a file system tells from the calls what a disk may hold after a power cut at each
//! of them, and of every such tree a node is made, booted, and brought forward.

mod disk;
#[cfg(test)]
mod model_tests;
mod play;
mod record;
mod scenario;
mod states;
mod trace;
mod tree;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use record::Recording;
use scenario::{IN_ORDER, LIVED_IN, recovery};
use states::State;

use crate::job::{Job, Output};
use crate::machine::Machine;
use crate::owner::Owner;
use crate::snapshot::Section;
use crate::torture::{Part, Scenario};
use crate::{Node, Snapshot, Suite, lab};

/// How long one command may take on a node that comes back.
const LIMIT: Duration = Duration::from_mins(3);

/// What no removal takes back: what an earlier boot or the time brought; docker's own key in a directory that was there
/// before it; and the socket of a docker that could not start from what the power had left, which is gone with the boot.
const OF_TIME: [&str; 7] = [
    "file /etc/docker/key.json",
    "file /run/docker.sock",
    "unit network-online.target",
    "route ",
    "link ",
    "file /run/node-setup",
    "file /run/xtables.lock",
];

/// What became of the states.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How many states there are.
    pub states: usize,
    /// How many were tried.
    pub tried: usize,
    /// The ones that the product could bring neither forward nor back: what they were, and what happened.
    pub lost: Vec<String>,
    /// What a run left unflushed at its end.
    pub unflushed: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, tried, lost, unflushed } = self;
        write!(
            f,
            "{tried} of {states} states tried, {} lost, {} paths not flushed",
            lost.len(),
            unflushed.len()
        )
    }
}

/// What is to be tried.
#[derive(Debug, Clone, Copy)]
pub struct Sweep<'a> {
    /// The release of the nodes.
    pub suite: Suite,
    /// The runs.
    pub scenarios: &'a [Scenario],
    /// Which of the states.
    pub part: Part,
    /// How many nodes at a time.
    pub jobs: usize,
}

/// Records each run on a node, and recovers from the states that a power cut in it may leave.
///
/// # Errors
/// When a run cannot be recorded or the model does not understand it. A state that is lost is no error, but counted.
pub fn sweep(sweep: Sweep<'_>) -> Result<Tally> {
    let Sweep { suite, scenarios, .. } = sweep;
    let node = Node::builder(suite).name("lost").worker();
    let machine = node.machine();
    node.bring_archive(suite.older());
    node.ok(LIVED_IN);
    node.bring_broken_docker();
    let (recordings, before) = record(suite, machine)?;
    let trial = Trial { sweep, before: &before };
    let others = (1..sweep.jobs).map(|_| another(machine, &recordings)).collect::<Result<Vec<_>>>()?;
    let machines: Vec<&Machine> = others.iter().chain([machine]).collect();
    let mut tally = Tally::default();
    for recording in recordings.iter().filter(|recording| scenarios.contains(&recording.scenario)) {
        let late = states::unflushed(&recording.disk)?;
        let whole = states::whole(&recording.disk)?;
        let is_gone = |path: &Path| whole.get(path).is_some_and(Option::is_none);
        let late = late.iter().filter(|path| !may_be_late(path, is_gone(path)));
        tally.unflushed.extend(late.map(|path| format!("{}: {}", recording.scenario, path.display())));
        trial.all(recording, &machines, &mut tally);
    }
    others.iter().try_for_each(Machine::remove)?;
    Ok(tally)
}

/// What was staged is thrown away: the next run does not look at it. What is no longer kept goes some time.
fn may_be_late(path: &Path, is_gone: bool) -> bool {
    let store = Path::new("/var/lib/node-setup/store");
    ["staged", "candidate"].iter().any(|name| path.starts_with(store.join(name)))
        || is_gone && path.starts_with(store.join("kept"))
}

fn record(suite: Suite, machine: &Machine) -> Result<(Vec<Recording>, Snapshot)> {
    let (mut recordings, mut before) = (Vec::new(), None);
    for scenario in IN_ORDER {
        machine.power_off()?;
        let pristine = machine.dir().join(format!("before-{scenario}"));
        tree::copy(&machine.root(), &pristine)?;
        machine.start()?;
        if before.is_none() {
            before = Some(Snapshot::of(machine)?.without(Section::MachineSysctls));
        }
        recordings.push(Recording::of(scenario, suite, machine, pristine)?);
    }
    Ok((recordings, before.context("nothing was recorded")?))
}

/// What is asked of every state.
struct Trial<'a> {
    sweep: Sweep<'a>,
    before: &'a Snapshot,
}

impl Trial<'_> {
    /// Tries a recording's states, on several nodes at once.
    fn all(&self, recording: &Recording, machines: &[&Machine], tally: &mut Tally) {
        let Sweep { suite, part, .. } = self.sweep;
        let name = format!("{} on {suite}", recording.scenario);
        let states: Vec<&State> = part.of(recording.states.iter()).collect();
        println!("{name}: {} of {} states", states.len(), recording.states.len());
        tally.states += recording.states.len();
        let (next, tally) = (AtomicUsize::new(0), Mutex::new(tally));
        let work = |machine: &Machine| {
            while let Some(state) = states.get(next.fetch_add(1, Ordering::Relaxed)) {
                let tried = self.one(recording, state, machine);
                let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                tally.tried += 1;
                if let Err(error) = tried {
                    let lost = format!("{name}, {}: {error:#}\n{}", state.name, describe(state));
                    println!("LOST {lost}");
                    tally.lost.push(lost);
                }
                if tally.tried.is_multiple_of(50) {
                    println!("{name}: {tally}");
                }
            }
        };
        thread::scope(|threads| {
            for machine in machines {
                threads.spawn(|| work(machine));
            }
        });
    }

    /// Boots a node with this tree, and brings it forward; then everything goes, and nothing may be left.
    fn one(&self, recording: &Recording, state: &State, machine: &Machine) -> Result<()> {
        machine.power_off()?;
        recording.lay(state, &machine.root())?;
        machine.start()?;
        let mut said = String::new();
        for command in recovery(recording.scenario, self.sweep.suite) {
            said = product(machine, &command)?;
        }
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
