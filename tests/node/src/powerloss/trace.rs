//! What strace wrote, as calls.
//!
//! The lines are those of `strace -ttt -y`, with or without the number of the process that `-f` puts in front. A call
//! that another thread's line broke in two is one call again.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};

/// One call of the system that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// When it was entered, in microseconds.
    pub(crate) begun: u64,
    /// When it had returned.
    pub(crate) ended: u64,
    /// `openat`.
    pub(crate) name: String,
    /// What it was called with.
    pub(crate) args: Vec<Arg>,
    /// What it returned.
    pub(crate) returned: u64,
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arg {
    /// A string, and whether strace wrote all of it.
    Text {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Whether there is no more than that.
        whole: bool,
    },
    /// A file descriptor, and the path that it stands for; none where the file has been removed.
    File(Option<String>),
    /// Anything else.
    Word(String),
}

/// The calls of several traces in the order in which they ended.
pub(crate) fn parse(traces: &[&str]) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    for trace in traces {
        let mut open = HashMap::new();
        for line in trace.lines() {
            calls.extend(read(line, &mut open).with_context(|| format!("in the trace's line `{line}`"))?);
        }
    }
    calls.sort_by_key(|call: &Call| call.ended);
    Ok(calls)
}

/// Calls that have been entered and have not returned, by the number of their thread.
type Open = HashMap<String, (u64, String)>;

fn read(line: &str, open: &mut Open) -> Result<Option<Call>> {
    let Some((thread, time, rest)) = split(line) else { bail!("no time stands in front of it") };
    // The recording was ended in the middle of a call: that ended later, if it did at all.
    if rest.starts_with("+++") || rest.starts_with("---") || rest.ends_with("<detached ...>") {
        return Ok(None);
    }
    if let Some(first) = rest.strip_suffix("<unfinished ...>") {
        open.insert(thread.to_owned(), (time, first.to_owned()));
        return Ok(None);
    }
    if let Some(resumed) = rest.strip_prefix("<... ") {
        let (_, tail) = resumed.split_once(" resumed>").context("nothing says what goes on")?;
        let (begun, head) = open.remove(thread).context("what goes on has not begun")?;
        return call(&format!("{head}{tail}"), begun, time);
    }
    call(rest, time, time)
}

/// The thread, the time in microseconds, and what follows.
fn split(line: &str) -> Option<(&str, u64, &str)> {
    let (first, rest) = line.split_once(char::is_whitespace)?;
    let (thread, stamp, rest) = if first.contains('.') {
        ("", first, rest)
    } else {
        let (stamp, rest) = rest.trim_start().split_once(' ')?;
        (first, stamp, rest)
    };
    let (seconds, micros) = stamp.split_once('.')?;
    let time = seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?;
    Some((thread, time, rest.trim_start()))
}

/// Nothing for a call that failed, or whose end the trace does not have.
fn call(text: &str, begun: u64, ended: u64) -> Result<Option<Call>> {
    let (name, mut rest) = text.split_once('(').context("it is no call")?;
    let mut args = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(tail) = rest.strip_prefix(')') {
            rest = tail;
            break;
        }
        if rest.is_empty() {
            bail!("it has no end");
        }
        let (arg, tail) = argument(rest)?;
        args.push(arg);
        rest = tail;
    }
    let returned = rest.trim_start().strip_prefix('=').context("it says nothing of what was returned")?;
    let number: String = returned.trim_start().chars().take_while(char::is_ascii_digit).collect();
    Ok(number.parse().ok().map(|returned| Call { begun, ended, name: name.to_owned(), args, returned }))
}

fn argument(text: &str) -> Result<(Arg, &str)> {
    if let Some(rest) = text.strip_prefix('"') {
        return string(rest);
    }
    let digits = text
        .strip_prefix("AT_FDCWD")
        .unwrap_or_else(|| text.trim_start_matches(|c: char| c.is_ascii_digit()));
    if digits.len() < text.len()
        && let Some(path) = digits.strip_prefix('<')
    {
        let (path, rest) = path.split_once('>').context("a path has no end")?;
        let gone = rest.strip_prefix("(deleted)");
        let known = gone.is_none() && path.starts_with('/');
        return Ok((Arg::File(known.then(|| path.to_owned())), gone.unwrap_or(rest)));
    }
    let mut depth = 0_u32;
    let end = text.find(|c| match c {
        '{' | '[' | '(' => {
            depth += 1;
            false
        }
        ')' | ',' if depth == 0 => true,
        '}' | ']' | ')' => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => false,
    });
    let (word, rest) = text.split_at(end.context("an argument has no end")?);
    Ok((Arg::Word(word.trim().to_owned()), rest))
}

/// A string in C's way of writing, after its first quote.
fn string(text: &str) -> Result<(Arg, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    loop {
        let (&byte, tail) = rest.split_first().context("a string has no end")?;
        rest = tail;
        match byte {
            b'"' => break,
            b'\\' => bytes.push(escaped(&mut rest)?),
            _ => bytes.push(byte),
        }
    }
    let rest = text.get(text.len() - rest.len()..).context("a string ends within a character")?;
    let (whole, rest) = rest.strip_prefix("...").map_or((true, rest), |rest| (false, rest));
    Ok((Arg::Text { bytes, whole }, rest))
}

fn escaped(rest: &mut &[u8]) -> Result<u8> {
    let (&byte, tail) = rest.split_first().context("a string ends with a backslash")?;
    let digits = rest.iter().take(3).take_while(|byte| (b'0'..=b'7').contains(*byte)).count();
    if digits > 0 {
        let (number, tail) = rest.split_at(digits);
        *rest = tail;
        let value = number.iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
        return u8::try_from(value).context("an octal number is too large for a byte");
    }
    *rest = tail;
    Ok(match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'v' => 0x0b,
        b'f' => 0x0c,
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Arg {
        Arg::Text { bytes: text.as_bytes().to_vec(), whole: true }
    }

    fn word(word: &str) -> Arg {
        Arg::Word(word.to_owned())
    }

    fn file(path: &str) -> Arg {
        Arg::File(Some(path.to_owned()))
    }

    #[test]
    fn calls_as_strace_writes_them() {
        for (line, name, args, returned) in [
            (
                r#"103   7.000001 openat(AT_FDCWD</root>, "/a b", O_WRONLY|O_CREAT, 0600) = 14</a b>"#,
                "openat",
                vec![file("/root"), text("/a b"), word("O_WRONLY|O_CREAT"), word("0600")],
                14,
            ),
            (
                r#"7.000001 write(3</a>, "\"q\\\n\0\342\206\22261", 10) = 10"#,
                "write",
                vec![file("/a"), text("\"q\\\n\0→61"), word("10")],
                10,
            ),
            (
                r#"9 7.000001 write(3</a>, "ab"..., 9) = 9"#,
                "write",
                vec![file("/a"), Arg::Text { bytes: b"ab".to_vec(), whole: false }, word("9")],
                9,
            ),
            (
                r#"9 7.000001 unlinkat(3</a (1)>, "b", AT_REMOVEDIR) = 0"#,
                "unlinkat",
                vec![file("/a (1)"), text("b"), word("AT_REMOVEDIR")],
                0,
            ),
            ("9 7.000001 fsync(3</a>(deleted))   = 0", "fsync", vec![Arg::File(None)], 0),
            ("9 7.000001 fsync(3<pipe:[17]>) = 0", "fsync", vec![Arg::File(None)], 0),
            (
                "9 7.000001 writev(3</a>, [{iov_base=\"x\", iov_len=1}], 1) = 1",
                "writev",
                vec![file("/a"), word("[{iov_base=\"x\", iov_len=1}]"), word("1")],
                1,
            ),
            ("9 7.000001 sync() = 0", "sync", vec![], 0),
        ] {
            let call = Call { begun: 7_000_001, ended: 7_000_001, name: name.to_owned(), args, returned };
            assert_eq!(parse(&[line]).unwrap(), [call], "{line}");
        }
    }

    #[test]
    fn what_failed_or_is_no_call_is_left_out() {
        for line in [
            r#"9 7.000001 mkdir("/a", 0777) = -1 EEXIST (File exists)"#,
            "9 7.000001 +++ exited with 0 +++",
            "9 7.000001 --- SIGCHLD {si_signo=SIGCHLD} ---",
            r#"9 7.000001 mkdir("/a", 0777) = ?"#,
            r#"7.000001 openat(AT_FDCWD</>, "/sys/fs/cgroup/memory.events", O_RDONLY|O_CLOEXEC <detached ...>"#,
        ] {
            assert_eq!(parse(&[line]).unwrap(), [], "{line}");
        }
    }

    #[test]
    fn a_call_broken_in_two_ends_where_its_second_half_stands() {
        let product = "1 7.000001 fsync(3</a> <unfinished ...>\n\
                       2 7.000002 mkdir(\"/b\", 0777) = 0\n\
                       1 7.000005 <... fsync resumed>) = 0\n";
        let manager = "7.000003 rmdir(\"/c\") = 0\n";
        let calls = parse(&[product, manager]).unwrap();
        let order: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.begun, call.ended)).collect();
        assert_eq!(
            order,
            [
                ("mkdir", 7_000_002, 7_000_002),
                ("rmdir", 7_000_003, 7_000_003),
                ("fsync", 7_000_001, 7_000_005)
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for line in
            ["mkdir(\"/a\", 0777) = 0", "9 7.000001 mkdir(\"/a", "9 7.000001 <... fsync resumed>) = 0"]
        {
            assert!(parse(&[line]).is_err(), "{line}");
        }
    }
}
