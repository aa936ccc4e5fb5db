//! In which language people are spoken to.
//!
//! Everything is written in English: journals, the JSON document, metrics, lines in journald, the
//! archive of `support`, the manual page. These are contracts, and what tickets quote. What a person
//! reads is translated on its way out, at the edge: the pages of `report`, and the help of the
//! command line. So no other room knows that there are languages.
//!
//! `zh.txt` is the catalogue: a text of the source, and below it the same in Chinese. A text that it
//! does not have stays English. Tests compare it with the source, both ways.

mod catalogue;
pub(crate) mod columns;
pub(crate) mod help;
#[cfg(test)]
mod source;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::sync::OnceLock;

use clap::ValueEnum;

use catalogue::Catalogue;

pub(crate) use catalogue::tidy;
pub use help::parse;

/// A language that people are spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English
    #[default]
    #[value(name = "en")]
    English,
    /// Simplified Chinese
    #[value(name = "zh")]
    Chinese,
}

/// The catalogue, from its first use on.
static CHINESE: OnceLock<Catalogue> = OnceLock::new();

impl Language {
    /// The one that was asked for, or that of the locale.
    pub fn of(asked: Option<Self>) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        asked.unwrap_or_else(|| if goes_to_the_journal() { Self::English } else { Self::of_locale(variable) })
    }

    /// Before the command line is parsed: its errors and its help have a language, too.
    fn of_line(line: impl Iterator<Item = OsString>) -> Self {
        Self::of(asked(line))
    }

    /// What locale(7) says: Chinese as it is written in China and Singapore, where the terminal takes UTF-8.
    fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        let messages = first(["LC_ALL", "LC_MESSAGES", "LANG"], &variable);
        let name = messages.split(['.', '@']).next().unwrap_or_default().replace('-', "_");
        let is_simplified = matches!(name.as_str(), "zh" | "zh_cn" | "zh_sg") || name.starts_with("zh_hans");
        if is_simplified && takes_utf8(variable) { Self::Chinese } else { Self::English }
    }

    /// A heading in this language, where that is not the text itself.
    fn heading(self, text: &str) -> Option<&'static str> {
        match self {
            Self::English => None,
            Self::Chinese => CHINESE.get_or_init(Catalogue::chinese).whole(text),
        }
    }

    /// An English text in this language, as far as it is known.
    pub fn say(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::English => Cow::Borrowed(text),
            Self::Chinese => CHINESE.get_or_init(Catalogue::chinese).say(text),
        }
    }
}

/// Whether the locale's characters are Unicode's.
pub(crate) fn takes_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = first(["LC_ALL", "LC_CTYPE", "LANG"], variable);
    locale.contains("utf-8") || locale.contains("utf8")
}

/// The first of these variables that says something, in small letters.
fn first(names: [&str; 3], variable: impl Fn(&str) -> Option<String>) -> String {
    names.into_iter().find_map(variable).unwrap_or_default().to_ascii_lowercase()
}

/// The last `--lang` of a command line, if it names a language.
fn asked(line: impl Iterator<Item = OsString>) -> Option<Language> {
    let words: Vec<String> = line.map(|word| word.to_string_lossy().into_owned()).collect();
    let mut values = words.iter().enumerate().filter_map(|(index, word)| match word.strip_prefix("--lang") {
        Some("") => words.get(index + 1).map(String::as_str),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    });
    values.next_back().and_then(|value| Language::from_str(value, false).ok())
}

/// Whether what is said goes to the system's journal, which is read by others than those whose
/// locale the system has: systemd says so of a unit's output (systemd.exec(5), `JOURNAL_STREAM`).
fn goes_to_the_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let is_it = |file: std::os::fd::BorrowedFd<'_>| {
        nix::sys::stat::fstat(file).is_ok_and(|stat| format!("{}:{}", stat.st_dev, stat.st_ino) == stream)
    };
    is_it(std::io::stdout().as_fd()) || is_it(std::io::stderr().as_fd())
}
