//! Netfilter, ports, names, proxies.

use std::net::IpAddr;

use super::{Verdict, Verdicts, known};
use crate::config::{Flannel, Flush};
use crate::facts::{Survey, Tables};
use crate::resource::PolicyState;

/// Linux's own port for vxlan, which flannel takes if it is not told another.
const VXLAN_PORT: u16 = 8472;

pub(super) fn iptables(survey: &Survey<'_>) -> Verdicts {
    let network = &survey.network;
    if network.backends.is_empty() {
        let remedy = "install it: apt-get install iptables, or yum install iptables";
        return Verdict::fail("iptables is not installed", remedy).into();
    }
    Verdict::pass(format!("{}", network.plain)).into()
}

pub(super) fn backends(survey: &Survey<'_>) -> Verdicts {
    known(&survey.network.tables, |tables: &Vec<Tables>| {
        let used = tables.iter().filter(|table| table.rules > 0);
        let others: Vec<String> = used
            .filter(|table| table.backend != survey.network.plain)
            .map(|table| format!("{} rules for {} in {}", table.rules, table.family, table.backend))
            .collect();
        if others.is_empty() {
            return Verdict::pass(format!("{} alone has rules", survey.network.plain));
        }
        let found = format!(
            "{}, while iptables here is {}: the kernel evaluates both",
            others.join(", "),
            survey.network.plain
        );
        Verdict::warn(found, "find whose they are; iptables-legacy -S and iptables-nft -S show them")
    })
}

pub(super) fn input_policy(survey: &Survey<'_>) -> Verdicts {
    known(&survey.network.tables, |tables: &Vec<Tables>| {
        let dropped = tables.iter().filter(|table| table.input == PolicyState::Drop);
        let dropped: Vec<String> =
            dropped.map(|table| format!("{} ({})", table.family, table.backend)).collect();
        if dropped.is_empty() {
            return Verdict::pass("ACCEPT");
        }
        let is_first = survey.wanted.as_ref().is_ok_and(|wanted| wanted.installing);
        let is_flushed =
            survey.config.firewall.flush == Flush::Auto && is_first && !survey.network.spares_rules;
        let what = if is_flushed {
            "a first install opens it, and takes its rules out"
        } else {
            "flannel's packets have to be let in: UDP port 8472 for vxlan"
        };
        let remedy = if is_flushed {
            "to keep it, set firewall.flush to \"never\" and let UDP port 8472 in"
        } else {
            "iptables -I INPUT -p udp --dport 8472 -j ACCEPT, and keep it over a boot"
        };
        Verdict::warn(format!("the policy of INPUT is DROP for {}: {what}", dropped.join(", ")), remedy)
    })
}

pub(super) fn ports(survey: &Survey<'_>) -> Verdicts {
    let hosts = survey.config.docker.daemon.get("hosts").and_then(|value| value.as_array());
    let hosts = hosts.into_iter().flatten().filter_map(|value| value.as_str());
    let wanted: Vec<u16> = hosts.filter_map(port_of).collect();
    if wanted.is_empty() {
        return Verdict::skip("docker is to listen on no TCP port").into();
    }
    if survey.engines.dockers.as_ref().is_ok_and(|dockers| dockers.has_process) {
        return Verdict::pass("docker's").into();
    }
    known(&survey.network.listening, |taken| {
        let taken: Vec<String> =
            wanted.iter().filter(|port| taken.contains(port)).map(u16::to_string).collect();
        if taken.is_empty() {
            return Verdict::pass("free");
        }
        let found =
            format!("something listens on TCP port {} already; dockerd would not start", taken.join(", "));
        Verdict::fail(found, "find it: ss -ltnp; or give docker another port: hosts in [docker.daemon]")
    })
}

/// A vxlan is not set up while a program has its port; two of them with different numbers share it,
/// and which of both it is cannot be seen from here.
pub(super) fn vxlan_port(survey: &Survey<'_>) -> Verdicts {
    if survey.config.network.flannel == Flannel::Off {
        return Verdict::skip("flannel is off").into();
    }
    if survey.network.has_tunnel {
        return Verdict::pass("flannel's").into();
    }
    known(&survey.network.udp, |taken| {
        if !taken.contains(&VXLAN_PORT) {
            return Verdict::pass("free");
        }
        let found =
            "UDP port 8472 is taken, and not by flannel: its vxlan comes up only if that is another vxlan";
        Verdict::warn(found, "find it: ss -lunp; or give flannel another: Port in its network configuration")
    })
}

/// The port of `tcp://ADDRESS:PORT`; 2375 where none is given.
fn port_of(host: &str) -> Option<u16> {
    let address = host.strip_prefix("tcp://")?;
    Some(
        address
            .rsplit_once(':')
            .and_then(|(_, port)| port.trim_end_matches('/').parse().ok())
            .unwrap_or(2375),
    )
}

/// Containers have a network of their own: the address of a server in the node's is not in it.
/// docker takes such servers out, and Google's in when none is left.
pub(super) fn dns(survey: &Survey<'_>) -> Verdicts {
    let network = &survey.network;
    if survey.config.docker.daemon.contains_key("dns") {
        return Verdict::pass("docker is told which").into();
    }
    known(&network.nameservers, |servers| {
        let is_local = |server: &String| server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let usable = servers.iter().filter(|server| !is_local(server)).count();
        if usable > 0 || network.has_resolved {
            return Verdict::pass(servers.join(", "));
        }
        let what = if servers.is_empty() {
            "/etc/resolv.conf names no server".to_owned()
        } else {
            format!("/etc/resolv.conf names {}, which containers cannot reach", servers.join(", "))
        };
        let found = format!("{what}: docker gives them 8.8.8.8");
        Verdict::warn(found, "name a server there, or in [docker.daemon]: dns = [\"ADDRESS\"]")
    })
}

pub(super) fn proxy(survey: &Survey<'_>) -> Verdicts {
    let proxies = &survey.network.proxies;
    match &proxies.ours {
        None => Verdict::pass("none").into(),
        Some(_) if proxies.dockers => Verdict::pass("dockerd has one too").into(),
        Some(place) => Verdict::warn(
            format!("a proxy is set ({place}), and dockerd, which pulls images, is not told of any"),
            "from docker 23 on proxies in [docker.daemon]; before, a drop-in with Environment=HTTPS_PROXY=",
        )
        .into(),
    }
}
