//! Files that are not what node-setup put there.

use std::path::Path;

use super::{CONVERGE, Check, Subject, Verdict};
use crate::Result;
use crate::change::Wanted;
use crate::plan::look_up_labels;
use crate::resource::File;

/// The files among the goals for which `belongs`, that differ; and how many there are.
fn drift(subject: &Subject<'_>, belongs: impl Fn(&Path) -> bool) -> Result<(Vec<String>, usize)> {
    let (mut drifted, mut all) = (Vec::new(), 0);
    look_up_labels(subject.host, subject.goals);
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
        (false, _) => Verdict::fail(first_of(&drifted), CONVERGE),
    }
}

/// As many as fit the eye; `docker plan` has all of them.
const MOST: usize = 4;

fn first_of(drifted: &[String]) -> String {
    let text = drifted.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join("; ");
    match drifted.len().saturating_sub(MOST) {
        0 => text,
        more => format!("{text}; and {more} more, which node-setup docker plan shows"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_anything_of_ours_does_not_fill_the_screen() {
        let all: Vec<String> = (0..12).map(|number| format!("/{number} is absent")).collect();
        assert_eq!(first_of(&all[..2]), "/0 is absent; /1 is absent");
        let end = "; /3 is absent; and 8 more, which node-setup docker plan shows";
        assert!(first_of(&all).ends_with(end), "{}", first_of(&all));
    }
}
