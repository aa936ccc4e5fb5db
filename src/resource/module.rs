//! Kernel modules.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::change::Resource;
use crate::host::Host;

/// A module, by the name that `/sys/module` has for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Module(pub String);

/// Whether the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleState {
    /// Not in the kernel.
    Unloaded,
    /// In the kernel, loaded or built in.
    Loaded,
}

impl Resource for Module {
    type State = ModuleState;

    fn observe(&self, host: &Host) -> Result<ModuleState> {
        let loaded = host.kernel().has_module(&self.0)?;
        Ok(if loaded { ModuleState::Loaded } else { ModuleState::Unloaded })
    }

    fn converge(&self, host: &Host, to: &ModuleState) -> Result<()> {
        match to {
            ModuleState::Loaded => host.kernel().load_module(&self.0),
            ModuleState::Unloaded => host.kernel().unload_module(&self.0),
        }
    }

    fn offline(_: ModuleState) -> Option<ModuleState> {
        None
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ModuleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unloaded => "not loaded",
            Self::Loaded => "loaded",
        })
    }
}
