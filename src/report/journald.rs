//! The stream in the system's journal, under the name node-setup.

use std::os::unix::net::UnixDatagram;

use super::plain::plain;
use crate::event::{Event, Sink};
use crate::redact::redact_prose;

const SOCKET: &str = "/run/systemd/journal/socket";

/// Severities of syslog(3).
const WARNING: u8 = 4;
const NOTICE: u8 = 5;
const INFO: u8 = 6;

/// A sink that sends each event of note to journald, if it is there.
#[derive(Debug)]
pub struct Journald {
    socket: UnixDatagram,
}

impl Journald {
    /// Connects, where there is a journal.
    pub fn connect() -> Option<Self> {
        let socket = UnixDatagram::unbound().ok()?;
        socket.connect(SOCKET).ok()?;
        Some(Self { socket })
    }

    /// Sends a line.
    pub fn say(&self, priority: u8, message: &str) {
        // A full or vanished journal is no reason to stop a run.
        let _ = self.socket.send(&entry(priority, &plain(&redact_prose(message))));
    }

    /// Sends a line that somebody should read.
    pub fn notice(&self, message: &str) {
        self.say(NOTICE, message);
    }
}

impl Sink for Journald {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Done { step, .. } => {
                self.say(INFO, &format!("{}: {} -> {}", step.name(), step.from(), step.to()));
            }
            Event::Undone(step) => {
                self.say(NOTICE, &format!("undone: {} is {} again", step.name(), step.inverse().to()));
            }
            Event::Note(note) => self.say(NOTICE, note),
            Event::Refused { step, reason } => self.say(WARNING, &format!("{}: {reason}", step.name())),
            Event::Failed(error) => self.say(WARNING, &error.in_one_line()),
            Event::Left(left) => self.say(WARNING, &format!("left as it is: {}: {}", left.name, left.why)),
            Event::Stage(_) | Event::Begun(_) | Event::Progress { .. } | Event::ProgressEnd => {}
        }
    }
}

/// journald's native form: a value with a line break in it goes by its length.
fn entry(priority: u8, message: &str) -> Vec<u8> {
    let mut entry = format!("PRIORITY={priority}\nSYSLOG_IDENTIFIER=node-setup\nMESSAGE\n").into_bytes();
    entry.extend_from_slice(&(message.len() as u64).to_le_bytes());
    entry.extend_from_slice(message.as_bytes());
    entry.push(b'\n');
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_line_breaks_is_one_field() {
        let entry = entry(6, "a\nb");
        assert!(entry.ends_with(b"MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n"));
    }
}
