//! The texts of the source that people may come to read, for the test of the catalogue.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A text of the source, with `{}` for what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    /// Where it is, below `src`.
    pub(super) file: String,
    /// Without space around it.
    pub(super) text: String,
}

/// Every string of the program but for those of its tests.
pub(super) fn texts() -> Vec<Text> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let mut texts = Vec::new();
    for path in files {
        let file = path.strip_prefix(&root).unwrap().display().to_string();
        if ["tests", "fuzz", "generated", "snapshots", "lang/source"].iter().any(|part| file.contains(part)) {
            continue;
        }
        let source: TokenStream = std::fs::read_to_string(&path).unwrap().parse().expect(&file);
        let mut found = Vec::new();
        walk(source, &mut found);
        texts.extend(found.into_iter().map(|text| Text { file: file.clone(), text: with_slots(&text) }));
    }
    texts
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// The strings of the tokens. Of attributes only `#[error]` has texts for people; what comes after
/// `#[cfg(test)]` is a test.
fn walk(tokens: TokenStream, found: &mut Vec<String>) {
    let mut tokens = tokens.into_iter().peekable();
    let mut is_attribute = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                is_attribute = true;
                continue;
            }
            TokenTree::Punct(mark) if mark.as_char() == '!' && is_attribute => continue,
            TokenTree::Group(group) if is_attribute && group.delimiter() == Delimiter::Bracket => {
                let name = group.stream().to_string().replace(' ', "");
                if name.starts_with("error(") {
                    walk(group.stream(), found);
                }
                if name == "cfg(test)" {
                    let ends = |token: &TokenTree| match token {
                        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                        TokenTree::Punct(mark) => mark.as_char() == ';',
                        _ => false,
                    };
                    tokens.by_ref().find(ends);
                }
            }
            TokenTree::Group(group) => walk(group.stream(), found),
            TokenTree::Literal(literal) => {
                found.extend(
                    syn::parse_str::<syn::LitStr>(&literal.to_string()).ok().map(|text| text.value()),
                );
            }
            _ => {}
        }
        is_attribute = false;
    }
}

/// What stands in braces is given by the program; two of them without a word between are one.
fn with_slots(text: &str) -> String {
    let mut slots = String::new();
    let mut chars = text.trim().chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '{' | '}' if chars.next_if_eq(&char).is_some() => slots.push(char),
            '{' => {
                chars.by_ref().find(|char| *char == '}');
                slots.push_str("{}");
            }
            _ => slots.push(char),
        }
    }
    while slots.contains("{}{}") {
        slots = slots.replace("{}{}", "{}");
    }
    slots
}
