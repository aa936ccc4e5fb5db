//! Kernel parameters: as they are now, and as the next boot would set them.

use super::{CONVERGE, Check, Subject, Verdict};
use crate::Result;
use crate::change::{Resource, Step, Wanted};
use crate::resource::{Sysctl, SysctlState};
use crate::sysctl::{REQUIRED, last_words};

/// The parameters that are wanted.
fn wanted<'a>(subject: &'a Subject<'_>) -> impl Iterator<Item = (&'a Sysctl, &'a SysctlState)> {
    subject.goals.iter().filter_map(|goal| match &goal.wanted {
        Wanted::Sysctl(want) => Some((&want.on, &want.to)),
        _ => None,
    })
}

/// Keys that differ, and how many the kernel is known to refuse.
pub(super) struct Seen {
    differing: Vec<String>,
    refused: usize,
    all: usize,
}

pub(super) struct Values;

impl Check for Values {
    const ID: &'static str = "sysctl";
    type Seen = Seen;

    fn look(&self, subject: &Subject<'_>) -> Result<Seen> {
        let mut seen = Seen { differing: Vec::new(), refused: 0, all: 0 };
        for goal in subject.goals {
            let Wanted::Sysctl(want) = &goal.wanted else { continue };
            seen.all += 1;
            match goal.wanted.change(subject.host, &[])? {
                None => {}
                Some(step) if subject.receipt.refused(&step) => seen.refused += 1,
                Some(Step::Sysctl(change))
                    if change.from == SysctlState::Absent && !is_required(&want.on) =>
                {
                    seen.refused += 1;
                }
                Some(_) if !is_required(&want.on) && subject.host.kernel().is_fixed(&want.on.0) => {
                    seen.refused += 1;
                }
                Some(step) => {
                    seen.differing.push(format!("{} is {}, not {}", want.on, step.from(), want.to));
                }
            }
        }
        Ok(seen)
    }

    fn judge(&self, _: &Subject<'_>, seen: Seen) -> Verdict {
        if !seen.differing.is_empty() {
            return Verdict::fail(seen.differing.join("; "), CONVERGE);
        }
        match seen.refused {
            0 => Verdict::pass(format!("{} keys as wanted", seen.all)),
            refused => Verdict::pass(format!(
                "{} keys as wanted, {refused} refused by this kernel",
                seen.all - refused
            )),
        }
    }
}

fn is_required(key: &Sysctl) -> bool {
    REQUIRED.iter().any(|(needed, _)| *needed == key.0)
}

pub(super) struct Override;

impl Check for Override {
    const ID: &'static str = "sysctl-override";
    type Seen = Vec<String>;

    fn look(&self, subject: &Subject<'_>) -> Result<Vec<String>> {
        let words = last_words(&subject.facts.sysctls);
        let overridden = |(key, to): (&Sysctl, &SysctlState)| {
            let (path, said) = words.get(key.0.as_str())?;
            let differs = !Sysctl::agree(&SysctlState::value(&said.value), to);
            differs.then(|| format!("{}:{} sets {key} to {}", path.display(), said.line, said.value))
        };
        Ok(wanted(subject).filter_map(overridden).collect())
    }

    fn judge(&self, _: &Subject<'_>, overridden: Vec<String>) -> Verdict {
        if overridden.is_empty() {
            return Verdict::pass("no later file overrides them at boot");
        }
        Verdict::fail(
            format!("the next boot would undo: {}", overridden.join("; ")),
            "take those lines out, or change [sysctl.values]",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::check::tests::with_subject;

    #[test]
    fn a_key_that_differs_fails_and_a_refused_one_does_not() {
        with_subject(|subject| {
            let seen = |differing: &[&str], refused| Seen {
                differing: differing.iter().map(|text| (*text).to_owned()).collect(),
                refused,
                all: 9,
            };
            assert_eq!(Values.judge(subject, seen(&[], 0)).status, Status::Pass);
            assert_eq!(
                Values.judge(subject, seen(&[], 2)).detail,
                "7 keys as wanted, 2 refused by this kernel"
            );
            assert_eq!(Values.judge(subject, seen(&["a is 0, not 1"], 0)).status, Status::Fail);
        });
    }
}
