//! The one table of settings.
//!
//! A setting's key, variable, flag, default and meaning are here and nowhere
//! else: the layers look settings up in it, `config show` walks it, and the
//! reference is written from it. A new setting is an entry here and its field.

use std::path::Path;

use serde_json::Value;

use super::Config;
use super::kind::{Kind, Problem, Shape};

/// A setting.
pub struct Setting {
    /// Its path in TOML.
    pub key: &'static str,
    /// The flag that sets it.
    pub flag: Option<&'static str>,
    /// The name in the guide's environment.sh that stands in for it.
    pub guide: Option<&'static str>,
    /// Variables of the environment that stand in for it, as in other programs; best first.
    pub customary: &'static [&'static str],
    /// The built-in default as a variable would write it; empty for none.
    pub default: &'static str,
    /// What it decides, in one line.
    pub doc: &'static str,
    field: &'static (dyn Field + Sync),
}

impl Setting {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{VARIABLES}{}", self.key.to_ascii_uppercase().replace(['.', '-'], "_"))
    }

    /// What it takes, as a noun phrase.
    pub fn takes(&self) -> &'static str {
        self.field.noun()
    }

    /// How it sits in TOML.
    pub fn shape(&self) -> Shape {
        self.field.shape()
    }

    /// Its value in `config`.
    pub fn show(&self, config: &Config) -> Value {
        self.field.show(config)
    }

    pub(super) fn parse(&self, text: &str) -> Result<Value, Problem> {
        self.field.parse(text)
    }

    pub(super) fn set(&self, config: &mut Config, entry: &str, value: &Value) -> Result<(), Problem> {
        self.field.set(config, entry, value)
    }
}

/// What every variable of the program begins with.
pub const VARIABLES: &str = "NODE_SETUP_";

macro_rules! field {
    ($section:ident.$name:ident) => {
        field!($section.$name, |_| Ok(()))
    };
    ($section:ident.$name:ident, $rule:expr) => {
        &Access {
            get: |config| &config.$section.$name,
            get_mut: |config| &mut config.$section.$name,
            rule: $rule,
        }
    };
}
/// Every setting there is, in the order in which people read them.
pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "docker.version",
        flag: Some("--docker-version"),
        guide: None,
        customary: &[],
        default: "",
        doc: "The docker version to have; without it, the archive's.",
        field: field!(docker.version),
    },
    Setting {
        key: "docker.archive",
        flag: Some("--archive"),
        guide: None,
        customary: &[],
        default: "",
        doc: "docker's static archive: a file, a directory that it is in, or a URL.",
        field: field!(docker.archive),
    },
    Setting {
        key: "docker.sha256",
        flag: Some("--sha256"),
        guide: None,
        customary: &[],
        default: "",
        doc: "The SHA-256 that the archive must have.",
        field: field!(docker.sha256),
    },
    Setting {
        key: "docker.dir",
        flag: Some("--docker-dir"),
        guide: Some("DOCKER_DIR"),
        customary: &[],
        default: "/data/k8s/docker",
        doc: "Where docker keeps its data: data-root and exec-root are below it.",
        field: field!(docker.dir, |dir| data_directory(dir)),
    },
    Setting {
        key: "docker.bin-dir",
        flag: Some("--bin-dir"),
        guide: None,
        customary: &[],
        default: "/opt/k8s/bin",
        doc: "Where docker's binaries go.",
        field: field!(docker.bin_dir, |dir| binary_directory(dir)),
    },
    Setting {
        key: "docker.keep",
        flag: None,
        guide: None,
        customary: &[],
        default: "2",
        doc: "How many former sets of docker's binaries are kept, to roll back to.",
        field: field!(docker.keep),
    },
    Setting {
        key: "docker.ready-timeout",
        flag: Some("--timeout"),
        guide: None,
        customary: &[],
        default: "60s",
        doc: "How long docker may take until its API answers.",
        field: field!(docker.ready_timeout),
    },
    Setting {
        key: "docker.daemon",
        flag: None,
        guide: None,
        customary: &[],
        default: r#"{
            "live-restore": true,
            "max-concurrent-downloads": 20,
            "max-concurrent-uploads": 10,
            "log-opts": {"max-size": "100m", "max-file": "5"}
        }"#,
        doc: "Any key of daemon.json as it is; a key replaces the default's whole value.",
        field: field!(docker.daemon),
    },
    Setting {
        key: "fetch.cache",
        flag: Some("--cache"),
        guide: None,
        customary: &[],
        default: "/var/cache/node-setup",
        doc: "Where archives are kept that were fetched with docker fetch; \"\" for nowhere.",
        field: field!(fetch.cache),
    },
    Setting {
        key: "fetch.mirrors",
        flag: None,
        guide: None,
        customary: &[],
        default: "",
        doc: "What stands in for https://download.docker.com/linux/static/stable, best first.",
        field: field!(fetch.mirrors),
    },
    Setting {
        key: "fetch.official",
        flag: None,
        guide: None,
        customary: &[],
        default: "true",
        doc: "Whether docker's own site is asked, after the mirrors.",
        field: field!(fetch.official),
    },
    Setting {
        key: "fetch.sums",
        flag: None,
        guide: None,
        customary: &[],
        default: "",
        doc: "A sums file as sha256sum writes it; its signature is beside it, in a file ending in .minisig.",
        field: field!(fetch.sums),
    },
    Setting {
        key: "fetch.signed-by",
        flag: None,
        guide: None,
        customary: &[],
        default: "",
        doc: "The public key that the sums file must be signed with.",
        field: field!(fetch.signed_by),
    },
    Setting {
        key: "fetch.https-proxy",
        flag: None,
        guide: None,
        customary: &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        default: "",
        doc: "The proxy for https URLs.",
        field: field!(fetch.https_proxy),
    },
    Setting {
        key: "fetch.http-proxy",
        flag: None,
        guide: None,
        customary: &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
        default: "",
        doc: "The proxy for http URLs.",
        field: field!(fetch.http_proxy),
    },
    Setting {
        key: "fetch.no-proxy",
        flag: None,
        guide: None,
        customary: &["no_proxy", "NO_PROXY"],
        default: "",
        doc: "Hosts, domains, addresses and networks that are reached without a proxy.",
        field: field!(fetch.no_proxy),
    },
    Setting {
        key: "fetch.ca-file",
        flag: None,
        guide: None,
        customary: &[],
        default: "",
        doc: "Certificates, in PEM, of authorities beside those that the machine knows.",
        field: field!(fetch.ca_file),
    },
    Setting {
        key: "fetch.timeout",
        flag: None,
        guide: None,
        customary: &[],
        default: "30m",
        doc: "How long one source may take to give the whole archive.",
        field: field!(fetch.timeout),
    },
    Setting {
        key: "network.flannel",
        flag: None,
        guide: None,
        customary: &[],
        default: "auto",
        doc: "Whether flannel gives docker its subnet: auto follows what the node shows.",
        field: field!(network.flannel),
    },
    Setting {
        key: "network.flannel-timeout",
        flag: None,
        guide: None,
        customary: &[],
        default: "60s",
        doc: "How long docker waits until flannel's files are whole; and until they are there, if it must.",
        field: field!(network.flannel_timeout),
    },
    Setting {
        key: "network.hairpin",
        flag: None,
        guide: None,
        customary: &[],
        default: "false",
        doc: "Whether a container may reach itself through its service's address.",
        field: field!(network.hairpin),
    },
    Setting {
        key: "network.cluster-cidr",
        flag: None,
        guide: Some("CLUSTER_CIDR"),
        customary: &[],
        default: "",
        doc: "The pods' network, for the checks.",
        field: field!(network.cluster_cidr),
    },
    Setting {
        key: "network.service-cidr",
        flag: None,
        guide: Some("SERVICE_CIDR"),
        customary: &[],
        default: "",
        doc: "The services' network, for the checks.",
        field: field!(network.service_cidr),
    },
    Setting {
        key: "firewall.flush",
        flag: None,
        guide: None,
        customary: &[],
        default: "auto",
        doc: "Whether a first install empties the filter and nat tables; auto spares a node at work.",
        field: field!(firewall.flush),
    },
    Setting {
        key: "firewall.disable",
        flag: None,
        guide: None,
        customary: &[],
        default: "firewalld.service, ufw.service, netfilter-persistent.service, iptables.service, ip6tables.service",
        doc: "The firewalls to stop, disable and mask.",
        field: field!(firewall.disable),
    },
    Setting {
        key: "sysctl.file",
        flag: None,
        guide: None,
        customary: &[],
        default: "/etc/sysctl.d/kubernetes.conf",
        doc: "The file that the sysctl values are kept in.",
        field: field!(sysctl.file, |file| sysctl_file(file)),
    },
    Setting {
        key: "sysctl.values",
        flag: None,
        guide: None,
        customary: &[],
        default: "{}",
        doc: "sysctl keys to add, or to give another value than the built-in one.",
        field: field!(sysctl.values),
    },
    Setting {
        key: "preflight.skip",
        flag: Some("--skip"),
        guide: None,
        customary: &[],
        default: "",
        doc: "The checks of preflight that are not to end a run; each says so in the report.",
        field: field!(preflight.skip),
    },
];

/// The setting of this key.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// A field of [`Config`], whatever its type.
trait Field {
    fn noun(&self) -> &'static str;
    fn shape(&self) -> Shape;
    fn parse(&self, text: &str) -> Result<Value, Problem>;
    fn set(&self, config: &mut Config, entry: &str, value: &Value) -> Result<(), Problem>;
    fn show(&self, config: &Config) -> Value;
}

/// The way to a field, and what its kind does not say about it.
struct Access<T> {
    get: fn(&Config) -> &T,
    get_mut: fn(&mut Config) -> &mut T,
    rule: fn(&T) -> Result<(), Problem>,
}

impl<T: Kind> Field for Access<T> {
    fn noun(&self) -> &'static str {
        T::NOUN
    }

    fn shape(&self) -> Shape {
        T::SHAPE
    }

    fn parse(&self, text: &str) -> Result<Value, Problem> {
        T::from_text(text)
    }

    fn set(&self, config: &mut Config, entry: &str, value: &Value) -> Result<(), Problem> {
        (self.get_mut)(config).set(entry, value)?;
        (self.rule)((self.get)(config))
    }

    fn show(&self, config: &Config) -> Value {
        (self.get)(config).show()
    }
}

/// Directories of the system: docker's data is not put into them.
const SYSTEM: [&str; 14] = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys",
    "/usr", "/var/run",
];

/// Directories that hold what others put there: a directory below is fine.
const SHARED: [&str; 9] = ["/", "/home", "/media", "/mnt", "/opt", "/srv", "/tmp", "/var", "/var/lib"];

/// Where binaries would not stay, or would not be run from.
const NO_BINARIES: [&str; 7] = ["/boot", "/dev", "/etc", "/proc", "/run", "/sys", "/tmp"];

fn data_directory(dir: &Path) -> Result<(), Problem> {
    let help = "give docker a directory of its own, such as /data/k8s/docker";
    own_directory(dir, &SYSTEM, help)
}

fn binary_directory(dir: &Path) -> Result<(), Problem> {
    let help = "give the binaries a directory that is on the disk, such as /opt/k8s/bin";
    own_directory(dir, &NO_BINARIES, help)
}

fn own_directory(dir: &Path, reserved: &[&str], help: &str) -> Result<(), Problem> {
    if let Some(above) = reserved.iter().find(|above| dir.starts_with(above)) {
        return Err(Problem::new(format!("'{}' is inside the system's {above}", dir.display()), help));
    }
    if SHARED.iter().any(|shared| dir == Path::new(shared)) {
        return Err(Problem::new(format!("'{}' is not docker's alone", dir.display()), help));
    }
    Ok(())
}

/// systemd-sysctl reads `*.conf` of this directory at boot; the others are
/// packages' (`/usr/lib`) or gone by then (`/run`).
fn sysctl_file(file: &Path) -> Result<(), Problem> {
    let read_at_boot = file.parent() == Some(Path::new("/etc/sysctl.d"))
        && file.extension().is_some_and(|extension| extension == "conf");
    if read_at_boot {
        return Ok(());
    }
    Err(Problem::new(
        format!("'{}' is not read at boot", file.display()),
        "name a file /etc/sysctl.d/NAME.conf, such as /etc/sysctl.d/kubernetes.conf",
    ))
}
