//! `node-setup support`: one archive to attach to a ticket.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::session::{Session, load};
use super::{config, docker, outcome_of, preflight, undo};
use crate::cli::SettingOptions;
use crate::config::{Config, ENVIRONMENT_FILE};
use crate::desired::socket;
use crate::environment::{Environment, NAMES, Value};
use crate::facts::{Facts, Survey};
use crate::host::{Host, Interrupt, Limits, publish_file};
use crate::journal::now;
use crate::redact::Secrets;
use crate::report::{LackReport, Report, SupportReport};
use crate::support::{Collection, Content, Gathered, Lack, Pack, Part, TABLE, gather, text_of};
use crate::{Error, Result};

/// Where the archive goes if it cannot be in the current directory.
const ELSEWHERE: &str = "/var/tmp";

/// How long a report of this program's own may take: where systemd does not answer, none comes.
const REPORT: Duration = Duration::from_secs(20);

/// Says something of this node, as far as these settings matter.
type Say = fn(&SettingOptions) -> Result<Content, Lack>;

/// What this program says itself.
const OWN: &[(&str, Say)] = &[
    ("report/verify.json", |settings| {
        Ok(report("docker verify", |report| docker::verify(settings, false, report)))
    }),
    ("report/plan.json", |settings| Ok(report("docker plan", |report| docker::plan(settings, report)))),
    ("report/preflight.json", |settings| {
        Ok(report("docker preflight", |report| preflight::preflight(settings, report)))
    }),
    ("report/status.json", |settings| Ok(report("docker status", |report| docker::status(settings, report)))),
    ("report/history.json", |_| Ok(report("docker history", undo::history))),
    ("config/effective.json", |settings| Ok(report("config show", |report| config::show(settings, report)))),
    ("config/environment.json", environment),
    ("machine/facts.txt", facts),
    ("machine/survey.txt", survey),
    ("network/netlink.txt", netlink),
];

/// Files of settings in which a name says what is a secret. What is learnt from them is masked in all
/// that is collected.
const TELLING: &[&str] = &[
    "/etc/docker/daemon.json",
    "/root/.docker/config.json",
    "/var/lib/kubelet/config.json",
    "/etc/kubernetes/kubelet-bootstrap.kubeconfig",
    "/etc/kubernetes/kubelet.kubeconfig",
];

/// Parts of the archive that are such files.
const TELLING_PARTS: &[&str] = &["config/", "units/", "docker/daemon.json"];

/// Collects, and writes the archive to where it is wanted.
pub(super) fn support(settings: &SettingOptions, file: Option<&Path>, report: &mut Report) -> Result<()> {
    super::session::require_user()?;
    let to_stdout = file == Some(Path::new("-"));
    if to_stdout && std::io::stdout().is_terminal() {
        return Err(Error::Config {
            origin: "support".to_owned(),
            problem: "stdout is a terminal, and an archive is no text".to_owned(),
            help: "name a file, or send it on: node-setup support - | ssh HOST 'cat >support.tar.gz'"
                .to_owned(),
        });
    }
    let pack = collect(settings);
    let bytes = pack.packed()?;
    let path = if to_stdout {
        std::io::stdout().write_all(&bytes).map_err(Error::io("write", "stdout"))?;
        None
    } else {
        Some(write(file, &pack.file_name(), &bytes)?)
    };
    report.support = Some(SupportReport {
        path: path.map(|path| path.display().to_string()),
        size: bytes.len(),
        files: pack.count(),
        missing: pack.missing().iter().map(lack_report).collect(),
    });
    Ok(())
}

fn lack_report((name, lack): &(String, Lack)) -> LackReport {
    let is_absent = matches!(lack, Lack::Absent(_));
    LackReport { name: name.clone(), absent: is_absent, why: lack.why().to_owned() }
}

fn collect(settings: &SettingOptions) -> Pack {
    let config = load(settings);
    let socket = config.as_ref().map_or_else(|_| PathBuf::from("/run/docker.sock"), socket);
    let own = OWN.iter().map(|(name, get)| {
        let (settings, name) = (settings.clone(), *name);
        let get = move || Ok(vec![Part { name: name.to_owned(), content: get(&settings)? }]);
        Collection { name, limit: REPORT, get: Box::new(get) }
    });
    let others = TABLE.iter().map(|(name, way)| way.collection(name, &socket));
    let gathered = gather(own.chain(others).collect());
    let secrets = learn(settings, &gathered);
    Pack::of(gathered, &secrets, &sysinfo::System::host_name().unwrap_or_default(), now())
}

/// The secrets that this node's settings name.
fn learn(settings: &SettingOptions, gathered: &Gathered) -> Secrets {
    let mut secrets = Secrets::default();
    let named = [environment_file(settings)].into_iter().chain(settings.config.clone());
    for path in named.chain(TELLING.iter().map(PathBuf::from)) {
        if let Ok(text) = text_of(&path) {
            secrets.learn(&text);
        }
    }
    for part in &gathered.parts {
        if let Content::Text(text) = &part.content
            && TELLING_PARTS.iter().any(|name| part.name.starts_with(name))
        {
            secrets.learn(text);
        }
    }
    secrets
}

/// Writes it to `file`; or under `name` here, and elsewhere if that cannot be.
fn write(file: Option<&Path>, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    if let Some(file) = file {
        let path = std::path::absolute(file).map_err(Error::io("find", file))?;
        return put(&path, bytes).map(|()| path);
    }
    let here = std::env::current_dir().map(|directory| directory.join(name));
    if let Ok(path) = here
        && put(&path, bytes).is_ok()
    {
        return Ok(path);
    }
    let path = Path::new(ELSEWHERE).join(name);
    put(&path, bytes).map(|()| path)
}

/// It is for nobody else to read.
fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    publish_file(path, bytes, 0o600, "name a file; for stdout, name -")
}

/// What a command would say with `--output json`, its error included.
fn report(command: &str, work: impl FnOnce(&mut Report) -> Result<()>) -> Content {
    let mut report = Report::new(command);
    if let Err(error) = work(&mut report) {
        report.fail(outcome_of(&error), &error);
    }
    // By way of its text, for which there is code already.
    let read = serde_json::to_string_pretty(&report).and_then(|text| serde_json::from_str(&text));
    Content::Json(read.unwrap_or_else(|error| json!(error.to_string())))
}

fn failed<E: std::borrow::Borrow<Error>>(error: E) -> Lack {
    Lack::of(error.borrow())
}

fn host() -> Result<Host, Lack> {
    Host::new(Limits::default(), Interrupt::default()).map_err(failed)
}

fn environment_file(settings: &SettingOptions) -> PathBuf {
    settings.environment.clone().unwrap_or_else(|| Path::new("/").join(ENVIRONMENT_FILE))
}

/// environment.sh as it is understood, which is without its secrets.
fn environment(settings: &SettingOptions) -> Result<Content, Lack> {
    let path = environment_file(settings);
    let text = text_of(&path)?;
    let read: Environment =
        text.parse().map_err(|error| Lack::Failed(format!("{}: {error}", path.display())))?;
    let shown = |name: &str| {
        let assigned = read.get(name)?;
        let value = match &assigned.value {
            Value::Known(value) => json!(value),
            Value::Unknown => json!(null),
        };
        Some((name.to_owned(), json!({"value": value, "line": assigned.line})))
    };
    let names: serde_json::Map<_, _> = NAMES.iter().filter_map(|name| shown(name)).collect();
    Ok(Content::Json(json!({"path": path, "read": names})))
}

fn facts(settings: &SettingOptions) -> Result<Content, Lack> {
    let config = load(settings).map_err(failed)?;
    let session = Session::begin(config, Interrupt::default()).map_err(failed)?;
    // daemon.json has a place of its own.
    let facts = Facts { daemon_json: None, ..session.facts };
    Ok(Content::Text(format!("{facts:#?}\n")))
}

fn survey(settings: &SettingOptions) -> Result<Content, Lack> {
    let config = load(settings).unwrap_or_else(|_| Config::default());
    let host = host()?;
    let Survey { machine, kernel, targets, engines, network, sysctls, flannel, .. } =
        Survey::take(&host, &config, Ok(crate::facts::Wanted::default()));
    let said = format!(
        "{machine:#?}\n{kernel:#?}\n{targets:#?}\n{engines:#?}\n{network:#?}\n{sysctls:#?}\n{flannel:#?}\n"
    );
    Ok(Content::Text(said))
}

/// Where `ip` is not installed, this is what there is.
fn netlink(_: &SettingOptions) -> Result<Content, Lack> {
    let host = host()?;
    let netlink = host.netlink().map_err(failed)?;
    let (links, addresses, routes) = (netlink.links(), netlink.addresses(), netlink.routes());
    let all = (links.map_err(failed)?, addresses.map_err(failed)?, routes.map_err(failed)?);
    Ok(Content::Text(format!("{all:#?}\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_for_nobody_else_and_replaces_nothing_but_a_file() {
        use std::os::unix::fs::MetadataExt;
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        std::fs::write(at("file"), "old").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        std::fs::create_dir(at("directory")).unwrap();
        for (name, replaced) in [("file", true), ("new", true), ("link", false), ("directory", false)] {
            assert_eq!(put(&at(name), b"new").is_ok(), replaced, "{name}");
        }
        for name in ["file", "new"] {
            assert_eq!(at(name).metadata().unwrap().mode() & 0o7777, 0o600, "{name}");
        }
    }

    #[test]
    fn no_part_has_a_name_of_another() {
        for (name, _) in OWN {
            assert!(TABLE.iter().all(|(other, _)| other != name), "{name}");
        }
    }
}
