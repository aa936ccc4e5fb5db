//! What each command does: the parts of this crate put together, and an exit code.

mod candidate;
mod collect;
mod config;
mod docker;
mod explain;
mod fetch;
mod flannel;
mod guard;
mod install;
mod live;
mod metrics;
mod origins;
mod preflight;
mod repair;
mod session;
mod staging;
mod support;
mod undo;

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use crate::check::any_failed;
use crate::cli::{
    Cli, Command, ConfigCommand, DockerArgs, DockerCommand, Form, OutputOptions, When, completions,
};
use crate::docker::{Admission, Mark};
use crate::error::Class;
use crate::event::{Sink, Sinks};
use crate::exit::Exit;
use crate::host::is_offline;
use crate::lang::{Language, takes_utf8};
use crate::report::{ErrorReport, Journald, Outcome, Page, Report, Style, Terminal, plain_all, print};
use crate::{Error, Result};

/// Carries out a command line, and returns the exit code.
pub fn execute(cli: &Cli) -> u8 {
    match &cli.command {
        Command::Completions { shell } => match print(&completions(*shell)) {
            Ok(()) => Exit::Done.code(),
            Err(error) => unheard(cli.output, &error, Exit::Done, false).code(),
        },
        Command::Support { file, settings } => {
            conclude(cli, "support", |report| support::support(settings, file.as_deref(), report))
        }
        Command::Explain { id } => conclude(cli, "explain", |report| explain::explain(id.as_deref(), report)),
        Command::Docker(args) if args.dry_run && !has_dry_run(args.command.as_ref()) => {
            conclude(cli, "docker", |_| Err(no_dry_run()))
        }
        Command::Docker(args) => docker(cli, args),
        Command::Metrics { file, settings } => {
            let code = conclude(cli, "metrics", |report| metrics::metrics(settings, file.as_deref(), report));
            exit_of_metrics(code)
        }
        Command::Config(ConfigCommand::Show(settings)) => {
            conclude(cli, "config show", |report| config::show(settings, report))
        }
        Command::Config(ConfigCommand::Check { file, settings }) => {
            conclude(cli, "config check", |report| config::check(file.as_deref(), settings, report))
        }
    }
}

fn docker(cli: &Cli, args: &DockerArgs) -> u8 {
    if let Err(error) = has_root(args).and_then(|()| session::enter_root(args.root.as_deref())) {
        return conclude(cli, "docker", |_| Err(error));
    }
    match args.command.clone() {
        Some(DockerCommand::Guard { flannel, mark }) => {
            conclude(cli, "docker guard", |_| guard::guard(admission(flannel, mark)))
        }
        Some(DockerCommand::AwaitFlannel { required, limit }) => {
            let limit = Duration::from_secs(limit);
            conclude(cli, "docker await-flannel", |_| flannel::await_flannel(required, limit))
        }
        Some(DockerCommand::MakeWay) => conclude(cli, "docker make-way", |_| flannel::make_way()),
        Some(DockerCommand::FollowFlannel { socket }) => {
            conclude(cli, "docker follow-flannel", |_| flannel::follow(&socket))
        }
        Some(DockerCommand::Repair { force }) => {
            let code = conclude(cli, "docker repair", |report| {
                repair::repair(&args.settings, force, args.dry_run, sinks(cli.output), report)
            });
            exit_of_plan(code, false)
        }
        Some(DockerCommand::Plan { exit_code }) => {
            let code = conclude(cli, "docker plan", |report| docker::plan(&args.settings, report));
            exit_of_plan(code, exit_code)
        }
        Some(DockerCommand::Preflight) => {
            conclude(cli, "docker preflight", |report| preflight::preflight(&args.settings, report))
        }
        Some(DockerCommand::Verify { deep }) => {
            conclude(cli, "docker verify", |report| docker::verify(&args.settings, deep, report))
        }
        Some(DockerCommand::Status) => {
            conclude(cli, "docker status", |report| docker::status(&args.settings, report))
        }
        Some(DockerCommand::History) => conclude(cli, "docker history", undo::history),
        Some(DockerCommand::Rollback(options)) => {
            let code = conclude(cli, "docker rollback", |report| {
                undo::rollback(&args.settings, options, args.dry_run, sinks(cli.output), report)
            });
            exit_of_plan(code, false)
        }
        Some(DockerCommand::Recover) => {
            conclude(cli, "docker recover", |report| undo::recover(&args.settings, sinks(cli.output), report))
        }
        Some(DockerCommand::Remove { purge, undo }) => {
            let code = conclude(cli, "docker remove", |report| {
                undo::remove(&args.settings, undo, purge, args.dry_run, sinks(cli.output), report)
            });
            exit_of_plan(code, false)
        }
        None if args.dry_run => {
            let code = conclude(cli, "docker plan", |report| docker::plan(&args.settings, report));
            exit_of_plan(code, false)
        }
        Some(DockerCommand::Fetch { arch }) => conclude(cli, "docker fetch", |report| {
            fetch::fetch(&args.settings, arch.as_deref(), sinks(cli.output), report)
        }),
        Some(DockerCommand::Versions) => {
            conclude(cli, "docker versions", |report| fetch::versions(&args.settings, report))
        }
        None => conclude(cli, "docker", |report| docker::converge(&args.settings, sinks(cli.output), report)),
    }
}

/// `recover` decides as it goes along; what only reads needs no rehearsal, but
/// does no harm with one.
fn has_dry_run(command: Option<&DockerCommand>) -> bool {
    use DockerCommand::{Fetch, Recover};
    !command.is_some_and(|command| is_of_a_unit(command) || matches!(command, Recover | Fetch { .. }))
}

/// What units run, and nobody types.
fn is_of_a_unit(command: &DockerCommand) -> bool {
    use DockerCommand::{AwaitFlannel, FollowFlannel, Guard, MakeWay};
    matches!(command, Guard { .. } | AwaitFlannel { .. } | MakeWay | FollowFlannel { .. })
}

/// What is about docker as it runs, or about this machine, has nothing to do with a root.
fn has_root(args: &DockerArgs) -> Result<()> {
    use DockerCommand::{Fetch, Repair, Versions};
    let (problem, help) = match &args.command {
        _ if args.root.is_none() => return Ok(()),
        Some(command) if is_of_a_unit(command) || matches!(command, Repair { .. }) => {
            ("this command is for a docker that runs", "boot the system, and run it there")
        }
        Some(Fetch { .. } | Versions) => {
            ("this command is about the archives on this machine", "leave --root out; fetch has --arch")
        }
        _ => return Ok(()),
    };
    let (origin, problem) = ("--root".to_owned(), problem.to_owned());
    Err(Error::Config { origin, problem, help: help.to_owned() })
}

/// As the guard's flags tell it.
fn admission(flannel: bool, mark: Option<Mark>) -> Admission {
    match mark {
        Some(mark) => Admission::Mark(mark),
        None if flannel => Admission::UserChain,
        None => Admission::Open,
    }
}

fn no_dry_run() -> Error {
    Error::Config {
        origin: "--dry-run".to_owned(),
        problem: "this command cannot be rehearsed".to_owned(),
        help: "leave it out; docker status says what there is to recover".to_owned(),
    }
}

/// Pending changes show in the exit code of a plan only if somebody asked for it.
fn exit_of_plan(code: u8, pending_matters: bool) -> u8 {
    if code == Exit::Pending.code() && !pending_matters { Exit::Done.code() } else { code }
}

/// Metrics that say what is wrong have done their work: a timer that writes them has not failed.
fn exit_of_metrics(code: u8) -> u8 {
    if code == Exit::Check.code() { Exit::Done.code() } else { code }
}

/// Runs `work` with an empty report, prints what it has become, and returns the exit code.
fn conclude(cli: &Cli, command: &str, work: impl FnOnce(&mut Report) -> Result<()>) -> u8 {
    let start = Instant::now();
    let mut report = Report::new(command);
    let class = match work(&mut report) {
        Ok(()) => None,
        Err(error) => {
            report.fail(outcome_of(&error), &error);
            Some(error.class())
        }
    };
    report.duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let exit = exit(&report, class);
    match show(cli.output, &report) {
        Ok(()) => exit.code(),
        Err(error) => unheard(cli.output, &error, exit, report.changed).code(),
    }
}

/// Says that the report could not be written, and how the program ends then. Who only asked got no answer; where the
/// node was changed, the code goes on telling what became of it.
fn unheard(output: OutputOptions, error: &Error, exit: Exit, changed: bool) -> Exit {
    say_error(output, &ErrorReport::from(error));
    match exit {
        Exit::Done | Exit::Pending if !changed => Exit::Failed,
        _ => exit,
    }
}

fn outcome_of(error: &Error) -> Outcome {
    match error.class() {
        Class::Refused | Class::Usage | Class::Locked => Outcome::Refused,
        Class::Failed => Outcome::Failed,
    }
}

fn exit(report: &Report, class: Option<Class>) -> Exit {
    match class {
        Some(Class::Usage) => return Exit::Usage,
        Some(Class::Refused) => return Exit::Refused,
        Some(Class::Locked) => return Exit::Locked,
        Some(Class::Failed) => return Exit::Failed,
        None => {}
    }
    match report.outcome {
        Outcome::Restored => Exit::Failed,
        Outcome::Failed if !report.left.is_empty() => Exit::NotRestored,
        _ if any_failed(&report.checks) => Exit::Check,
        Outcome::Planned => Exit::Pending,
        Outcome::Failed => Exit::Failed,
        Outcome::Refused => Exit::Refused,
        Outcome::Unchanged | Outcome::Changed => Exit::Done,
    }
}

fn show(output: OutputOptions, report: &Report) -> Result<()> {
    // Where stdout has the archive, what is said of it cannot be there too.
    let is_taken = report.support.as_ref().is_some_and(|support| support.path.is_none());
    let tell = |text: &str| {
        if is_taken {
            complain(text);
            Ok(())
        } else {
            print(text)
        }
    };
    if output.output == Form::Json {
        return tell(&(serde_json::to_string_pretty(report).unwrap_or_default() + "\n"));
    }
    let report = &plain_all(report);
    let mut page = Page::new(style(output, std::io::stdout().is_terminal()));
    if !output.quiet || report.command == "explain" {
        page.report(report, output.verbose);
    } else if any_failed(&report.checks) {
        page.findings(&report.checks, false);
    } else if report.command == "docker preflight" && report.outcome == Outcome::Refused {
        page.findings(&report.preflight, false);
    } else if let Some(path) = report.support.as_ref().and_then(|support| support.path.as_ref()) {
        page.line(path);
    }
    let told = tell(&page.text());
    if let Some(error) = &report.error {
        say_error(output, error);
    }
    told
}

fn say_error(output: OutputOptions, error: &ErrorReport) {
    let mut page = Page::new(style(output, std::io::stderr().is_terminal()));
    page.error(error);
    complain(&page.text());
}

/// Writes to stderr. A reader that has gone away is not an error.
fn complain(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}

/// Where the events of a run go.
fn sinks(output: OutputOptions) -> Sinks {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if output.output == Form::Human && !output.quiet {
        let style = style(output, std::io::stdout().is_terminal());
        sinks.push(Box::new(Terminal::new(style, std::io::stderr().is_terminal())));
    }
    // The log of the machine around a root is not the root's.
    if !is_offline()
        && let Some(journald) = Journald::connect()
    {
        sinks.push(Box::new(journald));
    }
    Sinks(sinks)
}

fn style(output: OutputOptions, is_terminal: bool) -> Style {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let color = match output.color {
        When::Always => true,
        When::Never => false,
        When::Auto => {
            is_terminal
                && variable("NO_COLOR").is_none()
                && variable("TERM").is_none_or(|term| term != "dumb")
        }
    };
    let language = Language::of(output.lang);
    let columns = || variable("COLUMNS")?.parse().ok();
    let width = if is_terminal {
        terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
    } else {
        columns()
    };
    Style {
        width: width.unwrap_or(100).max(60),
        color,
        // Who asks for Chinese has a terminal for it, whatever the locale.
        unicode: takes_utf8(variable) || language == Language::Chinese,
        language,
    }
}
