//! Names to addresses.

use super::public::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Finds what the system finds, and loopback for the names that are reserved for it.
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if is_localhost(name.as_str()) {
                let loopback = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
                return Ok(Box::new(loopback.into_iter()) as Addrs);
            }
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Finds public addresses only.
pub(super) struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = match is_localhost(name.as_str()) {
                true => Vec::new(),
                false => tokio::net::lookup_host((name.as_str(), 0)).await?.collect(),
            };
            if found.is_empty() || !found.iter().all(|address| is_public(address.ip())) {
                return Err(format!("{} has an address that is not public, and is not dialled", name.as_str()).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether the host is a name. Forms such as `2130706433` and `0x7f.1` are addresses (URL Standard, "host parsing").
pub(super) fn is_name(uri: &http::Uri) -> bool {
    let url = url::Url::parse(&uri.to_string());
    url.is_ok_and(|url| matches!(url.host(), Some(url::Host::Domain(_))))
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_reserved_names_are_loopback() {
        for (name, expected) in [
            ("localhost", true),
            ("a.blob.LOCALHOST.", true),
            ("localhost.example.org", false),
            ("notlocalhost", false),
            ("", false),
        ] {
            assert_eq!(is_localhost(name), expected, "{name}");
        }
    }
}
