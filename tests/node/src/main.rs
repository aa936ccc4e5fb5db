//! Throw-away worker nodes from the command line.

use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use node_tests::{Machine, Result, Snapshot, Suite};

/// Throw-away worker nodes with a real systemd, dockerd and netfilter, on this machine.
#[derive(Parser)]
#[command(
    name = "testbed",
    version,
    after_help = "Everything is kept in $NODE_SETUP_LAB, or /var/tmp/node-setup-lab."
)]
struct Cli {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Install the host packages that are missing
    Setup,
    /// Build the root file system that nodes are copies of, once
    Base {
        /// bullseye, bookworm, trixie or forky
        suite: Suite,
        /// Debian packages to add
        packages: Vec<String>,
    },
    /// Build docker-VERSION.tgz from the suite's packages, once
    Archive {
        /// bullseye, bookworm, trixie or forky
        suite: Suite,
    },
    /// Boot a fresh node; it stays until `down`
    Up {
        /// The node's name, and its host name
        name: String,
        /// bullseye, bookworm, trixie or forky
        suite: Suite,
        /// Debian packages to add
        packages: Vec<String>,
    },
    /// Run a shell command in a node, and exit as it does
    Sh {
        /// The node
        name: String,
        /// The command
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Open a shell in a node
    Shell {
        /// The node
        name: String,
    },
    /// Copy a file into a node
    Put {
        /// The node
        name: String,
        /// A file of this machine
        from: PathBuf,
        /// The path in the node
        to: String,
    },
    /// Lay a cable between two nodes: 10.9.0.1/24 and 10.9.0.2/24 on eth0
    Wire {
        /// The first node
        one: String,
        /// The second node
        other: String,
    },
    /// Give a lone node an eth0 that leads nowhere
    Dummy {
        /// The node
        name: String,
    },
    /// Leave behind what flanneld's vxlan backend does
    Flannel {
        /// The node
        name: String,
        /// Which of two nodes it is
        #[arg(value_parser = clap::value_parser!(u8).range(1..=2))]
        me: u8,
        /// Which of two nodes the other is
        #[arg(value_parser = clap::value_parser!(u8).range(1..=2))]
        peer: u8,
    },
    /// Run a container that stands for a pod, and print its address
    Pod {
        /// The node
        name: String,
    },
    /// Ping an address from inside the node's pod; exits with 1 if nothing answers
    Ping {
        /// The node
        name: String,
        /// The address
        ip: Ipv4Addr,
    },
    /// Print as JSON what a removal would have to bring back
    Snapshot {
        /// The node
        name: String,
    },
    /// Reboot a node in good order
    Reboot {
        /// The node
        name: String,
    },
    /// Cut a node's power, and boot it again
    Kill {
        /// The node
        name: String,
    },
    /// End a node and remove everything of it
    Down {
        /// The node
        name: String,
    },
    /// List the nodes, with the process id of each one's PID 1
    List,
    /// Remove the nodes of tests that were killed
    Prune,
}

fn main() -> ExitCode {
    match run(Cli::parse().action) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("testbed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(action: Action) -> Result<ExitCode> {
    match action {
        Action::Setup => node_tests::setup()?.into_iter().try_for_each(say)?,
        Action::Base { suite, packages } => say(node_tests::base(suite, &borrowed(&packages))?.display())?,
        Action::Archive { suite } => say(node_tests::archive(suite)?.display())?,
        Action::Up { name, suite, packages } => drop(Machine::up(&name, suite, &borrowed(&packages))?),
        Action::Sh { name, command } => return enter(&name, &["sh", "-c", &command.join(" ")]),
        Action::Shell { name } => return enter(&name, &["bash", "-l"]),
        Action::Put { name, from, to } => Machine::find(&name)?.put(&from, &to)?,
        Action::Wire { one, other } => Machine::find(&one)?.wire(&Machine::find(&other)?)?,
        Action::Dummy { name } => Machine::find(&name)?.dummy_eth0()?,
        Action::Flannel { name, me, peer } => Machine::find(&name)?.flannel(me, peer)?,
        Action::Pod { name } => say(Machine::find(&name)?.pod()?)?,
        Action::Ping { name, ip } => return Ok(u8::from(!Machine::find(&name)?.ping(ip)?).into()),
        Action::Snapshot { name } => say(Snapshot::of(&Machine::find(&name)?)?.to_json()?)?,
        Action::Reboot { name } => Machine::find(&name)?.reboot()?,
        Action::Kill { name } => Machine::find(&name)?.power_cut()?,
        Action::Down { name } => Machine::find(&name)?.remove()?,
        Action::List => Machine::all()?.into_iter().try_for_each(|machine| say(line(&machine)))?,
        Action::Prune => node_tests::prune()?.into_iter().try_for_each(say)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn say(what: impl std::fmt::Display) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{what}")?)
}

fn line(machine: &Machine) -> String {
    let leader = machine.leader().map_or_else(|| "down".to_owned(), |pid| pid.to_string());
    format!("{} {leader}", machine.name())
}

/// Becomes the command in the node, with this process's streams and so with its exit code.
fn enter(name: &str, command: &[&str]) -> Result<ExitCode> {
    let term = std::env::var("TERM").unwrap_or_else(|_| "dumb".to_owned());
    Err(Machine::find(name)?.command(command, &[("TERM", &term)])?.exec().into())
}
