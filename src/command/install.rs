//! Which docker to have, and its binaries on their way into the store.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use crate::archive::catalogue::{self, Arch};
use crate::archive::{Authority, Discard, Obtained, Sink as ArchiveSink, Source, Trust};
use crate::config::{Config, Location};
use crate::digest::Digest;
use crate::error::{Id, Refusal};
use crate::event::{Event, Sink};
use crate::host::{Host, outside};
use crate::journal::Installed;
use crate::resource::File;
use crate::version::Version;
use crate::{Error, Result};

use super::origins::{Request, directory, known, network, newest_in};
use super::session::Session;
use super::staging::{Reception, Staging};

/// Where docker's binaries come from.
#[derive(Debug)]
pub(super) enum Choice {
    /// The ones that node-setup has installed before.
    Keep(Installed),
    /// The same, of which something has gone missing; and the archive that has it.
    Repair(Installed, Request),
    /// An archive.
    Archive(Request),
    /// Someone else's, left as they are.
    Leave,
}

impl Choice {
    /// Decides from the configuration, what is installed, and the built-in catalogue.
    pub(super) fn of(session: &Session) -> Result<Self> {
        let docker = &session.config.docker;
        let installed = session.receipt.docker();
        // One that is not from the archive that is asked for is another.
        let asked = |installed: &&Installed| docker.sha256.is_none_or(|sha256| sha256 == installed.archive);
        if let Some(location) = &docker.archive {
            return match directory(location) {
                Some(directory) => Self::from_directory(session, &directory, installed.filter(asked)),
                None => Self::archive(session, location, installed),
            };
        }
        match (docker.version, installed) {
            (Some(version), Some(installed)) if installed.version == version && asked(&installed) => {
                keep(session, installed)
            }
            (None, Some(installed)) if asked(&installed) => keep(session, installed),
            (None, None) if is_anothers(session) => Ok(Self::Leave),
            (version, _) => Ok(Self::Archive(official(&session.config, version, &session.facts.arch)?)),
        }
    }

    /// docker's version, where it is known.
    pub(super) fn version(&self) -> Option<Version> {
        match self {
            Self::Keep(installed) | Self::Repair(installed, _) => Some(installed.version),
            Self::Archive(request) => Some(request.version),
            Self::Leave => None,
        }
    }

    /// One place that was named.
    fn archive(session: &Session, location: &Location, installed: Option<&Installed>) -> Result<Self> {
        let Session { config, host, facts, .. } = session;
        let source = source_of(config, location)?;
        let arch = arch_of(config, &facts.arch)?;
        let named = config.docker.version.or_else(|| version_in(&location.0));
        // The name may lie; but reading a file to learn that it is the one that is
        // installed already is worth it only if it says so.
        let candidate = installed.filter(|installed| named.is_none_or(|named| named == installed.version));
        let is_installed = match (candidate, &source) {
            (None, _) => false,
            (Some(installed), Source::File(path)) => {
                checked_digest(host, path, config.docker.sha256)? == installed.archive
            }
            // What a URL names is what was installed from it, unless it is known to be
            // something else by now. To learn more it would have to be fetched.
            (Some(installed), Source::Url(_)) => match known(config, installed.version, arch) {
                Some(Trust { sha256, by: Authority::Setting(_) }) => sha256 == installed.archive,
                Some(trust) => named.is_some() && trust.sha256 == installed.archive,
                None => named.is_some(),
            },
        };
        if let Some(installed) = candidate.filter(|_| is_installed) {
            let is = Some(Trust { sha256: installed.archive, by: Authority::Journal });
            let request = Request { is, ..Request::at(source, installed.version, arch) };
            return Ok(match missing(session, installed) {
                None => Self::Keep(installed.clone()),
                Some(_) => Self::Repair(installed.clone(), request),
            });
        }
        let version = named.ok_or_else(|| Error::Config {
            origin: config.origin("docker.archive").to_owned(),
            problem: format!("the name of {source} does not tell docker's version"),
            help: "name it docker-VERSION.tgz, or give --docker-version".to_owned(),
        })?;
        Ok(Self::Archive(Request::at(source, version, arch)))
    }

    /// The version that is wanted, or the newest that the directory has.
    fn from_directory(session: &Session, directory: &Path, installed: Option<&Installed>) -> Result<Self> {
        let Session { config, facts, .. } = session;
        let arch = arch_of(config, &facts.arch)?;
        let version = config.docker.version.or_else(|| newest_in(directory, arch));
        let version = version.ok_or_else(|| Error::Config {
            origin: config.origin("docker.archive").to_owned(),
            problem: format!("{} has no docker-VERSION.tgz", directory.display()),
            help: "name another directory, or give --docker-version".to_owned(),
        })?;
        match installed.filter(|installed| installed.version == version) {
            Some(installed) => keep(session, installed),
            None => Ok(Self::Archive(Request::anywhere(config, version, arch)?)),
        }
    }
}

/// Whether somebody else has put a docker where ours would be. What a run that died has put
/// there is not a set.
fn is_anothers(session: &Session) -> bool {
    let dockerd = session.config.docker.bin_dir.join("dockerd");
    dockerd.exists() && session.receipt.owned(&File(dockerd).name()).is_none()
}

fn source_of(config: &Config, location: &Location) -> Result<Source> {
    location.0.parse().map_err(|problem| Error::Config {
        origin: config.origin("docker.archive").to_owned(),
        problem,
        help: "give a path, or a URL with http, https or file".to_owned(),
    })
}

fn arch_of(config: &Config, machine: &str) -> Result<Arch> {
    machine.parse().map_err(|problem| Error::Config {
        origin: config.origin("docker.version").to_owned(),
        problem,
        help: "docker's static archives are for x86_64 and aarch64".to_owned(),
    })
}

/// This version, or the newest that is known, from wherever it can be had.
pub(super) fn official(config: &Config, version: Option<Version>, machine: &str) -> Result<Request> {
    let arch = arch_of(config, machine)?;
    let version = version.or_else(|| catalogue::newest(arch)).ok_or_else(|| Error::Config {
        origin: config.origin("docker.version").to_owned(),
        problem: format!("no docker for {arch} is in the catalogue"),
        help: "give --archive FILE-OR-URL".to_owned(),
    })?;
    Request::anywhere(config, version, arch)
}

/// What is installed, and where to get what has gone missing of it.
fn keep(session: &Session, installed: &Installed) -> Result<Choice> {
    if missing(session, installed).is_none() {
        return Ok(Choice::Keep(installed.clone()));
    }
    let Session { config, facts, .. } = session;
    let mut request = Request::anywhere(config, installed.version, arch_of(config, &facts.arch)?)?;
    request.is = Some(Trust { sha256: installed.archive, by: Authority::Journal });
    Ok(Choice::Repair(installed.clone(), request))
}

/// A binary that is not as installed, and cannot be put back without its archive.
fn missing(session: &Session, installed: &Installed) -> Option<PathBuf> {
    let files = session.host.files();
    let paths =
        installed.members.iter().map(|member| (session.config.docker.bin_dir.join(&member.name), member));
    let is_at_hand = |path: &Path, sha256| {
        files.observe(path).is_ok_and(|state| state.sha256() == Some(sha256))
            || files.store().content(sha256, path).is_some()
    };
    paths.into_iter().find(|(path, member)| !is_at_hand(path, member.sha256)).map(|(path, _)| path)
}

pub(super) fn version_in(text: &str) -> Option<Version> {
    Version::of_archive_name(text.split('?').next()?.rsplit('/').next()?)
}

/// The digest of an archive on this machine, which must be `expected` if that is known.
fn checked_digest(host: &Host, path: &Path, expected: Option<Digest>) -> Result<Digest> {
    let unusable = |problem: String, help: &str| Error::Archive {
        origin: path.display().to_string(),
        problem,
        help: help.to_owned(),
    };
    let give = "give the path of docker's static archive, docker-VERSION.tgz";
    let found = outside(|| {
        let real = std::fs::canonicalize(path)
            .map_err(|error| unusable(format!("cannot be read: {error}"), give))?;
        if !real.is_file() {
            return Err(unusable("is not a regular file".to_owned(), give));
        }
        host.files().observe(&real)
    });
    let sha256 = found?.sha256();
    let sha256 = sha256.ok_or_else(|| unusable("is not a regular file".to_owned(), give))?;
    match expected.filter(|expected| *expected != sha256) {
        Some(expected) => {
            let problem = format!("has the sha256 {sha256}, expected {expected}");
            Err(unusable(problem, "get the archive again, or correct --sha256"))
        }
        None => Ok(sha256),
    }
}

/// Reads the archive without keeping anything of it.
pub(super) fn inspect(session: &Session, request: &Request, sink: &mut dyn Sink) -> Result<Installed> {
    read(session, request, &mut Discard, sink)
}

/// Unpacks the archive into the store, where nothing sees it yet. On disk when
/// this returns.
pub(super) fn stage(session: &Session, request: &Request, sink: &mut dyn Sink) -> Result<Installed> {
    let (store, bin_dir) = (session.host.files().store(), &session.config.docker.bin_dir);
    store.clear_staged(bin_dir)?;
    let mut staging = Staging::new(store, bin_dir);
    let installed = read(session, request, &mut staging, sink);
    let settled = staging.settle();
    let installed = installed?;
    settled?;
    Ok(installed)
}

/// Stages what is installed again, because something of it has gone missing.
pub(super) fn repair(
    session: &Session,
    installed: &Installed,
    request: &Request,
    sink: &mut dyn Sink,
) -> Result<Installed> {
    let Some(path) = missing(session, installed) else { return Ok(installed.clone()) };
    let version = installed.version;
    stage(session, request, sink).map_err(|error| {
        let lost = Refusal {
            id: Id::BINARIES,
            found: format!(
                "{} is not docker {version}'s any more, and its bytes are nowhere else",
                path.display()
            ),
            remedy: format!("give the archive: --archive docker-{version}.tgz"),
        };
        match error {
            Error::Refused(sources) => Error::Refused([vec![lost], sources].concat()),
            Error::Archive { origin, problem, help } => {
                let source = Refusal { id: Id::SOURCE, found: format!("{origin}: {problem}"), remedy: help };
                Error::Refused(vec![lost, source])
            }
            error => error,
        }
    })
}

fn read(
    session: &Session,
    request: &Request,
    into: &mut dyn ArchiveSink,
    sink: &mut dyn Sink,
) -> Result<Installed> {
    let (config, version) = (&session.config, request.version);
    sink.event(&Event::Stage(&format!("docker {version}")));
    let network = network(config);
    let wanted = request.wanted(session.host.interrupt(), config, &network, sink)?;
    let files = request.sources.iter().filter_map(real_file);
    let before: Vec<(Source, PathBuf, Metadata)> = files.collect();
    let mut reception = Reception { into, events: sink, interrupt: session.host.interrupt() };
    let read = wanted.read(&network, &mut reception);
    sink.event(&Event::ProgressEnd);
    let Obtained { contents, source } = read?;
    if let Some((_, path, metadata)) = before.iter().find(|(read, ..)| *read == source) {
        // Or the next run would read it again, to see that it is what is installed.
        session.host.files().know(path, metadata, contents.sha256);
    }
    if wanted.trust.is_none() {
        sink.event(&Event::Note(&unverified(&source, contents.sha256, version, request.arch)));
    }
    Ok(Installed { version, archive: contents.sha256, members: contents.members })
}

/// The file that a source leads to, as it is now.
fn real_file(source: &Source) -> Option<(Source, PathBuf, Metadata)> {
    let Source::File(path) = source else { return None };
    let (real, metadata) = outside(|| {
        let real = std::fs::canonicalize(path)?;
        std::fs::symlink_metadata(&real).map(|metadata| (real, metadata))
    })
    .ok()?;
    Some((source.clone(), real, metadata))
}

/// What is to be said of an archive that nobody has said anything about.
pub(super) fn unverified(source: &Source, sha256: Digest, version: Version, arch: Arch) -> String {
    match catalogue::lookup(version, arch) {
        Some(listed) if listed == sha256 => format!("{source} is docker's own archive of {version}"),
        Some(_) => format!("{source} is not docker's own archive of {version}; its sha256 is {sha256}"),
        None => format!("{source} was compared with nothing; its sha256 is {sha256}"),
    }
}
