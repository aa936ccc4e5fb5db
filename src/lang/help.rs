//! The command line in another language: its help, and what is wrong with it.
//!
//! Commands, flags and the names of values are what is typed, and stay as they are.

use std::io::Write;

use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory, Parser};

use super::Language;
use super::columns::{GLUE, wrap};
use crate::cli::Cli;
use crate::exit::Exit;

/// No help is wider: `max_term_width` of the commands.
const WIDEST: usize = 100;

/// How far clap indents the text of a flag that it writes below the flag.
const BELOW: usize = 10;

/// How far what a command does, in the list of commands.
const LISTED: usize = 16;

/// How far it does at most where it writes it beside: behind the longest flag.
const BESIDE: usize = 32;

/// The parsed command line of this process. Ends the process as clap does where there is nothing to
/// be done: with its help, its version, or what is wrong with it.
pub fn parse() -> Cli {
    let error = match Cli::try_parse() {
        Ok(cli) => return cli,
        Err(error) => error,
    };
    let language = Language::of_line(std::env::args_os());
    if language == Language::English || error.kind() == ErrorKind::DisplayVersion {
        error.exit();
    }
    // What is wrong with a command line, or asks for help, is so in every language.
    let columns = terminal_size::terminal_size().map_or(WIDEST, |(width, _)| usize::from(width.0));
    match translated(Cli::command(), language, columns).try_get_matches() {
        Err(said) if said.kind() == ErrorKind::DisplayHelp => said.exit(),
        Err(said) => {
            let _ = std::io::stderr().write_all(complaint(&said.to_string(), language).as_bytes());
            std::process::exit(i32::from(Exit::Usage.code()));
        }
        Ok(_) => error.exit(),
    }
}

/// What clap says of a command line, line by line.
pub(crate) fn complaint(text: &str, language: Language) -> String {
    if language == Language::English {
        return text.to_owned();
    }
    let lines: Vec<_> = text.lines().map(|line| language.say(line)).collect();
    lines.join("\n") + "\n"
}

/// The commands, with their help in another language.
pub(crate) fn translated(mut command: Command, language: Language, columns: usize) -> Command {
    if language == Language::English {
        return command;
    }
    command.build();
    with_help(command, language, columns)
}

fn with_help(command: Command, language: Language, columns: usize) -> Command {
    let say = |text: &StyledStr| language.say(&text.to_string()).into_owned();
    let heading = *command.get_styles().get_usage();
    let template = format!(
        "{{before-help}}{{about-with-newline}}\n{heading}{}{heading:#}{{usage}}\n\n{{all-args}}{{after-help}}",
        language.say("Usage:"),
    );
    let about = command.get_about().map(|about| wrapped(&say(about), columns, LISTED));
    let long_about = command.get_long_about().map(say);
    let after = command.get_after_long_help().map(|text| complaint(&text.to_string(), language));
    let mut command = command
        .help_template(template)
        .subcommand_help_heading(language.heading("Commands").unwrap_or("Commands"))
        .mut_args(|arg| told(arg, language, columns))
        .mut_subcommands(|command| with_help(command, language, columns));
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(about) = long_about {
        command = command.long_about(about);
    }
    if let Some(after) = after {
        command = command.after_long_help(after.trim_end().to_owned());
    }
    command
}

fn told(arg: Arg, language: Language, columns: usize) -> Arg {
    let say = |text: &str| language.say(text).into_owned();
    let other = if arg.is_positional() { "Arguments" } else { "Options" };
    let heading = language.heading(arg.get_help_heading().unwrap_or(other)).unwrap_or(other);
    let help = arg.get_help().map(|help| say(&help.to_string())).unwrap_or_default();
    let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let takes_value = arg.get_action().takes_values();
    let values: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let mut notes = String::new();
    if takes_value && !values.is_empty() && !arg.is_hide_possible_values_set() {
        notes += &say(&format!(" [possible values: {}]", values.join(", ")));
    }
    if takes_value && !default.is_empty() && !arg.is_hide_default_value_set() {
        notes += &say(&format!(" [default: {}]", default.join(", ")));
    }
    let help = format!("{help}{notes}");
    let arg = arg.help_heading(heading).hide_default_value(true).hide_possible_values(true);
    arg.long_help(wrapped(&help, columns, BELOW)).help(wrapped(&help, columns, BESIDE))
}

/// clap breaks lines between words, of which Chinese has few.
fn wrapped(text: &str, columns: usize, indent: usize) -> String {
    let width = columns.min(WIDEST).saturating_sub(indent).max(20);
    wrap(text, width, width).join("\n").replace(GLUE, " ")
}
