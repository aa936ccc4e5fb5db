//! The guide's environment.sh, read and never run.
//!
//! The file is bash, and beside the directories and networks that matter here
//! it holds the cluster's bootstrap token and its encryption key. So it is
//! taken as text: plain assignments are understood, whatever only bash could
//! tell is [`Value::Unknown`] rather than guessed, and of all the names only
//! [`NAMES`] are in the result. No other value leaves this module, not in an
//! error and not through `Debug`.
//!
//! What another file sets that this one sources is not seen.

mod lexer;

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use crate::redact::is_secret;
use lexer::{Lexer, Part, Token, Unclosed, Word, is_name};

/// The names whose values are kept.
pub const NAMES: [&str; 6] =
    ["DOCKER_DIR", "K8S_DIR", "IFACE", "CLUSTER_CIDR", "SERVICE_CIDR", "FLANNEL_ETCD_PREFIX"];

/// What a name was set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// This text.
    Known(String),
    /// Something that only running the file would tell: a substitution, a
    /// variable from elsewhere, an array, an assignment under a condition.
    Unknown,
}

/// The last assignment to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The value.
    pub value: Value,
    /// The line that it begins on.
    pub line: usize,
}

/// The names of [`NAMES`] that the file sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<&'static str, Assigned>);

/// A quote or bracket that never ends; bash does not run such a file either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quote or bracket is never closed")]
pub struct Malformed {
    /// The line that it begins on.
    pub line: usize,
}

impl Environment {
    /// The last assignment to `name`, one of [`NAMES`].
    pub fn get(&self, name: &str) -> Option<&Assigned> {
        self.0.get(name)
    }
}

impl FromStr for Environment {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut script = Script::default();
        script.read(text).map_err(|Unclosed(line)| Malformed { line })?;
        let kept = NAMES.iter().filter_map(|name| Some((*name, script.names.remove(*name)?)));
        Ok(Self(kept.collect()))
    }
}

/// The variables while the file is gone through, and what is around the
/// command in hand.
#[derive(Default)]
struct Script {
    names: HashMap<String, Assigned>,
    /// Open `if`, `for`, `case`, `{` and the like.
    blocks: usize,
    /// Open parentheses; apart from the blocks because a `case` pattern ends
    /// with one that was never opened.
    parentheses: usize,
    /// The command stands behind `&&`, `||`, `|` or `&`.
    conditional: bool,
}

/// `NAME=value`, `NAME+=value` or `NAME[…]=value`.
struct Assignment<'a> {
    name: &'a str,
    form: Form,
    first: &'a str,
    rest: &'a [Part],
    line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Set,
    Append,
    Element,
}

impl Script {
    fn read(&mut self, text: &str) -> Result<(), Unclosed> {
        let mut lexer = Lexer::new(text);
        let mut words = Vec::new();
        while let Some(token) = lexer.token()? {
            if token == Token::Subshell {
                self.conditional = true;
            }
            if !matches!(token, Token::Word(_)) {
                self.command(&std::mem::take(&mut words));
            }
            match token {
                Token::Word(word) => words.push(word),
                Token::End => self.conditional = false,
                Token::Maybe | Token::Subshell => self.conditional = true,
                Token::Open => self.parentheses += 1,
                Token::Close => self.parentheses = self.parentheses.saturating_sub(1),
            }
        }
        self.command(&words);
        Ok(())
    }

    fn command(&mut self, words: &[Word]) {
        let words = self.reserved(words);
        let assignments = words.iter().map_while(assignment).count();
        let (assignments, command) = words.split_at(assignments);
        match command.split_first() {
            None => assignments.iter().for_each(|word| self.assign(word, true)),
            Some((name, arguments)) => self.builtin(name.plain().unwrap_or_default(), arguments),
        }
    }

    /// Counts the blocks that open and close; the words behind them.
    fn reserved<'a>(&mut self, mut words: &'a [Word]) -> &'a [Word] {
        while let Some((first, rest)) = words.split_first() {
            match first.plain().unwrap_or_default() {
                "if" | "while" | "until" | "{" => self.blocks += 1,
                "for" | "select" | "case" => {
                    self.blocks += 1;
                    return &[];
                }
                "fi" | "done" | "esac" | "}" => self.blocks = self.blocks.saturating_sub(1),
                "then" | "else" | "elif" | "do" | "!" | "time" => {}
                "function" => return &[],
                _ => return words,
            }
            words = rest;
        }
        words
    }

    fn builtin(&mut self, name: &str, arguments: &[Word]) {
        let option = |word: &&Word| word.plain().is_some_and(|text| text.starts_with('-'));
        match name {
            "export" | "readonly" | "declare" | "typeset" => {
                let plain = ["-x", "-r", "-g", "-rx", "-xr", "-gx"];
                let as_written = arguments
                    .iter()
                    .filter(option)
                    .all(|word| word.plain().is_some_and(|text| plain.contains(&text)));
                for word in arguments {
                    self.assign(word, as_written);
                }
            }
            "unset" => {
                for name in arguments.iter().filter_map(Word::plain) {
                    self.unset(name);
                }
            }
            _ => {}
        }
    }

    fn certain(&self) -> bool {
        self.blocks == 0 && self.parentheses == 0 && !self.conditional
    }

    fn unset(&mut self, name: &str) {
        if self.certain() {
            self.names.remove(name);
        } else if let Some(assigned) = self.names.get_mut(name) {
            assigned.value = Value::Unknown;
        }
    }

    fn assign(&mut self, word: &Word, as_written: bool) {
        let Some(assignment) = assignment(word) else { return };
        let known = as_written && self.certain() && !is_secret(assignment.name);
        let value = known.then(|| self.expand(&assignment)).flatten().map_or(Value::Unknown, Value::Known);
        self.names.insert(assignment.name.to_owned(), Assigned { value, line: assignment.line });
    }

    /// The assignment's value if nothing but this file decides it.
    fn expand(&self, assignment: &Assignment<'_>) -> Option<String> {
        let mut value = match assignment.form {
            Form::Set => String::new(),
            Form::Append => self.known(assignment.name)?.to_owned(),
            Form::Element => return None,
        };
        if assignment.first.starts_with('~') || assignment.first.contains(":~") {
            return None;
        }
        value.push_str(assignment.first);
        for part in assignment.rest {
            value.push_str(match part {
                Part::Plain(text) | Part::Quoted(text) => text,
                Part::Variable(name) => self.known(name)?,
                Part::Unknown => return None,
            });
        }
        Some(value)
    }

    fn known(&self, name: &str) -> Option<&str> {
        match &self.names.get(name)?.value {
            Value::Known(text) => Some(text),
            Value::Unknown => None,
        }
    }
}

fn assignment(word: &Word) -> Option<Assignment<'_>> {
    let (Part::Plain(first), rest) = word.parts.split_first()? else { return None };
    let (left, first) = first.split_once('=')?;
    let (name, form) = if let Some(name) = left.strip_suffix('+') {
        (name, Form::Append)
    } else if let Some((name, _)) = left.split_once('[') {
        (name, Form::Element)
    } else {
        (left, Form::Set)
    };
    is_name(name).then_some(Assignment { name, form, first, rest, line: word.line })
}
