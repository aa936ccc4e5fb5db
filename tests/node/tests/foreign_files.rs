//! Something that is no file, where a file of somebody else's is to be: nobody waits for it, and it is named.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it")]

use std::time::Duration;

use node_tests::{Node, Report, Result, Suite};

const SUITE: Suite = Suite::Bookworm;

/// What may lie there, and how it gets there at once: a service that follows a file sees no half of it.
const IN_PLACE: [(&str, &str); 3] = [
    ("a fifo", "mkfifo \"$1.new\""),
    ("a device without end", "ln -s /dev/zero \"$1.new\""),
    ("a file without end", "truncate --size=8G \"$1.new\""),
];

/// A file of somebody else's.
struct Foreign {
    path: &'static str,
    /// What preflight says of it, where it matters to a run: a name and a status.
    preflight: Option<(&'static str, &'static str)>,
    /// Whether it is a configuration of ours, without which nothing is looked at.
    is_configuration: bool,
}

const fn foreign(path: &'static str) -> Foreign {
    Foreign { path, preflight: None, is_configuration: false }
}

const FILES: [Foreign; 13] = [
    Foreign { preflight: Some(("flannel-options", "fail")), ..foreign("/run/flannel/docker") },
    Foreign { preflight: Some(("flannel-options", "fail")), ..foreign("/run/flannel/subnet.env") },
    Foreign { is_configuration: true, ..foreign("/opt/k8s/bin/environment.sh") },
    Foreign { is_configuration: true, ..foreign("/etc/node-setup/config.toml") },
    Foreign { is_configuration: true, ..foreign("/etc/node-setup/config.d/10-site.toml") },
    Foreign { preflight: Some(("daemon-json", "fail")), ..foreign("/etc/docker/daemon.json") },
    Foreign { preflight: Some(("dns", "unknown")), ..foreign("/etc/resolv.conf") },
    foreign("/etc/sysctl.d/70-site.conf"),
    foreign("/etc/modules-load.d/node-setup.conf"),
    foreign("/usr/bin/docker"),
    foreign("/etc/os-release"),
    foreign("/etc/group"),
    foreign("/var/lib/kubelet/config.yaml"),
];

/// What looks at a node without changing it.
const LOOKS: [&[&str]; 4] =
    [&["docker", "preflight"], &["docker", "verify"], &["docker", "plan"], &["docker", "status"]];

/// Far more than a look takes on a busy machine, and than two questions that nobody answers.
const LONG: Duration = Duration::from_secs(90);

#[test]
fn nobody_waits_for_what_is_no_file() {
    let node = Node::installed(SUITE);
    // It would look again at each of these changes, and has a minute's patience with flannel.
    node.ok("systemctl stop node-setup-flannel.path");
    for file in &FILES {
        let path = file.path;
        node.ok(&format!("mkdir -p $(dirname {path}); test ! -e {path} || cp -a {path} /run/kept"));
        for (what, make) in IN_PLACE {
            node.ok(&format!("set -- {path}; rm -f \"$1.new\"; {make}; mv -T \"$1.new\" \"$1\""));
            for args in LOOKS {
                let report = look(&node, args).unwrap_or_else(|error| panic!("{path} is {what}: {error:#}"));
                must_say(file, what, &report, args);
            }
        }
        node.ok(&format!("rm {path}; test ! -e /run/kept || mv /run/kept {path}"));
    }
    node.ok("systemctl start node-setup-flannel.path");
    node.must_verify();
}

fn look(node: &Node, args: &[&str]) -> Result<Report> {
    let line = format!("node-setup {} --output json", args.join(" "));
    Ok(Report::of(args, node.sh_within(&line, LONG)?))
}

#[track_caller]
fn must_say(file: &Foreign, what: &str, report: &Report, args: &[&str]) {
    let said = report.json.to_string();
    // A link to a device is no file, and a file may be too large.
    let is_named = said.contains("is not a regular file") || said.contains("is larger than");
    if file.is_configuration && args != ["docker", "status"] {
        assert!(
            report.code == 2 && is_named && said.contains(file.path),
            "{} is {what}: {report}",
            file.path
        );
    }
    if let Some((id, status)) = file.preflight
        && args == ["docker", "preflight"]
    {
        let found = report.json["preflight"].as_array().into_iter().flatten();
        let found: Vec<_> = found.filter(|one| one["id"] == id).collect();
        let is_found = found.iter().any(|one| one["status"] == status);
        assert!(is_found && is_named && said.contains(file.path), "{} is {what}: {found:?}", file.path);
    }
}

/// systemd itself waits for who writes to a fifo among its drop-ins. Whoever looks at the node does not, and says so.
#[test]
fn a_systemd_that_does_not_answer_is_left() {
    let node = Node::installed(SUITE);
    node.ok("mkdir /etc/systemd/system/docker.service.d && mkfifo /etc/systemd/system/docker.service.d/proxy.conf");
    for args in [["docker", "preflight"], ["docker", "verify"]] {
        let report = look(&node, &args).expect("it ends");
        assert!(report.json.to_string().contains("no answer within 25 s"), "{report}");
        assert_ne!(report.code, 0, "{report}");
    }
    node.ok("rm /etc/systemd/system/docker.service.d/proxy.conf");
}

/// Whoever can change what leads to docker's programs is root; `verify` says so as preflight does.
#[test]
fn verify_names_who_could_change_what_root_runs() {
    let node = Node::installed(SUITE);
    let passes = |detail: &str| {
        let report = node.report(&["docker", "verify"]);
        assert!(report.code == 0 && report.check("owners", "detail").contains(detail), "{report}");
    };
    passes("root alone");
    for (spoil, mend, found) in [
        (
            "chown nobody /opt/k8s",
            "chown root /opt/k8s",
            "/opt/k8s belongs to nobody, and leads to /opt/k8s/bin",
        ),
        (
            "chmod o+w /etc/systemd/system",
            "chmod go-w /etc/systemd/system",
            "/etc/systemd/system can be written to by everybody",
        ),
        (
            "mkdir /etc/systemd/system/docker.service.d; cd /etc/systemd/system/docker.service.d; \
             touch 10-site.conf; chown nobody 10-site.conf; systemctl daemon-reload",
            "chown root /etc/systemd/system/docker.service.d/10-site.conf",
            "/etc/systemd/system/docker.service.d/10-site.conf belongs to nobody",
        ),
    ] {
        node.ok(spoil);
        let report = node.report(&["docker", "verify"]);
        assert_eq!((report.code, report.check("owners", "status")), (5, "fail"), "{spoil}: {report}");
        assert!(report.check("owners", "detail").contains(found), "{spoil}: {report}");
        let remedy = report.check("owners", "remedy").to_owned();
        assert!(remedy.contains(mend), "{remedy}");
        node.ok(&remedy);
        passes("root alone");
    }
    node.ok("chmod g+w /opt/k8s");
    passes("/opt/k8s can be written to by its group");
}
