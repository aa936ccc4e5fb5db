//! node-setup turns a Linux machine into a docker worker node for Kubernetes.
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
pub mod environment;
pub mod error;
pub mod event;
pub mod facts;
pub mod flannel;
#[cfg(test)]
mod generated;
pub mod host;
pub mod journal;
pub mod lock;
pub mod plan;
pub mod preflight;
pub mod receipt;
pub mod redact;
pub mod render;
pub mod report;
pub mod resource;
pub mod run;
pub mod sysctl;
pub mod version;

pub use error::{Error, Result};
