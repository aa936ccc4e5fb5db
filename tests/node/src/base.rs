//! The root file systems that nodes are copies of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::{Suite, apt, host, lab};

/// Goes up when the recipe below changes, so that nodes are not made from an older one.
const RECIPE: u32 = 1;

const PACKAGES: [&str; 16] = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "iptables",
    "nftables",
    "iproute2",
    "procps",
    "kmod",
    "ca-certificates",
    "curl",
    "libseccomp2",
    "libdevmapper1.02.1",
    "conntrack",
    "ipset",
    "strace",
    "jq",
];

/// Documentation and translations: a quarter of the files, which every node would copy.
const LEFT_OUT: [&str; 4] =
    ["/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*"];

/// Units that would configure a network the test has to own, or change files of their own accord.
const MASKED: [&str; 10] = [
    "systemd-firstboot.service",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-resolved.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
];

/// Where in a node a static busybox lies, as the root of an image.
pub(crate) const IMAGE: &str = "root/im";

/// The root file system of `suite` with `extra` packages, built once.
///
/// # Errors
/// When it cannot be built; the error names the log.
pub fn base(suite: Suite, extra: &[&str]) -> Result<PathBuf> {
    let mut extra = extra.to_vec();
    extra.sort_unstable();
    extra.dedup();
    let key = [&[suite.name()], extra.as_slice(), &[&format!("r{RECIPE}")]].concat().join("+");
    lab::once(lab::dir().join("base").join(key), |half| build(suite, &extra, half))
}

fn build(suite: Suite, extra: &[&str], into: &Path) -> Result<()> {
    host::setup()?;
    let log = into.with_extension("log");
    let include = [&PACKAGES, extra].concat().join(",");
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=minbase", "--keyring", apt::KEYRING]);
    // The Release file of a suite that is no longer updated has run out; its signature still holds.
    command.arg("--aptopt=Acquire::Check-Valid-Until \"false\"");
    command.arg(format!("--include={include}"));
    command.args(LEFT_OUT.map(|path| format!("--dpkgopt=path-exclude={path}")));
    command.arg(suite.name()).arg(into).arg(apt::mirror()?);
    let output = Job::start(command)?.wait(Duration::from_mins(20))?;
    fs::write(&log, output.stdout + &output.stderr)
        .with_context(|| format!("cannot write {}", log.display()))?;
    if output.code != 0 {
        bail!("mmdebstrap failed on {suite} with {}: see {}", output.code, log.display());
    }
    finish(into)
}

fn finish(root: &Path) -> Result<()> {
    for unit in MASKED {
        let link = root.join("etc/systemd/system").join(unit);
        lab::remove(&link)?;
        std::os::unix::fs::symlink("/dev/null", &link).with_context(|| format!("cannot mask {unit}"))?;
    }
    // Made anew for each node.
    lab::remove(&root.join("etc/machine-id"))?;
    lab::remove(&root.join("var/lib/dbus/machine-id"))?;
    let image = root.join(IMAGE).join("bin");
    fs::create_dir_all(&image).with_context(|| format!("cannot create {}", image.display()))?;
    fs::copy("/bin/busybox", image.join("busybox")).context("cannot copy the host's busybox")?;
    // What systemd does once after an update (ConditionNeedsUpdate=) is done: a first boot is like every other.
    for stamp in ["etc/.updated", "var/.updated"] {
        fs::write(root.join(stamp), "").with_context(|| format!("cannot write {stamp}"))?;
    }
    Ok(())
}
