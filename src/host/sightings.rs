//! What was seen while the node is taken to stand still, so that it is looked up once.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::netfilter::{Backend, Family};

/// Every table of a backend and family by its name; none of one that cannot be shown.
pub(super) type Listings = BTreeMap<String, Option<String>>;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    pub(super) tables: BTreeMap<(Backend, Family), Rc<Listings>>,
    pub(super) nftables: Option<Rc<Value>>,
    /// Pid and name.
    pub(super) processes: Option<Vec<(u32, String)>>,
}
