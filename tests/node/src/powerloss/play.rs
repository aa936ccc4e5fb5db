//! The calls of a trace, played to a [`Disk`].
//!
//! Paths are looked up in the tree as it is at that moment, so that an inode is known under whatever name it has. What the
//! model does not understand is an error: a state that is left out would be a state that nobody tries.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::disk::{Attributes, Disk, Ino, Kind, Operation};
use super::trace::{Arg, Call};

/// Mounted elsewhere in a node: gone with the power, whatever was flushed.
const VOLATILE: [&str; 6] = ["/proc", "/sys", "/dev", "/run", "/tmp", "/memfd:"];

impl Disk {
    /// Plays a call.
    pub(crate) fn play(&mut self, call: &Call) -> Result<()> {
        self.played(call).with_context(|| format!("the call {} {:?}", call.name, call.args))
    }

    fn played(&mut self, call: &Call) -> Result<()> {
        let args = call.args.as_slice();
        match (call.name.as_str(), args) {
            ("open" | "openat" | "creat", _) => self.open(call),
            ("write" | "writev", [Arg::File(file), bytes, ..]) => {
                self.append(file.as_deref(), Some(bytes), call)
            }
            ("copy_file_range" | "splice", [_, _, Arg::File(file), ..])
            | ("sendfile", [Arg::File(file), ..]) => self.append(file.as_deref(), None, call),
            ("ftruncate" | "truncate" | "fallocate", _) => self.truncate(args),
            ("mkdir" | "mkdirat", _) => self.create(args, &Kind::Directory, mode(args.last())?, call),
            ("symlink" | "symlinkat", [target, place @ ..]) => {
                let Arg::Text { bytes, .. } = target else { bail!("no text for a link") };
                self.create(place, &Kind::Link(String::from_utf8_lossy(bytes).into_owned()), 0o777, call)
            }
            ("link" | "linkat", _) => self.link(args, call),
            ("rename" | "renameat" | "renameat2", _) => self.rename(args, call),
            ("unlink" | "unlinkat" | "rmdir", _) => self.unlink(args, call),
            ("chmod" | "fchmod" | "fchmodat" | "chown" | "lchown" | "fchown" | "fchownat", _) => {
                self.set(args, call)
            }
            ("fsync" | "fdatasync", [Arg::File(file)]) => self.flush(file.as_deref(), call),
            ("sync" | "syncfs", _) => {
                self.flushed(call, |_| true);
                Ok(())
            }
            _ => bail!("the model does not know it"),
        }
    }

    fn open(&mut self, call: &Call) -> Result<()> {
        let word = |wanted: &str| {
            call.args
                .iter()
                .any(|arg| matches!(arg, Arg::Word(flags) if flags.split('|').any(|flag| flag == wanted)))
        };
        let (creates, empties) =
            (call.name == "creat" || word("O_CREAT"), call.name == "creat" || word("O_TRUNC"));
        if !creates && !empties {
            return Ok(());
        }
        let Some(place) = path(&call.args)? else { return Ok(()) };
        match self.find(&place)? {
            Some(inode) if empties => self.must_be_empty(inode),
            None if creates => self.create(&call.args, &Kind::File, mode(call.args.last())?, call),
            _ => Ok(()),
        }
    }

    fn create(&mut self, args: &[Arg], kind: &Kind, mode: u32, call: &Call) -> Result<()> {
        let Some(path) = path(args)? else { return Ok(()) };
        let (directory, name) = self.place(&path)?;
        let umask = if matches!(kind, Kind::Link(_)) { 0 } else { 0o022 };
        let attributes = Attributes { mode: mode & !umask, uid: 0, gid: 0 };
        let inode = self.make(kind.clone(), attributes, None);
        self.operate(Operation::Enter { directory, name, inode }, call);
        Ok(())
    }

    fn append(&mut self, file: Option<&str>, bytes: Option<&Arg>, call: &Call) -> Result<()> {
        let Some(path) = file.filter(|path| !is_volatile(path)) else { return Ok(()) };
        let Some(inode) = self.find(Path::new(path))? else { bail!("{path} is not known") };
        let appended = self.appended.entry(inode).or_default();
        if let Some(Arg::Text { bytes, .. }) = bytes
            && appended.known()
        {
            let written = usize::try_from(call.returned)?.min(bytes.len());
            appended.bytes.extend(bytes.get(..written).unwrap_or_default());
        }
        appended.length += call.returned;
        let length = appended.length;
        if call.returned > 0 {
            self.operate(Operation::Append { inode, length }, call);
        }
        Ok(())
    }

    fn truncate(&mut self, args: &[Arg]) -> Result<()> {
        let path = match args.first() {
            Some(Arg::File(Some(path))) => PathBuf::from(path),
            Some(Arg::Text { bytes, .. }) => PathBuf::from(String::from_utf8_lossy(bytes).into_owned()),
            _ => return Ok(()),
        };
        match self.find(&path)?.filter(|_| !is_volatile(&path.to_string_lossy())) {
            Some(inode) => self.must_be_empty(inode),
            None => Ok(()),
        }
    }

    fn must_be_empty(&self, inode: Ino) -> Result<()> {
        if self.inode(inode)?.origin.is_some() || self.appended.contains_key(&inode) {
            bail!("the model knows no file that is written in place");
        }
        Ok(())
    }

    fn link(&mut self, args: &[Arg], call: &Call) -> Result<()> {
        let Some([from, to]) = two(args)? else { return Ok(()) };
        let Some(inode) = self.find(&from)? else { bail!("{} is not known", from.display()) };
        let (directory, name) = self.place(&to)?;
        self.operate(Operation::Enter { directory, name, inode }, call);
        Ok(())
    }

    fn rename(&mut self, args: &[Arg], call: &Call) -> Result<()> {
        let Some([from, to]) = two(args)? else { return Ok(()) };
        let Some(inode) = self.find(&from)? else { bail!("{} is not known", from.display()) };
        let (from, to) = (self.place(&from)?, self.place(&to)?);
        self.operate(Operation::Move { from, to, inode }, call);
        Ok(())
    }

    /// What docker has made was not traced, and is not known.
    fn unlink(&mut self, args: &[Arg], call: &Call) -> Result<()> {
        let Some(path) = path(args)? else { return Ok(()) };
        if self.find(&path)?.is_some() {
            let (directory, name) = self.place(&path)?;
            self.operate(Operation::Leave { directory, name }, call);
        }
        Ok(())
    }

    fn set(&mut self, args: &[Arg], call: &Call) -> Result<()> {
        let path = match args {
            [Arg::File(file), Arg::Word(_), ..] => file.as_ref().map(PathBuf::from),
            _ => path(args)?,
        };
        let Some(path) = path.filter(|path| !is_volatile(&path.to_string_lossy())) else { return Ok(()) };
        let Some(inode) = self.find(&path)? else { return Ok(()) };
        let mut attributes = self.attributes(inode)?;
        let words: Vec<&str> = args
            .iter()
            .filter_map(|arg| if let Arg::Word(word) = arg { Some(word.as_str()) } else { None })
            .collect();
        if call.name.contains("chmod") {
            let text = words.first().context("no mode")?;
            attributes.mode = u32::from_str_radix(text, 8).with_context(|| format!("the mode {text}"))?;
        } else if let [uid, gid, ..] = words.as_slice() {
            attributes.uid = uid.parse().unwrap_or(attributes.uid);
            attributes.gid = gid.parse().unwrap_or(attributes.gid);
        }
        self.operate(Operation::Set { inode, attributes }, call);
        Ok(())
    }

    fn flush(&mut self, file: Option<&str>, call: &Call) -> Result<()> {
        let Some(path) = file.filter(|path| !is_volatile(path)) else { return Ok(()) };
        let Some(inode) = self.find(Path::new(path))? else { bail!("{path} is not known") };
        let only_data = call.name == "fdatasync";
        self.flushed(call, |operation| operation.touches(inode) && (operation.is_data() || !only_data));
        Ok(())
    }
}

fn is_volatile(path: &str) -> bool {
    VOLATILE
        .iter()
        .any(|mount| path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        || path.starts_with("/memfd:")
}

/// The path that the first arguments name; none where it is not on the disk.
fn path(args: &[Arg]) -> Result<Option<PathBuf>> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let path = match args {
        [Arg::File(Some(directory)), Arg::Text { bytes, .. }, ..] => Path::new(directory).join(text(bytes)),
        [Arg::File(None), Arg::Text { bytes, .. }, ..] if !bytes.starts_with(b"/") => return Ok(None),
        [Arg::File(None), Arg::Text { bytes, .. }, ..] | [Arg::Text { bytes, .. }, ..] => {
            PathBuf::from(text(bytes))
        }
        _ => bail!("it names no path"),
    };
    if !path.is_absolute() {
        bail!("{} is relative to what the trace does not tell", path.display());
    }
    Ok((!is_volatile(&path.to_string_lossy())).then_some(path))
}

/// The two paths of a call that has two; none where they are not on the disk.
fn two(args: &[Arg]) -> Result<Option<[PathBuf; 2]>> {
    let mut found = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        let Arg::Text { .. } = arg else { continue };
        let first =
            if index > 0 && matches!(args.get(index - 1), Some(Arg::File(_))) { index - 1 } else { index };
        found.extend(path(args.get(first..=index).unwrap_or_default())?);
    }
    match <[PathBuf; 2]>::try_from(found) {
        Ok(two) => Ok(Some(two)),
        Err(found) if found.is_empty() => Ok(None),
        Err(found) => bail!("it has {} paths on the disk, not 2", found.len()),
    }
}

fn mode(arg: Option<&Arg>) -> Result<u32> {
    match arg {
        Some(Arg::Word(text)) => u32::from_str_radix(text, 8).with_context(|| format!("the mode {text}")),
        _ => bail!("it has no mode"),
    }
}
