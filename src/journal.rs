//! What a run is about to do, on disk before it does it.
//!
//! One file a run, one line of JSON a record. The intents of a whole plan are
//! flushed together before the first side effect; a step that turns out different
//! is intended anew before its own. That a step is done is written without a
//! flush: whoever reads the journal after a crash looks at the node anyway.
#![expect(clippy::disallowed_methods, reason = "its lines are appended, and a run has a date")]

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::archive::Member;
use crate::change::Step;
use crate::digest::Digest;
use crate::host::make_private_directory;
use crate::read;
use crate::version::Version;
use crate::{Error, Result};

/// The form of the lines below. Every earlier form stays readable.
pub const SCHEMA: u32 = 1;

/// A set of docker's binaries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// docker's version.
    pub version: Version,
    /// Digest of the archive that they came from.
    pub archive: Digest,
    /// The binaries.
    pub members: Vec<Member>,
}

/// The first line: what the run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Begin {
    /// [`SCHEMA`] at the time.
    pub schema: u32,
    /// node-setup's version.
    pub version: String,
    /// The command, without what may be secret.
    pub command: String,
    /// Seconds since the epoch.
    pub started: u64,
    /// The docker that the run installs or leaves installed.
    pub docker: Option<Installed>,
    /// The keys of daemon.json that are node-setup's from here on.
    #[serde(default)]
    pub daemon_keys: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Every step was done.
    Completed,
    /// It failed, and everything was put back.
    Restored,
    /// It failed, and something could not be put back.
    Partial,
    /// It stopped, and the next run went on from there: that one has inherited its steps.
    Resumed,
}

impl End {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Restored => "restored",
            Self::Partial => "partly restored",
            Self::Resumed => "resumed by the next",
        }
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// The run begins.
    Begin(Begin),
    /// A step that runs before this one have made, of which none ended. It is this run's now.
    Inherited {
        /// The step as it was made.
        step: Step,
    },
    /// A step will be made.
    Intend(Step),
    /// A resource that no run had changed was as wanted.
    Found {
        /// From that state to itself.
        step: Step,
    },
    /// The last intent for this step's resource has been carried out.
    Done {
        /// The step as it was made.
        step: Step,
    },
    /// A best effort that the node refused.
    Refused {
        /// The step.
        step: Step,
        /// What the node said.
        reason: String,
    },
    /// A step was undone.
    Undone {
        /// The step as it had been made.
        step: Step,
    },
    /// The run ended.
    End(End),
}

/// What a run that did not end leaves to the next one.
#[derive(Clone, Debug, PartialEq)]
pub struct Heritage {
    /// Its journal.
    pub journal: PathBuf,
    /// What it has made of the node: one step for each resource.
    pub steps: Vec<Step>,
}

/// The journal of the run that is going on.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    torn: bool,
}

impl Journal {
    /// Begins the journal that follows the last one in `directory`, with all that is
    /// inherited, and all that is intended so far. On disk when this returns.
    ///
    /// The run that left the `heritage` has ended only then. Before that it is still the
    /// one that did not end, and what follows it is not looked at.
    pub fn begin(
        directory: &Path,
        begin: Begin,
        heritage: Option<&Heritage>,
        intents: &[Step],
    ) -> Result<Self> {
        make_private_directory(directory)?;
        let inherited = match heritage {
            Some(Heritage { journal, steps }) => {
                discard_after(journal)?;
                steps.as_slice()
            }
            None => &[],
        };
        let number = numbers(directory)?.last().map_or(1, |last| last + 1);
        let path = path_of(directory, number);
        let inherited = inherited.iter().map(|step| Record::Inherited { step: step.clone() });
        let intents = intents.iter().cloned().map(Record::Intend);
        let records = std::iter::once(Record::Begin(begin)).chain(inherited).chain(intents);
        let lines: String = records.map(|record| line(&path, &record)).collect::<Result<_>>()?;
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::io("create", &path))?;
        let mut journal = Self { path, file, torn: false };
        journal.append(&lines)?;
        journal.flush()?;
        flush_directory(directory)?;
        if let Some(Heritage { journal, .. }) = heritage {
            Self::open(journal)?.write_through(&Record::End(End::Resumed))?;
        }
        Ok(journal)
    }

    /// Goes on with the journal of a run that did not end.
    pub fn resume(path: &Path) -> Result<Self> {
        discard_after(path)?;
        Self::open(path)
    }

    fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().append(true).open(path).map_err(Error::io("open", path))?;
        // The crash may have left half a line.
        Ok(Self { path: path.to_owned(), file, torn: true })
    }

    /// Writes a record that must be on disk before what follows it.
    pub fn write_through(&mut self, record: &Record) -> Result<()> {
        self.write(record)?;
        self.flush()
    }

    /// Writes a record that may be lost.
    pub fn write(&mut self, record: &Record) -> Result<()> {
        let line = line(&self.path, record)?;
        self.append(&line)
    }

    /// What follows a line that may be half written begins on a line of its own.
    fn append(&mut self, lines: &str) -> Result<()> {
        let lines = if self.torn { format!("\n{lines}") } else { lines.to_owned() };
        self.torn = true;
        self.file.write_all(lines.as_bytes()).map_err(Error::io("write", &self.path))?;
        self.torn = false;
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        self.file.sync_data().map_err(Error::io("flush", &self.path))
    }
}

/// Discards journals that follow that of a run which did not end. They were begun by runs
/// that died before they had inherited it, and have done nothing.
fn discard_after(journal: &Path) -> Result<()> {
    let Some(directory) = journal.parent() else { return Ok(()) };
    for number in numbers(directory)? {
        let later = path_of(directory, number);
        if later.as_path() > journal {
            fs::remove_file(&later).map_err(Error::io("remove", &later))?;
        }
    }
    flush_directory(directory)
}

fn flush_directory(directory: &Path) -> Result<()> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(Error::io("flush", directory))
}

/// Not everything that a node can have can be written down: the target of a link need not be text.
fn line(journal: &Path, record: &Record) -> Result<String> {
    let mut text =
        serde_json::to_string(record).map_err(|error| Error::io("write", journal)(error.into()))?;
    text.push('\n');
    Ok(text)
}

/// Reads the lines of a journal. A crash can leave the last one torn, or zeros where
/// it was to be; what went on after it stands on a line of its own. A torn line was
/// never relied on.
pub fn parse(text: &str) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty()).peekable();
    while let Some((number, line)) = lines.next() {
        match serde_json::from_str(line) {
            Ok(record) => records.push(record),
            Err(error) if error.is_eof() || line.contains('\0') || lines.peek().is_none() => {}
            Err(error) => return Err(format!("line {}: {error}", number + 1)),
        }
    }
    Ok(records)
}

/// Who wrote a journal: all of its first line that no form may change.
#[derive(Deserialize)]
struct Author {
    schema: u32,
    version: String,
}

fn author(text: &str) -> Option<Author> {
    #[derive(Deserialize)]
    struct First {
        begin: Author,
    }
    serde_json::from_str(text.lines().next()?).ok().map(|first: First| first.begin)
}

/// Every journal in `directory`, oldest first.
pub fn read_all(directory: &Path) -> Result<Vec<(PathBuf, Vec<Record>)>> {
    let read = |number| {
        let path = path_of(directory, number);
        let bytes = read::whole(&path).map_err(Error::io("read", &path))?;
        let text = String::from_utf8_lossy(&bytes);
        if let Some(Author { schema, version }) = author(&text).filter(|author| author.schema > SCHEMA) {
            return Err(Error::Newer { path, schema, version });
        }
        let records = parse(&text).map_err(|problem| Error::State { path: path.clone(), problem })?;
        Ok((path, records))
    };
    numbers(directory)?.into_iter().map(read).collect()
}

fn numbers(directory: &Path) -> Result<Vec<u32>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read the directory", directory)(error)),
    };
    let number = |name: OsString| name.to_str()?.strip_suffix(".jsonl")?.parse().ok();
    let names = entries.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>();
    let names = names.map_err(Error::io("read the directory", directory))?;
    let mut numbers: Vec<u32> = names.into_iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn path_of(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{number:06}.jsonl"))
}

/// Seconds since the epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;
    use crate::change::Change;
    use crate::resource::{File, FileState, Sysctl, SysctlState};

    fn step(from: &str, to: &str) -> Step {
        Step::Sysctl(Change {
            on: Sysctl("net.ipv4.ip_forward".to_owned()),
            from: SysctlState::value(from),
            to: SysctlState::value(to),
        })
    }

    pub(crate) fn begin() -> Begin {
        Begin {
            schema: SCHEMA,
            version: "0.1.0".to_owned(),
            command: "docker".to_owned(),
            started: 1,
            docker: None,
            daemon_keys: vec!["live-restore".to_owned()],
        }
    }

    fn records() -> Vec<Record> {
        vec![
            Record::Begin(begin()),
            Record::Inherited { step: step("2", "0") },
            Record::Intend(step("0", "1")),
            Record::Found { step: step("1", "1") },
            Record::Done { step: step("0", "1") },
            Record::Refused { step: step("1", "2"), reason: "Invalid argument".to_owned() },
            Record::End(End::Completed),
        ]
    }

    fn text() -> String {
        records().iter().map(|record| line(Path::new("journal"), record).unwrap()).collect()
    }

    /// It would be an intent that nobody can read.
    #[test]
    fn what_cannot_be_written_down_is_not_begun() {
        let scratch = tempfile::tempdir().unwrap();
        let target = PathBuf::from(OsString::from_vec(b"caf\xe9".to_vec()));
        let link = |target| FileState::Symlink { target, label: None };
        let on = File(scratch.path().join("link"));
        let step = Step::File(Change { on, from: link(target), to: link("x".into()) });
        let error = Journal::begin(scratch.path(), begin(), None, &[step]).unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
        assert!(read_all(scratch.path()).unwrap().is_empty());
    }

    #[test]
    fn every_prefix_of_a_journal_can_be_read() {
        let text = text();
        for end in 0..=text.len() {
            let whole = text[..end].matches('\n').count();
            let parsed = parse(&text[..end]).unwrap();
            assert!(parsed.len() == whole || parsed.len() == whole + 1, "prefix of {end} bytes");
            assert_eq!(parsed[..], records()[..parsed.len()]);
        }
    }

    #[test]
    fn damage_in_the_middle_is_not_read_over() {
        let text = text();
        let damaged = text.replacen("\"intend\"", "\"intent\"", 1);
        assert!(parse(&damaged).unwrap_err().starts_with("line 3"));
    }

    #[test]
    fn a_journal_goes_on_after_a_torn_line() {
        let scratch = tempfile::tempdir().unwrap();
        Journal::begin(scratch.path(), begin(), None, &[step("0", "1")]).unwrap();
        let (path, _) = read_all(scratch.path()).unwrap().remove(0);
        for (tail, records) in [("{\"done\":{\"st", 3), ("{\"done\"\0\0", 4), ("\0\0\0", 5)] {
            let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
            torn.write_all(tail.as_bytes()).unwrap();
            Journal::resume(&path).unwrap().write_through(&Record::End(End::Restored)).unwrap();
            let (_, found) = read_all(scratch.path()).unwrap().remove(0);
            assert_eq!(found.last(), Some(&Record::End(End::Restored)), "{tail:?}");
            assert_eq!(found.len(), records, "{tail:?}");
        }
    }

    #[test]
    fn an_heir_takes_the_place_of_one_that_died_while_it_was_born() {
        let scratch = tempfile::tempdir().unwrap();
        Journal::begin(scratch.path(), begin(), None, &[step("0", "1")]).unwrap();
        let (dead, _) = read_all(scratch.path()).unwrap().remove(0);
        let stillborn = path_of(scratch.path(), 2);
        fs::write(&stillborn, line(&stillborn, &Record::Begin(begin())).unwrap()).unwrap();
        let heritage = Heritage { journal: dead.clone(), steps: vec![step("0", "1")] };
        Journal::begin(scratch.path(), begin(), Some(&heritage), &[]).unwrap();
        let journals = read_all(scratch.path()).unwrap();
        let last: Vec<_> = journals.iter().map(|(path, records)| (path, records.last().unwrap())).collect();
        let inherited = Record::Inherited { step: step("0", "1") };
        assert_eq!(last, [(&dead, &Record::End(End::Resumed)), (&stillborn, &inherited)]);
    }
}
