//! Ports that a container's packets to its own service address must leave by again.

use super::{CONVERGE, Check, Subject, Verdict};
use crate::Result;
use crate::docker::BRIDGE;
use crate::host::Link;

pub(super) struct Hairpin;

impl Check for Hairpin {
    const ID: &'static str = "hairpin";
    type Seen = Vec<Link>;

    fn look(&self, subject: &Subject<'_>) -> Result<Vec<Link>> {
        subject.host.netlink()?.ports(BRIDGE)
    }

    fn judge(&self, subject: &Subject<'_>, ports: Vec<Link>) -> Verdict {
        if !subject.config.network.hairpin {
            return Verdict::skip("not asked for (network.hairpin)");
        }
        let off: Vec<&str> =
            ports.iter().filter(|port| port.hairpin != Some(true)).map(|port| port.name.as_str()).collect();
        if off.is_empty() {
            let number = match ports.len() {
                0 => "docker0 has no ports yet".to_owned(),
                1 => "on for the one port of docker0".to_owned(),
                number => format!("on for all {number} ports of docker0"),
            };
            return Verdict::pass(number);
        }
        Verdict::fail(format!("off for {}", off.join(", ")), CONVERGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::check::tests::with_config;

    #[test]
    fn each_port_is_looked_at() {
        let port = |hairpin| Link {
            index: 1,
            name: "veth0".to_owned(),
            mtu: 1450,
            up: true,
            bridge: Some(2),
            hairpin,
        };
        for (asked, ports, status) in [
            ("false", vec![Some(false)], Status::Skip),
            ("true", vec![], Status::Pass),
            ("true", vec![Some(true), Some(true)], Status::Pass),
            ("true", vec![Some(true), Some(false)], Status::Fail),
            ("true", vec![None], Status::Fail),
        ] {
            with_config(&[("network.hairpin", asked)], |subject| {
                let seen = ports.iter().copied().map(port).collect();
                assert_eq!(Hairpin.judge(subject, seen).status, status, "{asked} {ports:?}");
            });
        }
    }
}
