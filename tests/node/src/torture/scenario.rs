//! What is tortured: an install, an upgrade, a rollback, a removal, and an install that fails and is taken back.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};

use super::calls::{self, Point, TRACE};
use crate::snapshot::Section;
use crate::{Node, Report, Snapshot, Suite};

/// A run to be killed or to fail in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// The first install, on a bare node.
    Install,
    /// From the docker of one release to that of another.
    Upgrade,
    /// Back from it.
    Rollback,
    /// Everything taken away, a running container with it.
    Removal,
    /// A first install whose docker does not start: it takes itself back.
    Failure,
}

/// What is put into a system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The process ends, there and then; the next run goes on.
    Kill,
    /// The process ends, and the next command is the removal.
    GiveUp,
    /// The call fails, with this error.
    Error(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill => f.write_str("killed"),
            Self::GiveUp => f.write_str("killed and given up"),
            Self::Error(error) => f.write_str(error),
        }
    }
}

/// Whether a fault happened at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// It did.
    Yes,
    /// The run did not make so many of these calls this time.
    No,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Install, Self::Upgrade, Self::Rollback, Self::Removal, Self::Failure];

    fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Removal => "removal",
            Self::Failure => "failure",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scenario {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|scenario| scenario.name() == name) {
            Some(scenario) => Ok(scenario),
            None => bail!("no scenario {name}; there are {}", Self::ALL.map(Self::name).join(", ")),
        }
    }
}

impl Scenario {
    /// What a run of it says and exits with that nothing comes between.
    pub(crate) fn usual_end(self) -> (&'static str, i32) {
        match self {
            Self::Failure => ("restored", 1),
            _ => ("changed", 0),
        }
    }
}

/// The arguments of an install whose docker does not start: see [`Node::bring_broken_docker`].
pub(crate) const BROKEN: [&str; 5] = ["docker", "--archive", "/root/docker-20.10.25.tgz", "--timeout", "1s"];

impl Node {
    /// Brings an archive whose dockerd ends as soon as it is started.
    #[track_caller]
    pub(crate) fn bring_broken_docker(&self) {
        self.archive_of_scripts("20.10.25", "exit 1");
    }
}

/// A node on which a scenario is played again and again.
pub(super) struct Stage {
    scenario: Scenario,
    suite: Suite,
    /// The release whose docker is there before an upgrade.
    older: Suite,
    node: Node,
    bare: Snapshot,
    /// As the scenario finds it.
    ready: Snapshot,
}

impl Stage {
    /// A fresh node, ready for the scenario. docker is that of `suite`; an upgrade comes from the one before.
    pub(super) fn set_up(scenario: Scenario, suite: Suite) -> Self {
        let node = Node::worker(suite);
        let older = suite.older();
        if older != suite {
            node.bring_archive(older);
        }
        if scenario == Scenario::Failure {
            node.bring_broken_docker();
        }
        node.ok(NO_GENERATORS);
        let bare = node.own_snapshot();
        let mut stage = Self { scenario, suite, older, node, ready: bare.clone(), bare };
        stage.get_ready();
        stage
    }

    /// From a bare node to what the scenario begins with.
    fn get_ready(&mut self) {
        match self.scenario {
            // It begins on the bare node itself.
            Scenario::Install | Scenario::Failure => return,
            Scenario::Upgrade => self.install(self.older),
            Scenario::Rollback => {
                self.install(self.older);
                self.install(self.suite);
            }
            Scenario::Removal => {
                self.install(self.suite);
                let _ = self.node.pod();
            }
        }
        self.ready = self.node.own_snapshot();
    }

    fn command(&self) -> Vec<String> {
        let words: &[&str] = match self.scenario {
            Scenario::Install | Scenario::Upgrade => &["docker", "--archive", &Node::archive(self.suite)],
            Scenario::Rollback => &["docker", "rollback"],
            Scenario::Removal => &["docker", "remove", "--purge"],
            Scenario::Failure => &BROKEN,
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }

    /// The points of the scenario's run, which is played once for that.
    pub(super) fn points(&mut self) -> Vec<Point> {
        let traced = calls::traced();
        let options = format!("-f -b execve -y -s 400 -qq -o {TRACE} -e trace={traced}");
        let command = self.command();
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let (outcome, code) = self.scenario.usual_end();
        self.node.report_in(&format!("strace {options} \"$@\""), &words).must_be(outcome, code);
        let points = calls::points(&self.trace());
        self.start_over();
        points
    }

    fn trace(&self) -> String {
        let trace = self.node.read(TRACE);
        self.node.ok(&format!("rm {TRACE}"));
        trace
    }

    /// Plays the scenario with a fault, and has the node recover. Panics where something is lost.
    pub(super) fn play(&mut self, point: &Point, fault: &Fault) -> Met {
        match fault {
            // Half of the removals that were killed are gone on with, after the others there is another install.
            Fault::Kill => {
                self.kill(point, self.scenario != Scenario::Removal || point.number.is_multiple_of(2))
            }
            Fault::GiveUp => self.kill(point, false),
            Fault::Error(error) => self.fail(point, error),
        }
    }

    /// After a kill the next run, if there is to be one, converges, and a removal leaves the node as it was.
    ///
    /// A run that was killed before its first change has left nothing but what it staged: the state is that of the point
    /// before, and most of these need no more than a look. The run of the next point begins on it.
    fn kill(&mut self, point: &Point, is_gone_on: bool) -> Met {
        let command = self.command().join(" ");
        let injection = point.injection("signal=KILL");
        let killed = self.node.sh(&format!("exec strace {injection} /usr/bin/node-setup {command}"));
        let (_, usual) = self.scenario.usual_end();
        assert!([usual, 137].contains(&killed.code), "neither killed nor completed: {killed:?}");
        if killed.code == 137 && !point.number.is_multiple_of(LOOKED_AT) && self.is_untouched() {
            return Met::Yes;
        }
        if is_gone_on {
            self.converge();
        }
        self.start_over();
        if killed.code == 137 { Met::Yes } else { Met::No }
    }

    /// Whether nothing has changed since the scenario was ready, but for what is staged.
    fn is_untouched(&self) -> bool {
        self.differences(&self.ready, &[PASSING.as_slice(), &STAGED].concat()).is_empty()
    }

    fn converge(&self) {
        let archive = Node::archive(self.suite);
        let next = match self.scenario {
            Scenario::Rollback => vec!["docker"],
            _ => vec!["docker", "--archive", &archive],
        };
        let next = self.node.report(&next);
        assert!(next.code == 0, "the next run does not converge: {next}");
        self.node.must_verify();
        let mut left = self.node.leftovers();
        left.retain(|path| path != REMEMBERED);
        assert!(left.is_empty(), "left over: {left:?}");
    }

    /// With an error, the run completes, or the node is as it was before.
    fn fail(&mut self, point: &Point, error: &str) -> Met {
        let injection = point.injection(&format!("error={error}"));
        let command = self.command();
        let line = format!("strace {injection} /usr/bin/node-setup {} --output json", command.join(" "));
        let ended = self.node.sh(&line);
        if calls::went_elsewhere(&self.trace()) {
            self.start_over();
            return Met::No;
        }
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let run = Report::of(&words, ended);
        match (run.code, self.scenario) {
            // What could not be put back at once is no obstacle to the next run.
            (0, Scenario::Install | Scenario::Upgrade) | (4, Scenario::Failure) => {
                self.converge();
                self.start_over();
            }
            // A removal that was taken back has docker run again, and the container started anew.
            (0, Scenario::Rollback) | (1, Scenario::Removal) => {
                self.node.must_verify();
                self.start_over();
            }
            (0, Scenario::Removal) => {
                self.must_be_bare();
                self.start_over();
            }
            // What could not be taken away at once is taken away by the next removal.
            (4, Scenario::Removal) => self.start_over(),
            (1 | 3, _) => {
                let changed = self.differences(&self.ready, &[PASSING.as_slice(), &OF_RUNS].concat());
                assert!(changed.is_empty(), "{run}\nthe node is not as it was:\n{}", changed.join("\n"));
            }
            (_, _) => panic!("not put back: {run}"),
        }
        Met::Yes
    }

    /// Takes everything away, compares, and gets ready again.
    fn start_over(&mut self) {
        let gone = self.node.report(&["docker", "remove", "--purge"]);
        assert!(gone.code == 0, "the removal fails: {gone}");
        self.must_be_bare();
        self.get_ready();
    }

    fn must_be_bare(&self) {
        let left = self.differences(&self.bare, &PASSING);
        assert!(left.is_empty(), "the node is not as it was before all:\n{}", left.join("\n"));
    }

    fn install(&self, suite: Suite) {
        let run = self.node.install(suite);
        assert!(run.code == 0, "no install: {run}");
    }

    /// What differs from an earlier snapshot, but for lines that begin like these.
    fn differences(&self, before: &Snapshot, passing: &[&str]) -> Vec<String> {
        let mut lines = before.diff(&self.node.own_snapshot().without(Section::Routes));
        lines.retain(|line| !passing.iter().any(|start| line.starts_with(start)));
        lines
    }
}

/// systemd runs each of its generators at each reload, which is half of what a reload takes. Nothing that they would
/// make is on these nodes.
const NO_GENERATORS: &str = "set -e; masked=/etc/systemd/system-generators; mkdir -p $masked
for path in /usr/lib/systemd/system-generators/*; do ln -s /dev/null $masked/${path##*/}; done
systemctl daemon-reload";

/// Of points before the first change, each sixteenth is recovered from for good.
const LOOKED_AT: usize = 16;

/// What a run that had completed was about to remember as it was killed: one that changes nothing writes nothing.
const REMEMBERED: &str = "/var/lib/node-setup/.fingerprints.json.node-setup";

/// An archive's members on their way.
const STAGED: [&str; 3] = [
    "file /var/lib/node-setup: new",
    "file /var/lib/node-setup/store: new",
    "file /var/lib/node-setup/store/staged",
];

/// What nobody can bring back: a target that was reached stays reached, and locks stay.
const PASSING: [&str; 3] = ["unit network-online.target", "file /run/node-setup", "file /run/xtables.lock"];

/// What runs leave that were taken back: journals, and what docker itself changed while it ran.
const OF_RUNS: [&str; 4] =
    ["file /var/lib/node-setup", "file /data/k8s/docker/", "file /run/docker", "file /run/containerd"];
