//! Every kill point, every error point, every lost write and fifty power cuts, from the command line.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use clap::{Parser, ValueEnum};
use node_tests::powercut::power_cuts;
use node_tests::powerloss;
use node_tests::torture::{self, Choice, Part, Scenario, Sweep};
use node_tests::{Result, Suite};

/// Kills node-setup, has its system calls fail, or takes the power away, at every point of its runs, and counts what
/// is lost.
#[derive(Parser)]
#[command(name = "torture", version)]
struct Cli {
    /// What happens at each point
    kind: Kind,
    /// install, upgrade, rollback, removal, failure; each if none is given
    scenarios: Vec<Scenario>,
    /// The releases of the nodes
    #[arg(long = "suite", default_values_t = [Suite::Bookworm, Suite::Forky])]
    suites: Vec<Suite>,
    /// Only the Kth of N parts of the points, or states; each is spread over all of them
    #[arg(long, default_value = "1/1", value_name = "K/N")]
    part: Part,
    /// Only the points of these names, which are said where one is lost: "write 255"
    #[arg(long, value_name = "POINT", conflicts_with = "part")]
    at: Vec<String>,
    /// Nodes at a time
    #[arg(long, default_value_t = 2, value_name = "N")]
    jobs: usize,
    /// How many power cuts at random moments
    #[arg(long, default_value_t = 50, value_name = "N")]
    cuts: usize,
    /// What determines the random moments; the time if nothing is given
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// The process is killed, and the run made again
    Kill,
    /// The process is killed, and everything taken away
    GiveUp,
    /// The system call fails; the errors take turns
    Error,
    /// The system call fails, with each error that it can fail with
    EveryError,
    /// The power goes, and with it what was written and not flushed
    Lost,
    /// The power goes at random moments
    Cut,
}

fn main() -> ExitCode {
    let mut cli = Cli::parse();
    if cli.scenarios.is_empty() {
        cli.scenarios = Scenario::ALL.to_vec();
    }
    let lost = match cli.kind {
        Kind::Kill => points(&cli, torture::Kind::Kill),
        Kind::GiveUp => points(&cli, torture::Kind::GiveUp),
        Kind::Error => points(&cli, torture::Kind::Error),
        Kind::EveryError => points(&cli, torture::Kind::EveryError),
        Kind::Lost => lost_writes(&cli),
        Kind::Cut => cuts(&cli),
    };
    match lost {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn points(cli: &Cli, kind: torture::Kind) -> Result<usize> {
    let choice = if cli.at.is_empty() { Choice::Part(cli.part) } else { Choice::Named(&cli.at) };
    let (mut lines, mut lost, mut played) = (Vec::new(), 0, 0);
    for &suite in &cli.suites {
        for &scenario in &cli.scenarios {
            let tally = torture::sweep(Sweep { scenario, suite, kind, choice, jobs: cli.jobs });
            lost += tally.lost.len();
            played += tally.tried + tally.not_met;
            lines.push(format!("{scenario:9} {suite:9} {tally}"));
        }
    }
    println!("{}", lines.join("\n"));
    ensure!(played > 0, "there is no such point");
    Ok(lost)
}

fn lost_writes(cli: &Cli) -> Result<usize> {
    let mut lost = 0;
    for &suite in &cli.suites {
        let (scenarios, part, jobs) = (&cli.scenarios, cli.part, cli.jobs);
        let tally = powerloss::sweep(powerloss::Sweep { suite, scenarios, part, jobs })?;
        tally.unflushed.iter().for_each(|path| println!("NOT FLUSHED {path}"));
        println!("{suite:9} {tally}");
        lost += tally.lost.len() + tally.unflushed.len();
    }
    Ok(lost)
}

fn cuts(cli: &Cli) -> Result<usize> {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let (seed, mut lost) = (cli.seed.unwrap_or_else(now), 0);
    for &suite in &cli.suites {
        let tally = power_cuts(suite, cli.cuts, seed, |cut| println!("{suite}: {cut}"))?;
        println!("{suite:9} {tally}");
        lost += tally.lost().count();
    }
    Ok(lost)
}
