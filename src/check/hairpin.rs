//! Ports that a container's packets to its own service address must leave by again.

use super::{Check, Subject, Verdict};
use crate::Result;
use crate::docker::BRIDGE;
use crate::host::Link;

pub(super) struct Hairpin;

impl Check for Hairpin {
    const ID: &'static str = "hairpin";
    type Seen = Vec<Link>;

    fn look(&self, subject: &Subject<'_>) -> Result<Vec<Link>> {
        let links = subject.host.netlink()?.links()?;
        let bridge = links.iter().find(|link| link.name == BRIDGE).map(|link| link.index);
        Ok(links.into_iter().filter(|link| bridge.is_some() && link.bridge == bridge).collect())
    }

    fn judge(&self, subject: &Subject<'_>, ports: Vec<Link>) -> Verdict {
        if !subject.config.network.hairpin {
            return Verdict::skip("not asked for (network.hairpin)");
        }
        let off: Vec<&str> =
            ports.iter().filter(|port| port.hairpin != Some(true)).map(|port| port.name.as_str()).collect();
        if off.is_empty() {
            return Verdict::pass(format!("on for all {} ports of docker0", ports.len()));
        }
        let remedy = "restart the containers on these ports: docker sets it on each new one";
        Verdict::fail(format!("off for {}", off.join(", ")), remedy)
    }
}
