//! What was looked at: the checks, and preflight. What is amiss in full, with what to type;
//! what is not, in as few lines as there can be.

use super::Report;
use super::page::{DIM, Page, count};
use crate::finding::{Finding, Status};
use crate::lang::columns::GLUE;

impl Page {
    /// What preflight found; one line a check if asked for.
    pub fn preflight(&mut self, findings: &[Finding], all: bool) {
        let order = |finding: &&Finding| match finding.status {
            Status::Fail => 0,
            Status::Warn => 1,
            Status::Unknown => 2,
            Status::Skip | Status::Pass => 3,
        };
        let mut shown: Vec<&Finding> =
            findings.iter().filter(|finding| all || finding.is_of_interest()).collect();
        if !all {
            shown.sort_by_key(order);
        }
        let width = shown.iter().map(|finding| finding.id.len()).max().unwrap_or(0);
        for finding in shown {
            self.finding(finding, width);
            if let Some(by) = &finding.skipped_by {
                self.hang(width + 6, "", &format!("skipped: {by}"));
            } else if let Some(needed) = &finding.needed {
                self.hang(width + 6, "", &format!("needed: {needed}"));
            }
            self.remedy(finding, width);
        }
        if !all {
            self.crowd(findings, Status::Pass);
            self.crowd(findings, Status::Skip);
        }
    }

    /// Names of what came out alike, side by side.
    fn crowd(&mut self, findings: &[Finding], status: Status) {
        let mut names: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.status == status && !finding.is_of_interest())
            .map(|finding| finding.id.as_str())
            .collect();
        names.dedup();
        if !names.is_empty() {
            let (mark, paint) = self.mark(status);
            let head = format!("  {} ", self.paint(paint, mark));
            self.hang_as_it_is(&head, 4, 4, &names.join(", "));
        }
    }

    /// What the checks found; what passed only if asked for.
    pub fn findings(&mut self, findings: &[Finding], all: bool) {
        let width = findings.iter().map(|finding| finding.id.len()).max().unwrap_or(0);
        for finding in findings.iter().filter(|finding| all || finding.is_of_interest()) {
            self.finding(finding, width);
            self.remedy(finding, width);
        }
    }

    fn finding(&mut self, finding: &Finding, width: usize) {
        let (mark, paint) = self.mark(finding.status);
        let head = format!("  {} {:<width$}  ", self.paint(paint, mark), finding.id);
        self.hang_after(&head, width + 6, &finding.detail);
    }

    fn remedy(&mut self, finding: &Finding, width: usize) {
        if let Some(remedy) = &finding.remedy {
            let arrow = self.arrow();
            self.hang(width + 6, &arrow, remedy);
        }
    }

    /// The last line of `docker preflight`.
    pub(super) fn preflight_summary(&mut self, report: &Report) {
        let of = |status| report.preflight.iter().filter(|finding| finding.status == status).count();
        let refusals = of(Status::Fail);
        let words = match refusals {
            0 => "a run would begin".to_owned(),
            _ => format!("a run would be refused for {}", count(refusals, "reason")),
        };
        let rest = [
            (Status::Warn, "to look at"),
            (Status::Unknown, "unknown"),
            (Status::Pass, "passed"),
            (Status::Skip, "skipped"),
        ];
        let rest: Vec<String> = rest
            .into_iter()
            .filter_map(|(status, word)| {
                let number = of(status);
                (number > 0).then(|| format!("{number}{GLUE}{word}"))
            })
            .collect();
        self.bold(&[&words, &rest.join(", "), &format!("{}{GLUE}ms", report.duration_ms)]);
    }

    /// Where more is said about the first thing that is amiss.
    pub(super) fn pointer(&mut self, mut ids: impl Iterator<Item = impl AsRef<str>>) {
        if let Some(id) = ids.next() {
            let line = format!("node-setup explain {} says more", id.as_ref());
            let line = self.paint(DIM, &self.say(&line));
            self.line(&line);
        }
    }
}

/// What of it comes first to whoever wants to know more.
pub(super) fn amiss(findings: &[Finding]) -> impl Iterator<Item = &str> {
    let of = |status| findings.iter().filter(move |finding| finding.status == status);
    let found = of(Status::Fail).chain(of(Status::Warn)).chain(of(Status::Unknown));
    found.map(|finding| finding.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Verdict;
    use crate::lang::Language;
    use crate::report::{Outcome, Style};

    fn found(id: &str, verdict: Verdict) -> Finding {
        Finding::of(id, verdict)
    }

    fn report() -> Report {
        let full = Verdict::fail("50 MiB are free for /opt/k8s/bin, 400 are needed", "free some");
        let mut space = found("space", full);
        space.needed = Some("400 MiB for the binaries, 1 GiB for docker's data".to_owned());
        let mut swap = found("swap", Verdict::warn("swap is on: /dev/sda2", "swapoff -a"));
        swap.status = Status::Skip;
        swap.skipped_by = Some("--skip".to_owned());
        Report {
            outcome: Outcome::Refused,
            duration_ms: 41,
            preflight: vec![
                found("root", Verdict::pass("root")),
                found("systemd", Verdict::pass("PID 1")),
                found("dns", Verdict::unknown("/etc/resolv.conf cannot be read: EIO", None)),
                found("selinux", Verdict::warn("SELinux enforces", "setenforce 0")),
                space,
                swap,
                found("ports", Verdict::skip("docker is to listen on no TCP port")),
            ],
            ..Report::new("docker preflight")
        }
    }

    fn page(width: usize, unicode: bool, verbose: bool) -> String {
        let mut page = Page::new(Style { width, color: false, unicode, language: Language::English });
        page.report(&report(), verbose);
        page.text()
    }

    #[test]
    fn what_is_amiss_comes_first_and_what_is_not_takes_no_room() {
        assert_eq!(
            page(80, true, false),
            "  ✗ space    50 MiB are free for /opt/k8s/bin, 400 are needed
             needed: 400 MiB for the binaries, 1 GiB for docker's data
             → free some
  ! selinux  SELinux enforces
             → setenforce 0
  ? dns      /etc/resolv.conf cannot be read: EIO
  - swap     swap is on: /dev/sda2
             skipped: --skip
             → swapoff -a
  ✓ root, systemd
  - ports
a run would be refused for 1 reason; 1 to look at, 1 unknown, 2 passed,
2 skipped; 41 ms
node-setup explain space says more
"
        );
    }

    #[test]
    fn a_narrow_page_is_wrapped_and_has_no_mark_beyond_ascii_unless_it_may() {
        let narrow = page(60, false, false);
        assert!(narrow.is_ascii(), "{narrow}");
        assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    }

    #[test]
    fn a_page_in_chinese() {
        let page = |width| {
            let language = Language::Chinese;
            let mut page = Page::new(Style { width, color: false, unicode: true, language });
            page.report(&report(), false);
            page.text()
        };
        assert_eq!(
            page(60),
            "  ✗ space    /opt/k8s/bin 可用 50 MiB，需要 400 MiB
             需要：二进制 400 MiB，docker 的数据 1 GiB
             → free some
  ! selinux  SELinux enforces
             → setenforce 0
  ? dns      无法读取 /etc/resolv.conf：EIO
  - swap     swap is on: /dev/sda2
             已跳过：--skip
             → swapoff -a
  ✓ root, systemd
  - ports
运行会被拒绝，原因有 1 个；1 项需留意，1 项未知，2 项通过，
2 项跳过；41 ms
详见 node-setup explain space
"
        );
    }

    #[test]
    fn every_check_has_a_line_for_who_asks() {
        let all = page(100, true, true);
        assert!(all.contains("  ✓ systemd  PID 1\n  ? dns"), "{all}");
        assert!(all.contains("  - ports    docker is to listen on no TCP port\n"), "{all}");
    }
}
