//! What is printed: one JSON document that keeps the contract, or a page that fits.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::path::Path;

use node_tests::{Node, Output, Report, Suite};
use serde_json::Value;

const SUITE: Suite = Suite::Bookworm;

fn must_keep_the_contract(report: &Report, command: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/schema/report.schema.json");
    let text = std::fs::read_to_string(path).expect("the schema is shipped");
    let schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let errors: Vec<String> = validator.iter_errors(&report.json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{}\n{report}", errors.join("\n"));
    assert_eq!(report.text("/command"), command, "{report}");
    assert_eq!(report.json["schema"], 1, "{report}");
    assert!(report.json["duration_ms"].is_u64(), "{report}");
}

#[test]
fn json_of_a_bare_node() {
    let node = Node::worker(SUITE);
    let archive = Node::archive(SUITE);
    let before = node.own_snapshot();

    let plan = node.report(&["docker", "plan", "--archive", &archive]);
    plan.must_be("planned", 0);
    must_keep_the_contract(&plan, "docker plan");
    node.report(&["docker", "plan", "--exit-code", "--archive", &archive]).must_be("planned", 6);
    let dry = node.report(&["docker", "--dry-run", "--archive", &archive]);
    dry.must_be("planned", 0);
    assert_eq!((dry.changes(), dry.text("/command")), (plan.changes(), "docker plan"));
    let verify = node.report(&["docker", "verify"]);
    assert_eq!(verify.code, 5, "a bare node is not a worker: {verify}");
    must_keep_the_contract(&verify, "docker verify");
    must_keep_the_contract(&node.report(&["docker", "status"]), "docker status");
    node.must_be_untouched_since(&before);

    let run = node.install(SUITE);
    run.must_be("changed", 0);
    must_keep_the_contract(&run, "docker");
    // What the kernel refuses is planned and not made; what systemd does by itself is planned and found done.
    let kept =
        |change: &String| !change.starts_with("sysctl ") && !change.ends_with("node-setup-guard.service");
    let only = |report: &Report| -> Vec<String> { report.changes().into_iter().filter(kept).collect() };
    assert_eq!(only(&run), only(&plan), "the run did something else than was planned");
    let of_daemon_json = run.json["changes"].as_array().expect("a list").iter();
    let mut of_daemon_json = of_daemon_json.filter(|change| change["on"] == "/etc/docker/daemon.json");
    let diff = of_daemon_json.next().and_then(|change| change["diff"].as_str()).unwrap_or_default();
    assert!(diff.contains("+  \"live-restore\": true"), "no diff of daemon.json: {diff:?}\n{run}");
    node.report(&["docker", "plan", "--exit-code", "--archive", &archive]).must_be("unchanged", 0);
}

#[test]
fn json_of_every_command() {
    let node = Node::installed(SUITE);
    for (args, command) in [
        (&["docker"][..], "docker"),
        (&["docker", "preflight"], "docker preflight"),
        (&["explain"], "explain"),
        (&["support", "/tmp/x.tar.gz"], "support"),
        (&["explain", "exit-3"], "explain"),
        (&["docker", "plan"], "docker plan"),
        (&["docker", "verify"], "docker verify"),
        (&["docker", "verify", "--deep"], "docker verify"),
        (&["docker", "status"], "docker status"),
        (&["config", "show"], "config show"),
        (&["config", "check"], "config check"),
    ] {
        let report = node.report(args);
        assert_eq!(report.code, 0, "{report}");
        must_keep_the_contract(&report, command);
        assert_eq!(report.stderr, "", "with --output json there is nothing more to say: {report}");
    }
    let status = node.report(&["docker", "status"]);
    assert_eq!(status.text("/status/installed"), SUITE.docker_version(), "{status}");
    assert!(status.json["status"]["owned"].as_array().is_some_and(|owned| owned.len() > 10), "{status}");

    let refused = node.report(&["docker", "--archive", "/nowhere/docker-20.10.24.tgz"]);
    refused.must_be("refused", 3);
    must_keep_the_contract(&refused, "docker");
    let misconfigured = node.report(&["docker", "plan", "--config", "/nowhere.toml"]);
    misconfigured.must_be("refused", 2);
    must_keep_the_contract(&misconfigured, "docker plan");

    node.ok("systemctl stop docker && mkdir /etc/systemd/system/docker.service.d && \
             printf '[Service]\\nExecStartPre=/bin/false\\n' >/etc/systemd/system/docker.service.d/x.conf && \
             systemctl daemon-reload");
    let failed = node.report(&["docker"]);
    failed.must_be("restored", 1);
    must_keep_the_contract(&failed, "docker");
    assert!(!failed.error().is_empty(), "{failed}");
}

fn run(node: &Node, args: &[&str], env: &[(&str, &str)]) -> Output {
    node.sh_env(&format!("node-setup {}", args.join(" ")), env)
}

#[test]
fn pages_of_a_bare_node() {
    let node = Node::worker(SUITE);
    let archive = Node::archive(SUITE);
    let plan = ["docker", "plan", "--archive", &archive];
    for args in [
        &plan[..],
        &["docker", "preflight"],
        &["explain"],
        &["docker", "verify"],
        &["docker", "status"],
        &["config", "show"],
        &["docker", "--help"],
    ] {
        no_escapes(&run(&node, args, &[]), args);
        no_escapes(&run(&node, args, &[("NO_COLOR", "1"), ("TERM", "xterm")]), args);
    }
    for args in [
        &plan[..],
        &["docker", "verify"],
        &["docker", "preflight"],
        &["docker", "preflight", "-v"],
        &["explain"],
        &["support", "/tmp/x.tar.gz", "-v"],
    ] {
        fits(&run(&node, args, &[("COLUMNS", "60")]), args);
        let coloured = run(&node, &[args, &["--color", "always"]].concat(), &[("NO_COLOR", "1")]);
        assert!(coloured.stdout.contains("\u{1b}["), "--color always: {args:?}: {coloured:?}");
    }
    let verify = run(&node, &["docker", "verify"], &[]);
    assert!(verify.stdout.contains("node-setup docker"), "no way out is named: {}", verify.stdout);
}

#[test]
fn pages_of_a_worker() {
    let node = Node::worker(SUITE);
    let first = run(&node, &["docker", "--archive", &Node::archive(SUITE)], &[("COLUMNS", "60")]);
    assert_eq!(first.code, 0, "{first:?}");
    no_escapes(&first, &["docker"]);
    for args in [&["docker"][..], &["docker", "verify"], &["docker", "plan"]] {
        fits(&run(&node, args, &[("COLUMNS", "60")]), args);
        let quiet = run(&node, &[args, &["-q"]].concat(), &[]);
        assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (0, "", ""), "-q: {args:?}");
        let verbose = run(&node, &[args, &["-v"]].concat(), &[]);
        assert!(verbose.code == 0 && !verbose.stdout.is_empty(), "-v: {args:?}: {verbose:?}");
    }
    let closed = node.sh(
        "mkfifo /run/p && exec 3<>/run/p 4>/run/p 3<&- && rm /run/p && node-setup config show --output json >&4",
    );
    assert_eq!((closed.code, closed.stderr.as_str()), (0, ""), "a reader that has gone away: {closed:?}");
    no_room(&node);
    node.ok("systemctl stop docker");
    let quiet = run(&node, &["docker", "verify", "-q"], &[]);
    assert!(quiet.code == 5 && quiet.stdout.contains("docker"), "-q hides what is wrong: {quiet:?}");
}

/// Who only asks and gets no answer is told so by the code; after a change it goes on telling about the node.
fn no_room(node: &Node) {
    let pending = "sysctl -qw net.ipv4.ip_forward=0 && node-setup docker --output json";
    for (command, code) in [
        ("node-setup config show", 1),
        ("node-setup docker verify --output json", 1),
        ("node-setup completions bash", 1),
        ("node-setup docker", 1),
        (pending, 0),
    ] {
        let full = node.sh(&format!("{command} >/dev/full"));
        assert_eq!(full.code, code, "{command}: {full:?}");
        let is_said = full.stderr.contains("cannot write stdout") && full.stderr.contains("No space left");
        assert!(is_said, "{command}: {full:?}");
    }
}

fn no_escapes(output: &Output, args: &[&str]) {
    let Output { stdout, stderr, .. } = output;
    assert!(
        !stdout.contains('\u{1b}') && !stderr.contains('\u{1b}'),
        "{args:?}: escapes in a pipe: {output:?}"
    );
}

/// A line may be wider than the terminal only where a word that cannot be broken begins within it. The lines of a diff
/// are those of the file.
fn fits(output: &Output, args: &[&str]) {
    let is_diff = |line: &&str| line.trim_start().starts_with(['+', '-', '@']);
    let breakable = |line: &&str| {
        line.trim_end().char_indices().nth(60).is_some() && {
            let last = line.trim_end().rsplit(' ').next().unwrap_or_default();
            line.trim_end().chars().count() - last.chars().count() > 60
        }
    };
    let wide: Vec<&str> = output.stdout.lines().filter(|line| !is_diff(line)).filter(breakable).collect();
    assert!(wide.is_empty(), "{args:?}: wider than 60 columns:\n{}", wide.join("\n"));
}

#[test]
fn completions() {
    let node = Node::boot(SUITE);
    for (shell, words) in
        [("bash", "complete -F "), ("zsh", "#compdef node-setup"), ("fish", "complete -c node-setup")]
    {
        let output = node.node_setup(&["completions", shell]);
        assert!(output.success() && output.stdout.contains(words), "{shell}: {output:?}");
        assert!(output.stdout.contains("archive"), "{shell}: no flags in it");
    }
    node.ok("node-setup completions bash >/tmp/completions && bash -n /tmp/completions");
}
