//! A run of another process that is going on while this one only looks.

use crate::Result;
use crate::lock;

/// Looks, and says who was at work on the node meanwhile. A run that ends while it
/// is looked at does not count as one that did not end.
pub(super) fn watching<T>(look: impl FnOnce() -> Result<T>) -> Result<(T, Option<String>)> {
    let before = lock::holder();
    let seen = look()?;
    Ok((seen, before.or_else(lock::holder)))
}

/// What whoever reads about the node has to know then.
pub(super) fn note(holder: &str) -> String {
    format!("a run is going on, and the node is changing: {holder}")
}
