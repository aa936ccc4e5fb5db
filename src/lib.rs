//! node-setup turns a Linux machine into a docker worker node for Kubernetes.

pub mod change;
pub mod digest;
pub mod error;
pub mod host;
pub mod resource;
pub mod version;

pub use error::{Error, Result};
