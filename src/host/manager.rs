//! systemd itself: how old it is, and how it is.

use super::Systemd;
use super::systemd::{MANAGER, MANAGER_INTERFACE};
use crate::Result;

impl Systemd<'_> {
    /// Its version as it says it, such as `252.39-1~deb12u1`.
    pub fn version(&self) -> Result<String> {
        self.property(MANAGER, MANAGER_INTERFACE, "Version")
    }

    /// `initializing`, `starting`, `running`, `degraded`, `maintenance`, `stopping`.
    pub fn state(&self) -> Result<String> {
        self.property(MANAGER, MANAGER_INTERFACE, "SystemState")
    }

    /// How many units have failed.
    pub fn failed_units(&self) -> Result<u32> {
        self.property(MANAGER, MANAGER_INTERFACE, "NFailedUnits")
    }
}
