//! Who reads foreign bytes, and what must hold whatever they are.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::Target;
use crate::archive::tests::fuzz as archive;
use crate::config::{Config, tests::of_text};
use crate::desired::{guard_program, socket};
use crate::docker::Admission;
use crate::environment::{self, Environment};
use crate::flannel::{COMBINED, DockerOptions, SubnetEnv};
use crate::host::fuzz as host;
use crate::preflight::parse_daemon_json;
use crate::redact::{redact, redact_prose};
use crate::{journal, render, sysctl};

pub(super) static TARGETS: &[Target] = &[
    Target { name: "archive-file", seeds: archive::files, words: &[], read: archive::file },
    Target { name: "archive-tar", seeds: archive::tars, words: archive::WORDS, read: archive::tar },
    Target { name: "archive-header", seeds: archive::tars, words: archive::WORDS, read: archive::header },
    Target { name: "http", seeds: archive::answers, words: archive::ANSWER, read: archive::answer },
    Target { name: "sums", seeds: archive::sums, words: archive::SUMS, read: archive::sum },
    Target { name: "environment", seeds: || seeds(&[ENVIRONMENT]), words: SHELL, read: environment },
    Target { name: "flannel-options", seeds: || seeds(OPTIONS), words: FLANNEL, read: flannel_options },
    Target { name: "flannel-lease", seeds: || seeds(&[LEASE]), words: FLANNEL, read: flannel_lease },
    Target { name: "journal", seeds: journals, words: RECORDS, read: read_journal },
    Target { name: "config", seeds: || seeds(&[CONFIG, GUIDE]), words: TOML, read: config },
    Target { name: "daemon-json", seeds: || seeds(&[DAEMON_JSON]), words: JSON, read: daemon_json },
    Target { name: "sysctl", seeds: || seeds(&[SYSCTL]), words: &["=", "-", "/", ".", "*"], read: sysctls },
    Target { name: "docker-api", seeds: host::answers, words: host::ANSWER, read: host::answer },
    Target { name: "iptables-save", seeds: host::listings, words: host::LISTING, read: host::listing },
    Target { name: "mountinfo", seeds: host::mountinfos, words: host::MOUNTINFO, read: host::mountinfo },
];

const ENVIRONMENT: &str = r#"#!/usr/bin/bash
# 生成 EncryptionConfig 所需的加密 key
export ENCRYPTION_KEY=$(head -c 32 /dev/urandom | base64)
export NODE_IPS=(10.9.0.1 10.9.0.2)
export IFACE="eth0"
K8S_DIR=/data/k8s; export DOCKER_DIR="${K8S_DIR}/docker" && CLUSTER_CIDR='172.30.0.0/16'
cat <<END >/dev/null
DOCKER_DIR=/no
END
if true; then SERVICE_CIDR=10.254.0.0/16; fi
BOOTSTRAP_TOKEN="41f7" FLANNEL_ETCD_PREFIX=/kubernetes/network | cat
"#;

const SHELL: &[&str] = &[
    "$(",
    "${",
    "$((",
    "))",
    "<<END\n",
    "<<-'E'\n",
    "END\n",
    "\\\n",
    "&&",
    "||",
    "if ",
    "fi\n",
    "case ",
    "esac",
    "DOCKER_DIR=",
    "DOCKER_DIR+=",
    "$DOCKER_DIR",
    "export ",
    "unset ",
    "$'\\x41'",
    "\"",
    "'",
    "`",
    "(",
];

const OPTIONS: &[&str] = &[
    "DOCKER_OPT_BIP=\"--bip=172.30.80.1/21\"\nDOCKER_OPT_IPMASQ=\"--ip-masq=false\"\n\
     DOCKER_OPT_MTU=\"--mtu=1450\"\n\
     DOCKER_NETWORK_OPTIONS=\" --bip=172.30.80.1/21 --ip-masq=false --mtu=1450\"\n",
    "DOCKER_NETWORK_OPTIONS=--bip=10.1.0.1/24 --mtu=1450\n",
];

const LEASE: &str =
    "FLANNEL_NETWORK=172.30.0.0/16\nFLANNEL_SUBNET=172.30.80.1/21\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n";

const FLANNEL: &[&str] = &[
    "--bip=",
    "--mtu=",
    "--ip-masq=",
    "DOCKER_NETWORK_OPTIONS=",
    "DOCKER_OPTS=",
    "FLANNEL_SUBNET=",
    "FLANNEL_IPV6_SUBNET=",
    "10.0.0.1/8",
    " -H tcp://0",
    "\r",
    "\u{a0}",
];

const RECORDS: &[&str] = &[
    "{\"begin\":",
    "{\"intend\":",
    "{\"done\":",
    "{\"end\":\"completed\"}\n",
    "\"from\":",
    "\"to\":",
    "\"on\":",
    "\0\0\0\0",
    "null",
];

const CONFIG: &str = r#"[docker]
dir = "/data/docker"
bin-dir = "/opt/bin"
[docker.daemon]
hosts = ["unix:///run/docker.sock", "tcp://127.0.0.1:2375"]
exec-root = "/data/exec"
[sysctl.values]
"vm.swappiness" = 10
"net.ipv4.tcp_rmem" = "4096 87380 6291456"
[firewall]
disable = ["firewalld.service"]
[network]
flannel = "required"
flannel-timeout = "5s"
"#;

const GUIDE: &str = include_str!("../../packaging/examples/guide.toml");

const TOML: &[&str] = &[
    "\\n",
    "\\u000a",
    "\\nExecStart=/x",
    "%",
    "$",
    "[docker]\n",
    "[docker.daemon]\n",
    "[sysctl.values]\n",
    "unix://",
    "hosts = [",
    "exec-root = ",
    "data-root = ",
    "bin-dir = ",
    "*",
    "/..",
    "'''\n",
    "\"\"\"",
];

const DAEMON_JSON: &str =
    r#"{"hosts":["unix:///x"],"http-proxy":"http://u:p@h","log-opts":{"splunk-token":"t"}}"#;

const JSON: &[&str] = &["\"http-proxy\":", "://", "@", "token=", "[[[[", "{\"a\":", "\\u0000", "?"];

const SYSCTL: &str = "-net.ipv4.ip_forward = 1\n# c\nnet/ipv4/conf/eth0.1/rp_filter=0\n*.x = 1\n";

fn seeds(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|seed| seed.as_bytes().to_vec()).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Journals of every form that there has been.
fn journals() -> Vec<Vec<u8>> {
    let below = |path: &Path| -> Vec<_> {
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let forms = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal");
    let stories = below(&forms).into_iter().flat_map(|form| below(&form));
    let files = stories.flat_map(|story| below(&story));
    let journals = files.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let mut all: Vec<Vec<u8>> = journals.map(|path| std::fs::read(path).unwrap()).collect();
    all.sort();
    all
}

/// Only names that are known come out, and what is wrong is said by its line.
fn environment(bytes: &[u8]) -> String {
    let text = text(bytes);
    match text.parse::<Environment>() {
        Err(malformed) => {
            assert!((1..=text.split('\n').count()).contains(&malformed.line), "line {}", malformed.line);
            "malformed".to_owned()
        }
        Ok(found) => {
            let one =
                |name: &&str| found.get(name).map(|assigned| format!("{name} {}", kind_of(&assigned.value)));
            environment::NAMES.iter().filter_map(one).collect::<Vec<_>>().join(" ")
        }
    }
}

fn kind_of(value: &environment::Value) -> &'static str {
    match value {
        environment::Value::Known(text) if text.contains('\n') => "of several lines",
        environment::Value::Known(_) => "known",
        environment::Value::Unknown => "unknown",
    }
}

/// What is passed on to docker is flags that flannel may set, and can be read again as the same.
fn flannel_options(bytes: &[u8]) -> String {
    let options = match text(bytes).parse::<DockerOptions>() {
        Ok(options) => options,
        Err(problem) => return problem,
    };
    for word in options.line.split_whitespace() {
        assert!(["--bip=", "--mtu=", "--ip-masq="].iter().any(|flag| word.starts_with(flag)), "{word:?}");
    }
    assert!(!options.line.contains(['\n', '"', '\'', '\\', '$', '`', '\0']), "{:?}", options.line);
    let left = format!("{COMBINED}=\"{}\"\n", options.line);
    assert_eq!(left.parse::<DockerOptions>().as_ref(), Ok(&options), "{left:?}");
    "options".to_owned()
}

fn flannel_lease(bytes: &[u8]) -> String {
    match text(bytes).parse::<SubnetEnv>() {
        Err(problem) => problem,
        Ok(lease) => {
            assert!(lease.network.contains(&lease.subnet.addr()));
            let options = DockerOptions::of(&lease);
            let left = format!("{COMBINED}=\"{}\"\n", options.line);
            assert_eq!(left.parse::<DockerOptions>(), Ok(options));
            "a lease".to_owned()
        }
    }
}

/// What was read is what is written.
fn read_journal(bytes: &[u8]) -> String {
    match journal::parse(&text(bytes)) {
        Err(problem) => problem.split(" at ").next().unwrap_or_default().to_owned(),
        Ok(records) => {
            let written: String =
                records.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect();
            assert_eq!(journal::parse(&written).as_ref(), Ok(&records));
            format!("{} records", records.len())
        }
    }
}

/// Whatever a configuration says that is valid, no file gets a line from it that is not meant.
fn config(bytes: &[u8]) -> String {
    let config = match of_text(&text(bytes)) {
        Ok(config) => config,
        Err(error) => return error.to_string(),
    };
    let mut plain = of_text("").unwrap();
    plain.network = config.network.clone();
    for unit in [docker, follower, guard] {
        let (unit, usual) = (unit(&config), unit(&plain));
        assert_eq!(directives(&unit), directives(&usual), "{unit}");
        assert!(!unit.contains('\0') && !unit.lines().any(|line| line.ends_with('\\')), "{unit}");
    }
    let exec_root = config.docker.daemon.get("exec-root").and_then(Value::as_str).unwrap_or("/x");
    let tmpfiles = render::tmpfiles(exec_root);
    assert_eq!((tmpfiles.lines().count(), tmpfiles.contains(['*', '?', '[', '%'])), (3, false), "{tmpfiles}");
    let values = &config.sysctl.values;
    let sysctls = render::sysctl_d(values.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    assert_eq!(sysctls.lines().count(), values.len() + 1, "{sysctls}");
    let written = render::daemon_json(None, &BTreeSet::new(), &config.docker.daemon);
    assert_eq!(parse_daemon_json(&written).as_ref(), Ok(&config.docker.daemon));
    format!("{} of daemon.json, {} sysctls", config.docker.daemon.len(), values.len())
}

fn docker(config: &Config) -> String {
    render::docker_service(config, &guard_program(config))
}

fn follower(config: &Config) -> String {
    render::flannel_service(&guard_program(config), &socket(config))
}

fn guard(config: &Config) -> String {
    render::guard_service(&guard_program(config), Admission::Open)
}

/// The lines of a unit up to their values.
fn directives(unit: &str) -> Vec<&str> {
    unit.lines().map(|line| line.split('=').next().unwrap_or_default()).collect()
}

/// What is masked is masked for good, and no line is lost.
fn daemon_json(bytes: &[u8]) -> String {
    let text = text(bytes);
    let prose = redact_prose(&text);
    assert_eq!(prose.matches('\n').count(), text.matches('\n').count(), "{prose:?}");
    match parse_daemon_json(&text) {
        Err(problem) => problem.split(" at ").next().unwrap_or_default().to_owned(),
        Ok(keys) => {
            let once = redact("", &Value::Object(keys.clone()));
            assert_eq!(redact("", &once), once);
            format!("{} keys", keys.len())
        }
    }
}

fn sysctls(bytes: &[u8]) -> String {
    format!("{} keys", sysctl::parse(&text(bytes)).len())
}
