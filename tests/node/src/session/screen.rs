//! What a terminal shows of what was written to it.

use std::num::NonZeroU16;

use vt100::{Cell, Color, Parser};

/// How wide the terminal is.
pub const COLUMNS: u16 = 80;

/// More lines than any command of a session writes.
pub(super) const ROWS: u16 = 400;

/// How some text looks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// One of the eight colours of a terminal (ECMA-48, SGR 30 to 37), by its number.
    pub color: Option<u8>,
    /// Bold.
    pub bold: bool,
    /// Dimmed.
    pub dim: bool,
}

/// Text with one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How it looks.
    pub look: Look,
    /// The text.
    pub text: String,
}

/// A line of a terminal.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Line(pub Vec<Run>);

impl Line {
    /// What somebody has typed.
    pub(super) fn prompt(typed: &str) -> Self {
        let mut line = Self::default();
        line.push(Look { dim: true, ..Look::default() }, "# ");
        line.push(Look { bold: true, ..Look::default() }, typed);
        line
    }

    /// In place of lines that are not shown.
    pub(super) fn left_out() -> Self {
        let mut line = Self::default();
        line.push(Look { dim: true, ..Look::default() }, "  …");
        line
    }

    fn push(&mut self, look: Look, text: &str) {
        match self.0.last_mut() {
            Some(run) if run.look == look => run.text.push_str(text),
            _ => self.0.push(Run { look, text: text.to_owned() }),
        }
    }

    /// Its text, without looks.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|run| run.text.as_str()).collect()
    }

    /// Without the blanks at its end.
    fn trimmed(mut self) -> Self {
        while let Some(run) = self.0.last_mut() {
            run.text.truncate(run.text.trim_end().len());
            if !run.text.is_empty() {
                break;
            }
            self.0.pop();
        }
        self
    }
}

/// The lines that are on the screen after all of it has come up.
pub(super) fn lines(came: &str) -> Vec<Line> {
    let size = |number: u16| NonZeroU16::MIN.saturating_add(number - 1);
    let mut parser = Parser::new(size(ROWS), size(COLUMNS), 0);
    parser.process(came.as_bytes());
    let screen = parser.screen();
    let line = |row: u16| {
        let cells = (0..COLUMNS).filter_map(|column| screen.cell(row, column));
        let mut line = Line::default();
        for cell in cells.filter(|cell| !cell.is_wide_continuation()) {
            line.push(look(cell), if cell.has_contents() { cell.contents() } else { " " });
        }
        line.trimmed()
    };
    let mut lines: Vec<Line> = (0..ROWS).map(line).collect();
    let used = lines.iter().rposition(|line| !line.0.is_empty()).map_or(0, |last| last + 1);
    lines.truncate(used);
    lines
}

fn look(cell: &Cell) -> Look {
    let color = match cell.fgcolor() {
        Color::Idx(number) => Some(number),
        _ => None,
    };
    Look { color, bold: cell.bold(), dim: cell.dim() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_overwritten_is_not_seen_and_colours_are() {
        let came = "⠋ waits\r\x1b[2K\x1b[32m+\x1b[0m file\r\n\r\n\x1b[1mdone\x1b[0m  \r\n";
        let lines = lines(came);
        let run =
            |color, bold, text: &str| Run { look: Look { color, bold, dim: false }, text: text.to_owned() };
        assert_eq!(
            lines,
            [
                Line(vec![run(Some(2), false, "+"), run(None, false, " file")]),
                Line(vec![]),
                Line(vec![run(None, true, "done")])
            ]
        );
    }
}
