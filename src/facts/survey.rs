//! What preflight judges, gathered by subject. Nothing here fails as a whole: what cannot be
//! seen says why, and the rest is seen all the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::engines::Engines;
use super::kernel::Kernel;
use super::machine::Machine;
use super::network::Network;
use super::volumes::{Role, Volume, volume};
use super::{flannel_files, fragments, read_optional};
use crate::config::Config;
use crate::desired::socket;
use crate::docker::{self, DAEMON_JSON};
use crate::flannel::{DockerOptions, Foreign, SubnetEnv};
use crate::host::{Host, STATE, Stranger, UNIT_DIRECTORY, mounts, stranger};
use crate::preflight::MODULES;
use crate::render::{FLANNEL_PATH, FLANNEL_UNIT, GUARD_UNIT};
use crate::sysctl::Fragment;
use crate::version::Version;
use crate::{Error, Result};

/// What was seen, or why it was not.
pub type Seen<T> = Result<T, Unseen>;

/// Why something could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// In one sentence.
    pub why: String,
    /// What to do about it, where that is known.
    pub remedy: Option<String>,
}

impl Unseen {
    pub(super) fn new(why: String) -> Self {
        Self { why, remedy: None }
    }

    fn of(error: &Error) -> Self {
        Self { why: error.in_one_line(), remedy: error.help() }
    }
}

pub(super) fn seen<T>(looked: Result<T>) -> Seen<T> {
    looked.map_err(|error| Unseen::of(&error))
}

/// What a run would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// docker's version, where it is known.
    pub version: Option<Version>,
    /// Whether an archive would be unpacked.
    pub installing: bool,
    /// Keys that earlier runs have put into daemon.json: they go, where they are not wanted
    /// any more.
    pub daemon_keys: BTreeSet<String>,
}

/// A directory that a worker needs, and its file system.
#[derive(Clone, Debug)]
pub struct Target {
    /// What for.
    pub role: Role,
    /// Where.
    pub path: PathBuf,
    /// On what.
    pub volume: Seen<Volume>,
}

/// All of it.
#[derive(Debug)]
pub struct Survey<'a> {
    /// Whether this is a root that does not run.
    pub is_offline: bool,
    /// What the site wants.
    pub config: &'a Config,
    /// What a run would do.
    pub wanted: Seen<Wanted>,
    /// The machine.
    pub machine: Machine,
    /// Its kernel.
    pub kernel: Kernel,
    /// Directories and their file systems.
    pub targets: Vec<Target>,
    /// Directories that somebody else could change, and who.
    pub strangers: Vec<(PathBuf, Stranger)>,
    /// Engines for containers.
    pub engines: Engines,
    /// The network.
    pub network: Network,
    /// sysctl.d, in the order in which it is applied.
    pub sysctls: Seen<Vec<Fragment>>,
    /// flannel's options for docker, and its lease.
    pub flannel: Seen<(Foreign<DockerOptions>, Foreign<SubnetEnv>)>,
    /// daemon.json as it is.
    pub daemon_json: Seen<Option<String>>,
}

impl<'a> Survey<'a> {
    /// Looks at everything once. Changes nothing.
    pub fn take(host: &Host, config: &'a Config, wanted: Result<Wanted, &Error>) -> Self {
        let processes = seen(host.processes());
        Self {
            is_offline: host.is_offline(),
            config,
            wanted: wanted.map_err(Unseen::of),
            machine: Machine::look(host, &processes),
            kernel: Kernel::look(host, MODULES),
            targets: targets(config),
            strangers: strangers(config),
            engines: Engines::look(host, config, &processes),
            network: Network::look(host, config, &processes),
            sysctls: seen(fragments(&config.sysctl.file)),
            flannel: seen(flannel_files()),
            daemon_json: seen(read_optional(Path::new(DAEMON_JSON))),
        }
    }

    /// The targets with one of these roles whose file system could be looked at.
    pub fn volumes(&self, roles: &[Role]) -> impl Iterator<Item = (&Target, &Volume)> {
        let targets = self.targets.iter().filter(move |target| roles.contains(&target.role));
        targets.filter_map(|target| Some((target, target.volume.as_ref().ok()?)))
    }

    /// The first target that could not be looked at.
    pub fn unseen_volume(&self) -> Option<&Unseen> {
        self.targets.iter().find_map(|target| target.volume.as_ref().err())
    }
}

/// Who else could change what root fills, reads or runs from, each of them once, with where he
/// leads to. docker's own directories below data-root are docker's matter.
pub fn strangers(config: &Config) -> Vec<(PathBuf, Stranger)> {
    let places = places(config).into_iter().map(|(_, path)| path);
    let files = [config.sysctl.file.clone(), DAEMON_JSON.into(), socket(config)];
    let directories = files.iter().filter_map(|path| path.parent().map(Path::to_owned));
    let others = ["/etc/modules-load.d", "/etc/tmpfiles.d"].map(PathBuf::from);
    let mut found: Vec<(PathBuf, Stranger)> = Vec::new();
    for path in places.chain(directories).chain(drop_ins()).chain(others) {
        let stranger = stranger(&path).filter(|one| found.iter().all(|(_, other)| other != one));
        found.extend(stranger.map(|stranger| (path, stranger)));
    }
    found
}

/// The directories that may have the last word on what our units run, and the files in them.
fn drop_ins() -> impl Iterator<Item = PathBuf> {
    let directories = [docker::UNIT, GUARD_UNIT, FLANNEL_UNIT, FLANNEL_PATH]
        .map(|unit| Path::new(UNIT_DIRECTORY).join(format!("{unit}.d")));
    directories.into_iter().flat_map(|directory| {
        let files = fs::read_dir(&directory).into_iter().flatten().flatten().map(|entry| entry.path());
        std::iter::once(directory).chain(files)
    })
}

fn targets(config: &Config) -> Vec<Target> {
    let mounts = mounts().unwrap_or_default();
    let target = |(role, path): (Role, PathBuf)| Target { role, volume: volume(&path, &mounts), path };
    places(config).into_iter().map(target).collect()
}

fn places(config: &Config) -> [(Role, PathBuf); 6] {
    let [data, exec] = config.roots();
    [
        (Role::Binaries, config.docker.bin_dir.clone()),
        (Role::Data, data),
        (Role::Exec, exec),
        (Role::State, PathBuf::from(STATE)),
        (Role::System, PathBuf::from("/etc/docker")),
        (Role::System, PathBuf::from(UNIT_DIRECTORY)),
    ]
}

#[cfg(test)]
impl<'a> Survey<'a> {
    /// A bare node with nothing amiss, for tests to vary.
    pub(crate) fn example(config: &'a Config) -> Self {
        let target = |role, path: &str| Target { role, path: path.into(), volume: Ok(Volume::example()) };
        Self {
            is_offline: false,
            config,
            wanted: Ok(Wanted {
                version: Some(Version::new(20, 10, 24)),
                installing: true,
                daemon_keys: BTreeSet::new(),
            }),
            machine: Machine::example(),
            kernel: Kernel::example(),
            targets: vec![
                target(Role::Binaries, "/opt/k8s/bin"),
                target(Role::Data, "/data/k8s/docker/data"),
                target(Role::Exec, "/data/k8s/docker/exec"),
                target(Role::State, STATE),
                target(Role::System, "/etc/docker"),
            ],
            strangers: Vec::new(),
            engines: Engines::example(),
            network: Network::example(),
            sysctls: Ok(Vec::new()),
            flannel: Ok((Foreign::Absent, Foreign::Absent)),
            daemon_json: Ok(None),
        }
    }
}
