//! docker0: there, and in flannel's subnet.

use ipnet::Ipv4Net;

use super::{CONVERGE, Check, Subject, Verdict, starts_at_boot};
use crate::Result;
use crate::config::Flannel;
use crate::docker::BRIDGE;
use crate::flannel::Foreign;
use crate::host::{Link, UnitFacts, ipv4_on};
use crate::render::FLANNEL_PATH;
use crate::resource::Enablement;

/// flannel's vxlan device.
pub(super) const FLANNEL_LINK: &str = "flannel.1";

/// What puts a docker0 in another subnet right.
const REPAIR: &str = "node-setup docker repair";

/// A link with its IPv4 addresses.
#[derive(Clone, Debug)]
pub(super) struct Addressed {
    pub(super) link: Link,
    pub(super) nets: Vec<Ipv4Net>,
}

pub(super) fn look_at(subject: &Subject<'_>, name: &str) -> Result<Option<Addressed>> {
    let netlink = subject.host.netlink()?;
    let Some(link) = netlink.link(name)? else { return Ok(None) };
    let nets = ipv4_on(&netlink.addresses()?, link.index).collect();
    Ok(Some(Addressed { link, nets }))
}

pub(super) struct Bridge;

impl Check for Bridge {
    const ID: &'static str = "docker0";
    type Seen = Option<Addressed>;

    fn look(&self, subject: &Subject<'_>) -> Result<Option<Addressed>> {
        look_at(subject, BRIDGE)
    }

    /// NO-CARRIER is normal before the first container; being down is not.
    fn judge(&self, _: &Subject<'_>, bridge: Option<Addressed>) -> Verdict {
        let restart = "systemctl restart docker";
        match bridge {
            None => Verdict::fail("there is no docker0", restart),
            Some(bridge) if !bridge.link.up => Verdict::fail("docker0 is down", restart),
            Some(Addressed { nets, link }) => match nets.first() {
                Some(net) => Verdict::pass(format!("up, {net}, mtu {}", link.mtu)),
                None => Verdict::fail("docker0 has no IPv4 address", REPAIR),
            },
        }
    }
}

pub(super) struct FlannelSubnet;

impl Check for FlannelSubnet {
    const ID: &'static str = "flannel-subnet";
    type Seen = (Option<Addressed>, Option<Addressed>);

    fn look(&self, subject: &Subject<'_>) -> Result<Self::Seen> {
        Ok((look_at(subject, BRIDGE)?, look_at(subject, FLANNEL_LINK)?))
    }

    fn judge(&self, subject: &Subject<'_>, (bridge, flannel): Self::Seen) -> Verdict {
        if subject.config.network.flannel == Flannel::Off {
            return Verdict::skip("flannel is off in the configuration");
        }
        let lease = match &subject.facts.flannel_lease {
            Foreign::Says(lease) => lease.subnet,
            Foreign::Garbled(problem) => {
                return Verdict::fail(
                    format!("flannel's lease cannot be read: {problem}"),
                    "systemctl restart flanneld",
                );
            }
            Foreign::Absent => match subject.facts.flannel_options.says() {
                Some(options) => options.bip,
                None if subject.config.network.flannel == Flannel::Required => {
                    return Verdict::fail("flannel has no lease on this node", "systemctl status flanneld");
                }
                None => return Verdict::skip("flannel has no lease on this node"),
            },
        };
        judge_subnet(lease, bridge.as_ref(), flannel.as_ref())
    }
}

fn judge_subnet(lease: Ipv4Net, bridge: Option<&Addressed>, flannel: Option<&Addressed>) -> Verdict {
    let Some(bridge) = bridge.and_then(|bridge| bridge.nets.first()) else {
        return Verdict::fail(format!("docker0 has no address, flannel's lease is {lease}"), REPAIR);
    };
    if *bridge != lease {
        return Verdict::fail(format!("docker0 is {bridge}, flannel's lease is {lease}"), REPAIR);
    }
    match flannel.map(|flannel| flannel.nets.as_slice()) {
        None => Verdict::warn(
            format!("docker0 is flannel's lease {lease}, but there is no {FLANNEL_LINK}"),
            "systemctl status flanneld; its backend may not be vxlan",
        ),
        Some(nets) => match nets.iter().find(|net| !bridge.contains(&net.addr())) {
            Some(outside) => Verdict::fail(
                format!("{FLANNEL_LINK} has {outside}, which is outside docker0's {bridge}"),
                "systemctl restart flanneld",
            ),
            None => Verdict::pass(format!("docker0 is flannel's lease {lease}")),
        },
    }
}

pub(super) struct FlannelWatch;

impl Check for FlannelWatch {
    const ID: &'static str = "flannel-watch";
    type Seen = UnitFacts;

    fn look(&self, subject: &Subject<'_>) -> Result<UnitFacts> {
        subject.host.systemd()?.unit(FLANNEL_PATH)
    }

    fn judge(&self, subject: &Subject<'_>, unit: UnitFacts) -> Verdict {
        if subject.config.network.flannel == Flannel::Off {
            return Verdict::skip("flannel is off in the configuration");
        }
        if unit.enablement == Enablement::Enabled && unit.active {
            return Verdict::pass(format!("{FLANNEL_PATH} sees flannel's files change"));
        }
        let detail = format!("{FLANNEL_PATH} is {}: nobody sees a new lease of flannel's", unit.active_state);
        Verdict::fail(detail, CONVERGE)
    }

    fn offline(&self, subject: &Subject<'_>) -> Verdict {
        if subject.config.network.flannel == Flannel::Off {
            return Verdict::skip("flannel is off in the configuration");
        }
        starts_at_boot(subject, FLANNEL_PATH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;

    fn addressed(net: &str) -> Addressed {
        let link = Link { index: 1, name: String::new(), mtu: 1450, up: true, bridge: None, hairpin: None };
        Addressed { link, nets: vec![net.parse().unwrap()] }
    }

    #[test]
    fn docker0_must_be_flannels_lease() {
        let lease = "172.30.8.1/21".parse().unwrap();
        for (bridge, flannel, status) in [
            (Some("172.30.8.1/21"), Some("172.30.8.0/32"), Status::Pass),
            (Some("172.30.8.1/21"), None, Status::Warn),
            (Some("172.30.8.1/21"), Some("172.30.16.0/32"), Status::Fail),
            (Some("172.30.8.1/24"), Some("172.30.8.0/32"), Status::Fail),
            (Some("172.17.0.1/16"), Some("172.30.8.0/32"), Status::Fail),
            (None, Some("172.30.8.0/32"), Status::Fail),
        ] {
            let (bridge_seen, flannel_seen) = (bridge.map(addressed), flannel.map(addressed));
            let verdict = judge_subnet(lease, bridge_seen.as_ref(), flannel_seen.as_ref());
            assert_eq!(verdict.status, status, "{bridge:?} {flannel:?}");
        }
    }
}
