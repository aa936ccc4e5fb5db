//! Pages of `node-setup explain`, and their list.

use super::page::{BOLD, Page};
use super::{PageReport, Report};
use crate::explain::{Kind, Part, pages_in, parts, plain};
use crate::lang::Language;
use crate::lang::columns::columns;

impl Page {
    /// A page of its own, or the list of all.
    pub(super) fn explained(&mut self, report: &Report) {
        let translated = match self.language() {
            Language::English => Vec::new(),
            other @ Language::Chinese => pages_in(other),
        };
        // The report is in English.
        let told = |page: &PageReport| match translated.iter().find(|other| other.id == page.id) {
            Some(other) => PageReport {
                title: other.title.to_owned(),
                text: page.text.as_ref().map(|_| other.text.to_owned()),
                ..page.clone()
            },
            None => page.clone(),
        };
        let pages: Vec<PageReport> = report.pages.iter().map(told).collect();
        match pages.as_slice() {
            [page] if page.text.is_some() => self.explanation(page),
            pages => self.index(pages),
        }
    }

    fn explanation(&mut self, page: &PageReport) {
        let head = format!("{} ", self.paint(BOLD, &format!("{}:", page.id)));
        let indent = page.id.chars().count() + 2;
        self.hang_as_it_is(&head, indent, indent, &page.title);
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
            None => self.hang_as_it_is("  ", 2, 2, text),
            Some(label) => {
                let head = format!("  {}  ", self.paint(BOLD, label));
                self.hang_as_it_is(&head, columns(label) + 4, 2, text);
            }
        }
    }

    /// Every name with its title, kind by kind.
    fn index(&mut self, pages: &[PageReport]) {
        let width = pages.iter().map(|page| page.id.len()).max().unwrap_or(0);
        for kind in Kind::ALL {
            let heading = self.paint(BOLD, &self.say(kind.heading()));
            self.line(&heading);
            for page in pages.iter().filter(|page| page.kind == kind.name()) {
                let head = format!("  {:<width$}  ", page.id);
                self.hang_as_it_is(&head, width + 4, width + 4, &page.title);
            }
        }
        self.line(&self.say("node-setup explain NAME shows the page"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Style;

    fn page(report: &Report, width: usize) -> String {
        page_in(Language::English, report, width)
    }

    fn page_in(language: Language, report: &Report, width: usize) -> String {
        let mut page = Page::new(Style { width, color: false, unicode: true, language });
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
            let report = report(vec![entered]);
            for language in [Language::English, Language::Chinese] {
                let page = page_in(language, &report, 80);
                let wide: Vec<&str> = page.lines().filter(|line| columns(line) > 80).collect();
                assert!(wide.is_empty(), "{}: {wide:?}", explanation.id);
                assert!(page.lines().count() <= 24, "{}: more than a screen", explanation.id);
            }
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
