//! Text of others as it may be written to a terminal.
//!
//! A process can have any name, a file any bytes, and a log what a container's name was made to
//! say. Characters that steer a terminal, or that turn what stands there around, are written out.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// `text` with what steers a terminal written out; line breaks and tabs stay.
pub(crate) fn plain(text: &str) -> String {
    if !text.contains(steers) {
        return text.to_owned();
    }
    let one = |char: char| if steers(char) { char.escape_unicode().to_string() } else { char.into() };
    text.chars().map(one).collect()
}

/// The same of every text in a report.
pub(crate) fn plain_all<T: Serialize + DeserializeOwned + Clone>(report: &T) -> T {
    let Ok(mut value) = serde_json::to_value(report) else { return report.clone() };
    write_out(&mut value);
    serde_json::from_value(value).unwrap_or_else(|_| report.clone())
}

fn write_out(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(steers) => *text = plain(text),
        Value::Array(values) => values.iter_mut().for_each(write_out),
        Value::Object(entries) => entries.values_mut().for_each(write_out),
        _ => {}
    }
}

/// Control characters, and those that change the direction of what follows (UAX #9).
fn steers(char: char) -> bool {
    (char.is_control() && !matches!(char, '\n' | '\t'))
        || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ErrorReport, Report};

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        for (text, written) in [
            ("docker 28.5.2: ✓ läuft\n\tgut", "docker 28.5.2: ✓ läuft\n\tgut"),
            ("/tmp/\x1b]0;owned\x07/dockerd", "/tmp/\\u{1b}]0;owned\\u{7}/dockerd"),
            ("a\rb\u{9b}31m\u{7f}", "a\\u{d}b\\u{9b}31m\\u{7f}"),
            ("ufw\u{202e}tel.service", "ufw\\u{202e}tel.service"),
        ] {
            assert_eq!(plain(text), written);
        }
    }

    #[test]
    fn no_text_of_a_report_is_passed_over() {
        let mut report = Report::new("docker");
        report.notes.push("\x1b[2J".to_owned());
        report.error = Some(ErrorReport { log: vec!["\x1b[1A".to_owned()], ..ErrorReport::default() });
        let plain = plain_all(&report);
        assert_eq!(plain.notes, ["\\u{1b}[2J"]);
        assert_eq!(plain.error.map(|error| error.log), Some(vec!["\\u{1b}[1A".to_owned()]));
        let harmless = Report::new("docker");
        assert_eq!(plain_all(&harmless), harmless);
    }
}
