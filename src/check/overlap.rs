//! docker0's subnet: in nobody else's way, and nobody in its.

use ipnet::Ipv4Net;

use super::bridge::{Addressed, look_at};
use super::{Check, Subject, Verdict};
use crate::Result;
use crate::docker::BRIDGE;
use crate::host::{Link, Route};

pub(super) struct Overlap;

/// docker0, and the routes with the names of the links that they leave by.
pub(super) struct Seen {
    bridge: Option<Addressed>,
    routes: Vec<(Route, String)>,
}

impl Check for Overlap {
    const ID: &'static str = "subnet-overlap";
    type Seen = Seen;

    fn look(&self, subject: &Subject<'_>) -> Result<Seen> {
        let netlink = subject.host.netlink()?;
        let links = netlink.links()?;
        let name = |route: &Route| {
            let link = links.iter().find(|link: &&Link| Some(link.index) == route.link);
            link.map(|link| link.name.clone()).unwrap_or_default()
        };
        let routes = netlink.routes()?.into_iter().map(|route| (route.clone(), name(&route))).collect();
        Ok(Seen { bridge: look_at(subject, BRIDGE)?, routes })
    }

    fn judge(&self, subject: &Subject<'_>, seen: Seen) -> Verdict {
        let Some(net) = seen.bridge.and_then(|bridge| bridge.nets.first().copied()) else {
            return Verdict::skip("docker0 has no address");
        };
        let network = &subject.config.network;
        if let Some(services) = network.service_cidr.filter(|services| overlap(*services, net)) {
            let detail = format!("docker0's {net} overlaps the services' {services}");
            return Verdict::fail(
                detail,
                "give flannel another network, or the cluster another service range",
            );
        }
        if let Some(pods) = network.cluster_cidr.filter(|pods| !pods.contains(&net)) {
            let detail = format!("docker0's {net} is outside the pods' {pods}");
            return Verdict::warn(detail, "see flannel's network, and network.cluster-cidr");
        }
        match seen.routes.iter().find_map(|(route, link)| in_the_way(net, route, link)) {
            Some((detail, remedy)) => Verdict::fail(detail, remedy),
            None => Verdict::pass(format!("{} is reached by docker0 alone", net.trunc())),
        }
    }
}

/// A route by another link into docker0's subnet, or around it. A default route
/// is neither. flannel's own may lead around it, which is the whole of the pods'
/// network, but not into it: that is another node's lease.
fn in_the_way(net: Ipv4Net, route: &Route, link: &str) -> Option<(String, &'static str)> {
    let to = route.destination;
    if to.prefix_len() == 0 || link == BRIDGE || !overlap(to, net) {
        return None;
    }
    if !link.starts_with("flannel") {
        let detail = format!("docker0's {net} overlaps the route to {to} by {link}");
        return Some((detail, "give flannel another network, or docker another bip"));
    }
    let is_whole_network = to.prefix_len() < net.prefix_len();
    (!is_whole_network).then(|| {
        let detail = format!("docker0's {net} overlaps another node's lease {to}, reached by {link}");
        (detail, "systemctl restart flanneld, then node-setup docker repair")
    })
}

fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other.network()) || other.contains(&one.network())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::check::tests::with_config;

    fn seen(routes: &[(&str, &str)]) -> Seen {
        let link = Link { index: 1, name: String::new(), mtu: 1450, up: true, bridge: None, hairpin: None };
        let route = |(to, link): &(&str, &str)| {
            (Route { destination: to.parse().unwrap(), link: None }, (*link).to_owned())
        };
        let bridge = Addressed { link, nets: vec!["172.30.8.1/21".parse().unwrap()] };
        Seen { bridge: Some(bridge), routes: routes.iter().map(route).collect() }
    }

    #[test]
    fn routes_into_and_around_the_bridge_overlap() {
        with_config(&[], |subject| {
            for (destination, link, status) in [
                ("172.30.8.0/21", "docker0", Status::Pass),
                ("172.30.0.0/16", "flannel.1", Status::Pass),
                ("172.30.16.0/21", "flannel.1", Status::Pass),
                ("0.0.0.0/0", "eth0", Status::Pass),
                ("10.9.0.0/24", "eth0", Status::Pass),
                ("172.30.0.0/16", "eth0", Status::Fail),
                ("172.30.10.0/24", "eth1", Status::Fail),
                ("172.30.8.0/21", "flannel.1", Status::Fail),
                ("172.30.12.0/24", "flannel.1", Status::Fail),
            ] {
                let verdict = Overlap.judge(subject, seen(&[(destination, link)]));
                assert_eq!(verdict.status, status, "{destination} {link}");
            }
        });
    }

    #[test]
    fn the_ranges_of_the_cluster_are_looked_at_too() {
        for (key, range, status) in [
            ("network.service-cidr", "10.254.0.0/16", Status::Pass),
            ("network.service-cidr", "172.30.0.0/16", Status::Fail),
            ("network.service-cidr", "172.30.9.0/24", Status::Fail),
            ("network.cluster-cidr", "172.30.0.0/16", Status::Pass),
            ("network.cluster-cidr", "10.244.0.0/16", Status::Warn),
        ] {
            with_config(&[(key, range)], |subject| {
                assert_eq!(Overlap.judge(subject, seen(&[])).status, status, "{key} {range}");
            });
        }
    }
}
