//! Whether a port of docker0 sends packets back out by the way they came in: what
//! a container needs to reach itself through its service's address.
//!
//! docker sets it on each port that it makes when it has no userland proxy. The
//! ports that are there when that is decided are set here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::change::Resource;
use crate::host::Host;
use crate::{Error, Result};

/// The port's name: `veth504628d`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hairpin(pub String);

/// Its hairpin mode. A port that is gone with its container sends nothing back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HairpinState {
    /// Off, or no such port.
    Off,
    /// On.
    On,
}

impl Resource for Hairpin {
    type State = HairpinState;

    const KEPT: bool = false;

    fn observe(&self, host: &Host) -> Result<HairpinState> {
        let port = host.netlink()?.link(&self.0)?;
        let is_on = port.is_some_and(|port| port.hairpin == Some(true));
        Ok(if is_on { HairpinState::On } else { HairpinState::Off })
    }

    fn converge(&self, host: &Host, to: &HairpinState) -> Result<()> {
        let netlink = host.netlink()?;
        match (netlink.link(&self.0)?, to) {
            (Some(port), to) => netlink.set_hairpin(port.index, *to == HairpinState::On),
            (None, HairpinState::Off) => Ok(()),
            (None, HairpinState::On) => Err(Error::NotConverged {
                on: format!("hairpin {self}"),
                wanted: to.to_string(),
                found: "a port that is gone".to_owned(),
            }),
        }
    }

    fn offline(_: HairpinState) -> Option<HairpinState> {
        None
    }
}

impl fmt::Display for Hairpin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HairpinState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::On => "on",
        })
    }
}
