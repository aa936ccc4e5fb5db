//! Docker archives laid out like the static ones, made from each suite's own packages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::job::{self, Job};
use crate::{Suite, apt, host, lab};

const PACKAGES: [&str; 5] = ["docker.io", "docker-cli", "containerd", "runc", "tini"];

/// What the archive holds, and the paths in the packages it may come from, best first.
const BINARIES: [(&str, &[&str]); 9] = [
    ("dockerd", &["usr/sbin/dockerd", "usr/bin/dockerd"]),
    ("docker", &["usr/bin/docker"]),
    ("docker-proxy", &["usr/sbin/docker-proxy", "usr/bin/docker-proxy", "usr/libexec/docker/docker-proxy"]),
    ("docker-init", &["usr/bin/tini-static", "usr/libexec/docker/docker-init", "usr/bin/tini"]),
    ("containerd", &["usr/bin/containerd"]),
    ("containerd-shim", &["usr/bin/containerd-shim"]),
    ("containerd-shim-runc-v2", &["usr/bin/containerd-shim-runc-v2"]),
    ("ctr", &["usr/bin/ctr"]),
    ("runc", &["usr/sbin/runc", "usr/bin/runc"]),
];

/// Newer dockers come without the old shim; every other binary has to be there.
const OPTIONAL: &str = "containerd-shim";

/// `docker-VERSION.tgz` with the docker of `suite`, built once. Its programs are linked to the libraries of that suite:
/// they run on its nodes and on those of later suites.
///
/// # Errors
/// When it cannot be built, or the suite has moved on to another docker than [`Suite::docker_version`] says.
pub fn archive(suite: Suite) -> Result<PathBuf> {
    let name = format!("docker-{}.tgz", suite.docker_version());
    lab::once(lab::dir().join("archive").join(suite.name()).join(name), |half| {
        let work = half.with_extension("work");
        lab::remove(&work)?;
        build(suite, &work, half).with_context(|| format!("no docker archive of {suite}"))?;
        lab::remove(&work)
    })
}

fn build(suite: Suite, work: &Path, into: &Path) -> Result<()> {
    host::setup()?;
    let docker = work.join("docker");
    fs::create_dir_all(&docker).with_context(|| format!("cannot create {}", docker.display()))?;
    download(suite, work)?;
    unpack(suite, work)?;
    for (name, paths) in BINARIES {
        collect(&work.join("tree"), name, paths, &docker)?;
    }
    pack(work, into)
}

/// Has apt fetch the packages and check their signatures, with lists and state of its own.
fn download(suite: Suite, work: &Path) -> Result<()> {
    for dir in ["lists/partial", "cache/archives/partial", "debs"] {
        fs::create_dir_all(work.join(dir)).with_context(|| format!("cannot create {dir}"))?;
    }
    let source = format!("deb [signed-by={}] {} {suite} main\n", apt::KEYRING, apt::mirror()?);
    fs::write(work.join("sources.list"), source).context("cannot write sources.list")?;
    fs::write(work.join("status"), "").context("cannot write status")?;
    apt_get(work, &["update"])?;
    let known = job::host("apt-cache", &[options(work), vec!["pkgnames".to_owned()]].concat())?;
    let names: Vec<&str> =
        PACKAGES.into_iter().filter(|name| known.lines().any(|line| line == *name)).collect();
    apt_get(work, &[&["download"], names.as_slice()].concat())
}

fn options(work: &Path) -> Vec<String> {
    let at = |name: &str| work.join(name).display().to_string();
    [
        format!("Dir::Etc::sourcelist={}", at("sources.list")),
        "Dir::Etc::sourceparts=/dev/null".to_owned(),
        format!("Dir::State::lists={}", at("lists")),
        format!("Dir::State::status={}", at("status")),
        format!("Dir::Cache={}", at("cache")),
        "APT::Sandbox::User=root".to_owned(),
        "Acquire::Languages=none".to_owned(),
        "Acquire::Check-Valid-Until=false".to_owned(),
    ]
    .map(|option| format!("--option={option}"))
    .to_vec()
}

fn apt_get(work: &Path, args: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.arg("--quiet").args(options(work)).args(args).current_dir(work.join("debs"));
    let output = Job::start(command)?.wait(Duration::from_mins(10))?;
    if !output.success() {
        bail!("apt-get {} failed:\n{}{}", args.join(" "), output.stdout, output.stderr);
    }
    Ok(())
}

fn unpack(suite: Suite, work: &Path) -> Result<()> {
    let tree = work.join("tree").display().to_string();
    for entry in fs::read_dir(work.join("debs")).context("cannot list the packages")? {
        let deb = entry?.path();
        let path = deb.display().to_string();
        if deb.file_name().is_some_and(|name| name.to_string_lossy().starts_with("docker.io_")) {
            check_version(suite, job::host("dpkg-deb", &["--field", &path, "Version"])?.trim())?;
        }
        job::host("dpkg-deb", &["--extract", &path, &tree])?;
    }
    Ok(())
}

/// Debian writes `20.10.5+dfsg1-1+b1` for upstream's 20.10.5.
fn check_version(suite: Suite, packaged: &str) -> Result<()> {
    let found = packaged.split(['+', '-', '~']).next().unwrap_or(packaged);
    if found != suite.docker_version() {
        bail!(
            "it packages docker {found} now, not {}: correct Suite::docker_version",
            suite.docker_version()
        );
    }
    Ok(())
}

fn collect(tree: &Path, name: &str, paths: &[&str], docker: &Path) -> Result<()> {
    let Some(from) = paths.iter().map(|path| tree.join(path)).find(|path| path.is_file()) else {
        if name == OPTIONAL {
            return Ok(());
        }
        bail!("none of the packages has {name}: looked for {}", paths.join(", "));
    };
    let to = docker.join(name);
    fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot chmod {name}"))
}

/// The same packages give the same bytes.
fn pack(work: &Path, into: &Path) -> Result<()> {
    let (work, into) = (work.display().to_string(), into.display().to_string());
    let reproducible = ["--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--sort=name"];
    let files = ["--use-compress-program=gzip -n -6", "-C", &work, "-cf", &into, "docker"];
    job::host("tar", &[reproducible.as_slice(), files.as_slice()].concat())?;
    Ok(())
}
