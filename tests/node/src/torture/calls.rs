//! Which system calls of a run change something, and which of them a fault can be put into.

use std::collections::BTreeMap;
use std::fmt;

/// System calls that can change something outside the process.
const CALLS: [&str; 26] = [
    "chmod",
    "clone3",
    "copy_file_range",
    "fchmod",
    "fchmodat",
    "fchown",
    "fdatasync",
    "fsync",
    "ftruncate",
    "kill",
    "lchown",
    "linkat",
    "mkdir",
    "openat",
    "pidfd_send_signal",
    "pwrite64",
    "rename",
    "rmdir",
    "sendmsg",
    "sendto",
    "symlinkat",
    "syncfs",
    "umount2",
    "unlink",
    "unlinkat",
    "write",
];

/// Where strace writes, in the node.
pub(super) const TRACE: &str = "/run/torture.trace";

/// What `strace -e trace=` is given.
pub(super) fn traced() -> String {
    CALLS.join(",")
}

/// One system call of a run: the `number`th of its kind, counted from 1 in its thread.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// The system call.
    pub call: String,
    /// Which one.
    pub number: usize,
    /// Whether a thread other than the first one makes it.
    pub in_thread: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thread = if self.in_thread { " of a thread" } else { "" };
        write!(f, "{} {}{thread}", self.call, self.number)
    }
}

impl Point {
    /// The options of strace that put `fault` into this call, `signal=KILL` or `error=EIO`, and tell about the calls of
    /// its kind in [`TRACE`].
    ///
    /// strace counts in each thread by itself. A thread that only flushes reaches its numbers before the first thread
    /// has any of that kind; and other programs are let go of as they are executed.
    pub(super) fn injection(&self, fault: &str) -> String {
        let threads = if self.in_thread { "-f -b execve " } else { "" };
        let Self { call, number, .. } = self;
        format!("{threads}-qq -y -o {TRACE} -e trace={call} -e inject={call}:{fault}:when={number}")
    }

    /// The errors that this call can really fail with, of those that a disk which is full, broken or read-only, a signal,
    /// or a full process table cause.
    #[must_use]
    pub fn errors(&self) -> &'static [&'static str] {
        match self.call.as_str() {
            "write" | "pwrite64" | "copy_file_range" | "fsync" | "fdatasync" | "syncfs" | "ftruncate" => {
                &["ENOSPC", "EIO", "EINTR"]
            }
            "openat" => &["ENOSPC", "EIO", "EROFS", "EINTR"],
            "mkdir" | "linkat" | "rename" | "symlinkat" => &["ENOSPC", "EIO", "EROFS"],
            "chmod" | "fchmod" | "fchmodat" | "lchown" | "fchown" | "rmdir" | "unlink" | "unlinkat" => {
                &["EIO", "EROFS"]
            }
            "sendmsg" | "sendto" => &["EINTR"],
            "clone3" => &["EAGAIN"],
            _ => &[],
        }
    }
}

/// The points of a run, from what `strace -f -b execve -y` wrote about it: a thread's number, and the call.
///
/// The calls of the first thread come as they came; those of the others after them.
pub(super) fn points(trace: &str) -> Vec<Point> {
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let (mut of_the_first, mut of_threads) = (Vec::new(), Vec::new());
    let first = trace.split_whitespace().next();
    for (thread, rest) in trace.lines().filter_map(|line| line.split_once(char::is_whitespace)) {
        let rest = rest.trim_start();
        let Some((call, arguments)) = rest.split_once('(') else { continue };
        if !CALLS.contains(&call) {
            continue;
        }
        let number = seen.entry((thread, call)).or_default();
        *number += 1;
        if changes_something(call, arguments) {
            let in_thread = first != Some(thread);
            let point = Point { call: call.to_owned(), number: *number, in_thread };
            if in_thread { of_threads.push(point) } else { of_the_first.push(point) }
        }
    }
    of_threads.sort();
    of_threads.dedup();
    of_the_first.extend(of_threads);
    of_the_first
}

/// Whether a call does more than look, or talk to whoever reads the output.
fn changes_something(call: &str, arguments: &str) -> bool {
    match call {
        "openat" => ["O_CREAT", "O_TRUNC"].iter().any(|flag| arguments.contains(flag)),
        "write" => {
            !["1<", "2<"].iter().any(|output| arguments.starts_with(output)) && !is_of_the_runtime(arguments)
        }
        "sendmsg" | "sendto" => !LOOKING.iter().any(|words| arguments.contains(words)),
        _ => true,
    }
}

/// The asynchronous runtime wakes itself up.
fn is_of_the_runtime(arguments: &str) -> bool {
    arguments.contains("anon_inode:[eventfd]")
        || arguments.contains("<socket:") && arguments.contains("\"\\1\"")
}

/// Whether an error went into a call that changes nothing, by what strace wrote about the run: a run wakes itself up a
/// few times more or fewer each time, and what comes after that is numbered differently then.
pub(super) fn went_elsewhere(trace: &str) -> bool {
    let failed = trace.lines().filter(|line| line.ends_with("(INJECTED)"));
    failed.filter_map(|line| line.split_once('(')).any(|(head, arguments)| {
        let call = head.split_whitespace().next_back();
        call.is_some_and(|call| CALLS.contains(&call) && !changes_something(call, arguments))
    })
}

/// Messages on the bus, requests to docker and to the kernel's routing that only ask.
const LOOKING: [&str; 12] = [
    "org.freedesktop.DBus.Properties",
    "LoadUnit",
    "GetUnit",
    "ListJobs",
    "ListUnits",
    "AddMatch",
    "RemoveMatch",
    "Hello",
    "GET /",
    "RTM_GET",
    "AUTH EXTERNAL",
    "BEGIN\\r\\n",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_is_a_point() {
        let trace = r#"7 openat(AT_FDCWD</>, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 3</etc/hosts>
7 openat(AT_FDCWD</>, "/etc/.x", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 3</etc/.x>
7 write(3</etc/.x>, "a", 1)       = 1
7 write(1<pipe:[5]>, "done\n", 5) = 5
7 write(8<anon_inode:[eventfd]>, "\1\0\0\0\0\0\0\0", 8) = 8
9 fsync(3</etc/.x> <unfinished ...>
7 fsync(4</etc>)                  = 0
9 <... fsync resumed>)            = 0
7 sendmsg(9<socket:[1]>, {... "org.freedesktop.DBus.Properties\0" ...}, MSG_NOSIGNAL) = 249
7 sendmsg(9<socket:[1]>, {... "StartUnit\0" ...}, MSG_NOSIGNAL) = 249
7 write(3</etc/.x>, "b", 1)       = 1
7 +++ exited with 0 +++
"#;
        let names: Vec<String> = points(trace).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["openat 2", "write 1", "fsync 1", "sendmsg 2", "write 4", "fsync 1 of a thread"]);
    }

    #[test]
    fn an_error_that_went_elsewhere_is_known() {
        let woken = r#"write(5<anon_inode:[eventfd]>, "\1\0\0\0\0\0\0\0", 8) = 8"#;
        let failed = "= -1 ENOSPC (No space left on device) (INJECTED)";
        for (line, elsewhere) in [
            (woken.to_owned(), false),
            (woken.replace("= 8", failed), true),
            (format!(r#"7 write(3</etc/.x>, "a", 1) {failed}"#), false),
            (format!(r#"write(1<pipe:[5]>, "{{\n", 2) {failed}"#), true),
            (format!("9 <... fsync resumed>) {failed}"), false),
        ] {
            assert_eq!(went_elsewhere(&format!("{woken}\n{line}\n")), elsewhere, "{line}");
        }
    }
}
