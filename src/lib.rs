//! node-setup turns a Linux machine into a docker worker node for Kubernetes.
//!
//! **Undo is not an operation. It is applying the previous state.** A thing on the
//! node that can be read as a value and set to one is a [`change::Resource`]; going
//! from one value to another is a [`change::Change`], which is plain data; and
//! planning, applying, undoing, journaling and reporting are written once.
//!
//! ```text
//! flags, variables, files, environment.sh             the node
//!                |                                       |
//!             config                                   facts
//!                 \                                     /
//!          preflight: reasons not to begin            pure
//!          desired: the ordered list of wanted states pure
//!                            |
//!          plan: observe each; where it differs, a change
//!                            |
//!          run: journal, converge, observe; on failure the inverses
//!                            |
//!          check: look, then judge
//!                            |
//!          event, report: terminal, JSON, journald
//! ```
//!
//! Nothing flows back up. [`host`] has the only doors to the outside. `ARCHITECTURE.md`
//! says which room a new line belongs in.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests arrange the world they look at"))]

pub mod archive;
pub mod change;
pub mod check;
pub mod cli;
pub mod command;
pub mod config;
pub mod desired;
pub mod digest;
pub mod docker;
pub mod elf;
pub mod environment;
pub mod error;
pub mod event;
pub mod exit;
pub mod explain;
pub mod facts;
pub mod finding;
pub mod flannel;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod generated;
pub mod host;
pub mod journal;
pub mod lang;
pub mod lock;
pub mod metrics;
pub mod plan;
pub mod preflight;
pub mod read;
pub mod receipt;
pub mod redact;
pub mod refusal;
pub mod render;
pub mod report;
pub mod resource;
pub mod run;
pub mod support;
pub mod sysctl;
pub mod version;

pub use error::{Error, Result};
