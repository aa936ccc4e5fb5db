//! Every page that people see, kept in `tests/fixtures/pages` at two widths, in ASCII and in colour.
//!
//! What a page is made from is fixed: reports in `tests/fixtures/reports`, which a node once gave,
//! and the journals of `tests/fixtures/journal`, whose steps come up as those of a run do.
//! `make generate` writes the pages again; whoever changes one sees in the difference what an
//! operator will see.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ColorChoice, CommandFactory};

use super::{ArchiveReport, LeftReport, Outcome, Page, PageReport, Report, RunReport, Style, plain_all};
use crate::change::{Name, Step};
use crate::cli::Cli;
use crate::error::Error;
use crate::event::{Event, Left};
use crate::generated::assert_fresh;
use crate::journal::{Record, now, parse};
use crate::lang::Language;
use crate::lang::columns::columns;
use crate::lang::help::{complaint, translated};
use crate::preflight::refusals;
use crate::run::describe;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A report that a node gave.
fn given(name: &str) -> Report {
    let path = root().join("reports").join(name).with_extension("json");
    let text = std::fs::read_to_string(&path).expect(name);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a run did, by its journal.
fn journal(name: &str) -> Vec<Record> {
    let path = root().join("journal/schema-1").join(name).with_extension("jsonl");
    parse(&std::fs::read_to_string(path).expect(name)).expect(name)
}

/// A page in the making: what comes up while a command works, and what it says in the end.
struct Shown(Page);

impl Shown {
    fn event(mut self, event: &Event<'_>) -> Self {
        self.0.event(event);
        self
    }

    fn note(self, note: &str) -> Self {
        self.event(&Event::Note(note))
    }

    fn done(self, step: &Step) -> Self {
        let took = if matches!(step, Step::Unit(_)) { 1240 } else { 3 };
        self.event(&Event::Done { step, took: Duration::from_millis(took) })
    }

    /// A run as its journal has it.
    fn run(mut self, records: &[Record]) -> Self {
        let mut is_failing = false;
        for record in records {
            self = match record {
                Record::Done { step } => self.done(step),
                Record::Refused { step, reason } => self.event(&Event::Refused { step, reason }),
                Record::Undone { step } => {
                    let failed = Event::Failed(&Error::NothingToUndo);
                    let shown = if is_failing { self } else { self.event(&failed) };
                    is_failing = true;
                    shown.event(&Event::Undone(step))
                }
                _ => self,
            }
        }
        self
    }

    fn left(self, on: &str, why: &str) -> Self {
        let name = Name { kind: "file", on: on.to_owned() };
        self.event(&Event::Left(&Left::failed(name, why.to_owned())))
    }

    /// The report, and its error, as the end of a command shows them.
    fn report(self, report: &Report) -> Self {
        self.told(report, false)
    }

    fn told(mut self, report: &Report, verbose: bool) -> Self {
        let report = plain_all(report);
        self.0.report(&report, verbose);
        if let Some(error) = &report.error {
            self.0.error(error);
        }
        self
    }

    fn error(self, command: &str, outcome: Outcome, error: &Error) -> Self {
        let mut report = Report::new(command);
        report.fail(outcome, error);
        self.report(&report)
    }
}

fn made(records: &[Record]) -> Vec<super::ChangeReport> {
    let step = |record: &Record| match record {
        Record::Done { step } => Some(super::ChangeReport::brief(step)),
        _ => None,
    };
    records.iter().filter_map(step).collect()
}

/// A run that was carried out.
fn ran(command: &str, records: &[Record], duration_ms: u64) -> Report {
    let outcome = if made(records).is_empty() { Outcome::Unchanged } else { Outcome::Changed };
    let changed = outcome == Outcome::Changed;
    Report { outcome, changed, changes: made(records), duration_ms, ..Report::new(command) }
}

fn refused(command: &str) -> Report {
    let mut report = Report::new(command);
    report.fail(Outcome::Refused, &Error::Refused(refusals(&given("preflight-refused").preflight)));
    report
}

/// dockerd's own last words, one of them wider than any terminal.
fn unit_failed() -> Error {
    let line = "time=\"2026-11-23T17:57:30.659913997Z\" level=info msg=\"[core] Subchannel picks a new address \
                \\\"unix:///data/k8s/docker/exec/containerd/containerd.sock\\\" to connect\" module=grpc";
    let log = [
        line,
        "failed to start daemon: error initializing graphdriver: driver not supported",
        "docker.service: Main process exited, code=exited, status=1/FAILURE",
        "docker.service: Failed with result 'exit-code'.",
    ];
    let (unit, problem) = ("docker.service".to_owned(), "did not restart: exit-code".to_owned());
    let cause = Error::Unit { unit, problem, log: log.map(str::to_owned).to_vec() };
    let step = journal("back/000007").iter().find_map(|record| match record {
        Record::Done { step: step @ Step::Unit(_) } => Some(describe(step)),
        _ => None,
    });
    Error::Step { step: step.expect("docker is restarted"), cause: Box::new(cause) }
}

fn runs() -> Report {
    let run = |number: &str, command: &str, hours: u64, end: &str, journal_of: &str| RunReport {
        number: number.to_owned(),
        command: command.to_owned(),
        // In the middle of an hour, so that a slow test says the same.
        started: now() - hours * 3600 - 1800,
        end: end.to_owned(),
        docker: Some("28.5.2".to_owned()),
        changes: made(&journal(journal_of)),
    };
    let runs = vec![
        run("000001", "docker", 70, "completed", "worker/000001"),
        run("000002", "docker", 5, "restored", "back/000007"),
        run("000003", "docker rollback", 1, "completed", "back/000007"),
    ];
    Report { runs, ..Report::new("docker history") }
}

fn fetched() -> Report {
    let own = str::to_owned;
    let archive = ArchiveReport {
        version: own("28.5.2"),
        arch: own("x86_64"),
        path: own("/var/cache/node-setup/x86_64/docker-28.5.2.tgz"),
        size: 82_461_730,
        sha256: "8f58361d542df303718c019e111ad9ff093c6368bddddef0857cca6ef4673789".to_owned(),
        source: own("https://mirror.example.com/docker/linux/static/stable/x86_64/docker-28.5.2.tgz"),
        vouched_for_by: own("the built-in catalogue"),
    };
    let outcome = Outcome::Changed;
    Report { outcome, archive: Some(archive), duration_ms: 21_345, ..Report::new("docker fetch") }
}

fn explained(id: Option<&str>) -> Report {
    let pages = crate::explain::pages().into_iter().filter(|page| id.is_none_or(|id| page.id == id));
    let pages = pages.map(|page| PageReport {
        id: page.id.to_owned(),
        kind: page.kind.to_string(),
        title: page.title.to_owned(),
        text: id.map(|_| page.text.to_owned()),
    });
    Report { pages: pages.collect(), ..Report::new("explain") }
}

fn wrong_setting() -> Error {
    Error::Config {
        origin: "/etc/node-setup/config.toml:1".to_owned(),
        problem: "there is no setting dokcer".to_owned(),
        help: "did you mean docker?".to_owned(),
    }
}

fn unreachable() -> Error {
    Error::Archive {
        origin: "https://download.docker.com/linux/static/stable/x86_64/docker-28.5.2.tgz".to_owned(),
        problem: "its host is not known".to_owned(),
        help: "check the URL and the way to it, or give the path of a file as --archive".to_owned(),
    }
}

type Draw = fn(Shown) -> Shown;

/// Each page by its name.
const PAGES: &[(&str, Draw)] = &[
    ("plan", |page| page.report(&given("plan"))),
    ("plan-of-a-rollback", |page| page.report(&given("rollback-plan"))),
    ("plan-of-nothing", |page| {
        page.report(&Report { duration_ms: 33, checks: Vec::new(), ..Report::new("docker plan") })
    }),
    ("run", |page| {
        let steps = journal("worker/000001");
        let page = page.note(
            "/root/docker-26.1.5.tgz was compared with nothing; its sha256 is \
             6dc031ab7622ec691566ae7f6eca10ca8ffd8c42bfbbb4ba0cbaf3ac0b8e4fd1",
        );
        let report = Report { checks: given("verify-pass").checks, ..ran("docker", &steps, 2_700) };
        page.run(&steps).report(&report)
    }),
    ("run-that-changed-nothing", |page| {
        page.report(&Report { checks: given("verify-pass").checks, ..ran("docker", &[], 87) })
    }),
    ("run-after-which-a-check-fails", |page| {
        let steps = journal("back/000007");
        page.run(&steps)
            .report(&Report { checks: given("verify-fail").checks, ..ran("docker", &steps, 2_300) })
    }),
    ("run-refused", |page| page.report(&refused("docker"))),
    ("run-failed", |page| {
        let mut report = Report { duration_ms: 8_700, ..Report::new("docker") };
        report.fail(Outcome::Restored, &unit_failed());
        page.run(&journal("worker/000003")).report(&report)
    }),
    ("run-put-back-in-part", |page| {
        let why = "cannot write /etc/docker/daemon.json: No space left on device (os error 28)";
        let left = LeftReport { on: "/etc/docker/daemon.json".into(), kind: "file".into(), why: why.into() };
        let mut report = Report { left: vec![left], duration_ms: 8_700, ..Report::new("docker") };
        report.fail(Outcome::Failed, &unit_failed());
        page.run(&journal("broken/000005")).left("/etc/docker/daemon.json", why).report(&report)
    }),
    ("run-while-another-runs", |page| {
        let holder = "process 4711 (node-setup docker)".to_owned();
        page.error("docker", Outcome::Refused, &Error::Locked { holder })
    }),
    ("verify", |page| page.report(&given("verify-pass"))),
    ("verify-that-fails", |page| page.report(&given("verify-fail"))),
    ("preflight", |page| page.report(&given("preflight-pass"))),
    ("preflight-that-refuses", |page| page.report(&given("preflight-refused"))),
    ("preflight-of-every-check", |page| page.told(&given("preflight-refused"), true)),
    ("status", |page| page.report(&given("status"))),
    ("status-of-every-change", |page| page.told(&given("status"), true)),
    ("status-of-a-run-that-did-not-end", |page| {
        let mut report = given("status");
        if let Some(status) = &mut report.status {
            status.unfinished = Some("/var/lib/node-setup/journal/000007.jsonl".into());
            status.at_work = Some("process 4711 (node-setup docker)".into());
        }
        page.report(&report)
    }),
    ("history", |page| page.report(&runs())),
    ("history-of-every-change", |page| {
        let mut report = runs();
        report.runs.remove(0);
        page.told(&report, true)
    }),
    ("history-of-nothing", |page| page.report(&Report::new("docker history"))),
    ("rollback", |page| {
        let steps = journal("back/000007");
        page.run(&steps).report(&ran("docker rollback", &steps, 2_300))
    }),
    ("rollback-of-nothing", |page| page.error("docker rollback", Outcome::Refused, &Error::NothingToUndo)),
    ("repair", |page| {
        let steps = journal("network/000003");
        page.run(&steps).report(&ran("docker repair", &steps, 1_900))
    }),
    ("remove", |page| {
        let steps = journal("worker/000005");
        let why = "cannot remove /data/k8s: Directory not empty (os error 39)";
        let page =
            page.note("stopping the containers web, a-name-that-is-as-long-as-those-that-kubelet-makes-up");
        let page = page.run(&steps).left("/data/k8s", why);
        page.note("docker's data stays; remove --purge takes it away too").report(&ran(
            "docker remove",
            &steps,
            2_100,
        ))
    }),
    ("recover", |page| {
        let undone = journal("broken/000005");
        let step = |record: &Record| match record {
            Record::Undone { step } => Some(step.clone()),
            _ => None,
        };
        let steps: Vec<Step> = undone.iter().filter_map(step).collect();
        let page = steps.iter().fold(page, |page, step| page.event(&Event::Undone(step)));
        let changes = steps.iter().map(|step| super::ChangeReport::brief(&step.inverse())).collect();
        page.report(&Report { changes, ..ran("docker recover", &journal("back/000007"), 12) })
    }),
    ("versions", |page| page.report(&given("versions"))),
    ("fetch", |page| page.report(&fetched())),
    ("fetch-of-what-is-there", |page| {
        page.report(&Report { outcome: Outcome::Unchanged, duration_ms: 412, ..fetched() })
    }),
    ("fetch-that-fails", |page| page.error("docker fetch", Outcome::Failed, &unreachable())),
    ("explain", |page| page.report(&explained(None))),
    ("explain-forward-policy", |page| page.report(&explained(Some("forward-policy")))),
    ("config-show", |page| page.report(&given("config-show"))),
    ("config-check", |page| {
        let notes = vec!["the configuration is valid".to_owned()];
        page.report(&Report { notes, ..Report::new("config check") })
    }),
    ("config-that-is-wrong", |page| page.error("docker", Outcome::Refused, &wrong_setting())),
    ("support", |page| page.report(&given("support"))),
];

/// What is printed for a command line that is not carried out.
const LINES: &[(&str, &[&str])] = &[
    ("help", &["--help"]),
    ("help-in-short", &["-h"]),
    ("help-of-docker", &["docker", "--help"]),
    ("help-of-docker-plan", &["docker", "plan", "-h"]),
    ("help-of-config", &["config", "--help"]),
    ("help-of-support", &["support", "--help"]),
    ("usage-of-an-option-that-is-not", &["docker", "--archiv", "x"]),
    ("usage-of-a-command-that-is-not", &["dokcer"]),
    ("usage-without-a-command", &[]),
    ("usage-without-a-value", &["docker", "--archive"]),
    ("usage-of-a-wrong-value", &["docker", "--output", "yaml"]),
];

fn draw(draw: Draw, style: Style) -> String {
    draw(Shown(Page::new(style))).0.text()
}

fn answer(line: &[&str], style: Style) -> String {
    let color = if style.color { ColorChoice::Always } else { ColorChoice::Never };
    let command =
        translated(Cli::command().color(color).term_width(style.width), style.language, style.width);
    let words = std::iter::once("node-setup").chain(line.iter().copied());
    let answer = command.try_get_matches_from(words).expect_err("nothing is carried out");
    let answer = if style.color { answer.render().ansi().to_string() } else { answer.render().to_string() };
    if line.contains(&"--help") || line.contains(&"-h") { answer } else { complaint(&answer, style.language) }
}

const WIDE: Style = Style { width: 80, color: false, unicode: true, language: Language::English };
const NARROW: Style = Style { width: 60, ..WIDE };
const ASCII: Style = Style { unicode: false, ..NARROW };
const COLOUR: Style = Style { color: true, ..WIDE };
const CHINESE: Style = Style { language: Language::Chinese, ..WIDE };
const NARROW_CHINESE: Style = Style { width: 60, ..CHINESE };

/// A page at both widths; and what of it differs in ASCII, and in colour.
fn looks(at: impl Fn(Style) -> String) -> String {
    let (wide, narrow) = (at(WIDE), at(NARROW));
    let whole = if narrow == wide { "" } else { narrow.as_str() };
    let chinese = at(CHINESE);
    let sections = [
        ("80 columns", wide.clone()),
        ("60 columns", whole.to_owned()),
        ("60 columns, ASCII, where that differs", beside(&at(ASCII), &narrow)),
        ("80 columns, colour, where that differs", beside(&at(COLOUR), &wide).replace('\x1b', "\u{241b}")),
        ("80 columns, Chinese, where that differs", beside(&chinese, &wide)),
        ("60 columns, Chinese, where that differs", beside(&at(NARROW_CHINESE), &chinese)),
    ];
    let shown = sections.iter().filter(|(_, text)| !text.is_empty());
    shown.flat_map(|(title, text)| [format!("=== {title}\n"), trimmed(text)]).collect()
}

/// The lines of a page that are not in another.
fn beside(page: &str, other: &str) -> String {
    let known: HashSet<&str> = other.lines().collect();
    page.lines().filter(|line| !known.contains(line)).flat_map(|line| [line, "\n"]).collect()
}

/// clap indents lines that are empty, which nobody sees and no repository wants.
fn trimmed(text: &str) -> String {
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

fn each(mut see: impl FnMut(&str, &dyn Fn(Style) -> String)) {
    for (name, page) in PAGES {
        see(name, &|style| draw(*page, style));
    }
    for (name, line) in LINES {
        see(name, &|style| answer(line, style));
    }
}

#[test]
fn the_pages_are_those_that_are_kept() {
    let mut names = Vec::new();
    each(|name, at| {
        let file = format!("{name}.txt");
        assert_fresh(&Path::new("tests/fixtures/pages").join(&file), &looks(at));
        names.push(file);
    });
    let kept = std::fs::read_dir(root().join("pages")).unwrap();
    let kept = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let idle: Vec<String> = kept.filter(|name| !names.contains(name)).collect();
    assert!(idle.is_empty(), "no page has these names: {idle:?}");
}

/// Text without what colours it.
fn bare(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

/// A line may be wider than asked only where breaking it would break a word, what is to be typed as
/// it stands, or a line of somebody's file.
fn is_too_wide(line: &str, width: usize) -> bool {
    if columns(line) <= width {
        return false;
    }
    let text = line.trim_start();
    let indent = line.chars().count() - text.chars().count();
    let is_kept = indent == 6 && (text.starts_with(['+', '-', ' ', '@']) || line.starts_with("      "));
    let last = text.rsplit(' ').next().unwrap_or(text).chars().count();
    let before = line.chars().count() - last;
    !(is_kept || before <= 20 || before == indent)
}

#[test]
fn no_page_is_wider_than_asked_or_has_what_nobody_sees() {
    each(|name, at| {
        for style in [WIDE, NARROW, ASCII, CHINESE, NARROW_CHINESE] {
            let page = at(style);
            // clap breaks no line of an error.
            let is_claps = name.starts_with("usage-");
            for line in page.lines() {
                assert!(
                    is_claps || !is_too_wide(line, style.width),
                    "{name}, {} columns: {line}",
                    style.width
                );
                assert!(
                    line.trim().is_empty() || line.trim_end() == line,
                    "{name}: blanks at the end: {line}"
                );
                assert!(!line.chars().any(char::is_control), "{name}: {line:?}");
            }
            assert!(page.is_empty() || page.ends_with('\n'), "{name}");
        }
        let ascii = at(ASCII);
        assert!(ascii.is_ascii(), "{name}: {ascii}");
        assert_eq!(bare(&at(COLOUR)), at(WIDE), "{name}: colour changes what is there");
    });
}
