//! bash's words, as far as an assignment's value needs them.
//!
//! What a word expands to is not decided here: a part is either text, the name
//! of a variable, or something that only running it would tell.

use std::iter::Peekable;
use std::str::Chars;

/// A piece of a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Text outside of quotes.
    Plain(String),
    /// Text that was quoted or escaped.
    Quoted(String),
    /// `$NAME` or `${NAME}`.
    Variable(String),
    /// A command substitution, an arithmetic or other expansion, an array.
    Unknown,
}

/// A word and the line that it begins on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) line: usize,
    pub(super) parts: Vec<Part>,
}

impl Word {
    /// The word's text if it is nothing but unquoted text.
    pub(super) fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Plain(text)] => Some(text),
            _ => None,
        }
    }
}

/// What a script is made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// A newline or `;`.
    End,
    /// `&&` or `||`: the next command may not run.
    Maybe,
    /// `|`: the commands on both its sides run in a subshell.
    Pipe,
    /// `&`: the command on its left runs in a subshell.
    Background,
    /// `(` where a command can stand.
    Open,
    /// `)`.
    Close,
}

/// A quote or bracket that never ends: the line that it begins on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclosed(pub(super) usize);

pub(super) struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
    /// The last token was `&&`, `||` or `|`: newlines behind it are no ends.
    goes_on: bool,
    /// The ends of the here-documents that begin after this line; whether
    /// tabs before them are ignored.
    here: Vec<(String, bool)>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { chars: text.chars().peekable(), line: 1, goes_on: false, here: Vec::new() }
    }

    pub(super) fn token(&mut self) -> Result<Option<Token>, Unclosed> {
        while let Some(&char) = self.chars.peek() {
            let token = match char {
                ' ' | '\t' => {
                    self.next();
                    continue;
                }
                '#' => {
                    while self.chars.peek().is_some_and(|&char| char != '\n') {
                        self.next();
                    }
                    continue;
                }
                '<' | '>' => {
                    self.redirection()?;
                    continue;
                }
                '\n' => {
                    self.next();
                    self.here_documents();
                    if self.goes_on {
                        continue;
                    }
                    Token::End
                }
                ';' => self.operator(Token::End),
                '(' => self.operator(Token::Open),
                ')' => self.operator(Token::Close),
                '&' | '|' => {
                    self.next();
                    match (self.accept(char), char) {
                        (true, _) => Token::Maybe,
                        (false, '|') => Token::Pipe,
                        (false, _) => Token::Background,
                    }
                }
                _ => match self.word()? {
                    continued if continued.parts.is_empty() => continue,
                    word => Token::Word(word),
                },
            };
            self.goes_on = matches!(token, Token::Maybe | Token::Pipe);
            return Ok(Some(token));
        }
        Ok(None)
    }

    fn next(&mut self) -> Option<char> {
        let char = self.chars.next()?;
        self.line += usize::from(char == '\n');
        Some(char)
    }

    fn accept(&mut self, char: char) -> bool {
        let there = self.chars.peek() == Some(&char);
        if there {
            self.next();
        }
        there
    }

    fn operator(&mut self, token: Token) -> Token {
        self.next();
        token
    }

    fn word(&mut self) -> Result<Word, Unclosed> {
        let mut word = Word { line: self.line, parts: Vec::new() };
        while let Some(&char) = self.chars.peek() {
            let part = match char {
                '(' if word.plain().is_some_and(|text| text.ends_with('=')) => {
                    self.bracket('(', ')')?;
                    Part::Unknown
                }
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => Part::Quoted(self.until('\'')?),
                '"' => {
                    self.double_quoted(&mut word.parts)?;
                    continue;
                }
                '$' | '`' => self.expansion()?,
                '\\' => {
                    self.next();
                    match self.next() {
                        None | Some('\n') => continue,
                        Some(char) => Part::Quoted(char.into()),
                    }
                }
                _ => {
                    self.next();
                    push(&mut word.parts, char);
                    continue;
                }
            };
            word.parts.push(part);
        }
        Ok(word)
    }

    fn double_quoted(&mut self, parts: &mut Vec<Part>) -> Result<(), Unclosed> {
        let begin = self.line;
        self.next();
        let mut text = String::new();
        loop {
            match self.chars.peek() {
                None => return Err(Unclosed(begin)),
                Some('"') => break,
                Some('$' | '`') => {
                    parts.push(Part::Quoted(std::mem::take(&mut text)));
                    parts.push(self.expansion()?);
                }
                Some('\\') => {
                    self.next();
                    match self.next() {
                        Some('\n') => {}
                        Some(char @ ('$' | '`' | '"' | '\\')) => text.push(char),
                        other => text.extend(['\\'].into_iter().chain(other)),
                    }
                }
                Some(_) => text.extend(self.next()),
            }
        }
        self.next();
        parts.push(Part::Quoted(text));
        Ok(())
    }

    /// What `$` or a back-quote begins.
    fn expansion(&mut self) -> Result<Part, Unclosed> {
        let begin = self.line;
        if self.next() == Some('`') {
            self.escaped_until('`', begin)?;
            return Ok(Part::Unknown);
        }
        match self.chars.peek() {
            Some('(') => self.bracket('(', ')').map(|_| Part::Unknown),
            Some('{') => {
                let inside = self.bracket('{', '}')?;
                Ok(if is_name(&inside) { Part::Variable(inside) } else { Part::Unknown })
            }
            Some('\'') => {
                self.next();
                self.escaped_until('\'', begin)?;
                Ok(Part::Unknown)
            }
            Some(char) if is_name_char(*char) => Ok(self.variable()),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => {
                self.next();
                Ok(Part::Unknown)
            }
            _ => Ok(Part::Quoted("$".to_owned())),
        }
    }

    fn variable(&mut self) -> Part {
        let mut name = String::new();
        while let Some(&char) = self.chars.peek()
            && is_name_char(char)
        {
            name.push(char);
            self.next();
        }
        if is_name(&name) { Part::Variable(name) } else { Part::Unknown }
    }

    /// What stands between the quote that comes next and its like.
    fn until(&mut self, quote: char) -> Result<String, Unclosed> {
        let begin = self.line;
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(Unclosed(begin)),
                Some(char) if char == quote => return Ok(text),
                Some(char) => text.push(char),
            }
        }
    }

    fn escaped_until(&mut self, quote: char, begin: usize) -> Result<(), Unclosed> {
        loop {
            match self.next() {
                None => return Err(Unclosed(begin)),
                Some('\\') => drop(self.next()),
                Some(char) if char == quote => return Ok(()),
                Some(_) => {}
            }
        }
    }

    /// What stands between the bracket that comes next and the one that
    /// closes it, over nested ones, quotes and, in an array, comments.
    fn bracket(&mut self, open: char, close: char) -> Result<String, Unclosed> {
        let begin = self.line;
        self.next();
        let mut inside = String::new();
        let mut depth = 1_usize;
        loop {
            match self.chars.peek() {
                None => return Err(Unclosed(begin)),
                Some('\'') => drop(self.until('\'')?),
                Some('"') => self.double_quoted(&mut Vec::new())?,
                Some('#') if inside.ends_with(char::is_whitespace) => {
                    while self.chars.peek().is_some_and(|&char| char != '\n') {
                        self.next();
                    }
                }
                Some('\\') => {
                    self.next();
                    self.next();
                }
                Some(&char) => {
                    self.next();
                    depth = depth + usize::from(char == open) - usize::from(char == close);
                    if depth == 0 {
                        return Ok(inside);
                    }
                    inside.push(char);
                    continue;
                }
            }
            inside.push('\u{fffd}');
        }
    }

    /// Passes over `> file`, `2>&1`, `<<EOF` and the like.
    fn redirection(&mut self) -> Result<(), Unclosed> {
        let first = self.next();
        if first == Some('<') && self.accept('<') && !self.accept('<') {
            let indented = self.accept('-');
            let end = self.target()?;
            self.here.push((end, indented));
            return Ok(());
        }
        while self.chars.next_if(|char| "<>&|".contains(*char)).is_some() {}
        self.target().map(drop)
    }

    fn target(&mut self) -> Result<String, Unclosed> {
        while self.chars.next_if(|char| [' ', '\t'].contains(char)).is_some() {}
        let text = |part| match part {
            Part::Plain(text) | Part::Quoted(text) => text,
            Part::Variable(_) | Part::Unknown => String::new(),
        };
        Ok(self.word()?.parts.into_iter().map(text).collect())
    }

    fn here_documents(&mut self) {
        for (end, indented) in std::mem::take(&mut self.here) {
            while let Some(line) = self.rest_of_line() {
                let line = if indented { line.trim_start_matches('\t') } else { &line };
                if line == end {
                    break;
                }
            }
        }
    }

    fn rest_of_line(&mut self) -> Option<String> {
        self.chars.peek()?;
        let mut line = String::new();
        while let Some(char) = self.next()
            && char != '\n'
        {
            line.push(char);
        }
        Some(line)
    }
}

/// Whether `text` can be a variable's name.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|char: char| is_name_char(char) && !char.is_ascii_digit())
        && text.chars().all(is_name_char)
}

fn is_name_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

fn push(parts: &mut Vec<Part>, char: char) {
    match parts.last_mut() {
        Some(Part::Plain(text)) => text.push(char),
        _ => parts.push(Part::Plain(char.into())),
    }
}
