//! Addresses of hosts, as the node knows them.
//!
//! Asked of getent(1) and not of this program's own libc: that one is linked into it, and
//! would load the node's name service modules, which are made for another. What comes of
//! it is a crash (seen: SIGFPE with `myhostname` in nsswitch.conf), and a lookup of our
//! own would not know what the node knows from `resolve`, `mdns` or `sss`.

use std::net::IpAddr;
use std::time::Duration;

use tokio::runtime::Builder;

use super::exec::Program;
use crate::{Error, Result};

/// getent's exit code for a key that it does not find.
const NOT_FOUND: i32 = 2;

/// The addresses of `host`, best first; none if there is no such host.
pub fn addresses(host: &str, limit: Duration) -> Result<Vec<IpAddr>> {
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse() {
        return Ok(vec![address]);
    }
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Error::io("set up", "the runtime"))?;
    match Program::new("getent").args(["ahosts", "--", host]).within(limit).run(&runtime) {
        Ok(output) => Ok(parse(&output.stdout)),
        Err(Error::Program { code: Some(NOT_FOUND), .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// `93.184.215.14   STREAM example.com`, and the same for other types of socket.
fn parse(text: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for address in text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_their_order() {
        let text = "::1             STREAM localhost\n::1             DGRAM  \n127.0.0.1       STREAM \n\
                    fe80::1%eth0    STREAM \nnonsense\n";
        assert_eq!(parse(text), ["::1".parse::<IpAddr>().unwrap(), "127.0.0.1".parse().unwrap()]);
    }

    #[test]
    fn a_host_is_known_or_not() {
        let limit = Duration::from_secs(30);
        assert!(addresses("localhost", limit).unwrap().iter().any(IpAddr::is_loopback));
        assert_eq!(addresses("192.0.2.1", limit).unwrap(), ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(addresses("[2001:db8::1]", limit).unwrap(), ["2001:db8::1".parse::<IpAddr>().unwrap()]);
        assert_eq!(addresses("no.such.host.invalid", limit).unwrap(), Vec::<IpAddr>::new());
        assert_eq!(addresses("--help", limit).unwrap(), Vec::<IpAddr>::new());
    }
}
