//! The picture in README.md is that of the recording, and the recording is what comes up today.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use node_tests::session::{Line, Recording, TITLE, play, svg};
use node_tests::{Node, Suite, document};

const PICTURE: &str = include_str!("../../../docs/session.svg");

fn kept() -> Recording {
    serde_json::from_str(include_str!("../fixtures/session.json")).expect("a recording")
}

#[test]
fn the_picture_is_that_of_the_recording() {
    assert!(PICTURE == svg(TITLE, &kept().lines()), "docs/session.svg is stale: make session AGAIN=--again");
    assert!(document("README.md").contains("(docs/session.svg)"), "README.md does not show it");
}

#[test]
fn the_picture_is_small_and_fits() {
    let lines = kept().lines();
    assert!(lines.len() <= 60 && PICTURE.len() < 20_000, "{} lines, {} bytes", lines.len(), PICTURE.len());
    assert!(!PICTURE.chars().any(|char| char.is_control() && char != '\n'), "it has control characters");
    let picture = roxmltree::Document::parse(PICTURE).expect("it is XML");
    let drawn = picture.descendants().filter(|node| node.has_tag_name("text"));
    let text = |node: roxmltree::Node<'_, '_>| -> String {
        node.descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text()).collect()
    };
    let drawn: Vec<String> = drawn.map(text).collect();
    let wanted: Vec<String> = lines.iter().map(Line::text).filter(|text| !text.is_empty()).collect();
    assert_eq!(drawn, wanted, "its text is not the text of the session");
}

/// Lines that the program does not write any more are not shown: but for numbers, all of it comes up again.
#[test]
fn what_the_picture_shows_comes_up_today() {
    let node = Node::worker(Suite::Bookworm);
    let today = play(node.machine()).expect("the session goes on to its end");
    assert_eq!(kept().words(), today.words(), "docs/session.svg is stale: make session");
}
