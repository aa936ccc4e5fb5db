//! The kinds of value that a setting can have: how each is written, read from
//! any layer, and shown again.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use ipnet::Ipv4Net;
use serde_json::{Map, Value};

use super::{Flannel, Flush, Hosts, Location, Locations, Skips, Words, suggest};
use crate::digest::Digest;
use crate::preflight;
use crate::version::Version;

/// What is wrong with a value, and what would be right where the kind's own
/// noun does not say it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) what: String,
    pub(super) help: Option<String>,
}

impl Problem {
    pub(super) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), help: Some(help.into()) }
    }
}

impl From<String> for Problem {
    fn from(what: String) -> Self {
        Self { what, help: None }
    }
}

/// How a setting sits in TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One value, which a higher layer replaces.
    Whole,
    /// A table of the site's own keys, which layers fill entry by entry.
    Entries,
    /// The same, where `a.b = 1` is the key `a.b` and not a table `a`.
    DottedEntries,
}

/// A kind of value. Layers carry values as JSON.
pub(super) trait Kind {
    /// What to write, as a noun phrase.
    const NOUN: &'static str;
    const SHAPE: Shape = Shape::Whole;

    /// The value that a variable's or a flag's text stands for.
    fn from_text(text: &str) -> Result<Value, Problem> {
        Ok(Value::from(text))
    }

    /// Takes `value`, which is that of `entry` where the kind has entries.
    fn set(&mut self, entry: &str, value: &Value) -> Result<(), Problem>;

    fn show(&self) -> Value;
}

/// A kind that is written as a string.
trait Text: Sized {
    const NOUN: &'static str;

    fn parse(text: &str) -> Result<Self, String>;

    fn show(&self) -> String;
}

impl<T: Text> Kind for T {
    const NOUN: &'static str = <T as Text>::NOUN;

    fn set(&mut self, _: &str, value: &Value) -> Result<(), Problem> {
        *self = T::parse(string(value)?)?;
        Ok(())
    }

    fn show(&self) -> Value {
        Value::from(Text::show(self))
    }
}

/// What may be left out; an empty string leaves it out too.
impl<T: Text> Kind for Option<T> {
    const NOUN: &'static str = T::NOUN;

    fn set(&mut self, _: &str, value: &Value) -> Result<(), Problem> {
        let text = string(value)?;
        *self = if text.is_empty() { None } else { Some(T::parse(text)?) };
        Ok(())
    }

    fn show(&self) -> Value {
        self.as_ref().map_or(Value::Null, |value| Value::from(value.show()))
    }
}

impl Text for Location {
    const NOUN: &'static str = "a path, or an http, https or file URL";

    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some((scheme, _)) if !["http", "https", "file"].contains(&scheme) => {
                Err("it is neither a path nor an http, https or file URL".to_owned())
            }
            _ if text.contains(char::is_control) => Err("it holds a control character".to_owned()),
            _ => Ok(Self(text.to_owned())),
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Text for Words {
    const NOUN: &'static str = "one line of text";

    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            text if text.contains(char::is_control) => Err("it holds a control character".to_owned()),
            text => Ok(Self(text.to_owned())),
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// Paths end up in unit files, where white space separates, `%` and `$` expand and `:` separates
/// the directories of `PATH`; and in tmpfiles.d, where `*`, `?` and `[` stand for others.
impl Text for PathBuf {
    const NOUN: &'static str = "an absolute path";

    fn parse(text: &str) -> Result<Self, String> {
        let path = Path::new(text);
        let forbidden =
            |char: char| char.is_whitespace() || char.is_control() || "%$\"'\\:*?[".contains(char);
        if let Some(char) = text.chars().find(|char| forbidden(*char)) {
            return Err(format!("{char:?} cannot be in a path that a unit file holds"));
        }
        if !path.is_absolute() {
            return Err(format!("'{text}' does not begin with /"));
        }
        if path.components().any(|component| component == Component::ParentDir) {
            return Err(format!("'{text}' holds .."));
        }
        Ok(path.components().collect())
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Text for Version {
    const NOUN: &'static str = "a docker version such as 28.5.2";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Text for Digest {
    const NOUN: &'static str = "the 64 hexadecimal digits that sha256sum prints";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Text for Ipv4Net {
    const NOUN: &'static str = "an IPv4 subnet such as 172.30.0.0/16";

    fn parse(text: &str) -> Result<Self, String> {
        let net: Self = text.parse().map_err(|_| format!("'{text}' is not an IPv4 subnet"))?;
        let trunc = net.trunc();
        if net == trunc { Ok(net) } else { Err(format!("{net} has host bits set; its subnet is {trunc}")) }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A second to an hour, in whole seconds, minutes or hours.
impl Text for Duration {
    const NOUN: &'static str = "a time from 1s to 1h, such as 60s or 2m";

    fn parse(text: &str) -> Result<Self, String> {
        let unit = |(suffix, seconds): (char, u64)| Some((text.strip_suffix(suffix)?, seconds));
        let seconds = [('s', 1), ('m', 60), ('h', 3600)]
            .into_iter()
            .find_map(unit)
            .filter(|(digits, _)| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|(digits, seconds)| digits.parse::<u64>().ok()?.checked_mul(seconds));
        match seconds {
            Some(seconds @ 1..=3600) => Ok(Self::from_secs(seconds)),
            Some(_) => Err(format!("{text} is not from 1s to 1h")),
            None => Err(format!("'{text}' is not a number with its unit s, m or h")),
        }
    }

    fn show(&self) -> String {
        format!("{}s", self.as_secs())
    }
}

impl Text for Flannel {
    const NOUN: &'static str = "auto, required or off";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "required" => Ok(Self::Required),
            "off" => Ok(Self::Off),
            _ => Err(format!("'{text}' is not auto, required or off")),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Auto => "auto",
            Self::Required => "required",
            Self::Off => "off",
        }
        .to_owned()
    }
}

impl Text for Flush {
    const NOUN: &'static str = "auto or never";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "never" => Ok(Self::Never),
            _ => Err(format!("'{text}' is not auto or never")),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Auto => "auto",
            Self::Never => "never",
        }
        .to_owned()
    }
}

impl Kind for bool {
    const NOUN: &'static str = "true or false";

    fn from_text(text: &str) -> Result<Value, Problem> {
        match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(format!("'{text}' is neither true nor false").into()),
        }
    }

    fn set(&mut self, _: &str, value: &Value) -> Result<(), Problem> {
        *self = value.as_bool().ok_or_else(|| format!("it is {}", type_of(value)))?;
        Ok(())
    }

    fn show(&self) -> Value {
        Value::Bool(*self)
    }
}

/// A number that fits a byte.
impl Kind for u8 {
    const NOUN: &'static str = "a number from 0 to 255";

    fn from_text(text: &str) -> Result<Value, Problem> {
        let number = text.parse::<Self>().map(Value::from);
        number.map_err(|_| format!("'{text}' is not {}", <Self as Kind>::NOUN).into())
    }

    fn set(&mut self, _: &str, value: &Value) -> Result<(), Problem> {
        let number = value.as_u64().and_then(|number| Self::try_from(number).ok());
        *self = number.ok_or_else(|| format!("it is not {}", <Self as Kind>::NOUN))?;
        Ok(())
    }

    fn show(&self) -> Value {
        Value::from(*self)
    }
}

/// The entries of a list that a variable writes with commas or spaces between them.
fn entries(text: &str) -> Value {
    text.split([',', ' ']).filter(|entry| !entry.is_empty()).collect()
}

fn texts(value: &Value) -> Result<Vec<&str>, Problem> {
    value.as_array().ok_or_else(|| format!("it is {}", type_of(value)))?.iter().map(string).collect()
}

impl Kind for Locations {
    const NOUN: &'static str = "a list of URLs or directories";

    fn from_text(text: &str) -> Result<Value, Problem> {
        Ok(entries(text))
    }

    fn set(&mut self, _: &str, value: &Value) -> Result<(), Problem> {
        self.0 = texts(value)?.into_iter().map(Location::parse).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn show(&self) -> Value {
        self.0.iter().map(|location| location.0.as_str()).collect()
    }
}

impl Kind for Hosts {
    const NOUN: &'static str = "a list such as [\"localhost\", \".example.com\", \"10.0.0.0/8\"]";

    fn from_text(text: &str) -> Result<Value, Problem> {
        Ok(entries(text))
    }

    fn set(&mut self, _: &str, value: &Value) -> Result<(), Problem> {
        self.0 = texts(value)?.into_iter().map(str::to_owned).collect();
        Ok(())
    }

    fn show(&self) -> Value {
        self.0.iter().map(String::as_str).collect()
    }
}

/// A name that is none would skip nothing, in silence.
impl Kind for Skips {
    const NOUN: &'static str = "a list of preflight's checks such as [\"swap\", \"selinux\"]";

    fn from_text(text: &str) -> Result<Value, Problem> {
        Ok(entries(text))
    }

    fn set(&mut self, _: &str, value: &Value) -> Result<(), Problem> {
        self.0 = texts(value)?.into_iter().map(skip).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn show(&self) -> Value {
        self.0.iter().map(String::as_str).collect()
    }
}

fn skip(id: &str) -> Result<String, Problem> {
    let Err(what) = preflight::may_skip(id) else { return Ok(id.to_owned()) };
    let known = preflight::CHECKS.iter().filter(|check| check.may_skip).map(|check| check.id);
    let help = match suggest::nearest(id, known) {
        Some(near) if preflight::find(id).is_none() => format!("did you mean {near}?"),
        _ => "node-setup docker preflight -v lists the checks".to_owned(),
    };
    Err(Problem::new(what, help))
}

/// systemd.unit(5) says which characters a name can have.
impl Kind for Vec<String> {
    const NOUN: &'static str = "a list of service units such as firewalld.service";

    fn from_text(text: &str) -> Result<Value, Problem> {
        Ok(entries(text))
    }

    fn set(&mut self, _: &str, value: &Value) -> Result<(), Problem> {
        *self = texts(value)?.into_iter().map(service).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn show(&self) -> Value {
        self.iter().map(String::as_str).collect()
    }
}

/// `[docker.daemon]`: whatever keys daemon.json has. Messages name a key and
/// never its value, which may hold a password.
impl Kind for Map<String, Value> {
    const NOUN: &'static str = "daemon.json's keys";
    const SHAPE: Shape = Shape::Entries;

    fn from_text(text: &str) -> Result<Value, Problem> {
        json_object(text)
    }

    fn set(&mut self, entry: &str, value: &Value) -> Result<(), Problem> {
        if value.is_null() {
            return Err(Problem::new("it is null", "leave the key out to keep dockerd's own default"));
        }
        if ["data-root", "exec-root"].contains(&entry) {
            let help = "give it an absolute path, or leave it out to have it below docker.dir";
            PathBuf::default().set(entry, value).map_err(|problem| Problem::new(problem.what, help))?;
        }
        if entry == "hosts" {
            value.as_array().into_iter().flatten().try_for_each(host)?;
        }
        self.insert(entry.to_owned(), value.clone());
        Ok(())
    }

    fn show(&self) -> Value {
        Value::Object(self.clone())
    }
}

/// The path of docker's socket is in a unit file, too.
fn host(host: &Value) -> Result<(), Problem> {
    match host.as_str().and_then(|host| host.strip_prefix("unix://")) {
        Some(path) => <PathBuf as Text>::parse(path)
            .map(drop)
            .map_err(|problem| Problem::new(problem, "give docker's socket an absolute path: unix:///PATH")),
        None => Ok(()),
    }
}

/// `[sysctl.values]`: keys as sysctl.d(5) writes them.
impl Kind for BTreeMap<String, String> {
    const NOUN: &'static str = "sysctl keys with an integer or a string each";
    const SHAPE: Shape = Shape::DottedEntries;

    fn from_text(text: &str) -> Result<Value, Problem> {
        json_object(text)
    }

    fn set(&mut self, entry: &str, value: &Value) -> Result<(), Problem> {
        if !is_sysctl_key(entry) {
            return Err(Problem::new(
                "it is not a sysctl key",
                "write it as sysctl prints it, such as \"vm.swappiness\"",
            ));
        }
        let value = match value {
            Value::String(text) if !text.contains(char::is_control) => text.clone(),
            Value::String(_) => return Err("it holds a control character".to_owned().into()),
            Value::Number(number) if !number.is_f64() => number.to_string(),
            other => return Err(format!("it is {}", type_of(other)).into()),
        };
        self.insert(entry.to_owned(), value);
        Ok(())
    }

    fn show(&self) -> Value {
        self.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
    }
}

fn is_sysctl_key(key: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|char: char| char.is_ascii_lowercase() || char.is_ascii_digit())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
    };
    key.contains(['.', '/']) && key.split(['.', '/']).all(part)
}

fn service(name: &str) -> Result<String, Problem> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    match name.strip_suffix(".service") {
        Some(stem) if !stem.is_empty() && stem.bytes().all(valid) => Ok(name.to_owned()),
        _ => Err(format!("'{}' is not the name of a service unit", name.escape_debug()).into()),
    }
}

fn string(value: &Value) -> Result<&str, Problem> {
    value.as_str().ok_or_else(|| format!("it is {}", type_of(value)).into())
}

fn json_object(text: &str) -> Result<Value, Problem> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(other) => Err(format!("it is {}", type_of(&other)).into()),
        Err(error) => Err(Problem::new(
            format!("it is not JSON: {error}"),
            "write a JSON object, such as '{\"debug\": true}'",
        )),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}
