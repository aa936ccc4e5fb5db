//! Salt, which Debian has no longer: from its registry, for the Python of a node.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::job::Job;
use crate::lab;

const VERSION: &str = "3008.5";

/// A directory with Salt's programs and modules, without the libraries that [`TOOLS`](crate::TOOLS) has.
///
/// # Errors
/// When it cannot be fetched.
pub fn salt() -> Result<PathBuf> {
    lab::once(lab::dir().join("salt").join(VERSION), |half| {
        let need = Path::new(env!("CARGO_MANIFEST_DIR")).join("../need.sh");
        let mut packages = Command::new(need);
        packages.arg("python3-pip");
        run(packages)?;
        let mut pip = Command::new("/usr/bin/python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--root-user-action=ignore", "--target"]);
        pip.arg(half).arg(format!("salt=={VERSION}"));
        run(pip)
    })
}

fn run(command: Command) -> Result<()> {
    let what = format!("{command:?}");
    let output = Job::start(command)?.wait(Duration::from_mins(10))?;
    if !output.success() {
        bail!("{what} failed:\n{}{}", output.stdout, output.stderr);
    }
    Ok(())
}
