//! The root of a system that is not running: an unpacked image, a mounted disk.
//!
//! The process enters it (chroot(2)), once, before it looks at anything. From there on every path is
//! what it is to the system when that has booted, and the kernel itself keeps every link inside, on any
//! version. What belongs to the machine around it, such as an archive or the list of mounts, is looked at
//! through [`outside`] and [`read_proc`], and by nothing else.
//!
//! The root is one of the process's, and so is what is kept here. [`outside`] moves all threads: it
//! may be called only while no other thread has to do with files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{chroot, fchdir};

use crate::error::{Id, Refusal};
use crate::read;
use crate::{Error, Result};

/// The ways in and out.
#[derive(Debug)]
struct Doors {
    /// The root that was entered.
    inner: File,
    /// The machine's own.
    outer: File,
    /// Where the caller was.
    here: File,
    /// The machine's `/proc`, where it has one.
    proc: Option<File>,
}

static DOORS: OnceLock<Doors> = OnceLock::new();
static IS_OUTSIDE: AtomicBool = AtomicBool::new(false);

/// Whether this process works on a root that is not running.
pub fn is_offline() -> bool {
    DOORS.get().is_some()
}

/// Enters `root` for good. Refused where it cannot be the root of a system, or is one that runs.
pub fn enter(root: &Path) -> Result<()> {
    let wrong = |problem: String, help: &str| Error::Config {
        origin: "--root".to_owned(),
        problem,
        help: help.to_owned(),
    };
    let shown = root.display();
    let unpack = "give the directory that the image is unpacked or mounted in";
    let real =
        root.canonicalize().map_err(|error| wrong(format!("{shown} cannot be entered: {error}"), unpack))?;
    let inner = File::open(&real).map_err(Error::io("open", &real))?;
    let found = inner.metadata().map_err(Error::io("look at", &real))?;
    if !found.is_dir() {
        return Err(wrong(format!("{shown} is not a directory"), unpack));
    }
    let own = fs::metadata("/").map_err(Error::io("look at", "/"))?;
    if is_same(&found, &own) {
        return Err(wrong(
            format!("{shown} is the root of this machine, which runs"),
            "leave --root out: node-setup docker sets up the machine that it runs on",
        ));
    }
    if let Some((pid, name)) = runs_in(&found) {
        let found = format!("{shown} is the root of a system that runs: {name}, process {pid}");
        let remedy = "stop it first, or run node-setup docker in it".to_owned();
        return Err(Error::Refused(vec![Refusal { id: Id::ROOT_IN_USE, found, remedy }]));
    }
    let doors = Doors {
        inner,
        outer: File::open("/").map_err(Error::io("open", "/"))?,
        here: File::open(".").map_err(Error::io("open", "."))?,
        proc: File::open("/proc").ok(),
    };
    go(&doors.inner).map_err(Error::io("enter", &real))?;
    let _ = DOORS.set(doors);
    if !Path::new("/etc/os-release").exists() && !Path::new("/usr/lib/os-release").exists() {
        return Err(wrong(format!("{shown} is no system's root: it has no /etc/os-release"), unpack));
    }
    Ok(())
}

/// Does `look` where the caller is: with the machine's own root, and in the directory that the command
/// was given in. The same as `look()` where no root was entered.
pub fn outside<T>(look: impl FnOnce() -> T) -> T {
    let Some(doors) = DOORS.get().filter(|_| !IS_OUTSIDE.load(Ordering::SeqCst)) else { return look() };
    let _inside_again = leave(doors);
    look()
}

/// Reads a file of the machine's `/proc`, such as `self/mountinfo`; what it says is seen from the root
/// that was entered.
pub fn read_proc(path: &str) -> Result<String> {
    let shown = Path::new("/proc").join(path);
    let read = match DOORS.get() {
        None => read::of_kernel(&shown),
        Some(Doors { proc: None, .. }) => Err(io::ErrorKind::NotFound.into()),
        Some(Doors { proc: Some(proc), .. }) => {
            let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
            openat(proc, path, flags, Mode::empty()).map_err(io::Error::from).and_then(|file| {
                let mut text = String::new();
                File::from(file).read_to_string(&mut text)?;
                Ok(text)
            })
        }
    };
    read.map_err(Error::io("read", shown))
}

/// An error where there is only a root, for what a running system alone has.
pub(super) fn live(what: &str) -> Result<()> {
    if is_offline() { Err(Error::Offline { what: what.to_owned() }) } else { Ok(()) }
}

/// Goes back inside when it is dropped.
struct Outing<'a>(&'a Doors);

fn leave(doors: &Doors) -> Outing<'_> {
    IS_OUTSIDE.store(true, Ordering::SeqCst);
    go(&doors.outer).and_then(|()| Ok(fchdir(&doors.here)?)).unwrap_or_else(|_| std::process::abort());
    Outing(doors)
}

impl Drop for Outing<'_> {
    /// What comes next would happen to the machine: it does not come if this fails.
    fn drop(&mut self) {
        go(&self.0.inner).unwrap_or_else(|_| std::process::abort());
        IS_OUTSIDE.store(false, Ordering::SeqCst);
    }
}

fn go(directory: &File) -> io::Result<()> {
    fchdir(directory)?;
    chroot(".")?;
    Ok(())
}

fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// The first process of a system that has been booted from this directory, as a container is.
fn runs_in(root: &fs::Metadata) -> Option<(String, String)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_there = |path: &Path| fs::metadata(path.join("root")).is_ok_and(|its| is_same(&its, root));
    processes.filter(|process| is_there(&process.path())).find_map(|process| {
        let name = read::of_kernel(process.path().join("comm")).ok()?;
        let is_manager = matches!(name.trim(), "systemd" | "init");
        is_manager.then(|| (process.file_name().to_string_lossy().into_owned(), name.trim().to_owned()))
    })
}
