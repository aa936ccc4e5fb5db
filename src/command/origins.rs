//! Which archive a configuration asks for, where it may be, and what it must be.

use std::path::{Path, PathBuf};

use minisign_verify::PublicKey;

use crate::archive::catalogue::{self, Arch, archive_name};
use crate::archive::trust::{digest_in, public_key, verify};
use crate::archive::{Authority, Network, Patience, Proxies, Sink as ArchiveSink, Source, Trust, Wanted};
use crate::config::{Config, Location};
use crate::event::{Event, Sink};
use crate::host::{Cache, Interrupt, Stranger, is_offline, outside, stranger};
use crate::redact::redact_text;
use crate::version::Version;
use crate::{Error, Result};

/// A sums file is a few lines; its signature is four.
const LARGEST_SUMS: u64 = 1 << 20;

/// An archive that the configuration asks for.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) version: Version,
    pub(super) arch: Arch,
    /// What it is known to be, whatever the configuration says.
    pub(super) is: Option<Trust>,
    /// Where it may be, best first.
    pub(super) sources: Vec<Source>,
    /// Whether somebody has said that it is this very file.
    pub(super) is_named_file: bool,
}

impl Request {
    /// The archive of this version, wherever it is.
    pub(super) fn anywhere(config: &Config, version: Version, arch: Arch) -> Result<Self> {
        let sources = sources(config, version, arch)?;
        Ok(Self { version, arch, is: None, sources, is_named_file: false })
    }

    /// The archive at this place alone.
    pub(super) fn at(source: Source, version: Version, arch: Arch) -> Self {
        let is_named_file = matches!(source, Source::File(_));
        Self { version, arch, is: None, sources: vec![source], is_named_file }
    }

    /// With what is known of it. May ask the network for a sums file, unless it is to stop.
    pub(super) fn wanted(
        &self,
        interrupt: &Interrupt,
        config: &Config,
        network: &Network,
        sink: &mut dyn Sink,
    ) -> Result<Wanted> {
        let trust = match (&self.is, known(config, self.version, self.arch)) {
            (Some(is), _) => Some(is.clone()),
            (None, Some(set @ Trust { by: Authority::Setting(_), .. })) => Some(set),
            (None, _) if self.is_named_file && self.strangers().is_none() => None,
            (None, known) => {
                let known = known.or_else(|| self.noted(config));
                let mut asking = Asking { config, network, events: sink, interrupt };
                asking.signed(self, known.is_some())?.or(known)
            }
        };
        let mut sources = self.sources.clone();
        if trust.is_none() {
            if let Some((path, stranger)) = self.strangers().filter(|_| self.is_named_file) {
                return Err(doubtful(&path, &stranger));
            }
            // Whoever may write to the cache, or to a file, may not say what runs as root.
            let cached = cached(config, self.version, self.arch).map(Source::File);
            sources.retain(|source| Some(source) != cached.as_ref() || self.is_named_file);
            sources.retain(
                |source| !matches!(source, Source::File(path) if outside(|| stranger(path)).is_some()),
            );
        }
        if is_offline() {
            self.leave_what_is_here(&mut sources)?;
        }
        Ok(Wanted { version: self.version, trust, sources })
    }

    /// What is put into an image is the same tomorrow, and needs no network.
    fn leave_what_is_here(&self, sources: &mut Vec<Source>) -> Result<()> {
        sources.retain(|source| matches!(source, Source::File(_)));
        let is_there = |source: &Source| matches!(source, Source::File(path) if outside(|| path.exists()));
        if self.is_named_file || sources.iter().any(is_there) {
            return Ok(());
        }
        let (version, arch) = (self.version, self.arch);
        Err(Error::Archive {
            origin: format!("of docker {version} for {arch}"),
            problem: "is not on this machine, and a root is set up without the network".to_owned(),
            help: format!(
                "fetch it first: node-setup docker fetch --docker-version {version} --arch {arch}; or give \
                 --archive FILE"
            ),
        })
    }

    /// Who else could change the first file among the sources that others can change.
    fn strangers(&self) -> Option<(PathBuf, Stranger)> {
        self.sources.iter().find_map(|source| match source {
            Source::File(path) => Some((path.clone(), outside(|| stranger(path))?)),
            Source::Url(_) => None,
        })
    }

    /// What was noted when it came into the cache.
    fn noted(&self, config: &Config) -> Option<Trust> {
        let path = cached(config, self.version, self.arch)?;
        outside(|| Cache::noted(&path)).map(|sha256| Trust { sha256, by: Authority::Cache })
    }
}

/// Asking for the signed sums.
struct Asking<'a> {
    config: &'a Config,
    network: &'a Network,
    events: &'a mut dyn Sink,
    interrupt: &'a Interrupt,
}

impl Asking<'_> {
    /// What the signed sums say of an archive. Where something else does for it, they are
    /// not waited for long, and what is wrong with them is only noted.
    fn signed(&mut self, request: &Request, is_known: bool) -> Result<Option<Trust>> {
        let Some(sums) = &self.config.fetch.sums else { return Ok(None) };
        if is_offline() && !matches!(sums.0.parse(), Ok(Source::File(_))) {
            return Ok(None);
        }
        let key = self.key()?;
        let place = filled(&sums.0, request.version, request.arch);
        let patience = if is_known { Patience::in_a_hurry() } else { self.network.patience };
        let network = Network { patience, ..self.network.clone() };
        let both = self.text(&place, &network).and_then(|text| {
            let signature = self.text(&(place.clone() + ".minisig"), &network)?;
            Ok((text, signature))
        });
        let (text, signature) = match both {
            Ok(both) => both,
            Err(error) => return self.without(error),
        };
        if let Err(problem) = verify(text.as_bytes(), &signature, &key) {
            let help = "do not use what comes from there before you know why: ask who signs it";
            let error = unusable(&place, problem, help);
            return if is_known { self.without(error) } else { Err(error) };
        }
        let found = digest_in(&text, &request.arch.to_string(), &archive_name(request.version));
        Ok(found.map(|sha256| Trust { sha256, by: Authority::Sums(shown(&place)) }))
    }

    fn key(&self) -> Result<PublicKey> {
        let wrong = |key: &str, problem: String, help: &str| Error::Config {
            origin: self.config.origin(key).to_owned(),
            problem: format!("{key}: {problem}"),
            help: help.to_owned(),
        };
        let key = self.config.fetch.signed_by.as_ref().ok_or_else(|| {
            let problem = "a sums file counts only if it is signed".to_owned();
            wrong("fetch.sums", problem, "set fetch.signed-by to the public key of minisign")
        })?;
        public_key(&key.0)
            .map_err(|problem| wrong("fetch.signed-by", problem, "it is the second line of minisign.pub"))
    }

    /// A small text from a file or a server.
    fn text(&mut self, place: &str, network: &Network) -> Result<String> {
        let source: Source = place.parse().map_err(|problem| unusable(place, problem, "check fetch.sums"))?;
        source.text(LARGEST_SUMS, network, self)
    }

    /// Goes on without the sums, if it is they that are no good.
    fn without(&mut self, error: Error) -> Result<Option<Trust>> {
        if !matches!(error, Error::Archive { .. }) {
            return Err(error);
        }
        self.events.event(&Event::Note(&format!("{error}; the signed sums are not used")));
        Ok(None)
    }
}

impl ArchiveSink for Asking<'_> {
    fn progress(&mut self, _: u64, _: Option<u64>) -> Result<()> {
        self.interrupt.check()
    }

    fn note(&mut self, note: &str) {
        self.events.event(&Event::Note(note));
    }
}

/// Nobody says what this archive must be, and root is not the only one who could have made it.
fn doubtful(path: &Path, stranger: &Stranger) -> Error {
    Error::Archive {
        origin: path.display().to_string(),
        problem: format!("nobody says what it must be, and {stranger}"),
        help: "give the sha256 that its publisher says: --sha256".to_owned(),
    }
}

fn unusable(place: &str, problem: String, help: &str) -> Error {
    Error::Archive { origin: shown(place), problem, help: help.to_owned() }
}

/// What an archive must be, as far as that is known without asking anybody.
pub(super) fn known(config: &Config, version: Version, arch: Arch) -> Option<Trust> {
    let by = || Authority::Setting(config.origin("docker.sha256").to_owned());
    let set = config.docker.sha256.map(|sha256| Trust { sha256, by: by() });
    let listed = || Some(Trust { sha256: catalogue::lookup(version, arch)?, by: Authority::Catalogue });
    set.or_else(listed)
}

/// The way to servers.
pub(super) fn network(config: &Config) -> Network {
    let fetch = &config.fetch;
    Network {
        proxies: Proxies {
            https: fetch.https_proxy.as_ref().map(|proxy| proxy.0.clone()),
            http: fetch.http_proxy.as_ref().map(|proxy| proxy.0.clone()),
            none_for: fetch.no_proxy.0.clone(),
        },
        ca_file: fetch.ca_file.clone(),
        patience: Patience { total: fetch.timeout, ..Patience::default() },
    }
}

/// Where the archive lies, or would, in the cache.
pub(super) fn cached(config: &Config, version: Version, arch: Arch) -> Option<PathBuf> {
    let cache = Cache::at(config.fetch.cache.as_deref()?);
    Some(cache.path(&arch.to_string(), &archive_name(version)))
}

/// The cache, the directory, the mirrors, docker's own site.
fn sources(config: &Config, version: Version, arch: Arch) -> Result<Vec<Source>> {
    let mut all: Vec<Source> = cached(config, version, arch).map(Source::File).into_iter().collect();
    let directory = config.docker.archive.as_ref().and_then(directory);
    all.extend(directory.into_iter().flat_map(|directory| in_directory(&directory, version, arch)));
    for mirror in &config.fetch.mirrors.0 {
        let place = on_mirror(&mirror.0, version, arch).parse().map_err(|problem| Error::Config {
            origin: config.origin("fetch.mirrors").to_owned(),
            problem: format!("fetch.mirrors: {}: {problem}", shown(&mirror.0)),
            help: "give a path, or a URL with http, https or file".to_owned(),
        });
        all.push(place?);
    }
    all.extend(config.fetch.official.then(|| Source::Url(catalogue::official_url(version, arch))));
    Ok(all)
}

/// The directory that `docker.archive` names, if it is one.
pub(super) fn directory(location: &Location) -> Option<PathBuf> {
    match location.0.parse() {
        Ok(Source::File(path)) if outside(|| path.is_dir()) => Some(path),
        _ => None,
    }
}

/// An archive lies in the directory itself, or in that of its architecture.
fn in_directory(directory: &Path, version: Version, arch: Arch) -> Vec<Source> {
    let name = archive_name(version);
    let places = [directory.join(arch.to_string()).join(&name), directory.join(&name)];
    places.into_iter().filter(|path| outside(|| path.exists())).map(Source::File).collect()
}

/// The newest version that a directory has an archive of.
pub(super) fn newest_in(directory: &Path, arch: Arch) -> Option<Version> {
    let names = |directory: &Path| {
        outside(|| {
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            entries.filter_map(|entry| Version::of_archive_name(entry.file_name().to_str()?)).max()
        })
    };
    names(directory).max(names(&directory.join(arch.to_string())))
}

/// A mirror is laid out as docker's own site is, unless it says where names go.
fn on_mirror(mirror: &str, version: Version, arch: Arch) -> String {
    if mirror.contains("{name}") || mirror.contains("{version}") {
        return filled(mirror, version, arch);
    }
    format!("{}/{arch}/{}", mirror.trim_end_matches('/'), archive_name(version))
}

fn filled(place: &str, version: Version, arch: Arch) -> String {
    place
        .replace("{name}", &archive_name(version))
        .replace("{version}", &version.to_string())
        .replace("{arch}", &arch.to_string())
}

fn shown(place: &str) -> String {
    place.parse::<Source>().map_or_else(|_| redact_text(place), |source| source.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Inputs, Locations};

    const VERSION: Version = Version::new(18, 6, 3);

    fn config() -> Config {
        let nowhere = tempfile::tempdir().unwrap();
        Config::load(&Inputs { root: nowhere.path().to_owned(), ..Inputs::default() }).unwrap()
    }

    fn named(config: &Config) -> Vec<String> {
        let sources = sources(config, VERSION, Arch::Aarch64).unwrap();
        sources.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sources_come_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("docker-18.06.3-ce.tgz");
        std::fs::write(&place, "").unwrap();
        let mut config = config();
        let official =
            "https://download.docker.com/linux/static/stable/aarch64/docker-18.06.3-ce.tgz".to_owned();
        let cached = "/var/cache/node-setup/aarch64/docker-18.06.3-ce.tgz".to_owned();
        assert_eq!(named(&config), [cached.clone(), official]);
        config.docker.archive = Some(Location(directory.path().to_str().unwrap().to_owned()));
        let mirrors =
            ["https://one/docker/", "file:///srv/two", "/srv/three", "http://four/{version}/{arch}.tgz"];
        config.fetch.mirrors = Locations(mirrors.map(|mirror| Location(mirror.to_owned())).to_vec());
        config.fetch.official = false;
        assert_eq!(
            named(&config),
            [
                &cached,
                place.to_str().unwrap(),
                "https://one/docker/aarch64/docker-18.06.3-ce.tgz",
                "/srv/two/aarch64/docker-18.06.3-ce.tgz",
                "/srv/three/aarch64/docker-18.06.3-ce.tgz",
                "http://four/18.06.3/aarch64.tgz",
            ]
        );
        config.fetch.cache = None;
        assert_eq!(named(&config).len(), 5);
        config.fetch.mirrors = Locations(vec![Location("https://user:pa/ss@host/docker".to_owned())]);
        let error = sources(&config, VERSION, Arch::Aarch64).unwrap_err().to_string();
        assert!(error.contains("it is not a valid URL") && !error.contains("pa/ss"), "{error}");
    }

    /// Whom to believe about a file that others can write to: not the file.
    #[test]
    fn a_file_that_others_can_change_is_held_to_a_digest() {
        use std::os::unix::fs::PermissionsExt;
        struct Nobody;
        impl Sink for Nobody {
            fn event(&mut self, _: &Event<'_>) {}
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("docker-1.2.3.tgz");
        std::fs::write(&path, "").unwrap();
        let (interrupt, network) = (Interrupt::default(), Network::default());
        let mut config = config();
        config.fetch.official = false;
        let unknown = Version::new(1, 2, 3);
        let wanted = |config: &Config, version, mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let request = Request::at(Source::File(path.clone()), version, Arch::X86_64);
            request.wanted(&interrupt, config, &network, &mut Nobody)
        };
        assert_eq!(wanted(&config, unknown, 0o644).unwrap().trust, None);
        let refused = wanted(&config, unknown, 0o646).unwrap_err().to_string();
        assert!(
            refused.contains("nobody says what it must be, and") && refused.contains("everybody"),
            "{refused}"
        );
        let catalogued = wanted(&config, Version::new(28, 5, 2), 0o646).unwrap().trust;
        assert_eq!(catalogued.map(|trust| trust.by), Some(Authority::Catalogue));
        let sha256 = crate::digest::Digest::of(b"said");
        config.docker.sha256 = Some(sha256);
        assert_eq!(wanted(&config, unknown, 0o646).unwrap().trust.map(|trust| trust.sha256), Some(sha256));
        config.docker.sha256 = None;
        let source = Source::File(path.clone());
        let anywhere =
            Request { sources: vec![source], ..Request::anywhere(&config, unknown, Arch::X86_64).unwrap() };
        let left = anywhere.wanted(&interrupt, &config, &network, &mut Nobody).unwrap().sources;
        assert_eq!(left, [], "one of a directory or a mirror is passed over");
    }

    #[test]
    fn the_newest_of_a_directory_is_found_in_either_place() {
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("x86_64");
        std::fs::create_dir(&below).unwrap();
        assert_eq!(newest_in(directory.path(), Arch::X86_64), None);
        for (path, newest) in [
            (directory.path().join("docker-18.06.3-ce.tgz"), "18.06.3"),
            (directory.path().join("docker-rootless-extras-28.5.2.tgz"), "18.06.3"),
            (below.join("docker-20.10.5.tgz"), "20.10.5"),
            (directory.path().join("docker-20.10.4.tgz"), "20.10.5"),
        ] {
            std::fs::write(&path, "").unwrap();
            let found = newest_in(directory.path(), Arch::X86_64).map(|version| version.to_string());
            assert_eq!(found.as_deref(), Some(newest), "{}", path.display());
        }
    }
}
