//! Each check against what it is to refuse, to warn of, and to let pass.

use std::collections::BTreeMap;

use super::*;
use crate::config::{Config, Inputs};
use crate::facts::{Cgroup, Kubelet, Restriction, Role, Wanted};
use crate::finding::Status::{Fail, Pass, Skip, Unknown, Warn};
use crate::flannel::Foreign;
use crate::host::{Availability, Backend, Manager, Socket, Stranger};
use crate::resource::PolicyState;
use crate::sysctl::{Fragment, in_order, parse};
use crate::version::Version;

fn config(settings: &[(&'static str, &str)]) -> Config {
    let nowhere = tempfile::tempdir().unwrap();
    let flags = settings.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    Config::load(&Inputs { root: nowhere.path().to_owned(), flags, ..Inputs::default() }).unwrap()
}

#[test]
fn directories_that_others_can_change() {
    fn path() -> std::path::PathBuf {
        "/srv/bin".into()
    }
    must_be("owners", Fail, "/srv belongs to nobody, and leads to /srv/bin", &[], |survey| {
        survey.strangers = vec![(path(), Stranger::example("/srv", Some(65534), 0o755))];
    });
    must_be("owners", Fail, "by everybody (mode 0777)", &[], |survey| {
        survey.strangers = vec![(path(), Stranger::example("/srv", None, 0o777))];
    });
    must_be("owners", Warn, "by its group (mode 2775)", &[], |survey| {
        survey.strangers = vec![(path(), Stranger::example("/srv", None, 0o2775))];
    });
}

type Spoil = fn(&mut Survey<'_>);

/// What this makes of a bare node: the findings of `id`.
fn findings(id: &str, settings: &[(&'static str, &str)], spoil: Spoil) -> Vec<Finding> {
    let config = config(settings);
    let mut survey = Survey::example(&config);
    spoil(&mut survey);
    judge(&survey).into_iter().filter(|finding| finding.id == id).collect()
}

#[track_caller]
fn must_be(id: &str, status: Status, says: &str, settings: &[(&'static str, &str)], spoil: Spoil) {
    let findings = findings(id, settings, spoil);
    let [finding] = findings.as_slice() else { panic!("{id}: {findings:?}") };
    assert!(
        finding.status == status && finding.detail.contains(says),
        "{id} is to be {status:?}, {says:?}: {finding:?}"
    );
    if matches!(status, Fail | Warn) {
        assert!(finding.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty()), "{id}: no remedy");
        assert!(finding.needed.is_some(), "{id}: it does not say what is needed");
    }
}

fn volumes(survey: &mut Survey<'_>, roles: &[Role], change: fn(&mut crate::facts::Volume)) {
    for target in survey.targets.iter_mut().filter(|target| roles.contains(&target.role)) {
        target.volume.as_mut().map(change).unwrap();
    }
}

#[test]
fn a_bare_node_with_nothing_amiss_passes() {
    let config = config(&[]);
    let found = judge(&Survey::example(&config));
    let amiss: Vec<_> = found.iter().filter(|finding| finding.is_of_interest()).collect();
    assert!(amiss.is_empty(), "{amiss:?}");
    assert_eq!(found.len(), CHECKS.len(), "a check that has nothing to complain of says so once");
}

#[test]
fn names_are_told_once_and_are_as_names_are() {
    let mut ids: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    for id in ids {
        assert!(
            id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit()),
            "{id}"
        );
    }
}

#[test]
fn the_machine() {
    must_be("root", Fail, "not root", &[], |survey| survey.machine.is_root = false);
    must_be("systemd", Fail, "PID 1", &[], |survey| survey.machine.has_systemd = false);
    must_be("architecture", Fail, "riscv64", &[], |survey| survey.machine.arch = "riscv64".to_owned());
    must_be("swap", Warn, "/dev/sda2", &[], |survey| survey.machine.swap = Ok(vec!["/dev/sda2".to_owned()]));
    must_be("time-sync", Warn, "nothing", &[], |survey| survey.machine.timekeepers.clear());
    must_be("time-sync", Skip, "container", &[], |survey| {
        survey.machine.timekeepers.clear();
        survey.machine.is_container = true;
    });
    must_be("selinux", Warn, "enforces", &[], |survey| survey.machine.selinux = Some(true));
    must_be("selinux", Pass, "permissive", &[], |survey| survey.machine.selinux = Some(false));
    must_be("selinux", Pass, "told", &[("docker.daemon", r#"{"selinux-enabled": true}"#)], |survey| {
        survey.machine.selinux = Some(true);
    });
    must_be("apparmor", Warn, "apparmor_parser", &[], |survey| survey.machine.apparmor = Some(false));
    for (name, status) in [
        ("worker-1", Pass),
        ("worker-1.example.com", Pass),
        ("localhost", Warn),
        ("localhost.localdomain", Warn),
        ("Worker_1", Warn),
        ("", Warn),
    ] {
        let config = config(&[]);
        let mut survey = Survey::example(&config);
        name.clone_into(&mut survey.machine.hostname);
        let found = judge(&survey).into_iter().find(|finding| finding.id == "hostname").unwrap();
        assert_eq!(found.status, status, "{name:?}");
    }
}

#[test]
fn a_clock_is_compared_with_what_was_seen() {
    must_be("clock", Warn, "/x was written", &[], |survey| {
        survey.machine.seen_time = Some((survey.machine.now + 3 * 86_400, "/x".to_owned()));
    });
    must_be("clock", Pass, "", &[], |survey| {
        survey.machine.seen_time = Some((survey.machine.now + 3_600, "/x".to_owned()));
    });
    must_be("clock", Warn, "this program", &[], |survey| survey.machine.now = 0);
}

#[test]
fn systemd_is_new_enough_and_up() {
    for (version, state, status) in [
        ("252.39-1~deb12u1", "running", Pass),
        ("252", "degraded", Pass),
        ("252", "starting", Pass),
        ("252", "stopping", Fail),
        ("252", "maintenance", Fail),
        ("219", "running", Warn),
        ("v255-rc1", "running", Pass),
    ] {
        let config = config(&[]);
        let mut survey = Survey::example(&config);
        let (version, state) = (version.to_owned(), state.to_owned());
        survey.machine.manager = Ok(Manager { version: version.clone(), state: state.clone(), failed: 1 });
        let found = judge(&survey).into_iter().find(|finding| finding.id == "systemd-state").unwrap();
        assert_eq!(found.status, status, "{version} {state}");
    }
}

#[test]
fn what_cannot_be_seen_is_unknown_and_the_rest_is_judged() {
    let unseen = || Unseen { why: "no answer".to_owned(), remedy: None };
    let config = config(&[]);
    let mut survey = Survey::example(&config);
    survey.machine.manager = Err(unseen());
    survey.engines.dockers = Err(unseen());
    survey.network.tables = Err(unseen());
    survey.wanted = Err(unseen());
    survey.targets[0].volume = Err(unseen());
    let found = judge(&survey);
    let of = |status| -> Vec<&str> {
        found.iter().filter(|finding| finding.status == status).map(|finding| finding.id.as_str()).collect()
    };
    assert_eq!(of(Fail), ["dbus"]);
    assert!(of(Unknown).contains(&"other-docker") && of(Unknown).contains(&"cgroup-version"), "{found:?}");
    assert!(of(Pass).contains(&"swap") && of(Pass).contains(&"kernel-features"), "{found:?}");
}

#[test]
fn the_kernel() {
    for (release, status) in [
        ("6.1.0-37", Pass),
        ("3.10.0-1160.el7.x86_64", Pass),
        ("3.16.0", Warn),
        ("2.6.32", Fail),
        ("x", Unknown),
    ] {
        let config = config(&[]);
        let mut survey = Survey::example(&config);
        release.clone_into(&mut survey.kernel.release);
        let found = judge(&survey).into_iter().find(|finding| finding.id == "kernel-version").unwrap();
        assert_eq!(found.status, status, "{release}");
    }
    let without = |option: &'static str, id| {
        let config = config(&[]);
        let mut survey = Survey::example(&config);
        assert!(survey.kernel.features.built_in.remove(option), "{option}");
        judge(&survey).into_iter().find(|finding| finding.id == id).unwrap()
    };
    for (option, status) in [("VETH", Fail), ("NFT_COMPAT", Fail), ("MEMCG", Warn), ("IP_NF_FILTER", Pass)] {
        assert_eq!(without(option, "kernel-features").status, status, "{option}");
    }
    assert_eq!(
        without("NETFILTER_XT_TARGET_MASQUERADE", "kernel-features").status,
        Pass,
        "one of two is enough"
    );
    must_be("kernel-module", Fail, "br_netfilter", &[], |survey| missing(survey, "br_netfilter"));
    must_be("kernel-module", Pass, "", &[], |survey| missing(survey, "veth"));
    must_be("kernel-module", Fail, "veth", &[], |survey| {
        missing(survey, "veth");
        survey.kernel.features.modular.insert("VETH".to_owned());
    });
    must_be("overlay", Fail, "vfs", &[], |survey| missing(survey, "overlay"));
    let btrfs = [("docker.daemon", r#"{"storage-driver": "btrfs"}"#)];
    must_be("overlay", Skip, "btrfs", &btrfs, |survey| missing(survey, "overlay"));
    let unseen: Spoil = |survey| {
        survey.kernel.modules = Err(Unseen { why: "cannot read modules.dep".to_owned(), remedy: None });
    };
    for id in ["kernel-module", "overlay"] {
        must_be(id, Unknown, "modules.dep", &[], unseen);
    }
    must_be("overlay", Skip, "btrfs", &btrfs, unseen);
}

fn missing(survey: &mut Survey<'_>, module: &str) {
    survey.kernel.modules.as_mut().unwrap().insert(module.to_owned(), Availability::Missing);
}

#[test]
fn cgroups() {
    let old: Spoil = |survey| {
        survey.wanted = Ok(wanted(Version::new(19, 3, 15), &[]));
    };
    must_be("cgroup-version", Fail, "19.03.15", &[], old);
    must_be("cgroup-version", Pass, "v1", &[], |survey| {
        survey.wanted = Ok(wanted(Version::new(19, 3, 15), &[]));
        survey.machine.cgroup = Cgroup::V1;
    });
    let no_memory: Spoil = |survey| assert!(survey.machine.controllers.as_mut().unwrap().remove("memory"));
    must_be("cgroup-controllers", Warn, "memory", &[], no_memory);
    let kubelet = |driver: &str| Some(Kubelet { driver: driver.to_owned(), source: "x".to_owned() });
    let with = |settings: &[(&'static str, &str)], driver, cgroup| {
        let config = config(settings);
        let mut survey = Survey::example(&config);
        survey.engines.kubelet = kubelet(driver);
        survey.machine.cgroup = cgroup;
        judge(&survey).into_iter().find(|finding| finding.id == "cgroup-driver").unwrap().status
    };
    let told = [("docker.daemon", r#"{"exec-opts": ["native.cgroupdriver=cgroupfs"]}"#)];
    assert_eq!(with(&[], "systemd", Cgroup::V2), Pass);
    assert_eq!(with(&[], "cgroupfs", Cgroup::V2), Warn);
    assert_eq!(with(&[], "systemd", Cgroup::V1), Warn);
    assert_eq!(with(&told, "cgroupfs", Cgroup::V2), Pass);
}

#[test]
fn file_systems() {
    let all = [Role::Binaries, Role::Data, Role::Exec, Role::State, Role::System];
    must_be("read-only", Fail, "/opt/k8s/bin", &[], |survey| {
        volumes(survey, &[Role::Binaries], |v| v.restrictions = vec![Restriction::ReadOnly]);
    });
    must_be("noexec", Fail, "noexec", &[], |survey| {
        volumes(survey, &[Role::Binaries], |v| v.restrictions = vec![Restriction::NoExec]);
    });
    must_be("noexec", Pass, "", &[], |survey| {
        volumes(survey, &[Role::Data], |v| v.restrictions = vec![Restriction::NoExec]);
    });
    must_be("nosuid", Warn, "nosuid, noexec", &[], |survey| {
        volumes(survey, &[Role::Data], |v| v.restrictions = vec![Restriction::NoSuid, Restriction::NoExec]);
    });
    must_be("inodes", Warn, "20000", &[], |survey| {
        volumes(survey, &[Role::Data], |v| v.free_files = Some(20_000));
    });
    must_be("inodes", Fail, "3 more", &[], |survey| {
        volumes(survey, &[Role::Data], |v| v.free_files = Some(3));
    });
    must_be("inodes", Pass, "", &[], |survey| volumes(survey, &[Role::Data], |v| v.free_files = None));
    must_be("data-filesystem", Fail, "d_type", &[], |survey| {
        volumes(survey, &[Role::Data], |v| v.d_type = Some(false));
    });
    must_be("data-filesystem", Warn, "nfs", &[], |survey| {
        volumes(survey, &[Role::Data], |v| v.kind = "nfs".into());
    });
    must_be("data-filesystem", Warn, "memory", &[], |survey| {
        volumes(survey, &[Role::Data], |v| v.kind = "tmpfs".into());
    });
    let config = config(&[]);
    let mut survey = Survey::example(&config);
    volumes(&mut survey, &all, |volume| volume.restrictions = vec![Restriction::ReadOnly]);
    let refused = refusals(&judge(&survey));
    assert_eq!(
        refused.iter().filter(|refusal| refusal.id.as_str() == "read-only").count(),
        1,
        "one a file system"
    );
}

#[test]
fn what_is_on_one_file_system_adds_up() {
    let short: Spoil = |survey| volumes(survey, &[Role::Binaries, Role::Data], |v| v.free = 1 << 30);
    must_be("space", Fail, "/opt/k8s/bin and /data/k8s/docker/data, 1424 are needed", &[], short);
    must_be("space", Pass, "1024 MiB", &[], |survey| {
        volumes(survey, &[Role::Binaries, Role::Data], |v| v.free = 1 << 30);
        volumes(survey, &[Role::Data], |v| v.id = 2);
    });
    must_be("space", Skip, "", &[], |survey| {
        volumes(survey, &[Role::Binaries, Role::Data], |v| v.free = 0);
        survey.wanted = Ok(Wanted::default());
    });
}

#[test]
fn engines() {
    must_be("other-docker", Fail, "/usr/bin/dockerd", &[], |survey| {
        survey.engines.dockers.as_mut().unwrap().stray = Some("/usr/bin/dockerd".into());
    });
    must_be("other-docker", Pass, "", &[], |survey| {
        survey.engines.dockers.as_mut().unwrap().program = Some("/opt/k8s/bin/dockerd".into());
    });
    must_be("other-docker", Fail, "docker.socket", &[], |survey| {
        survey.engines.dockers.as_mut().unwrap().socket_unit = Some("docker.socket".to_owned());
    });
    must_be("docker-packages", Warn, "/usr/bin/dockerd", &[], |survey| {
        survey.engines.packages = vec!["/usr/bin/dockerd"];
    });
    must_be("podman", Warn, "podman.socket", &[], |survey| survey.engines.podman = vec!["podman.socket"]);
    must_be("foreign-containerd", Fail, "k3s", &[], |survey| {
        survey.engines.containerd = Socket::Alive(Some("k3s, process 7".to_owned()));
    });
    must_be("foreign-containerd", Fail, "gone", &[], |survey| survey.engines.containerd = Socket::Dead);
    must_be("foreign-containerd", Pass, "", &[], |survey| {
        survey.engines.containerd = Socket::Dead;
        survey.engines.dockers.as_mut().unwrap().active = true;
    });
    must_be("docker-socket", Fail, "a directory", &[], |survey| {
        survey.engines.socket = Socket::Obstacle("a directory");
    });
    must_be("docker-socket", Fail, "podman", &[], |survey| {
        survey.engines.socket = Socket::Alive(Some("podman".to_owned()));
    });
    must_be("docker-socket", Pass, "", &[], |survey| survey.engines.socket = Socket::Dead);
    // docker.service that crashes again and again has a process, and is not active.
    must_be("docker-socket", Pass, "", &[], |survey| {
        survey.engines.socket = Socket::Alive(Some("dockerd".to_owned()));
        survey.engines.dockers.as_mut().unwrap().has_process = true;
    });
    must_be("docker-group", Warn, "ann", &[], |survey| {
        survey.machine.docker_group = Ok(Some(vec!["ann".to_owned()]));
    });
    must_be("docker-group", Fail, "staff", &[("docker.daemon", r#"{"group": "staff"}"#)], |_| {});
    must_be("docker-group", Pass, "root", &[("docker.daemon", r#"{"group": "root"}"#)], |_| {});
}

#[test]
fn netfilter() {
    must_be("iptables", Fail, "not installed", &[], |survey| survey.network.backends.clear());
    let two: Spoil = |survey| {
        let tables = survey.network.tables.as_mut().unwrap();
        tables.iter_mut().filter(|table| table.backend == Backend::Legacy).for_each(|table| table.rules = 4);
    };
    must_be("iptables-backends", Warn, "4 rules for IPv4 in legacy", &[], two);
    let drop: Spoil = |survey| survey.network.tables.as_mut().unwrap()[0].input = PolicyState::Drop;
    must_be("input-policy", Warn, "opens it", &[], drop);
    must_be("input-policy", Warn, "8472", &[("firewall.flush", "never")], drop);
    must_be("input-policy", Warn, "8472", &[], |survey| {
        survey.network.tables.as_mut().unwrap()[0].input = PolicyState::Drop;
        survey.network.spares_rules = true;
    });
}

#[test]
fn names_ports_and_proxies() {
    must_be("dns", Warn, "127.0.0.1", &[], |survey| {
        survey.network.nameservers = Ok(vec!["127.0.0.1".to_owned()]);
    });
    must_be("dns", Warn, "no server", &[], |survey| survey.network.nameservers = Ok(Vec::new()));
    must_be("dns", Pass, "", &[], |survey| {
        survey.network.nameservers = Ok(vec!["127.0.0.53".to_owned()]);
        survey.network.has_resolved = true;
    });
    let told = [("docker.daemon", r#"{"dns": ["192.0.2.1"]}"#)];
    must_be("dns", Pass, "told", &told, |survey| survey.network.nameservers = Ok(Vec::new()));
    let proxied: Spoil = |survey| survey.network.proxies.ours = Some("https_proxy".to_owned());
    must_be("proxy", Warn, "https_proxy", &[], proxied);
    let hosts = [("docker.daemon", r#"{"hosts": ["unix:///run/docker.sock", "tcp://0.0.0.0:2376"]}"#)];
    must_be("ports", Pass, "free", &hosts, |_| {});
    must_be("ports", Fail, "2376", &hosts, |survey| survey.network.listening = Ok([22, 2376].into()));
    let taken: Spoil = |survey| survey.network.udp = Ok([53, 8472].into());
    must_be("vxlan-port", Warn, "8472", &[], taken);
    must_be("vxlan-port", Skip, "off", &[("network.flannel", "off")], taken);
    must_be("vxlan-port", Pass, "flannel's", &[], |survey| {
        survey.network.udp = Ok([8472].into());
        survey.network.has_tunnel = true;
    });
}

#[test]
fn sysctl_files() {
    let with = |text: &str, path: &str, id: &str| {
        let config = config(&[]);
        let mut survey = Survey::example(&config);
        survey.sysctls = Ok(in_order(vec![Fragment { path: path.into(), assignments: parse(text) }]));
        let found = judge(&survey).into_iter().filter(|finding| finding.id == id);
        found.map(|finding| (finding.status, finding.detail)).collect::<Vec<_>>()
    };
    let both = "net.ipv4.ip_forward=0\nnet.bridge.bridge-nf-call-iptables=0\n";
    let found = with(both, "/etc/sysctl.d/a.conf", "sysctl-conflict");
    assert!(found.len() == 2 && found.iter().all(|(status, _)| *status == Fail), "{found:?}");
    assert!(found.iter().any(|(_, detail)| detail.contains("/etc/sysctl.d/a.conf:1")), "{found:?}");
    for (path, status) in [
        ("/etc/sysctl.d/zz.conf", Warn),
        ("/etc/sysctl.d/10.conf", Pass),
        ("/etc/sysctl.d/kubernetes.conf", Pass),
    ] {
        assert_eq!(with("vm.swappiness=60\n", path, "sysctl-override")[0].0, status, "{path}");
    }
}

fn wanted(version: Version, formerly_ours: &[&str]) -> Wanted {
    let daemon_keys = formerly_ours.iter().map(|&key| key.to_owned()).collect();
    Wanted { version: Some(version), installing: true, daemon_keys }
}

#[test]
fn flannel_and_daemon_json() {
    must_be("flannel-options", Fail, "half", &[], |survey| {
        survey.flannel = Ok((Foreign::Garbled("half".to_owned()), Foreign::Absent));
    });
    must_be("flannel-missing", Fail, "60 s", &[("network.flannel", "required")], |_| {});
    must_be("flannel-options", Skip, "off", &[("network.flannel", "off")], |_| {});
    let written = |text: &str, formerly_ours: &[&str], says: &str, status| {
        let config = config(&[]);
        let mut survey = Survey::example(&config);
        survey.daemon_json = Ok(Some(text.to_owned()));
        survey.wanted = Ok(wanted(Version::new(20, 10, 24), formerly_ours));
        let found: BTreeMap<String, Finding> =
            judge(&survey).into_iter().map(|finding| (finding.id.clone(), finding)).collect();
        let found = &found["daemon-json"];
        assert!(found.status == status && found.detail.contains(says), "{text}: {found:?}");
    };
    written("{", &[], "not JSON", Fail);
    written("[]", &[], "object", Fail);
    written("{\"allow-direct-routing\": true}", &[], "28.2", Fail);
    written("{\"nonsense\": true}", &[], "any docker", Fail);
    written("{\"debug\": true}", &[], "1 keys", Pass);
    written("{\"allow-direct-routing\": true}", &["allow-direct-routing"], "0 keys", Pass);
}

#[test]
fn what_is_skipped_does_not_refuse_and_is_told() {
    let config = config(&[("preflight.skip", "swap, overlay")]);
    let mut survey = Survey::example(&config);
    missing(&mut survey, "overlay");
    missing(&mut survey, "br_netfilter");
    survey.machine.swap = Ok(vec!["/swap".to_owned()]);
    let found = judge(&survey);
    let refused: Vec<String> = refusals(&found).iter().map(|refusal| refusal.id.to_string()).collect();
    assert_eq!(refused, ["kernel-module"]);
    let told: Vec<String> = skipped(&found).collect();
    assert!(told.len() == 2 && told[0].starts_with("overlay was skipped (--skip)"), "{told:?}");
    assert_eq!(warnings(&found).count(), 0);
    let passed = found.iter().find(|finding| finding.id == "space").unwrap();
    assert_eq!(passed.skipped_by, None, "what passes is not skipped");
}

#[test]
fn what_a_node_would_not_survive_cannot_be_skipped() {
    for (id, is_allowed) in
        [("swap", true), ("noexec", true), ("root", false), ("dbus", false), ("selinx", false)]
    {
        assert_eq!(may_skip(id).is_ok(), is_allowed, "{id}");
    }
    let wrong = |ids: &str| {
        let nowhere = tempfile::tempdir().unwrap();
        let flags = vec![("preflight.skip", ids.to_owned())];
        Config::load(&Inputs { root: nowhere.path().to_owned(), flags, ..Inputs::default() }).unwrap_err()
    };
    assert_eq!(wrong("selinx").help().as_deref(), Some("did you mean selinux?"));
    assert!(wrong("root").to_string().contains("cannot be skipped"));
}
