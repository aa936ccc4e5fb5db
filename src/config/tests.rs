use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::settings::SETTINGS;
use super::*;
use crate::error::Class;

#[test]
fn what_others_could_have_written_has_no_say() {
    use std::os::unix::fs::PermissionsExt;
    let node = Node::new()
        .config("[docker]\n")
        .file("etc/node-setup/config.d/a.toml", "")
        .sh("DOCKER_DIR=/srv/docker\n");
    node.load();
    for (open, mode, is_taken) in [
        (CONFIG_FILE, 0o666, false),
        (CONFIG_FILE, 0o620, false),
        ("etc/node-setup/config.d/a.toml", 0o646, false),
        (CONFIG_DIRECTORY, 0o777, false),
        (CONFIG_DIRECTORY, 0o1777, true),
        ("etc", 0o777, false),
        (ENVIRONMENT_FILE, 0o666, false),
        ("opt/k8s", 0o770, false),
        (CONFIG_FILE, 0o600, true),
    ] {
        let path = node.root.path().join(open);
        let before = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        if is_taken {
            node.load();
        } else {
            let (origin, problem, help) = node.refusal();
            assert!(problem.contains(&format!("mode {mode:04o}")), "{open} {mode:o}: {origin}: {problem}");
            assert!(help.contains("chmod go-w") && help.contains(open), "{help}");
        }
        fs::set_permissions(&path, before).unwrap();
    }
    let link = node.root.path().join("link.toml");
    std::os::unix::fs::symlink(node.root.path().join(CONFIG_FILE), &link).unwrap();
    let inputs = Inputs { config_file: Some(link), ..node.inputs.clone() };
    assert!(Config::load(&inputs).is_ok());
    fs::set_permissions(node.root.path().join(CONFIG_FILE), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(Config::load(&inputs).is_err(), "a link counts as what it leads to");
}

#[test]
fn a_configuration_has_an_end() {
    let node = Node::new().config(&"#\n".repeat(1 << 20));
    let (_, problem, _) = node.refusal();
    assert!(problem.contains("larger than 1 MiB"), "{problem}");
    let endless = Inputs { config_file: Some("/dev/zero".into()), ..Node::new().inputs };
    assert!(Config::load(&endless).is_err());
}

/// A configuration of this text alone.
pub(crate) fn of_text(text: &str) -> Result<Config> {
    let mut assignments = layer::defaults()?;
    assignments.extend(document::parse("config.toml", text)?);
    Config::of(assignments)
}

/// A node's root directory and what the command line says.
struct Node {
    root: TempDir,
    inputs: Inputs,
}

impl Node {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let inputs = Inputs { root: root.path().to_owned(), ..Inputs::default() };
        Self { root, inputs }
    }

    fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn config(self, text: &str) -> Self {
        self.file(CONFIG_FILE, text)
    }

    fn sh(self, text: &str) -> Self {
        self.file(ENVIRONMENT_FILE, text)
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.inputs.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, key: &'static str, text: &str) -> Self {
        self.inputs.flags.push((key, text.to_owned()));
        self
    }

    fn load(&self) -> Config {
        Config::load(&self.inputs).unwrap()
    }

    /// Origin (without the root), problem and help of the refusal.
    fn refusal(&self) -> (String, String, String) {
        let error = Config::load(&self.inputs).unwrap_err();
        assert_eq!(error.class(), Class::Usage);
        let Error::Config { origin, problem, help } = error else { panic!("{error:?}") };
        let root = format!("{}/", self.root.path().display());
        (origin.replace(&root, "/"), problem, help)
    }

    /// A setting's value and origin, without the root.
    fn shown(&self, key: &str) -> (Value, String) {
        let row = self.load().effective().into_iter().find(|row| row.key == key).unwrap();
        (row.value, row.origin.replace(&format!("{}/", self.root.path().display()), "/"))
    }
}

fn packaged(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)).unwrap()
}

fn guide_daemon() -> Value {
    json!({
        "registry-mirrors": ["https://hub-mirror.c.163.com", "https://docker.mirrors.ustc.edu.cn"],
        "insecure-registries": ["docker02:35000"],
        "max-concurrent-downloads": 20,
        "live-restore": true,
        "max-concurrent-uploads": 10,
        "debug": true,
        "data-root": "/data/k8s/docker/data",
        "exec-root": "/data/k8s/docker/exec",
        "log-opts": {"max-size": "100m", "max-file": "5"}
    })
}

#[test]
fn without_any_layer_the_defaults_are_the_guides() {
    let config = Node::new().load();
    assert_eq!(config.docker.dir, Path::new("/data/k8s/docker"));
    assert_eq!(config.docker.bin_dir, Path::new("/opt/k8s/bin"));
    assert_eq!(config.docker.ready_timeout, Duration::from_mins(1));
    assert_eq!((config.docker.version, &config.docker.archive, config.docker.sha256), (None, &None, None));
    let mut daemon = guide_daemon();
    for site in ["registry-mirrors", "insecure-registries", "debug"] {
        daemon.as_object_mut().unwrap().remove(site);
    }
    assert_eq!(Value::Object(config.docker.daemon.clone()), daemon);
    let network = Network { flannel_timeout: Duration::from_mins(1), ..Network::default() };
    assert_eq!(config.network, network);
    assert_eq!(config.firewall.flush, Flush::Auto);
    let firewalls = ["firewalld", "ufw", "netfilter-persistent", "iptables", "ip6tables"];
    assert_eq!(config.firewall.disable, firewalls.map(|name| format!("{name}.service")));
    assert_eq!(config.sysctl.file, Path::new("/etc/sysctl.d/kubernetes.conf"));
    assert!(config.sysctl.values.is_empty());
    assert!(config.effective().iter().all(|row| row.origin == "built-in default"));
}

#[test]
fn each_layer_is_over_the_one_before_it() {
    let node = Node::new().sh("# the cluster's\nexport DOCKER_DIR=\"/sh\"\n");
    assert_eq!(node.shown("docker.dir"), (json!("/sh"), "/opt/k8s/bin/environment.sh:2".to_owned()));
    let node = node.config("[docker]\ndir = \"/main\"\n");
    assert_eq!(node.shown("docker.dir"), (json!("/main"), "/etc/node-setup/config.toml:2".to_owned()));
    let node = node
        .file("etc/node-setup/config.d/20-b.toml", "docker.dir = \"/b\"\n")
        .file("etc/node-setup/config.d/10-a.toml", "docker.dir = \"/a\"\n")
        .file("etc/node-setup/config.d/30-c.toml.dpkg-old", "docker.dir = \"/c\"\n");
    assert_eq!(node.shown("docker.dir"), (json!("/b"), "/etc/node-setup/config.d/20-b.toml:1".to_owned()));
    let node = node.variable("NODE_SETUP_DOCKER_DIR", "/variable");
    assert_eq!(node.shown("docker.dir"), (json!("/variable"), "NODE_SETUP_DOCKER_DIR".to_owned()));
    let node = node.flag("docker.dir", "/flag/");
    assert_eq!(node.shown("docker.dir"), (json!("/flag"), "--docker-dir".to_owned()));
    assert_eq!(node.shown("docker.daemon.data-root"), (json!("/flag/data"), "--docker-dir".to_owned()));
}

#[test]
fn a_config_of_the_command_line_stands_alone() {
    let mut node = Node::new()
        .config("docker.dir = \"/main\"\n")
        .file("etc/node-setup/config.d/1.toml", "docker.bin-dir = \"/fragment\"\n")
        .file("own.toml", "network.hairpin = true\n");
    node.inputs.config_file = Some(node.root.path().join("own.toml"));
    let config = node.load();
    assert_eq!(config.docker.dir, Path::new("/data/k8s/docker"));
    assert_eq!(config.docker.bin_dir, Path::new("/opt/k8s/bin"));
    assert!(config.network.hairpin);
}

#[test]
fn tables_are_filled_key_by_key() {
    let node = Node::new()
        .config("[docker.daemon]\nlog-opts = { tag = \"x\" }\ndns = [\"10.0.0.1\"]\n[sysctl.values]\n\"vm.swappiness\" = 0\n")
        .file("etc/node-setup/config.d/1.toml", "[sysctl.values]\nvm.swappiness = \"10\"\nnet.core.somaxconn = 4096\n")
        .variable("NODE_SETUP_DOCKER_DAEMON", r#"{"live-restore": false, "exec-root": "/run/docker"}"#);
    let config = node.load();
    assert_eq!(
        Value::Object(config.docker.daemon),
        json!({
            "live-restore": false, "max-concurrent-downloads": 20, "max-concurrent-uploads": 10,
            "log-opts": {"tag": "x"}, "dns": ["10.0.0.1"],
            "exec-root": "/run/docker", "data-root": "/data/k8s/docker/data"
        })
    );
    let values: Vec<_> =
        config.sysctl.values.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(values, [("net.core.somaxconn", "4096"), ("vm.swappiness", "10")]);
    for (key, origin) in [
        ("docker.daemon.log-opts", "/etc/node-setup/config.toml:2"),
        ("docker.daemon.dns", "/etc/node-setup/config.toml:3"),
        ("docker.daemon.live-restore", "NODE_SETUP_DOCKER_DAEMON"),
        ("docker.daemon.max-concurrent-downloads", "built-in default"),
        ("sysctl.values.\"vm.swappiness\"", "/etc/node-setup/config.d/1.toml:2"),
    ] {
        assert_eq!(node.shown(key).1, origin, "{key}");
    }
}

#[test]
fn every_type_of_toml_that_json_has_reaches_the_daemon() {
    let node = Node::new().config(
        "[docker.daemon]\na = \"s\"\nb = 0x1F\nc = 1_000\nd = 1.5\ne = false\nf = [1, [2]]\n[docker.daemon.g]\nh.i = 1\n[[docker.daemon.j]]\nk = 1\n",
    );
    let daemon = node.load().docker.daemon;
    for (key, value) in [
        ("a", json!("s")),
        ("b", json!(31)),
        ("c", json!(1000)),
        ("d", json!(1.5)),
        ("e", json!(false)),
        ("f", json!([1, [2]])),
        ("g", json!({"h": {"i": 1}})),
        ("j", json!([{"k": 1}])),
    ] {
        assert_eq!(daemon[key], value, "{key}");
    }
}

#[test]
fn variables_and_flags_are_written_as_text() {
    let digest = "ab".repeat(32);
    let config = Node::new()
        .variable("NODE_SETUP_DOCKER_READY_TIMEOUT", "2m")
        .variable("NODE_SETUP_DOCKER_ARCHIVE", "")
        .variable("NODE_SETUP_NETWORK_HAIRPIN", "true")
        .variable("NODE_SETUP_NETWORK_FLANNEL", "required")
        .variable("NODE_SETUP_FIREWALL_FLUSH", "never")
        .variable("NODE_SETUP_FIREWALL_DISABLE", "a.service, b@1.service")
        .variable("NODE_SETUP_SYSCTL_VALUES", r#"{"net/ipv4/conf/eth0.1/rp_filter": 2}"#)
        .variable("PATH", "/bin")
        .flag("docker.version", "28.5.2")
        .flag("docker.sha256", &digest)
        .load();
    assert_eq!(config.docker.ready_timeout, Duration::from_mins(2));
    assert_eq!(config.docker.archive, None);
    assert!(config.network.hairpin);
    assert_eq!(config.network.flannel, Flannel::Required);
    assert_eq!(config.firewall.flush, Flush::Never);
    assert_eq!(config.firewall.disable, ["a.service", "b@1.service"]);
    assert_eq!(config.sysctl.values["net/ipv4/conf/eth0.1/rp_filter"], "2");
    assert_eq!(config.docker.version, Some(Version::new(28, 5, 2)));
    assert_eq!(config.docker.sha256, digest.parse().ok());
}

#[test]
fn proxies_come_from_the_usual_variables_unless_something_else_says_so() {
    let node = Node::new()
        .variable("HTTPS_PROXY", "http://two:3128")
        .variable("https_proxy", "http://user:secret@one:3128")
        .variable("ALL_PROXY", "three:3128")
        .variable("NO_PROXY", "localhost,10.0.0.0/8 .example.com")
        .variable("no_proxy", "");
    let shown = |key| node.shown(key);
    assert_eq!(shown("fetch.https-proxy"), (json!("http://***@one:3128"), "https_proxy".to_owned()));
    assert_eq!(shown("fetch.http-proxy"), (json!("three:3128"), "ALL_PROXY".to_owned()));
    let hosts = json!(["localhost", "10.0.0.0/8", ".example.com"]);
    assert_eq!(shown("fetch.no-proxy"), (hosts, "NO_PROXY".to_owned()));
    assert!(!format!("{:?}", node.load()).contains("secret"));
    let node = node.config("[fetch]\nhttps-proxy = \"\"\n").variable("NODE_SETUP_FETCH_NO_PROXY", "*");
    assert_eq!(node.load().fetch.https_proxy, None);
    assert_eq!(node.load().fetch.no_proxy, Hosts(vec!["*".to_owned()]));
}

#[test]
fn a_wrong_value_for_fetching_is_refused_with_its_line() {
    refused(&[
        ("fetch.mirrors = \"https://h\"", 1, "fetch.mirrors: it is a string", "a list of"),
        ("fetch.mirrors = [\"ftp://h\"]", 1, "fetch.mirrors: it is neither", "a list of"),
        ("fetch.cache = \"here\"", 1, "fetch.cache: 'here' does not begin with /", "absolute"),
        ("fetch.timeout = \"2d\"", 1, "fetch.timeout: '2d'", "1s to 1h"),
        ("docker.keep = -1", 1, "docker.keep: it is not a number from 0 to 255", "a number"),
        ("docker.keep = 256", 1, "docker.keep: it is not a number from 0 to 255", "a number"),
    ]);
}

/// Rows of a file's text, the line at fault, how the problem begins, and a part of the help.
fn refused(rows: &[(&str, usize, &str, &str)]) {
    for (text, line, problem, help) in rows {
        let (origin, found, advice) = Node::new().config(text).refusal();
        assert_eq!(origin, format!("/etc/node-setup/config.toml:{line}"), "{text}");
        assert!(found.starts_with(problem), "{text}: {found}");
        assert!(advice.contains(help), "{text}: {advice}");
    }
}

#[test]
fn a_file_of_another_form_is_refused_with_its_line() {
    refused(&[
        ("\n[docker]\ndri = \"/x\"", 3, "there is no setting docker.dri", "did you mean docker.dir?"),
        ("[dokcer]\ndir = \"/x\"", 1, "there is no setting dokcer", "did you mean docker?"),
        (
            "[docker]\nregistry-mirrors = []",
            2,
            "there is no setting docker.registry-mirrors",
            "[docker.daemon]",
        ),
        ("wholly-elsewhere = 1", 1, "there is no setting wholly-elsewhere", "config show"),
        ("\"docker.dir\" = \"/x\"", 1, "there is no setting \"docker.dir\"", "docker.dir"),
        ("docker = 3", 1, "docker is a table, not integer", "[docker]"),
        ("[docker]\ndaemon = true", 2, "docker.daemon is a table, not boolean", "[docker.daemon]"),
        ("[[docker]]\ndir = \"/x\"", 1, "docker is a table, not array", "[docker]"),
        ("[docker]\ndir = /x", 2, "this is not TOML: ", "double quotes"),
        ("[docker]\ndir = \"/x\"\ndir = \"/y\"", 3, "this is not TOML: duplicate key", "double quotes"),
    ]);
}

#[test]
fn a_wrong_value_for_docker_is_refused_with_its_line() {
    refused(&[
        ("[docker.dir]\nx = 1", 1, "docker.dir: it is a table", "an absolute path"),
        ("[docker]\n\ndir = 3", 3, "docker.dir: it is a number", "an absolute path"),
        ("docker.dir = \"data\"", 1, "docker.dir: 'data' does not begin with /", "an absolute path"),
        ("docker.dir = \"\"", 1, "docker.dir: '' does not begin with /", "an absolute path"),
        ("docker.dir = \"/a/../b\"", 1, "docker.dir: '/a/../b' holds ..", "an absolute path"),
        ("docker.dir = \"/a b\"", 1, "docker.dir: ' ' cannot be in a path", "an absolute path"),
        ("docker.dir = \"/a%h\"", 1, "docker.dir: '%' cannot be in a path", "an absolute path"),
        ("docker.bin-dir = \"/a:/b\"", 1, "docker.bin-dir: ':' cannot be in a path", "an absolute path"),
        ("docker.dir = \"/\"", 1, "docker.dir: '/' is not docker's alone", "/data/k8s/docker"),
        (
            "docker.dir = \"//var/./lib/\"",
            1,
            "docker.dir: '/var/lib' is not docker's alone",
            "/data/k8s/docker",
        ),
        ("docker.dir = \"/etc/docker\"", 1, "docker.dir: '/etc/docker' is inside the system's /etc", "own"),
        (
            "docker.bin-dir = \"/run/bin\"",
            1,
            "docker.bin-dir: '/run/bin' is inside the system's /run",
            "disk",
        ),
        ("docker.version = \"latest\"", 1, "docker.version: 'latest' is not a docker version", "28.5.2"),
        ("docker.version = 28.5", 1, "docker.version: it is a number with a fraction", "28.5.2"),
        ("docker.sha256 = \"abc\"", 1, "docker.sha256: a SHA-256 is 64", "sha256sum"),
        ("docker.archive = \"ftp://h/d.tgz\"", 1, "docker.archive: it is neither a path nor", "URL"),
        ("docker.ready-timeout = 60", 1, "docker.ready-timeout: it is a number", "60s"),
        (
            "docker.ready-timeout = \"90\"",
            1,
            "docker.ready-timeout: '90' is not a number with its unit",
            "2m",
        ),
        ("docker.ready-timeout = \"0s\"", 1, "docker.ready-timeout: 0s is not from", "60s"),
        ("docker.ready-timeout = \"2h\"", 1, "docker.ready-timeout: 2h is not from", "60s"),
        ("docker.ready-timeout = \"+1s\"", 1, "docker.ready-timeout: '+1s' is not a number", "60s"),
    ]);
}

#[test]
fn a_wrong_value_elsewhere_is_refused_with_its_line() {
    refused(&[
        ("network.flannel = true", 1, "network.flannel: it is a boolean", "auto, required or off"),
        ("network.flannel = \"on\"", 1, "network.flannel: 'on' is not", "auto, required or off"),
        ("network.hairpin = \"yes\"", 1, "network.hairpin: it is a string", "true or false"),
        (
            "network.cluster-cidr = \"172.30.0.1/16\"",
            1,
            "network.cluster-cidr: 172.30.0.1/16 has host bits",
            "IPv4",
        ),
        ("network.service-cidr = \"10.0.0.0\"", 1, "network.service-cidr: '10.0.0.0' is not", "IPv4"),
        ("firewall.flush = \"always\"", 1, "firewall.flush: 'always' is not", "auto or never"),
        ("firewall.disable = \"ufw.service\"", 1, "firewall.disable: it is a string", "a list"),
        ("firewall.disable = [\"ufw\"]", 1, "firewall.disable: 'ufw' is not the name of a service", "a list"),
        (
            "sysctl.file = \"/etc/sysctl.conf\"",
            1,
            "sysctl.file: '/etc/sysctl.conf' is not read at boot",
            ".conf",
        ),
        (
            "sysctl.values.swappiness = 1",
            1,
            "sysctl.values.swappiness: it is not a sysctl key",
            "vm.swappiness",
        ),
        (
            "[sysctl.values]\n\"-vm.x\" = 1",
            2,
            "sysctl.values.\"-vm.x\": it is not a sysctl key",
            "vm.swappiness",
        ),
        ("sysctl.values.vm.x = true", 1, "sysctl.values.\"vm.x\": it is a boolean", "integer"),
        ("sysctl.values.vm.x = 1.5", 1, "sysctl.values.\"vm.x\": it is a number with a fraction", "integer"),
        (
            "sysctl.values.vm.x = \"1\\n2\"",
            1,
            "sysctl.values.\"vm.x\": it holds a control character",
            "integer",
        ),
        ("[docker.daemon]\nx = 2020-01-01", 2, "docker.daemon.x: JSON has no dates", "daemon.json"),
        ("[docker.daemon]\nx = [nan]", 2, "docker.daemon.x: JSON has no such number", "daemon.json"),
        ("[docker.daemon]\nx = 9223372036854775808", 2, "docker.daemon.x: this integer", "daemon.json"),
        (
            "[docker.daemon]\ndata-root = \"d\"",
            2,
            "docker.daemon.data-root: 'd' does not begin with /",
            "docker.dir",
        ),
        (
            "[docker.daemon]\nhosts = [\"tcp://[::1]:2375\", \"unix:///x\\nExecStart=/y\"]",
            2,
            "docker.daemon.hosts: '\\n' cannot be in a path that a unit file holds",
            "unix:///PATH",
        ),
        (
            "[docker.daemon]\nexec-root = \"/data/*\"",
            2,
            "docker.daemon.exec-root: '*' cannot be in a path that a unit file holds",
            "docker.dir",
        ),
    ]);
}

#[test]
fn what_is_wrong_elsewhere_is_named_too() {
    let at = |node: Node| {
        let (origin, problem, help) = node.refusal();
        format!("{origin}: {problem} ({help})")
    };
    for (node, expected) in [
        (
            Node::new().variable("NODE_SETUP_DOCKER_DRI", "/x"),
            "NODE_SETUP_DOCKER_DRI: there is no such variable (did you mean NODE_SETUP_DOCKER_DIR?)",
        ),
        (
            Node::new().variable("NODE_SETUP_LOG", "debug"),
            "NODE_SETUP_LOG: there is no such variable (unset it; a variable is NODE_SETUP_ and a setting's key, such as NODE_SETUP_DOCKER_DIR)",
        ),
        (
            Node::new().variable("NODE_SETUP_NETWORK_HAIRPIN", "1"),
            "NODE_SETUP_NETWORK_HAIRPIN: network.hairpin: '1' is neither true nor false (network.hairpin takes true or false)",
        ),
        (
            Node::new().variable("NODE_SETUP_DOCKER_DAEMON", "{"),
            "NODE_SETUP_DOCKER_DAEMON: docker.daemon: it is not JSON: EOF while parsing an object at line 1 column 1 (write a JSON object, such as '{\"debug\": true}')",
        ),
        (
            Node::new().variable("NODE_SETUP_DOCKER_DAEMON", r#"{"debug": null}"#),
            "NODE_SETUP_DOCKER_DAEMON: docker.daemon.debug: it is null (leave the key out to keep dockerd's own default)",
        ),
        (
            Node::new().flag("docker.ready-timeout", "soon"),
            "--timeout: docker.ready-timeout: 'soon' is not a number with its unit s, m or h (docker.ready-timeout takes a time from 1s to 1h, such as 60s or 2m)",
        ),
        (
            Node::new().file(CONFIG_FILE, [0xff, 0xfe]),
            "/etc/node-setup/config.toml: it cannot be read: it is not UTF-8 (check that the file is there and readable, and the option that names it)",
        ),
        (
            Node::new().sh("\nDOCKER_DIR=data"),
            "/opt/k8s/bin/environment.sh:2: docker.dir: 'data' does not begin with / (docker.dir takes an absolute path)",
        ),
        (
            Node::new().sh("A=1\nDOCKER_DIR=$(cat /root/secret)"),
            "/opt/k8s/bin/environment.sh:2: what DOCKER_DIR is set to cannot be known without running the file (set docker.dir in the configuration file, or NODE_SETUP_DOCKER_DIR)",
        ),
        (
            Node::new().sh("A=1\nKEY=\"s3cret"),
            "/opt/k8s/bin/environment.sh:2: a quote or bracket is never closed (mend it, or name another file with --environment)",
        ),
    ] {
        assert_eq!(at(node), expected);
    }
}

#[test]
fn a_file_that_the_command_line_names_must_be_there() {
    let mut config = Node::new();
    config.inputs.config_file = Some("/nowhere/config.toml".into());
    assert_eq!(config.refusal().0, "/nowhere/config.toml");
    let mut sh = Node::new();
    sh.inputs.environment_file = Some("/nowhere/environment.sh".into());
    assert_eq!(sh.refusal().0, "/nowhere/environment.sh");
}

#[test]
fn environment_sh_fills_in_what_nobody_else_sets() {
    let sh = "DOCKER_DIR=/sh\nCLUSTER_CIDR=\"172.30.0.0/16\"\nSERVICE_CIDR=$(echo x)\n";
    let config = Node::new().sh(sh).load();
    assert_eq!(config.docker.dir, Path::new("/sh"));
    assert_eq!(config.network.cluster_cidr, "172.30.0.0/16".parse().ok());
    assert_eq!(config.network.service_cidr, None);

    let elsewhere = "DOCKER_DIR=`pwd`\nCLUSTER_CIDR=nonsense\n";
    let config =
        Node::new().sh(elsewhere).config("docker.dir = \"/own\"\nnetwork.cluster-cidr = \"\"\n").load();
    assert_eq!(config.docker.dir, Path::new("/own"));
    assert_eq!(config.network.cluster_cidr, None);
}

#[test]
fn no_secret_is_shown_and_none_is_in_an_error() {
    let node = Node::new()
        .config("[docker]\narchive = \"https://u:s3cret@host/docker.tgz?sig=s3cret\"\n[docker.daemon]\nhttp-proxy = \"http://u:s3cret@proxy:3128\"\nlog-opts = { splunk-token = \"s3cret\" }\n")
        .sh("BOOTSTRAP_TOKEN=\"s3cret\"\nENCRYPTION_KEY=s3cret\nDOCKER_DIR=/sh\n");
    let config = node.load();
    assert_eq!(config.docker.daemon["http-proxy"], "http://u:s3cret@proxy:3128");
    let shown = serde_json::to_string(&config.effective()).unwrap();
    assert!(shown.contains("http://***@proxy:3128"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(!format!("{config:?}").contains("s3cret"));

    for wrong in [
        Node::new().config("[docker.daemon]\nhttp-proxy = \"http://u:s3cret@proxy\n"),
        Node::new().config("[docker.daemon]\nhttp-proxy = http://u:s3cret@proxy\n"),
        Node::new().config("[docker]\narchive = \"ftp://u:s3cret@host/x\"\n"),
        Node::new().config("[docker.daemon]\nhttps-proxy.s3cret = 1979-05-27\n"),
        Node::new().variable("NODE_SETUP_DOCKER_DAEMON", "{\"http-proxy\": \"http://u:s3cret@proxy\""),
        Node::new().variable("NODE_SETUP_DOCKER_DAEMN", "s3cret"),
        Node::new().sh("BOOTSTRAP_TOKEN=s3cret\nDOCKER_DIR=$BOOTSTRAP_TOKEN/x\n"),
    ] {
        let error = Config::load(&wrong.inputs).unwrap_err();
        assert!(!format!("{error:?} {error} {:?}", error.help()).contains("s3cret"), "{error:?}");
    }
}

#[test]
fn the_table_is_consistent() {
    let mut keys: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
    let mut variables: Vec<_> = SETTINGS.iter().map(settings::Setting::variable).collect();
    let mut flags: Vec<_> = SETTINGS.iter().filter_map(|setting| setting.flag).collect();
    let count = (keys.len(), variables.len(), flags.len());
    keys.sort_unstable();
    keys.dedup();
    variables.sort_unstable();
    variables.dedup();
    flags.sort_unstable();
    flags.dedup();
    assert_eq!((keys.len(), variables.len(), flags.len()), count);
    for setting in SETTINGS {
        assert!(setting.doc.ends_with('.') && !setting.doc.contains('\n'), "{}", setting.key);
        assert!(
            setting.guide.is_none_or(|name| crate::environment::NAMES.contains(&name)),
            "{}",
            setting.key
        );
    }
}

#[test]
fn the_example_is_the_guides_node_key_for_key() {
    let node = Node::new().config(&packaged("examples/guide.toml"));
    let config = node.load();
    assert_eq!(Value::Object(config.docker.daemon), guide_daemon());
    let values: Vec<_> = config.sysctl.values.into_iter().collect();
    assert_eq!(values, [("net.ipv6.conf.all.disable_ipv6".to_owned(), "1".to_owned())]);
    let defaults = Node::new().load();
    assert_eq!((config.docker.dir, config.docker.bin_dir), (defaults.docker.dir, defaults.docker.bin_dir));
}

#[test]
fn the_packaged_file_changes_nothing_as_it_is() {
    assert_eq!(Node::new().config(&packaged("config.toml")).load(), Node::new().load());
}

#[test]
fn the_packaged_file_shows_every_setting_with_its_default() {
    let text = packaged("config.toml");
    let uncommented: Vec<&str> = text
        .lines()
        .map(|line| {
            line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' ')).unwrap_or(line)
        })
        .collect();
    let node = Node::new().config(&uncommented.join("\n"));
    let mut config = node.load();
    let shown = config.origins.clone();
    for site in ["registry-mirrors", "insecure-registries", "debug"] {
        assert!(config.docker.daemon.remove(site).is_some(), "{site}");
    }
    assert!(config.sysctl.values.remove("net.ipv6.conf.all.disable_ipv6").is_some());
    let defaults = Node::new().load();
    config.origins.clone_from(&defaults.origins);
    assert_eq!(config, defaults);
    let lines: BTreeSet<&String> = shown.values().filter(|origin| origin.contains("config.toml:")).collect();
    assert_eq!(lines.len(), shown.len(), "each key has a line of its own: {shown:?}");
    for setting in SETTINGS {
        assert!(text.contains(&format!("# {}\n", setting.doc)), "{}", setting.key);
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,80}", toml in "([a-z.\\[\\]\"]{1,12} ?= ?[0-9a-z\"{}\\[\\],.:-]{0,12}\n){0,4}") {
        let _ = document::parse("config.toml", &text);
        let _ = document::parse("config.toml", &toml);
    }

    #[test]
    fn no_value_makes_a_kind_panic(text in "\\PC{0,24}") {
        for setting in SETTINGS {
            let variables = vec![(setting.variable(), text.clone())];
            let _ = Config::load(&Inputs { root: "/nonexistent".into(), variables, ..Inputs::default() });
        }
    }

    #[test]
    fn an_effective_value_given_again_changes_nothing(seconds in 1_u64..=3600, dir in "(/[a-z0-9._-]{1,8}x){1,4}") {
        let flags = vec![("docker.ready-timeout", format!("{seconds}s")), ("docker.dir", format!("/srv{dir}"))];
        let inputs = Inputs { root: "/nonexistent".into(), flags, ..Inputs::default() };
        let first = Config::load(&inputs).unwrap();
        let rows = first.effective();
        let again = |key: &'static str| {
            let row = rows.iter().find(|row| row.key == key).unwrap();
            (key, row.value.as_str().unwrap().to_owned())
        };
        let flags = vec![again("docker.ready-timeout"), again("docker.dir")];
        let second = Config::load(&Inputs { flags, ..inputs }).unwrap();
        prop_assert_eq!(first, second);
    }
}
