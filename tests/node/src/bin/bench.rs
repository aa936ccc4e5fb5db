//! The table of speeds, from the command line.

use clap::Parser;
use node_tests::{Result, Suite, bench};

/// Measures node-setup next to the guide's own steps, in turn on the same node.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Cli {
    /// The release of the node
    #[arg(long, default_value_t = Suite::Bookworm)]
    suite: Suite,
    /// How often each is measured
    #[arg(long, default_value_t = 7, value_name = "N")]
    rounds: u32,
    /// Also the same job done by Ansible
    #[arg(long)]
    ansible: bool,
}

fn main() -> Result<()> {
    let Cli { suite, rounds, ansible } = Cli::parse();
    println!("{}", bench::run(suite, rounds, ansible)?);
    Ok(())
}
