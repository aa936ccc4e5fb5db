//! docker0: there, in flannel's subnet, and in nobody else's way.

use ipnet::Ipv4Net;

use super::{Check, Subject, Verdict};
use crate::Result;
use crate::config::Flannel;
use crate::docker::BRIDGE;
use crate::facts::Foreign;
use crate::host::{Link, Route, ipv4_on};

/// flannel's vxlan device.
const FLANNEL_LINK: &str = "flannel.1";

/// The repair that the guide gives for a docker0 in another subnet.
const REPAIR: &str =
    "with no containers running: systemctl stop docker; ip link delete docker0; node-setup docker";

/// A link with its IPv4 addresses.
#[derive(Clone, Debug)]
pub(super) struct Addressed {
    link: Link,
    nets: Vec<Ipv4Net>,
}

fn look_at(subject: &Subject<'_>, name: &str) -> Result<Option<Addressed>> {
    let netlink = subject.host.netlink()?;
    let Some(link) = netlink.links()?.into_iter().find(|link| link.name == name) else { return Ok(None) };
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

pub(super) struct Overlap;

impl Check for Overlap {
    const ID: &'static str = "subnet-overlap";
    type Seen = (Option<Addressed>, Vec<Link>, Vec<Route>);

    fn look(&self, subject: &Subject<'_>) -> Result<Self::Seen> {
        let netlink = subject.host.netlink()?;
        Ok((look_at(subject, BRIDGE)?, netlink.links()?, netlink.routes()?))
    }

    fn judge(&self, _: &Subject<'_>, (bridge, links, routes): Self::Seen) -> Verdict {
        let Some(net) = bridge.and_then(|bridge| bridge.nets.first().copied()) else {
            return Verdict::skip("docker0 has no address");
        };
        let name = |route: &Route| {
            let link = links.iter().find(|link| Some(link.index) == route.link);
            link.map_or("", |link| link.name.as_str())
        };
        match overlapping(net, &routes, name) {
            Some(route) => Verdict::fail(
                format!("docker0's {net} overlaps the route to {} by {}", route.destination, name(route)),
                "give flannel another network, or docker another bip",
            ),
            None => Verdict::pass(format!("{} is reached by docker0 alone", net.trunc())),
        }
    }
}

/// A route by another link into docker0's subnet, or around it. A default route
/// is neither, and flannel's own are how the subnet is meant to be reached.
fn overlapping<'a>(
    net: Ipv4Net,
    routes: &'a [Route],
    name: impl Fn(&'a Route) -> &'a str,
) -> Option<&'a Route> {
    let touches = |route: &Route| {
        route.destination.contains(&net.network()) || net.contains(&route.destination.network())
    };
    routes.iter().find(|route| {
        let name = name(route);
        route.destination.prefix_len() > 0 && touches(route) && name != BRIDGE && !name.starts_with("flannel")
    })
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

    #[test]
    fn routes_into_and_around_the_bridge_overlap() {
        let net = "172.30.8.1/21".parse().unwrap();
        for (destination, link, overlaps) in [
            ("172.30.8.0/21", "docker0", false),
            ("172.30.0.0/16", "flannel.1", false),
            ("0.0.0.0/0", "eth0", false),
            ("10.9.0.0/24", "eth0", false),
            ("172.30.0.0/16", "eth0", true),
            ("172.30.10.0/24", "eth1", true),
        ] {
            let routes = [Route { destination: destination.parse().unwrap(), link: None }];
            assert_eq!(overlapping(net, &routes, |_| link).is_some(), overlaps, "{destination} {link}");
        }
    }
}
