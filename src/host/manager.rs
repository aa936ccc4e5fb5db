//! systemd itself: how old it is, and how it is.

use super::Systemd;
use super::systemd::{MANAGER, MANAGER_INTERFACE};
use crate::Result;

/// What systemd says of itself.
#[derive(Clone, Debug)]
pub struct Manager {
    /// Its version as it says it, such as `252.39-1~deb12u1`.
    pub version: String,
    /// `initializing`, `starting`, `running`, `degraded`, `maintenance`, `stopping`.
    pub state: String,
    /// How many units have failed.
    pub failed: u32,
}

impl Systemd<'_> {
    /// What it says of itself.
    pub fn about(&self) -> Result<Manager> {
        let (version, state, failed) = self.runtime.block_on(async {
            tokio::join!(
                self.ask_property(MANAGER, MANAGER_INTERFACE, "Version"),
                self.ask_property(MANAGER, MANAGER_INTERFACE, "SystemState"),
                self.ask_property(MANAGER, MANAGER_INTERFACE, "NFailedUnits"),
            )
        });
        Ok(Manager { version: version?, state: state?, failed: failed? })
    }
}
