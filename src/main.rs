//! The program: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;
use node_setup::cli::Cli;

fn main() -> ExitCode {
    ExitCode::from(node_setup::command::execute(&Cli::parse()))
}
