//! The ways in which things outside are had.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::{Collection, Content, Lack, Part};
use crate::host::{Host, Interrupt, Keep, Limits, Program, find_program};
use crate::read;
use crate::{Error, Result};

/// No part is larger, in bytes.
pub(super) const LARGEST: usize = 1 << 20;

/// How long another program may take.
const PROGRAM: Duration = Duration::from_secs(10);

/// How long docker may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What the threads need beside, to make and to end a program that hangs.
const MARGIN: Duration = Duration::from_secs(5);

/// How something is had.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// A file.
    File(&'static str),
    /// So many of a directory's files with this ending, those with the last names first.
    Directory(&'static str, &'static str, usize),
    /// What a program writes, from its beginning.
    Program(&'static str, &'static [&'static str]),
    /// The same, from its end.
    Log(&'static str, &'static [&'static str]),
    /// What systemd knows of units.
    Units(&'static [&'static str]),
    /// A unit's file and its drop-ins, as systemd has them.
    UnitFile(&'static str),
    /// An answer of docker's API.
    Api(&'static str),
    /// The same, for a list of containers: no more of them than is known to hold no secret.
    Containers(&'static str),
}

impl Way {
    /// The collection of this under `name`; docker is asked on `socket`.
    pub fn collection(self, name: &'static str, socket: &Path) -> Collection {
        let socket = socket.to_owned();
        Collection { name, limit: PROGRAM + MARGIN, get: Box::new(move || self.get(name, &socket)) }
    }

    fn get(self, name: &str, socket: &Path) -> Result<Vec<Part>, Lack> {
        let content = match self {
            Self::Directory(directory, ending, most) => {
                return newest(name, Path::new(directory), ending, most);
            }
            Self::File(path) => Content::Text(text_of(Path::new(path))?),
            Self::Program(program, args) => Content::Text(written(program, args, Keep::First(LARGEST))?),
            Self::Log(program, args) => Content::Text(written(program, args, Keep::Last(LARGEST))?),
            Self::Units(units) => {
                let args = [&["show", "--no-pager"], units].concat();
                Content::Text(written("systemctl", &args, Keep::First(LARGEST))?)
            }
            Self::UnitFile(unit) => Content::Text(unit_file(unit)?),
            Self::Api(path) => Content::Json(answer(socket, path)?),
            Self::Containers(path) => Content::Json(containers(&answer(socket, path)?)),
        };
        Ok(vec![Part { name: name.to_owned(), content }])
    }
}

/// The text of a file, up to the largest size that a part may have.
pub fn text_of(path: &Path) -> Result<String, Lack> {
    let lack = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Lack::Absent(format!("there is no {}", path.display())),
        _ => Lack::Failed(Error::io("read", path)(error).in_one_line()),
    };
    let mut bytes = Vec::new();
    let file = read::open(path).map_err(lack)?;
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(lack)?;
    let is_cut = bytes.len() > LARGEST;
    bytes.truncate(LARGEST);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(if is_cut { text + "\n[cut here]\n" } else { text })
}

fn newest(name: &str, directory: &Path, ending: &str, most: usize) -> Result<Vec<Part>, Lack> {
    let entries = fs::read_dir(directory).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Lack::Absent(format!("there is no {}", directory.display())),
        _ => Lack::Failed(Error::io("list", directory)(error).in_one_line()),
    })?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ending)));
    paths.sort();
    let part = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // One of many that cannot be read says so in its own place.
        let text = text_of(path).unwrap_or_else(|lack| format!("[{}]\n", lack.why()));
        Part { name: format!("{name}/{file}"), content: Content::Text(text) }
    };
    Ok(paths.iter().rev().take(most).map(part).collect())
}

impl Lack {
    /// The reason.
    pub fn why(&self) -> &str {
        match self {
            Self::Absent(why) | Self::Failed(why) => why,
        }
    }

    /// The reason that an error gives.
    pub fn of(error: &Error) -> Self {
        Self::Failed(error.in_one_line())
    }
}

fn written(program: &str, args: &[&str], keep: Keep) -> Result<String, Lack> {
    if find_program(program).is_none() {
        return Err(Lack::Absent(format!("{program} is not installed")));
    }
    let host = Host::new(Limits::default(), Interrupt::default()).map_err(|error| Lack::of(&error))?;
    let run = Program::new(program).args(args).keep(keep).within(PROGRAM).even_if_it_fails();
    host.run(run).map(|output| output.stdout).map_err(|error| Lack::of(&error))
}

fn unit_file(unit: &str) -> Result<String, Lack> {
    written("systemctl", &["cat", "--no-pager", unit], Keep::First(LARGEST)).map_err(|lack| match lack {
        Lack::Failed(why) if why.contains("No files found") => {
            Lack::Absent(format!("systemd knows no {unit}"))
        }
        lack => lack,
    })
}

fn answer(socket: &Path, path: &str) -> Result<Value, Lack> {
    if !socket.exists() {
        return Err(Lack::Absent(format!("there is no {}", socket.display())));
    }
    let api = crate::host::Api::new(socket.to_owned(), ANSWER);
    api.document(path).map_err(|error| Lack::of(&error))
}

/// Neither commands nor labels at large: both may hold what a container was told in confidence.
const FIELDS: &[&str] =
    &["Id", "Names", "Image", "ImageID", "State", "Status", "Created", "Ports", "NetworkSettings"];

/// What kubelet calls a container.
const LABELS: &[&str] =
    &["io.kubernetes.pod.name", "io.kubernetes.pod.namespace", "io.kubernetes.container.name"];

fn containers(answer: &Value) -> Value {
    let pick = |object: Option<&Map<String, Value>>, keys: &[&str]| -> Map<String, Value> {
        let object = object.into_iter().flatten();
        object
            .filter(|(key, _)| keys.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    let container = |container: &Value| {
        let mut kept = pick(container.as_object(), FIELDS);
        // Of its annotations nothing: labels by another name.
        for (name, keys) in [("HostConfig", &["NetworkMode"][..]), ("Labels", LABELS)] {
            let within = pick(container.get(name).and_then(Value::as_object), keys);
            kept.insert(name.to_owned(), Value::Object(within));
        }
        Value::Object(kept)
    };
    answer.as_array().into_iter().flatten().map(container).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_a_container_only_what_is_known_is_kept() {
        let said = json!([{"Id": "1", "Command": "sh -c secret", "Env": ["A=b"],
            "HostConfig": {"NetworkMode": "host", "Annotations": {"x": "secret"}},
            "Labels": {"io.kubernetes.pod.name": "p", "annotation.x": "secret"}}]);
        assert_eq!(
            containers(&said),
            json!([{"Id": "1", "HostConfig": {"NetworkMode": "host"}, "Labels": {"io.kubernetes.pod.name": "p"}}])
        );
    }

    #[test]
    fn a_file_is_cut_and_what_is_none_is_not_opened() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("large");
        std::fs::write(&path, "x".repeat(LARGEST + 5)).unwrap();
        assert_eq!(text_of(&path).unwrap().len(), LARGEST + "\n[cut here]\n".len());
        assert!(matches!(text_of(&scratch.path().join("none")), Err(Lack::Absent(_))));
        assert!(matches!(text_of(scratch.path()), Err(Lack::Failed(_))));
        let pipe = scratch.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(matches!(text_of(&pipe), Err(Lack::Failed(_))));
    }

    #[test]
    fn the_last_names_of_a_directory_come_first() {
        let scratch = tempfile::tempdir().unwrap();
        for name in ["1.jsonl", "2.jsonl", "3.jsonl", "4.bad"] {
            std::fs::write(scratch.path().join(name), name).unwrap();
        }
        std::fs::create_dir(scratch.path().join("5.jsonl")).unwrap();
        let parts = newest("journal", scratch.path(), ".jsonl", 3).unwrap();
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["journal/5.jsonl", "journal/3.jsonl", "journal/2.jsonl"]);
        let Content::Text(text) = &parts[0].content else { panic!("not text") };
        assert!(text.contains("it is a directory"), "{text}");
    }
}
