//! Packets of pods have to fit into flannel's tunnel.

use super::bridge::{FLANNEL_LINK, look_at};
use super::{Check, Subject, Verdict};
use crate::Result;
use crate::config::Flannel;
use crate::docker::BRIDGE;
use crate::host::Link;

pub(super) struct Mtu;

/// The tunnel, docker0, and docker0's ports, as far as there are any.
pub(super) struct Seen {
    tunnel: Option<u32>,
    bridge: Option<u32>,
    ports: Vec<Link>,
}

impl Check for Mtu {
    const ID: &'static str = "mtu";
    type Seen = Seen;

    fn look(&self, subject: &Subject<'_>) -> Result<Seen> {
        let mtu = |name| Ok(look_at(subject, name)?.map(|seen| seen.link.mtu));
        let ports = subject.host.netlink()?.ports(BRIDGE)?;
        Ok(Seen { tunnel: mtu(FLANNEL_LINK)?, bridge: mtu(BRIDGE)?, ports })
    }

    /// Without a port docker0 has 1500, whatever docker was told: the kernel gives a
    /// bridge the smallest of its ports'.
    fn judge(&self, subject: &Subject<'_>, seen: Seen) -> Verdict {
        if subject.config.network.flannel == Flannel::Off {
            return Verdict::skip("flannel is off in the configuration");
        }
        let Some(tunnel) = seen.tunnel else { return Verdict::skip(format!("there is no {FLANNEL_LINK}")) };
        if let Some(options) = subject.facts.network_options(subject.config).filter(|told| told.mtu > tunnel)
        {
            let detail = format!("docker is told an mtu of {}, and {FLANNEL_LINK} has {tunnel}", options.mtu);
            return Verdict::fail(detail, "systemctl restart flanneld, then node-setup docker");
        }
        let wide: Vec<String> = seen
            .ports
            .iter()
            .filter(|port| port.mtu > tunnel)
            .map(|port| format!("{} {}", port.name, port.mtu))
            .collect();
        if !wide.is_empty() {
            let detail = format!("{FLANNEL_LINK} has {tunnel}, and pods send more: {}", wide.join(", "));
            return Verdict::fail(
                detail,
                "start the containers on these ports again: docker sets it on new ones",
            );
        }
        match seen.bridge {
            Some(bridge) if bridge > tunnel && !seen.ports.is_empty() => {
                let detail = format!("docker0 has {bridge}, {FLANNEL_LINK} has {tunnel}");
                Verdict::warn(detail, format!("ip link set {BRIDGE} mtu {tunnel}"))
            }
            _ => Verdict::pass(format!("pods' packets fit into {FLANNEL_LINK}'s {tunnel}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::check::tests::with_config;

    #[test]
    fn what_does_not_fit_into_the_tunnel_is_named() {
        let port =
            |mtu| Link { index: 1, name: "veth0".to_owned(), mtu, up: true, bridge: Some(2), hairpin: None };
        for (tunnel, bridge, ports, status) in [
            (None, Some(1500), vec![1500], Status::Skip),
            (Some(1450), Some(1500), vec![], Status::Pass),
            (Some(1450), Some(1450), vec![1450, 1400], Status::Pass),
            (Some(1450), Some(1450), vec![1450, 1500], Status::Fail),
            (Some(1450), Some(1500), vec![1450], Status::Warn),
            (Some(1450), None, vec![], Status::Pass),
        ] {
            let seen = Seen { tunnel, bridge, ports: ports.iter().copied().map(port).collect() };
            with_config(&[], |subject| {
                assert_eq!(Mtu.judge(subject, seen).status, status, "{tunnel:?} {bridge:?} {ports:?}");
            });
        }
    }
}
