//! Kernel modules.
//!
//! What was not loaded is not always unloaded again: docker's rules have the kernel load further modules,
//! which stay when the rules are gone and hold on to those that they build on. A module that something uses is
//! nobody's to take away, and harms nobody.

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
    /// In the kernel, and not to be taken out: something uses it, or it is built in.
    Used,
    /// Not in the kernel unless it is used: what undoing goes back to.
    Unneeded,
}

impl ModuleState {
    fn is_loaded(self) -> bool {
        matches!(self, Self::Loaded | Self::Used)
    }
}

impl Resource for Module {
    type State = ModuleState;

    fn observe(&self, host: &Host) -> Result<ModuleState> {
        let kernel = host.kernel();
        Ok(match kernel.has_module(&self.0)? {
            false => ModuleState::Unloaded,
            true if kernel.is_module_used(&self.0)? => ModuleState::Used,
            true => ModuleState::Loaded,
        })
    }

    fn converge(&self, host: &Host, to: &ModuleState) -> Result<()> {
        if to.is_loaded() { host.kernel().load_module(&self.0) } else { host.kernel().unload_module(&self.0) }
    }

    fn agree(one: &ModuleState, other: &ModuleState) -> bool {
        match (one, other) {
            (ModuleState::Unneeded, other) | (other, ModuleState::Unneeded) => *other != ModuleState::Loaded,
            (one, other) => one.is_loaded() == other.is_loaded(),
        }
    }

    fn attainable(seen: &ModuleState) -> ModuleState {
        if seen.is_loaded() { *seen } else { ModuleState::Unneeded }
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
            Self::Used => "loaded and in use",
            Self::Unneeded => "not loaded, unless it is used",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ModuleState::{Loaded, Unloaded, Unneeded, Used};

    #[test]
    fn a_module_that_is_used_is_where_undoing_goes_back_to() {
        for (one, other, agree) in [
            (Unloaded, Unloaded, true),
            (Unloaded, Loaded, false),
            (Unloaded, Used, false),
            (Loaded, Used, true),
            (Unneeded, Unloaded, true),
            (Unneeded, Used, true),
            (Unneeded, Loaded, false),
        ] {
            assert_eq!(Module::agree(&one, &other), agree, "{one}, {other}");
            assert_eq!(Module::agree(&other, &one), agree, "{other}, {one}");
        }
        assert_eq!(Module::attainable(&Unloaded), Unneeded);
    }
}
