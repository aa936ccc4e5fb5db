//! `node-setup docker fetch` and `docker versions`: archives, without a node.

use std::path::Path;

use crate::archive::catalogue::{self, Arch};
use crate::archive::{Obtained, Sink as ArchiveSink, Source};
use crate::cli::SettingOptions;
use crate::config::Config;
use crate::digest::Digest;
use crate::docker::{api, is_end_of_life, runs_on_cgroup_v2};
use crate::event::{Event, Sink, Sinks};
use crate::host::{Cache, Deposit, Interrupt};
use crate::read;
use crate::report::{ArchiveReport, Collector, Outcome, Report, VersionReport};
use crate::version::Version;
use crate::{Error, Result};

use super::install::{official, unverified, version_in};
use super::origins::{Request, cached, directory, network, newest_in};
use super::session::{Both, load};
use super::staging::Reception;

/// Puts an archive into the cache, and touches nothing else.
pub(super) fn fetch(
    settings: &SettingOptions,
    arch: Option<&str>,
    mut sinks: Sinks,
    report: &mut Report,
) -> Result<()> {
    let config = load(settings)?;
    let interrupt = Interrupt::default();
    let mut notes = Collector::default();
    let mut sink = Both(&mut sinks, &mut notes);
    let fetched = fetch_into(&config, arch, settings.wait, &interrupt, &mut sink);
    notes.enter(report);
    let (archive, is_new) = fetched?;
    report.archive = Some(archive);
    report.changed = is_new;
    report.outcome = if is_new { Outcome::Changed } else { Outcome::Unchanged };
    Ok(())
}

fn fetch_into(
    config: &Config,
    arch: Option<&str>,
    wait: bool,
    interrupt: &Interrupt,
    sink: &mut dyn Sink,
) -> Result<(ArchiveReport, bool)> {
    let mut request = requested(config, arch.unwrap_or(std::env::consts::ARCH))?;
    let (cache, path) = config
        .fetch
        .cache
        .as_deref()
        .map(Cache::at)
        .zip(cached(config, request.version, request.arch))
        .ok_or_else(no_cache)?;
    request.sources.retain(|source| *source != Source::File(path.clone()));
    // Before signals are caught: who waits for the lock can be told to stop.
    let lock = cache.lock(wait)?;
    interrupt.catch()?;
    let network = network(config);
    let wanted = request.wanted(interrupt, config, &network, sink)?;
    let report = |sha256: Digest, source: &Source, by: String| {
        Ok(ArchiveReport {
            version: request.version.to_string(),
            arch: request.arch.to_string(),
            path: path.display().to_string(),
            size: path.metadata().map_err(Error::io("read", &path))?.len(),
            sha256: sha256.to_string(),
            source: source.to_string(),
            vouched_for_by: by,
        })
    };
    if let Some(trust) = wanted.trust.as_ref().filter(|trust| Cache::noted(&path) == Some(trust.sha256))
        && holds(&path, trust.sha256)?
    {
        return Ok((report(trust.sha256, &Source::File(path.clone()), trust.by.to_string())?, false));
    }
    sink.event(&Event::Stage(&format!("docker {} for {}", request.version, request.arch)));
    let mut filling = Filling(cache.deposit(&lock, &path)?);
    let mut reception = Reception { into: &mut filling, events: sink, interrupt };
    let read = wanted.read(&network, &mut reception);
    sink.event(&Event::ProgressEnd);
    let Obtained { contents, source } = read?;
    let is_new = Cache::noted(&path) != Some(contents.sha256) || !holds(&path, contents.sha256)?;
    if is_new {
        filling.0.finish(contents.sha256)?;
    }
    let by = wanted.trust.as_ref().map_or_else(|| "nobody".to_owned(), |trust| trust.by.to_string());
    if wanted.trust.is_none() {
        sink.event(&Event::Note(&unverified(&source, contents.sha256, request.version, request.arch)));
    }
    Ok((report(contents.sha256, &source, by)?, is_new))
}

/// What is to be fetched: there is no node that could have one already.
fn requested(config: &Config, arch: &str) -> Result<Request> {
    let Some(location) = &config.docker.archive else {
        return official(config, config.docker.version, arch);
    };
    let wrong = |problem: String| Error::Config {
        origin: config.origin("docker.archive").to_owned(),
        problem,
        help: "name it docker-VERSION.tgz, or give --docker-version".to_owned(),
    };
    let directory = directory(location);
    let named = match &directory {
        Some(directory) => newest_in(directory, arch.parse().map_err(wrong)?),
        None => version_in(&location.0),
    };
    let version = config.docker.version.or(named);
    let version = version.ok_or_else(|| wrong("its name does not tell docker's version".to_owned()))?;
    match directory {
        Some(_) => official(config, Some(version), arch),
        None => Ok(Request::at(location.0.parse().map_err(wrong)?, version, arch.parse().map_err(wrong)?)),
    }
}

fn no_cache() -> Error {
    Error::Config {
        origin: "fetch.cache".to_owned(),
        problem: "there is no cache to fetch into".to_owned(),
        help: "give --cache DIR, or set fetch.cache".to_owned(),
    }
}

/// Whether the bytes at `path` are those of this digest. They are read: what lies in a
/// cache for long is worth it.
fn holds(path: &Path, sha256: Digest) -> Result<bool> {
    match read::open(path) {
        Ok(mut file) => Digest::of_reader(&mut file).map(|is| is == sha256).map_err(Error::io("read", path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// The archive file itself, on its way into the cache.
struct Filling(Deposit);

impl ArchiveSink for Filling {
    fn archive(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write(bytes)
    }

    fn restart(&mut self) -> Result<()> {
        self.0.restart()
    }
}

/// Lists what is known.
pub(super) fn versions(settings: &SettingOptions, report: &mut Report) -> Result<()> {
    let config = load(settings)?;
    let own: Option<Arch> = std::env::consts::ARCH.parse().ok();
    let newest = own.and_then(catalogue::newest);
    report.versions =
        catalogue::versions().into_iter().map(|version| known(&config, version, newest)).collect();
    Ok(())
}

fn known(config: &Config, version: Version, newest: Option<Version>) -> VersionReport {
    let arches = [Arch::X86_64, Arch::Aarch64].into_iter();
    let listed = arches.filter(|arch| catalogue::lookup(version, *arch).is_some());
    let is_cached = |arch: &Arch| cached(config, version, *arch).is_some_and(|path| path.exists());
    VersionReport {
        version: version.to_string(),
        arches: listed.clone().map(|arch| arch.to_string()).collect(),
        api: api(version),
        cgroup: if runs_on_cgroup_v2(version) { vec![1, 2] } else { vec![1] },
        end_of_life: is_end_of_life(version),
        default: config.docker.version.or(newest) == Some(version),
        cached: listed.filter(is_cached).map(|arch| arch.to_string()).collect(),
    }
}

#[cfg(test)]
mod tests;
