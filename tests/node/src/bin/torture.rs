//! Every kill point, every error point and every lost write of every run, from the command line.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use node_tests::Suite;
use node_tests::powerloss;
use node_tests::torture::{self, Scenario, Sweep};

/// Kills node-setup, has its system calls fail, or takes the power away, at every point of its runs, and counts what
/// is lost.
#[derive(Parser)]
#[command(name = "torture", version)]
struct Cli {
    /// What happens at each point
    kind: Kind,
    /// install, upgrade, rollback, removal; each if none is given
    scenarios: Vec<Scenario>,
    /// The releases of the nodes
    #[arg(long = "suite", default_values_t = [Suite::Bookworm, Suite::Forky])]
    suites: Vec<Suite>,
    /// Only each Nth point, or state
    #[arg(long, default_value_t = 1, value_name = "N")]
    every: usize,
    /// Nodes at a time
    #[arg(long, default_value_t = 2, value_name = "N")]
    jobs: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// The process is killed
    Kill,
    /// The system call fails
    Error,
    /// The power goes, and with it what was written and not flushed
    Lost,
}

fn main() -> ExitCode {
    let Cli { kind, scenarios, suites, every, jobs } = Cli::parse();
    let scenarios = if scenarios.is_empty() { Scenario::ALL.to_vec() } else { scenarios };
    let kind = match kind {
        Kind::Kill => torture::Kind::Kill,
        Kind::Error => torture::Kind::Error,
        Kind::Lost => return lost_writes(&suites, &scenarios, every, jobs),
    };
    let mut lines = Vec::new();
    let mut lost = 0;
    for &suite in &suites {
        for &scenario in &scenarios {
            let tally = torture::sweep(Sweep { scenario, suite, kind, every, jobs });
            lost += tally.lost.len();
            lines.push(format!("{scenario:9} {suite:9} {tally}"));
        }
    }
    println!("{}", lines.join("\n"));
    if lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn lost_writes(suites: &[Suite], scenarios: &[Scenario], every: usize, jobs: usize) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for &suite in suites {
        match powerloss::sweep(powerloss::Sweep { suite, scenarios, every, jobs }) {
            Ok(tally) => {
                tally.unflushed.iter().for_each(|path| println!("NOT FLUSHED {path}"));
                println!("{suite:9} {tally}");
                if !tally.lost.is_empty() || !tally.unflushed.is_empty() {
                    code = ExitCode::FAILURE;
                }
            }
            Err(error) => {
                eprintln!("{suite}: {error:#}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
