//! The program: parse, run, exit code.

use std::process::ExitCode;

use nix::sys::stat::{Mode, umask};

fn main() -> ExitCode {
    // What this makes is for root to write to, whatever the caller's umask: modes are set where they matter.
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    ExitCode::from(node_setup::command::execute(&node_setup::lang::parse()))
}
