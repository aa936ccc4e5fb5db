//! Getting an archive: from the first of several places that has it.

use super::Contents;
use super::http::Network;
use super::source::Source;
use super::trust::Trust;
use super::unpack::Sink;
use crate::error::{Error, Refusal, Result};
use crate::version::Version;

/// An archive that is wanted, and where it may be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which docker it is.
    pub version: Version,
    /// What it must be; without it, only a file of this machine will do.
    pub trust: Option<Trust>,
    /// Where it may be, best first.
    pub sources: Vec<Source>,
}

/// An archive that was read, and where it was.
#[derive(Clone, Debug)]
pub struct Obtained {
    /// What is in it.
    pub contents: Contents,
    /// Where it came from.
    pub source: Source,
}

impl Wanted {
    /// Reads it into `sink` from the first source that has it. Those that do not, or that
    /// have something else, are noted and passed over; what the sink has of them is thrown
    /// away (`restart`). An error that is not a source's own ends it.
    pub fn read(&self, network: &Network, sink: &mut dyn Sink) -> Result<Obtained> {
        let sha256 = self.trust.as_ref().map(|trust| trust.sha256);
        let mut failed = Vec::new();
        for (number, source) in self.sources.iter().enumerate() {
            let read = if sha256.is_none() && matches!(source, Source::Url(_)) {
                Err(self.unverifiable(source))
            } else {
                source.read(self.version, sha256, network, sink)
            };
            let error = match read {
                Ok(contents) => return Ok(Obtained { contents, source: source.clone() }),
                Err(error @ Error::Archive { .. }) => error,
                Err(error) => return Err(error),
            };
            sink.restart()?;
            if number + 1 < self.sources.len() && !is_absent(source) {
                sink.note(&format!("{}; trying the next source", told(&error)));
            }
            failed.push(error);
        }
        Err(all_failed(self.version, failed))
    }

    fn unverifiable(&self, source: &Source) -> Error {
        Error::Archive {
            origin: source.to_string(),
            problem: format!(
                "no sha256 of docker {} is known, and what comes over a network needs one",
                self.version
            ),
            help: "give --sha256 HEX, a version that docker versions lists, or sums that are signed \
                   (fetch.sums)"
                .to_owned(),
        }
    }
}

/// A place where nothing was expected for sure, such as the cache, is not worth a word.
fn is_absent(source: &Source) -> bool {
    matches!(source, Source::File(path) if !path.exists())
}

fn told(error: &Error) -> String {
    match error {
        Error::Archive { origin, problem, .. } => format!("{origin}: {problem}"),
        error => error.to_string(),
    }
}

fn all_failed(version: Version, mut failed: Vec<Error>) -> Error {
    if failed.len() < 2 {
        return failed.pop().unwrap_or_else(|| Error::Config {
            origin: "fetch.official".to_owned(),
            problem: format!("there is nowhere to get docker {version} from"),
            help: "give --archive FILE-OR-URL, or set fetch.mirrors".to_owned(),
        });
    }
    let refusal = |error: &Error| Refusal {
        id: "source",
        found: told(error),
        remedy: error.help().unwrap_or_default(),
    };
    Error::Refused(failed.iter().map(refusal).collect())
}
