//! Power cuts at random moments: whatever a run was doing, the node can be brought on, or back, and on again.
//!
//! One node goes round through install, upgrade, rollback and removal. Each is cut short once the random part of its
//! usual time has gone by, everything on the node with it; the node is booted, and then has to come to where the run
//! was to take it, with every check passing. A node that is bare again has to be as it was before the first install.
//!
//! The kernel lives on, so writes that were not yet flushed are not lost: see [`Machine::power_cut`](crate::Machine).

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::machine::Machine;
use crate::{Node, Snapshot, Suite, archive, wait};

/// How long one command, or what is awaited after a boot, may take.
const LIMIT: Duration = Duration::from_mins(2);

/// What is another after each boot, and a target that was reached and stays so.
const OF_A_BOOT: [&str; 6] =
    ["unit network-online.target", "route ", "link eth0", "link far0", "link flannel.1", "file /run/"];

/// What is cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// `docker --archive …` on a bare node.
    Install,
    /// `docker --archive …` with a newer docker.
    Upgrade,
    /// `docker rollback` from the newer docker.
    Rollback,
    /// `docker remove --purge` of the newer docker.
    Removal,
}

impl Work {
    /// Of ten cuts five are of installs, three of upgrades, one of a rollback and one of a removal.
    const ROUND: [Self; 10] = [
        Self::Install,
        Self::Upgrade,
        Self::Rollback,
        Self::Removal,
        Self::Install,
        Self::Upgrade,
        Self::Install,
        Self::Upgrade,
        Self::Install,
        Self::Install,
    ];

    fn starts_at(self) -> Place {
        match self {
            Self::Install => Place::Bare,
            Self::Upgrade => Place::Old,
            Self::Rollback | Self::Removal => Place::New,
        }
    }

    fn ends_at(self) -> Place {
        match self {
            Self::Install => Place::Fresh,
            Self::Upgrade => Place::New,
            Self::Rollback => Place::Old,
            Self::Removal => Place::Bare,
        }
    }
}

/// Where the node is between two cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// As it was before the first install.
    Bare,
    /// The suite's docker, straight from bare.
    Fresh,
    /// An older suite's docker, with a container.
    Old,
    /// The suite's docker, upgraded to from the older one.
    New,
}

/// One cut.
#[derive(Debug, Clone)]
pub struct Cut {
    /// What was cut short.
    pub work: Work,
    /// Whether the time was counted from the first line of the run's journal, and not from its start.
    pub journaled: bool,
    /// After how long.
    pub after: Duration,
    /// Whether the run had begun to change the node and had not ended.
    pub unfinished: bool,
    /// Whether the run was taken back first, and then made again.
    pub went_back: bool,
    /// What did not come right afterwards, if anything did not.
    pub lost: Option<String>,
}

/// What became of a number of cuts.
#[derive(Debug, Clone)]
pub struct Tally {
    /// What to give to [`power_cuts`] to have the same moments again, as far as time can be had again.
    pub seed: u64,
    /// The cuts, in order.
    pub cuts: Vec<Cut>,
}

impl Tally {
    /// The cuts after which something did not come right.
    pub fn lost(&self) -> impl Iterator<Item = &Cut> {
        self.cuts.iter().filter(|cut| cut.lost.is_some())
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, journaled, after, unfinished, went_back, lost } = self;
        let from = if *journaled { "its journal began" } else { "its start" };
        let stopped = if *unfinished { "in the middle" } else { "before or after its changes" };
        let back = if *went_back { ", taken back and made again" } else { "" };
        write!(f, "{work:?}, {} ms after {from}, {stopped}{back}: ", after.as_millis())?;
        f.write_str(lost.as_deref().unwrap_or("nothing lost"))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for work in [Work::Install, Work::Upgrade, Work::Rollback, Work::Removal] {
            let of_work = || self.cuts.iter().filter(|cut| cut.work == work);
            let middle = of_work().filter(|cut| cut.unfinished).count();
            let lost = of_work().filter(|cut| cut.lost.is_some()).count();
            if of_work().count() > 0 {
                let name = format!("{work:?}").to_lowercase();
                let count = of_work().count();
                writeln!(f, "{name:<9} {count:>3} power cuts, {middle:>3} in the middle, {lost} lost")?;
            }
        }
        for cut in self.lost() {
            writeln!(f, "{cut}")?;
        }
        write!(f, "{} power cuts, {} lost, seed {}", self.cuts.len(), self.lost().count(), self.seed)
    }
}

/// Cuts the power of a node of `suite` `count` times. What is lost is in the tally; `told` hears of each cut.
///
/// # Errors
/// When the node cannot be had, or does not work before anything was cut.
pub fn power_cuts(suite: Suite, count: usize, seed: u64, mut told: impl FnMut(&Cut)) -> Result<Tally> {
    let older = suite.older();
    ensure!(older < suite, "there is no older docker to upgrade from on {suite}");
    let mut dice = Dice(seed);
    let mut tally = Tally { seed, cuts: Vec::new() };
    let mut course = Course::begin(suite, older)?;
    for work in Work::ROUND.into_iter().cycle().take(count) {
        if let Some(last) = tally.cuts.last_mut() {
            if last.lost.is_none() {
                // What goes wrong here is what the cuts before have left.
                let gone_on = course.go_to(work.starts_at()).context("on the way to the next cut");
                last.lost = gone_on.err().map(|error| format!("{error:#}"));
                if last.lost.is_some() {
                    told(last);
                }
            }
            if last.lost.is_some() {
                course = Course::begin(suite, older)?;
            }
        }
        course.go_to(work.starts_at())?;
        let cut = course.cut(work, &mut dice);
        told(&cut);
        tally.cuts.push(cut);
    }
    Ok(tally)
}

/// A node on its way round.
struct Course {
    node: Node,
    suite: Suite,
    older: Suite,
    bare: Snapshot,
    at: Place,
    usual: BTreeMap<Work, Duration>,
    container: String,
}

impl Course {
    fn begin(suite: Suite, older: Suite) -> Result<Self> {
        let node = Node::worker(suite);
        node.machine().put(&archive(older)?, &Node::archive(older))?;
        let bare = node.own_snapshot();
        let (at, usual) = (Place::Bare, BTreeMap::new());
        let mut course = Self { node, suite, older, bare, at, usual, container: String::new() };
        // How long it takes when nothing comes between.
        for place in [Place::Fresh, Place::Bare] {
            course.go_to(place).context("before anything was cut")?;
        }
        Ok(course)
    }

    fn machine(&self) -> &Machine {
        self.node.machine()
    }

    fn args(&self, work: Work) -> Vec<String> {
        let archive = Node::archive(self.suite);
        let words = match work {
            Work::Install | Work::Upgrade => vec!["docker", "--archive", &archive],
            Work::Rollback => vec!["docker", "rollback"],
            Work::Removal => vec!["docker", "remove", "--purge"],
        };
        words.into_iter().map(str::to_owned).collect()
    }

    /// Takes the node to a place by complete runs.
    fn go_to(&mut self, place: Place) -> Result<()> {
        while self.at != place {
            let work = match (self.at, place) {
                (Place::Bare, Place::Fresh) => Work::Install,
                (Place::Old, _) => Work::Upgrade,
                (Place::New, Place::Old) => Work::Rollback,
                (Place::Bare, _) => {
                    self.install_older()?;
                    continue;
                }
                (Place::Fresh | Place::New, _) => Work::Removal,
            };
            let start = Instant::now();
            self.run(&self.args(work), &["changed"])?;
            self.usual.insert(work, start.elapsed());
            self.arrive(work.ends_at())?;
        }
        Ok(())
    }

    /// The older docker, with a container that is not to be lost.
    fn install_older(&mut self) -> Result<()> {
        let archive = Node::archive(self.older);
        self.run(&["docker", "--archive", &archive], &["changed"])?;
        self.machine().pod()?;
        self.container = self.docker("inspect -f '{{.Id}} {{.Created}}' pod")?;
        self.arrive(Place::Old)
    }

    /// Cuts the power during `work`: some time after its start, or, because reading an archive is as long as all that
    /// comes after it, after the beginning of its journal.
    fn cut(&mut self, work: Work, dice: &mut Dice) -> Cut {
        let usual = [work, Work::Install].iter().find_map(|work| self.usual.get(work).copied());
        let journaled = dice.fraction() < 0.6;
        let part = if journaled { 0.7 } else { 1.0 };
        let after = usual.unwrap_or_default().mul_f64(dice.fraction() * part);
        let go_back = dice.fraction() < 0.3;
        let mut cut = Cut { work, journaled, after, unfinished: false, went_back: false, lost: None };
        cut.lost = self.try_cut(&mut cut, go_back).err().map(|error| format!("{error:#}"));
        cut
    }

    fn try_cut(&mut self, cut: &mut Cut, go_back: bool) -> Result<()> {
        let words = self.args(cut.work);
        let journals =
            || fs::read_dir(self.node.root().join("var/lib/node-setup/journal")).map_or(0, Iterator::count);
        let before = journals();
        let run = self.machine().spawn(&format!("exec /usr/bin/node-setup {}", words.join(" ")), &[])?;
        if cut.journaled {
            wait::until(LIMIT, Duration::from_millis(1), || Ok(journals() > before))?;
        }
        // Nothing is awaited here: the moment itself is what is tried.
        std::thread::sleep(cut.after);
        self.machine().power_cut()?;
        drop(run);
        let has_state = self.machine().sh("test -e /var/lib/node-setup/journal", &[], LIMIT)?.success();
        cut.unfinished = self.status()?.pointer("/status/unfinished").is_some_and(Value::is_string);
        if cut.unfinished && go_back {
            cut.went_back = true;
            self.run(&["docker", "recover"], &["changed"]).context("going back")?;
            self.is_back_at(cut.work.starts_at()).context("after going back")?;
            self.run(&words, &["changed"]).context("going on after going back")?;
        } else if cut.work == Work::Rollback {
            // The command for an interrupted rollback is the one that any interrupted run is taken on by: it leads to
            // the docker that the rollback was to bring back. One that had not begun, or had ended, is another thing.
            let newer = self.docker_is(self.suite)?;
            let words = if cut.unfinished || !newer { vec!["docker".to_owned()] } else { words };
            self.run(&words, &["changed", "unchanged"]).context("going on")?;
        } else if has_state || cut.work != Work::Removal {
            self.run(&words, &["changed", "unchanged"]).context("going on")?;
        }
        self.arrive(cut.work.ends_at())
    }

    /// Looks whether the node is as bare as before, but for what is allowed.
    fn is_bare(&self, allowed: &[&str]) -> Result<()> {
        let mut diff = self.bare.diff(&self.node.own_snapshot());
        diff.retain(|line| !OF_A_BOOT.iter().chain(allowed).any(|start| line.starts_with(start)));
        ensure!(diff.is_empty(), "the node is not as it was before:\n{}", diff.join("\n"));
        Ok(())
    }

    /// Looks whether a run was taken back: journals stay, and so does what docker has filled since.
    fn is_back_at(&mut self, place: Place) -> Result<()> {
        if place == Place::Bare {
            return self.is_bare(&["file /var/lib/node-setup", "file /data", "file /etc/docker"]);
        }
        self.arrive(place)
    }

    /// Looks whether the node is what it is to be at `place`.
    fn arrive(&mut self, place: Place) -> Result<()> {
        self.at = place;
        if place == Place::Bare {
            return self.is_bare(&[]);
        }
        let suite = if place == Place::Old { self.older } else { self.suite };
        ensure!(self.docker_is(suite)?, "docker is not {}", suite.docker_version());
        let verify = self.answer(&["docker", "verify"])?;
        ensure!(verify.code == 0, "verify exits with {}: {}", verify.code, verify.findings());
        self.run(&["docker"], &["unchanged"]).context("a second run")?;
        if matches!(place, Place::Old | Place::New) {
            let found = self.docker("inspect -f '{{.Id}} {{.Created}}' pod")?;
            ensure!(found == self.container, "the container is {found}, not {}", self.container);
            let runs = || Ok(self.docker("inspect -f '{{.State.Running}}' pod")?.trim() == "true");
            ensure!(wait::until(LIMIT, Duration::from_millis(100), runs)?, "the container does not run");
        }
        Ok(())
    }

    fn docker(&self, args: &str) -> Result<String> {
        self.machine().ok(&format!("/opt/k8s/bin/docker {args}"))
    }

    fn docker_is(&self, suite: Suite) -> Result<bool> {
        let version = self.machine().sh("/opt/k8s/bin/dockerd --version", &[], LIMIT)?.stdout;
        Ok(version.split([' ', ',', '+']).any(|word| word == suite.docker_version()))
    }

    fn status(&self) -> Result<Value> {
        Ok(self.answer(&["docker", "status"])?.json)
    }

    /// Runs node-setup, which has to exit with 0 and one of these outcomes.
    fn run(&self, args: &[impl AsRef<str>], outcomes: &[&str]) -> Result<()> {
        let answer = self.answer(args)?;
        let outcome = answer.json.pointer("/outcome").and_then(Value::as_str).unwrap_or_default();
        if answer.code != 0 || !outcomes.contains(&outcome) {
            bail!("`{}` exits with {}, {outcome}: {}", answer.command, answer.code, answer.findings());
        }
        Ok(())
    }

    fn answer(&self, args: &[impl AsRef<str>]) -> Result<Answer> {
        let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
        let command = args.join(" ");
        let output = self.machine().sh(&format!("node-setup {command} --output json"), &[], LIMIT)?;
        let json = serde_json::from_str(&output.stdout)
            .with_context(|| format!("`{command}` says {:?} {:?}", output.stdout, output.stderr))?;
        Ok(Answer { command, code: output.code, json })
    }
}

/// What one command of node-setup said.
struct Answer {
    command: String,
    code: i32,
    json: Value,
}

impl Answer {
    /// What is wrong, as far as the document says.
    fn findings(&self) -> String {
        let passes = |check: &&Value| {
            !matches!(check.get("status").and_then(Value::as_str), Some("pass" | "skip" | "warn"))
        };
        let checks = self.json.get("checks").and_then(Value::as_array).into_iter().flatten();
        let checks: Vec<String> = checks.filter(passes).map(Value::to_string).collect();
        let field = |name| self.json.get(name).filter(|value| !value.is_null()).map(Value::to_string);
        let fields: Vec<String> = ["error", "left", "notes"].into_iter().filter_map(field).collect();
        [checks, fields].concat().join(" ")
    }
}

/// Numbers that a seed determines: `splitmix64`.
struct Dice(u64);

impl Dice {
    /// From 0 up to 1.
    #[allow(clippy::cast_precision_loss, reason = "a fraction of a time, of which a millionth is enough")]
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 44) as f64 / f64::from(1 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_determines_the_moments() {
        let draw = |seed| -> Vec<f64> {
            let mut dice = Dice(seed);
            (0..100).map(|_| dice.fraction()).collect()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).into_iter().all(|fraction| (0.0..1.0).contains(&fraction)));
        let low = draw(3).into_iter().filter(|fraction| *fraction < 0.5).count();
        assert!((30..70).contains(&low), "{low} of 100 are below a half");
    }
}
