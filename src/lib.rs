//! node-setup turns a Linux machine into a docker worker node for Kubernetes.

pub mod archive;
pub mod digest;
pub mod error;
pub mod version;

pub use error::{Error, Result};
