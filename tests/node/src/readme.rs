//! The commands of README.md, so that tests run what people are told to.
#![allow(clippy::missing_panics_doc, reason = "a README without the commands is a failing test")]

const README: &str = include_str!("../../../README.md");

/// The one fenced block of README.md that has these words.
#[track_caller]
#[must_use]
pub fn readme(words: &str) -> String {
    let blocks: Vec<&str> = README.split("```\n").skip(1).step_by(2).collect();
    let found: Vec<&str> = blocks.into_iter().filter(|block| block.contains(words)).collect();
    match found.as_slice() {
        [block] => (*block).to_owned(),
        _ => panic!("{} blocks of README.md have the words {words}", found.len()),
    }
}
