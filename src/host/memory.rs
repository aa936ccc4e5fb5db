//! What was seen while the node is taken to stand still, so that it is looked up once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use serde_json::Value;

use super::api::Answer;
use super::exec::Begun;
use super::netfilter::{Backend, Family};
use super::netlink::{Address, Link};
use super::units::UnitFacts;
use crate::Result;
use crate::resource::Enablement;

/// Nothing, unless the node is taken to stand still.
#[derive(Debug, Default)]
pub(super) struct Memory(RefCell<Option<Seen>>);

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) tables: BTreeMap<(Backend, Family), Rc<Listings>>,
    pub(super) nftables: Option<Rc<Value>>,
    /// Whether systemd has left a question unanswered.
    pub(super) is_silent: bool,
    pub(super) units: BTreeMap<String, UnitFacts>,
    /// Of units' files, by name; none where there is no such file.
    pub(super) enablements: BTreeMap<String, Option<Enablement>>,
    pub(super) links: Option<Vec<Link>>,
    pub(super) addresses: Option<Vec<Address>>,
    /// Listings that are being made.
    pub(super) begun: BTreeMap<(Backend, Family), Begun>,
    pub(super) begun_nftables: Option<Begun>,
    /// Pid and name.
    pub(super) processes: Option<Vec<(u32, String)>>,
    /// What docker said, by socket and path.
    pub(super) answers: BTreeMap<(PathBuf, String), Rc<Answer>>,
}

/// Every table of a backend and family by its name; none of one that cannot be shown.
pub(super) type Listings = BTreeMap<String, Option<String>>;

impl Memory {
    /// The node stands still from here on.
    pub(super) fn begin(&self) {
        self.0.replace(Some(Seen::default()));
    }

    /// It does not any more.
    pub(super) fn end(&self) {
        self.0.take();
    }

    /// What was seen so far is so no more.
    pub(super) fn forget(&self) {
        self.change(|seen| *seen = Seen::default());
    }

    /// Adds something to it, or takes something out of it; does nothing where nothing is remembered.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> Option<T> {
        self.0.borrow_mut().as_mut().map(change)
    }

    /// What was seen of something, or what is seen now.
    pub(super) fn once<T: Clone>(
        &self,
        recall: impl FnOnce(&Seen) -> Option<T>,
        look: impl FnOnce() -> Result<T>,
        keep: impl FnOnce(&mut Seen, T),
    ) -> Result<T> {
        let known = self.0.borrow().as_ref().and_then(recall);
        if let Some(known) = known {
            return Ok(known);
        }
        let found = look()?;
        self.change(|seen| keep(seen, found.clone()));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(memory: &Memory, now: u32) -> u32 {
        let processes = memory.once(
            |seen| seen.processes.clone(),
            || Ok(vec![(now, String::new())]),
            |seen, found| seen.processes = Some(found),
        );
        processes.unwrap()[0].0
    }

    #[test]
    fn only_a_node_that_stands_still_is_remembered() {
        let memory = Memory::default();
        assert_eq!([look(&memory, 1), look(&memory, 2)], [1, 2]);
        memory.begin();
        assert_eq!([look(&memory, 3), look(&memory, 4)], [3, 3]);
        memory.forget();
        assert_eq!([look(&memory, 5), look(&memory, 6)], [5, 5]);
        memory.end();
        assert_eq!([look(&memory, 7), look(&memory, 8)], [7, 8]);
    }
}
