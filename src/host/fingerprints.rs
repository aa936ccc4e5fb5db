//! Knowing that a file is what it was without reading it.
//!
//! The kernel stamps every change of a file's bytes or attributes with the time
//! (`st_ctime`), and no program can set that stamp. A file whose device, inode,
//! size, mtime and ctime are what they were when its digest was taken has the
//! bytes that it had then. What this cannot see: writes to the block device under
//! the file system, a clock set back to the very nanosecond, and a change within
//! one tick of the clock after the digest was taken; for the last, a fingerprint
//! counts only if the file had been left alone for [`SETTLED`] when it was taken.
#![expect(clippy::disallowed_methods, reason = "whether a file was left alone is a matter of the clock")]

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::files::Files;
use crate::Result;
use crate::digest::Digest;
use crate::read;

/// Several ticks of the slowest clock that stamps files (100 Hz).
const SETTLED: Duration = Duration::from_millis(50);

/// What was known at the end of the last run that changed something, and what
/// this run has found out.
#[derive(Debug)]
pub(super) struct Fingerprints {
    path: PathBuf,
    saved: OnceCell<BTreeMap<PathBuf, Fingerprint>>,
    fresh: RefCell<BTreeMap<PathBuf, Fingerprint>>,
    distrusted: Cell<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Fingerprint {
    dev: u64,
    ino: u64,
    size: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
    sha256: Digest,
}

impl Fingerprints {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, saved: OnceCell::new(), fresh: RefCell::default(), distrusted: Cell::new(false) }
    }

    /// The digest of a file that has not changed since it was taken.
    pub(super) fn lookup(&self, path: &Path, metadata: &Metadata) -> Option<Digest> {
        let same = |known: &Fingerprint| *known == Fingerprint::new(metadata, known.sha256);
        let fresh = self.fresh.borrow().get(path).filter(|known| same(known)).map(|known| known.sha256);
        if fresh.is_some() || self.distrusted.get() {
            return fresh;
        }
        self.saved().get(path).filter(|known| same(known)).map(|known| known.sha256)
    }

    /// Notes a digest that was taken of the bytes, if they were at rest.
    pub(super) fn record(&self, path: &Path, metadata: &Metadata, sha256: Digest) {
        let fingerprint = Fingerprint::new(metadata, sha256);
        if fingerprint.is_settled() {
            self.fresh.borrow_mut().insert(path.to_owned(), fingerprint);
        }
    }

    /// Notes the digest of a file that this process wrote itself.
    pub(super) fn record_own(&self, path: &Path, metadata: &Metadata, sha256: Digest) {
        self.fresh.borrow_mut().insert(path.to_owned(), Fingerprint::new(metadata, sha256));
    }

    pub(super) fn forget(&self) {
        self.distrusted.set(true);
        self.fresh.borrow_mut().clear();
    }

    /// Saves what is known of files that still are as they were.
    pub(super) fn save(&self, files: &Files) -> Result<()> {
        let mut known = self.saved().clone();
        known.extend(self.fresh.borrow().clone());
        known.retain(|path, fingerprint| {
            fs::symlink_metadata(path)
                .is_ok_and(|now| *fingerprint == Fingerprint::new(&now, fingerprint.sha256))
                && fingerprint.is_settled()
        });
        let mut text = serde_json::to_vec_pretty(&known).unwrap_or_default();
        text.push(b'\n');
        files.write_state(&self.path, &text)
    }

    /// Nothing is lost with a damaged file but the time to read what it knew.
    fn saved(&self) -> &BTreeMap<PathBuf, Fingerprint> {
        self.saved.get_or_init(|| {
            read::whole(&self.path)
                .ok()
                .and_then(|text| serde_json::from_slice(&text).ok())
                .unwrap_or_default()
        })
    }
}

impl Fingerprint {
    fn new(metadata: &Metadata, sha256: Digest) -> Self {
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
            sha256,
        }
    }

    fn is_settled(&self) -> bool {
        let (Ok(seconds), Ok(nanos)) = (u64::try_from(self.ctime.0), u32::try_from(self.ctime.1)) else {
            return false;
        };
        let changed = UNIX_EPOCH + Duration::new(seconds, nanos);
        SystemTime::now().duration_since(changed).is_ok_and(|age| age >= SETTLED)
    }
}

/// Microseconds since the epoch, now.
pub(super) fn now_usec() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_is_not_known() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        fs::write(&path, "one").unwrap();
        let fingerprints = Fingerprints::at(scratch.path().join("fingerprints.json"));
        let before = fs::metadata(&path).unwrap();
        fingerprints.record_own(&path, &before, Digest::of(b"one"));
        assert_eq!(fingerprints.lookup(&path, &before), Some(Digest::of(b"one")));
        let other = scratch.path().join("other");
        fs::write(&other, "two").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(fingerprints.lookup(&path, &fs::metadata(&path).unwrap()), None);
    }

    #[test]
    fn what_was_found_out_is_still_known_after_it_was_saved() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        fs::write(&path, "one").unwrap();
        let files = Files::new(scratch.path());
        let fingerprints = Fingerprints::at(scratch.path().join("fingerprints.json"));
        let metadata = fs::metadata(&path).unwrap();
        fingerprints.record_own(&path, &metadata, Digest::of(b"one"));
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !Fingerprint::new(&metadata, Digest::of(b"one")).is_settled() {
            assert!(std::time::Instant::now() < deadline);
            std::thread::yield_now();
        }
        fingerprints.save(&files).unwrap();
        let later = Fingerprints::at(scratch.path().join("fingerprints.json"));
        assert_eq!(later.lookup(&path, &metadata), Some(Digest::of(b"one")));
    }

    #[test]
    fn a_file_that_was_just_written_is_not_at_rest() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        fs::write(&path, "one").unwrap();
        let metadata = fs::metadata(&path).unwrap();
        let fingerprints = Fingerprints::at(scratch.path().join("fingerprints.json"));
        fingerprints.record(&path, &metadata, Digest::of(b"one"));
        assert_eq!(fingerprints.lookup(&path, &metadata), None);
    }
}
