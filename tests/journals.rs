//! Journals that released forms of node-setup wrote, read for ever.
//!
//! Each directory below `tests/fixtures/journal/schema-N` has the journals of one node, as they were written on it, and
//! `receipt.txt`: what they say together. `forms` is made by hand, of what those nodes had no occasion for. Neither is
//! ever changed: a form that is new gets a directory of its own.

#![expect(clippy::disallowed_methods, reason = "tests arrange the world they look at")]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its node up has failed")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use node_setup::change::Step;
use node_setup::host::{Backend, Family, Whose};
use node_setup::journal::{End, Record, SCHEMA, parse, read_all};
use node_setup::receipt::Receipt;
use node_setup::resource::{
    BridgeState, ChainsState, Enablement, FileState, HairpinState, ModuleState, PolicyState, Readiness,
    RemainsState, RuleState, SysctlState, TableState, TreeState,
};

fn fixtures(schema: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/journal/schema-{schema}"))
}

fn nodes() -> Vec<PathBuf> {
    let all = (1..=SCHEMA).flat_map(|schema| fs::read_dir(fixtures(schema)).unwrap());
    let mut nodes: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    nodes.sort();
    nodes
}

#[test]
fn every_journal_says_what_it_always_said() {
    for node in nodes() {
        let told = tell(&Receipt::read(&node).unwrap());
        let expected = fs::read_to_string(node.join("receipt.txt")).unwrap_or_default();
        assert_eq!(told, expected, "{}", node.display());
    }
}

/// All that a receipt says.
fn tell(receipt: &Receipt) -> String {
    let mut text = String::new();
    let docker = receipt.docker().map_or_else(|| "-".to_owned(), |docker| docker.version.to_string());
    let keys: Vec<_> = receipt.daemon_keys().into_iter().collect();
    writeln!(text, "docker {docker}\nkeys {}", keys.join(" ")).unwrap();
    for step in receipt.all_owned() {
        writeln!(text, "owned {}", line(step)).unwrap();
    }
    for attempt in receipt.unfinished().map_or(&[][..], |run| &run.attempts) {
        let done = if attempt.is_done { ", done" } else { "" };
        writeln!(text, "unfinished {}{done}", line(&attempt.step)).unwrap();
    }
    for run in receipt.runs() {
        let (name, end) = (run.path.file_stem().unwrap().display(), run.end.map_or("-", End::word));
        let docker =
            run.begin.docker.as_ref().map_or_else(|| "-".to_owned(), |docker| docker.version.to_string());
        writeln!(text, "run {name} {}, {end}, {} done, docker {docker}", run.begin.command, run.done.len())
            .unwrap();
    }
    for run in receipt.undoable() {
        let names: Vec<String> = run.steps.iter().map(|step| step.name().to_string()).collect();
        writeln!(text, "undoable {}: {}", run.begin.command, names.join(", ")).unwrap();
    }
    text
}

fn line(step: &Step) -> String {
    format!("{}: {} -> {}", step.name(), step.from(), step.to())
}

/// A field that was renamed and has a default would be read over otherwise.
#[test]
fn nothing_in_a_journal_is_read_over() {
    for node in nodes() {
        for (path, records) in read_all(&node).unwrap() {
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            for (line, record) in lines.zip(records) {
                assert_eq!(serde_json::to_value(&record).unwrap(), line, "{}", path.display());
            }
        }
    }
}

/// Every form is in some fixture. A form that is added here needs a journal that has it.
#[test]
fn every_form_has_been_written() {
    let mut forms = BTreeSet::new();
    for node in nodes() {
        for (_, records) in read_all(&node).unwrap() {
            for record in &records {
                of_record(record, &mut forms);
            }
        }
    }
    let expected: BTreeSet<&str> = FORMS.into_iter().flat_map(str::split_whitespace).collect();
    assert_eq!(forms, expected);
}

const FORMS: [&str; 11] = [
    "begin inherited intend found done refused undone end-completed end-restored end-partial end-resumed",
    "file-absent file-directory file-symlink file-regular file-labelled",
    "tree-absent tree-present module-unloaded module-loaded module-used module-unneeded",
    "sysctl-absent sysctl-value",
    "table-empty table-rules policy-accept policy-drop rule-absent rule-present",
    "unit-dangling unit-disabled unit-enabled unit-masked",
    "remains-none remains-rules of-docker of-ufw hairpin-off hairpin-on",
    "bridge-as-told bridge-other chains-whole chains-lacking",
    "ready-job ready-api unit-hanging",
    "nft legacy",
    "ipv4 ipv6",
];

fn of_record(record: &Record, forms: &mut BTreeSet<&'static str>) {
    let (word, step) = match record {
        Record::Begin(_) => ("begin", None),
        Record::Inherited { step } => ("inherited", Some(step)),
        Record::Intend(step) => ("intend", Some(step)),
        Record::Found { step } => ("found", Some(step)),
        Record::Done { step } => ("done", Some(step)),
        Record::Refused { step, .. } => ("refused", Some(step)),
        Record::Undone { step } => ("undone", Some(step)),
        Record::End(End::Completed) => ("end-completed", None),
        Record::End(End::Restored) => ("end-restored", None),
        Record::End(End::Partial) => ("end-partial", None),
        Record::End(End::Resumed) => ("end-resumed", None),
    };
    forms.insert(word);
    forms.extend(step.into_iter().flat_map(of_step));
}

fn of_step(step: &Step) -> Vec<&'static str> {
    match step {
        Step::File(change) => {
            let states = [&change.from, &change.to];
            let is_labelled = states.iter().any(|state| state.label().is_some());
            [states.map(of_file).as_slice(), if is_labelled { &["file-labelled"] } else { &[] }].concat()
        }
        Step::Tree(change) => [change.from, change.to].map(of_tree).into(),
        Step::Module(change) => [change.from, change.to].map(of_module).into(),
        Step::Sysctl(change) => [&change.from, &change.to].map(of_sysctl).into(),
        Step::Table(change) => [
            [&change.from, &change.to].map(of_table).to_vec(),
            of_backend(change.on.backend, change.on.family).into(),
        ]
        .concat(),
        Step::Policy(change) => [
            [change.from, change.to].map(of_policy).to_vec(),
            of_backend(change.on.backend, change.on.family).into(),
        ]
        .concat(),
        Step::Rule(change) => [
            [change.from, change.to].map(of_rule).to_vec(),
            of_backend(change.on.backend, change.on.family).into(),
        ]
        .concat(),
        Step::Remains(change) => {
            let whose = match change.on.whose {
                Whose::Docker => "of-docker",
                Whose::Ufw => "of-ufw",
                Whose::Firewalld => "of-firewalld",
                Whose::DockerTables | Whose::NewerDocker => unreachable!("no step is about these"),
            };
            [[change.from, change.to].map(of_remains).as_slice(), &[whose]].concat()
        }
        Step::Bridge(change) => [&change.from, &change.to].map(of_bridge).into(),
        Step::Chains(change) => [&change.from, &change.to].map(of_chains).into(),
        Step::Hairpin(change) => [change.from, change.to].map(of_hairpin).into(),
        Step::Unit(change) => {
            let states = [&change.from, &change.to].map(|state| of_enablement(state.enablement));
            let ready = match change.on.ready {
                Readiness::Job => "ready-job",
                Readiness::Api(_) => "ready-api",
            };
            let hanging: &[&str] = if change.on.hanging.is_empty() { &[] } else { &["unit-hanging"] };
            [states.as_slice(), &[ready], hanging].concat()
        }
    }
}

fn of_file(state: &FileState) -> &'static str {
    match state {
        FileState::Absent => "file-absent",
        FileState::Directory { .. } => "file-directory",
        FileState::Symlink { .. } => "file-symlink",
        FileState::Regular(_) => "file-regular",
    }
}

fn of_remains(state: RemainsState) -> &'static str {
    match state {
        RemainsState::None => "remains-none",
        RemainsState::Rules(_) => "remains-rules",
    }
}

fn of_bridge(state: &BridgeState) -> &'static str {
    match state {
        BridgeState::AsTold => "bridge-as-told",
        BridgeState::Other(_) => "bridge-other",
        BridgeState::Anyhow => "bridge-anyhow",
    }
}

fn of_chains(state: &ChainsState) -> &'static str {
    match state {
        ChainsState::Whole => "chains-whole",
        ChainsState::Lacking(_) => "chains-lacking",
        ChainsState::Anyhow => "chains-anyhow",
    }
}

fn of_hairpin(state: HairpinState) -> &'static str {
    match state {
        HairpinState::Off => "hairpin-off",
        HairpinState::On => "hairpin-on",
    }
}

fn of_tree(state: TreeState) -> &'static str {
    match state {
        TreeState::Absent => "tree-absent",
        TreeState::Present => "tree-present",
    }
}

fn of_module(state: ModuleState) -> &'static str {
    match state {
        ModuleState::Unloaded => "module-unloaded",
        ModuleState::Loaded => "module-loaded",
        ModuleState::Used => "module-used",
        ModuleState::Unneeded => "module-unneeded",
    }
}

fn of_sysctl(state: &SysctlState) -> &'static str {
    match state {
        SysctlState::Absent => "sysctl-absent",
        SysctlState::Value(_) => "sysctl-value",
    }
}

fn of_table(state: &TableState) -> &'static str {
    match state {
        TableState::Empty => "table-empty",
        TableState::Rules { .. } => "table-rules",
    }
}

fn of_policy(state: PolicyState) -> &'static str {
    match state {
        PolicyState::Accept => "policy-accept",
        PolicyState::Drop => "policy-drop",
    }
}

fn of_rule(state: RuleState) -> &'static str {
    match state {
        RuleState::Absent => "rule-absent",
        RuleState::Present => "rule-present",
    }
}

fn of_enablement(state: Enablement) -> &'static str {
    match state {
        Enablement::Disabled => "unit-disabled",
        Enablement::Enabled => "unit-enabled",
        Enablement::Dangling => "unit-dangling",
        Enablement::Masked => "unit-masked",
    }
}

fn of_backend(backend: Backend, family: Family) -> [&'static str; 2] {
    let backend = match backend {
        Backend::Nft => "nft",
        Backend::Legacy => "legacy",
    };
    [backend, if family == Family::V4 { "ipv4" } else { "ipv6" }]
}

#[test]
fn a_journal_of_a_newer_node_setup_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let newer = format!(
        "{{\"begin\":{{\"schema\":{},\"version\":\"7.1.0\",\"of\":[\"things to come\"]}}}}\n{{\"omen\":1}}\n",
        SCHEMA + 1
    );
    fs::write(scratch.path().join("000001.jsonl"), &newer).unwrap();
    let error = Receipt::read(scratch.path()).unwrap_err();
    assert!(error.to_string().contains("000001.jsonl"), "{error}");
    assert!(error.to_string().contains(&format!("schema {}", SCHEMA + 1)), "{error}");
    assert!(error.help().unwrap().contains("node-setup 7.1.0 or later"), "{:?}", error.help());
    assert_eq!(error.class(), node_setup::error::Class::Refused);
    assert!(parse(&newer).is_err(), "what cannot be understood is not read over");
}
