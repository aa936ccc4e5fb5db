//! Links, addresses and routes, from the kernel itself.

use std::net::Ipv4Addr;
use std::rc::Rc;

use futures_util::{TryStream, TryStreamExt};
use ipnet::{IpNet, Ipv4Net};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoBridgePort, InfoPortData, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType};
use rtnetlink::{Handle, LinkBridgePort, RouteMessageBuilder};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::memory::Memory;
use crate::{Error, Result};

/// The door to rtnetlink.
#[derive(Debug)]
pub struct Netlink<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) socket: Rc<Socket>,
    pub(super) memory: &'a Memory,
}

/// A socket, served by the runtime whenever something is asked of it.
#[derive(Debug)]
pub(super) struct Socket {
    handle: Handle,
    service: JoinHandle<()>,
}

impl Socket {
    pub(super) fn open(runtime: &Runtime) -> Result<Self> {
        let _guard = runtime.enter();
        let (service, handle, _) = rtnetlink::new_connection().map_err(|source| Error::Io {
            action: "open",
            path: "NETLINK_ROUTE".into(),
            source,
        })?;
        Ok(Self { handle, service: runtime.spawn(service) })
    }

    /// Whether the socket has failed. Nothing can be asked of it any more.
    pub(super) fn is_lost(&self) -> bool {
        self.service.is_finished()
    }
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// Administratively up.
    pub up: bool,
    /// The bridge it is a port of.
    pub bridge: Option<u32>,
    /// Whether a bridge port sends packets back out of the port they came in by.
    pub hairpin: Option<bool>,
}

/// An address on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The interface.
    pub link: u32,
    /// Address and prefix length.
    pub net: IpNet,
}

/// A unicast IPv4 route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where it leads.
    pub destination: Ipv4Net,
    /// The interface it leaves by.
    pub link: Option<u32>,
}

impl Netlink<'_> {
    /// Every interface.
    pub fn links(&self) -> Result<Vec<Link>> {
        let look = || {
            let messages = self.all("list the links", self.socket.handle.link().get().execute())?;
            Ok(messages.iter().map(link).collect())
        };
        self.memory.once(|seen| seen.links.clone(), look, |seen, found| seen.links = Some(found))
    }

    /// The interface of this name, if there is one.
    pub fn link(&self, name: &str) -> Result<Option<Link>> {
        Ok(self.links()?.into_iter().find(|link| link.name == name))
    }

    /// The ports of the bridge of this name.
    pub fn ports(&self, bridge: &str) -> Result<Vec<Link>> {
        let links = self.links()?;
        let bridge = links.iter().find(|link| link.name == bridge).map(|link| link.index);
        Ok(links.into_iter().filter(|link| bridge.is_some() && link.bridge == bridge).collect())
    }

    /// Every address.
    pub fn addresses(&self) -> Result<Vec<Address>> {
        let look = || {
            let messages = self.all("list the addresses", self.socket.handle.address().get().execute())?;
            Ok(messages.iter().filter_map(address).collect())
        };
        self.memory.once(|seen| seen.addresses.clone(), look, |seen, found| seen.addresses = Some(found))
    }

    /// Every unicast IPv4 route of every table.
    pub fn routes(&self) -> Result<Vec<Route>> {
        let request = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let messages = self.all("list the routes", self.socket.handle.route().get(request).execute())?;
        Ok(messages.iter().filter_map(route).collect())
    }

    /// Deletes an interface.
    pub fn delete(&self, link: u32) -> Result<()> {
        self.ask("delete the link", self.socket.handle.link().del(link).execute())
    }

    /// Has a bridge's port send packets back out by the way they came in, or not.
    pub fn set_hairpin(&self, port: u32, on: bool) -> Result<()> {
        let message = LinkBridgePort::new(port).hairpin(on).build();
        self.ask("set the port's hairpin mode", self.socket.handle.link().set_port(message).execute())
    }

    fn all<T>(
        &self,
        action: &'static str,
        stream: impl TryStream<Ok = T, Error = rtnetlink::Error>,
    ) -> Result<Vec<T>> {
        self.ask(action, stream.try_collect())
    }

    /// A socket that fails ends each answer where it is, even before it begins, and an empty one says that there
    /// is nothing, or that all is done.
    fn ask<T>(
        &self,
        action: &'static str,
        request: impl Future<Output = std::result::Result<T, rtnetlink::Error>>,
    ) -> Result<T> {
        let answer = self.runtime.block_on(request);
        let lost = || if self.socket.is_lost() { Err(rtnetlink::Error::RequestFailed) } else { Ok(()) };
        answer.and_then(|answer| lost().map(|()| answer)).map_err(|source| Error::Netlink { action, source })
    }
}

fn address(message: &AddressMessage) -> Option<Address> {
    let local = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let plain = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Address(address) => Some(*address),
        _ => None,
    });
    let net = IpNet::new(local.or(plain)?, message.header.prefix_len).ok()?;
    Some(Address { link: message.header.index, net })
}

fn link(message: &LinkMessage) -> Link {
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        mtu: 0,
        up: message.header.flags.contains(LinkFlags::Up),
        bridge: None,
        hairpin: None,
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
            LinkAttribute::Controller(bridge) => link.bridge = Some(*bridge),
            LinkAttribute::LinkInfo(infos) => link.hairpin = infos.iter().find_map(hairpin),
            _ => {}
        }
    }
    link
}

fn hairpin(info: &LinkInfo) -> Option<bool> {
    let LinkInfo::PortData(InfoPortData::BridgePort(port)) = info else { return None };
    port.iter().find_map(|attribute| match attribute {
        InfoBridgePort::HairpinMode(on) => Some(*on),
        _ => None,
    })
}

fn route(message: &RouteMessage) -> Option<Route> {
    if message.header.kind != RouteType::Unicast {
        return None;
    }
    let mut destination = Ipv4Addr::UNSPECIFIED;
    let mut link = None;
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(address)) => destination = *address,
            RouteAttribute::Oif(index) => link = Some(*index),
            _ => {}
        }
    }
    let destination = Ipv4Net::new(destination, message.header.destination_prefix_length).ok()?;
    Some(Route { destination, link })
}

/// The IPv4 nets among `addresses` that are on `link`.
pub fn ipv4_on(addresses: &[Address], link: u32) -> impl Iterator<Item = Ipv4Net> {
    addresses.iter().filter(move |address| address.link == link).filter_map(|address| match address.net {
        IpNet::V4(net) => Some(net),
        IpNet::V6(_) => None,
    })
}
