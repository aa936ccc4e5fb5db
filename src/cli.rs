//! The commands and their flags.

use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::docker::Mark;
use crate::exit::Exit;
use crate::lang::Language;

/// Turns this machine into a docker worker node for Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "node-setup", version, propagate_version = true, max_term_width = 100)]
#[command(after_long_help = after_help())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// How to say it.
    #[command(flatten)]
    pub output: OutputOptions,
}

/// The exit codes and the files, as the manual page has them too.
fn after_help() -> String {
    let codes = Exit::ALL.iter().map(|exit| format!("  {:<3} {}\n", exit.code(), exit.meaning()));
    format!(
        "Exit codes:\n{}\nFiles:\n  \
         /etc/node-setup        config.toml, and config.d/*.toml\n  \
         /var/lib/node-setup    journals, and what was displaced",
        codes.collect::<String>()
    )
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Install, configure and start docker on this node; or put it right
    Docker(Box<DockerArgs>),
    /// Show or check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check this node, and write what was found as metrics for Prometheus
    Metrics {
        /// The file, in the directory that the exporter reads; - for stdout. If nothing is said, it is in
        /// /var/lib/prometheus/node-exporter, and stdout where that directory is missing
        file: Option<PathBuf>,

        /// Where the settings come from.
        #[command(flatten)]
        settings: Box<SettingOptions>,
    },
    /// Collect what somebody needs to know of this node who has only a ticket; read-only, without secrets
    Support {
        /// The archive to write; - for stdout. If nothing is said, it is a new one in the current directory,
        /// or in /var/tmp where that cannot be
        file: Option<PathBuf>,

        /// Where the settings come from.
        #[command(flatten)]
        settings: Box<SettingOptions>,
    },
    /// Explain a check, a refusal, an exit code, or a difference from the guide
    Explain {
        /// Its name; without one, all of them are listed
        id: Option<String>,
    },
    /// Write completions for a shell to stdout
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `node-setup docker`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = false)]
pub struct DockerArgs {
    /// What to do with docker; without one, converge the node.
    #[command(subcommand)]
    pub command: Option<DockerCommand>,

    /// Show what would be done, and change nothing; alone, the same as `docker plan`
    #[arg(long, global = true)]
    pub dry_run: bool,

    /// Work on the system in this directory, which does not run: an unpacked image, a mounted disk
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,

    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingOptions,
}

/// `node-setup docker …`.
#[derive(Clone, Debug, Subcommand)]
pub enum DockerCommand {
    /// Show what would be done, with diffs, and change nothing
    Plan {
        /// Exit with 6 if changes are pending
        #[arg(long)]
        exit_code: bool,
    },
    /// Look at this node as a run would before it begins, and say what speaks against it; read-only
    Preflight,
    /// Check that this node is as it should be; read-only
    Verify {
        /// Read every binary again instead of trusting the kernel's record of changes
        #[arg(long)]
        deep: bool,
    },
    /// Show what is installed, running and owned
    Status,
    /// List the runs on this node, and what each changed
    History,
    /// Go back to how this node was before the last completed run
    Rollback(UndoOptions),
    /// Put back what a run that did not end has done
    Recover,
    /// Take away all that node-setup has put on this node, and put back what was there before
    Remove {
        /// Take docker's data away too: images, containers, volumes
        #[arg(long)]
        purge: bool,
        /// How.
        #[command(flatten)]
        undo: UndoOptions,
    },
    /// Give docker0 the address that docker is told: stop docker, delete docker0, start docker
    Repair {
        /// Also while containers run; they are stopped, and started again afterwards
        #[arg(long)]
        force: bool,
    },
    /// Fetch an archive into the cache, and touch nothing else
    Fetch {
        /// The architecture that it is for; this machine's if nothing is said
        #[arg(long, value_name = "ARCH", value_parser = ["x86_64", "aarch64"])]
        arch: Option<String>,
    },
    /// List the versions whose archives are known, and what each needs
    Versions,
    /// Put the FORWARD policy right; run by node-setup-guard.service
    #[command(hide = true)]
    Guard {
        /// Let flannel's packets into docker's bridge
        #[arg(long)]
        flannel: bool,
        /// Mark flannel's packets, for a docker that accepts what is marked so
        #[arg(long, conflicts_with = "flannel")]
        mark: Option<Mark>,
    },
    /// Wait until docker can be started from flannel's files; run by docker.service
    #[command(hide = true)]
    AwaitFlannel {
        /// Until they are there
        #[arg(long)]
        required: bool,
        /// Seconds
        #[arg(long)]
        limit: u64,
    },
    /// End containers that the docker which starts next cannot take over; run by docker.service
    #[command(hide = true)]
    MakeWay,
    /// Put docker on flannel's subnet; run by node-setup-flannel.service
    #[command(hide = true)]
    FollowFlannel {
        /// docker's socket
        #[arg(long)]
        socket: PathBuf,
    },
}

/// How to undo.
#[derive(Clone, Copy, Debug, Args)]
pub struct UndoOptions {
    /// Undo also what somebody else has changed since
    #[arg(long)]
    pub force: bool,
}

/// `node-setup config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show the effective configuration, and where each value comes from
    Show(Box<SettingOptions>),
    /// Check that a configuration is valid
    Check {
        /// The file to check, instead of the node's configuration
        file: Option<PathBuf>,

        /// Where the settings come from.
        #[command(flatten)]
        settings: Box<SettingOptions>,
    },
}

/// Flags that set settings. Their names are those of [`crate::config::settings`].
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct SettingOptions {
    /// Read this file instead of /etc/node-setup/config.toml and config.d
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read the guide's environment.sh from here
    #[arg(long, global = true, value_name = "FILE")]
    pub environment: Option<PathBuf>,
    /// docker's static archive, or a directory that it is in
    #[arg(long, global = true, value_name = "FILE-OR-URL", value_parser = NonEmptyStringValueParser::new())]
    pub archive: Option<String>,
    /// The version of docker to install
    #[arg(long, global = true, value_name = "VERSION", value_parser = NonEmptyStringValueParser::new())]
    pub docker_version: Option<String>,
    /// The SHA-256 that the archive must have
    #[arg(long, global = true, value_name = "HEX", value_parser = NonEmptyStringValueParser::new())]
    pub sha256: Option<String>,
    /// The directory where fetched archives are kept
    #[arg(long, global = true, value_name = "DIR", value_parser = NonEmptyStringValueParser::new())]
    pub cache: Option<String>,
    /// docker's directory for data and state
    #[arg(long, global = true, value_name = "DIR", value_parser = NonEmptyStringValueParser::new())]
    pub docker_dir: Option<String>,
    /// Where the binaries go
    #[arg(long, global = true, value_name = "DIR", value_parser = NonEmptyStringValueParser::new())]
    pub bin_dir: Option<String>,
    /// How long docker may take until it is ready, such as 60s or 2m
    #[arg(long, global = true, value_name = "DURATION", value_parser = NonEmptyStringValueParser::new())]
    pub timeout: Option<String>,
    /// Go on although this check of preflight speaks against it; may be given again
    #[arg(long, global = true, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub skip: Vec<String>,
    /// Wait while another run holds the lock, instead of exiting with 75
    #[arg(long, global = true)]
    pub wait: bool,
}

impl SettingOptions {
    /// The settings that flags gave, by key.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let flags = [
            ("docker.archive", &self.archive),
            ("docker.version", &self.docker_version),
            ("docker.sha256", &self.sha256),
            ("fetch.cache", &self.cache),
            ("docker.dir", &self.docker_dir),
            ("docker.bin-dir", &self.bin_dir),
            ("docker.ready-timeout", &self.timeout),
            ("preflight.skip", &(!self.skip.is_empty()).then(|| self.skip.join(","))),
        ];
        flags.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
    }
}

/// Flags about what is printed.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// A page for people (human), or one JSON document (json)
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "FORM"
    )]
    pub output: Form,
    /// When to use colours: auto, always, never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "WHEN"
    )]
    pub color: When,
    /// The language of what is said: en, zh; that of the locale if nothing is said
    #[arg(long, global = true, value_enum, hide_possible_values = true, value_name = "LANGUAGE")]
    pub lang: Option<Language>,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say also what is as it should be
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// The form of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A page for people
    #[default]
    Human,
    /// One JSON document on stdout, and nothing else there
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands, and the names that they know: for completions alone. A name that is none gets a better
/// answer than the parser's.
fn named(command: clap::Command) -> clap::Command {
    let pages = PossibleValuesParser::new(crate::explain::pages().into_iter().map(|page| page.id));
    let checks = crate::preflight::CHECKS.iter().filter(|check| check.may_skip).map(|check| check.id);
    let checks = PossibleValuesParser::new(checks);
    command
        .mut_subcommand("explain", |explain| explain.mut_arg("id", |id| id.value_parser(pages)))
        .mut_subcommand("docker", |docker| docker.mut_arg("skip", |skip| skip.value_parser(checks)))
}

/// Completions for a shell.
///
/// The generator separates subcommands with a word that it also puts into a name
/// with a hyphen, in one of the two places that have to agree (clap issue 6421).
pub fn completions(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut named(Cli::command()), "node-setup", &mut text);
    String::from_utf8_lossy(&text).replace("node__subcmd__setup", "node__setup")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_of_a_setting_is_on_the_command_line() {
        let command = Cli::command();
        let docker = command.find_subcommand("docker").unwrap();
        for flag in crate::config::settings::SETTINGS.iter().filter_map(|setting| setting.flag) {
            let long = flag.trim_start_matches("--");
            assert!(docker.get_arguments().any(|arg| arg.get_long() == Some(long)), "{flag}");
        }
    }
}
