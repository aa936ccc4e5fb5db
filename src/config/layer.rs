//! The layers: each turns its texts into assignments, lowest layer first.

use serde_json::Value;

use super::kind::{Problem, Shape};
use super::settings::{self, SETTINGS, Setting, VARIABLES};
use super::suggest;
use crate::environment::{self, Environment};
use crate::error::{Error, Result};

/// The origin of what nobody set.
pub(super) const BUILT_IN: &str = "built-in default";

/// A value for a setting, or for one entry of it, and where it was written.
pub(super) struct Assignment {
    pub(super) setting: &'static Setting,
    /// The key below the setting's own; empty for a whole setting.
    pub(super) entry: String,
    pub(super) value: Value,
    pub(super) origin: String,
}

impl Assignment {
    /// The full key, as TOML writes it.
    pub(super) fn key(&self) -> String {
        key(self.setting, &self.entry)
    }
}

/// The key of `entry` of `setting`.
pub(super) fn key(setting: &Setting, entry: &str) -> String {
    if setting.shape() == Shape::Whole { setting.key.to_owned() } else { join(setting.key, entry) }
}

/// `table.key`, the key quoted where TOML wants it.
pub(super) fn join(table: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|char| char.is_ascii_alphanumeric() || "-_".contains(char));
    let key = if bare { key.to_owned() } else { format!("\"{}\"", key.escape_default()) };
    if table.is_empty() { key } else { format!("{table}.{key}") }
}

/// The error for `problem` with what `origin` says about `key`.
pub(super) fn wrong(setting: &Setting, key: &str, origin: &str, problem: Problem) -> Error {
    Error::Config {
        origin: origin.to_owned(),
        problem: format!("{key}: {}", problem.what),
        help: problem.help.unwrap_or_else(|| format!("{} takes {}", setting.key, setting.takes())),
    }
}

/// The built-in defaults.
pub(super) fn defaults() -> Result<Vec<Assignment>> {
    each(SETTINGS, |setting| text(setting, setting.default, BUILT_IN))
}

/// What the variables say that are every program's. An empty one says nothing.
pub(super) fn customary(variables: &[(String, String)]) -> Result<Vec<Assignment>> {
    let set = |name: &&str| variables.iter().find(|(own, value)| own == name && !value.is_empty());
    each(SETTINGS, |setting| match setting.customary.iter().find_map(&set) {
        Some((name, value)) => text(setting, value, name),
        None => Ok(Vec::new()),
    })
}

/// What environment.sh fills in: settings that no layer of `above` sets.
///
/// A value that cannot be known is an error where the built-in default would
/// stand in for it: docker's data would land somewhere else than the site's
/// other scripts expect it.
pub(super) fn environment(file: &str, sh: &Environment, above: &[Assignment]) -> Result<Vec<Assignment>> {
    let unset = |setting: &&Setting| above.iter().all(|assignment| assignment.setting.key != setting.key);
    each(SETTINGS.iter().filter(unset), |setting| {
        let Some((name, assigned)) = setting.guide.and_then(|name| Some((name, sh.get(name)?))) else {
            return Ok(Vec::new());
        };
        let origin = format!("{file}:{}", assigned.line);
        match &assigned.value {
            environment::Value::Known(value) => text(setting, value, &origin),
            environment::Value::Unknown if setting.default.is_empty() => Ok(Vec::new()),
            environment::Value::Unknown => Err(Error::Config {
                origin,
                problem: format!("what {name} is set to cannot be known without running the file"),
                help: format!("set {} in the configuration file, or {}", setting.key, setting.variable()),
            }),
        }
    })
}

/// The variables that begin with the program's prefix; others are not looked at.
pub(super) fn variables(variables: &[(String, String)]) -> Result<Vec<Assignment>> {
    let ours = variables.iter().filter(|(name, _)| name.starts_with(VARIABLES));
    each(ours, |(name, value)| {
        let setting = SETTINGS.iter().find(|setting| setting.variable() == *name);
        text(setting.ok_or_else(|| unknown_variable(name))?, value, name)
    })
}

/// The flags, each by the key of its setting.
pub(super) fn flags(flags: &[(&'static str, String)]) -> Result<Vec<Assignment>> {
    each(flags, |(key, value)| {
        let setting = settings::find(key).ok_or_else(|| Error::Config {
            origin: "command line".to_owned(),
            problem: format!("there is no setting {key}"),
            help: "see: node-setup config show".to_owned(),
        })?;
        text(setting, value, setting.flag.unwrap_or(key))
    })
}

/// The assignments of a setting that is written as one text.
fn text(setting: &'static Setting, text: &str, origin: &str) -> Result<Vec<Assignment>> {
    let value = setting.parse(text).map_err(|problem| wrong(setting, setting.key, origin, problem))?;
    let assign = |(entry, value)| Assignment { setting, entry, value, origin: origin.to_owned() };
    Ok(match value {
        Value::Object(entries) => entries.into_iter().map(assign).collect(),
        value => vec![assign((String::new(), value))],
    })
}

fn unknown_variable(name: &str) -> Error {
    let variables: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    let help = match suggest::nearest(name, variables.iter().map(String::as_str)) {
        Some(variable) => format!("did you mean {variable}?"),
        None => {
            format!("unset it; a variable is {VARIABLES} and a setting's key, such as {VARIABLES}DOCKER_DIR")
        }
    };
    Error::Config { origin: name.to_owned(), problem: "there is no such variable".to_owned(), help }
}

fn each<T>(
    from: impl IntoIterator<Item = T>,
    assignments: impl FnMut(T) -> Result<Vec<Assignment>>,
) -> Result<Vec<Assignment>> {
    let layers: Result<Vec<_>> = from.into_iter().map(assignments).collect();
    Ok(layers?.into_iter().flatten().collect())
}
