//! The commands of README.md, docs/fleet.md and docs/images.md, so that tests run what people are told to.
#![allow(clippy::missing_panics_doc, reason = "a README without the commands is a failing test")]

const README: &str = include_str!("../../../README.md");
const FLEET: &str = include_str!("../../../docs/fleet.md");
const IMAGES: &str = include_str!("../../../docs/images.md");

fn blocks() -> impl Iterator<Item = &'static str> {
    [README, FLEET, IMAGES].into_iter().flat_map(|text| text.split("```\n").skip(1).step_by(2))
}

/// A command as it is: fails unless it is a line of a fenced block of them.
#[track_caller]
#[must_use]
pub fn told(line: &str) -> &str {
    assert!(
        blocks().any(|block| block.lines().any(|other| other == line)),
        "README.md, docs/fleet.md and docs/images.md do not say {line}"
    );
    line
}

/// The one fenced block of them that has these words.
#[track_caller]
#[must_use]
pub fn readme(words: &str) -> String {
    let found: Vec<&str> = blocks().filter(|block| block.contains(words)).collect();
    match found.as_slice() {
        [block] => (*block).to_owned(),
        _ => panic!(
            "{} blocks of README.md, docs/fleet.md and docs/images.md have the words {words}",
            found.len()
        ),
    }
}
