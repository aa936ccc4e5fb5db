//! The signed repositories: nodes install from them as README.md says, and refuse what is not as it was signed.
#![allow(missing_docs, reason = "a test's name says it")]

use node_tests::{Node, Output, Repository, SERVED, Suite, TOOLS, readme};

/// Where a key lies that is not theirs.
const ANOTHER_KEY: &str = "/root/another-key.asc";

/// Stands for the distribution, whose iptables and shell the package requires.
const DISTRIBUTION: &str = "mkdir -p /root/rpm && cd /root/rpm
cat >iptables.spec <<'END'
Name: iptables
Version: 1
Release: 1
Summary: What is there already
License: none
Provides: /bin/sh
BuildArch: noarch
%description
%{summary}.
%files
END
rpmbuild -bb --quiet --define '_rpmdir /srv/distribution' iptables.spec && createrepo_c --quiet /srv/distribution
mkdir -p /etc/yum.repos.d /etc/pki/rpm-gpg
cat >/etc/yum.repos.d/distribution.repo <<'END'
[distribution]
name=distribution
baseurl=file:///srv/distribution
gpgcheck=0
END";

/// A way to install, and what it remembers of it.
struct Tool {
    version: &'static str,
    install: String,
    forget: &'static str,
}

/// Turns one byte in the middle of each of these files, whose size stays.
fn turn_a_byte(files: &str) -> String {
    format!(
        "for f in {SERVED}/{files}; do n=$(($(stat -c %s $f) / 2)); b=$(od -An -tu1 -j $n -N 1 $f); \
         printf \"\\\\$(printf %o $(((b + 1) % 256)))\" | dd of=$f bs=1 seek=$n conv=notrunc status=none; done"
    )
}

/// Installs, and then again after each of these was done to the repositories.
fn installs_what_is_signed(node: &Node, tool: &Tool, tampered: &[(String, &str)]) {
    let repository = Repository::get();
    node.serve(repository);
    node.put(repository.another_key(), ANOTHER_KEY);
    node.introduce(tool.version);
    node.ok(&tool.install);
    assert!(node.ok("/usr/bin/node-setup --version").starts_with("node-setup "));
    node.ok("node-setup config check");

    node.ok(&format!("cp -a {SERVED} /root/good"));
    for (tamper, wanted) in tampered {
        node.ok(tool.forget);
        node.ok(tamper);
        let Output { code, stdout, stderr } = node.sh(&tool.install);
        assert!(code != 0 && !node.exists("/usr/bin/node-setup"), "after {tamper}: {stdout}{stderr}");
        assert!((stdout.clone() + &stderr).contains(wanted), "after {tamper}: {stdout}{stderr}");
        node.ok(&format!("find {SERVED} -mindepth 1 -delete && cp -a /root/good/. {SERVED}"));
    }
    node.ok(tool.forget);
    node.ok(&tool.install);
}

fn apt(suite: Suite) {
    let tool = Tool {
        version: "apt-get --version",
        install: format!("set -e\n{}", Node::served(&readme("apt-get update"))),
        forget: "apt-get clean && rm -rf /var/lib/apt/lists && dpkg --purge node-setup",
    };
    let release = format!("{SERVED}/apt/dists/stable");
    let tampered = [
        (turn_a_byte("apt/pool/*.deb"), "Hash Sum mismatch"),
        (turn_a_byte("apt/dists/stable/main/binary-amd64/Packages*"), "Hash Sum mismatch"),
        (
            format!("sed -i 's/^Label: .*/Label: another/' {release}/InRelease {release}/Release"),
            "is not signed",
        ),
        (format!("rm {release}/InRelease {release}/Release.gpg"), "is not signed"),
        (format!("cp {ANOTHER_KEY} {SERVED}/node-setup.asc"), "is not signed"),
    ];
    installs_what_is_signed(&Node::boot(suite), &tool, &tampered);
}

/// With gpgv.
#[test]
fn apt_on_bullseye() {
    apt(Suite::Bullseye);
}

/// With sqv, which is stricter.
#[test]
fn apt_on_forky() {
    apt(Suite::Forky);
}

#[test]
fn dnf() {
    let tool = Tool {
        version: "dnf --version",
        install: format!("set -e\n{}", Node::served(&readme("dnf install"))),
        forget: "dnf remove --quiet --assumeyes node-setup; \
                 rm -rf /var/cache/dnf; rpm -qa gpg-pubkey | xargs -r rpm --erase",
    };
    let tampered = [
        (turn_a_byte("yum/packages/*.rpm"), "Cannot download"),
        (turn_a_byte("yum/repodata/*-primary.xml.gz"), "checksum doesn't match"),
        (format!("sed -i 's/<revision>/<revision>1/' {SERVED}/yum/repodata/repomd.xml"), "Bad GPG signature"),
        (format!("rm {SERVED}/yum/repodata/repomd.xml.asc"), "GPG signature is not available"),
        (format!("cp {ANOTHER_KEY} {SERVED}/node-setup.asc"), "Bad GPG signature"),
    ];
    let node = Node::builder(Suite::Trixie).packages(&TOOLS).boot();
    node.ok(DISTRIBUTION);
    installs_what_is_signed(&node, &tool, &tampered);

    assert_eq!(node.unit("node-setup-verify.timer", "UnitFileState"), "disabled", "nobody has turned it on");
    node.ok("systemctl -q enable --now node-setup-verify.timer");
    node.ok(tool.forget);
    assert_eq!(node.unit("node-setup-verify.timer", "ActiveState"), "inactive");
    assert_eq!(node.ok("find /etc/systemd -name 'node-setup-verify*'"), "");
}
