use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Environment {
    text.parse().unwrap()
}

fn known(value: &str, line: usize) -> Assigned {
    Assigned { value: Value::Known(value.to_owned()), line }
}

#[test]
fn an_assignment_is_read_as_bash_would() {
    for (text, expected) in [
        ("DOCKER_DIR=/data", Some(known("/data", 1))),
        ("export DOCKER_DIR=/data # where", Some(known("/data", 1))),
        ("DOCKER_DIR='/data' ; X=1", Some(known("/data", 1))),
        ("\n\n  DOCKER_DIR=\"/data/k8s/docker\"\n", Some(known("/data/k8s/docker", 3))),
        ("DOCKER_DIR=/a\nDOCKER_DIR=/b", Some(known("/b", 2))),
        ("DOCKER_DIR=/a\"/b\"'/c'\\ d", Some(known("/a/b/c d", 1))),
        ("DOCKER_DIR=\"/a\\\n/b\"", Some(known("/a/b", 1))),
        ("DOCKER_DIR=/a\\\n/b", Some(known("/a/b", 1))),
        ("DOCKER_DIR=\"a\\$b\\x\\\"\"", Some(known("a$b\\x\"", 1))),
        ("DOCKER_DIR=/a#b", Some(known("/a#b", 1))),
        ("DOCKER_DIR=", Some(known("", 1))),
        ("declare -x DOCKER_DIR=/a", Some(known("/a", 1))),
        ("readonly DOCKER_DIR=/a", Some(known("/a", 1))),
        ("BASE=/data\nDOCKER_DIR=$BASE/k8s", Some(known("/data/k8s", 2))),
        ("BASE=/data\nDOCKER_DIR=\"${BASE}_x\"", Some(known("/data_x", 2))),
        ("BASE=/data\nDOCKER_DIR='$BASE'", Some(known("$BASE", 2))),
        ("BASE=/data; DOCKER_DIR=/x\nDOCKER_DIR+=/y", Some(known("/x/y", 2))),
        ("A=1 DOCKER_DIR=/a$A", Some(known("/a1", 1))),
        ("DOCKER_DIR=/a\r\n", Some(known("/a\r", 1))),
        ("cat >/x <<EOF\nDOCKER_DIR=/no 'quote\nEOF\nDOCKER_DIR=/a", Some(known("/a", 4))),
        ("cat <<-'E' 2>&1\n\tDOCKER_DIR=/no\n\tE\nDOCKER_DIR=/a", Some(known("/a", 4))),
        ("DOCKER_DIR=/a\necho DOCKER_DIR=/b", Some(known("/a", 1))),
        ("DOCKER_DIR=/a\nDOCKER_DIR=/b make", Some(known("/a", 1))),
        ("DOCKER_DIR=/a\n# DOCKER_DIR=/b", Some(known("/a", 1))),
        ("LIST=(a 'b)' # it's\n c)\nDOCKER_DIR=/a", Some(known("/a", 3))),
        ("if true; then X=1; fi\nDOCKER_DIR=/a", Some(known("/a", 2))),
        ("case $X in a) Y=1;; esac\nDOCKER_DIR=/a", Some(known("/a", 2))),
        ("f() { X=1; }\nDOCKER_DIR=/a", Some(known("/a", 2))),
        ("KEY=$(head -c 32 /dev/urandom | base64 \")\" )\nDOCKER_DIR=/a", Some(known("/a", 2))),
        ("true && X=1\nDOCKER_DIR=/a", Some(known("/a", 2))),
        ("true && (X=1)\n\nDOCKER_DIR=/a", Some(known("/a", 3))),
        ("sleep 0 &\nDOCKER_DIR=/a", Some(known("/a", 2))),
        ("MY_DOCKER_DIR=/a", None),
        ("DOCKER_DIR=/a\nunset DOCKER_DIR", None),
        ("DOCKER_DIR", None),
        ("export DOCKER_DIR", None),
    ] {
        assert_eq!(read(text).get("DOCKER_DIR").cloned(), expected, "{text}");
    }
}

#[test]
fn what_only_bash_could_tell_is_unknown() {
    for text in [
        "DOCKER_DIR=$(pwd)",
        "DOCKER_DIR=`pwd`",
        "DOCKER_DIR=\"/a/$(hostname)\"",
        "DOCKER_DIR=$ELSEWHERE/docker",
        "DOCKER_DIR=${BASE:-/data}",
        "DOCKER_DIR=$((1 + 1))",
        "DOCKER_DIR=$'/a\\tb'",
        "DOCKER_DIR=/a$1",
        "DOCKER_DIR=~/docker",
        "DOCKER_DIR=(/a /b)",
        "DOCKER_DIR[0]=/a",
        "DOCKER_DIR+=/a",
        "declare -i DOCKER_DIR=1+1",
        "if true; then DOCKER_DIR=/a; fi",
        "[ -d /a ] && DOCKER_DIR=/a",
        "true ||\\\n DOCKER_DIR=/a",
        "false &&\n\n DOCKER_DIR=/a",
        "(DOCKER_DIR=/a)",
        "DOCKER_DIR=/a | cat",
        "DOCKER_DIR=/a &",
        "DOCKER_DIR=/a && true &",
        "export X=/a DOCKER_DIR=$X",
        "export DOCKER_DIR=/{a,b}",
        "f() {\n DOCKER_DIR=/a\n}",
        "case x in x) DOCKER_DIR=/a;; esac",
        "for i in 1 2; do DOCKER_DIR=/a; done",
        "BASE=/a\nfalse && BASE=/b; DOCKER_DIR=$BASE",
        "BOOTSTRAP_TOKEN=abc; DOCKER_DIR=$BOOTSTRAP_TOKEN",
        "DOCKER_DIR=/a; false && unset DOCKER_DIR",
    ] {
        let environment = read(text);
        let assigned = environment.get("DOCKER_DIR").unwrap_or_else(|| panic!("{text}"));
        assert_eq!(assigned.value, Value::Unknown, "{text}");
    }
    assert_eq!(
        read("\nDOCKER_DIR=$(\npwd)").get("DOCKER_DIR").cloned(),
        Some(Assigned { value: Value::Unknown, line: 2 })
    );
}

#[test]
fn what_never_ends_is_an_error_with_its_line() {
    for text in ["\nA='x\n", "\nA=\"x\n", "\nA=$(x\n", "\nA=(x\n\n", "\nA=`x\n", "\nA=${x\n", "\nA=$'x\n"] {
        assert_eq!(text.parse::<Environment>(), Err(Malformed { line: 2 }), "{text}");
    }
}

const GUIDE: &str = r#"#!/usr/bin/bash

# a key
export ENCRYPTION_KEY=$(head -c 32 /dev/urandom | base64)
export NODE_IPS=(172.27.137.240 172.27.137.239)
BOOTSTRAP_TOKEN="41f7e4ba8b7be874fcff18bf5cf41a7c"
OTHER_PASSWORD='41f7e4ba8b7be874fcff18bf5cf41a7c'
PLAIN=41f7e4ba8b7be874fcff18bf5cf41a7c
export IFACE="eth0"
export DOCKER_DIR="/data/k8s/docker"
K8S_DIR="/data/k8s/k8s"
SERVICE_CIDR="10.254.0.0/16"
CLUSTER_CIDR="172.30.0.0/16"
export FLANNEL_ETCD_PREFIX="/kubernetes/network"
export PATH=/opt/k8s/bin:$PATH
"#;

#[test]
fn the_guides_file_gives_its_names_and_no_secret() {
    let environment = read(GUIDE);
    for (name, value, line) in [
        ("IFACE", "eth0", 9),
        ("DOCKER_DIR", "/data/k8s/docker", 10),
        ("K8S_DIR", "/data/k8s/k8s", 11),
        ("SERVICE_CIDR", "10.254.0.0/16", 12),
        ("CLUSTER_CIDR", "172.30.0.0/16", 13),
        ("FLANNEL_ETCD_PREFIX", "/kubernetes/network", 14),
    ] {
        assert_eq!(environment.get(name).cloned(), Some(known(value, line)), "{name}");
    }
    for name in ["BOOTSTRAP_TOKEN", "ENCRYPTION_KEY", "OTHER_PASSWORD", "PLAIN", "PATH", "NODE_IPS"] {
        assert_eq!(environment.get(name), None, "{name}");
    }
    assert!(!format!("{environment:?}").contains("41f7"));
    let error = format!("{GUIDE}X='41f7").parse::<Environment>().unwrap_err();
    assert!(!format!("{error:?} {error}").contains("41f7"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*", shell in "([A-Z_]{1,3}\\+?=|[a-z ;&|<>(){}$\"'`\\\\\n#~-]){0,40}") {
        let _ = text.parse::<Environment>();
        let _ = shell.parse::<Environment>();
    }

    #[test]
    fn a_quoted_value_is_itself(value in "[^'\0]*") {
        let environment = read(&format!("DOCKER_DIR='{value}'\n"));
        prop_assert_eq!(environment.get("DOCKER_DIR").cloned(), Some(known(&value, 1)));
    }

    #[test]
    fn no_other_name_is_kept(name in "[A-Z][A-Z_]{0,12}", value in "[a-z0-9]{12}") {
        prop_assume!(!NAMES.contains(&name.as_str()));
        let environment = read(&format!("export {name}={value}\n"));
        let shown = format!("{environment:?}");
        prop_assert!(!shown.contains(&value));
    }
}
