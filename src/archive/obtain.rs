//! Getting an archive: from the first of several places that has it.

use super::Contents;
use super::http::Network;
use super::source::Source;
use super::trust::Trust;
use super::unpack::Sink;
use crate::error::{Error, Id, Refusal, Result};
use crate::host::outside;
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
        let (usable, unusable): (Vec<_>, Vec<_>) =
            self.sources.iter().partition(|source| sha256.is_some() || matches!(source, Source::File(_)));
        let mut failed = Vec::new();
        for (number, source) in usable.iter().enumerate() {
            let error = match source.read(self.version, sha256, network, sink) {
                Ok(contents) => return Ok(Obtained { contents, source: Source::clone(source) }),
                Err(error @ Error::Archive { .. }) => error,
                Err(error) => return Err(error),
            };
            sink.restart()?;
            // A place where nothing was expected for sure, such as the cache, is not worth a word.
            let is_worth_it = !is_absent(source) || self.sources.len() == 1;
            if is_worth_it && number + 1 < usable.len() {
                sink.note(&format!("{}; trying the next source", told(&error)));
            }
            failed.extend(is_worth_it.then_some(error));
        }
        failed.extend(unusable.first().map(|source| self.unverifiable(source)));
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

fn is_absent(source: &Source) -> bool {
    matches!(source, Source::File(path) if !outside(|| path.exists()))
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
            problem: format!("docker {version} is in no place that may be looked at"),
            help: "give --archive FILE-OR-URL, or set fetch.mirrors or fetch.official".to_owned(),
        });
    }
    let refusal = |error: &Error| Refusal {
        id: Id::SOURCE,
        found: told(error),
        remedy: error.help().unwrap_or_default(),
    };
    Error::Refused(failed.iter().map(refusal).collect())
}
