//! The picture of a session in README.md, from the command line.

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use node_tests::{Node, Result, Suite, session};

/// Types the session on a fresh worker, and draws what comes up.
#[derive(Parser)]
#[command(name = "session", version)]
struct Cli {
    /// Where the recording is kept
    recording: PathBuf,
    /// The picture
    picture: PathBuf,
    /// Draws the recording that is kept, and boots no node
    #[arg(long)]
    again: bool,
}

fn main() -> Result<()> {
    let Cli { recording: path, picture, again } = Cli::parse();
    let recording = if again {
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no recording", path.display()))?
    } else {
        let recording = session::play(Node::worker(Suite::Bookworm).machine())?;
        let text = serde_json::to_string_pretty(&recording)? + "\n";
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        recording
    };
    let drawn = session::svg(session::TITLE, &recording.lines());
    std::fs::write(&picture, drawn).with_context(|| format!("cannot write {}", picture.display()))
}
