//! The kinds of thing on a node that a run can change: one file each.
//!
//! A kind is a name, a state, and how to read and set it. Reading and setting go
//! through the doors in [`crate::host`]; a file here says only what the states
//! mean. A new kind is one file here and one line in [`crate::change`].

mod bridge;
mod chains;
mod file;
mod hairpin;
mod label;
mod module;
mod policy;
mod remains;
mod rule;
mod sysctl;
mod table;
mod tree;
mod unit;

pub use bridge::{Bridge, BridgeState};
pub use chains::{Chains, ChainsState};
pub use file::{File, FileState, Mode, Regular};
pub use hairpin::{Hairpin, HairpinState};
pub use label::{Class, Label};
pub use module::{Module, ModuleState};
pub use policy::{Policy, PolicyState};
pub use remains::{Remains, RemainsState};
pub use rule::{Rule, RuleState};
pub use sysctl::{Sysctl, SysctlState};
pub use table::{Table, TableState};
pub use tree::{Tree, TreeState};
pub use unit::{Enablement, Hanging, Readiness, Unit, UnitState};
