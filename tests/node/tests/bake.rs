//! Images: a root that does not run is set up from outside, on a node that stands for the machine that
//! images are built on; boots as a node; and is gone back from.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use node_tests::{Node, Output, Report, Suite, told};

/// An image's tree on the machine that it is made on.
const ROOT: &str = "/mnt/image";

/// What a run leaves on the machine around a root: the archive is the test's, and so is the image.
const NOTHING: [&str; 2] = ["file /mnt", "file /root/docker-"];

/// A machine with the tree of a bare system, and an archive beside it.
fn builder(suite: Suite) -> Node {
    with_tree(Node::boot(suite), suite)
}

fn with_tree(node: Node, suite: Suite) -> Node {
    node.bring_archive(suite);
    assert!(node.node_setup(&["--version"]).success());
    node.ok(&format!(
        "mkdir {ROOT} && tar -C / --one-file-system --exclude=./mnt --exclude=./root \
                      --exclude=./proc/* --exclude=./sys/* --exclude=./run/* --exclude=./tmp/* \
                      --exclude=./var/lib/systemd/* --exclude=./var/log/* -cf - . | tar -C {ROOT} -xf -"
    ));
    node.ok(&format!("mkdir -p {ROOT}/root && cp -a /root/im {ROOT}/root && : >{ROOT}/etc/machine-id"));
    node
}

/// Where that tree is on the host.
fn tree_of(node: &Node) -> PathBuf {
    node.root().join(ROOT.trim_start_matches('/'))
}

fn bake(node: &Node, suite: Suite, more: &[&str]) -> Report {
    let archive = Node::archive(suite);
    node.report(&[&["docker", "--root", ROOT, "--archive", &archive], more].concat())
}

/// Every file of a root that a run could have to do with: its kind, mode, owner, and content.
fn listing(node: &Node, root: &str) -> BTreeMap<String, String> {
    let found = node.ok(&format!(
        "cd {root}/ && for top in etc opt data usr/lib/systemd usr/bin var/lib/node-setup; do [ ! -e $top ] || find $top \
         ! -path 'etc/machine-id' ! -path 'etc/hostname' ! -path 'etc/resolv.conf' ! -path 'etc/ld.so.cache' \
         -printf '%p %y %m %u:%g %l\\n'; done; find etc opt data -type f ! -path etc/machine-id ! -path \
         etc/hostname ! -path etc/resolv.conf -exec sha256sum {{}} + 2>/dev/null | \
         awk '{{print $2 \"#\", $1}}'"
    ));
    let pair = |line: &str| line.split_once(' ').map(|(name, is)| (name.to_owned(), is.to_owned()));
    found.lines().filter_map(pair).collect()
}

fn difference(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let changed = before.iter().filter(|(name, is)| after.get(*name) != Some(is));
    let new = after.iter().filter(|(name, _)| !before.contains_key(*name));
    changed.map(|(name, _)| format!("-{name}")).chain(new.map(|(name, _)| format!("+{name}"))).collect()
}

#[test]
fn an_image_boots_as_a_working_node_and_can_be_gone_back_from() {
    let suite = Suite::Bookworm;
    let machine = builder(suite);
    machine.introduce("systemctl --version");
    let bare = listing(&machine, ROOT);
    let before = machine.own_snapshot();
    let planned = machine.report(&["docker", "plan", "--root", ROOT, "--archive", &Node::archive(suite)]);
    planned.must_be("planned", 0);
    assert_eq!(difference(&bare, &listing(&machine, ROOT)), [""; 0], "a plan changes nothing");

    let baked = bake(&machine, suite, &[]);
    baked.must_be("changed", 0);
    assert_eq!(baked.changes(), planned.changes());
    let live = ["sysctl ", "module ", "table ", "policy ", "rule ", "chains ", "bridge ", "remains "];
    let has_live = |change: &String| live.iter().any(|kind| change.starts_with(kind));
    assert!(!baked.changes().iter().any(has_live), "{baked}");
    assert!(baked.failing().is_empty(), "{baked}");
    machine.must_differ_only(&before, &NOTHING);

    bake(&machine, suite, &[]).must_be("unchanged", 0);
    let verified = machine.report(&["docker", "verify", "--root", ROOT]);
    assert!(verified.code == 0 && verified.failing().is_empty(), "{verified}");
    for line in ["plan", "verify", "status"] {
        machine.ok(told(&format!("node-setup docker {line} --root {ROOT}")));
    }
    let node = Node::builder(suite).of_tree(&tree_of(&machine)).name("baked").boot();
    // The sysctls that it has in common with every node of the host's.
    node.bring_archive(suite);
    node.wait_for("docker answers", Duration::from_secs(30), || {
        node.sh("/opt/k8s/bin/docker info").success()
    });
    node.must_verify();
    assert_eq!(
        node.unit("docker.service", "UnitFileState"),
        "enabled",
        "the first boot's presets leave it so"
    );
    let again = node.report(&["docker"]);
    again.must_be("unchanged", 0);
    // What follows flannel has come with the image.
    node.flanneld();
    let follows = || node.report(&["docker", "verify"]).check("flannel-subnet", "status") == "pass";
    node.wait_for("docker follows flannel", Duration::from_secs(30), follows);
    let _pod = node.pod();
    node.reboot();
    node.must_verify();

    let removed = node.report(&["docker", "remove", "--purge"]);
    removed.must_be("changed", 0);
    let status = node.ok("node-setup docker status -v; node-setup docker history -v");
    assert!(!node.exists("/var/lib/node-setup"), "{again}\n{removed}\n{status}");
    // flanneld's, and what a boot makes.
    let others = ["flanneld", "docker.service.requires", "etc/.updated", "etc/.pwd.lock"];
    let made = |line: &String| others.iter().any(|name| line.contains(name));
    let mut left = difference(&bare, &listing(&node, ""));
    left.retain(|line| !made(line));
    assert_eq!(left, [""; 0], "as before the bake");
}

#[test]
fn a_root_is_gone_back_from_without_a_boot() {
    let suite = Suite::Bullseye;
    let machine = builder(suite);
    let units = format!("{ROOT}/etc/systemd/system");
    machine.ok(&format!(
        "printf '[Install]\\nWantedBy=multi-user.target\\n' >{ROOT}/lib/systemd/system/ufw.service && \
                         ln -s /lib/systemd/system/ufw.service {units}/multi-user.target.wants/ufw.service"
    ));
    let bare = listing(&machine, ROOT);
    bake(&machine, suite, &[]).must_be("changed", 0);
    assert_eq!(machine.ok(&format!("readlink {units}/ufw.service")).trim(), "/dev/null");
    // systemctl's own opinion of the links.
    let opinion = |unit: &str| machine.sh(&format!("systemctl --root={ROOT} is-enabled {unit}")).stdout;
    for (unit, state) in [
        ("docker.service", "enabled"),
        ("node-setup-guard.service", "enabled"),
        ("node-setup-flannel.path", "enabled"),
        ("ufw.service", "masked"),
    ] {
        assert_eq!(opinion(unit).trim(), state, "{unit}");
    }
    let ours = listing(&machine, ROOT);
    machine.ok(&format!(
        "systemctl --root={ROOT} reenable docker.service node-setup-guard.service node-setup-flannel.path"
    ));
    assert_eq!(difference(&ours, &listing(&machine, ROOT)), [""; 0], "systemctl makes the same links");

    // A distribution that disables at a first boot what it does not know.
    machine.write(&format!("{ROOT}/usr/lib/systemd/system-preset/99-disable.preset"), "disable *\n");
    machine.ok(&format!(
        "systemctl --root={ROOT} preset docker.service node-setup-guard.service node-setup-flannel.path"
    ));
    assert_eq!(opinion("docker.service").trim(), "enabled");
    machine.ok(&format!(
        "cd {ROOT}/usr/lib/systemd && rm system-preset/99-disable.preset && \
         rmdir --ignore-fail-on-non-empty system-preset"
    ));

    machine.write(&format!("{ROOT}/etc/node-setup/config.toml"), "[docker.daemon]\ndebug = true\n");
    let changed = bake(&machine, suite, &[]);
    changed.must_change(&["file /etc/docker/daemon.json"]);
    machine.ok(&format!("rm -r {ROOT}/etc/node-setup"));
    let history = machine.report(&["docker", "history", "--root", ROOT]);
    assert_eq!(history.json.pointer("/runs").and_then(|runs| runs.as_array()).map(Vec::len), Some(2));
    machine.report(&["docker", "rollback", "--root", ROOT]).must_change(&["file /etc/docker/daemon.json"]);
    let status = machine.report(&["docker", "status", "--root", ROOT]);
    assert_eq!(status.text("/status/docker"), "enabled, stopped");
    // What is mounted there is the machine's, and stays mounted.
    let data = format!("{ROOT}/data/k8s/docker/data/overlay2");
    machine.ok(&format!("mkdir {data} && mount -t tmpfs none {data} && touch {data}/theirs"));
    let left = machine.report(&["docker", "remove", "--purge", "--root", ROOT]);
    assert!(left.code == 4 && left.json.pointer("/left").is_some(), "{left}");
    machine.ok(&format!("test -e {data}/theirs && umount {data}"));
    machine.report(&["docker", "remove", "--purge", "--root", ROOT]).must_be("changed", 0);
    assert_eq!(difference(&bare, &listing(&machine, ROOT)), [""; 0], "as before the bake");
}

#[test]
fn a_bake_that_was_killed_is_gone_on_from_or_put_back() {
    let suite = Suite::Bookworm;
    let machine = builder(suite);
    let bare = listing(&machine, ROOT);
    let (archive, args) = (Node::archive(suite), ["docker", "--root", ROOT, "--archive"]);
    let kill = "strace -f -o /dev/null -e trace=rename -e inject=rename:signal=SIGKILL:when=25";
    let killed = || machine.sh(&format!("{kill} node-setup {} {archive}", args.join(" ")));
    assert_ne!(killed().code, 0);
    assert_ne!(difference(&bare, &listing(&machine, ROOT)), [""; 0], "it had begun");
    machine.report(&["docker", "recover", "--root", ROOT]).must_be("changed", 0);
    let mut left = difference(&bare, &listing(&machine, ROOT));
    left.retain(|line| !line.starts_with("+var/lib/node-setup"));
    assert_eq!(left, [""; 0], "put back");
    assert_ne!(killed().code, 0);
    let resumed = bake(&machine, suite, &[]);
    resumed.must_be("changed", 0);
    assert!(resumed.notes("goes on from where it stopped"), "{resumed}");
    machine.report(&["docker", "remove", "--purge", "--root", ROOT]).must_be("changed", 0);
    assert_eq!(difference(&bare, &listing(&machine, ROOT)), [""; 0], "as before both");
}

#[test]
fn what_a_system_did_when_it_ran_is_not_taken_back_without_it() {
    let suite = Suite::Bookworm;
    let machine = builder(suite);
    bake(&machine, suite, &[]).must_be("changed", 0);
    let node = Node::builder(suite).of_tree(&tree_of(&machine)).boot();
    node.write("/etc/node-setup/config.toml", "[sysctl.values]\n\"net.ipv4.ip_default_ttl\" = \"65\"\n");
    node.report(&["docker"]).must_be("changed", 0);
    let root = node.root().display().to_string();
    let product = node_tests::product_binary().expect("the binary under test");
    let on_the_host = |args: &[&str]| {
        let output = std::process::Command::new(&product).args(args).args(["--output", "json"]).output();
        let output = output.expect("node-setup");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Report::of(args, Output { code, stdout: text(output.stdout), stderr: text(output.stderr) })
    };
    let plan = ["docker", "plan", "--root", &root];
    assert_eq!(on_the_host(&plan).refusals(), ["root-in-use"], "it is seen from outside that it runs");

    // The machine has the same tree now, and there it does not run.
    machine.ok(&format!("rm -r {ROOT}/var/lib/node-setup"));
    machine.put_tree(node.root().join("var/lib/node-setup"), &format!("{ROOT}/var/lib/node-setup"));
    for command in ["rollback", "remove"] {
        let refused = machine.report(&["docker", command, "--root", ROOT]);
        assert_eq!(refused.refusals(), ["live-run"], "{refused}");
    }
}

#[test]
fn nothing_but_the_root_is_written_and_nobody_is_asked() {
    let suite = Suite::Bookworm;
    let machine = builder(suite);
    // What is to be resolved in the root would lead out of it otherwise.
    machine.ok(&format!(
        "mkdir -p /opt/trap /srv/trap {ROOT}/opt {ROOT}/srv/trap && rm -rf {ROOT}/opt/k8s && \
                         ln -s /srv/trap {ROOT}/opt/k8s && ln -s ../../../../../../srv/trap {ROOT}/data"
    ));
    let script = "strace -f -qq -s 200 -o /srv/trace \"$@\"";
    let archive = Node::archive(suite);
    let baked = machine.report_in(script, &["docker", "--root", ROOT, "--archive", &archive]);
    baked.must_be("changed", 0);
    assert_eq!(
        machine.ok("ls -A /srv/trap /opt/trap").replace(char::is_whitespace, ""),
        "/opt/trap:/srv/trap:"
    );
    assert!(
        machine.exists(&format!("{ROOT}/srv/trap/bin/dockerd"))
            && machine.exists(&format!("{ROOT}/srv/trap/k8s/docker/data"))
    );
    let trace = machine.read("/srv/trace");
    let calls =
        |word: &str| trace.lines().filter(|line| line.contains(word)).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(calls("execve(").len(), 1, "no other program is run");
    assert!(calls("chroot(").len() > 2, "into the root, and out of it for the archive");
    assert_eq!(calls("socket(").len() + calls("connect(").len(), 0, "nobody is spoken to");
    // Between the leaving and the entering again, files are only read.
    let mut is_outside = true;
    for line in trace.lines() {
        if line.contains("chroot(") {
            is_outside = !is_outside;
        }
        let writes = [
            "O_WRONLY", "O_RDWR", "O_CREAT", "rename", "unlink", "mkdir", "symlink", "link(", "chmod",
            "chown", "mount(",
        ];
        let is_write = writes.iter().any(|word| line.contains(word)) && !line.contains("readlink");
        assert!(!(is_outside && is_write), "{line}");
    }
}

#[test]
fn what_is_no_root_or_cannot_be_one_is_refused() {
    let suite = Suite::Bookworm;
    let machine = builder(suite);
    machine.ok("mkdir /srv/empty");
    let archive = Node::archive(suite);
    let before = machine.own_snapshot();
    for (root, code, words) in [
        ("/", 2, "is the root of this machine"),
        ("/srv/not-there", 2, "/srv/not-there cannot be entered"),
        ("/etc/hostname", 2, "is not a directory"),
        ("/srv/empty", 2, "it has no /etc/os-release"),
    ] {
        let refused = machine.report(&["docker", "--root", root, "--archive", &archive]);
        assert!(refused.code == code && refused.error().contains(words), "{root}: {refused}");
    }
    for command in [&["docker", "repair"][..], &["docker", "fetch"], &["docker", "versions"]] {
        let refused = machine.report(&[command, &["--root", ROOT]].concat());
        assert_eq!(refused.code, 2, "{refused}");
    }
    let missing = machine.report(&["docker", "--root", ROOT]);
    assert!(missing.code == 3 && missing.error().contains("node-setup docker fetch"), "{missing}");
    machine.must_differ_only(&before, &[]);

    let locked = machine
        .report_in(&format!("flock {ROOT} \"$@\""), &["docker", "--root", ROOT, "--archive", &archive]);
    assert_eq!(locked.code, 75, "{locked}");
}

#[test]
fn a_root_for_another_architecture_gets_what_is_for_it() {
    let suite = Suite::Bookworm;
    let machine = builder(suite);
    let is_for_aarch64 =
        |path: &str| format!("printf '\\267\\000' | dd of={path} bs=1 seek=18 conv=notrunc status=none");
    machine.ok(&is_for_aarch64(&format!("{ROOT}/lib/systemd/systemd")));
    let before = listing(&machine, ROOT);
    assert_eq!(bake(&machine, suite, &[]).refusals(), ["program-architecture"]);
    machine.ok(&is_for_aarch64(&format!("{ROOT}/usr/bin/node-setup")));
    let foreign = bake(&machine, suite, &[]);
    assert_eq!(foreign.refusals(), ["archive-binary"], "{foreign}");
    assert!(foreign.error().contains("is for x86_64, and this root is aarch64"), "{foreign}");
    assert_eq!(difference(&before, &listing(&machine, ROOT)), [""; 0]);

    let archive = Node::archive(suite);
    machine.ok(&format!(
        "cd /srv && tar -xzf {archive} && for program in docker/*; do {}; done && tar -czf {archive} docker",
        is_for_aarch64("$program")
    ));
    let baked = bake(&machine, suite, &[]);
    baked.must_be("changed", 0);
    machine.ok(&format!("cmp {ROOT}/opt/k8s/bin/node-setup-guard {ROOT}/usr/bin/node-setup"));
    assert!(machine.report(&["docker", "verify", "--root", ROOT]).failing().is_empty());
}

/// What is put into a root has no label until setfiles, or the first boot, gives it one.
#[test]
fn an_image_with_selinux_is_warned_of_and_right_once_it_is_labelled() {
    const CONTEXTS: &str = "/etc/selinux/default/contexts/files/file_contexts";
    let suite = Suite::Bookworm;
    let packages = ["policycoreutils", "selinux-policy-default", "selinux-utils"];
    let machine = with_tree(Node::builder(suite).packages(&packages).boot(), suite);
    machine.introduce("dpkg-query -W -f '${Package} ${Version}' policycoreutils");
    let label = |node: &Node, path: &str| node.ok(&format!("stat -c %C {path}")).trim().to_owned();
    let [theirs, ours] = ["user_home_t", "bin_t"].map(|kind| format!("system_u:object_r:{kind}:s0"));
    let daemon_json = format!("{ROOT}/etc/docker/daemon.json");
    machine.ok(&format!("mkdir {ROOT}/etc/docker"));
    machine.write(&daemon_json, "{\"debug\": false}\n");
    machine.ok(&format!("chcon {theirs} {daemon_json}"));
    assert!(machine.read(&format!("{ROOT}/etc/selinux/config")).contains("\nSELINUX=permissive"));

    let baked = bake(&machine, suite, &[]);
    baked.must_be("changed", 0);
    assert!(baked.notes("SELinux will be on, and what is put into this root has no label"), "{baked}");
    assert!(baked.json.to_string().contains("before it boots: touch DIR/.autorelabel"), "{baked}");
    let (from, _) = baked.change("file /etc/docker/daemon.json");
    assert!(from.ends_with(" user_home_t"), "{baked}");
    machine.report(&["docker", "remove", "--purge", "--root", ROOT]).must_be("changed", 0);
    assert_eq!(label(&machine, &daemon_json), theirs, "it has come back with its own");

    bake(&machine, suite, &[]).must_be("changed", 0);
    machine.ok(&format!("setfiles -F -r {ROOT} {ROOT}{CONTEXTS} {ROOT} 2>/dev/null"));
    assert!(machine.report(&["docker", "verify", "--root", ROOT]).failing().is_empty());
    let node = Node::builder(suite).of_tree(&tree_of(&machine)).name("labelled").boot();
    node.bring_archive(suite);
    node.ok("mount -t tmpfs none /sys/fs/selinux && echo 1 >/sys/fs/selinux/enforce");
    assert_eq!(label(&node, "/opt/k8s/bin/dockerd"), ours, "a copy of a tree keeps labels");
    node.wait_for("docker answers", Duration::from_secs(30), || {
        node.sh("/opt/k8s/bin/docker info").success()
    });
    node.must_verify();
    node.report(&["docker"]).must_be("unchanged", 0);
}
