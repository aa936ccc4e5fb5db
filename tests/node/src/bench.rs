//! How long node-setup takes, next to the guide's own steps, on the same node and in turn.
//!
//! Each figure is the median of several rounds. What is compared is compared within a round: the machine's mood changes
//! from one to the next. Nothing is asserted here; the figures that are to be reached stand beside those that were.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{Node, Suite};

const GUIDE: &str = include_str!("bench/guide.sh");
const UNDO_GUIDE: &str = include_str!("bench/undo_guide.sh");
const PLAY: &str = include_str!("bench/play.yml");

/// What a figure is to be at most.
#[derive(Debug, Clone, Copy)]
enum Bound {
    /// As a part of what is compared with.
    Ratio(f64),
    Seconds(f64),
    Mebibytes(f64),
    /// For comparison only.
    None,
}

/// One line of the table: the samples of ours, and of what is compared with.
struct Row {
    what: &'static str,
    ours: Vec<f64>,
    theirs: Vec<f64>,
    bound: Bound,
}

/// The figures.
pub struct Table(Vec<Row>);

impl Table {
    fn add(&mut self, what: &'static str, bound: Bound, ours: f64, theirs: Option<f64>) {
        let index = self.0.iter().position(|row| row.what == what).unwrap_or(self.0.len());
        if index == self.0.len() {
            self.0.push(Row { what, ours: Vec::new(), theirs: Vec::new(), bound });
        }
        if let Some(row) = self.0.get_mut(index) {
            row.ours.push(ours);
            row.theirs.extend(theirs);
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:46} {:>10} {:>10} {:>6}  at most", "", "node-setup", "other", "ratio")?;
        for Row { what, ours, theirs, bound } in &self.0 {
            let (ours, theirs) = (median(ours), (!theirs.is_empty()).then(|| median(theirs)));
            let show = |value: f64| match bound {
                Bound::Mebibytes(_) => format!("{value:.1} MiB"),
                _ if value < 0.1 => format!("{:.1} ms", value * 1000.0),
                _ => format!("{value:.2} s"),
            };
            let ratio = theirs.map(|theirs| ours / theirs);
            let (most, met) = match *bound {
                Bound::Ratio(most) => (format!("{most:.2}"), ratio.is_some_and(|ratio| ratio <= most)),
                Bound::Seconds(most) | Bound::Mebibytes(most) => (show(most), ours <= most),
                Bound::None => (String::new(), true),
            };
            let missed = if met { "" } else { "  missed" };
            let theirs = theirs.map(show).unwrap_or_default();
            let ratio = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            writeln!(f, "{what:46} {:>10} {theirs:>10} {ratio:>6}  {most}{missed}", show(ours))?;
        }
        Ok(())
    }
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A node to measure on.
struct Bench {
    node: Node,
    archive: String,
    table: Table,
}

/// Measures `rounds` times on a node of `suite`, and on one of trixie what an upgrade interrupts.
///
/// # Errors
/// When something that is measured does not work.
pub fn run(suite: Suite, rounds: u32, with_ansible: bool) -> Result<Table> {
    let packages: &[&str] = if with_ansible { &["ansible-core"] } else { &[] };
    let node = Node::builder(suite).packages(packages).limit(Duration::from_mins(5)).worker();
    node.write("/root/guide.sh", GUIDE);
    node.write("/root/undo_guide.sh", UNDO_GUIDE);
    node.write("/root/play.yml", PLAY);
    let mut bench = Bench { node, archive: Node::archive(suite), table: Table(Vec::new()) };
    for round in 1..=rounds {
        println!("round {round} of {rounds}");
        bench.round(with_ansible)?;
    }
    bench.size()?;
    let mut table = bench.table;
    upgrade(rounds, &mut table)?;
    Ok(table)
}

impl Bench {
    fn round(&mut self, with_ansible: bool) -> Result<()> {
        let install = format!("node-setup docker --archive {}", self.archive);
        let guide = self.guide()?;
        let ours = self.seconds(&install, 1)?;
        self.table.add("cold install, to the API's answer", Bound::Ratio(0.60), ours, Some(guide.all));
        self.standing()?;
        self.remove();
        let binaries = self.binaries();
        self.table.add("of that, the binaries", Bound::Ratio(0.45), binaries, Some(guide.binaries));
        self.remove();
        let (journal, all) = self.journal(&install)?;
        self.table.add("of that, the journal", Bound::Ratio(0.10), journal, Some(all));
        self.remove();
        let peak = self.peak(&install)?;
        self.table.add("peak resident memory of an install", Bound::Mebibytes(24.0), peak, None);
        if with_ansible {
            self.remove();
            self.ansible()?;
        } else {
            self.remove();
        }
        Ok(())
    }

    /// What is run on a node that is as it should be.
    fn standing(&mut self) -> Result<()> {
        let install = format!("node-setup docker --archive {}", self.archive);
        let unchanged = self.seconds(&install, 10)?;
        self.table.add("a run that changes nothing", Bound::Seconds(0.025), unchanged, None);
        let verify = self.seconds("node-setup docker verify", 10)?;
        self.table.add("docker verify", Bound::Seconds(0.020), verify, None);
        let version = self.seconds("node-setup --version", 20)?;
        self.table.add("--version", Bound::Seconds(0.002), version, None);
        Ok(())
    }

    fn guide(&self) -> Result<Guide> {
        let took = self.node.sh(&format!("sync; bash /root/guide.sh {}", self.archive));
        self.node.ok("bash /root/undo_guide.sh");
        let mut figures = took.stdout.split_whitespace().map(str::parse);
        match (took.code, figures.next(), figures.next()) {
            (0, Some(Ok(binaries)), Some(Ok(all))) => Ok(Guide { binaries, all }),
            _ => bail!("the guide's steps failed: {took:?}"),
        }
    }

    /// The time that unpacking and putting the binaries in place takes in an install.
    fn binaries(&self) -> f64 {
        self.node.ok("sync");
        let report = self.node.report(&["docker", "--archive", &self.archive]);
        let list = |name: &str| report.json.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let of_binaries = list("changes").into_iter().filter(|change| {
            change.get("on").and_then(Value::as_str).is_some_and(|on| on.starts_with("/opt/k8s/bin"))
        });
        let microseconds =
            list("stages").into_iter().chain(of_binaries).filter_map(|part| part.get("took_us")?.as_f64());
        microseconds.sum::<f64>() / 1e6
    }

    /// What an install spends in system calls on its journal, and in all, both as strace sees them.
    fn journal(&self, install: &str) -> Result<(f64, f64)> {
        let all = self.seconds(
            &format!("strace -qq -y -T -o /root/trace -e trace=write,fsync,fdatasync,openat,mkdir {install}"),
            1,
        )?;
        let spent = self.node.ok(
            "awk -F'[<>]' '/\\/var\\/lib\\/node-setup\\/journal/ { spent += $(NF-1) } END { print spent + 0 }' /root/trace",
        );
        Ok((spent.trim().parse().context("no time in the trace")?, all))
    }

    fn peak(&self, install: &str) -> Result<f64> {
        let kibibytes = self.node.ok(&format!(
            "{install} >/dev/null & while line=$(grep VmHWM /proc/$!/status 2>/dev/null); do \
             peak=$line; done; wait $!; echo $peak | tr -dc 0-9"
        ));
        Ok(kibibytes.trim().parse::<f64>().context("no peak")? / 1024.0)
    }

    fn ansible(&mut self) -> Result<()> {
        let play = format!("ansible-playbook -i localhost, -e archive={} /root/play.yml", self.archive);
        let install = format!("node-setup docker --archive {}", self.archive);
        let (cold, again) = (self.seconds(&play, 1)?, self.seconds(&play, 1)?);
        self.node.ok("bash /root/undo_guide.sh");
        let (ours, ours_again) = (self.seconds(&install, 1)?, self.seconds(&install, 1)?);
        self.remove();
        self.table.add("cold install, next to Ansible's", Bound::None, ours, Some(cold));
        self.table.add("nothing to change, next to Ansible's", Bound::None, ours_again, Some(again));
        Ok(())
    }

    fn size(&mut self) -> Result<()> {
        let bytes: f64 = self.node.ok("stat -c %s /usr/bin/node-setup").trim().parse()?;
        self.table.add("the binary", Bound::Mebibytes(6.0), bytes / 1024.0 / 1024.0, None);
        Ok(())
    }

    fn seconds(&self, command: &str, times: u32) -> Result<f64> {
        seconds(&self.node, command, times)
    }

    fn remove(&self) {
        self.node.ok("node-setup docker remove --purge; sync");
    }
}

struct Guide {
    binaries: f64,
    all: f64,
}

/// How long a command takes in a node, as its own shell sees it.
fn seconds(node: &Node, command: &str, times: u32) -> Result<f64> {
    let script = format!(
        "bash -c 'sync; begin=$EPOCHREALTIME; for i in $(seq {times}); do {command} >/dev/null || exit; done; \
         end=$EPOCHREALTIME; awk \"BEGIN {{ print ($end - $begin) / {times} }}\"'"
    );
    node.ok(&script).trim().parse().with_context(|| format!("`{command}` was not timed"))
}

/// How long docker's API does not answer during an upgrade, and during a plain restart.
fn upgrade(rounds: u32, table: &mut Table) -> Result<()> {
    let (old, new) = (Suite::Bookworm, Suite::Trixie);
    let node = Node::worker(new);
    node.bring_archive(old);
    for _ in 0..rounds {
        node.ok(&format!("node-setup docker --archive {}", Node::archive(old)));
        let upgrade = silence(&node, &format!("node-setup docker --archive {}", Node::archive(new)))?;
        let restart = silence(&node, "systemctl restart docker")?;
        node.ok("node-setup docker remove --purge");
        table.add("an upgrade: docker does not answer", Bound::Ratio(1.1), upgrade, Some(restart));
    }
    Ok(())
}

/// How long docker's API does not answer while a command runs.
fn silence(node: &Node, command: &str) -> Result<f64> {
    let script = format!(
        "bash -c '{command} >/dev/null & command=$!; last=$EPOCHREALTIME; longest=0; \
         while :; do kill -0 $command 2>/dev/null; running=$?; \
         if curl -s -m 1 --unix-socket /run/docker.sock http://docker/_ping >/dev/null; then \
         now=$EPOCHREALTIME; echo \"$last $now\"; last=$now; [ $running = 0 ] || break; fi; done; wait $command' \
         | awk '{{ if ($2 - $1 > longest) longest = $2 - $1 }} END {{ print longest }}'"
    );
    node.ok(&script).trim().parse().with_context(|| format!("`{command}` was not timed"))
}
