//! Which docker to have, and getting its binaries into the store.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use crate::archive::catalogue::Arch;
use crate::archive::{Contents, Deadlines, Discard, Member, Sink as ArchiveSink, Source, catalogue};
use crate::config::Config;
use crate::digest::Digest;
use crate::error::Refusal;
use crate::event::{Event, Sink};
use crate::host::{Host, Incoming, Store, Written};
use crate::journal::Installed;
use crate::version::Version;
use crate::{Error, Result};

use super::session::Session;

/// Where docker's binaries come from.
#[derive(Debug)]
pub(super) enum Choice {
    /// The ones that node-setup has installed before.
    Keep(Installed),
    /// An archive.
    Archive(Wanted),
    /// Someone else's, left as they are.
    Leave,
}

/// An archive that is to be installed.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) source: Source,
    pub(super) version: Version,
    sha256: Option<Digest>,
}

impl Choice {
    /// Decides from the configuration, what is installed, and the built-in catalogue.
    pub(super) fn of(session: &Session) -> Result<Self> {
        let docker = &session.config.docker;
        let installed = session.receipt.docker();
        if let Some(text) = &docker.archive {
            return Self::archive(session, text, installed);
        }
        match (docker.version, installed) {
            (Some(version), Some(installed)) if installed.version == version => keep(session, installed),
            (None, Some(installed)) => keep(session, installed),
            (None, None) if docker.bin_dir.join("dockerd").exists() => Ok(Self::Leave),
            (version, _) => Self::official(&session.config, version, &session.facts.arch),
        }
    }

    /// docker's version, where it is known.
    pub(super) fn version(&self) -> Option<Version> {
        match self {
            Self::Keep(installed) => Some(installed.version),
            Self::Archive(wanted) => Some(wanted.version),
            Self::Leave => None,
        }
    }

    fn archive(session: &Session, text: &str, installed: Option<&Installed>) -> Result<Self> {
        let docker = &session.config.docker;
        let source: Source = text.parse()?;
        let known = match &source {
            Source::File(path) => Some(checked_digest(&session.host, path, docker.sha256)?),
            Source::Url(_) => docker.sha256,
        };
        if let Some(installed) = installed.filter(|installed| Some(installed.archive) == known) {
            return match docker.version.filter(|version| *version != installed.version) {
                Some(version) => Err(not_that_version(&source, version, installed.version)),
                None if damaged(session, installed).is_none() => Ok(Self::Keep(installed.clone())),
                None => Ok(Self::Archive(Wanted { source, version: installed.version, sha256: known })),
            };
        }
        let version = docker.version.or_else(|| version_in(text)).ok_or_else(|| Error::Config {
            origin: session.config.origin("docker.archive").to_owned(),
            problem: format!("the name of {source} does not tell docker's version"),
            help: "name it docker-VERSION.tgz, or give --docker-version".to_owned(),
        })?;
        Ok(Self::Archive(Wanted { source, version, sha256: docker.sha256 }))
    }

    fn official(config: &Config, version: Option<Version>, arch: &str) -> Result<Self> {
        let unavailable = |problem: String| Error::Config {
            origin: config.origin("docker.version").to_owned(),
            problem,
            help: "give --archive FILE-OR-URL".to_owned(),
        };
        let arch: Arch = arch.parse().map_err(&unavailable)?;
        let version = version
            .or_else(|| catalogue::newest(arch))
            .ok_or_else(|| unavailable(format!("no docker for {arch} is in the catalogue")))?;
        let sha256 = config.docker.sha256.or_else(|| catalogue::lookup(version, arch));
        let source = Source::Url(catalogue::official_url(version, arch));
        Ok(Self::Archive(Wanted { source, version, sha256 }))
    }
}

/// What is installed, if what has gone missing of it can be had.
fn keep(session: &Session, installed: &Installed) -> Result<Choice> {
    let Some(path) = damaged(session, installed) else { return Ok(Choice::Keep(installed.clone())) };
    let version = installed.version;
    let refusal = Refusal {
        id: "binaries",
        found: format!(
            "{} is not docker {version}'s any more, and its bytes are nowhere else",
            path.display()
        ),
        remedy: format!("give the archive: --archive docker-{version}.tgz"),
    };
    Err(Error::Refused(vec![refusal]))
}

/// A binary that is not as installed, and cannot be put back without its archive.
fn damaged(session: &Session, installed: &Installed) -> Option<PathBuf> {
    let files = session.host.files();
    let paths =
        installed.members.iter().map(|member| (session.config.docker.bin_dir.join(&member.name), member));
    let is_at_hand = |path: &Path, sha256| {
        files.observe(path).is_ok_and(|state| state.sha256() == Some(sha256))
            || files.store().content(sha256, path).is_some()
    };
    paths.into_iter().find(|(path, member)| !is_at_hand(path, member.sha256)).map(|(path, _)| path)
}

fn version_in(text: &str) -> Option<Version> {
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
    let real =
        std::fs::canonicalize(path).map_err(|error| unusable(format!("cannot be read: {error}"), give))?;
    if !real.is_file() {
        return Err(unusable("is not a regular file".to_owned(), give));
    }
    let sha256 = host.files().observe(&real)?.sha256();
    let sha256 = sha256.ok_or_else(|| unusable("is not a regular file".to_owned(), give))?;
    match expected.filter(|expected| *expected != sha256) {
        Some(expected) => {
            let problem = format!("has the sha256 {sha256}, expected {expected}");
            Err(unusable(problem, "get the archive again, or correct --sha256"))
        }
        None => Ok(sha256),
    }
}

fn not_that_version(source: &Source, wanted: Version, is: Version) -> Error {
    Error::Archive {
        origin: source.to_string(),
        problem: format!("is docker {is}, not {wanted}"),
        help: "give the right --docker-version, or another archive".to_owned(),
    }
}

impl Wanted {
    /// Reads the archive without keeping anything of it.
    pub(super) fn inspect(&self, host: &Host, sink: &mut dyn Sink) -> Result<Installed> {
        self.read(host, &mut Discard, sink)
    }

    /// Unpacks the archive into the store, where nothing sees it yet. On disk when
    /// this returns.
    pub(super) fn stage(&self, host: &Host, bin_dir: &Path, sink: &mut dyn Sink) -> Result<Installed> {
        let store = host.files().store();
        store.clear_staged(bin_dir)?;
        let mut staging = Staging::new(store, bin_dir);
        let installed = self.read(host, &mut staging, sink);
        let settled = staging.settle();
        let installed = installed?;
        settled?;
        Ok(installed)
    }

    fn read(&self, host: &Host, into: &mut dyn ArchiveSink, sink: &mut dyn Sink) -> Result<Installed> {
        sink.event(&Event::Stage(&format!("docker {}", self.version)));
        let archive = self.source.open(self.sha256, Deadlines::default())?;
        let total = archive.length();
        let contents = archive.unpack(into, &mut |done| {
            sink.event(&Event::Progress { done, total });
            host.interrupt().check()
        });
        sink.event(&Event::ProgressEnd);
        let Contents { sha256, members } = contents?;
        Ok(Installed { version: self.version, archive: sha256, members })
    }
}

/// Writes members into the store. They are flushed by a thread of their own, so
/// that the disk works while the next ones are inflated.
struct Staging<'a> {
    store: &'a Store,
    target: PathBuf,
    incoming: Option<Incoming>,
    written: Option<Sender<Written>>,
    flusher: Option<JoinHandle<Result<()>>>,
}

impl<'a> Staging<'a> {
    fn new(store: &'a Store, bin_dir: &Path) -> Self {
        let (written, settling) = channel::<Written>();
        let flusher = std::thread::spawn(move || settling.into_iter().try_for_each(Written::settle));
        Self {
            store,
            target: bin_dir.join("dockerd"),
            incoming: None,
            written: Some(written),
            flusher: Some(flusher),
        }
    }

    fn settle(mut self) -> Result<()> {
        drop(self.written.take());
        match self.flusher.take().map(JoinHandle::join) {
            Some(Ok(settled)) => settled,
            Some(Err(_)) | None => Err(self.lost()),
        }
    }

    fn lost(&self) -> Error {
        Error::State {
            path: self.store.home().to_owned(),
            problem: "a content was lost on its way in".to_owned(),
        }
    }
}

impl ArchiveSink for Staging<'_> {
    fn begin(&mut self, _: &str, _: u64) -> Result<()> {
        self.incoming = Some(self.store.stage(&self.target)?);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let lost = self.lost();
        self.incoming.as_mut().ok_or(lost)?.write(bytes)
    }

    fn end(&mut self, member: &Member) -> Result<()> {
        let incoming = self.incoming.take().ok_or_else(|| self.lost())?;
        let written = incoming.finish(member.sha256)?;
        // A flusher that has ended has an error, which `settle` returns.
        let _ = self.written.as_ref().map(|flusher| flusher.send(written));
        Ok(())
    }
}
