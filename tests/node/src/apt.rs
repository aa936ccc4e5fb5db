//! The Debian mirror this machine's apt is configured with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The archive keys of Debian, for a host that is not Debian itself.
pub(crate) const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The first Debian mirror among the host's apt sources.
pub(crate) fn mirror() -> Result<String> {
    for path in source_files(Path::new("/etc/apt")) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let deb822 = path.extension().is_some_and(|ext| ext == "sources");
        let uris = if deb822 { deb822_uris(&text) } else { one_line_uris(&text) };
        if let Some(uri) = uris.into_iter().find(|uri| is_debian(uri)) {
            return Ok(uri);
        }
    }
    bail!(
        "no Debian mirror among apt's sources: add one (its address ends in /debian) under /etc/apt/sources.list.d"
    )
}

fn source_files(apt: &Path) -> Vec<PathBuf> {
    let mut files = vec![apt.join("sources.list")];
    let entries = fs::read_dir(apt.join("sources.list.d")).into_iter().flatten().flatten();
    let mut dropped: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "sources" || ext == "list"))
        .collect();
    dropped.sort();
    files.append(&mut dropped);
    files
}

fn is_debian(uri: &str) -> bool {
    let web = uri.starts_with("http://") || uri.starts_with("https://");
    web && uri.trim_end_matches('/').ends_with("/debian")
}

/// The addresses in the form of sources.list(5): `deb [options] URI SUITE COMPONENT...`.
fn one_line_uris(text: &str) -> Vec<String> {
    let uri = |line: &str| {
        let rest = line.trim().strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
        let rest = if rest.starts_with('[') { rest.split_once(']')?.1 } else { rest };
        rest.split_whitespace().next().map(str::to_owned)
    };
    text.lines().filter_map(uri).collect()
}

/// The addresses in the deb822 form: stanzas with a field `URIs`, whose value may go on in indented lines. A stanza
/// that says `Enabled: no` does not count.
fn deb822_uris(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines
        .split(|line| line.trim().is_empty())
        .filter(|stanza| enabled(stanza))
        .flat_map(stanza_uris)
        .collect()
}

fn enabled(stanza: &[&str]) -> bool {
    !field(stanza, "enabled").iter().any(|value| value.eq_ignore_ascii_case("no"))
}

fn stanza_uris(stanza: &[&str]) -> Vec<String> {
    field(stanza, "uris")
}

fn field(stanza: &[&str], name: &str) -> Vec<String> {
    let mut inside = false;
    let mut words = Vec::new();
    for line in stanza {
        let value = if line.starts_with([' ', '\t']) {
            *line
        } else {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            inside = key.trim().eq_ignore_ascii_case(name);
            value
        };
        if inside {
            words.extend(value.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_sources() {
        let text = "# deb http://commented/debian x main\n\
                    deb-src http://source.example/debian x main\n\
                    deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian bookworm main\n\
                    deb http://plain.example/debian/ bookworm main # end\n";
        assert_eq!(one_line_uris(text), ["https://mirror.example/debian", "http://plain.example/debian/"]);
    }

    #[test]
    fn deb822_sources() {
        let text = "Types: deb\nEnabled: no\nURIs: http://off.example/debian\n\n\
                    Types: deb\n# a comment: with a colon\nURIs: http://a.example/other\n http://b.example/debian\nSuites: x\n";
        assert_eq!(deb822_uris(text), ["http://a.example/other", "http://b.example/debian"]);
    }

    #[test]
    fn only_a_debian_archive_counts() {
        for (uri, debian) in [
            ("http://mirror.example/debian", true),
            ("https://mirror.example/debian/", true),
            ("http://mirror.example/debian-security", false),
            ("cdrom:[disk]/debian", false),
        ] {
            assert_eq!(is_debian(uri), debian, "{uri}");
        }
    }
}
