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
    /// The command stands behind `&&`, `||` or `|`, or before `|` or `&`.
    conditional: bool,
    /// What the list of commands in hand has assigned so far.
    list: Vec<String>,
}

/// `NAME=value`, `NAME+=value` or `NAME[…]=value`.
struct Assignment<'a> {
    name: &'a str,
    form: Form,
    first: &'a str,
    rest: &'a [Part],
    line: usize,
}

impl Assignment<'_> {
    fn has_brace(&self) -> bool {
        let plain = |part: &Part| matches!(part, Part::Plain(text) if text.contains('{'));
        self.first.contains('{') || self.rest.iter().any(plain)
    }
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
            match token {
                Token::Word(word) => words.push(word),
                operator => self.operator(&operator, &std::mem::take(&mut words)),
            }
        }
        self.command(&words);
        Ok(())
    }

    /// Takes the command that `operator` ends.
    fn operator(&mut self, operator: &Token, words: &[Word]) {
        self.conditional |= *operator == Token::Pipe;
        self.command(words);
        match operator {
            Token::Maybe | Token::Pipe => self.conditional = true,
            Token::Background => self.background(),
            Token::Open => self.parentheses += 1,
            Token::Close => self.parentheses = self.parentheses.saturating_sub(1),
            Token::End | Token::Word(_) => self.end_of_list(),
        }
    }

    fn command(&mut self, words: &[Word]) {
        let words = self.reserved(words);
        let assignments = words.iter().map_while(assignment).count();
        let (assignments, command) = words.split_at(assignments);
        match command.split_first() {
            None => {
                for assignment in assignments.iter().filter_map(assignment) {
                    let value = self.value(&assignment);
                    self.assign(&assignment, value);
                }
            }
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
        match name {
            "export" | "readonly" | "declare" | "typeset" => self.declare(arguments),
            "unset" => {
                for name in arguments.iter().filter_map(Word::plain) {
                    self.unset(name);
                }
            }
            _ => {}
        }
    }

    /// Unlike a plain assignment, the arguments are all expanded before the
    /// first is assigned, braces among them; an option may change the values.
    fn declare(&mut self, arguments: &[Word]) {
        let options = arguments.iter().filter_map(Word::plain).filter(|text| text.starts_with('-'));
        let as_written = options.into_iter().all(|option| option.chars().all(|char| "-gxr".contains(char)));
        let expanded: Vec<_> = arguments
            .iter()
            .filter_map(assignment)
            .map(|assignment| {
                let simple = as_written && assignment.form == Form::Set && !assignment.has_brace();
                let value = if simple { self.value(&assignment) } else { Value::Unknown };
                (assignment, value)
            })
            .collect();
        for (assignment, value) in expanded {
            self.assign(&assignment, value);
        }
    }

    fn certain(&self) -> bool {
        self.blocks == 0 && self.parentheses == 0 && !self.conditional
    }

    fn end_of_list(&mut self) {
        self.conditional = false;
        self.list.clear();
    }

    /// The whole list ran in a subshell: its assignments did not last.
    fn background(&mut self) {
        for name in std::mem::take(&mut self.list) {
            self.forget(&name);
        }
        self.end_of_list();
    }

    fn unset(&mut self, name: &str) {
        if self.certain() {
            self.names.remove(name);
        } else {
            self.forget(name);
        }
    }

    fn forget(&mut self, name: &str) {
        if let Some(assigned) = self.names.get_mut(name) {
            assigned.value = Value::Unknown;
        }
    }

    fn assign(&mut self, assignment: &Assignment<'_>, value: Value) {
        self.list.push(assignment.name.to_owned());
        self.names.insert(assignment.name.to_owned(), Assigned { value, line: assignment.line });
    }

    fn value(&self, assignment: &Assignment<'_>) -> Value {
        let known = self.certain() && !is_secret(assignment.name);
        known.then(|| self.expand(assignment)).flatten().map_or(Value::Unknown, Value::Known)
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

#[cfg(test)]
mod tests;
