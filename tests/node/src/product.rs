//! The binary under test.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::job;
use crate::machine::Machine;

const BUILT: &str = "x86_64-unknown-linux-gnu/release/node-setup";

/// Where the binary goes in a node.
const INSTALLED: &str = "/usr/bin/node-setup";

/// The built node-setup: `$NODE_SETUP_BIN`, or the release build in the target directory of the workspace.
///
/// # Errors
/// When there is none: the tests never build it themselves.
pub fn binary() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("NODE_SETUP_BIN") {
        let path = PathBuf::from(named);
        return if path.is_file() { Ok(path) } else { bail!("NODE_SETUP_BIN={} is no file", path.display()) };
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("target"));
    match target.into_iter().chain(above).map(|dir| dir.join(BUILT)).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!(
            "no target/{BUILT}: run `cargo build --release --target x86_64-unknown-linux-gnu`, or set NODE_SETUP_BIN"
        ),
    }
}

impl Machine {
    /// Copies the binary into the node unless that very one is there, and returns its path.
    pub(crate) fn install_product(&self) -> Result<&'static str> {
        let binary = binary()?;
        let sum = job::host("sha256sum", &[&binary])?;
        let wanted = sum.split_whitespace().next().unwrap_or_default();
        let installed = self.ok(&format!("sha256sum {INSTALLED} 2>/dev/null || true"))?;
        if installed.split_whitespace().next() != Some(wanted) {
            self.put(&binary, INSTALLED)?;
        }
        Ok(INSTALLED)
    }
}
