//! What flannel leaves in /run/flannel for docker.
//!
//! `subnet.env` is flanneld's own and comes into place whole. `docker` is
//! written from it by mk-docker-opts.sh, which empties the file and then
//! appends line by line: a reader can see half of it, and under a shell that
//! is not bash it holds no option at all. dockerd takes either in silence and
//! gives docker0 another subnet, so both are read strictly here: what is not
//! entirely there and entirely understood is a problem, named with its line.

use std::net::Ipv4Addr;
use std::path::Path;
use std::str::FromStr;

use ipnet::Ipv4Net;

/// Where flannel leaves docker's options.
pub const FLANNEL_OPTIONS: &str = "/run/flannel/docker";

/// Where flanneld writes its lease.
pub const SUBNET_ENV: &str = "/run/flannel/subnet.env";

/// The name that docker.service takes its network options from.
pub const COMBINED: &str = "DOCKER_NETWORK_OPTIONS";

/// The smallest MTU that IPv4 allows (RFC 791), and the largest packet there is.
const MTU: std::ops::RangeInclusive<u32> = 68..=65535;

/// A file of another component: absent, understood, or a problem with a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign<T> {
    /// It is not there.
    Absent,
    /// It says this.
    Says(T),
    /// It is there and cannot be understood.
    Garbled(String),
}

impl<T> Foreign<T> {
    /// What it says, if it is there and can be understood.
    pub fn says(&self) -> Option<&T> {
        match self {
            Self::Says(value) => Some(value),
            _ => None,
        }
    }
}

/// Why docker cannot be started from what flannel has left: a file, and what is
/// wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// The file.
    pub path: &'static Path,
    /// What is wrong with it.
    pub problem: String,
}

/// The options that docker is to be started with: flannel's own, or those that
/// follow from the lease where there is nothing else. Files that are half there,
/// not understood, or of two different leases are no options.
pub fn settled(
    options: &Foreign<DockerOptions>,
    lease: &Foreign<SubnetEnv>,
) -> Result<Option<DockerOptions>, Unsettled> {
    let unsettled =
        |path: &'static str, problem: &str| Unsettled { path: Path::new(path), problem: problem.to_owned() };
    match (options, lease) {
        (Foreign::Garbled(problem), _) => Err(unsettled(FLANNEL_OPTIONS, problem)),
        (_, Foreign::Garbled(problem)) => Err(unsettled(SUBNET_ENV, problem)),
        (Foreign::Says(options), Foreign::Says(lease)) if options.bip != lease.subnet => {
            let problem = format!("it has {} and {SUBNET_ENV} has {}", options.bip, lease.subnet);
            Err(unsettled(FLANNEL_OPTIONS, &problem))
        }
        (Foreign::Says(options), _) => Ok(Some(options.clone())),
        (Foreign::Absent, Foreign::Says(lease)) => Ok(Some(DockerOptions::of(lease))),
        (Foreign::Absent, Foreign::Absent) => Ok(None),
    }
}

/// `/run/flannel/docker`: the options that dockerd is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerOptions {
    /// `--bip`: docker0's address and prefix.
    pub bip: Ipv4Net,
    /// `--ip-masq`; without the flag dockerd's own default, true.
    pub ip_masq: bool,
    /// `--mtu`.
    pub mtu: u32,
    /// `DOCKER_NETWORK_OPTIONS` as it is written, spaces and all.
    pub line: String,
}

/// `/run/flannel/subnet.env`: this node's lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetEnv {
    /// The cluster's network.
    pub network: Ipv4Net,
    /// The lease, written as docker0's address and prefix.
    pub subnet: Ipv4Net,
    /// What a packet may measure inside flannel's tunnel.
    pub mtu: u32,
    /// Whether flanneld masquerades; docker must not when it does.
    pub ip_masq: bool,
}

impl FromStr for DockerOptions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lines = lines(text)?;
        let Some(combined) = lines.iter().find(|line| line.name == COMBINED) else {
            return Err(no_combined(&lines));
        };
        let options = combined.read(Flags::parse)?.options(combined)?;
        for line in lines.iter().filter(|line| line.name != COMBINED) {
            agree(line, &options)?;
        }
        Ok(options)
    }
}

impl FromStr for SubnetEnv {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lines = lines(text)?;
        if let Some(line) = lines.iter().find(|line| !line.name.starts_with("FLANNEL_")) {
            return Err(line.problem(&format!("{} is not one of flannel's names", line.name)));
        }
        let find = |name: &str| {
            lines.iter().find(|line| line.name == name).ok_or_else(|| format!("{name} is missing"))
        };
        let subnet = find("FLANNEL_SUBNET")?;
        let lease = Self {
            network: find("FLANNEL_NETWORK")?.read(network)?,
            subnet: subnet.read(address)?,
            mtu: find("FLANNEL_MTU")?.read(mtu)?,
            ip_masq: find("FLANNEL_IPMASQ")?.read(boolean)?,
        };
        if lease.network.contains(&lease.subnet) {
            Ok(lease)
        } else {
            Err(subnet.problem(&format!("{} is not inside {}", lease.subnet, lease.network)))
        }
    }
}

impl DockerOptions {
    /// Those that mk-docker-opts.sh makes of a lease: docker masquerades exactly
    /// when flannel does not.
    pub fn of(lease: &SubnetEnv) -> Self {
        let SubnetEnv { subnet: bip, mtu, .. } = *lease;
        let ip_masq = !lease.ip_masq;
        Self { bip, ip_masq, mtu, line: format!(" --bip={bip} --ip-masq={ip_masq} --mtu={mtu}") }
    }

    /// Those that a dockerd was started with, as far as its arguments tell; `None`
    /// where it was started without any of flannel's.
    pub fn of_arguments<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let is_flannels = |argument: &&str| {
            FLAGS.iter().any(|flag| argument.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))
        };
        let line = arguments.into_iter().filter(is_flannels).collect::<Vec<_>>().join(" ");
        let flags = Flags::parse(&line).ok()?;
        Some(Self { bip: flags.bip?, ip_masq: flags.ip_masq.unwrap_or(true), mtu: flags.mtu?, line })
    }

    /// Whether a dockerd that is started with either does the same.
    pub fn means(&self, other: &Self) -> bool {
        (self.bip, self.ip_masq, self.mtu) == (other.bip, other.ip_masq, other.mtu)
    }
}

/// The flags of dockerd that flannel decides.
const FLAGS: [&str; 3] = ["--bip", "--ip-masq", "--mtu"];

/// One `NAME=value` or `NAME="value"`.
struct Line<'a> {
    number: usize,
    name: &'a str,
    value: &'a str,
}

impl Line<'_> {
    fn problem(&self, problem: &str) -> String {
        format!("line {}: {problem}", self.number)
    }

    fn read<T>(&self, value: impl FnOnce(&str) -> Result<T, String>) -> Result<T, String> {
        value(self.value).map_err(|problem| self.problem(&problem))
    }
}

fn lines(text: &str) -> Result<Vec<Line<'_>>, String> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (index, raw) in text.split_inclusive('\n').enumerate() {
        let Some(line) = line(index + 1, raw)? else { continue };
        if let Some(first) = lines.iter().find(|first| first.name == line.name) {
            return Err(line.problem(&format!("{} is already on line {}", line.name, first.number)));
        }
        lines.push(line);
    }
    if lines.is_empty() { Err("it is empty".to_owned()) } else { Ok(lines) }
}

/// A closing quote ends a value for certain; without one only the newline
/// tells `145` from the first half of `1450`.
fn line(number: usize, raw: &str) -> Result<Option<Line<'_>>, String> {
    let text = raw.trim_end_matches('\n');
    if text.trim().is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let problem = |problem: &str| format!("line {number}: {problem}");
    let (name, value) = text.split_once('=').ok_or_else(|| problem("this is not NAME=value"))?;
    if name.is_empty()
        || !name.bytes().all(|byte| byte.is_ascii_uppercase() || b"_0123456789".contains(&byte))
    {
        return Err(problem("this is not NAME=value"));
    }
    let value = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').ok_or_else(|| problem("the closing quote is missing"))?,
        None if raw.ends_with('\n') => value,
        None => return Err(problem("the line is cut off")),
    };
    if value.contains(['"', '\'', '\\', '$', '`']) {
        return Err(problem("a quote or a substitution is inside the value"));
    }
    Ok(Some(Line { number, name, value }))
}

/// dockerd's network flags as far as they were found.
#[derive(Default)]
struct Flags {
    bip: Option<Ipv4Net>,
    ip_masq: Option<bool>,
    mtu: Option<u32>,
}

impl Flags {
    fn parse(text: &str) -> Result<Self, String> {
        let mut flags = Self::default();
        for flag in text.split_ascii_whitespace() {
            flags.take(flag)?;
        }
        Ok(flags)
    }

    fn take(&mut self, flag: &str) -> Result<(), String> {
        let (name, value) = flag.split_once('=').ok_or_else(|| format!("'{flag}' is not --flag=value"))?;
        let twice = match name {
            "--bip" => self.bip.replace(address(value)?).is_some(),
            "--ip-masq" => self.ip_masq.replace(boolean(value)?).is_some(),
            "--mtu" => self.mtu.replace(mtu(value)?).is_some(),
            _ => return Err(format!("'{name}' is not an option that flannel gives docker")),
        };
        if twice { Err(format!("{name} is there twice")) } else { Ok(()) }
    }

    fn options(self, line: &Line<'_>) -> Result<DockerOptions, String> {
        let missing = |flag: &str| line.problem(&format!("{COMBINED} has no {flag}"));
        Ok(DockerOptions {
            bip: self.bip.ok_or_else(|| missing("--bip"))?,
            ip_masq: self.ip_masq.unwrap_or(true),
            mtu: self.mtu.ok_or_else(|| missing("--mtu"))?,
            line: line.value.to_owned(),
        })
    }
}

/// Holds a `DOCKER_OPT_*` line against the combined one.
fn agree(line: &Line<'_>, options: &DockerOptions) -> Result<(), String> {
    let flags = line.read(Flags::parse)?;
    let agrees = match line.name {
        "DOCKER_OPT_BIP" => flags.bip == Some(options.bip),
        "DOCKER_OPT_IPMASQ" => flags.ip_masq == Some(options.ip_masq),
        "DOCKER_OPT_MTU" => flags.mtu == Some(options.mtu),
        name => return Err(line.problem(&format!("{name} is not a name that mk-docker-opts.sh writes"))),
    };
    if agrees { Ok(()) } else { Err(line.problem(&format!("{} and {COMBINED} do not agree", line.name))) }
}

/// The script's default name is `DOCKER_OPTS`, which docker.service does not look at.
fn no_combined(lines: &[Line<'_>]) -> String {
    match lines.iter().find(|line| line.name == "DOCKER_OPTS") {
        Some(line) => line.problem(&format!(
            "DOCKER_OPTS is there instead of {COMBINED}: flanneld's unit runs mk-docker-opts.sh without -k {COMBINED}"
        )),
        None => format!("{COMBINED} is missing"),
    }
}

fn network(text: &str) -> Result<Ipv4Net, String> {
    let net: Ipv4Net = text.parse().map_err(|_| format!("'{text}' is not a subnet"))?;
    if net.trunc() == net { Ok(net) } else { Err(format!("{net} has host bits set")) }
}

/// A bridge's address and prefix: not the network itself, not its broadcast.
fn address(text: &str) -> Result<Ipv4Net, String> {
    let net: Ipv4Net = text.parse().map_err(|_| format!("'{text}' is not an address with its prefix"))?;
    let address: Ipv4Addr = net.addr();
    if net.prefix_len() > 30 || address == net.network() || address == net.broadcast() {
        return Err(format!("{net} is not an address that a bridge can have"));
    }
    Ok(net)
}

fn mtu(text: &str) -> Result<u32, String> {
    let problem = || format!("'{text}' is not an MTU");
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let mtu = text.parse().ok().filter(|mtu| digits && MTU.contains(mtu));
    mtu.ok_or_else(problem)
}

fn boolean(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("'{text}' is neither true nor false"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOCKER: &str = "DOCKER_OPT_BIP=\"--bip=172.30.80.1/21\"\n\
        DOCKER_OPT_IPMASQ=\"--ip-masq=false\"\n\
        DOCKER_OPT_MTU=\"--mtu=1450\"\n\
        DOCKER_NETWORK_OPTIONS=\" --bip=172.30.80.1/21 --ip-masq=false --mtu=1450\"\n";
    const SUBNET: &str = "FLANNEL_NETWORK=172.30.0.0/16\n\
        FLANNEL_SUBNET=172.30.80.1/21\n\
        FLANNEL_MTU=1450\n\
        FLANNEL_IPMASQ=true\n";

    fn docker(text: &str) -> Result<DockerOptions, String> {
        text.parse()
    }

    fn subnet(text: &str) -> Result<SubnetEnv, String> {
        text.parse()
    }

    #[test]
    fn the_two_files_say_the_same() {
        let options = docker(DOCKER).unwrap();
        let lease = subnet(SUBNET).unwrap();
        assert_eq!(options.bip, "172.30.80.1/21".parse().unwrap());
        assert_eq!((options.ip_masq, options.mtu), (false, 1450));
        assert_eq!(lease.network, "172.30.0.0/16".parse().unwrap());
        assert_eq!((lease.subnet, lease.ip_masq, lease.mtu), (options.bip, true, 1450));
        assert_eq!(DockerOptions::of(&lease), options);
    }

    #[test]
    fn docker_is_started_from_what_is_whole_and_of_one_lease() {
        let options = |bip: &str| Foreign::Says(docker(&DOCKER.replace("172.30.80.1/21", bip)).unwrap());
        let lease = || Foreign::Says(subnet(SUBNET).unwrap());
        let (own, derived) = ("172.30.80.1/21", DockerOptions::of(&subnet(SUBNET).unwrap()));
        for (options, lease, settles) in [
            (Foreign::Absent, Foreign::Absent, Ok(None)),
            (options(own), lease(), Ok(Some(own))),
            (options("172.30.88.1/21"), Foreign::Absent, Ok(Some("172.30.88.1/21"))),
            (Foreign::Absent, lease(), Ok(Some(own))),
            (options("172.30.88.1/21"), lease(), Err(FLANNEL_OPTIONS)),
            (Foreign::Garbled("half".to_owned()), lease(), Err(FLANNEL_OPTIONS)),
            (options(own), Foreign::Garbled("half".to_owned()), Err(SUBNET_ENV)),
        ] {
            let found = settled(&options, &lease);
            let bip = found.as_ref().map(|found| found.as_ref().map(|found| found.bip));
            let wanted = settles.map(|bip| bip.map(|bip| bip.parse().unwrap()));
            assert_eq!(bip.map_err(|unsettled| unsettled.path), wanted.map_err(Path::new));
        }
        assert_eq!(settled(&Foreign::Absent, &lease()), Ok(Some(derived)));
    }

    #[test]
    fn a_running_docker_tells_what_it_was_started_with() {
        let wanted = DockerOptions::of(&subnet(SUBNET).unwrap());
        for (arguments, same) in [
            ("dockerd --bip=172.30.80.1/21 --ip-masq=false --mtu=1450", Some(true)),
            ("dockerd -D --mtu=1450 --ip-masq=false --bip=172.30.80.1/21", Some(true)),
            ("dockerd --bip=172.30.80.1/21 --mtu=1450", Some(false)),
            ("dockerd --bip=172.30.88.1/21 --ip-masq=false --mtu=1450", Some(false)),
            ("dockerd", None),
            ("dockerd --bip", None),
        ] {
            let found = DockerOptions::of_arguments(arguments.split(' '));
            assert_eq!(found.map(|found| found.means(&wanted)), same, "{arguments}");
        }
    }

    #[test]
    fn the_forms_of_mk_docker_opts_are_all_read() {
        let combined = "DOCKER_NETWORK_OPTIONS=\" --bip=172.30.80.1/21 --mtu=1450 \"\n";
        for (form, text, ip_masq) in [
            ("-c", combined.to_owned(), true),
            ("no newline behind the quote", combined.trim_end().to_owned(), true),
            ("no quotes", combined.replace('"', ""), true),
            ("older flannel without ip-masq", format!("DOCKER_OPT_MTU=\"--mtu=1450\"\n{combined}"), true),
            ("comments", format!("# flannel\n\n{DOCKER}"), false),
        ] {
            assert_eq!(docker(&text).map(|options| options.ip_masq), Ok(ip_masq), "{form}");
        }
    }

    #[test]
    fn what_is_not_whole_is_named() {
        for (text, problem) in [
            ("", "it is empty"),
            ("\n# nothing\n", "it is empty"),
            (DOCKER.split("DOCKER_NETWORK").next().unwrap(), "DOCKER_NETWORK_OPTIONS is missing"),
            (DOCKER.strip_suffix("\"\n").unwrap(), "line 4: the closing quote is missing"),
            ("DOCKER_NETWORK_OPTIONS=--mtu=145", "line 1: the line is cut off"),
            ("DOCKER_NETWORK_OPTIONS=\" \"\n", "line 1: DOCKER_NETWORK_OPTIONS has no --bip"),
            ("DOCKER_NETWORK_OPTIONS=\"--bip=10.0.0.1/24\"\n", "line 1: DOCKER_NETWORK_OPTIONS has no --mtu"),
            ("DOCKER_OPTS=\" --bip=10.0.0.1/24 --mtu=1450\"\n", "line 1: DOCKER_OPTS is there instead of"),
            ("DOCKER_NETW", "line 1: this is not NAME=value"),
            ("docker_network=1\n", "line 1: this is not NAME=value"),
            (
                "DOCKER_NETWORK_OPTIONS=\"--bip=10.0.0.1/24 --dns=1.1.1.1\"\n",
                "line 1: '--dns' is not an option",
            ),
            ("DOCKER_NETWORK_OPTIONS=\"--bip 10.0.0.1/24\"\n", "line 1: '--bip' is not --flag=value"),
            ("DOCKER_NETWORK_OPTIONS=\"--mtu=1 --mtu=1450\"\n", "line 1: '1' is not an MTU"),
            ("DOCKER_NETWORK_OPTIONS=\"--mtu=1450 --mtu=1450\"\n", "line 1: --mtu is there twice"),
            ("DOCKER_NETWORK_OPTIONS=\"--mtu=+1450\"\n", "line 1: '+1450' is not an MTU"),
            ("DOCKER_NETWORK_OPTIONS=\"--ip-masq=1\"\n", "line 1: '1' is neither true nor false"),
            ("DOCKER_NETWORK_OPTIONS=\"--bip=10.0.0.0/24\"\n", "line 1: 10.0.0.0/24 is not an address that"),
            ("DOCKER_NETWORK_OPTIONS=\"--bip=10.0.0.1\"\n", "line 1: '10.0.0.1' is not an address with"),
            ("DOCKER_NETWORK_OPTIONS=\"$OTHER\"\n", "line 1: a quote or a substitution is inside"),
            ("\u{0}\u{0}\u{0}\n", "line 1: this is not NAME=value"),
            (
                &DOCKER.replacen("1450", "1400", 1),
                "line 3: DOCKER_OPT_MTU and DOCKER_NETWORK_OPTIONS do not agree",
            ),
            (
                &DOCKER.replacen("80.1", "88.1", 1),
                "line 1: DOCKER_OPT_BIP and DOCKER_NETWORK_OPTIONS do not agree",
            ),
            (&DOCKER.replacen("DOCKER_OPT_MTU", "DOCKER_OPT_DNS", 1), "line 3: DOCKER_OPT_DNS is not a name"),
            (&format!("{DOCKER}{DOCKER}"), "line 5: DOCKER_OPT_BIP is already on line 1"),
        ] {
            let found = docker(text).unwrap_err();
            assert!(found.starts_with(problem), "{text:?}: {found}");
        }
        for (text, problem) in [
            ("", "it is empty"),
            ("FLANNEL_NETWORK=172.30.0.0/16\n", "FLANNEL_SUBNET is missing"),
            (SUBNET.trim_end(), "line 4: the line is cut off"),
            (&SUBNET.replace("=1450", "=many"), "line 3: 'many' is not an MTU"),
            (&SUBNET.replace("0.0/16", "0.1/16"), "line 1: 172.30.0.1/16 has host bits set"),
            (&SUBNET.replace("172.30.80.1", "10.0.8.1"), "line 2: 10.0.8.1/21 is not inside 172.30.0.0/16"),
            (&SUBNET.replace("=true", "=yes"), "line 4: 'yes' is neither true nor false"),
            (&format!("{SUBNET}PATH=/x\n"), "line 5: PATH is not one of flannel's names"),
        ] {
            let found = subnet(text).unwrap_err();
            assert!(found.starts_with(problem), "{text:?}: {found}");
        }
        assert!(subnet(&format!("{SUBNET}FLANNEL_IPV6_NETWORK=fd00::/48\n")).is_ok());
    }

    fn lease() -> impl Strategy<Value = SubnetEnv> {
        (0..=255_u8, 0..32_u8, 68..=65535_u32, any::<bool>()).prop_map(|(site, node, mtu, ip_masq)| {
            SubnetEnv {
                network: Ipv4Net::new_assert(Ipv4Addr::new(10, site, 0, 0), 16),
                subnet: Ipv4Net::new_assert(Ipv4Addr::new(10, site, node * 8, 1), 21),
                mtu,
                ip_masq,
            }
        })
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in "\\PC*", line in "([A-Z_]{1,8}=\"?[ -~]{0,20}\"?\n?){0,4}") {
            for text in [text, line] {
                let _ = (docker(&text), subnet(&text));
            }
        }

        #[test]
        fn half_a_file_is_never_another_value(lease in lease(), cut in any::<proptest::sample::Index>()) {
            let text = format!(
                "FLANNEL_NETWORK={}\nFLANNEL_SUBNET={}\nFLANNEL_IPMASQ={}\nFLANNEL_MTU={}\n",
                lease.network, lease.subnet, lease.ip_masq, lease.mtu
            );
            prop_assert_eq!(subnet(&text), Ok(lease.clone()));
            prop_assert!(subnet(&text[..cut.index(text.len())]).is_err());

            let options = DockerOptions::of(&lease).line;
            for text in [
                format!("DOCKER_OPT_MTU=\"--mtu={}\"\nDOCKER_NETWORK_OPTIONS=\"{options}\"\n", lease.mtu),
                format!("DOCKER_NETWORK_OPTIONS={options}\n"),
            ] {
                let whole = docker(&text);
                prop_assert_eq!(whole.as_ref().map(|options| options.bip), Ok(lease.subnet));
                let half = docker(&text[..cut.index(text.len())]);
                prop_assert!(half.is_err() || half == whole);
            }
        }
    }
}
