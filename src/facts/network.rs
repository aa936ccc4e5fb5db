//! Names, proxies, ports, and the present state of netfilter.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::machine::read;
use super::survey::{Seen, Unseen, seen};
use crate::Result;
use crate::config::Config;
use crate::host::{Backend, Family, Host, Tools, find_program};
use crate::read;
use crate::resource::PolicyState;

/// The filter table of a backend and a family, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// Which.
    pub backend: Backend,
    /// Which.
    pub family: Family,
    /// The policy of INPUT.
    pub input: PolicyState,
    /// How many rules there are beside docker's own.
    pub rules: usize,
}

/// Who is told of a proxy: never the proxy itself, whose URL may hold a password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Where this program is told of one.
    pub ours: Option<String>,
    /// Whether dockerd is.
    pub dockers: bool,
}

/// The network around docker.
#[derive(Clone, Debug)]
pub struct Network {
    /// Backends and families that there is an iptables program for.
    pub backends: Vec<(Backend, Family)>,
    /// The backend that plain `iptables` is.
    pub plain: Backend,
    /// What is in their tables.
    pub tables: Seen<Vec<Tables>>,
    /// What is alive that would be hurt by a flush, so that none is made.
    pub spares_rules: bool,
    /// Servers of names that processes of this node ask.
    pub nameservers: Seen<Vec<String>>,
    /// Whether systemd-resolved knows the servers behind its own address.
    pub has_resolved: bool,
    /// TCP ports that something listens on.
    pub listening: Seen<BTreeSet<u16>>,
    /// UDP ports that are taken, by the kernel's own tunnels too.
    pub udp: Seen<BTreeSet<u16>>,
    /// Whether flannel's vxlan is up, and so has its port.
    pub has_tunnel: bool,
    /// Proxies.
    pub proxies: Proxies,
}

impl Network {
    /// Looks.
    pub(super) fn look(host: &Host, config: &Config, processes: &Seen<Vec<(u32, String)>>) -> Self {
        let backends: Vec<_> = if host.is_offline() {
            find_program("iptables").map(|_| (Tools::plain(), Family::V4)).into_iter().collect()
        } else {
            host.netfilter().iter().flat_map(|netfilter| netfilter.all().collect::<Vec<_>>()).collect()
        };
        let mut names = processes.iter().flatten().map(|(_, name)| name);
        Self {
            tables: seen(tables(host, &backends)),
            backends,
            plain: Tools::plain(),
            spares_rules: names.any(|name| crate::host::loses_rules(name)),
            nameservers: nameservers(),
            has_resolved: Path::new("/run/systemd/resolve/resolv.conf").exists(),
            listening: sockets("tcp", LISTENS),
            udp: sockets("udp", UNCONNECTED),
            has_tunnel: read::of_kernel("/sys/class/net/flannel.1/flags").is_ok_and(|flags| is_up(&flags)),
            proxies: proxies(config),
        }
    }
}

fn tables(host: &Host, backends: &[(Backend, Family)]) -> Result<Vec<Tables>> {
    let netfilter = host.netfilter()?;
    let look = |&(backend, family): &(Backend, Family)| {
        let rules = netfilter.rules(backend, family, "filter")?;
        let is_dropped = rules.iter().any(|rule| rule == "-P INPUT DROP");
        let input = if is_dropped { PolicyState::Drop } else { PolicyState::Accept };
        let rules = rules.iter().filter(|rule| rule.starts_with("-A ")).count();
        Ok(Tables { backend, family, input, rules })
    };
    backends.iter().map(look).collect()
}

fn nameservers() -> Seen<Vec<String>> {
    match read::text("/etc/resolv.conf") {
        Ok(text) => Ok(servers_in(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Unseen::new(format!("/etc/resolv.conf cannot be read: {error}"))),
    }
}

fn servers_in(text: &str) -> Vec<String> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next().map(str::to_owned)).flatten()
    };
    text.lines().filter_map(server).collect()
}

/// The states, in hexadecimal, of a socket that waits for others.
const LISTENS: &str = "0A";
const UNCONNECTED: &str = "07";

fn sockets(protocol: &str, state: &str) -> Seen<BTreeSet<u16>> {
    let mut ports = ports_in(&read(&format!("/proc/net/{protocol}"))?, state);
    // A kernel without IPv6 has none.
    ports.append(&mut ports_in(&read(&format!("/proc/net/{protocol}6")).unwrap_or_default(), state));
    Ok(ports)
}

/// `IFF_UP` among the flags of a link, in hexadecimal.
fn is_up(flags: &str) -> bool {
    let flags = flags.trim().trim_start_matches("0x");
    u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1)
}

/// The second field is address and port, in hexadecimal; the fourth is the state.
fn ports_in(text: &str, state: &str) -> BTreeSet<u16> {
    let port = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (_, port) = fields.next()?.rsplit_once(':')?;
        (fields.nth(1)? == state).then(|| u16::from_str_radix(port, 16).ok()).flatten()
    };
    text.lines().skip(1).filter_map(port).collect()
}

fn proxies(config: &Config) -> Proxies {
    let keys =
        [("fetch.https-proxy", &config.fetch.https_proxy), ("fetch.http-proxy", &config.fetch.http_proxy)];
    let told = keys.into_iter().find(|(_, proxy)| proxy.as_ref().is_some_and(|words| !words.0.is_empty()));
    let is_in = |keys: &serde_json::Map<String, Value>| {
        ["proxies", "http-proxy", "https-proxy"].iter().any(|key| keys.contains_key(*key))
    };
    let on_disk = read::text(crate::docker::DAEMON_JSON).ok();
    let on_disk = on_disk.and_then(|text| crate::preflight::parse_daemon_json(&text).ok());
    Proxies {
        ours: told.map(|(key, _)| config.origin(key).to_owned()),
        dockers: is_in(&config.docker.daemon) || on_disk.as_ref().is_some_and(is_in) || in_drop_ins(),
    }
}

/// Whether a drop-in of docker's unit sets a proxy, as docker's own documentation has it.
fn in_drop_ins() -> bool {
    let entries = fs::read_dir("/etc/systemd/system/docker.service.d").into_iter().flatten().flatten();
    let mut texts = entries.filter_map(|entry| read::text(entry.path()).ok());
    texts.any(|text| text.to_ascii_uppercase().contains("HTTPS_PROXY="))
}

#[cfg(test)]
impl Network {
    /// A machine with iptables and nothing in it, for tests to vary.
    pub(crate) fn example() -> Self {
        let backends = vec![(Backend::Nft, Family::V4), (Backend::Legacy, Family::V4)];
        let empty = |&(backend, family): &(Backend, Family)| Tables {
            backend,
            family,
            input: PolicyState::Accept,
            rules: 0,
        };
        Self {
            tables: Ok(backends.iter().map(empty).collect()),
            backends,
            plain: Backend::Nft,
            spares_rules: false,
            nameservers: Ok(vec!["192.0.2.1".to_owned()]),
            has_resolved: false,
            listening: Ok(BTreeSet::new()),
            udp: Ok(BTreeSet::new()),
            has_tunnel: false,
            proxies: Proxies::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_names_are_read() {
        let text =
            "# made by hand\nsearch example.com\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # two\n";
        assert_eq!(servers_in(text), ["192.0.2.1", "2001:db8::1"]);
    }

    #[test]
    fn a_link_is_up_by_its_flags() {
        for (flags, up) in [("0x1043\n", true), ("0x1002\n", false), ("", false)] {
            assert_eq!(is_up(flags), up, "{flags}");
        }
    }

    #[test]
    fn only_what_listens_has_a_port() {
        let text = "  sl  local_address rem_address   st tx_queue\n\
                    \x20  0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000\n\
                    \x20  1: 0100007F:0947 00000000:0000 0A 00000000:00000000 00:00000000\n\
                    \x20  2: 0F02000A:0016 0202000A:C3A2 01 00000000:00000000 02:000A9F5E\n";
        assert_eq!(ports_in(text, LISTENS), [22, 2375].into());
        assert_eq!(ports_in(text, "01"), [22].into());
    }
}
