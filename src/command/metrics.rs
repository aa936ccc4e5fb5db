//! `node-setup metrics`: the checks, for Prometheus.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::live;
use super::session::{Session, load, require_root};
use crate::Result;
use crate::check::check;
use crate::cli::SettingOptions;
use crate::desired::socket;
use crate::host::{Interrupt, publish_file};
use crate::journal::now;
use crate::metrics::{LastRun, Metrics, Seen, render};
use crate::plan::plan;
use crate::report::Report;

/// Where Debian's `node_exporter` reads text files; its package makes the directory.
const DIRECTORY: &str = "/var/lib/prometheus/node-exporter";

/// The name there.
const NAME: &str = "node_setup.prom";

/// Looks at the node, and writes what it saw to where it is wanted. A node that could not be looked
/// at has metrics too, which say so, and is an error all the same.
pub(super) fn metrics(settings: &SettingOptions, file: Option<&Path>, report: &mut Report) -> Result<()> {
    require_root()?;
    let (seen, looked) = match look(settings, report) {
        Ok(seen) => (Some(seen), Ok(())),
        Err(error) => (None, Err(error)),
    };
    let text = render(&Metrics { written: now(), seen });
    let Some(path) = target(file, Path::new(DIRECTORY).is_dir()) else {
        report.metrics = Some(text);
        return looked;
    };
    match (looked, write(&path, &text)) {
        (looked, Ok(())) => {
            report.notes.push(format!("written to {}", path.display()));
            looked
        }
        (Err(looked), Err(unwritten)) => {
            report.notes.push(unwritten.in_one_line());
            Err(looked)
        }
        (Ok(()), unwritten) => unwritten,
    }
}

/// Where the text goes; nowhere means stdout.
fn target(file: Option<&Path>, is_debians: bool) -> Option<PathBuf> {
    match file {
        Some(file) if file == Path::new("-") => None,
        Some(file) => Some(file.to_owned()),
        None => is_debians.then(|| Path::new(DIRECTORY).join(NAME)),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let help = "name a file in the directory of the textfile collector; for stdout, name -";
    publish_file(path, text.as_bytes(), 0o644, help)
}

fn look(settings: &SettingOptions, report: &mut Report) -> Result<Seen> {
    let began = Instant::now();
    let config = load(settings)?;
    let (session, at_work) = live::watching(|| Session::begin(config, Interrupt::default()))?;
    report.notes.extend(at_work.as_deref().map(live::note));
    let receipt = &session.receipt;
    let unfinished = at_work.is_none() && receipt.unfinished().is_some();
    let managed = receipt.is_installed() || unfinished;
    let docker = receipt.docker();
    let mut drifted = None;
    if managed {
        let desired = session.installed();
        report.checks = check(&session.subject(docker, &desired));
        drifted = match plan(&session.host, &desired.goals, receipt) {
            Ok(steps) => Some(steps.len()),
            Err(error) => {
                report.notes.push(format!("what has drifted cannot be seen: {}", error.in_one_line()));
                None
            }
        };
    }
    Ok(Seen {
        managed,
        installed: docker.map(|docker| docker.version.to_string()),
        running: session.host.api(&socket(&session.config)).version().ok(),
        drifted,
        last_run: receipt.runs().last().map(|run| LastRun { began: run.begin.started, end: run.end }),
        unfinished,
        at_work: at_work.is_some(),
        checks: report.checks.clone(),
        took: began.elapsed(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_goes_where_it_is_wanted() {
        for (file, is_debians, wanted) in [
            (None, true, Some("/var/lib/prometheus/node-exporter/node_setup.prom")),
            (None, false, None),
            (Some("-"), true, None),
            (Some("/srv/textfile/a.prom"), true, Some("/srv/textfile/a.prom")),
            (Some("/srv/textfile/a.prom"), false, Some("/srv/textfile/a.prom")),
        ] {
            assert_eq!(target(file.map(Path::new), is_debians).as_deref(), wanted.map(Path::new), "{file:?}");
        }
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        std::fs::write(at("file"), "old").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        std::fs::create_dir(at("directory")).unwrap();
        for (name, replaced) in [("file", true), ("new", true), ("link", false), ("directory", false)] {
            assert_eq!(write(&at(name), "text\n").is_ok(), replaced, "{name}");
        }
        assert_eq!(std::fs::read_to_string(at("new")).unwrap(), "text\n");
        assert!(at("link").is_symlink() && at("directory").is_dir());
    }
}
