//! node-setup turns a Linux machine into a docker worker node for Kubernetes.

pub mod config;
pub mod digest;
pub mod environment;
pub mod error;
pub mod flannel;
pub mod redact;
pub mod version;

pub use error::{Error, Result};
