//! Files that are not what node-setup put there.

use std::path::Path;

use super::{CONVERGE, Check, Subject, Verdict};
use crate::Result;
use crate::change::Wanted;
use crate::resource::File;

/// The files among the goals for which `belongs`, that differ; and how many there are.
fn drift(subject: &Subject<'_>, belongs: impl Fn(&Path) -> bool) -> Result<(Vec<String>, usize)> {
    let (mut drifted, mut all) = (Vec::new(), 0);
    for goal in subject.goals {
        let Wanted::File(want) = &goal.wanted else { continue };
        let File(path) = &want.on;
        if !belongs(path) {
            continue;
        }
        all += 1;
        if subject.is_reached(goal) {
            continue;
        }
        if let Some(step) = goal.wanted.change(subject.host, &[])? {
            drifted.push(format!("{} is {}, not {}", path.display(), step.from(), step.to()));
        }
    }
    Ok((drifted, all))
}

fn judge((drifted, all): (Vec<String>, usize), what: &str) -> Verdict {
    match (drifted.is_empty(), all) {
        (true, 0) => Verdict::skip(format!("node-setup has put no {what} here")),
        (true, all) => Verdict::pass(format!("{all} {what} as installed")),
        (false, _) => Verdict::fail(drifted.join("; "), CONVERGE),
    }
}

pub(super) struct Binaries;

impl Check for Binaries {
    const ID: &'static str = "binaries";
    type Seen = (Vec<String>, usize);

    fn look(&self, subject: &Subject<'_>) -> Result<Self::Seen> {
        let bin = &subject.config.docker.bin_dir;
        if subject.docker.is_none() {
            return Ok((Vec::new(), 0));
        }
        drift(subject, |path| path.starts_with(bin) && path != bin)
    }

    fn judge(&self, _: &Subject<'_>, seen: Self::Seen) -> Verdict {
        judge(seen, "binaries")
    }

    fn offline(&self, subject: &Subject<'_>) -> Verdict {
        self.verdict(subject)
    }
}

pub(super) struct OwnFiles;

impl Check for OwnFiles {
    const ID: &'static str = "files";
    type Seen = (Vec<String>, usize);

    fn look(&self, subject: &Subject<'_>) -> Result<Self::Seen> {
        let bin = &subject.config.docker.bin_dir;
        drift(subject, |path| !path.starts_with(bin))
    }

    fn judge(&self, _: &Subject<'_>, seen: Self::Seen) -> Verdict {
        judge(seen, "files")
    }

    fn offline(&self, subject: &Subject<'_>) -> Verdict {
        self.verdict(subject)
    }
}
