//! The stream as it happens, for whoever is looking.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::plain::{plain, plain_all};
use super::{ChangeReport, Page, Style};
use crate::change::Step;
use crate::event::{Event, Sink};
use crate::{Error, Result};

/// Shorter than this, how long a step took is of no interest.
const WORTH_SAYING: Duration = Duration::from_millis(20);

/// How often something that is waited for is seen to be alive.
const TICK: Duration = Duration::from_millis(100);

/// A sink that writes lines to stdout, and a progress bar to a terminal's stderr.
#[derive(Debug)]
pub struct Terminal {
    style: Style,
    shows_progress: bool,
    bar: Option<ProgressBar>,
    stage: String,
}

impl Terminal {
    /// A sink in this style; with a progress bar on stderr if asked for.
    pub fn new(style: Style, shows_progress: bool) -> Self {
        Self { style, shows_progress, bar: None, stage: String::new() }
    }

    fn hide(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// A unit's start is the one step that can take long.
    fn wait_for(&mut self, step: &Step) {
        if self.shows_progress && matches!(step, Step::Unit(_)) {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let ticks = if self.style.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "|/-\\ " };
            bar.set_style(ProgressStyle::default_spinner().tick_chars(ticks));
            bar.set_message(self.style.language.say(&step.name().to_string()).into_owned());
            bar.enable_steady_tick(TICK);
            self.bar = Some(bar);
        }
    }

    fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn progress(&mut self, done: u64, total: Option<u64>) {
        if !self.shows_progress {
            return;
        }
        let stage = self.stage.clone();
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            bar.set_style(bar_style(total.is_some()));
            bar.set_message(stage);
            bar
        });
        bar.set_position(done);
    }
}

impl Sink for Terminal {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Stage(stage) => self.stage = self.style.language.say(stage).into_owned(),
            Event::Progress { done, total } => self.progress(*done, *total),
            Event::Begun(step) => self.wait_for(step),
            Event::ProgressEnd | Event::Done { .. } | Event::Failed(_) => self.end_bar(),
            Event::Note(_) | Event::Refused { .. } | Event::Undone(_) | Event::Left(_) => {}
        }
        let mut page = Page::new(self.style);
        page.event(event);
        let text = page.text();
        if !text.is_empty() {
            // What cannot be written now cannot be at the end, which is told.
            self.hide(|| drop(print(&text)));
        }
    }
}

impl Page {
    /// What has just happened, where there is something to say of it.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Note(note) => self.hang(2, "! ", &plain(note)),
            Event::Done { step, took } => {
                let took = (*took >= WORTH_SAYING).then(|| format!("{:.2} s", took.as_secs_f64()));
                self.change(&plain_all(&ChangeReport::brief(step)), took.as_deref());
            }
            Event::Refused { step, reason } => {
                let said = format!("{} stays {}: {reason}", step.name(), step.from());
                self.hang(2, "! ", &plain(&said));
            }
            Event::Undone(step) => {
                let said = format!("{} is {} again", step.name(), step.inverse().to());
                self.hang(2, "< ", &plain(&said));
            }
            Event::Left(left) => {
                let said = format!("left as it is: {}: {}", left.name, left.why);
                self.hang(2, "! ", &plain(&said));
            }
            Event::Failed(_) => self.hang(2, "", "failed; putting back what was done:"),
            Event::Stage(_) | Event::Progress { .. } | Event::ProgressEnd | Event::Begun(_) => {}
        }
    }
}

fn bar_style(has_total: bool) -> ProgressStyle {
    let template = if has_total {
        "  {msg} {bar:24} {percent:>3}%  {bytes_per_sec}  {eta}"
    } else {
        "  {msg} {spinner} {bytes}  {bytes_per_sec}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Writes to stdout. A reader that has gone away is not an error.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::io("write", "stdout")(error)),
        _ => Ok(()),
    }
}
