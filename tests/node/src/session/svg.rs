//! Lines of a terminal as a picture, in which text stays text.

use std::fmt::Write;

use super::screen::{COLUMNS, Line, Look, Run};

/// Tenths of a pixel, so that every number in a picture is exact.
const CELL: usize = 84;
const LINE: usize = 190;
const MARGIN: usize = 160;
const FONT: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

/// By day and by night; each colour can be read on its paper (WCAG 2.2, 1.4.3).
const STYLE: &str = "\
.paper{fill:#f6f8fa}.t{fill:#1f2328}.c1{fill:#b3202c}.c2{fill:#116329}.c3{fill:#7d4e00}.d{fill:#59636e}.b{font-weight:700}
@media (prefers-color-scheme:dark){.paper{fill:#0d1117}.t{fill:#e6edf3}.c1{fill:#ff7b72}.c2{fill:#7ee787}.c3{fill:#e3b341}.d{fill:#9198a1}}";

/// A picture of lines, with a title for who does not see it. The same lines are the same bytes.
#[must_use]
pub fn svg(title: &str, lines: &[Line]) -> String {
    let width = tenths(usize::from(COLUMNS) * CELL + 2 * MARGIN);
    let height = tenths(lines.len() * LINE + 2 * MARGIN);
    let title = escaped(title);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"title\" font-family=\"{FONT}\" font-size=\"14\">\n\
         <title id=\"title\">{title}</title>\n<style>\n{STYLE}\n</style>\n\
         <rect class=\"paper\" width=\"100%\" height=\"100%\" rx=\"8\"/>\n"
    );
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.0.is_empty()) {
        let y = tenths(MARGIN + number * LINE + LINE * 3 / 4);
        let _ = write!(text, "<text class=\"t\" y=\"{y}\" xml:space=\"preserve\">");
        let mut column = 0;
        for run in &line.0 {
            let length = run.text.chars().count();
            span(&mut text, run, column, length);
            column += length;
        }
        text.push_str("</text>\n");
    }
    text + "</svg>\n"
}

/// Its place and its length are said, so that columns stay columns whatever font there is.
fn span(text: &mut String, run: &Run, column: usize, length: usize) {
    let (x, length) = (tenths(MARGIN + column * CELL), tenths(length * CELL));
    let class = class(run.look).map(|class| format!(" class=\"{class}\"")).unwrap_or_default();
    let words = escaped(&run.text);
    let _ = write!(
        text,
        "<tspan x=\"{x}\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\"{class}>{words}</tspan>"
    );
}

fn class(look: Look) -> Option<String> {
    let color = look.color.map(|number| format!("c{number}"));
    let parts = [color, look.dim.then(|| "d".to_owned()), look.bold.then(|| "b".to_owned())];
    let class = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    (!class.is_empty()).then_some(class)
}

fn tenths(number: usize) -> String {
    match (number / 10, number % 10) {
        (whole, 0) => whole.to_string(),
        (whole, tenth) => format!("{whole}.{tenth}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_in_its_place() {
        let run = |color, text: &str| Run { look: Look { color, ..Look::default() }, text: text.to_owned() };
        let picture = svg("a & b", &[Line(vec![run(Some(2), "+"), run(None, " <file>")]), Line::default()]);
        assert!(picture.contains("<title id=\"title\">a &amp; b</title>"), "{picture}");
        assert!(
            picture.contains(
                "<text class=\"t\" y=\"30.2\" xml:space=\"preserve\">\
                 <tspan x=\"16\" textLength=\"8.4\" lengthAdjust=\"spacingAndGlyphs\" class=\"c2\">+</tspan>\
                 <tspan x=\"24.4\" textLength=\"58.8\" lengthAdjust=\"spacingAndGlyphs\"> &lt;file&gt;</tspan></text>"
            ),
            "{picture}"
        );
        assert_eq!(picture.matches("<text ").count(), 1, "an empty line has no text: {picture}");
    }
}
