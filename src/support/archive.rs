//! The archive: secrets go, a manifest comes, tar and gzip.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{Content, Gathered, Lack, Part};
use crate::redact::{MASK, Secrets, scrub, scrub_value};
use crate::{Error, Result};

/// No archive unpacks to more, in bytes.
const LARGEST: usize = 32 << 20;

/// What is about to be packed.
#[derive(Debug)]
pub struct Pack {
    directory: String,
    made: u64,
    files: Vec<(String, String)>,
    missing: Vec<(String, Lack)>,
}

impl Pack {
    /// Masks what is secret in all of it. `made` is when, in seconds since the epoch.
    pub fn of(gathered: Gathered, secrets: &Secrets, node: &str, made: u64) -> Self {
        let is_of_name = |next: char| next.is_ascii_alphanumeric() || next == '-' || next == '.';
        let node: String = node.chars().filter(|next| is_of_name(*next)).collect();
        let directory = format!("node-setup-support-{node}-{}", date(made));
        let mut pack = Self { directory, made, files: Vec::new(), missing: Vec::new() };
        let mut room = LARGEST;
        for Part { name, content } in gathered.parts {
            let text = clean(&name, &content, secrets);
            match room.checked_sub(text.len()) {
                Some(rest) => {
                    room = rest;
                    pack.files.push((name, text));
                }
                None => pack.missing.push((name, Lack::Failed("no room was left for it".to_owned()))),
            }
        }
        let clean_lack = |(name, lack)| {
            let clean = |why: &str| secrets.mask(scrub(why).text);
            let lack = match lack {
                Lack::Absent(why) => Lack::Absent(clean(&why)),
                Lack::Failed(why) => Lack::Failed(clean(&why)),
            };
            (name, lack)
        };
        pack.missing.extend(gathered.missing.into_iter().map(clean_lack));
        pack
    }

    /// The name of the file, which is also that of the directory in it.
    pub fn file_name(&self) -> String {
        format!("{}.tar.gz", self.directory)
    }

    /// How many files there are, beside the manifest.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// What is not in it, and why.
    pub fn missing(&self) -> &[(String, Lack)] {
        &self.missing
    }

    /// The archive.
    pub fn packed(&self) -> Result<Vec<u8>> {
        let manifest = format!("{:#}\n", self.manifest());
        let first = [("manifest.json", manifest.as_str())];
        let files = self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        for (name, text) in first.into_iter().chain(files) {
            self.append(&mut tar, name, text).map_err(Error::io("pack", name))?;
        }
        let packed = tar.into_inner().and_then(GzEncoder::finish);
        packed.map_err(Error::io("pack", &self.directory))
    }

    fn append(&self, tar: &mut tar::Builder<impl Write>, name: &str, text: &str) -> std::io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o600);
        header.set_mtime(self.made);
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, format!("{}/{name}", self.directory), text.as_bytes())
    }

    fn manifest(&self) -> Value {
        let file = |(name, text): &(String, String)| json!({"name": name, "bytes": text.len()});
        let lack = |(name, lack): &(String, Lack)| {
            let kind = if matches!(lack, Lack::Absent(_)) { "absent" } else { "failed" };
            json!({"name": name, "kind": kind, "why": lack.why()})
        };
        json!({
            "node-setup": env!("CARGO_PKG_VERSION"),
            "made": self.made,
            "files": self.files.iter().map(file).collect::<Vec<_>>(),
            "missing": self.missing.iter().map(lack).collect::<Vec<_>>(),
        })
    }
}

fn clean(name: &str, content: &Content, secrets: &Secrets) -> String {
    let text = match content {
        Content::Text(text) if name.starts_with("units/") => scrub(&without_environment(text)).text,
        Content::Text(text) => scrub(text).text,
        Content::Json(value) => format!("{:#}\n", scrub_value("", value)),
    };
    secrets.mask(text)
}

/// Units with the names of their environments alone: what a value is for is not always to be told from
/// its name, nor where it ends.
fn without_environment(text: &str) -> String {
    let mut goes_on = false;
    let mut shown = String::new();
    for line in text.lines() {
        let assigned = line.trim_start().strip_prefix("Environment=").or(goes_on.then_some(line));
        goes_on = assigned.is_some() && line.ends_with('\\');
        let names = assigned.map(|assigned| format!("Environment={}", names_in(assigned).join(" ")));
        shown.push_str(names.as_deref().unwrap_or(line));
        shown.push('\n');
    }
    shown
}

/// But for PATH, in which docker looks for the programs that it runs.
fn names_in(assigned: &str) -> Vec<String> {
    let words = assigned.split([' ', '"', '\'']);
    let shown = |word: &str| {
        let (name, _) = word.split_once('=')?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then(|| if name == "PATH" { word.to_owned() } else { format!("{name}={MASK}") })
    };
    words.filter_map(shown).collect()
}

/// Seconds since the epoch as `20240131T235959Z`; the days are counted as in Howard Hinnant's
/// `civil_from_days`.
pub fn date(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, shown) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_706_745_599, "20240131T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(date(seconds), shown);
        }
    }

    #[test]
    fn environments_have_no_values() {
        for (text, shown) in [
            ("Environment=A=b HTTP_PROXY=http://u:p@h\n", "Environment=A=*** HTTP_PROXY=***\n"),
            ("Environment=\"A=two words\" B=c\nUser=x\n", "Environment=A=*** B=***\nUser=x\n"),
            ("Environment=A=two c=d words\n", "Environment=A=*** c=***\n"),
            ("Environment=A=b \\\n  \"B=c d\"\nUser=x\n", "Environment=A=***\nEnvironment=B=***\nUser=x\n"),
            ("Environment=\"PATH=/opt/k8s/bin:/bin\" A=b\n", "Environment=PATH=/opt/k8s/bin:/bin A=***\n"),
            ("Environment=\n", "Environment=\n"),
            ("EnvironmentFile=-/run/flannel/docker\n", "EnvironmentFile=-/run/flannel/docker\n"),
        ] {
            assert_eq!(without_environment(text), shown);
        }
    }

    fn unpacked(bytes: &[u8]) -> BTreeMap<String, String> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
        let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
            let mut entry = entry.unwrap();
            assert_eq!(entry.header().mode().unwrap(), 0o600);
            let name = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (name, text)
        };
        archive.entries().unwrap().map(read).collect()
    }

    #[test]
    fn what_is_packed_is_unpacked_without_secrets() {
        let text =
            |name: &str, text: &str| Part { name: name.to_owned(), content: Content::Text(text.to_owned()) };
        let long = format!("a/{}", "x".repeat(150));
        let mut gathered = Gathered {
            parts: vec![
                text("log", "token: x, elsewhere learnt-secret"),
                text(&long, "long"),
                Part { name: "b.json".to_owned(), content: Content::Json(json!({"password": 1, "a": "b"})) },
            ],
            missing: vec![("c".to_owned(), Lack::Failed("GET http://u:p@h: learnt-secret".to_owned()))],
        };
        gathered.parts.push(text("huge", &"x".repeat(LARGEST)));
        let mut secrets = Secrets::default();
        secrets.learn("TOKEN=learnt-secret");
        let pack = Pack::of(gathered, &secrets, "../worker/1", 0);
        assert_eq!(pack.file_name(), "node-setup-support-..worker1-19700101T000000Z.tar.gz");
        let files = unpacked(&pack.packed().unwrap());
        let file =
            |name: &str| files[&format!("node-setup-support-..worker1-19700101T000000Z/{name}")].as_str();
        assert_eq!(file("log"), "token: *** elsewhere ***");
        assert_eq!(file(&long), "long");
        assert_eq!(file("b.json"), "{\n  \"password\": \"***\",\n  \"a\": \"b\"\n}\n");
        let manifest: Value = serde_json::from_str(file("manifest.json")).unwrap();
        assert_eq!(manifest["files"][0], json!({"name": "log", "bytes": 24}));
        assert_eq!(manifest["missing"][0]["why"], "no room was left for it");
        assert_eq!(manifest["missing"][1]["why"], "GET http://***@h: ***");
        assert_eq!(files.len(), 4);
    }
}
