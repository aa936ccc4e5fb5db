//! What every name that this program says means: why it matters, how to mend it, where the
//! rule comes from.
//!
//! The pages are Markdown in `pages/`, one file a kind, and part of the program. The terminal,
//! the manual page and `docs/explain.md` have the same text. A page is a heading, `## ID: title`,
//! and paragraphs, of which some begin with a label; lines that are indented by four are typed
//! as they are. `pages/zh/` has the same pages in Chinese, for the terminal.

use std::fmt;

use crate::config::suggest;
use crate::lang::{Language, tidy};

/// What a page is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A check of `docker verify`.
    Check,
    /// A check of `docker preflight`, which is also the name of a refusal.
    Preflight,
    /// Another refusal.
    Refusal,
    /// An exit code.
    Exit,
    /// A difference from the guide.
    Guide,
}

impl Kind {
    /// All of them, in the order in which people read them.
    pub const ALL: &[Self] = &[Self::Check, Self::Preflight, Self::Refusal, Self::Exit, Self::Guide];

    /// Its name, in one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Preflight => "preflight",
            Self::Refusal => "refusal",
            Self::Exit => "exit",
            Self::Guide => "guide",
        }
    }

    /// What the pages of this kind are on.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Check => "Checks of docker verify",
            Self::Preflight => "Checks of docker preflight",
            Self::Refusal => "Other refusals",
            Self::Exit => "Exit codes",
            Self::Guide => "Differences from the guide",
        }
    }

    fn source(self, language: Language) -> &'static str {
        use Language::{Chinese, English};
        match (self, language) {
            (Self::Check, English) => include_str!("pages/check.md"),
            (Self::Preflight, English) => include_str!("pages/preflight.md"),
            (Self::Refusal, English) => include_str!("pages/refusal.md"),
            (Self::Exit, English) => include_str!("pages/exit.md"),
            (Self::Guide, English) => include_str!("pages/guide.md"),
            (Self::Check, Chinese) => include_str!("pages/zh/check.md"),
            (Self::Preflight, Chinese) => include_str!("pages/zh/preflight.md"),
            (Self::Refusal, Chinese) => include_str!("pages/zh/refusal.md"),
            (Self::Exit, Chinese) => include_str!("pages/zh/exit.md"),
            (Self::Guide, Chinese) => include_str!("pages/zh/guide.md"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What it is on.
    pub id: &'static str,
    /// Of which kind that is.
    pub kind: Kind,
    /// What it is on, in one line.
    pub title: &'static str,
    /// The page below its heading.
    pub text: &'static str,
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Text, and the label that it begins with.
    Paragraph(Option<&'a str>, String),
    /// A line to type.
    Typed(&'a str),
}

/// Every page, kind by kind.
pub fn pages() -> Vec<Explanation> {
    pages_in(Language::English)
}

/// The same in another language.
pub fn pages_in(language: Language) -> Vec<Explanation> {
    Kind::ALL.iter().flat_map(|kind| parse(*kind, kind.source(language))).collect()
}

/// The page on `id`. An exit code may go by its number.
pub fn find(id: &str) -> Option<Explanation> {
    let exit = format!("exit-{id}");
    pages().into_iter().find(|page| page.id == id || page.id == exit)
}

/// The page that somebody meant who wrote `id`.
pub fn nearest(id: &str) -> Option<&'static str> {
    let ids: Vec<&'static str> = pages().into_iter().map(|page| page.id).collect();
    suggest::nearest(id, ids.into_iter())
}

fn parse(kind: Kind, source: &'static str) -> impl Iterator<Item = Explanation> {
    source.split("## ").skip(1).filter_map(move |page| {
        let (heading, text) = page.split_once('\n')?;
        let (id, title) = heading.split_once(": ")?;
        Some(Explanation { id, kind, title, text: text.trim() })
    })
}

/// The parts of a page's text; `plain` takes the marks of code out.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for block in text.split("\n\n") {
        let is_typed = |line: &str| line.starts_with("    ");
        if block.lines().all(is_typed) {
            parts.extend(block.lines().map(|line| Part::Typed(line.trim_start())));
            continue;
        }
        let labelled = block.strip_prefix("**").and_then(|rest| rest.split_once("**"));
        let (label, words) = labelled.map_or((None, block), |(label, words)| (Some(label), words));
        let words = tidy(&words.split_whitespace().collect::<Vec<_>>().join(" "));
        parts.push(Part::Paragraph(label.map(|label| label.trim_end_matches(['.', '。'])), words));
    }
    parts
}

/// Text without the marks of code.
pub fn plain(text: &str) -> String {
    text.replace('`', "")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::error::Id;
    use crate::exit::Exit;

    /// Names come from where the code has them.
    fn ids() -> BTreeSet<String> {
        let checks = crate::check::IDS.iter().map(|id| (*id).to_owned());
        let preflight = crate::preflight::CHECKS.iter().map(|check| check.id.to_owned());
        let refusals = Id::OTHERS.iter().map(ToString::to_string);
        let exits = Exit::ALL.iter().map(|exit| exit.id());
        checks.chain(preflight).chain(refusals).chain(exits).collect()
    }

    #[test]
    fn every_name_has_a_page_and_every_page_a_name() {
        let pages = pages();
        let of_code = pages.iter().filter(|page| page.kind != Kind::Guide);
        let explained: BTreeSet<String> = of_code.map(|page| page.id.to_owned()).collect();
        let names = ids();
        let without: Vec<_> = names.difference(&explained).collect();
        let idle: Vec<_> = explained.difference(&names).collect();
        assert!(without.is_empty() && idle.is_empty(), "without a page: {without:?}; of nothing: {idle:?}");
        assert_eq!(
            pages.iter().map(|page| page.id).collect::<BTreeSet<_>>().len(),
            pages.len(),
            "two of a name"
        );
    }

    #[test]
    fn a_page_says_why_how_and_whence() {
        for page in pages() {
            let labels: Vec<&str> = parts(page.text)
                .into_iter()
                .filter_map(|part| match part {
                    Part::Paragraph(label, _) => label,
                    Part::Typed(_) => None,
                })
                .collect();
            let needed: &[&str] =
                if page.kind == Kind::Guide { &["Why", "Otherwise"] } else { &["Why", "Mend", "From"] };
            assert_eq!(labels, needed, "{}", page.id);
            assert!(!page.text.starts_with("**"), "{} does not say what it means", page.id);
            assert!(page.title.chars().count() <= 60, "{}: the title is long", page.id);
            assert!(!page.title.ends_with('.'), "{}: a title is no sentence", page.id);
        }
    }

    /// The same pages, with the same parts, and the same to type.
    #[test]
    fn every_page_is_there_in_chinese() {
        let labels = [("Why", "原因"), ("Mend", "处理"), ("From", "依据"), ("Otherwise", "改法")];
        let form = |page: &Explanation| -> Vec<String> {
            let parts = parts(page.text).into_iter();
            let shown = parts.map(|part| match part {
                Part::Typed(line) => line.split("  #").next().unwrap_or_default().trim().to_owned(),
                Part::Paragraph(None, _) => String::new(),
                Part::Paragraph(Some(label), _) => {
                    let known = labels.iter().find(|(_, chinese)| *chinese == label);
                    known.map_or(label, |(english, _)| english).to_owned()
                }
            });
            shown.collect()
        };
        let (english, chinese) = (pages(), pages_in(Language::Chinese));
        let ids = |pages: &[Explanation]| pages.iter().map(|page| page.id).collect::<Vec<_>>();
        assert_eq!(ids(&english), ids(&chinese));
        for (english, chinese) in english.iter().zip(&chinese) {
            assert_eq!(form(english), form(chinese), "{}", english.id);
            for part in parts(chinese.text) {
                if let Part::Paragraph(_, text) = part {
                    assert!(text.contains(['。', '：']), "{}: {text}", english.id);
                }
            }
            assert!(!chinese.title.ends_with('。'), "{}: a title is no sentence", chinese.id);
        }
    }

    /// They are part of a program that is copied to every node.
    #[test]
    fn the_pages_stay_small() {
        let size: usize = Kind::ALL.iter().map(|kind| kind.source(Language::English).len()).sum();
        assert!(size < 60_000, "{size} bytes");
    }

    #[test]
    fn a_page_is_found_by_name_and_number_and_a_slip_is_recognised() {
        assert_eq!(find("3").map(|page| page.id), Some("exit-3"));
        assert_eq!(find("swap").map(|page| page.kind), Some(Kind::Preflight));
        assert_eq!(find("nonsense"), None);
        assert_eq!(nearest("forward-polcy"), Some("forward-policy"));
    }

    #[test]
    fn a_text_has_its_parts() {
        let text = "It is\nso.\n\n**Mend.** Type:\n\n    a  b\n    c\n";
        let typed = Part::Typed;
        assert_eq!(
            parts(text.trim_end()),
            [
                Part::Paragraph(None, "It is so.".to_owned()),
                Part::Paragraph(Some("Mend"), "Type:".to_owned()),
                typed("a  b"),
                typed("c")
            ]
        );
    }
}
