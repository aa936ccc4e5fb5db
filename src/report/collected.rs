//! What `node-setup support` has collected, and where it is.

use super::page::{DIM, Page, count};
use super::{LackReport, Report, SupportReport};
use crate::lang::columns::GLUE;

impl Page {
    /// What could not be had; what this node has not, only if asked for. The last line is the path.
    pub(super) fn collected(&mut self, report: &Report, support: &SupportReport, all: bool) {
        let shown: Vec<&LackReport> = support.missing.iter().filter(|lack| all || !lack.absent).collect();
        let width = shown.iter().map(|lack| lack.name.chars().count()).max().unwrap_or(0);
        for lack in shown {
            let mark = if lack.absent { "-" } else { "!" };
            self.hang_after_first(&format!("  {mark} {:<width$}  ", lack.name), width + 6, 6, &lack.why);
        }
        let failed = support.missing.iter().filter(|lack| !lack.absent).count();
        let seconds = format!("{}.{}{GLUE}s", report.duration_ms / 1000, report.duration_ms % 1000 / 100);
        let size = support.size.div_ceil(1024);
        let collected = format!("{} collected", count(support.files, "file"));
        let lacking = if failed == 0 { String::new() } else { format!(", {failed} could not be had") };
        self.bold(&[&format!("{collected}{lacking}"), &format!("{size}{GLUE}KiB"), &seconds]);
        let words =
            "secrets are masked, names and addresses are not: look into it before it leaves the house";
        self.wrapped(DIM, &self.say(words));
        if let Some(path) = &support.path {
            self.line(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;
    use crate::report::Style;

    #[test]
    fn what_could_not_be_had_is_named_and_the_path_is_the_last_line() {
        let lack =
            |name: &str, absent, why: &str| LackReport { name: name.to_owned(), absent, why: why.to_owned() };
        let support = SupportReport {
            path: Some("/root/node-setup-support-worker-1-20240131T235959Z.tar.gz".to_owned()),
            size: 50_000,
            files: 61,
            missing: vec![
                lack("flannel/docker", true, "there is no /run/flannel/docker"),
                lack(
                    "docker/info.json",
                    false,
                    "docker's API on /run/docker.sock: GET /info: Connection refused",
                ),
            ],
        };
        let page = |all| {
            let mut page =
                Page::new(Style { width: 60, color: false, unicode: true, language: Language::English });
            let mut report = Report::new("support");
            report.duration_ms = 2345;
            page.collected(&report, &support, all);
            page.text()
        };
        assert_eq!(
            page(false),
            "  ! docker/info.json  docker's API on /run/docker.sock: GET\n      /info: Connection refused\n\
             61 files collected, 1 could not be had; 49 KiB; 2.3 s\n\
             secrets are masked, names and addresses are not: look into\nit before it leaves the house\n\
             /root/node-setup-support-worker-1-20240131T235959Z.tar.gz\n"
        );
        assert!(
            page(true).contains("  - flannel/docker    there is no /run/flannel/docker\n"),
            "{}",
            page(true)
        );
    }
}
