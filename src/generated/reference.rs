//! The configuration reference: the table of settings, for people.

use std::fmt::Write;

use crate::config::settings::{SETTINGS, Setting};

const INTRODUCTION: &str = "\
# Configuration

Written from the table of settings by `make generate`. `packaging/config.toml` is a file to begin
with: every setting is in it, commented out.

Later ones win: the defaults, the usual variables for proxies, `environment.sh`, `/etc/node-setup/config.toml`,
`/etc/node-setup/config.d/*.toml` in the order of their names, variables, flags. `--config FILE` takes
the place of both files. An unknown key is an error that names the file and the line.
`node-setup config show` prints each value with where it comes from.
";

/// `docs/configuration.md`.
pub(super) fn configuration() -> String {
    let mut text = INTRODUCTION.to_owned();
    for setting in SETTINGS {
        describe(&mut text, setting).unwrap();
    }
    text
}

fn describe(text: &mut String, setting: &Setting) -> std::fmt::Result {
    writeln!(text, "\n## `{}`\n\n{}\n", setting.key, setting.doc)?;
    writeln!(text, "- takes: {}", setting.takes())?;
    match setting.default {
        "" => writeln!(text, "- default: none")?,
        default => {
            let default = default.split_whitespace().collect::<Vec<_>>().join(" ");
            writeln!(text, "- default: `{default}`")?;
        }
    }
    writeln!(text, "- variable: `{}`", setting.variable())?;
    if let Some(flag) = setting.flag {
        writeln!(text, "- flag: `{flag}`")?;
    }
    if let Some(name) = setting.guide {
        writeln!(text, "- in `environment.sh`: `{name}`")?;
    }
    if !setting.customary.is_empty() {
        let names: Vec<String> = setting.customary.iter().map(|name| format!("`{name}`")).collect();
        writeln!(text, "- below every other layer: {}", names.join(", "))?;
    }
    Ok(())
}
