//! Files are read here, whoever wrote them: without waiting for anybody, and with an end.
//!
//! Where a file is to be, anybody who may write there can put a fifo, on which an open waits for
//! a writer; a device, which may never end or do something when it is opened; or more bytes than
//! there is memory. None of them is a file that says something. This opens for reading alone.
#![allow(clippy::disallowed_methods, reason = "the one place that opens files to read them whole")]

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

/// More than any file that is read whole, but for programs and this program's own journals.
pub const LARGEST: u64 = 4 << 20;

/// Opens a regular file. For anything else, the error says what it is.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    must_be_regular(&fs::metadata(path)?)?;
    // Something else may have come there since: what was opened counts.
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = File::options().read(true).custom_flags(flags.bits()).open(path)?;
    must_be_regular(&file.metadata()?)?;
    Ok(file)
}

fn must_be_regular(found: &Metadata) -> io::Result<()> {
    if found.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory"));
    }
    if !found.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(())
}

/// Its bytes, of which there may be [`LARGEST`].
pub fn bytes(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    up_to(LARGEST, path)
}

/// Its bytes, of which there may be so many.
pub fn up_to(most: u64, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let problem = format!("it is larger than {} MiB", most >> 20);
        return Err(io::Error::new(ErrorKind::FileTooLarge, problem));
    }
    Ok(bytes)
}

/// Its text, of which there may be [`LARGEST`] bytes.
pub fn text(path: impl AsRef<Path>) -> io::Result<String> {
    String::from_utf8(bytes(path)?)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// All of a file whose size is its writer's matter: one that root alone can write.
pub fn whole(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the kernel makes up below `/proc` and `/sys`: nobody else can put anything there, and it
/// has an end, however many sockets or mounts there are.
pub fn of_kernel(path: impl AsRef<Path>) -> io::Result<String> {
    fs::read_to_string(path)
}

/// What is wrong with a file that is there, can be opened, and is not what it should be; nothing
/// where the kernel has an error of its own.
pub fn problem(error: &io::Error) -> Option<String> {
    error.raw_os_error().is_none().then(|| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn what_is_no_file_says_so_and_nobody_waits() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        fs::write(at("text"), "text").unwrap();
        fs::write(at("binary"), b"\xff\0").unwrap();
        fs::create_dir(at("directory")).unwrap();
        File::create(at("huge")).unwrap().set_len(LARGEST + 1).unwrap();
        mkfifo(&at("fifo"), Mode::S_IRWXU).unwrap();
        symlink("fifo", at("link")).unwrap();
        symlink("/dev/zero", at("endless")).unwrap();
        symlink("/dev/tty", at("terminal")).unwrap();
        assert_eq!(text(at("text")).unwrap(), "text");
        assert_eq!(up_to(u64::MAX, at("text")).unwrap(), b"text", "no limit is a limit too");
        assert_eq!(whole(at("huge")).unwrap().len() as u64, LARGEST + 1);
        assert_eq!(text(at("absent")).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(problem(&text(at("absent")).unwrap_err()), None);
        for (name, expected) in [
            ("binary", "it is not UTF-8 text"),
            ("directory", "it is a directory"),
            ("huge", "it is larger than 4 MiB"),
            ("fifo", "it is not a regular file"),
            ("link", "it is not a regular file"),
            ("endless", "it is not a regular file"),
            ("terminal", "it is not a regular file"),
        ] {
            assert_eq!(problem(&text(at(name)).unwrap_err()).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn what_the_kernel_makes_up_is_a_file() {
        assert!(text("/proc/self/status").unwrap().contains("Name:"));
    }
}
