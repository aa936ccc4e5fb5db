//! Files that are generated from the code, and kept in the repository.
//!
//! Tests generate them and compare; with `UPDATE=1` they write them instead, which
//! is what `make generate` does. The JSON Schema is written by the report's test.

mod explained;
mod manual;
mod reference;

use std::path::Path;

/// Fails if `path`, under the package's root, is not `text`.
pub(crate) fn assert_fresh(path: &Path, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept != text {
        let diff = similar::TextDiff::from_lines(kept.as_str(), text);
        let diff = diff.unified_diff().header("as it is kept", "as it is now").to_string();
        panic!("{} is stale; if this is meant, run `make generate`:\n{diff}", path.display());
    }
}

mod tests {
    use clap::{CommandFactory, ValueEnum};
    use clap_complete::Shell;

    use super::{Path, assert_fresh, explained, manual, reference};
    use crate::cli::Cli;

    #[test]
    fn the_manual_page_is_that_of_the_commands() {
        assert_fresh(Path::new("packaging/man/node-setup.8"), &manual::page(Cli::command()));
    }

    #[test]
    fn the_explanations_are_those_of_the_program() {
        assert_fresh(Path::new("docs/explain.md"), &explained::explanations());
    }

    #[test]
    fn the_configuration_reference_is_that_of_the_settings() {
        assert_fresh(Path::new("docs/configuration.md"), &reference::configuration());
    }

    /// The packages take theirs from there; a pre-release sorts before its release with a tilde.
    #[test]
    fn the_version_of_the_packages_is_that_of_the_program() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("debian/changelog");
        let changelog = std::fs::read_to_string(path).unwrap();
        let newest = format!("node-setup ({}) ", env!("CARGO_PKG_VERSION").replace('-', "~"));
        assert!(changelog.starts_with(&newest), "debian/changelog does not begin with {newest}");
        for (path, line) in [
            ("packaging/ansible/galaxy.yml", format!("version: {}", env!("CARGO_PKG_VERSION"))),
            ("packaging/puppet/metadata.json", format!("  \"version\": \"{}\",", env!("CARGO_PKG_VERSION"))),
        ] {
            let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
            assert!(text.lines().any(|other| other == line), "{path} does not say {line}");
        }
    }

    /// Those of the shells that the distributions have a directory for.
    #[test]
    fn the_completions_are_those_of_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let name = match shell {
                Shell::Zsh => "_node-setup".to_owned(),
                other => format!("node-setup.{}", other.to_possible_value().unwrap().get_name()),
            };
            let path = Path::new("packaging/completions").join(name);
            assert_fresh(&path, &crate::cli::completions(shell));
        }
    }
}
