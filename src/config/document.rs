//! A configuration file: TOML, every key of it known.

use serde_json::{Number, Value};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::kind::Shape;
use super::layer::{self, Assignment, join};
use super::settings::{self, SETTINGS, Setting};
use super::suggest;
use crate::error::{Error, Result};

/// The assignments of the file `name` whose text this is.
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Assignment>> {
    let mut document = Document { name, text, assignments: Vec::new() };
    let table = DeTable::parse(text).map_err(|error| document.malformed(&error))?;
    document.table("", table.get_ref())?;
    Ok(document.assignments)
}

struct Document<'a> {
    name: &'a str,
    text: &'a str,
    assignments: Vec<Assignment>,
}

type Key<'a> = Spanned<DeString<'a>>;
type Node<'a> = Spanned<DeValue<'a>>;

impl Document<'_> {
    fn table(&mut self, path: &str, table: &DeTable<'_>) -> Result<()> {
        for (key, node) in table {
            let path = join(path, key.get_ref());
            match settings::find(&path) {
                Some(setting) if setting.shape() == Shape::Whole => self.assign(setting, "", key, node)?,
                Some(setting) => self.entries(setting, "", self.as_table(&path, key, node)?)?,
                None if is_section(&path) => self.table(&path, self.as_table(&path, key, node)?)?,
                None => return Err(self.unknown(&path, key)),
            }
        }
        Ok(())
    }

    fn entries(&mut self, setting: &'static Setting, above: &str, table: &DeTable<'_>) -> Result<()> {
        for (key, node) in table {
            let entry = if above.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{above}.{}", key.get_ref())
            };
            match node.get_ref() {
                DeValue::Table(table) if setting.shape() == Shape::DottedEntries => {
                    self.entries(setting, &entry, table)?;
                }
                _ => self.assign(setting, &entry, key, node)?,
            }
        }
        Ok(())
    }

    fn assign(
        &mut self,
        setting: &'static Setting,
        entry: &str,
        key: &Key<'_>,
        node: &Node<'_>,
    ) -> Result<()> {
        let value = json(node.get_ref()).map_err(|problem| Error::Config {
            origin: self.origin(node.span().start),
            problem: format!("{}: {problem}", layer::key(setting, entry)),
            help: format!("{} takes {}", setting.key, setting.takes()),
        })?;
        let origin = self.origin(key.span().start);
        self.assignments.push(Assignment { setting, entry: entry.to_owned(), value, origin });
        Ok(())
    }

    fn as_table<'n, 'i>(&self, path: &str, key: &Key<'_>, node: &'n Node<'i>) -> Result<&'n DeTable<'i>> {
        node.get_ref().as_table().ok_or_else(|| Error::Config {
            origin: self.origin(key.span().start),
            problem: format!("{path} is a table, not {}", node.get_ref().type_str()),
            help: format!("write [{path}] and its keys below it"),
        })
    }

    /// `file:line` of a place in the text.
    fn origin(&self, at: usize) -> String {
        let before = self.text.bytes().take(at);
        format!("{}:{}", self.name, 1 + before.filter(|byte| *byte == b'\n').count())
    }

    /// The parser's own rendering quotes the line, and with it perhaps a
    /// password: only its message is kept.
    fn malformed(&self, error: &toml::de::Error) -> Error {
        Error::Config {
            origin: error.span().map_or_else(|| self.name.to_owned(), |span| self.origin(span.start)),
            problem: format!("this is not TOML: {}", error.message()),
            help: "strings stand in double quotes, tables begin with [name]; see https://toml.io".to_owned(),
        }
    }

    fn unknown(&self, path: &str, key: &Key<'_>) -> Error {
        let origin = self.origin(key.span().start);
        Error::Config { origin, problem: format!("there is no setting {path}"), help: unknown_help(path) }
    }
}

fn unknown_help(path: &str) -> String {
    let sections =
        SETTINGS.iter().filter_map(|setting| setting.key.split_once('.')).map(|(section, _)| section);
    let keys = SETTINGS.iter().map(|setting| setting.key);
    match suggest::nearest(path, keys.chain(sections)) {
        Some(key) => format!("did you mean {key}?"),
        None if path.starts_with("docker.") => "daemon.json's keys belong under [docker.daemon]".to_owned(),
        None => "node-setup config show lists the settings".to_owned(),
    }
}

fn is_section(path: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

fn json(value: &DeValue<'_>) -> Result<Value, String> {
    Ok(match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map(Value::from)
            .map_err(|_| "this integer does not fit in 64 bits".to_owned())?,
        DeValue::Float(float) => float
            .as_str()
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map(Value::Number)
            .ok_or("JSON has no such number")?,
        DeValue::Datetime(_) => return Err("JSON has no dates; write a string".to_owned()),
        DeValue::Array(values) => {
            values.iter().map(|value| json(value.get_ref())).collect::<Result<_, _>>()?
        }
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| Ok((key.get_ref().to_string(), json(value.get_ref())?)))
            .collect::<Result<_, String>>()?,
    })
}
