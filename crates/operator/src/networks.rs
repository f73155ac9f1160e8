//! Where a scoring endpoint may lie. A tenant chooses a virtual network's prefix and must not be able to aim the probe at
//! the cluster.

use crate::kubernetes;
use ipnet::Ipv4Net;
use k8s_openapi::api::networking::v1::ServiceCIDR;
use kube::{Api, api::ListParams};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{PoisonError, RwLock},
};

/// This host, link-local (with the metadata service of clouds), multicast and reserved (IANA IPv4 Special-Purpose
/// Address Registry).
const NEVER: [(Ipv4Addr, u8); 5] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The allowed networks and the refused ones.
#[derive(Debug)]
pub struct Networks {
    scoring: Vec<Ipv4Net>,
    fixed: Vec<Ipv4Net>,
    api_server: String,
    learnt: RwLock<Vec<Ipv4Net>>,
}

impl Networks {
    /// `api_server` is `host:port`, empty when there is none to refuse.
    pub fn new(scoring: Vec<Ipv4Net>, cluster: &[Ipv4Net], api_server: String) -> Self {
        let never = NEVER.iter().filter_map(|(address, length)| Ipv4Net::new(*address, *length).ok());
        let fixed = never.chain(cluster.iter().copied()).collect();
        Self { scoring, fixed, api_server, learnt: RwLock::default() }
    }

    /// Networks in which an endpoint may lie.
    pub fn scoring(&self) -> &[Ipv4Net] {
        &self.scoring
    }

    /// Networks in which it may not.
    pub fn refused(&self) -> Vec<Ipv4Net> {
        let learnt = self.learnt.read().unwrap_or_else(PoisonError::into_inner);
        self.fixed.iter().chain(learnt.iter()).copied().collect()
    }

    /// Whether the probe may dial an address.
    pub fn allows(&self, address: Ipv4Addr) -> bool {
        self.scoring.iter().any(|network| network.contains(&address))
            && !self.refused().iter().any(|network| network.contains(&address))
    }

    /// Reads the service networks of the cluster and the addresses of its API server.
    ///
    /// # Errors
    /// What could not be read, and what to do. What was learnt before stays.
    pub async fn learn(&self, kube: &kube::Client) -> Result<(), String> {
        let found = Api::<ServiceCIDR>::all(kube.clone()).list(&ListParams::default()).await;
        let found = found.map_err(|error| kubernetes::failure("ServiceCIDRs can't be listed", &error).message)?;
        let services =
            found.items.into_iter().filter_map(|one| one.spec).flat_map(|spec| spec.cidrs.unwrap_or_default());
        let mut learnt: Vec<Ipv4Net> = services.filter_map(|cidr| cidr.parse().ok()).collect();
        learnt.extend(self.api_server_addresses().await?);
        *self.learnt.write().unwrap_or_else(PoisonError::into_inner) = learnt;
        Ok(())
    }

    async fn api_server_addresses(&self) -> Result<Vec<Ipv4Net>, String> {
        if self.api_server.is_empty() {
            return Ok(Vec::new());
        }
        let found = tokio::net::lookup_host(&self.api_server).await;
        let found = found
            .map_err(|error| format!("the address of the API server {} can't be found: {error}", self.api_server))?;
        let v4 = found.filter_map(|address| match address.ip() {
            IpAddr::V4(address) => Some(Ipv4Net::from(address)),
            IpAddr::V6(_) => None,
        });
        Ok(v4.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::{Mock, list};
    use serde_json::json;

    #[tokio::test]
    async fn refuses_what_the_cluster_uses() {
        let mock = Mock::new(|request| {
            assert_eq!(request.line(), "GET /apis/networking.k8s.io/v1/servicecidrs");
            list(json!([{"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/12", "fd00::/108"]}}]))
        });
        let parse = |text: &str| text.parse().unwrap();
        let networks = Networks::new(
            vec![parse("10.0.0.0/8"), parse("127.0.0.0/8")],
            &[parse("10.244.0.0/16")],
            "10.0.0.1:6443".into(),
        );
        assert!(networks.allows(Ipv4Addr::new(10, 96, 0, 10)), "nothing is learnt yet");
        networks.learn(&mock.client()).await.unwrap();
        for (address, allowed) in [
            ("10.0.1.4", true),
            ("10.0.0.1", false),
            ("10.96.0.10", false),
            ("10.244.3.4", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("192.168.0.4", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(networks.allows(address.parse().unwrap()), allowed, "{address}");
        }
    }
}
