//! The pages of `node-setup explain` as one document.

use std::fmt::Write;

use crate::explain::{Kind, pages};

const INTRODUCTION: &str = "\
# What the names mean

The text of `node-setup explain`, written by `make generate` from `src/explain/pages`: each check of
`docker verify` and `docker preflight`, each refusal, each exit code, and each difference from the guide.
";

/// `docs/explain.md`.
pub(super) fn explanations() -> String {
    let mut text = INTRODUCTION.to_owned();
    let pages = pages();
    let of = |kind: Kind| pages.iter().filter(move |page| page.kind == kind);
    for kind in Kind::ALL {
        writeln!(text, "\n**{}.**\n", kind.heading()).unwrap();
        for page in of(*kind) {
            writeln!(text, "- [`{0}`](#{0}): {1}", page.id, page.title).unwrap();
        }
    }
    for kind in Kind::ALL {
        writeln!(text, "\n## {}", kind.heading()).unwrap();
        for page in of(*kind) {
            let title = upper(page.title);
            writeln!(text, "\n### {}\n\n**{title}.**\n\n{}", page.id, page.text).unwrap();
        }
    }
    text
}

/// With a capital, as a sentence begins; but names stay as they are.
fn upper(title: &str) -> String {
    let is_name = title.split([' ', ',', '\'']).next().is_some_and(|word| {
        word.contains(['.', '=', '_', '0']) || ["docker", "dockerd", "iptables", "podman"].contains(&word)
    });
    let mut chars = title.chars();
    match chars.next() {
        Some(first) if !is_name => first.to_uppercase().chain(chars).collect(),
        _ => title.to_owned(),
    }
}
