//! The commands of README.md, CONTRIBUTING.md and docs, so that tests run what people are told to.
#![allow(
    clippy::missing_panics_doc,
    clippy::expect_used,
    reason = "a document without the commands is a failing test"
)]

macro_rules! documents {
    ($($name:literal),*) => {
        &[$(($name, include_str!(concat!("../../../", $name)))),*]
    };
}

/// Every document with commands but for docs/explain.md, whose text is the program's own; by name.
pub const DOCUMENTS: &[(&str, &str)] = documents!(
    "README.md",
    "CONTRIBUTING.md",
    "docs/configuration.md",
    "docs/decisions.md",
    "docs/fleet.md",
    "docs/guide.md",
    "docs/images.md",
    "docs/operations.md",
    "docs/performance.md",
    "docs/upgrade.md"
);

/// README.md in Chinese. Its commands are those of README.md, so whoever types these types them too.
pub const CHINESE: &str = include_str!("../../../README.zh.md");

/// What is typed in a block, without what is printed and without comments: all of it, where no line has a prompt.
#[must_use]
pub fn typed(block: &str) -> Vec<&str> {
    let is_session = block.lines().any(|line| line.starts_with("# "));
    let lines = block.lines().filter(|line| !is_session || line.starts_with("# node-setup"));
    lines.map(|line| line.split("  #").next().unwrap_or(line).trim_end()).collect()
}

/// The text of a document.
#[track_caller]
#[must_use]
pub fn document(name: &str) -> &'static str {
    DOCUMENTS.iter().find(|(other, _)| *other == name).expect("a document of that name").1
}

/// Its fenced blocks that say nothing of their language: commands, and what they print.
pub fn blocks(text: &str) -> impl Iterator<Item = String> + use<> {
    let mut blocks: Vec<String> = Vec::new();
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(language), None) => {
                fence = Some(language);
                blocks.extend(language.is_empty().then(String::new));
            }
            (Some(_), Some(_)) => fence = None,
            (None, Some("")) => {
                if let Some(block) = blocks.last_mut() {
                    block.push_str(line);
                    block.push('\n');
                }
            }
            (None, _) => {}
        }
    }
    blocks.into_iter()
}

fn all() -> impl Iterator<Item = String> {
    DOCUMENTS.iter().flat_map(|(_, text)| blocks(text))
}

/// The commands of this program that stand in the text itself.
pub fn inline(text: &str) -> impl Iterator<Item = &str> {
    let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.filter(|span| span.starts_with("node-setup "))
}

/// A command as it is: fails unless it is a line of a fenced block of them, or stands in the text.
#[track_caller]
#[must_use]
pub fn told(line: &str) -> &str {
    let is_inline = || DOCUMENTS.iter().any(|(_, text)| text.contains(&format!("`{line}`")));
    assert!(
        all().any(|block| block.lines().any(|other| other == line)) || is_inline(),
        "no document says {line}"
    );
    line
}

/// The one fenced block of them that has these words.
#[track_caller]
#[must_use]
pub fn readme(words: &str) -> String {
    let found: Vec<String> = all().filter(|block| block.contains(words)).collect();
    match found.as_slice() {
        [block] => block.clone(),
        _ => panic!("{} blocks of the documents have the words {words}", found.len()),
    }
}
