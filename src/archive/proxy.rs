//! Which proxy a URL is fetched through.
//!
//! As curl and most others do it: a proxy for each scheme, and a list of hosts that are
//! reached without one. An entry of the list is a host, which stands for its subdomains
//! too, an address, a network such as 10.0.0.0/8, or `*`; a port narrows it.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

/// The proxies, as they were written.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For https URLs.
    pub https: Option<String>,
    /// For http URLs.
    pub http: Option<String>,
    /// What is reached without one.
    pub none_for: Vec<String>,
}

/// A proxy's URL may hold a password.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").field("none_for", &self.none_for).finish_non_exhaustive()
    }
}

impl Proxies {
    /// The proxy for `uri`, and for where it redirects to; none for a direct connection.
    /// The error is what is wrong with the proxy's URL.
    pub(super) fn for_uri(&self, uri: &Uri) -> Result<Option<Proxy>, &'static str> {
        let text = match uri.scheme_str() {
            Some("https") => self.https.as_deref(),
            _ => self.http.as_deref(),
        };
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
        let parsed = Proxy::new(text).map_err(|_| "it is not a URL such as http://proxy.example.com:3128")?;
        let protocol = parsed.protocol();
        if !matches!(protocol, ProxyProtocol::Http | ProxyProtocol::Https) {
            return Err("a proxy is spoken to in http or https, and in nothing else");
        }
        let mut builder = Proxy::builder(protocol).host(parsed.host()).port(parsed.port());
        builder = parsed.username().map(str::to_owned).into_iter().fold(builder, |b, user| b.username(&user));
        builder = parsed.password().map(str::to_owned).into_iter().fold(builder, |b, word| b.password(&word));
        // ureq asks these for every redirect; what it cannot match was matched here.
        builder = self.none_for.iter().fold(builder, |builder, entry| builder.no_proxy(entry));
        if let Some(host) = uri.host().filter(|_| self.spares(uri)) {
            builder = builder.no_proxy(host);
        }
        builder.build().map(Some).map_err(|_| "it is not a URL such as http://proxy.example.com:3128")
    }

    /// Whether `uri` is reached without a proxy.
    fn spares(&self, uri: &Uri) -> bool {
        let Some(host) = uri.host() else { return false };
        let port = uri.port_u16().or(match uri.scheme_str() {
            Some("https") => Some(443),
            _ => Some(80),
        });
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        self.none_for.iter().any(|entry| matches(entry, &host, port))
    }
}

fn matches(entry: &str, host: &str, port: Option<u16>) -> bool {
    let entry = entry.trim().to_ascii_lowercase();
    let (name, only) = match entry.rsplit_once(':') {
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => match digits.parse::<u16>() {
            Ok(only) => (name, Some(only)),
            Err(_) => return false,
        },
        _ => (entry.as_str(), None),
    };
    if only.is_some() && only != port {
        return false;
    }
    let name = name.trim_start_matches('[').trim_end_matches(']');
    if name == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return name.parse::<IpAddr>().is_ok_and(|own| own == address)
            || name.parse::<IpNet>().is_ok_and(|net| net.contains(&address));
    }
    let name = name.trim_start_matches('*').trim_start_matches('.');
    !name.is_empty() && (host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_spared_by_name_address_network_and_port() {
        for (entry, url, spared) in [
            ("example.com", "http://example.com/x", true),
            ("example.com", "http://EXAMPLE.com/x", true),
            ("example.com", "http://a.example.com/x", true),
            (".example.com", "http://a.example.com/x", true),
            ("*.example.com", "http://a.b.example.com/x", true),
            ("example.com", "http://badexample.com/x", false),
            ("example.com:8080", "http://example.com:8080/x", true),
            ("example.com:8080", "http://example.com/x", false),
            ("example.com:80", "http://example.com/x", true),
            ("example.com:443", "https://example.com/x", true),
            ("10.0.0.0/8", "http://10.1.2.3/x", true),
            ("10.0.0.0/8", "http://11.1.2.3/x", false),
            ("10.1.2.3", "http://10.1.2.3:8080/x", true),
            ("fd00::/8", "http://[fd00::1]:8080/x", true),
            ("::1", "http://[::1]/x", true),
            ("[::1]:80", "http://[::1]/x", true),
            ("0.0.1", "http://10.0.0.1/x", false),
            ("*", "https://example.com/x", true),
            ("", "https://example.com/x", false),
            (".", "https://example.com/x", false),
            ("example.com:x", "https://example.com/x", false),
        ] {
            let proxies = Proxies { none_for: vec![entry.to_owned()], ..Proxies::default() };
            assert_eq!(proxies.spares(&url.parse().unwrap()), spared, "{entry} {url}");
        }
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let proxies = Proxies {
            https: Some("http://user:p%40ss@one:3128".to_owned()),
            http: Some("two:3128".to_owned()),
            none_for: vec!["spared.example.com".to_owned()],
        };
        let proxy = |url: &str| proxies.for_uri(&url.parse().unwrap()).unwrap().unwrap();
        let https = proxy("https://a/x");
        assert_eq!((https.host(), https.port(), https.password()), ("one", 3128, Some("p@ss")));
        assert_eq!(proxy("http://a/x").host(), "two");
        let spared: Uri = "https://sub.spared.example.com/x".parse().unwrap();
        assert!(proxies.for_uri(&spared).unwrap().unwrap().is_no_proxy(&spared));
        assert!(!format!("{proxies:?}").contains("p%40ss"));
        for wrong in ["socks5://one:1080", "http://", "ftp://one", "http://a b"] {
            let proxies = Proxies { http: Some(wrong.to_owned()), ..Proxies::default() };
            assert!(proxies.for_uri(&"http://a/x".parse().unwrap()).is_err(), "{wrong}");
        }
        assert!(Proxies::default().for_uri(&"http://a/x".parse().unwrap()).unwrap().is_none());
    }
}
