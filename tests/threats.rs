//! docs/security.md names a test for each of its claims: those tests exist.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test's name says it, and a test may panic"
)]

use std::path::Path;

const DOCUMENT: &str = include_str!("../docs/security.md");

/// `FILE.rs: test`, between backquotes.
fn named() -> Vec<(&'static str, &'static str)> {
    let quoted = DOCUMENT.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once(".rs: ")).collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let named = named();
    assert!(named.len() > 40, "only {} are named", named.len());
    let missing: Vec<_> = named
        .iter()
        .filter(|(file, test)| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{file}.rs"));
            let text = std::fs::read_to_string(path).unwrap_or_default();
            !text.contains(&format!("fn {test}("))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_row_of_threats_says_what_holds_it() {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 2);
    let rows: Vec<&str> =
        rows.filter(|row| !row.starts_with("| threat") && !row.starts_with("| ---")).collect();
    assert!(rows.len() > 20, "only {} are there", rows.len());
    for row in rows {
        let held = row.rsplit(" | ").next().unwrap_or_default();
        let is_held = held.contains(".rs: ") || held.starts_with("the same") || held.starts_with("journald");
        assert!(is_held, "nothing holds: {row}");
    }
}
