//! A report as a page: aligned, wrapped to the width, coloured where that helps.

use std::fmt::Write;

use anstyle::{AnsiColor, Style as Paint};
use serde_json::Value;

use super::looked::amiss;
use super::{
    ArchiveReport, ChangeReport, ErrorReport, Outcome, Report, RunReport, StatusReport, VersionReport,
};
use crate::error::UNENDED;
use crate::finding::{Finding, Status};
use crate::journal::now;
use crate::lang::Language;
use crate::lang::columns::{GLUE, columns, padded, wrap};

/// How to write for whoever reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns.
    pub width: usize,
    /// Whether to colour.
    pub color: bool,
    /// Whether marks may go beyond ASCII.
    pub unicode: bool,
    /// The language of what is not a name.
    pub language: Language,
}

/// Where that begins which follows a name, unless it is too long for what is right of there.
const COLUMN: usize = 48;

const GREEN: Paint = AnsiColor::Green.on_default();
const YELLOW: Paint = AnsiColor::Yellow.on_default();
const RED: Paint = AnsiColor::Red.on_default();
pub(super) const DIM: Paint = Paint::new().dimmed();
pub(super) const BOLD: Paint = Paint::new().bold();

/// Text in the making.
#[derive(Debug)]
pub struct Page {
    style: Style,
    text: String,
}

impl Page {
    /// An empty page.
    pub fn new(style: Style) -> Self {
        Self { style, text: String::new() }
    }

    /// The text.
    pub fn text(self) -> String {
        self.text
    }

    pub(super) fn language(&self) -> Language {
        self.style.language
    }

    /// A text in the language of the page.
    pub(super) fn say(&self, text: &str) -> String {
        match self.style.language {
            Language::English => text.to_owned(),
            other @ Language::Chinese => other.say(&text.replace(GLUE, " ")).into_owned(),
        }
    }

    /// A line as it is.
    pub fn line(&mut self, line: &str) {
        self.text.push_str(&line.trim_end().replace(GLUE, " "));
        self.text.push('\n');
    }

    /// A whole report, but for its error. The changes of a run were shown as they
    /// were made; those of a plan are shown here, with their diffs.
    pub fn report(&mut self, report: &Report, verbose: bool) {
        if let Some(metrics) = &report.metrics {
            self.text.push_str(metrics);
            return;
        }
        if let Some(support) = &report.support {
            self.collected(report, support, verbose);
            return;
        }
        if report.outcome == Outcome::Planned {
            for change in &report.changes {
                self.change(change, None);
            }
        }
        for note in &report.notes {
            match report.command.as_str() {
                "config check" | "metrics" => self.line(&self.say(note)),
                "docker plan" | "docker verify" | "docker preflight" => self.hang(2, "! ", note),
                // A run said it when it came up.
                _ => {}
            }
        }
        for setting in &report.settings {
            self.setting(&setting.key, &spaced(&setting.value), &setting.origin);
        }
        if report.runs.is_empty() && report.command == "docker history" && report.error.is_none() {
            self.line(&self.say("no runs on this node"));
        }
        for run in &report.runs {
            self.run(run, verbose);
        }
        for version in &report.versions {
            self.version(version);
        }
        if let Some(archive) = &report.archive {
            self.archive(archive);
        }
        if let Some(status) = &report.status {
            self.status(status, verbose);
            return;
        }
        if report.command == "explain" && report.error.is_none() {
            self.explained(report);
        }
        if report.command == "docker preflight" && report.error.is_none() {
            self.preflight(&report.preflight, verbose);
            self.preflight_summary(report);
            self.pointer(amiss(&report.preflight));
            return;
        }
        if report.command == "docker verify" {
            self.findings(&report.checks, true);
        } else {
            self.findings(&report.checks, verbose);
        }
        let has_summary = report.command.starts_with("docker") || report.command == "metrics";
        if has_summary
            && !matches!(report.command.as_str(), "docker history" | "docker versions")
            && !report.command.ends_with("flannel")
            && report.command != "docker guard"
        {
            self.summary(report);
        }
        if report.outcome == Outcome::Failed && !report.left.is_empty() {
            self.pointer(std::iter::once("exit-4"));
        } else {
            self.pointer(amiss(&report.checks));
        }
    }

    fn run(&mut self, run: &RunReport, verbose: bool) {
        let docker = run.docker.as_ref().map(|version| format!(", docker {version}")).unwrap_or_default();
        let changes = count(run.changes.len(), "change");
        let age = age(now().saturating_sub(run.started));
        let text = format!("{}, {}, {changes}{docker}, {age}", run.command, run.end);
        let head = format!("  {}  ", self.paint(BOLD, &run.number));
        self.hang_after(&head, run.number.len() + 4, &text);
        if verbose {
            for change in &run.changes {
                self.change(change, None);
            }
        }
    }

    /// A version, its needs in columns, and what sets it apart.
    fn version(&mut self, version: &VersionReport) {
        let cgroup: Vec<String> = version.cgroup.iter().map(|one| format!("v{one}")).collect();
        let api = version.api.as_deref().unwrap_or("-");
        let head = format!("  {:<9}  API {api:<5} cgroup {:<7}", version.version, cgroup.join(", "));
        let only = (version.arches.len() == 1).then(|| format!("{} only", version.arches.join("")));
        let marks = [
            version.default.then(|| "default".to_owned()),
            (!version.cached.is_empty()).then(|| format!("cached ({})", version.cached.join(", "))),
            version.end_of_life.then(|| "end of life".to_owned()),
            only,
        ];
        let marks = marks.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let indent = columns(&head) + 2;
        let head = if version.end_of_life { self.paint(DIM, &head) } else { head };
        self.hang_after(&format!("{head}  "), indent, &marks);
    }

    /// What somebody wants to know, and its name before it.
    fn fact(&mut self, name: &str, paint: Paint, value: &str) {
        let head = format!("  {} ", self.paint(paint, &padded(&self.say(name), 10)));
        self.hang_after(&head, 13, value);
    }

    fn archive(&mut self, archive: &ArchiveReport) {
        let rows = [
            ("archive", archive.path.clone()),
            ("docker", format!("{} for {}, {} bytes", archive.version, archive.arch, archive.size)),
            ("sha256", archive.sha256.clone()),
            ("source", archive.source.clone()),
            ("verified", format!("by {}", archive.vouched_for_by)),
        ];
        for (name, value) in rows {
            self.fact(name, BOLD, &value);
        }
    }

    fn setting(&mut self, key: &str, value: &str, origin: &str) {
        let line = format!("{key} = {value}");
        let said = self.say(origin);
        let room = self.style.width.saturating_sub(2 + columns(&said));
        let origin = self.paint(DIM, &said);
        if columns(&line) <= room {
            self.line(&format!("{}  {origin}", padded(&line, room.min(COLUMN))));
        } else {
            self.hang_as_it_is("", 0, 4, &line);
            self.line(&format!("    {origin}"));
        }
    }

    /// A change: a mark, what it is on, and from what to what.
    pub fn change(&mut self, change: &ChangeReport, took: Option<&str>) {
        let (mark, paint) = match (change.from.as_str(), change.to.as_str()) {
            ("absent", _) => ('+', GREEN),
            (_, "absent") => ('-', RED),
            _ => ('~', YELLOW),
        };
        let arrow = self.arrow();
        let states = match mark {
            '~' => format!("{} {arrow}{}", self.say(&change.from), self.say(&change.to)),
            '+' if change.to.starts_with("directory") => self.say("directory"),
            _ => String::new(),
        };
        let took = took.map(|took| format!("  {}", took.replace(' ', GLUE))).unwrap_or_default();
        // The others' are sentences: docker's rules, a rule of somebody's.
        let is_name =
            matches!(change.kind.as_str(), "file" | "tree" | "module" | "sysctl" | "table" | "unit");
        let on = if is_name { change.on.clone() } else { self.say(&change.on) };
        let name = format!("{} {on}", padded(&self.say(&change.kind), 7));
        let mark = self.paint(paint, &mark.to_string());
        let room = self.style.width.saturating_sub(4 + 2 + columns(&states) + columns(&took));
        if states.is_empty() {
            self.line(&format!("  {mark} {name}{}", self.paint(DIM, &took)));
        } else if columns(&name) <= room {
            let name = padded(&name, room.min(COLUMN));
            self.line(&format!("  {mark} {name}  {states}{}", self.paint(DIM, &took)));
        } else {
            self.line(&format!("  {mark} {name}{}", self.paint(DIM, &took)));
            self.hang_as_it_is(&format!("{:12}", ""), 12, 12, &states);
        }
        if let Some(diff) = &change.diff {
            self.diff(diff);
        }
    }

    /// A status, one fact a line.
    pub fn status(&mut self, status: &StatusReport, verbose: bool) {
        let none = "-".to_owned();
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| none.clone());
        let rows = [
            ("node", format!("{}, {}", status.node, status.distribution)),
            ("installed", status.installed.clone().unwrap_or_else(|| "not by node-setup".to_owned())),
            ("sha256", or_none(&status.archive)),
            ("running", or_none(&status.running)),
            ("docker", status.docker.clone()),
            ("guard", status.guard.clone()),
            ("docker0", or_none(&status.bridge)),
            ("flannel", or_none(&status.lease)),
            ("owned", count(status.owned.len(), "change")),
        ];
        for (name, value) in rows {
            self.fact(name, BOLD, &value);
        }
        if let Some(journal) = &status.unfinished {
            self.fact("unfinished", RED, journal);
            self.hang(13, &self.arrow(), UNENDED);
        }
        if let Some(holder) = &status.at_work {
            self.fact("at work", YELLOW, holder);
        }
        if verbose {
            for change in &status.owned {
                self.change(change, None);
            }
        }
    }

    /// An error with its causes, refusals, log and help.
    pub fn error(&mut self, error: &ErrorReport) {
        let refused = !error.refusals.is_empty();
        let label = if refused { "refused" } else { "error" };
        let message = if refused { "this node was not touched" } else { &error.message };
        self.labelled(RED, label, message);
        let width = error.refusals.iter().map(|refusal| refusal.id.len()).max().unwrap_or(0);
        for refusal in &error.refusals {
            let head = format!("  {}  ", self.paint(YELLOW, &format!("{:<width$}", refusal.id)));
            self.hang_after(&head, width + 4, &refusal.found);
            let arrow = self.arrow();
            self.hang(width + 4, &arrow, &refusal.remedy);
        }
        if !refused {
            for cause in &error.causes {
                let because = match self.style.language {
                    Language::English => "because ".to_owned(),
                    Language::Chinese => self.say("because"),
                };
                self.hang(2, &because, cause);
            }
        }
        for line in &error.log {
            for line in wrap(line, self.style.width - 4, self.style.width - 4) {
                let line = format!("  | {line}");
                self.line(&self.paint(DIM, &line));
            }
        }
        self.pointer(error.refusals.iter().map(|refusal| &refusal.id));
        if let Some(help) = &error.help {
            self.labelled(GREEN, "help", help);
        }
    }

    /// A text behind what it is.
    fn labelled(&mut self, paint: Paint, label: &str, text: &str) {
        let label = match self.style.language {
            Language::English => format!("{label}: "),
            Language::Chinese => format!("{}：", self.say(label)),
        };
        let head = self.paint(paint, label.trim_end());
        let space = label.get(label.trim_end().len()..).unwrap_or_default();
        self.hang_after(&format!("{head}{space}"), columns(&label), text);
    }

    /// The last line of a page.
    pub fn summary(&mut self, report: &Report) {
        let time = match report.duration_ms {
            short @ ..1000 => format!("{short}{GLUE}ms"),
            long => format!("{}.{}{GLUE}s", long / 1000, long % 1000 / 100),
        };
        let changes = count(report.changes.len(), "change");
        let words = match report.outcome {
            Outcome::Unchanged if matches!(report.command.as_str(), "docker verify" | "metrics") => {
                String::new()
            }
            Outcome::Unchanged if report.command == "docker fetch" => "it is there already".to_owned(),
            Outcome::Unchanged => "nothing to do".to_owned(),
            Outcome::Changed if report.command == "docker fetch" => "fetched".to_owned(),
            Outcome::Changed => format!("{changes} made"),
            Outcome::Planned => format!("{changes} pending, none made"),
            Outcome::Restored => "failed; the node is as it was before".to_owned(),
            // Its error says it all.
            Outcome::Failed if report.left.is_empty() && report.checks.is_empty() => return,
            Outcome::Failed if report.left.is_empty() => String::new(),
            Outcome::Failed => {
                format!("failed; {} could not be put back", count(report.left.len(), "thing"))
            }
            Outcome::Refused => return,
        };
        self.bold(&[&words, &tally(&report.checks), &time]);
    }

    /// A line that sums up, within the width: what there is of these parts.
    pub(super) fn bold(&mut self, parts: &[&str]) {
        let said: Vec<String> =
            parts.iter().filter(|part| !part.is_empty()).map(|part| self.say(part)).collect();
        let mark = match self.style.language {
            Language::English => "; ",
            Language::Chinese => "；",
        };
        self.wrapped(BOLD, &said.join(mark));
    }

    /// Text in one colour, within the width.
    pub(super) fn wrapped(&mut self, paint: Paint, text: &str) {
        for line in wrap(text, self.style.width, self.style.width) {
            let line = self.paint(paint, &line);
            self.line(&line);
        }
    }

    fn diff(&mut self, diff: &str) {
        for line in diff.lines().skip(2) {
            let paint = match line.chars().next() {
                Some('+') => GREEN,
                Some('-') => RED,
                _ => DIM,
            };
            let line = format!("      {}", self.paint(paint, line));
            self.line(&line);
        }
    }

    pub(super) fn mark(&self, status: Status) -> (&'static str, Paint) {
        match (status, self.style.unicode) {
            (Status::Pass, true) => ("✓", GREEN),
            (Status::Pass, false) => ("+", GREEN),
            (Status::Warn, _) => ("!", YELLOW),
            (Status::Fail, true) => ("✗", RED),
            (Status::Fail, false) => ("x", RED),
            (Status::Skip, _) => ("-", DIM),
            (Status::Unknown, _) => ("?", RED),
        }
    }

    pub(super) fn paint(&self, paint: Paint, text: &str) -> String {
        if self.style.color && !text.is_empty() { format!("{paint}{text}{paint:#}") } else { text.to_owned() }
    }

    /// Text under a head of `indent` columns.
    pub(super) fn hang(&mut self, indent: usize, first: &str, text: &str) {
        let head = format!("{:indent$}{first}", "");
        self.hang_after(&head, indent + columns(first), text);
    }

    /// Text after `head`, which is `indent` columns wide, wrapped under its beginning.
    pub(super) fn hang_after(&mut self, head: &str, indent: usize, text: &str) {
        self.hang_after_first(head, indent, indent, text);
    }

    /// Text after `head`, which is `taken` columns wide; its further lines begin at `indent`.
    pub(super) fn hang_after_first(&mut self, head: &str, taken: usize, indent: usize, text: &str) {
        self.hang_as_it_is(head, taken, indent, &self.say(text));
    }

    /// The same of a text that is in no language, or in that of the page already.
    pub(super) fn hang_as_it_is(&mut self, head: &str, taken: usize, indent: usize, text: &str) {
        let room = |taken: usize| self.style.width.saturating_sub(taken).max(20);
        let lines = wrap(text, room(taken), room(indent));
        let mut lines = lines.into_iter();
        let first = lines.next().unwrap_or_default();
        self.line(&format!("{head}{first}"));
        for line in lines {
            self.line(&format!("{:indent$}{line}", ""));
        }
    }

    pub(super) fn arrow(&self) -> String {
        if self.style.unicode { "→ " } else { "-> " }.to_owned()
    }
}

/// A value as JSON, with blanks where a line may be broken.
fn spaced(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| format!("\"{key}\": {}", spaced(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// How long ago, to one unit.
fn age(seconds: u64) -> String {
    let units = [(86400, "day"), (3600, "hour"), (60, "minute")];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length);
    let (length, name) = unit.unwrap_or((1, "second"));
    let number = usize::try_from(seconds / length).unwrap_or(usize::MAX);
    format!("{} ago", count(number, name))
}

/// `14 checks pass, 1 fails`.
fn tally(findings: &[Finding]) -> String {
    let of = |status| findings.iter().filter(|finding| finding.status == status).count();
    let mut text = String::new();
    for (status, word) in [
        (Status::Pass, "passed"),
        (Status::Warn, "to look at"),
        (Status::Fail, "failed"),
        (Status::Unknown, "unknown"),
        (Status::Skip, "skipped"),
    ] {
        let number = of(status);
        if number > 0 {
            let head = if text.is_empty() { "checks: " } else { ", " };
            let _ = write!(text, "{head}{number}{GLUE}{word}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { width: 60, color: false, unicode: true, language: Language::English };

    fn finding(id: &str, status: Status, detail: &str, remedy: Option<&str>) -> Finding {
        Finding {
            id: id.to_owned(),
            status,
            detail: detail.to_owned(),
            needed: None,
            remedy: remedy.map(str::to_owned),
            skipped_by: None,
        }
    }

    fn change(kind: &str, on: &str, from: &str, to: &str) -> ChangeReport {
        let text = str::to_owned;
        ChangeReport {
            on: text(on),
            kind: text(kind),
            from: text(from),
            to: text(to),
            diff: None,
            took_us: None,
        }
    }

    #[test]
    fn a_page_keeps_within_its_width() {
        let mut page = Page::new(PLAIN);
        page.findings(
            &[
                finding("docker-service", Status::Pass, "active (running), enabled, process 812", None),
                finding(
                    "forward-policy",
                    Status::Fail,
                    "DROP for IPv4 (nft), IPv4 (legacy): pods are cut off from those of other nodes",
                    Some("node-setup docker"),
                ),
            ],
            true,
        );
        page.change(&change("sysctl", "net.ipv4.ip_forward", "0", "1"), Some("2 ms"));
        page.change(&change("file", "/opt/k8s/bin/dockerd", "absent", "abc 0755"), None);
        assert_eq!(
            page.text(),
            "  ✓ docker-service  active (running), enabled, process 812\n\
             \x20 ✗ forward-policy  DROP for IPv4 (nft), IPv4 (legacy): pods\n\
             \x20                   are cut off from those of other nodes\n\
             \x20                   → node-setup docker\n\
             \x20 ~ sysctl  net.ipv4.ip_forward                  0 → 1  2 ms\n\
             \x20 + file    /opt/k8s/bin/dockerd\n"
        );
    }

    #[test]
    fn a_run_in_chinese() {
        let mut report = Report::new("docker");
        report.outcome = Outcome::Changed;
        report.duration_ms = 2700;
        report.changes = vec![
            change("file", "/etc/docker/daemon.json", "absent", "dac29c034ffc 0644"),
            change("unit", "docker.service", "disabled, stopped", "enabled, running"),
        ];
        report.checks = vec![
            finding("docker-service", Status::Pass, "active (running), enabled, process 812", None),
            finding(
                "flannel-subnet",
                Status::Fail,
                "docker0 is 172.17.0.1/16, flannel's lease is 172.30.8.1/21",
                Some("node-setup docker repair"),
            ),
        ];
        let page = |width| {
            let mut page = Page::new(Style { width, language: Language::Chinese, ..PLAIN });
            report.changes.iter().for_each(|change| page.change(change, Some("0.63 s")));
            page.report(&report, false);
            page.text()
        };
        assert_eq!(
            page(60),
            "  + 文件    /etc/docker/daemon.json  0.63 s\n\
             \x20 ~ 单元    docker.service  0.63 s\n\
             \x20           已禁用，已停止 → 已启用，运行中\n\
             \x20 ✗ flannel-subnet  docker0 是 172.17.0.1/16，flannel 的租约\n\
             \x20                   是 172.30.8.1/21\n\
             \x20                   → node-setup docker repair\n\
             已完成 2 处更改；检查：1 项通过，1 项失败；2.7 s\n\
             详见 node-setup explain flannel-subnet\n"
        );
        assert!(page(80).contains("flannel 的租约是 172.30.8.1/21\n"), "{}", page(80));
    }

    #[test]
    fn an_error_in_chinese() {
        let mut page = Page::new(Style { language: Language::Chinese, ..PLAIN });
        page.error(&ErrorReport {
            message: "unit docker.service did not become: enabled, running (it was: disabled, stopped)"
                .into(),
            causes: vec!["docker.service ended before it was ready: exit-code".into()],
            help: Some("see: journalctl -u docker.service".into()),
            log: vec!["failed to start daemon: no such file".into()],
            ..ErrorReport::default()
        });
        assert_eq!(
            page.text(),
            "错误：单元 docker.service 没有变为“已启用，运行中”（原为“已\n\
             \x20     禁用，已停止”）\n\
             \x20 原因：docker.service 在就绪之前结束：exit-code\n\
             \x20 | failed to start daemon: no such file\n\
             帮助：请看：journalctl -u docker.service\n"
        );
    }

    #[test]
    fn without_colour_there_is_no_escape() {
        let mut page = Page::new(PLAIN);
        page.error(&ErrorReport { message: "m".into(), causes: vec!["c".into()], ..ErrorReport::default() });
        assert_eq!(page.text(), "error: m\n  because c\n");
        let mut page = Page::new(Style { color: true, ..PLAIN });
        page.error(&ErrorReport { message: "m".into(), ..ErrorReport::default() });
        assert!(page.text().contains("\x1b["));
    }
}
