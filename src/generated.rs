//! Files that are generated from the code, and kept in the repository.
//!
//! Tests generate them and compare; with `UPDATE=1` they write them instead.

use std::path::Path;

/// Fails if `path`, under the package's root, is not `text`.
pub(crate) fn assert_fresh(path: &Path, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{} is stale: run `make generate`", path.display());
}
