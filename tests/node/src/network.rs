//! The cables between nodes, and what flanneld leaves behind on one.

use anyhow::Result;

use crate::job;
use crate::machine::Machine;
use crate::node::Node;

/// The end of a cable on eth0: 10.9.0.1 or 10.9.0.2.
fn address(machine: &Machine, last: u8) -> Result<()> {
    machine.ok(&format!("ip addr add 10.9.0.{last}/24 dev eth0 && ip link set eth0 up")).map(drop)
}

fn unplug(machine: &Machine) -> Result<()> {
    machine.ok("! test -e /sys/class/net/eth0 || ip link del eth0").map(drop)
}

impl Machine {
    /// Lays one cable between two nodes: 10.9.0.1/24 here and 10.9.0.2/24 there, both on eth0. A cable that was there
    /// is replaced, so this is also how to wire two nodes again after one of them has rebooted.
    pub fn wire(&self, other: &Self) -> Result<()> {
        unplug(self)?;
        unplug(other)?;
        let (here, there) = (self.running()?.to_string(), other.running()?.to_string());
        let ends = ["name", "eth0", "netns", &here, "type", "veth", "peer", "name", "eth0", "netns", &there];
        job::host("ip", &[["link", "add"].as_slice(), ends.as_slice()].concat())?;
        address(self, 1)?;
        address(other, 2)
    }

    /// Gives a node without a neighbour an eth0 that leads nowhere, with 10.9.0.1/24: a cable whose other end, far0, is
    /// in the node as well. Not every kernel has the dummy device.
    pub fn dummy_eth0(&self) -> Result<()> {
        unplug(self)?;
        self.ok("ip link add eth0 type veth peer name far0 && ip link set far0 up")?;
        address(self, 1)
    }

    /// What flanneld's vxlan backend leaves behind on node `me` of two (1 or 2), with a route to `peer`: the device
    /// flannel.1, its routes and neighbours, `/run/flannel/subnet.env`, and `/run/flannel/docker` as its script
    /// mk-docker-opts.sh writes it. The node must have an eth0.
    pub fn flannel(&self, me: u8, peer: u8) -> Result<()> {
        self.flannel_leases((me, me), (peer, peer))
    }

    /// The same with leases of other numbers than the nodes': each end is a node and its lease.
    pub fn flannel_leases(&self, me: (u8, u8), peer: (u8, u8)) -> Result<()> {
        self.ok(&flannel_script(me, peer)).map(drop)
    }
}

impl Machine {
    /// A flanneld.service like flannel's own in all that matters to docker: before it, required by it, started at every
    /// boot. Its program makes an eth0 that leads nowhere if there is none, and does what [`Machine::flannel`] does for
    /// node 1 of two. With a 2 in `/etc/flannel-number` it gets another lease at its next start: that of node 2.
    pub fn flanneld(&self) -> Result<()> {
        self.flanneld_as(1, 2)
    }

    /// The same for node `me` of two.
    pub fn flanneld_as(&self, me: u8, peer: u8) -> Result<()> {
        let put = |to: &str, mode: &str, text: &str| {
            self.ok(&format!(
                "mkdir -p $(dirname {to}) && cat >{to} <<'TEXT' && chmod {mode} {to}\n{text}TEXT\n"
            ))
        };
        put(FLANNELD, "755", &flanneld_program(me, peer))?;
        put("/etc/systemd/system/flanneld.service", "644", &flanneld_unit())?;
        self.ok("systemctl daemon-reload && systemctl -q enable --now flanneld").map(drop)
    }
}

const FLANNELD: &str = "/usr/local/sbin/flanneld";

fn flanneld_program(me: u8, peer: u8) -> String {
    let two = flannel_script((2, 2), (3, 3));
    let one = flannel_script((me, me), (peer, peer));
    format!(
        "#!/bin/sh\nset -eu\n\
         test -e /sys/class/net/eth0 || {{ ip link add eth0 type veth peer name far0; ip link set far0 up; \
         ip addr add 10.9.0.{me}/24 dev eth0; ip link set eth0 up; }}\n\
         if grep -qs 2 /etc/flannel-number; then\n{two}\nelse\n{one}\nfi\n"
    )
}

fn flanneld_unit() -> String {
    format!(
        "[Unit]\nDescription=flannel\nBefore=docker.service\nAfter=network.target\n\n\
         [Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart={FLANNELD}\n\n\
         [Install]\nWantedBy=multi-user.target\nRequiredBy=docker.service\n"
    )
}

/// Each end is a node and the number of its lease.
fn flannel_script((me, own): (u8, u8), (peer, its): (u8, u8)) -> String {
    let (own, its) = (u16::from(own) * 8, u16::from(its) * 8);
    format!(
        r#"set -eu
! test -e /sys/class/net/flannel.1 || ip link del flannel.1
ip link add flannel.1 type vxlan id 1 local 10.9.0.{me} dev eth0 dstport 8472 nolearning
ip link set flannel.1 address 0a:58:0a:09:00:{me:02x}
ip addr add 172.30.{own}.0/32 dev flannel.1
ip link set flannel.1 mtu 1450 up
ip route add 172.30.{its}.0/21 via 172.30.{its}.0 dev flannel.1 onlink
ip neigh add 172.30.{its}.0 lladdr 0a:58:0a:09:00:{peer:02x} dev flannel.1 nud permanent
bridge fdb append 0a:58:0a:09:00:{peer:02x} dev flannel.1 dst 10.9.0.{peer}
mkdir -p /run/flannel
cat >/run/flannel/subnet.env <<'END'
FLANNEL_NETWORK=172.30.0.0/16
FLANNEL_SUBNET=172.30.{own}.1/21
FLANNEL_MTU=1450
FLANNEL_IPMASQ=true
END
cat >/run/flannel/docker <<'END'
DOCKER_OPT_BIP="--bip=172.30.{own}.1/21"
DOCKER_OPT_IPMASQ="--ip-masq=false"
DOCKER_OPT_MTU="--mtu=1450"
DOCKER_NETWORK_OPTIONS=" --bip=172.30.{own}.1/21 --ip-masq=false --mtu=1450"
END
"#
    )
}

/// Lays one cable between two nodes: see [`Machine::wire`].
#[track_caller]
pub fn wire(one: &Node, other: &Node) {
    one.must(one.machine().wire(other.machine()));
}
