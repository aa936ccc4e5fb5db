//! Pages of `node-setup explain`, and their list.

use super::page::{BOLD, Page};
use super::{PageReport, Report};
use crate::explain::{Kind, Part, parts, plain};

impl Page {
    /// A page of its own, or the list of all.
    pub(super) fn explained(&mut self, report: &Report) {
        match report.pages.as_slice() {
            [page] if page.text.is_some() => self.explanation(page),
            pages => self.index(pages),
        }
    }

    fn explanation(&mut self, page: &PageReport) {
        let head = format!("{} ", self.paint(BOLD, &format!("{}:", page.id)));
        self.hang_after(&head, page.id.chars().count() + 2, &page.title);
        let mut was_typed = false;
        for part in parts(page.text.as_deref().unwrap_or_default()) {
            match part {
                Part::Typed(line) => {
                    if !was_typed {
                        self.line("");
                    }
                    self.line(&format!("      {line}"));
                    was_typed = true;
                }
                Part::Paragraph(label, text) => {
                    self.line("");
                    self.paragraph(label, &plain(&text));
                    was_typed = false;
                }
            }
        }
    }

    fn paragraph(&mut self, label: Option<&str>, text: &str) {
        match label {
            None => self.hang(2, "", text),
            Some(label) => {
                let head = format!("  {}  ", self.paint(BOLD, label));
                let width = label.chars().count();
                self.hang_after_first(&head, width + 4, 2, text);
            }
        }
    }

    /// Every name with its title, kind by kind.
    fn index(&mut self, pages: &[PageReport]) {
        let width = pages.iter().map(|page| page.id.len()).max().unwrap_or(0);
        for kind in Kind::ALL {
            let heading = self.paint(BOLD, kind.heading());
            self.line(&heading);
            for page in pages.iter().filter(|page| page.kind == kind.name()) {
                let head = format!("  {:<width$}  ", page.id);
                self.hang_after(&head, width + 4, &page.title);
            }
        }
        self.line("node-setup explain NAME shows the page");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Style;

    fn page(report: &Report, width: usize) -> String {
        let mut page = Page::new(Style { width, color: false, unicode: true });
        page.report(report, false);
        page.text()
    }

    fn report(pages: Vec<PageReport>) -> Report {
        Report { pages, ..Report::new("explain") }
    }

    fn entered(id: &str, kind: Kind, title: &str, text: Option<&str>) -> PageReport {
        let own = str::to_owned;
        PageReport { id: own(id), kind: kind.to_string(), title: own(title), text: text.map(own) }
    }

    #[test]
    fn a_page_is_wrapped_and_what_is_typed_is_not() {
        let text = "An area is in use.\n\n**Why.** kubelet does not start with `swap` on unless it is\ntold \
                    to.\n\n**Mend.** Turn it off:\n\n    swapoff -a\n    sed -i /swap/d /etc/fstab # all of its \
                    lines, each of them\n\n**From.** Kubernetes.";
        assert_eq!(
            page(&report(vec![entered("swap", Kind::Preflight, "swap is off", Some(text))]), 60),
            "swap: swap is off

  An area is in use.

  Why  kubelet does not start with swap on unless it is told
  to.

  Mend  Turn it off:

      swapoff -a
      sed -i /swap/d /etc/fstab # all of its lines, each of them

  From  Kubernetes.
"
        );
    }

    #[test]
    fn every_page_fits_a_terminal() {
        for explanation in crate::explain::pages() {
            let entered =
                entered(explanation.id, explanation.kind, explanation.title, Some(explanation.text));
            let page = page(&report(vec![entered]), 80);
            let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
            assert!(wide.is_empty(), "{}: {wide:?}", explanation.id);
            assert!(page.lines().count() <= 24, "{}: more than a screen", explanation.id);
        }
    }

    #[test]
    fn the_list_has_a_line_a_page() {
        let pages = vec![entered("a", Kind::Check, "so", None), entered("exit-0", Kind::Exit, "so", None)];
        let list = page(&report(pages), 80);
        assert!(list.contains("Checks of docker verify\n  a       so\n"), "{list}");
        assert!(list.contains("Exit codes\n  exit-0  so\n"), "{list}");
    }
}
