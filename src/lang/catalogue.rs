//! The catalogue: what an English text is in another language.
//!
//! A line that is not indented is an English text, in which `{}` stands for what differs from one
//! time to the next; the indented line below it is the same in the other language, where `{}` takes
//! what differs in its order, or `{0}`, `{1}` in another. What stands for a slot is looked up in
//! turn: a state, a cause. It is not for `{=}` and `{0=}`, which stand for a name that others have
//! given, nor between single quotes. `{#}` and `{0#}` stand for what begins with a number, and for
//! nothing else. A translation behind `| ` is said only where its text stands alone: a label, whose
//! word might be a name within a text. Lines that begin with `#` are for whoever reads the file.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

/// The texts, in Chinese.
const TEXT: &str = include_str!("zh.txt");

/// A text holds others, but not without end.
const DEPTH: usize = 6;

/// Who says more than this, in bytes, is none of ours.
const LONGEST: usize = 4096;

/// How many texts are looked up for one, with those that it holds; none of ours needs a tenth of them.
const MOST: usize = 200;

/// A template with fewer letters (`{} and {}`) fits too much: it is taken where nothing else is.
const TELLING: usize = 5;

/// What stands between texts, and what stands there in Chinese.
const MARKS: &[(&str, &str)] = &[("; ", "；"), (": ", "："), (", ", "，")];

/// How what is said of something begins.
const VERBS: &[&str] = &[
    "is", "was", "has", "does", "did", "could", "cannot", "lacks", "made", "came", "renames", "unpacks",
    "runs", "failed", "ended", "stopped",
];

/// The texts of a language.
#[derive(Debug)]
pub(super) struct Catalogue {
    whole: HashMap<&'static str, Whole>,
    /// Those with slots: that with the most letters first, which is the one that is meant.
    templates: Vec<Template>,
    /// How many of them have enough letters to be meant wherever they fit.
    telling: usize,
}

/// A text without slots.
#[derive(Clone, Copy, Debug)]
struct Whole {
    to: &'static str,
    is_label: bool,
}

/// A text with slots.
#[derive(Debug)]
struct Template {
    pieces: Vec<&'static str>,
    slots: Vec<Slot>,
    to: &'static str,
}

/// What may stand for a slot, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// Anything, which is looked up in turn.
    Text,
    /// A name, which stays as it is.
    Name,
    /// What begins with a number, and is looked up in turn.
    Number,
}

impl Catalogue {
    pub(super) fn chinese() -> Self {
        Self::of(entries())
    }

    fn of(entries: impl Iterator<Item = (&'static str, &'static str)>) -> Self {
        let mut whole = HashMap::new();
        let mut templates = Vec::new();
        for (from, to) in entries {
            if from.contains("{}") {
                templates.push(Template::new(from, to));
            } else {
                let label = to.strip_prefix("| ");
                whole.insert(from, Whole { to: label.unwrap_or(to), is_label: label.is_some() });
            }
        }
        templates.sort_by_key(|template| std::cmp::Reverse(template.letters()));
        let telling = templates.partition_point(|template| template.letters() >= TELLING);
        Self { whole, templates, telling }
    }

    /// What the catalogue has of a text without slots.
    pub(super) fn whole(&self, text: &str) -> Option<&'static str> {
        self.whole.get(text).map(|whole| whole.to)
    }

    /// The text in the other language, as far as it is known.
    pub(super) fn say<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let trimmed = text.trim();
        if trimmed.len() > LONGEST {
            return Cow::Borrowed(text);
        }
        match self.known(trimmed, DEPTH, &Cell::new(MOST)) {
            Some(said) => Cow::Owned(text.replacen(trimmed, &said, 1)),
            None => Cow::Borrowed(text),
        }
    }

    fn known(&self, text: &str, depth: usize, left: &Cell<usize>) -> Option<String> {
        if !text.contains(|char: char| char.is_ascii_alphabetic()) {
            return None;
        }
        let stands_alone = depth == DEPTH;
        let depth = depth.checked_sub(1)?;
        left.set(left.get().checked_sub(1)?);
        let whole = self.whole.get(text).filter(|whole| stands_alone || !whole.is_label);
        let whole = whole.map(|whole| whole.to.to_owned());
        let (telling, vague) = self.templates.split_at(self.telling);
        if let Some(said) = whole.or_else(|| self.matched(telling, text, depth, left)) {
            return Some(said);
        }
        let listed = MARKS.iter().filter_map(|mark| self.listed(*mark, text, depth, left));
        let parts = listed.chain(self.tail(text, depth, left));
        // Of the ways to take it apart, that which leaves the least in English.
        let best = parts.min_by_key(|said| said.chars().filter(char::is_ascii_lowercase).count());
        best.or_else(|| self.matched(vague, text, depth, left))
    }

    /// As one of these has it.
    fn matched(
        &self,
        templates: &[Template],
        text: &str,
        depth: usize,
        left: &Cell<usize>,
    ) -> Option<String> {
        templates.iter().find_map(|template| {
            let slots = template.slots(text)?;
            let is_vague = template.letters() < TELLING;
            let said = |(slot, kind): (&&str, &Slot)| match kind {
                Slot::Name => Some((*slot).to_owned()),
                Slot::Text | Slot::Number => {
                    let known = self.known(slot, depth, left);
                    let stays = !is_vague || !slot.contains(' ');
                    known.or_else(|| stays.then(|| (*slot).to_owned()))
                }
            };
            let said: Option<Vec<String>> = slots.iter().zip(&template.slots).map(said).collect();
            Some(fill(template.to, &said?))
        })
    }

    /// As several, one after the other, of which at least one is known.
    fn listed(
        &self,
        (mark, to): (&str, &str),
        text: &str,
        depth: usize,
        left: &Cell<usize>,
    ) -> Option<String> {
        let parts: Vec<&str> = if mark == ": " {
            text.split_once(mark).map(|(head, rest)| vec![head, rest])?
        } else {
            text.split(mark).collect()
        };
        if parts.len() < 2 {
            return None;
        }
        let said: Vec<Option<String>> = parts.iter().map(|part| self.known(part, depth, left)).collect();
        said.iter().any(Option::is_some).then(|| {
            let both = said.into_iter().zip(parts);
            both.map(|(said, part)| said.unwrap_or_else(|| part.to_owned())).collect::<Vec<_>>().join(to)
        })
    }

    /// As what is said of something that has any name, and stands before it.
    fn tail(&self, text: &str, depth: usize, left: &Cell<usize>) -> Option<String> {
        let ends = text.match_indices(' ');
        ends.into_iter().find_map(|(at, _)| {
            let (head, rest) = (text.get(..at)?, text.get(at + 1..)?);
            if !rest.split(' ').next().is_some_and(|word| VERBS.contains(&word)) {
                return None;
            }
            let whole = self.whole(rest).filter(|_| rest.contains(' ')).map(str::to_owned);
            let is_said = || self.templates.iter().any(|template| template.is_said_of(rest));
            let said = whole.or_else(|| is_said().then(|| self.known(rest, depth, left)).flatten())?;
            Some(format!("{head} {said}"))
        })
    }
}

impl Template {
    fn new(from: &'static str, to: &'static str) -> Self {
        let pieces: Vec<&str> = from.split("{}").collect();
        let is_quoted = |(before, behind): (&&str, &&str)| before.ends_with('\'') && behind.starts_with('\'');
        let quoted = pieces.iter().zip(pieces.iter().skip(1)).map(is_quoted);
        let mut slots: Vec<Slot> =
            quoted.map(|is_quoted| if is_quoted { Slot::Name } else { Slot::Text }).collect();
        for (_, index, kind) in places(to) {
            if let Some(slot) = slots.get_mut(index).filter(|_| kind != Slot::Text) {
                *slot = kind;
            }
        }
        Self { pieces, slots, to }
    }

    fn letters(&self) -> usize {
        self.pieces.iter().map(|piece| piece.chars().filter(|char| !char.is_whitespace()).count()).sum()
    }

    /// Whether it begins with several words, and this is one of its texts.
    fn is_said_of(&self, text: &str) -> bool {
        self.pieces.first().is_some_and(|piece| piece.trim().contains(' ')) && self.slots(text).is_some()
    }

    /// Whether what it says is said of its first slot: what has a colon is more than a name.
    fn is_of_a_name(&self) -> bool {
        self.pieces.first().is_some_and(|piece| piece.is_empty())
            && self.pieces.get(1).is_some_and(|piece| piece.starts_with(' '))
    }

    /// What stands for its slots in a text; each is as short as it can be, but the last.
    fn slots<'a>(&self, text: &'a str) -> Option<Vec<&'a str>> {
        let (first, others) = self.pieces.split_first()?;
        let (last, middle) = others.split_last()?;
        let mut rest = text.strip_prefix(first)?.strip_suffix(last)?;
        let mut slots = Vec::with_capacity(self.pieces.len());
        for piece in middle {
            let (slot, behind) = rest.split_once(piece)?;
            slots.push(slot);
            rest = behind;
        }
        slots.push(rest);
        let is_more = self.is_of_a_name()
            && slots.first().is_some_and(|slot| slot.contains(": ") || slot.ends_with(':'));
        // What is glued to a word may be missing.
        let may_miss = |piece: &&str| piece.ends_with(|char: char| !char.is_whitespace());
        let is_there = |(slot, before): (&&str, &&str)| may_miss(before) || !slot.trim().is_empty();
        let is_number = |(slot, kind): (&&str, &Slot)| {
            *kind != Slot::Number || slot.starts_with(|char: char| char.is_ascii_digit())
        };
        let fits = !is_more
            && slots.iter().zip(&self.pieces).all(is_there)
            && slots.iter().zip(&self.slots).all(is_number);
        fits.then_some(slots)
    }
}

/// The places of a translation: what stands before each, which slot it is, and of what kind.
fn places(to: &str) -> impl Iterator<Item = (&str, usize, Slot)> {
    let mut rest = to;
    let mut next = 0;
    std::iter::from_fn(move || {
        let (before, behind) = rest.split_once('{')?;
        let (place, behind) = behind.split_once('}')?;
        rest = behind;
        let (number, kind) = match (place.strip_suffix('='), place.strip_suffix('#')) {
            (Some(number), _) => (number, Slot::Name),
            (None, Some(number)) => (number, Slot::Number),
            (None, None) => (place, Slot::Text),
        };
        let index = number.parse().unwrap_or(next);
        next += 1;
        Some((before, index, kind))
    })
}

/// A text of the other language, with what stands for its slots.
fn fill(to: &str, slots: &[String]) -> String {
    let mut text = String::new();
    for (before, index, _) in places(to) {
        join(&mut text, before);
        join(&mut text, slots.get(index).map_or("", String::as_str));
    }
    join(&mut text, to.rsplit_once('}').map_or(to, |(_, rest)| rest));
    text
}

/// Adds what comes next, without the blank between the two if that is between Chinese characters.
/// What is within either of them stays: it may be a name.
fn join(text: &mut String, next: &str) {
    let first = |text: &str| text.chars().next();
    let last = |text: &str| text.chars().next_back();
    if let Some(before) = text.strip_suffix(' ')
        && !keeps_blank(last(before), first(next))
    {
        text.pop();
    }
    match next.strip_prefix(' ') {
        Some(behind) if !keeps_blank(last(text), first(behind)) => text.push_str(behind),
        _ => text.push_str(next),
    }
}

/// Whether a blank belongs between these two.
fn keeps_blank(before: Option<char>, behind: Option<char>) -> bool {
    let is_mark = |char: Option<char>| char.is_some_and(|char| "，。：；！？（）、".contains(char));
    let are_chinese = before.is_some_and(is_chinese) && behind.is_some_and(is_chinese);
    !are_chinese && !is_mark(before) && !is_mark(behind)
}

/// Without the blanks between Chinese characters that the ends of lines have brought.
pub(crate) fn tidy(text: &str) -> String {
    let mut tidied = String::new();
    for (number, word) in text.split(' ').enumerate() {
        if number > 0 && keeps_blank(tidied.chars().next_back(), word.chars().next()) {
            tidied.push(' ');
        }
        tidied.push_str(word);
    }
    tidied
}

/// A Chinese character, or a mark as wide as one.
pub(super) fn is_chinese(char: char) -> bool {
    matches!(char, '\u{3000}'..='\u{303f}' | '\u{4e00}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}' | '“' | '”')
}

/// The entries, in the order of the file.
pub(super) fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut lines = TEXT.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    std::iter::from_fn(move || Some((lines.next()?, lines.next()?.trim_start())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_said_and_the_rest_stays() {
        let known = Catalogue::of(
            [
                ("{} is {}, not {}", "{} 应为 {2}，现为 {1}"),
                ("{} is {}", "{} 为 {}"),
                ("running", "运行中"),
                ("is not a gzip file", "不是 gzip 文件"),
                ("archive {}: {}", "归档 {}：{}"),
                ("error", "错误"),
                ("is not masked: it could be", "未屏蔽：仍可能"),
            ]
            .into_iter(),
        );
        for (text, said) in [
            ("net.ipv4.ip_forward is 0, not 1", "net.ipv4.ip_forward 应为 1，现为 0"),
            ("docker.service is running", "docker.service 为运行中"),
            ("archive /a b.tgz: is not a gzip file", "归档 /a b.tgz：不是 gzip 文件"),
            ("/a b.tgz is not a gzip file", "/a b.tgz 不是 gzip 文件"),
            ("error: who knows", "错误：who knows"),
            ("running, Exited", "运行中，Exited"),
            ("a is running, b is not masked: it could be", "a 为运行中，b 未屏蔽：仍可能"),
            ("nobody knows", "nobody knows"),
            ("  running ", "  运行中 "),
            ("172.30.0.1/16", "172.30.0.1/16"),
            ("", ""),
        ] {
            assert_eq!(known.say(text), said);
        }
    }

    #[test]
    fn nesting_has_an_end() {
        let known = Catalogue::of([("indeed {}", "确 {}")].into_iter());
        let text = format!("{}y", "indeed ".repeat(500));
        assert!(known.say(&text).starts_with("确确确"));
        let text = "indeed ".repeat(10_000);
        assert_eq!(known.say(&text), text);
        // What others have made to be hard takes no longer than a page may.
        let hard = "a is b: c cannot d, e; ".repeat(350);
        let begun = std::time::Instant::now();
        Catalogue::chinese().say(&hard);
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}
