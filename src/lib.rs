//! node-setup turns a Linux machine into a docker worker node for Kubernetes.

pub mod archive;
pub mod change;
pub mod config;
pub mod digest;
pub mod environment;
pub mod error;
pub mod event;
pub mod flannel;
pub mod host;
pub mod journal;
pub mod plan;
pub mod receipt;
pub mod redact;
pub mod resource;
pub mod run;
pub mod version;

pub use error::{Error, Result};
