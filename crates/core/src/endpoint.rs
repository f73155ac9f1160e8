//! Where a service answers, and whether Azure's answer about it can be trusted.

use crate::{failure::Cause, observed::Settings};
use acivnet_api::conditions::reasons;
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// Longest scoring URI, in bytes: below the status's bound of 2,048 with room for the OpenAPI document's path.
const LONGEST: usize = 1500;

/// A checked endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// Private address.
    pub ip: Ipv4Addr,
    /// Whether to connect to the address with TLS and verify the name in the URI.
    pub tls: bool,
    /// Where to POST.
    pub scoring_uri: String,
    /// The OpenAPI document.
    pub swagger_uri: String,
}

/// Azure's statements about an endpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stated<'a> {
    /// Where to POST.
    pub uri: &'a str,
    /// The host name, with TLS.
    pub hostname: Option<&'a str>,
    /// The private address, if Azure states it apart from the URI.
    pub address: Option<&'a str>,
}

/// Checks the endpoint of a service of ours. `Ok(None)`: Azure has none yet.
///
/// A tenant chooses the prefix of the network and must not be able to aim our probe at the cluster: the address must be
/// IPv4, inside the subnet, inside the networks the administrator allows, and in none of those that are refused; the
/// port must be 80 or 443.
///
/// With TLS the URI shown is that of the host name. The private address comes from the URI or from beside it, and is
/// checked in the same way.
pub fn of(told: Option<Stated<'_>>, subnet_prefix: &str, settings: &Settings) -> Result<Option<Address>, Cause> {
    let Some(told) = told.filter(|told| !told.uri.is_empty()) else { return Ok(None) };
    let uri = told.uri;
    let outside = |why: &str| {
        Cause::person(
            reasons::ADDRESS_OUTSIDE_SUBNET,
            format!("Azure gives the scoring URI {}, {why}", crate::scrub::clean(uri)),
        )
    };
    let form = || outside("which does not have the form http://{IPv4 address}/{path} on port 80 or 443");
    let (host, path) = split(uri).ok_or_else(form)?;
    let hostname = hostname(&told).filter(|_| uri.starts_with("https://"));
    let ip = match (host.parse(), hostname) {
        (Ok(ip), _) => ip,
        (Err(_), Some(hostname)) if host.eq_ignore_ascii_case(hostname) => {
            told.address.and_then(|address| address.parse().ok()).ok_or_else(|| unknown(hostname))?
        }
        (Err(_), _) => return Err(form()),
    };
    let prefix: Ipv4Net = subnet_prefix.parse().map_err(|_| outside("and the subnet's prefix can't be read"))?;
    if !prefix.contains(&ip) {
        return Err(outside(&format!("which is outside the subnet {subnet_prefix}")));
    }
    if !settings.scoring_networks.iter().any(|network| network.contains(&ip)) {
        return Err(outside("which is outside the networks that the administrator allows (--scoring-networks)"));
    }
    if never(ip) || settings.refused_networks.iter().any(|network| network.contains(&ip)) {
        return Err(Cause::person(
            reasons::ADDRESS_NOT_ALLOWED,
            format!("{ip} belongs to the cluster or is never an endpoint; use another prefix for the subnet"),
        ));
    }
    let scoring_uri = hostname.map_or_else(|| uri.to_owned(), |hostname| format!("https://{hostname}/{path}"));
    let base = scoring_uri.rsplit_once('/').map_or(&*scoring_uri, |(base, _)| base);
    let swagger_uri = format!("{base}/swagger.json");
    Ok(Some(Address { ip, tls: hostname.is_some(), scoring_uri, swagger_uri }))
}

/// The host name, if it is one and not an address.
fn hostname<'a>(told: &Stated<'a>) -> Option<&'a str> {
    let sound = |name: &&str| name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-.".contains(&c));
    // a name whose last label is a number is an address in one of its spellings
    let is_name =
        |name: &&str| name.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_alphabetic()));
    told.hostname.filter(sound).filter(is_name)
}

fn unknown(hostname: &str) -> Cause {
    let message = format!(
        "Azure gives the scoring URI by {hostname} without an address, so it can be neither checked nor probed; remove \
         spec.tls, and terminate TLS at a gateway in the virtual network"
    );
    Cause::person(reasons::ADDRESS_UNKNOWN, message)
}

/// Host and path of a URI, if it has the only form that is accepted.
fn split(uri: &str) -> Option<(&str, &str)> {
    let (standard, rest) = match uri.strip_prefix("http://") {
        Some(rest) => ("80", rest),
        None => ("443", uri.strip_prefix("https://")?),
    };
    let (authority, path) = rest.split_once('/')?;
    let (host, port) = authority.split_once(':').unwrap_or((authority, standard));
    let sound = uri.len() <= LONGEST
        && matches!(port, "80" | "443")
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "/-._~".contains(c));
    sound.then_some((host, path))
}

/// Loopback, link-local (the metadata service), unspecified, multicast, broadcast, and Azure's platform address.
fn never(ip: Ipv4Addr) -> bool {
    ip.is_loopback()
        || ip.is_link_local()
        || ip.is_unspecified()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip == Ipv4Addr::new(168, 63, 129, 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(uri: &str) -> Stated<'_> {
        Stated { uri, hostname: None, address: None }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn table() {
        let net = |text: &str| text.parse().unwrap();
        let settings = Settings {
            scoring_networks: vec![net("10.0.0.0/8"), net("169.254.0.0/16"), net("127.0.0.0/8")],
            refused_networks: [net("10.96.0.0/16")].into(),
            ..Settings::default()
        };
        for (uri, prefix, expected) in [
            ("http://10.0.1.4/score", "10.0.1.0/24", Ok("http://10.0.1.4/swagger.json")),
            ("http://10.0.1.4:80/score", "10.0.1.0/24", Ok("http://10.0.1.4:80/swagger.json")),
            ("https://10.0.1.4/score", "10.0.1.0/24", Ok("https://10.0.1.4/swagger.json")),
            ("http://10.0.2.4/score", "10.0.1.0/24", Err(reasons::ADDRESS_OUTSIDE_SUBNET)),
            ("http://192.168.0.4/score", "192.168.0.0/24", Err(reasons::ADDRESS_OUTSIDE_SUBNET)),
            ("http://10.96.0.1/score", "10.96.0.0/16", Err(reasons::ADDRESS_NOT_ALLOWED)),
            ("http://169.254.169.254/metadata", "169.254.0.0/16", Err(reasons::ADDRESS_NOT_ALLOWED)),
            ("http://127.0.0.1/score", "127.0.0.0/8", Err(reasons::ADDRESS_NOT_ALLOWED)),
            ("http://10.0.1.4:6443/score", "10.0.1.0/24", Err(reasons::ADDRESS_OUTSIDE_SUBNET)),
            ("http://10.0.1.4@evil/score", "10.0.1.0/24", Err(reasons::ADDRESS_OUTSIDE_SUBNET)),
            ("http://evil/score", "10.0.1.0/24", Err(reasons::ADDRESS_OUTSIDE_SUBNET)),
            ("http://[::1]/score", "10.0.1.0/24", Err(reasons::ADDRESS_OUTSIDE_SUBNET)),
        ] {
            let got = of(Some(at(uri)), prefix, &settings);
            match expected {
                Ok(swagger) => assert_eq!(got.unwrap().unwrap().swagger_uri, swagger, "{uri}"),
                Err(reason) => assert_eq!(got.unwrap_err().reason, reason, "{uri}"),
            }
        }
        for (uri, public, expected) in [
            ("https://a.corp/score", Some("10.0.1.4"), Ok("https://a.corp/swagger.json")),
            ("https://10.0.1.4/score", None, Ok("https://a.corp/swagger.json")),
            ("https://10.0.1.4:443/score", None, Ok("https://a.corp/swagger.json")),
            ("https://a.corp/score", None, Err(reasons::ADDRESS_UNKNOWN)),
            ("https://a.corp/score", Some("52.1.2.3"), Err(reasons::ADDRESS_OUTSIDE_SUBNET)),
            ("https://b.corp/score", Some("10.0.1.4"), Err(reasons::ADDRESS_OUTSIDE_SUBNET)),
            ("http://a.corp/score", Some("10.0.1.4"), Err(reasons::ADDRESS_OUTSIDE_SUBNET)),
            ("https://a.corp:6443/score", Some("10.0.1.4"), Err(reasons::ADDRESS_OUTSIDE_SUBNET)),
        ] {
            let told = Stated { uri, hostname: Some("a.corp"), address: public };
            match (of(Some(told), "10.0.1.0/24", &settings), expected) {
                (Ok(Some(address)), Ok(swagger)) => assert!(address.tls && address.swagger_uri == swagger, "{uri}"),
                (got, expected) => assert_eq!(got.map(|_| "").map_err(|cause| cause.reason), expected, "{uri}"),
            }
        }
        for told in [None, Some(at(""))] {
            assert_eq!(of(told, "10.0.1.0/24", &settings), Ok(None));
        }
        for cname in ["10.96.0.1", "2130706433", "a.0x7f000001", "169.254.169.254", ""] {
            let told = Stated { hostname: Some(cname), ..at("https://10.0.1.4/score") };
            let address = of(Some(told), "10.0.1.0/24", &settings).unwrap().unwrap();
            assert_eq!((address.tls, address.scoring_uri.as_str()), (false, "https://10.0.1.4/score"), "{cname}");
        }
    }
}
