//! The packages of the binary under test.

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
    make("deb", &lab::dir().join(DIRECTORY), &[], &[])
}

/// The directory that `make release` makes of [`product_binary`].
///
/// # Errors
/// When it cannot be built.
pub fn release() -> Result<PathBuf> {
    let packages = lab::dir().join(DIRECTORY);
    make("release", &packages, &[format!("RELEASE={}", packages.join("release").display())], &[])
}

/// What `make TARGET` makes of [`product_binary`] into a directory: the path that it says last.
pub(crate) fn make(
    target: &str,
    packages: &Path,
    settings: &[String],
    env: &[(&str, &Path)],
) -> Result<PathBuf> {
    let binary = product_binary()?;
    let mut make = Command::new("make");
    make.arg(target)
        .arg(format!("PREBUILT={}", binary.display()))
        .arg(format!("PACKAGES={}", packages.display()))
        .args(settings)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .envs(env.iter().copied());
    let output = Job::start(make)?.wait(Duration::from_mins(5))?;
    if !output.success() {
        bail!("make {target} failed:\n{}{}", output.stdout, output.stderr);
    }
    let path = output.stdout.lines().last();
    path.map(PathBuf::from).with_context(|| format!("make {target} does not say where the result is"))
}
