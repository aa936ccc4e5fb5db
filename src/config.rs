//! The configuration: what the site wants, and where it said so.
//!
//! Layers, each over the one before it:
//!
//! 1. the built-in defaults, which give the guide's result;
//! 2. the variables that most programs take their proxies from; then the guide's
//!    environment.sh, for the few settings that it also knows; it is the cluster's
//!    file and not this program's, so it only fills in what no layer above sets;
//! 3. `/etc/node-setup/config.toml`, then `/etc/node-setup/config.d/*.toml` in
//!    the order of their names, or the one file of `--config` in place of them all;
//! 4. the variables `NODE_SETUP_*`;
//! 5. flags.
//!
//! A value replaces the one below it. The tables `[docker.daemon]` and
//! `[sysctl.values]` are filled key by key. Everything about a setting is
//! in one table, [`settings::SETTINGS`]. The files are read here and nowhere
//! else; what they say is understood by functions of text.

mod document;
mod kind;
mod layer;
pub mod settings;
pub(crate) mod suggest;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::Ipv4Net;
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::host::{outside, stranger};
use crate::read;
use crate::redact::redact;
use crate::version::Version;
use layer::{Assignment, BUILT_IN};

pub use kind::Shape;

/// The site's configuration file.
pub const CONFIG_FILE: &str = "etc/node-setup/config.toml";
/// The directory of its fragments.
pub const CONFIG_DIRECTORY: &str = "etc/node-setup/config.d";
/// Where the guide puts environment.sh on every node.
pub const ENVIRONMENT_FILE: &str = "opt/k8s/bin/environment.sh";

/// A configuration is a page or two.
const LARGEST: u64 = 1 << 20;

/// The effective configuration.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// `[docker]`
    pub docker: Docker,
    /// `[fetch]`
    pub fetch: Fetch,
    /// `[network]`
    pub network: Network,
    /// `[firewall]`
    pub firewall: Firewall,
    /// `[sysctl]`
    pub sysctl: Sysctl,
    /// `[preflight]`
    pub preflight: Preflight,
    origins: BTreeMap<String, String>,
}

/// `[docker]`: which docker, and where.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Docker {
    /// The version to have; without it, the archive's.
    pub version: Option<Version>,
    /// Where the archive is.
    pub archive: Option<Location>,
    /// What the archive must be.
    pub sha256: Option<Digest>,
    /// The directory above data-root and exec-root.
    pub dir: PathBuf,
    /// The directory of the binaries.
    pub bin_dir: PathBuf,
    /// How many former sets of binaries are kept, to go back to.
    pub keep: u8,
    /// How long docker may take to answer.
    pub ready_timeout: Duration,
    /// daemon.json, complete: the defaults and the site's own keys.
    pub daemon: Map<String, Value>,
}

/// `[fetch]`: where archives come from, and the way there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fetch {
    /// Where archives lie that were fetched before; nowhere if empty.
    pub cache: Option<PathBuf>,
    /// What stands in for docker's own site, best first.
    pub mirrors: Locations,
    /// Whether docker's own site is asked.
    pub official: bool,
    /// A sums file whose signature lies beside it.
    pub sums: Option<Location>,
    /// The key that the sums file must be signed with.
    pub signed_by: Option<Words>,
    /// The proxy for https.
    pub https_proxy: Option<Words>,
    /// The proxy for http.
    pub http_proxy: Option<Words>,
    /// What is reached without a proxy.
    pub no_proxy: Hosts,
    /// Certificates of authorities beside the machine's own.
    pub ca_file: Option<PathBuf>,
    /// How long one source may take.
    pub timeout: Duration,
}

/// A file, a directory, or a URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location(pub String);

/// Several of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locations(pub Vec<Location>);

/// Names of hosts, addresses and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(pub Vec<String>);

/// Any text of one line. Whoever uses it says what is wrong with it: a variable that other
/// programs understand in their own way is no reason to refuse every command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub String);

/// `[network]`: what is known of the pods' network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Whether flannel gives docker its subnet.
    pub flannel: Flannel,
    /// How long docker waits for flannel.
    pub flannel_timeout: Duration,
    /// Whether a container may reach itself through its service's address.
    pub hairpin: bool,
    /// The pods' network.
    pub cluster_cidr: Option<Ipv4Net>,
    /// The services' network.
    pub service_cidr: Option<Ipv4Net>,
}

/// Whether flannel gives docker its subnet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flannel {
    /// Where flannel is there.
    #[default]
    Auto,
    /// It must be there.
    Required,
    /// It is not looked at.
    Off,
}

/// `[firewall]`: what happens to rules that others left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firewall {
    /// Whether a first install empties the filter and nat tables.
    pub flush: Flush,
    /// The firewalls to stop, disable and mask.
    pub disable: Vec<String>,
}

/// Whether a first install empties the filter and nat tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flush {
    /// Where no container, kubelet or kube-proxy is at work.
    #[default]
    Auto,
    /// Not at all.
    Never,
}

/// `[sysctl]`: the kernel's settings beyond the built-in ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sysctl {
    /// The file that they are kept in.
    pub file: PathBuf,
    /// Keys to add, or to give another value than the built-in one.
    pub values: BTreeMap<String, String>,
}

/// `[preflight]`: what is looked at before a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// What is not to end a run.
    pub skip: Skips,
}

/// Names of checks of preflight that may be skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skips(pub Vec<String>);

impl Skips {
    /// Whether the check of this name is among them.
    pub fn has(&self, id: &str) -> bool {
        self.0.iter().any(|skipped| skipped == id)
    }
}

/// Where the layers come from.
#[derive(Clone, Default)]
pub struct Inputs {
    /// The directory that the default files are below; `/`.
    pub root: PathBuf,
    /// `--config`: read in place of the default file and its fragments.
    pub config_file: Option<PathBuf>,
    /// `--environment`: read in place of the guide's own, and must be there.
    pub environment_file: Option<PathBuf>,
    /// Environment variables; those that are no setting's are passed over.
    pub variables: Vec<(String, String)>,
    /// Flags that were given: the setting's key, and the text.
    pub flags: Vec<(&'static str, String)>,
}

/// A setting as it is in effect, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Effective {
    /// Its key; an entry of a table has a row of its own.
    pub key: String,
    /// Its value, secrets masked; null where there is none.
    pub value: Value,
    /// `built-in default`, `/etc/node-setup/config.toml:12`,
    /// `NODE_SETUP_DOCKER_DIR`, `--docker-dir`, `/opt/k8s/bin/environment.sh:7`, `https_proxy`.
    pub origin: String,
}

impl Config {
    /// Reads the layers and puts them together.
    pub fn load(inputs: &Inputs) -> Result<Self> {
        let mut above = files(inputs)?;
        above.extend(layer::variables(&inputs.variables)?);
        above.extend(layer::flags(&inputs.flags)?);
        let mut assignments = layer::defaults()?;
        assignments.extend(layer::customary(&inputs.variables)?);
        if let Some((name, sh)) = environment(inputs)? {
            assignments.extend(layer::environment(&name, &sh, &above)?);
        }
        assignments.extend(above);
        Self::of(assignments)
    }

    /// The defaults and what flags say, whatever the files and variables are like.
    pub fn of_flags(flags: &[(&'static str, String)]) -> Result<Self> {
        let mut assignments = layer::defaults()?;
        assignments.extend(layer::flags(flags)?);
        Self::of(assignments)
    }

    /// Every setting with its value and origin, in the table's order.
    pub fn effective(&self) -> Vec<Effective> {
        let row = |setting, entry: &str, value: &Value| {
            let key = layer::key(setting, entry);
            let name = if entry.is_empty() { setting.key } else { entry };
            Effective { value: redact(name, value), origin: self.origin(&key).to_owned(), key }
        };
        let rows = |setting: &'static settings::Setting| match setting.show(self) {
            Value::Object(entries) => {
                entries.iter().map(|(entry, value)| row(setting, entry, value)).collect()
            }
            value => vec![row(setting, "", &value)],
        };
        settings::SETTINGS.iter().flat_map(rows).collect()
    }

    /// Where the value of `key` was written: what an error about it names.
    pub fn origin(&self, key: &str) -> &str {
        self.origins.get(key).map_or(BUILT_IN, String::as_str)
    }

    fn of(assignments: Vec<Assignment>) -> Result<Self> {
        let mut config = Self::default();
        for assignment in assignments {
            let key = assignment.key();
            let Assignment { setting, entry, value, origin } = assignment;
            setting
                .set(&mut config, &entry, &value)
                .map_err(|problem| layer::wrong(setting, &key, &origin, problem))?;
            config.origins.insert(key, origin);
        }
        config.follow_docker_dir();
        Ok(config)
    }

    /// Where docker has its data and what it needs while it runs: data-root and exec-root.
    pub fn roots(&self) -> [PathBuf; 2] {
        ROOTS.map(|(root, below)| {
            let said = self.docker.daemon.get(root).and_then(Value::as_str);
            said.map_or_else(|| self.docker.dir.join(below), PathBuf::from)
        })
    }

    /// data-root and exec-root are below docker.dir unless the site says otherwise.
    fn follow_docker_dir(&mut self) {
        let origin = self.origin("docker.dir").to_owned();
        for (root, below) in ROOTS {
            let path = self.docker.dir.join(below);
            self.docker.daemon.entry(root).or_insert_with(|| Value::from(path.to_string_lossy()));
            self.origins.entry(format!("docker.daemon.{root}")).or_insert_with(|| origin.clone());
        }
    }
}

/// docker's two directories, and their names below docker.dir.
const ROOTS: [(&str, &str); 2] = [("data-root", "data"), ("exec-root", "exec")];

/// As [`Config::effective`] shows it: without the secrets that daemon.json may hold.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.effective();
        f.debug_map().entries(rows.iter().map(|row| (&row.key, row.value.to_string()))).finish()
    }
}

fn files(inputs: &Inputs) -> Result<Vec<Assignment>> {
    let texts = match &inputs.config_file {
        Some(file) => vec![(file.clone(), read(file)?)],
        None => default_files(&inputs.root)?,
    };
    let mut assignments = Vec::new();
    for (path, bytes) in texts {
        let name = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|_| unreadable(&path, "it is not UTF-8"))?;
        assignments.extend(document::parse(&name, &text)?);
    }
    Ok(assignments)
}

fn default_files(root: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut paths = vec![root.join(CONFIG_FILE)];
    paths.extend(fragments(&root.join(CONFIG_DIRECTORY))?);
    let mut texts = Vec::new();
    for path in paths {
        if let Some(text) = read_if_there(&path)? {
            texts.push((path, text));
        }
    }
    Ok(texts)
}

fn fragments(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| unreadable(directory, error))?,
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(|error| unreadable(directory, error))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    Ok(paths)
}

/// The guide's file, which is often not UTF-8 in its comments.
fn environment(inputs: &Inputs) -> Result<Option<(String, Environment)>> {
    let (path, bytes) = if let Some(file) = &inputs.environment_file {
        (file.clone(), read(file)?)
    } else {
        let path = inputs.root.join(ENVIRONMENT_FILE);
        let Some(bytes) = read_if_there(&path)? else { return Ok(None) };
        (path, bytes)
    };
    let name = path.display().to_string();
    let sh = String::from_utf8_lossy(&bytes).parse::<Environment>().map_err(|malformed| Error::Config {
        origin: format!("{name}:{}", malformed.line),
        problem: malformed.to_string(),
        help: "mend it, or name another file with --environment".to_owned(),
    })?;
    Ok(Some((name, sh)))
}

/// A file that was named: by whoever gave the command, where they are.
fn read(path: &Path) -> Result<Vec<u8>> {
    outside(|| read_here(path))
}

/// Reads a file that has a say: one that somebody else could change has none.
fn read_here(path: &Path) -> Result<Vec<u8>> {
    let bytes = read::up_to(LARGEST, path).map_err(|error| unreadable(path, error))?;
    if let Some(stranger) = stranger(path) {
        return Err(Error::Config {
            origin: path.display().to_string(),
            problem: format!("{stranger}, and this says what root does"),
            help: format!("see that what it says is meant, then: {}", stranger.remedy()),
        });
    }
    Ok(bytes)
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => read_here(path).map(Some),
    }
}

/// A file that cannot be read is a wrong configuration, not a failed run.
fn unreadable(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Config {
        origin: path.display().to_string(),
        problem: format!("it cannot be read: {reason}"),
        help: "check that the file is there and readable, and the option that names it".to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
