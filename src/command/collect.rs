//! Sets of binaries that are too old to go back to.
//!
//! A set is some 200 MB. The ones that `docker rollback` reaches first are kept, as many
//! as `docker.keep` says. What was on the node before node-setup came stays until it is
//! put back: removal needs it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::change::Step;
use crate::desired::guard_program;
use crate::digest::Digest;
use crate::error::{Id, Refusal};
use crate::host::Host;
use crate::receipt::{PastRun, Receipt, Unfinished};
use crate::version::Version;
use crate::{Error, Result};

use super::session::Session;

/// Throws away the contents of sets that are not kept.
pub(super) fn collect(session: &Session) -> Result<()> {
    let Session { config, host, receipt, .. } = session;
    let guard = guard_program(config);
    let superseded = superseded(receipt, &guard, config.docker.keep);
    let collected = superseded.iter().try_for_each(|sha256| host.files().store().forget(*sha256, &guard));
    collected.map_err(|cause| Error::Step {
        step: "old binaries stay in the store".to_owned(),
        cause: cause.into(),
    })
}

/// Throws away what nothing goes back to once all but docker's data was removed.
pub(super) fn collect_removed(host: &Host, receipt: &Receipt) -> Result<()> {
    let needed: BTreeSet<Digest> = receipt.all_owned().flat_map(digests).collect();
    for step in receipt.runs().iter().flat_map(PastRun::made) {
        let Step::File(change) = step else { continue };
        for sha256 in digests(step).filter(|sha256| !needed.contains(sha256)) {
            host.files().store().forget(sha256, &change.on.0)?;
        }
    }
    Ok(())
}

/// Refuses to take back steps whose former binaries were collected: half of a set is worse
/// than none.
pub(super) fn require_kept(host: &Host, steps: &[Step], before: Option<Version>) -> Result<()> {
    let files = host.files();
    let lost = steps.iter().find_map(|step| match step {
        Step::File(change) => {
            let (path, sha256) = (&change.on.0, change.from.sha256()?);
            let is_there = files.observe(path).is_ok_and(|now| now.sha256() == Some(sha256));
            (!is_there && files.store().content(sha256, path).is_none()).then_some(path)
        }
        _ => None,
    });
    let Some(path) = lost else { return Ok(()) };
    let which =
        before.map_or_else(|| "what it had before".to_owned(), |version| format!("docker {version}'s"));
    let how = before.map(|version| format!(" --docker-version {version}")).unwrap_or_default();
    let refusal = Refusal {
        id: Id::KEPT,
        found: format!("{} cannot be {which} again: that set is not kept any more", path.display()),
        remedy: format!("install it: node-setup docker{how}; docker.keep says how many sets are kept"),
    };
    Err(Error::Refused(vec![refusal]))
}

/// The digests of binaries, and of the guard's program, that nothing goes back to.
fn superseded(receipt: &Receipt, guard: &Path, keep: u8) -> BTreeSet<Digest> {
    let runs = receipt.runs().iter();
    let mut all: BTreeSet<Digest> = runs
        .flat_map(|run| {
            let members = run.begin.docker.iter().flat_map(|docker| &docker.members);
            let programs = run.made().filter(|step| is_on(step, guard)).flat_map(digests);
            members.map(|member| member.sha256).chain(programs)
        })
        .collect();
    for needed in needed(receipt, guard, usize::from(keep) + 1) {
        all.remove(&needed);
    }
    all
}

/// What may still be wanted: by removal, by a run that did not end, and by going back to
/// the newest sets.
fn needed(receipt: &Receipt, guard: &Path, sets: usize) -> BTreeSet<Digest> {
    let unfinished = receipt.unfinished().into_iter().flat_map(Unfinished::steps);
    let mut needed: BTreeSet<Digest> = receipt.all_owned().chain(unfinished).flat_map(digests).collect();
    let (mut archives, mut programs) = (BTreeSet::new(), BTreeSet::new());
    for run in receipt.undoable().iter().rev() {
        if let Some(docker) = &run.begin.docker {
            let is_known = archives.contains(&docker.archive);
            if is_known || archives.len() < sets {
                archives.insert(docker.archive);
                needed.extend(docker.members.iter().map(|member| member.sha256));
            }
        }
        for program in run.steps.iter().filter(|step| is_on(step, guard)).flat_map(digests) {
            if programs.contains(&program) || programs.len() < sets {
                programs.insert(program);
                needed.insert(program);
            }
        }
    }
    needed
}

fn is_on(step: &Step, path: &Path) -> bool {
    matches!(step, Step::File(change) if change.on.0 == path)
}

/// The contents that a step is about, the newer one first.
fn digests(step: &Step) -> impl Iterator<Item = Digest> + use<> {
    let both = match step {
        Step::File(change) => [change.to.sha256(), change.from.sha256()],
        _ => [None, None],
    };
    both.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Member;
    use crate::change::Change;
    use crate::journal::{Begin, End, Installed, Journal, Record};
    use crate::receipt::ROLLBACK;
    use crate::resource::{File, FileState};

    const DOCKERD: &str = "/bin/dockerd";
    const GUARD: &str = "/bin/guard";

    fn digest(name: &str) -> Digest {
        Digest::of(name.as_bytes())
    }

    fn state(name: &str) -> FileState {
        if name.is_empty() { FileState::Absent } else { FileState::root_file(digest(name), 0o755) }
    }

    fn step(on: &str, from: &str, to: &str) -> Step {
        Step::File(Change { on: File(on.into()), from: state(from), to: state(to) })
    }

    /// Runs that each put one set, named by a letter, in the place of another.
    fn history(runs: &[(&str, &str, &str, End)]) -> (tempfile::TempDir, Receipt) {
        let scratch = tempfile::tempdir().unwrap();
        for (command, from, to, end) in runs {
            let members = vec![Member { name: "dockerd".to_owned(), sha256: digest(to), size: 1 }];
            let docker = Installed { version: Version::new(28, 5, 2), archive: digest(to), members };
            let begin = Begin {
                command: (*command).to_owned(),
                docker: Some(docker),
                ..crate::journal::tests::begin()
            };
            let guard = |name: &str| if name.is_empty() { String::new() } else { format!("guard {name}") };
            let steps = [step(DOCKERD, from, to), step(GUARD, &guard(from), &guard(to))];
            let mut journal = Journal::begin(scratch.path(), begin, None, &steps).unwrap();
            for step in steps {
                journal.write(&Record::Done { step }).unwrap();
            }
            journal.write(&Record::End(*end)).unwrap();
        }
        let receipt = Receipt::read(scratch.path()).unwrap();
        (scratch, receipt)
    }

    fn collected(receipt: &Receipt, keep: u8) -> String {
        let superseded = superseded(receipt, Path::new(GUARD), keep);
        let names = ["a", "b", "c", "d", "e", "own"].into_iter();
        let gone: Vec<_> = names.filter(|name| superseded.contains(&digest(name))).collect();
        for name in &gone {
            assert!(superseded.contains(&digest(&format!("guard {name}"))), "{name}: its guard stays");
        }
        assert_eq!(superseded.len(), 2 * gone.len());
        gone.join("")
    }

    #[test]
    fn the_newest_sets_are_kept_and_the_rest_goes() {
        use End::Completed;
        let runs = [
            ("docker", "", "a", Completed),
            ("docker", "a", "b", Completed),
            ("docker", "b", "b", Completed),
            ("docker", "b", "c", Completed),
            ("docker", "c", "d", Completed),
        ];
        let (_scratch, receipt) = history(&runs);
        for (keep, expected) in [(0, "abc"), (1, "ab"), (2, "a"), (3, ""), (255, "")] {
            assert_eq!(collected(&receipt, keep), expected, "{keep} kept");
        }
    }

    #[test]
    fn what_was_there_before_is_never_collected() {
        use End::Completed;
        let runs = [
            ("docker", "own", "a", Completed),
            ("docker", "a", "b", Completed),
            ("docker", "b", "c", Completed),
        ];
        let (_scratch, receipt) = history(&runs);
        assert_eq!(collected(&receipt, 0), "ab");
    }

    #[test]
    fn a_set_that_was_gone_back_from_goes_first() {
        use End::{Completed, Restored};
        let runs = [
            ("docker", "", "a", Completed),
            ("docker", "a", "b", Completed),
            ("docker", "b", "c", Completed),
            (ROLLBACK, "c", "b", Completed),
            ("docker", "b", "e", Restored),
            ("docker", "b", "d", Completed),
        ];
        let (_scratch, receipt) = history(&runs);
        assert_eq!(collected(&receipt, 2), "ce");
        assert_eq!(collected(&receipt, 1), "ace");
    }

    #[test]
    fn what_a_run_that_died_may_want_stays() {
        use End::{Completed, Partial};
        let runs =
            [("docker", "", "a", Completed), ("docker", "a", "b", Completed), ("docker", "b", "a", Partial)];
        let (_scratch, receipt) = history(&runs);
        assert!(!superseded(&receipt, Path::new(GUARD), 0).contains(&digest("a")));
    }
}
