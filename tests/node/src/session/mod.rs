//! The session of README.md: what somebody types on a fresh worker, and what comes up, as a picture.
//!
//! [`play`] types it on a node, in a terminal of its own; [`Recording`] is what came up, byte for byte;
//! [`svg()`] draws it. A recording is kept beside the picture, so that a test draws it again.

mod screen;
mod svg;
mod terminal;

use std::fmt::Write;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::Machine;
pub use screen::{COLUMNS, Line, Look, Run};
pub use svg::svg;

/// What the picture is of.
pub const TITLE: &str =
    "A session: plan, run, run again; a policy that somebody breaks is found, explained and mended";

/// What somebody types, and what of the answer is shown.
struct Scene {
    typed: &'static str,
    /// The exit code.
    code: i32,
    /// Words of the lines that are shown; without any, all of them are.
    shows: &'static [&'static str],
}

/// The archive is where [`Node::worker`](crate::Node::worker) puts it, and where whoever types is.
const SCENES: &[Scene] = &[
    Scene {
        typed: "node-setup docker plan --archive docker-20.10.24.tgz",
        code: 0,
        shows: &["ip_forward  ", "/opt/k8s/bin/dockerd", "unit    docker.service", "pending"],
    },
    Scene {
        typed: "node-setup docker --archive docker-20.10.24.tgz",
        code: 0,
        shows: &["ip_forward  ", "/opt/k8s/bin/dockerd", "unit    docker.service", "changes made"],
    },
    Scene { typed: "node-setup docker", code: 0, shows: &[] },
    Scene { typed: "iptables -P FORWARD DROP", code: 0, shows: &[] },
    Scene {
        typed: "node-setup docker verify",
        code: 5,
        shows: &[
            "docker-service",
            "docker-fresh",
            "forward-policy",
            "→ node-setup docker",
            "checks: ",
            "says more",
        ],
    },
    Scene { typed: "node-setup explain forward-policy", code: 0, shows: &[] },
    Scene { typed: "node-setup docker", code: 0, shows: &[] },
];

/// One command of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// What was typed.
    pub typed: String,
    /// What came up, with all that steers a terminal.
    pub came: String,
    /// Words of the lines that are shown; without any, all of them are.
    pub shows: Vec<String>,
}

/// A session, as it came up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording(pub Vec<Take>);

/// Types all of it on a worker.
pub fn play(worker: &Machine) -> Result<Recording> {
    let play = |scene: &Scene| {
        let (came, code) = terminal::run(worker, scene.typed)?;
        ensure!(code == scene.code, "`{}` exited with {code}, not {}:\n{came}", scene.typed, scene.code);
        let shows = scene.shows.iter().map(|&words| words.to_owned()).collect();
        Ok(Take { typed: scene.typed.to_owned(), came, shows })
    };
    SCENES.iter().map(play).collect::<Result<_>>().map(Recording)
}

impl Recording {
    /// What is to be seen of it.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for take in &self.0 {
            if !lines.is_empty() {
                lines.push(Line::default());
            }
            lines.push(Line::prompt(&take.typed));
            let is_shown = |line: &Line| {
                let text = line.text();
                take.shows.is_empty() || take.shows.iter().any(|words| text.contains(words))
            };
            let mut is_left_out = false;
            for line in screen::lines(&take.came) {
                if is_shown(&line) {
                    lines.push(line);
                    is_left_out = false;
                } else if !is_left_out {
                    lines.push(Line::left_out());
                    is_left_out = true;
                }
            }
        }
        lines
    }

    /// The same as text in which numbers, which differ from one run to the next, are all alike.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = String::new();
        for line in self.lines() {
            let mut was_number = false;
            for char in line.text().chars() {
                let is_number = char.is_ascii_digit() || (was_number && char == '.');
                if !is_number {
                    words.push(char);
                } else if !was_number {
                    words.push('#');
                }
                was_number = is_number;
            }
            let _ = writeln!(words);
        }
        // How long something takes decides in which unit that is said, how wide it is, and of a change whether
        // it is said at all.
        let line = |line: &str| {
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ").replace("# ms", "# s");
            let change = line.strip_suffix(" # s").filter(|_| !line.contains(';'));
            change.unwrap_or(&line).to_owned() + "\n"
        };
        words.lines().map(line).collect()
    }
}
