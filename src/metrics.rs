//! What a node tells Prometheus: the text that `node_exporter`'s textfile collector reads. Pure.
//!
//! Which metrics there are is a contract: alerts and dashboards go by their names and labels. A node
//! has as many series as [`CHECKS`](crate::check) has checks, times the statuses, and some twenty more;
//! no label takes a value that a node could make up, but for versions, of which there is one each.

use std::fmt::{Display, Write};
use std::time::Duration;

use crate::check::{Finding, Status};
use crate::journal::End;

/// A node at one moment.
#[derive(Debug)]
pub struct Metrics {
    /// When, in seconds since the epoch.
    pub written: u64,
    /// What was seen of it; nothing where it could not be looked at.
    pub seen: Option<Seen>,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Whether node-setup has set docker up here. Where not, there are no checks: what would
    /// they say of a node that is not meant to have it?
    pub managed: bool,
    /// docker's version, as node-setup installed it.
    pub installed: Option<String>,
    /// docker's version, as its API tells it.
    pub running: Option<String>,
    /// How many resources differ from what they are to be, where that could be seen.
    pub drifted: Option<usize>,
    /// The last run.
    pub last_run: Option<LastRun>,
    /// Whether there is a run to go on from or to put back.
    pub unfinished: bool,
    /// Whether somebody was at work on the node meanwhile.
    pub at_work: bool,
    /// What the checks found.
    pub checks: Vec<Finding>,
    /// How long looking took.
    pub took: Duration,
}

/// A run.
#[derive(Clone, Copy, Debug)]
pub struct LastRun {
    /// When it began, in seconds since the epoch.
    pub began: u64,
    /// How it ended, if it did.
    pub end: Option<End>,
}

/// Every way in which the last run can be found to have ended. One that goes on has not, and who
/// is resumed by another is not the last.
const OUTCOMES: [(&str, Option<End>); 4] = [
    ("completed", Some(End::Completed)),
    ("restored", Some(End::Restored)),
    ("partial", Some(End::Partial)),
    ("unended", None),
];

const STATUSES: [(&str, Status); 5] = [
    ("pass", Status::Pass),
    ("warn", Status::Warn),
    ("fail", Status::Fail),
    ("skip", Status::Skip),
    ("unknown", Status::Unknown),
];

/// The text, in the exposition format 0.0.4.
pub fn render(metrics: &Metrics) -> String {
    let mut text = Text::default();
    text.info("node_setup_build_info", "The node-setup that wrote this.", Some(env!("CARGO_PKG_VERSION")));
    text.gauge("node_setup_metrics_timestamp_seconds", "When this was written.", metrics.written);
    let success = u8::from(metrics.seen.is_some());
    text.gauge("node_setup_verify_success", "Whether the node could be looked at.", success);
    if let Some(seen) = &metrics.seen {
        text.seen(seen);
    }
    text.0
}

/// Text in the making.
#[derive(Default)]
struct Text(String);

impl Text {
    fn seen(&mut self, seen: &Seen) {
        let duration = format!("{:.3}", seen.took.as_secs_f64());
        self.gauge("node_setup_verify_duration_seconds", "How long looking at the node took.", duration);
        let help = "Whether node-setup has set docker up on this node.";
        self.gauge("node_setup_managed", help, u8::from(seen.managed));
        let help = "The docker that node-setup has installed.";
        self.info("node_setup_docker_installed_info", help, seen.installed.as_deref());
        let help = "The docker that answers on its API.";
        self.info("node_setup_docker_running_info", help, seen.running.as_deref());
        if let Some(drifted) = seen.drifted {
            let help = "How many resources differ from what node-setup would have them be.";
            self.gauge("node_setup_drifted_resources", help, drifted);
        }
        let help = "Whether a run did not end, and is to be gone on from or put back.";
        self.gauge("node_setup_run_unfinished", help, u8::from(seen.unfinished));
        let help = "Whether node-setup was at work on the node while it was looked at.";
        self.gauge("node_setup_run_in_progress", help, u8::from(seen.at_work));
        if let Some(run) = &seen.last_run {
            self.run(*run);
        }
        self.checks(&seen.checks);
    }

    fn run(&mut self, run: LastRun) {
        self.gauge("node_setup_last_run_timestamp_seconds", "When the last run began.", run.began);
        let name = "node_setup_last_run_outcome";
        self.head(name, "How the last run ended: 1 for the outcome that it had.");
        for (outcome, end) in OUTCOMES {
            self.sample(name, &[("outcome", outcome)], u8::from(run.end == end));
        }
    }

    fn checks(&mut self, checks: &[Finding]) {
        if checks.is_empty() {
            return;
        }
        let name = "node_setup_check_status";
        self.head(name, "What a check found: 1 for the status that it has.");
        for check in checks {
            for (word, status) in STATUSES {
                let is = u8::from(check.status == status);
                self.sample(name, &[("check", &check.id), ("status", word)], is);
            }
        }
    }

    /// A version, by a sample that is there or not.
    fn info(&mut self, name: &str, help: &str, version: Option<&str>) {
        if let Some(version) = version {
            self.head(name, help);
            self.sample(name, &[("version", version)], 1);
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, help);
        self.sample(name, &[], value);
    }

    fn head(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

/// The value of a label, as the format wants it between quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::generated::assert_fresh;

    fn finding(id: &str, status: Status) -> Finding {
        Finding {
            id: id.to_owned(),
            status,
            detail: "what was seen".to_owned(),
            needed: None,
            remedy: None,
            skipped_by: None,
        }
    }

    fn working() -> Seen {
        Seen {
            managed: true,
            installed: Some("20.10.24".to_owned()),
            running: Some("20.10.24".to_owned()),
            drifted: Some(0),
            last_run: Some(LastRun { began: 1_700_000_000, end: Some(End::Completed) }),
            checks: vec![finding("docker-service", Status::Pass), finding("hairpin", Status::Skip)],
            took: Duration::from_millis(87),
            ..Seen::default()
        }
    }

    fn of(seen: Option<Seen>) -> String {
        render(&Metrics { written: 1_700_000_900, seen })
    }

    /// promtool reads these too (`make test-packages`).
    #[test]
    fn the_samples_are_what_is_written() {
        let drifted = Seen {
            drifted: Some(2),
            unfinished: true,
            last_run: Some(LastRun { began: 1_700_000_000, end: None }),
            checks: vec![finding("docker-service", Status::Unknown), finding("forward-policy", Status::Fail)],
            ..working()
        };
        for (name, seen) in [
            ("working", Some(working())),
            ("drifted", Some(drifted)),
            ("not-managed", Some(Seen::default())),
            ("not-looked-at", None),
        ] {
            assert_fresh(&Path::new("tests/fixtures/metrics").join(name).with_extension("prom"), &of(seen));
        }
    }

    #[test]
    fn a_family_is_told_once_and_before_its_samples() {
        let text = of(Some(working()));
        let mut families: Vec<&str> = Vec::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split([' ', '{']).collect();
            match words[..] {
                ["#", "HELP", name, ..] => {
                    assert!(!families.contains(&name), "{name} is told twice");
                    families.push(name);
                }
                ["#", "TYPE", name, "gauge"] | [name, ..] => {
                    assert_eq!(families.last(), Some(&name), "{line}");
                }
                [] => panic!("an empty line"),
            }
        }
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn exactly_one_of_a_set_of_states_holds() {
        let statuses = [Status::Pass, Status::Warn, Status::Fail, Status::Skip, Status::Unknown];
        let ends = [Some(End::Completed), Some(End::Restored), Some(End::Partial), None];
        for (status, end) in statuses.into_iter().zip(ends.into_iter().cycle()) {
            let text = of(Some(Seen {
                checks: vec![finding("one", status)],
                last_run: Some(LastRun { began: 1, end }),
                ..Seen::default()
            }));
            for (set, size) in [
                ("node_setup_check_status{", STATUSES.len()),
                ("node_setup_last_run_outcome{", OUTCOMES.len()),
            ] {
                let values: Vec<&str> = text.lines().filter(|line| line.starts_with(set)).collect();
                assert_eq!(values.len(), size, "{values:?}");
                assert_eq!(values.iter().filter(|line| line.ends_with(" 1")).count(), 1, "{values:?}");
            }
        }
    }

    #[test]
    fn what_is_not_known_has_no_sample() {
        for (seen, absent) in [
            (Seen { installed: None, ..working() }, "node_setup_docker_installed_info"),
            (Seen { running: None, ..working() }, "node_setup_docker_running_info"),
            (Seen { drifted: None, ..working() }, "node_setup_drifted_resources"),
            (Seen { last_run: None, ..working() }, "node_setup_last_run"),
            (Seen { checks: Vec::new(), ..working() }, "node_setup_check_status"),
        ] {
            assert!(of(Some(working())).contains(absent), "{absent} is known otherwise");
            assert!(!of(Some(seen)).contains(absent), "{absent}");
        }
    }

    #[test]
    fn the_values_of_labels_are_escaped() {
        for (value, wanted) in [("1.0", "1.0"), ("a\"b", "a\\\"b"), ("a\\n", "a\\\\n"), ("a\nb", "a\\nb")] {
            assert_eq!(escaped(value), wanted);
            let text = of(Some(Seen { running: Some(value.to_owned()), ..Seen::default() }));
            let line = format!("\nnode_setup_docker_running_info{{version=\"{wanted}\"}} 1\n");
            assert!(text.contains(&line), "{text}");
        }
    }
}
