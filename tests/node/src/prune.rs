//! Nodes that nobody will take away any more.

use anyhow::Result;

use crate::lab;
use crate::machine::Machine;
use crate::owner::Owner;

/// Removes the nodes whose owner is gone, and returns their names. A node of a living process or of a person stays.
///
/// # Errors
/// When one of them cannot be removed; the others are removed first.
pub fn prune() -> Result<Vec<String>> {
    let _lock = lab::lock("prune")?;
    let mut removed = Vec::new();
    let mut failed = Ok(());
    for machine in Machine::all()? {
        if machine.owner().as_ref().is_some_and(Owner::is_gone) {
            match machine.remove() {
                Ok(()) => removed.push(machine.name().to_owned()),
                Err(error) => failed = Err(error),
            }
        }
    }
    failed.map(|()| removed)
}
