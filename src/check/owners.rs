//! Who else could change what root runs, and what says how.

use std::path::PathBuf;

use super::{Check, Subject, Verdict};
use crate::Result;
use crate::facts::strangers;
use crate::host::Stranger;

pub(super) struct Owners;

impl Check for Owners {
    const ID: &'static str = "owners";
    type Seen = Vec<(PathBuf, Stranger)>;

    fn look(&self, subject: &Subject<'_>) -> Result<Self::Seen> {
        Ok(strangers(subject.config))
    }

    fn judge(&self, subject: &Subject<'_>, strangers: Self::Seen) -> Verdict {
        if strangers.is_empty() {
            return Verdict::pass("root alone can change what root runs");
        }
        let led =
            |(path, stranger): &(PathBuf, Stranger)| format!("{stranger}, and leads to {}", path.display());
        let detail: Vec<String> = strangers.iter().map(led).collect();
        let detail = detail.join("; ");
        if subject.config.preflight.skip.has(Self::ID) {
            return Verdict::skip(format!("{detail}; skipped: {}", subject.config.origin("preflight.skip")));
        }
        let remedy: Vec<String> = strangers.iter().map(|(_, stranger)| stranger.remedy()).collect();
        // What only a group can change is often meant so, as preflight has it.
        let is_meant = strangers.iter().all(|(_, stranger)| stranger.is_a_group());
        let judge = if is_meant { Verdict::warn } else { Verdict::fail };
        judge(detail, remedy.join(" && "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::check::tests::{with_config, with_subject};

    #[test]
    fn whoever_is_on_the_way_is_named_with_what_takes_it_from_him() {
        let somebody = || ("/opt/k8s/bin".into(), Stranger::example("/opt/k8s", Some(65534), 0o755));
        let group = || ("/etc/docker".into(), Stranger::example("/etc/docker", None, 0o775));
        let fail = "/opt/k8s belongs to nobody, and leads to /opt/k8s/bin";
        with_subject(|subject| {
            for (seen, status, detail) in [
                (vec![], Status::Pass, "root alone"),
                (vec![group()], Status::Warn, "/etc/docker can be written to by its group (mode 0775)"),
                (vec![somebody()], Status::Fail, fail),
                (vec![group(), somebody()], Status::Fail, fail),
            ] {
                let verdict = Owners.judge(subject, seen);
                assert_eq!(verdict.status, status, "{verdict:?}");
                assert!(verdict.detail.contains(detail), "{verdict:?}");
            }
            let verdict = Owners.judge(subject, vec![somebody(), group()]);
            assert_eq!(
                verdict.remedy.as_deref(),
                Some("chown root /opt/k8s && chmod go-w /opt/k8s && chmod go-w /etc/docker")
            );
        });
    }

    #[test]
    fn what_a_site_lets_preflight_skip_is_no_failure_afterwards() {
        with_config(&[("preflight.skip", "owners")], |subject| {
            let seen = vec![("/opt/k8s/bin".into(), Stranger::example("/opt/k8s", None, 0o777))];
            let verdict = Owners.judge(subject, seen);
            assert_eq!(verdict.status, Status::Skip, "{verdict:?}");
            assert!(
                verdict.detail.contains("everybody") && verdict.detail.contains("skipped: "),
                "{verdict:?}"
            );
        });
    }
}
