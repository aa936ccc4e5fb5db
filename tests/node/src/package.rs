//! The Debian package of the binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::{lab, product_binary};

/// Where the packages of a test run go: not where a user's `make deb` puts them.
const DIRECTORY: &str = "packages";

/// The package that `make deb` makes of [`product_binary`].
///
/// # Errors
/// When it cannot be built.
pub fn deb() -> Result<PathBuf> {
    let binary = product_binary()?;
    let mut make = Command::new("make");
    make.arg("deb")
        .arg(format!("PREBUILT={}", binary.display()))
        .arg(format!("PACKAGES={}", lab::dir().join(DIRECTORY).display()))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL");
    let output = Job::start(make)?.wait(Duration::from_mins(5))?;
    if !output.success() {
        bail!("make deb failed:\n{}{}", output.stdout, output.stderr);
    }
    let path = output.stdout.lines().last().context("make deb does not say where the package is")?;
    Ok(PathBuf::from(path))
}
