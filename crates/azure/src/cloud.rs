//! Azure clouds: where their services are, and to which hosts a token may go.

use crate::throttle::Limit;
use std::time::Duration;
use url::Url;

/// One Azure cloud.
///
/// Sources: Azure "Azure Government developer guide", "Azure China developer guide"; for the hosts of Azure Machine
/// Learning "How to use your workspace with a custom DNS server".
#[derive(Clone, Debug)]
pub struct Cloud {
    name: &'static str,
    resource_manager: Url,
    authority: Url,
    machine_learning: Vec<HostSuffix>,
    blob: HostSuffix,
    throttling: Throttling,
    network: NetworkLimits,
}

/// What Microsoft.Network lets the callers of one subscription send in five minutes, for resources of one region. By default
/// what is published ("Azure subscription and service limits").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkLimits {
    /// Reads.
    pub reads: u32,
    /// Writes and deletes together.
    pub writes: u32,
}

impl Default for NetworkLimits {
    fn default() -> Self {
        Self { reads: 10_000, writes: 1_000 }
    }
}

/// What Resource Manager lets one caller send for one subscription.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttling {
    pub(crate) reads: Limit,
    pub(crate) writes: Limit,
    pub(crate) deletes: Limit,
}

/// Token buckets since 2024 ("Understand how Azure Resource Manager throttles requests").
const BUCKETS: Throttling = Throttling {
    reads: Limit::Bucket { size: 250.0, per_second: 25.0 },
    writes: Limit::Bucket { size: 200.0, per_second: 10.0 },
    deletes: Limit::Bucket { size: 200.0, per_second: 10.0 },
};

/// The limits by the hour that were before, and that sovereign clouds are documented with (the same page).
const HOURLY: Throttling = Throttling { reads: hourly(12_000), writes: hourly(1_200), deletes: hourly(15_000) };

const fn hourly(most: u32) -> Limit {
    Limit::Window { most, length: Duration::from_secs(3600) }
}

/// A host and all below it, at one port.
#[derive(Clone, Debug, PartialEq)]
struct HostSuffix {
    host: String,
    port: u16,
}

// Not all of `azureml.ms` or `ml.azure.*`: compute instances and online endpoints, which run what users wrote, live
// there too. The `experiments` and `modelmanagement` hosts of the sovereign clouds are not confirmed.
const PUBLIC_ML: &[&str] = &["api.azureml.ms", "experiments.azureml.net", "modelmanagement.azureml.net"];
const US_ML: &[&str] = &[
    "api.ml.azure.us",
    "experiments.ml.azure.us",
    "modelmanagement.ml.azure.us",
    "experiments.azureml.us",
    "modelmanagement.azureml.us",
];
const CHINA_ML: &[&str] = &[
    "api.ml.azure.cn",
    "experiments.ml.azure.cn",
    "modelmanagement.ml.azure.cn",
    "experiments.azureml.cn",
    "modelmanagement.azureml.cn",
];

impl Cloud {
    /// `AzurePublicCloud`.
    ///
    /// # Errors
    /// Never in practice: the addresses are constants.
    pub fn public() -> Result<Self, String> {
        Self::new(
            "AzurePublicCloud",
            "https://management.azure.com",
            "https://login.microsoftonline.com",
            PUBLIC_ML,
            "blob.core.windows.net",
            BUCKETS,
        )
    }

    /// `AzureUSGovernment`.
    ///
    /// # Errors
    /// Never in practice: the addresses are constants.
    pub fn us_government() -> Result<Self, String> {
        Self::new(
            "AzureUSGovernment",
            "https://management.usgovcloudapi.net",
            "https://login.microsoftonline.us",
            US_ML,
            "blob.core.usgovcloudapi.net",
            HOURLY,
        )
    }

    /// `AzureChinaCloud`, operated by 21Vianet.
    ///
    /// # Errors
    /// Never in practice: the addresses are constants.
    pub fn china() -> Result<Self, String> {
        Self::new(
            "AzureChinaCloud",
            "https://management.chinacloudapi.cn",
            "https://login.chinacloudapi.cn",
            CHINA_ML,
            "blob.core.chinacloudapi.cn",
            HOURLY,
        )
    }

    /// A cloud of other addresses: two `https` URLs without path, and two suffixes `HOST` or `HOST:PORT`.
    ///
    /// # Errors
    /// The address that can't be used, and why.
    pub fn custom(
        resource_manager: &str,
        authority: &str,
        machine_learning_suffix: &str,
        blob_suffix: &str,
    ) -> Result<Self, String> {
        Self::new("Custom", resource_manager, authority, &[machine_learning_suffix], blob_suffix, BUCKETS)
    }

    fn new(
        name: &'static str,
        resource_manager: &str,
        authority: &str,
        machine_learning: &[&str],
        blob: &str,
        throttling: Throttling,
    ) -> Result<Self, String> {
        Ok(Self {
            name,
            resource_manager: endpoint(resource_manager)?,
            authority: endpoint(authority)?,
            machine_learning: machine_learning.iter().map(|text| HostSuffix::parse(text)).collect::<Result<_, _>>()?,
            blob: HostSuffix::parse(blob)?,
            throttling,
            network: NetworkLimits::default(),
        })
    }

    /// The same with other limits of Microsoft.Network.
    #[must_use]
    pub fn with_network_limits(self, network: NetworkLimits) -> Self {
        Self { network, ..self }
    }

    /// What Microsoft.Network lets callers send.
    pub fn network_limits(&self) -> NetworkLimits {
        self.network
    }

    /// `AzurePublicCloud`, `AzureUSGovernment`, `AzureChinaCloud` or `Custom`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What Resource Manager lets one caller send.
    pub(crate) fn throttling(&self) -> Throttling {
        self.throttling
    }

    /// The hosts that are spoken to, `*.` before those of which only what lies below is.
    pub fn hosts(&self) -> Vec<String> {
        let authority = Url::parse(self.authority()).ok();
        let [manager, authority] =
            [Some(&self.resource_manager), authority.as_ref()].map(|url| url.and_then(Url::host_str));
        let below = |host: &str| format!("*.{host}");
        let exact = manager.into_iter().chain(authority).map(str::to_owned);
        let blobs = std::iter::once(self.blob.host.as_str());
        let suffixes = manager.into_iter().chain(self.machine_learning.iter().map(|suffix| suffix.host.as_str()));
        exact.chain(suffixes.chain(blobs).map(below)).collect()
    }

    /// Base URL of Azure Resource Manager.
    pub fn resource_manager(&self) -> &Url {
        &self.resource_manager
    }

    /// Base URL of the token authority, without a slash at its end.
    pub fn authority(&self) -> &str {
        self.authority.as_str().trim_end_matches('/')
    }

    /// Scope of the token, for Resource Manager and the Azure ML data plane alike.
    pub fn scope(&self) -> String {
        format!("{}/.default", self.resource_manager.as_str().trim_end_matches('/'))
    }

    /// Scope of the token for blob storage, the same in every cloud (Azure Storage, "Authorize with Microsoft Entra ID").
    pub fn storage_scope(&self) -> &'static str {
        "https://storage.azure.com/.default"
    }

    /// Whether the token for Resource Manager may go to this URL: the host of Resource Manager or one below it, or a host of Azure ML.
    pub fn may_see_token(&self, url: &Url) -> bool {
        self.is_resource_manager(url) || self.is_machine_learning(url)
    }

    /// Whether a URL lies in Resource Manager.
    pub fn is_resource_manager(&self, url: &Url) -> bool {
        let suffix = self.resource_manager.host_str().zip(self.resource_manager.port_or_known_default());
        suffix.is_some_and(|(host, port)| HostSuffix { host: host.to_owned(), port }.covers(url))
    }

    /// Whether a URL lies in the Azure ML data plane.
    pub fn is_machine_learning(&self, url: &Url) -> bool {
        self.machine_learning.iter().any(|suffix| suffix.covers(url))
    }

    /// Whether a URL lies in blob storage.
    pub fn is_blob(&self, url: &Url) -> bool {
        self.blob.covers(url) && url.host_str() != Some(self.blob.host.as_str())
    }
}

fn endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{text} is not a URL: {error}"))?;
    let plain = url.host_str().is_some()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.username().is_empty();
    if url.scheme() != "https" || !plain {
        return Err(format!("{text} must have the form https://HOST[:PORT]"));
    }
    Ok(url)
}

impl HostSuffix {
    fn parse(text: &str) -> Result<Self, String> {
        let url = endpoint(&format!("https://{}", text.trim_start_matches('.')))
            .map_err(|_| format!("{text} must have the form HOST[:PORT]"))?;
        let (host, port) =
            url.host_str().zip(url.port_or_known_default()).ok_or_else(|| format!("{text} names no host"))?;
        Ok(Self { host: host.to_owned(), port })
    }

    fn covers(&self, url: &Url) -> bool {
        let below =
            |host: &str| host.strip_suffix(&self.host).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        url.scheme() == "https"
            && url.port_or_known_default() == Some(self.port)
            && url.username().is_empty()
            && url.password().is_none()
            && url.host_str().is_some_and(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_to_hosts_of_the_cloud_only() {
        let cloud = Cloud::public().unwrap();
        for (url, expected) in [
            ("https://management.azure.com/subscriptions/s", true),
            ("https://westeurope.management.azure.com/x", true),
            ("https://management.azure.com:444/x", false),
            ("http://management.azure.com/x", false),
            ("https://evil-management.azure.com/x", false),
            ("https://management.azure.com.evil.example/x", false),
            ("https://user@management.azure.com/x", false),
            ("https://japaneast.modelmanagement.azureml.net/x", true),
            ("https://id.workspace.japaneast.api.azureml.ms/x", true),
            ("https://mine.japaneast.instances.azureml.ms/x", false),
            ("https://account.blob.core.windows.net/c", false),
            ("https://127.0.0.1/x", false),
        ] {
            assert_eq!(cloud.may_see_token(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn blobs_lie_below_the_suffix() {
        let cloud =
            Cloud::custom("https://localhost:8443", "https://localhost:8443", "localhost:8443", "localhost:8443")
                .unwrap();
        for (url, expected) in [
            ("https://a.blob.localhost:8443/c/b?sig=x", true),
            ("https://localhost:8443/c", false),
            ("https://a.blob.localhost/c", false),
            ("http://a.blob.localhost:8443/c", false),
        ] {
            assert_eq!(cloud.is_blob(&Url::parse(url).unwrap()), expected, "{url}");
        }
        assert_eq!(cloud.scope(), "https://localhost:8443/.default");
        assert_eq!(cloud.authority(), "https://localhost:8443");
    }

    #[test]
    fn addresses_that_can_not_be_used_are_refused_by_name() {
        for (endpoint, suffix) in [
            ("http://a", "b"),
            ("https://a/path", "b"),
            ("https://a?x", "b"),
            ("a", "b"),
            ("https://a", ""),
            ("https://a", "b/c"),
            ("https://u@a", "b"),
        ] {
            let refused = Cloud::custom(endpoint, "https://a", suffix, "c").unwrap_err();
            assert!(
                refused.contains("must have the form") || refused.contains("not a URL"),
                "{endpoint} {suffix}: {refused}"
            );
        }
        for cloud in [Cloud::public(), Cloud::us_government(), Cloud::china()] {
            assert!(cloud.is_ok());
        }
    }
}
