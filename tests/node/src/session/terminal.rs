//! A terminal for one command on a node.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::libc::EIO;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};

use super::screen::{COLUMNS, ROWS};
use crate::Machine;

/// How long a command may take, an install on a busy machine included.
const LIMIT: Duration = Duration::from_mins(5);

/// How often the time is looked at.
const PAUSE: u16 = 200;

/// What came up in the terminal, and the exit code.
pub(super) fn run(worker: &Machine, typed: &str) -> Result<(String, i32)> {
    let size = Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).context("cannot open a terminal")?;
    let script = format!("cd /root && {typed}");
    let mut command = worker.command(&["sh", "-c", &script], &[("TERM", "xterm-256color")])?;
    let end = || pty.slave.try_clone().map(Stdio::from).context("cannot share a terminal");
    command.stdin(end()?).stdout(end()?).stderr(end()?);
    let mut child = command.spawn().with_context(|| format!("cannot run `{typed}`"))?;
    // With the last of its ends that others have, the terminal is at its end.
    drop(command);
    drop(pty.slave);
    let came = read(File::from(pty.master)).inspect_err(|_| drop(child.kill()));
    let status = child.wait().context("cannot wait for a command")?;
    Ok((came.with_context(|| format!("`{typed}`"))?, status.code().unwrap_or(-1)))
}

fn read(mut terminal: File) -> Result<String> {
    let deadline = Instant::now() + LIMIT;
    let mut came = Vec::new();
    let mut part = [0; 4096];
    loop {
        let mut waited = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        let is_ready = poll(&mut waited, PollTimeout::from(PAUSE)).context("cannot wait for a terminal")? > 0;
        if Instant::now() > deadline {
            bail!("it goes on for more than {LIMIT:?}");
        }
        if !is_ready {
            continue;
        }
        match terminal.read(&mut part) {
            Ok(0) => break,
            Ok(read) => came.extend_from_slice(part.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Nobody has its other end any more.
            Err(error) if error.raw_os_error() == Some(EIO) => break,
            Err(error) => return Err(error).context("cannot read from a terminal"),
        }
    }
    String::from_utf8(came).context("what came up is not text")
}
