//! docker0, and whether it has the address that docker is told to give it.
//!
//! The address is not ours to choose: docker takes it from flannel's options when
//! it makes the bridge. Over a bridge that is there already it may stay with the
//! old one. So there is one way to put it right, which is the guide's: stop docker,
//! delete the bridge, start docker. What hangs on the bridge loses its network by
//! that; containers that are known to may be stopped before, and are started again.

use std::fmt;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::unit::{Hanging, Unit, UnitState};
use crate::change::{Resource, Step};
use crate::docker::BRIDGE;
use crate::host::{Host, ipv4_on, is_container};
use crate::{Error, Result};

/// There is one a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridge {
    /// Address and prefix that docker is told; without one docker chooses itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Ipv4Net>,
    /// The docker that makes it.
    pub docker: Unit,
    /// The containers that may be stopped for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hanging: Vec<Hanging>,
}

/// Where the bridge stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BridgeState {
    /// It has the address that docker is told; or any, where docker is told none.
    AsTold,
    /// It has these.
    Other(Vec<Ipv4Net>),
    /// Anywhere, while docker and what hung on it run: what undoing goes back to, as
    /// the address is docker's to give. Every state is as good as this one.
    Anyhow,
}

impl Bridge {
    /// The bridge of this docker.
    pub fn new(net: Option<Ipv4Net>, docker: Unit) -> Self {
        Self { net, docker, hanging: Vec::new() }
    }

    fn judge(&self, found: Vec<Ipv4Net>) -> BridgeState {
        let right = match self.net {
            Some(net) => found == [net],
            None => !found.is_empty(),
        };
        if right { BridgeState::AsTold } else { BridgeState::Other(found) }
    }

    /// Stops the containers that may be stopped. Any other that runs, by now, would
    /// lose its network.
    fn clear(&self, host: &Host) -> Result<()> {
        let in_use = |by: String| Error::NotConverged {
            on: format!("bridge {self}"),
            wanted: BridgeState::AsTold.to_string(),
            found: format!("in use by {by}, which would lose its network"),
        };
        let running = self.docker.api(host).map(|api| api.running());
        let Some(Ok(running)) = running else {
            let alive = host.processes()?.into_iter().find(|(_, name)| is_container(name));
            return alive.map_or(Ok(()), |(pid, _)| {
                Err(in_use(format!("a container (process {pid}) of a docker that does not answer")))
            });
        };
        let may_stop = |id: &str| self.hanging.iter().any(|hanging| hanging.id == id);
        let mut bridged = running.iter().filter(|container| !container.is_on_host_network());
        if let Some(other) = bridged.find(|container| !may_stop(&container.id)) {
            return Err(in_use(format!("the container {}", other.name())));
        }
        let stop = |hanging: &Hanging| self.docker.api(host).map_or(Ok(()), |api| api.stop(&hanging.id));
        self.hanging.iter().try_for_each(stop)
    }

    fn delete(&self, host: &Host) -> Result<()> {
        host.systemd()?.rest(&self.docker.name)?;
        let netlink = host.netlink()?;
        netlink.link(BRIDGE)?.map_or(Ok(()), |bridge| netlink.delete(bridge.index))
    }
}

impl Resource for Bridge {
    type State = BridgeState;

    const KEPT: bool = false;

    fn observe(&self, host: &Host) -> Result<BridgeState> {
        let netlink = host.netlink()?;
        let Some(bridge) = netlink.link(BRIDGE)? else { return Ok(BridgeState::Other(Vec::new())) };
        Ok(self.judge(ipv4_on(&netlink.addresses()?, bridge.index).collect()))
    }

    fn converge(&self, host: &Host, to: &BridgeState) -> Result<()> {
        match to {
            BridgeState::AsTold => {
                self.clear(host)?;
                self.delete(host)?;
            }
            BridgeState::Anyhow => {}
            BridgeState::Other(_) => {
                return Err(Error::NotConverged {
                    on: format!("bridge {self}"),
                    wanted: to.to_string(),
                    found: "an address that docker decides".to_owned(),
                });
            }
        }
        self.docker.run(host)?;
        self.docker.start_again(host, &self.hanging)
    }

    fn agree(one: &BridgeState, other: &BridgeState) -> bool {
        one == other || [one, other].contains(&&BridgeState::Anyhow)
    }

    /// A docker that starts under no container gives its bridge the right address.
    fn foresee(&self, now: BridgeState, earlier: &[Step]) -> BridgeState {
        if starts_docker(earlier, &self.docker) { BridgeState::AsTold } else { now }
    }

    fn attainable(_: &BridgeState) -> BridgeState {
        BridgeState::Anyhow
    }

    fn starts(_: &BridgeState) -> bool {
        true
    }

    fn offline(_: BridgeState) -> Option<BridgeState> {
        None
    }
}

/// Whether any of `steps` starts docker, or starts it again.
pub(super) fn starts_docker(steps: &[Step], docker: &Unit) -> bool {
    steps.iter().any(|step| match step {
        Step::Unit(change) => {
            change.on.name == docker.name && UnitState::starts_anew(&change.from, &change.to)
        }
        _ => false,
    })
}

impl fmt::Display for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BRIDGE)
    }
}

impl fmt::Display for BridgeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsTold => f.write_str("as docker is told"),
            Self::Anyhow => f.write_str("as docker makes it"),
            Self::Other(nets) if nets.is_empty() => f.write_str("without an address"),
            Self::Other(nets) => {
                let nets: Vec<String> = nets.iter().map(ToString::to_string).collect();
                f.write_str(&nets.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_that_docker_is_told_is_the_only_right_one() {
        let lease = || Some("172.30.8.1/21".parse().unwrap());
        for (told, found, right) in [
            (lease(), vec!["172.30.8.1/21"], true),
            (lease(), vec!["172.30.8.1/24"], false),
            (lease(), vec!["172.17.0.1/16"], false),
            (lease(), vec!["172.30.8.1/21", "172.17.0.1/16"], false),
            (lease(), vec![], false),
            (None, vec!["172.17.0.1/16"], true),
            (None, vec![], false),
        ] {
            let nets = found.iter().map(|net| net.parse().unwrap()).collect();
            let state = Bridge::new(told, Unit::named("docker.service")).judge(nets);
            assert_eq!(state == BridgeState::AsTold, right, "{told:?} {found:?}");
        }
    }
}
