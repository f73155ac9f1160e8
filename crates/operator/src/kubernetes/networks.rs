//! Where a scoring endpoint may lie. A tenant chooses a virtual network's prefix and must not be able to aim the probe at
//! the cluster: its Services, its API server, its nodes and its Pods.

use crate::kubernetes;
use ipnet::{IpNet, Ipv4Net};
use k8s_openapi::api::{core::v1::Node, discovery::v1::EndpointSlice, networking::v1::ServiceCIDR};
use kube::{
    Api,
    api::ListParams,
    core::{ApiResource, Object},
};
use serde::Deserialize;
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError, RwLock},
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
/// Nodes in a page of their list: a page is held whole while it is read, at about 15 KB a node.
pub(crate) const PAGE: u32 = 50;
/// Most pages that are read: enough for 100,000 nodes.
pub(crate) const MOST_PAGES: usize = 2_000;
/// Most networks that are kept apart. Beyond that, larger ones take their place, and neighbours are refused as well.
pub(crate) const MOST: usize = 4_096;

/// The allowed networks and the refused ones.
#[derive(Debug)]
pub struct Networks {
    scoring: Vec<Ipv4Net>,
    /// Networks that never hold an endpoint, and those that the administrator names.
    fixed: Vec<Ipv4Net>,
    /// The administrator named networks of the cluster.
    named: bool,
    api_server: String,
    now: RwLock<Refused>,
    /// What an operator with rights in some namespaces only may not read of the cluster.
    untold: Option<Mutex<BTreeSet<&'static str>>>,
}

#[derive(Clone, Debug)]
struct Refused {
    networks: Arc<[Ipv4Net]>,
    pods_known: bool,
}

/// What is read of a node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeSpec {
    #[serde(rename = "podCIDR")]
    pod_cidr: Option<String>,
    #[serde(rename = "podCIDRs")]
    pod_cidrs: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    addresses: Vec<NodeAddress>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NodeAddress {
    address: String,
}

/// What was learnt about the cluster.
#[derive(Default)]
struct Learnt {
    networks: Vec<Ipv4Net>,
    /// The nodes said where their Pods are.
    pods: bool,
}

impl Networks {
    /// `api_server` is `host:port`, empty when there is none to refuse.
    pub fn new(scoring: Vec<Ipv4Net>, cluster: &[IpNet], api_server: String) -> Self {
        let never = NEVER.iter().filter_map(|(address, length)| Ipv4Net::new(*address, *length).ok());
        let named: Vec<Ipv4Net> = cluster.iter().copied().filter_map(v4).collect();
        let pods_known = !named.is_empty();
        let fixed: Vec<Ipv4Net> = never.chain(named).collect();
        let now = RwLock::new(Refused { networks: few(fixed.clone()), pods_known });
        Self { scoring, fixed, named: pods_known, api_server, now, untold: None }
    }

    /// For an operator that has rights in some namespaces only. What it may not read of the cluster is logged once, stays
    /// unknown, and is not asked for again.
    pub fn with_rights_of_namespaces(self) -> Self {
        Self { untold: Some(Mutex::default()), ..self }
    }

    /// Networks in which an endpoint may lie.
    pub fn scoring(&self) -> &[Ipv4Net] {
        &self.scoring
    }

    /// Networks in which it may not.
    pub fn refused(&self) -> Arc<[Ipv4Net]> {
        self.read().networks
    }

    /// Whether it is known where the cluster's Pods are, from the administrator or from the nodes.
    pub fn pods_known(&self) -> bool {
        self.read().pods_known
    }

    /// Whether the probe may dial an address.
    pub fn allows(&self, address: Ipv4Addr) -> bool {
        self.scoring.iter().any(|network| network.contains(&address))
            && !self.refused().iter().any(|network| network.contains(&address))
    }

    /// Reads the cluster's service networks, the addresses of its API server, and those of its nodes and their Pods. Without
    /// the right to read nodes, their networks stay unknown and the log says so.
    ///
    /// # Errors
    /// What could not be read, and what to do. What was learnt before stays.
    pub async fn learn(&self, kube: &kube::Client) -> Result<(), String> {
        let (services, nodes, api_servers) = futures::try_join!(
            self.told("ServiceCIDRs can't be listed", true, services(kube)),
            self.told("nodes can't be listed", false, nodes(kube)),
            self.told("EndpointSlice default/kubernetes can't be read", false, api_servers(kube)),
        )?;
        let Learnt { mut networks, pods } = nodes;
        networks.extend(services.into_iter().chain(api_servers).chain(self.api_server_addresses().await?));
        networks.extend(&self.fixed);
        let refused = Refused { networks: few(networks), pods_known: self.named || pods };
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = refused;
        Ok(())
    }

    /// What a read found, or nothing where the right is missing and work goes on without it.
    async fn told<T: Default>(
        &self,
        unread: &'static str,
        needed: bool,
        read: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, String> {
        let untold = || self.untold.as_ref().map(|untold| untold.lock().unwrap_or_else(PoisonError::into_inner));
        if untold().is_some_and(|untold| untold.contains(unread)) {
            return Ok(T::default());
        }
        let error = match read.await {
            Ok(told) => return Ok(told),
            Err(error) => error,
        };
        let message = kubernetes::failure(unread, &error).message;
        match untold() {
            _ if kubernetes::status(&error) != 403 => return Err(message),
            None if needed => return Err(message),
            None => tracing::warn!("{message}"),
            Some(mut untold) => {
                untold.insert(unread);
                tracing::warn!("{message}; what it would tell has to be in --cluster-networks");
            }
        }
        Ok(T::default())
    }

    fn read(&self) -> Refused {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn api_server_addresses(&self) -> Result<Vec<Ipv4Net>, String> {
        if self.api_server.is_empty() {
            return Ok(Vec::new());
        }
        let found = tokio::net::lookup_host(&self.api_server).await;
        let found = found
            .map_err(|error| format!("the address of the API server {} can't be found: {error}", self.api_server))?;
        Ok(found.filter_map(|address| v4(IpNet::from(address.ip()))).collect())
    }
}

async fn services(kube: &kube::Client) -> Result<Vec<Ipv4Net>, kube::Error> {
    let found = Api::<ServiceCIDR>::all(kube.clone()).list(&ListParams::default()).await?;
    let services = found.items.into_iter().filter_map(|one| one.spec).flat_map(|spec| spec.cidrs.unwrap_or_default());
    Ok(services.filter_map(|cidr| network(&cidr)).collect())
}

/// Page by page, and only the fields that are needed: nodes are large, and there may be many.
async fn nodes(kube: &kube::Client) -> Result<Learnt, kube::Error> {
    let mut learnt = Learnt::default();
    let api = Api::<Object<NodeSpec, NodeStatus>>::all_with(kube.clone(), &ApiResource::erase::<Node>(&()));
    let mut params = ListParams::default().limit(PAGE);
    for _ in 0..MOST_PAGES {
        let page = api.list(&params).await?;
        for node in page.items {
            let pods: Vec<Ipv4Net> =
                node.spec.pod_cidrs.iter().chain(&node.spec.pod_cidr).filter_map(|cidr| network(cidr)).collect();
            learnt.pods |= !pods.is_empty();
            let addresses = node.status.unwrap_or_default().addresses;
            learnt.networks.extend(pods);
            learnt.networks.extend(addresses.iter().filter_map(|one| network(&one.address)));
        }
        let Some(next) = page.metadata.continue_.filter(|next| !next.is_empty()) else { return Ok(learnt) };
        params = params.continue_token(&next);
    }
    Err(kube::Error::Service("the list does not end".into()))
}

/// The API servers behind the Service `kubernetes`, which register themselves under that name.
async fn api_servers(kube: &kube::Client) -> Result<Vec<Ipv4Net>, kube::Error> {
    let found = Api::<EndpointSlice>::namespaced(kube.clone(), "default").get_opt("kubernetes").await?;
    let addresses = found.into_iter().flat_map(|slice| slice.endpoints).flat_map(|endpoint| endpoint.addresses);
    Ok(addresses.filter_map(|address| network(&address)).collect())
}

/// The IPv4 addresses of a network or an address in text.
fn network(text: &str) -> Option<Ipv4Net> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)).and_then(v4)
}

/// The IPv4 addresses of a network, those among IPv6 ones included (`::ffff:0:0/96`, RFC 4291, 2.5.5.2).
fn v4(network: IpNet) -> Option<Ipv4Net> {
    match network {
        IpNet::V4(network) => Some(network.trunc()),
        IpNet::V6(network) => {
            let mapped = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped();
            match (network.addr().to_ipv4_mapped(), network.prefix_len().checked_sub(96)) {
                (Some(address), Some(length)) => Ipv4Net::new(address, length).ok().map(|network| network.trunc()),
                _ if network.contains(&mapped) => Some(Ipv4Net::default()),
                _ => None,
            }
        }
    }
}

/// Networks without those inside others. If there are too many, larger ones take their place: better to refuse too much
/// than too little.
fn few(networks: Vec<Ipv4Net>) -> Arc<[Ipv4Net]> {
    let mut few = Ipv4Net::aggregate(&networks);
    for length in [28, 24, 20, 16, 8] {
        if few.len() > MOST {
            let wider = |one: &Ipv4Net| Ipv4Net::new(one.addr(), one.prefix_len().min(length)).unwrap_or(*one).trunc();
            few = Ipv4Net::aggregate(&few.iter().map(wider).collect::<Vec<_>>());
        }
    }
    few.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::mock::{Mock, found, list, refused};
    use serde_json::{Value, json};

    fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
        text.parse().unwrap()
    }

    fn cluster(nodes: impl Fn(&str) -> crate::kubernetes::mock::Answer + Send + Sync + 'static) -> Mock {
        Mock::new(move |request| match request.path.as_str() {
            "/apis/networking.k8s.io/v1/servicecidrs" => {
                list(json!([{"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/12", "fd00::/108"]}}]))
            }
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes" => found(
                &json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "kubernetes"},
                    "addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.7"]}]}),
            ),
            "/api/v1/nodes" => nodes(&request.query),
            path => panic!("{path}"),
        })
    }

    fn node(pods: &[&str], addresses: &[&str]) -> Value {
        let addresses: Vec<Value> = addresses.iter().map(|one| json!({"type": "InternalIP", "address": one})).collect();
        json!({"metadata": {"name": "n"}, "spec": {"podCIDR": pods.first(), "podCIDRs": pods}, "status": {"addresses": addresses}})
    }

    #[tokio::test]
    async fn refuses_what_the_cluster_uses() {
        let page = |items: Value, next: &str| {
            found(&json!({"apiVersion": "v1", "kind": "List", "metadata": {"continue": next}, "items": items}))
        };
        let mock = cluster(move |query| match query.contains("continue=more") {
            false => {
                page(json!([node(&["10.200.0.0/24", "fd01::/64"], &["10.0.0.20", "fd02::1", "worker-1"])]), "more")
            }
            true => page(
                json!([node(&["::ffff:10.200.1.0/120"], &["::ffff:10.0.0.21"]), {"metadata": {"name": "bare"}, "spec": {}}]),
                "",
            ),
        });
        let scoring = vec![parse("10.0.0.0/8"), parse("127.0.0.0/8")];
        let networks =
            Networks::new(scoring, &[parse("10.244.0.0/16"), parse("::ffff:10.245.0.0/112")], "10.0.0.1:6443".into());
        assert!(networks.allows(Ipv4Addr::new(10, 96, 0, 10)), "nothing is learnt yet");
        networks.learn(&mock.client()).await.unwrap();
        for (address, allowed) in [
            ("10.0.1.4", true),
            ("10.0.0.1", false),
            ("10.0.0.7", false),
            ("10.0.0.20", false),
            ("10.0.0.21", false),
            ("10.0.0.22", true),
            ("10.200.0.9", false),
            ("10.200.1.9", false),
            ("10.200.2.9", true),
            ("10.96.0.10", false),
            ("10.244.3.4", false),
            ("10.245.3.4", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("192.168.0.4", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(networks.allows(parse(address)), allowed, "{address}");
        }
        assert_eq!(mock.lines().iter().filter(|line| line.ends_with("/nodes")).count(), 2, "page by page");
    }

    #[tokio::test]
    async fn tells_whether_anybody_said_where_pods_are() {
        let pods = |nodes: fn() -> crate::kubernetes::mock::Answer, named: &'static [&'static str]| async move {
            let named: Vec<IpNet> = named.iter().map(|one| parse(one)).collect();
            let networks = Networks::new(vec![parse("10.0.0.0/8")], &named, String::new());
            networks.learn(&cluster(move |_| nodes()).client()).await.unwrap();
            networks.pods_known()
        };
        assert!(pods(|| list(json!([node(&["10.244.0.0/24"], &[])])), &[]).await);
        assert!(
            !pods(|| list(json!([node(&[], &["10.0.0.4"])])), &[]).await,
            "another plugin gives Pods their addresses"
        );
        assert!(!pods(|| list(json!([])), &[]).await);
        assert!(!pods(|| list(json!([])), &["fd00::/48"]).await, "the probe dials IPv4");
        assert!(pods(|| list(json!([])), &["10.244.0.0/16"]).await);
        assert!(!pods(|| refused(403, "Forbidden"), &[]).await, "a right that lacks keeps nobody from working");
        let networks = Networks::new(Vec::new(), &[], String::new());
        let unread = networks.learn(&cluster(|_| refused(500, "InternalError")).client()).await;
        assert!(unread.unwrap_err().contains("nodes can't be listed"));
    }

    #[tokio::test]
    async fn without_rights_to_the_cluster_what_it_would_tell_is_asked_for_once() {
        let forbidden = || Mock::new(|_| refused(403, "Forbidden"));
        let strict = Networks::new(Vec::new(), &[], String::new());
        let unread = strict.learn(&forbidden().client()).await.unwrap_err();
        assert!(unread.contains("ServiceCIDRs"), "who has a ClusterRole needs all of it: {unread}");
        let mock = forbidden();
        let networks = Networks::new(vec![parse("10.0.0.0/8")], &[parse("10.96.0.0/12")], "10.0.0.1:443".into());
        let networks = networks.with_rights_of_namespaces();
        networks.learn(&mock.client()).await.unwrap();
        assert_eq!(mock.lines().len(), 3, "each is tried");
        networks.learn(&mock.client()).await.unwrap();
        assert_eq!(mock.lines().len(), 0, "and not again");
        for (address, allowed) in [("10.96.0.10", false), ("10.0.0.1", false), ("10.0.1.4", true)] {
            assert_eq!(networks.allows(parse(address)), allowed, "{address}");
        }
        let broken = networks_of_namespaces().learn(&cluster(|_| refused(500, "InternalError")).client()).await;
        assert!(broken.unwrap_err().contains("nodes can't be listed"), "what fails is no right that lacks");
        let some = networks_of_namespaces();
        some.learn(&cluster(|_| list(json!([node(&["10.200.0.0/24"], &[])]))).client()).await.unwrap();
        assert!(some.pods_known() && !some.allows(parse("10.200.0.9")), "what may be read is");
    }

    fn networks_of_namespaces() -> Networks {
        Networks::new(vec![parse("10.0.0.0/8")], &[], String::new()).with_rights_of_namespaces()
    }

    #[test]
    fn many_networks_become_larger_ones() {
        let nodes: Vec<Ipv4Net> =
            (0..20_000_u32).map(|number| Ipv4Net::from(Ipv4Addr::from((10 << 24) | (number * 2)))).collect();
        let few = few(nodes.clone());
        assert!(few.len() <= MOST, "{}", few.len());
        assert!(nodes.iter().all(|node| few.iter().any(|one| one.contains(node))));
    }
}
