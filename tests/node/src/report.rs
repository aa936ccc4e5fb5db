//! What one command of node-setup answered, as its JSON document tells it.
#![allow(clippy::missing_panics_doc, reason = "an answer that is not the wanted one is a failing test")]

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::Output;

/// What one command of node-setup answered.
#[derive(Debug, Clone)]
pub struct Report {
    command: String,
    /// The exit code.
    pub code: i32,
    /// The document.
    pub json: Value,
    /// What was on standard error.
    pub stderr: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stderr, .. } = self;
        writeln!(f, "`node-setup {command}` exited with {code}, outcome {}", self.text("/outcome"))?;
        writeln!(f, "  changes: {:?}", self.changes())?;
        for id in self.failing() {
            writeln!(f, "  {id} does not pass: {}", self.check(id, "detail"))?;
        }
        writeln!(f, "  error: {}\n  notes: {}", self.error(), self.field("notes"))?;
        writeln!(f, "  left: {}\n  status: {}", self.field("left"), self.field("status"))?;
        write!(f, "  stderr: {stderr}")
    }
}

impl Report {
    /// Reads what `node-setup ARGS --output json` wrote; fails when that is no JSON document.
    #[track_caller]
    #[must_use]
    pub fn of(args: &[&str], Output { code, stdout, stderr }: Output) -> Self {
        let command = args.join(" ");
        match serde_json::from_str(&stdout) {
            Ok(json) => Self { command, code, json, stderr },
            Err(error) => panic!(
                "`node-setup {command}` exited with {code} and wrote no JSON document ({error})\nstdout: {stdout}\nstderr: {stderr}"
            ),
        }
    }

    /// A field of the document that is text.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.json.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn field(&self, name: &str) -> String {
        self.json.get(name).map(Value::to_string).unwrap_or_default()
    }

    /// Fails unless it ended like this.
    #[track_caller]
    pub fn must_be(&self, outcome: &str, code: i32) {
        assert!(self.text("/outcome") == outcome && self.code == code, "wanted {outcome}, {code}: {self}");
    }

    /// The changes, each as `KIND NAME`, sorted.
    #[must_use]
    pub fn changes(&self) -> BTreeSet<String> {
        let name = |change: &Value| {
            let text = |key| change.get(key).and_then(Value::as_str).unwrap_or_default();
            format!("{} {}", text("kind"), text("on"))
        };
        self.list("/changes").iter().map(name).collect()
    }

    /// What a change of this `KIND NAME` has begun and ended with.
    #[must_use]
    pub fn change(&self, name: &str) -> (&str, &str) {
        let text = |change: &Value, key: &str| change.get(key).and_then(Value::as_str).map(str::to_owned);
        let is_it = |change: &&Value| {
            text(change, "kind")
                .zip(text(change, "on"))
                .is_some_and(|(kind, on)| format!("{kind} {on}") == name)
        };
        let change = self.list("/changes").iter().find(is_it);
        let end =
            |key: &str| change.and_then(|change| change.get(key)).and_then(Value::as_str).unwrap_or_default();
        (end("from"), end("to"))
    }

    /// Fails unless exactly these were changed.
    #[track_caller]
    pub fn must_change(&self, wanted: &[&str]) {
        let wanted: BTreeSet<String> = wanted.iter().map(|&name| name.to_owned()).collect();
        let found = self.changes();
        assert!(found == wanted, "wanted changes of {wanted:?}, found {found:?}: {self}");
    }

    /// The ids of the checks that did not pass and were not skipped, warnings left out.
    #[must_use]
    pub fn failing(&self) -> BTreeSet<&str> {
        let bad =
            |check: &&Value| matches!(check.get("status").and_then(Value::as_str), Some("fail" | "unknown"));
        self.list("/checks").iter().filter(bad).filter_map(|check| check.get("id")?.as_str()).collect()
    }

    /// A field of the check with this id.
    #[must_use]
    pub fn check(&self, id: &str, field: &str) -> &str {
        let is_it = |check: &&Value| check.get("id").and_then(Value::as_str) == Some(id);
        let check = self.list("/checks").iter().find(is_it);
        check.and_then(|check| check.get(field)).and_then(Value::as_str).unwrap_or_default()
    }

    /// The ids of the refusals, in order.
    #[must_use]
    pub fn refusals(&self) -> Vec<&str> {
        self.list("/error/refusals").iter().filter_map(|refusal| refusal.get("id")?.as_str()).collect()
    }

    /// Whether a note of the report has these words.
    #[must_use]
    pub fn notes(&self, words: &str) -> bool {
        self.list("/notes").iter().filter_map(Value::as_str).any(|note| note.contains(words))
    }

    /// Everything that the error says, as one text: message, causes, help, refusals, log.
    #[must_use]
    pub fn error(&self) -> String {
        self.field("error")
    }
}
