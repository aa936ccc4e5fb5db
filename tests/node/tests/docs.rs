//! Every command of the documents is typed, and what they say of the guide is what a node gets. README's are typed by
//! the tests of what they are about.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::collections::BTreeSet;
use std::path::Path;

use node_tests::{CHINESE, Node, Output, Suite, blocks, document, inline, told, typed};

/// What is typed on a worker that becomes one with docker 20.10.24, in this order; and the exit code.
const AT_WORK: &[(&str, i32)] = &[
    ("node-setup docker preflight", 0),
    ("node-setup docker --archive /root/docker-20.10.24.tgz", 0),
    ("node-setup docker plan", 0),
    ("node-setup docker", 0),
    ("node-setup explain guide-order", 0),
    ("node-setup explain", 0),
    ("node-setup explain NAME", 0),
    ("node-setup config check", 0),
    ("node-setup config show", 0),
    ("node-setup docker status", 0),
    ("node-setup docker status -v", 0),
    ("node-setup docker verify --deep", 0),
    ("node-setup metrics", 0),
    ("node-setup metrics -", 0),
    ("node-setup metrics FILE", 0),
    ("node-setup support", 0),
    ("node-setup support /root/ticket.tar.gz", 0),
    ("tar -xzOf /root/ticket.tar.gz --wildcards '*/manifest.json'", 0),
    ("node-setup docker versions", 0),
    ("node-setup docker plan --archive /root/docker-28.5.2.tgz", 0),
    ("node-setup docker --archive /root/docker-28.5.2.tgz", 0),
    ("node-setup docker verify", 0),
    ("systemctl restart docker", 0),
    ("journalctl --no-pager --unit=docker --lines=50", 0),
    ("systemctl reset-failed docker", 0),
    ("node-setup docker history", 0),
    ("node-setup docker rollback --dry-run", 0),
    ("node-setup docker rollback", 0),
    ("node-setup docker --archive docker-VERSION.tgz", 0),
    ("node-setup docker recover", 0),
    ("node-setup docker repair --dry-run", 0),
    ("node-setup docker repair", 0),
    ("node-setup docker repair --force", 0),
    ("node-setup docker remove --dry-run", 0),
    ("node-setup docker remove", 0),
    ("node-setup docker remove --purge", 0),
];

/// Typed by other tests: blocks that are no commands, what is told of Prometheus, and images.
const ELSEWHERE: &[&str] = &["docs/fleet.md", "docs/images.md", "docs/upgrade.md"];

/// What people write in place of a name.
fn filled(line: &str) -> String {
    line.replace("NAME", "forward-policy").replace("FILE", "/root/a.prom").replace("VERSION", "28.5.2")
}

fn type_on(node: &Node, line: &str, code: i32) -> Output {
    let output = node.sh(&format!("cd /root && {}", filled(told(line))));
    assert_eq!(output.code, code, "{line}: {output:?}");
    output
}

#[test]
fn what_is_typed_at_work() {
    let node = Node::builder(Suite::Forky).worker();
    node.bring_archive(Suite::Bookworm);
    for (line, code) in AT_WORK {
        let output = type_on(&node, line, *code);
        match *line {
            "node-setup docker --archive /root/docker-20.10.24.tgz" => as_the_guide_has_it(&node),
            "node-setup support /root/ticket.tar.gz" => {
                assert!(output.stdout.ends_with("/root/ticket.tar.gz\n"), "{output:?}");
            }
            line if line.starts_with("tar ") => assert!(output.stdout.contains("\"missing\""), "{output:?}"),
            "node-setup docker remove" => assert!(node.exists("/data/k8s/docker/data"), "the data are gone"),
            _ => {}
        }
    }
    assert!(!node.exists("/data/k8s/docker/data"), "--purge leaves the data");
}

/// Whoever adds a command to a document adds it above, too.
#[test]
fn every_command_is_typed() {
    let typed = |line: &str| AT_WORK.iter().any(|(other, _)| *other == line);
    for name in ["docs/guide.md", "docs/decisions.md", "docs/operations.md"] {
        for line in
            blocks(document(name)).flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>())
        {
            assert!(typed(&line), "{name}: nobody types {line}");
        }
    }
    for (name, text) in
        node_tests::DOCUMENTS.iter().filter(|(name, _)| !["README.md", "docs/images.md"].contains(name))
    {
        for line in inline(text) {
            assert!(typed(line), "{name}: nobody types {line}");
        }
    }
    let has_commands = |name: &&str| blocks(document(name)).next().is_some();
    assert!(ELSEWHERE.iter().all(has_commands), "one of {ELSEWHERE:?} has no commands any more");
}

/// The same is typed, in the same order; what is named in the text is the same, too.
#[test]
fn the_chinese_readme_has_the_commands_of_the_other() {
    let is_printed = |block: &String| block.starts_with(' ');
    let of = |text: &str| -> Vec<Vec<String>> {
        let blocks = blocks(text).filter(|block| !is_printed(block));
        blocks.map(|block| typed(&block).into_iter().map(str::to_owned).collect()).collect()
    };
    let english = document("README.md");
    assert!(of(english).len() > 15, "the blocks of README.md are not read any more");
    assert_eq!(of(CHINESE), of(english));
    let commands = |text: &'static str| inline(text).collect::<BTreeSet<_>>();
    let apart: Vec<_> = commands(CHINESE).symmetric_difference(&commands(english)).copied().collect();
    // The Chinese one sends its readers to the pages that the program has in Chinese.
    assert_eq!(apart, ["node-setup explain"]);
    let links = |text: &'static str| -> BTreeSet<&str> {
        text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
    };
    let apart: Vec<_> = links(CHINESE).symmetric_difference(&links(english)).copied().collect();
    assert_eq!(apart, ["README.md", "README.zh.md", "docs/explain.md"]);
}

/// Both packages bring what is for whoever runs the program.
#[test]
fn packages_bring_the_documents() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect(path);
    let (deb, rpm) = (read("debian/node-setup.docs"), read("rpm/node-setup.spec"));
    let files = std::fs::read_dir(root.join("docs")).expect("there is docs").flatten();
    let names = files.map(|file| format!("docs/{}", file.file_name().display()));
    // Its figures are of whoever works on the program.
    let readmes = ["README.md", "README.zh.md"].map(str::to_owned);
    for name in names.filter(|name| name != "docs/performance.md").chain(readmes) {
        assert!(deb.lines().any(|line| line == name), "debian/node-setup.docs lacks {name}");
        assert!(rpm.contains(&format!(" {name} ")), "rpm/node-setup.spec lacks {name}");
    }
}

/// The rows of the tables below a heading, cell by cell.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = document("docs/guide.md");
    let section =
        text.split("\n## ").find(|section| section.starts_with(heading)).expect("a heading of that name");
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// What stands in a cell as code.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The lines of the unit, the keys of daemon.json and those of kubernetes.conf; and that each page is there.
fn as_the_guide_has_it(node: &Node) {
    let unit = node.read("/etc/systemd/system/docker.service");
    for row in rows("docker.service").into_iter().skip(1) {
        let ours =
            if row[1].starts_with("the same") { format!("{} {}", row[0], row[1]) } else { row[1].clone() };
        for line in code(&ours).filter(|line| line.contains('=')) {
            // A part of the guide's line that is not the same everywhere is left out with three dots.
            let (start, end) = line.split_once('…').unwrap_or((line, ""));
            let found = |other: &str| other.starts_with(start) && other.contains(end.trim_end_matches('"'));
            assert!(unit.lines().any(found), "docker.service has no {line}:\n{unit}");
        }
    }
    let daemon = node.read("/etc/docker/daemon.json");
    let kernel = node.read("/etc/sysctl.d/kubernetes.conf");
    let keys =
        |text: &str, key: &str| text.contains(&format!("\"{key}\"")) || text.contains(&format!("{key} ="));
    for (heading, text) in [("daemon.json", &daemon), ("Start, and sysctl", &kernel)] {
        for row in rows(heading) {
            let is_key = |key: &&str| {
                let is_sysctl = key.split('.').count() > 2 && !key.contains(['/', ' ']);
                let is_daemons = key.contains('-') || *key == "debug";
                if heading == "daemon.json" { is_daemons && !key.contains([' ', '/']) } else { is_sysctl }
            };
            for key in code(&row[0]).filter(is_key) {
                let (wanted, is_there) = (row[1].starts_with("the same"), keys(text, key));
                assert!(
                    wanted == is_there || is_shared(node, key),
                    "{key}: {is_there}, not {wanted}:\n{text}"
                );
            }
        }
    }
    let mut pages = BTreeSet::new();
    for heading in ["docker.service", "daemon.json", "Firewall", "Start, and sysctl", "Checks"] {
        let last = |row: &Vec<String>| row.last().and_then(|cell| Some(code(cell).next()?.to_owned()));
        pages.extend(rows(heading).iter().filter_map(last));
    }
    assert!(pages.len() > 15, "the pages are not read any more: {pages:?}");
    for page in pages {
        assert!(node.node_setup(&["explain", &page]).success(), "there is no page on {page}");
    }
}

/// A limit that this machine has higher already is not in the file.
fn is_shared(node: &Node, key: &str) -> bool {
    let value = node.sh(&format!("sysctl -n {key}")).stdout;
    (key.starts_with("fs.") || key.ends_with("conntrack_max")) && !value.is_empty()
}

/// `make …` and `cargo …` are those of the repository; a testbed is what it is for.
#[test]
fn what_is_typed_by_who_contributes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let makefile = std::fs::read_to_string(root.join("Makefile")).expect("there is a Makefile");
    let name = format!("docs-{}", std::process::id());
    let lines: Vec<String> = blocks(document("CONTRIBUTING.md"))
        .flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!(lines.len() > 10, "{lines:?}");
    for line in &lines {
        if let Some(target) = line.strip_prefix("make ") {
            assert!(
                makefile.lines().any(|other| other.starts_with(&format!("{target}:"))),
                "no target for {line}"
            );
        } else if let Some((_, test)) = line.split_once("--test ") {
            assert!(root.join(format!("tests/node/tests/{test}.rs")).exists(), "{line}");
        } else if let Some(rest) = line.strip_prefix("target/debug/testbed ") {
            let command = format!("{} {}", env!("CARGO_BIN_EXE_testbed"), rest.replace("w1", &name));
            let output = std::process::Command::new("sh").args(["-c", &command]).output().expect("a shell");
            assert!(output.status.success(), "{line}: {output:?}");
        } else {
            assert!(
                line.starts_with("cargo build --package ") || line.starts_with("cargo test --package "),
                "{line}"
            );
        }
    }
}
