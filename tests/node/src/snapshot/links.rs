//! Network devices, their addresses, and the routes.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Facts;
use crate::machine::Machine;

/// What `ip -json -details address` says of one device, as far as it does not change by itself.
#[derive(Deserialize)]
struct Link {
    ifname: String,
    mtu: u32,
    #[serde(default)]
    flags: Vec<String>,
    master: Option<String>,
    linkinfo: Option<Kind>,
    #[serde(default)]
    addr_info: Vec<Address>,
}

#[derive(Deserialize)]
struct Kind {
    info_kind: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    local: Option<String>,
    prefixlen: u8,
}

impl Link {
    fn describe(&self) -> String {
        let kind = self.linkinfo.as_ref().and_then(|info| info.info_kind.as_deref()).unwrap_or("device");
        let up = if self.flags.iter().any(|flag| flag == "UP") { "up" } else { "down" };
        let master = self.master.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        let mut addresses: Vec<String> = self.addr_info.iter().filter_map(Address::describe).collect();
        addresses.sort();
        format!("{kind} {up} mtu {}{master} [{}]", self.mtu, addresses.join(" "))
    }
}

impl Address {
    fn describe(&self) -> Option<String> {
        Some(format!("{}/{}", self.local.as_ref()?, self.prefixlen))
    }
}

pub(super) fn of(machine: &Machine) -> Result<Facts> {
    parse(&machine.ok("ip -json -details address")?)
}

fn parse(json: &str) -> Result<Facts> {
    let links: Vec<Link> = serde_json::from_str(json).context("cannot read what ip says")?;
    Ok(links.into_iter().map(|link| (link.ifname.clone(), link.describe())).collect())
}

/// Each route is its own name: nothing else is to be said of it.
pub(super) fn routes(machine: &Machine) -> Result<Facts> {
    let text = machine.ok("ip route show table all; ip -6 route show table all")?;
    // A route is flagged while its device has no carrier, which is not the node's doing.
    let line = |line: &str| line.replace(" linkdown", "").split_whitespace().collect::<Vec<_>>().join(" ");
    // A link-local address gets its route when the kernel has made sure that nobody else has it.
    let is_settling = |line: &&str| line.trim_start().starts_with("local fe80:");
    Ok(text.lines().filter(|text| !is_settling(text)).map(|text| (line(text), "there".to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_and_its_port() -> Result<()> {
        let json = r#"[
            {"ifname": "docker0", "mtu": 1450, "flags": ["BROADCAST", "UP"], "linkinfo": {"info_kind": "bridge"},
             "addr_info": [{"local": "172.30.8.1", "prefixlen": 21}]},
            {"ifname": "veth1", "mtu": 1450, "master": "docker0", "addr_info": []}]"#;
        let facts = parse(json)?;
        assert_eq!(facts.get("docker0").map(String::as_str), Some("bridge up mtu 1450 [172.30.8.1/21]"));
        assert_eq!(facts.get("veth1").map(String::as_str), Some("device down mtu 1450 in docker0 []"));
        Ok(())
    }
}
