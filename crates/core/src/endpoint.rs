//! Where a web service answers, and whether that may be believed.

use crate::{failure::Cause, observed::Settings};
use acivnet_api::conditions::reasons;
use ipnet::Ipv4Net;
use serde_json::Value;
use std::net::Ipv4Addr;

/// A checked endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// Private address.
    pub ip: Ipv4Addr,
    /// Where to POST.
    pub scoring_uri: String,
    /// The OpenAPI document.
    pub swagger_uri: String,
}

/// The endpoint of a web service that is ours. `Ok(None)`: Azure names none yet.
///
/// A tenant chooses the prefix of the network and must not be able to aim our probe at the cluster: the address must be
/// IPv4, inside the subnet, inside the networks the administrator allows, and in none of those that are refused; the
/// port must be 80 or 443.
pub fn of(service: &Value, subnet_prefix: &str, settings: &Settings) -> Result<Option<Address>, Cause> {
    let Some(uri) = service.get("scoringUri").and_then(Value::as_str).filter(|uri| !uri.is_empty()) else {
        return Ok(None);
    };
    let outside = |why: &str| {
        Cause::person(
            reasons::ADDRESS_OUTSIDE_SUBNET,
            format!("Azure names the scoring URI {}, {why}", crate::scrub::clean(uri)),
        )
    };
    let ip =
        split(uri).ok_or_else(|| outside("which is not of the form http://{IPv4 address}/{path} on port 80 or 443"))?;
    let prefix: Ipv4Net = subnet_prefix.parse().map_err(|_| outside("and the subnet's prefix can't be read"))?;
    if !prefix.contains(&ip) {
        return Err(outside(&format!("outside the subnet {subnet_prefix}")));
    }
    if !settings.scoring_networks.iter().any(|network| network.contains(&ip)) {
        return Err(outside("outside the networks that the administrator allows (--scoring-networks)"));
    }
    if never(ip) || settings.refused_networks.iter().any(|network| network.contains(&ip)) {
        return Err(Cause::person(
            reasons::ADDRESS_NOT_ALLOWED,
            format!("{ip} belongs to the cluster or is never an endpoint; use another prefix for the subnet"),
        ));
    }
    let base = uri.rsplit_once('/').map_or(uri, |(base, _)| base);
    Ok(Some(Address { ip, scoring_uri: uri.to_owned(), swagger_uri: format!("{base}/swagger.json") }))
}

/// The address in a URI of the one form that is believed.
fn split(uri: &str) -> Option<Ipv4Addr> {
    let (standard, rest) = match uri.strip_prefix("http://") {
        Some(rest) => ("80", rest),
        None => ("443", uri.strip_prefix("https://")?),
    };
    let (authority, path) = rest.split_once('/')?;
    let (host, port) = authority.split_once(':').unwrap_or((authority, standard));
    let sound = matches!(port, "80" | "443") && path.chars().all(|c| c.is_ascii_alphanumeric() || "/-._~".contains(c));
    host.parse().ok().filter(|_| sound)
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
    use serde_json::json;

    #[test]
    fn table() {
        let net = |text: &str| text.parse().unwrap();
        let settings = Settings {
            scoring_networks: vec![net("10.0.0.0/8"), net("169.254.0.0/16"), net("127.0.0.0/8")],
            refused_networks: vec![net("10.96.0.0/16")],
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
            let got = of(&json!({"scoringUri": uri}), prefix, &settings);
            match expected {
                Ok(swagger) => assert_eq!(got.unwrap().unwrap().swagger_uri, swagger, "{uri}"),
                Err(reason) => assert_eq!(got.unwrap_err().reason, reason, "{uri}"),
            }
        }
        assert_eq!(of(&json!({"scoringUri": null}), "10.0.1.0/24", &settings), Ok(None));
    }
}
