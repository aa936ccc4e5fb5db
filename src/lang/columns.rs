//! Text in columns: how wide it is, and where a line of it may end.
//!
//! A Chinese character takes two columns, and a line may end behind most of them (UAX #14 has
//! it all; this is as much as pages need).

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A blank at which no line is broken.
pub(crate) const GLUE: &str = "\u{a0}";

/// How many columns a terminal gives it.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Text in a field of `width` columns; a longer one stays whole.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{:1$}", "", width.saturating_sub(columns(text)))
}

/// Lines of at most `width` columns, the first of at most `first`, broken between words and
/// between wide characters; a longer word stays whole.
pub(crate) fn wrap(text: &str, first: usize, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        for (index, part) in parts(&word).into_iter().enumerate() {
            let width = if lines.len() < 2 { first } else { width };
            let space = if index == 0 { " " } else { "" };
            match lines.last_mut() {
                Some(line) if columns(line) + space.len() + columns(part) <= width => {
                    line.push_str(space);
                    line.push_str(part);
                }
                _ => lines.push(part.to_owned()),
            }
        }
    }
    lines
}

/// Words; a number and the Chinese word that it counts are one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let is_blank = |char: char| char.is_whitespace() && !GLUE.contains(char);
    for word in text.split(is_blank).filter(|word| !word.is_empty()) {
        let is_counted = word.chars().next().is_some_and(is_wide);
        match words.last_mut() {
            Some(before) if is_counted && before.ends_with(|char: char| char.is_ascii_digit()) => {
                before.push_str(GLUE);
                before.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// A word in parts between which a line may end.
fn parts(word: &str) -> Vec<&str> {
    if word.is_ascii() {
        return vec![word];
    }
    let mut parts = Vec::new();
    let (mut start, mut before) = (0, None);
    for (at, char) in word.char_indices() {
        if before.is_some_and(|before| may_break(before, char)) {
            parts.push(word.get(start..at).unwrap_or_default());
            start = at;
        }
        before = Some(char);
    }
    parts.push(word.get(start..).unwrap_or_default());
    parts
}

fn is_wide(char: char) -> bool {
    char.width() == Some(2)
}

fn may_break(before: char, after: char) -> bool {
    (is_wide(before) || is_wide(after)) && !OPENS.contains(before) && !CLOSES.contains(after)
}

/// What a line does not end with.
const OPENS: &str = "（《〈「『【“‘([\u{a0}";

/// What a line does not begin with.
const CLOSES: &str = "\u{a0}，。、：；！？）》〉」』】”’…,.:;!?)]%";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole() {
        assert_eq!(wrap("aa bb cc dd", 5, 8), ["aa bb", "cc dd"]);
        assert_eq!(wrap("aaaaaaaaaa b", 5, 5), ["aaaaaaaaaa", "b"]);
    }

    #[test]
    fn a_chinese_line_ends_anywhere_but_before_what_closes_and_behind_what_opens() {
        assert_eq!(wrap("节点没有被改动，请看", 10, 10), ["节点没有被", "改动，请看"]);
        assert_eq!(wrap("节点没有改，请看", 10, 10), ["节点没有", "改，请看"]);
        assert_eq!(wrap("节点没有（改）", 10, 10), ["节点没有", "（改）"]);
        assert_eq!(wrap("运行 docker.service 时", 10, 10), ["运行", "docker.service", "时"]);
        assert_eq!(wrap("检查通过 2 项跳过", 10, 10), ["检查通过", "2\u{a0}项跳过"]);
        assert_eq!(wrap("单元docker，见日志", 10, 10), ["单元", "docker，见", "日志"]);
    }

    #[test]
    fn a_field_is_as_wide_as_it_shows() {
        assert_eq!(padded("节点", 6), "节点  ");
        assert_eq!(padded("node", 6), "node  ");
        assert_eq!(padded("节点节点", 6), "节点节点");
        assert_eq!(columns("→ 节点"), 6);
    }
}
