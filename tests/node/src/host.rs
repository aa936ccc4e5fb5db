//! What the host must have before it can be a testbed.

use std::process::Command;

use anyhow::{Result, bail};

use crate::job::Job;

const PACKAGES: [&str; 8] = [
    "systemd-container",
    "mmdebstrap",
    "debian-archive-keyring",
    "busybox-static",
    "iproute2",
    "curl",
    "xz-utils",
    "strace",
];

/// Installs the host packages that are missing. Returns their names; with none missing it touches nothing.
///
/// # Errors
/// When apt-get fails, or this process is not root.
pub fn setup() -> Result<Vec<&'static str>> {
    check_root()?;
    let _lock = crate::lab::lock("setup")?;
    let missing: Vec<&str> = PACKAGES.into_iter().filter(|package| !installed(package)).collect();
    if !missing.is_empty() {
        apt_get(&["update"])?;
        apt_get(&[&["install", "--yes", "--no-install-recommends"], missing.as_slice()].concat())?;
    }
    Ok(missing)
}

/// Says it plainly, before anything fails for lack of it.
pub(crate) fn check_root() -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        Ok(())
    } else {
        bail!("the testbed needs root: nodes have namespaces and mounts")
    }
}

fn installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]);
    query.output().is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

fn apt_get(args: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.arg("--quiet").args(args).env("DEBIAN_FRONTEND", "noninteractive");
    let output = Job::start(command)?.wait(std::time::Duration::from_mins(10))?;
    if output.code != 0 {
        bail!("apt-get {} failed:\n{}\n{}", args.join(" "), output.stdout, output.stderr);
    }
    Ok(())
}
