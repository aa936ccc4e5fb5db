//! The kinds of thing on a node that a run can change: one file each.
//!
//! A kind is a name, a state, and how to read and set it. Reading and setting go
//! through the doors in [`crate::host`]; a file here says only what the states
//! mean. A new kind is one file here and one line in [`crate::change`].

mod file;
mod module;
mod policy;
mod rule;
mod sysctl;
mod table;
mod tree;
mod unit;

pub use file::{File, FileState, Mode, Regular};
pub use module::{Module, ModuleState};
pub use policy::{Policy, PolicyState};
pub use rule::{Rule, RuleState};
pub use sysctl::{Sysctl, SysctlState};
pub use table::{Table, TableState};
pub use tree::{Tree, TreeState};
pub use unit::{Enablement, Readiness, Unit, UnitState};
