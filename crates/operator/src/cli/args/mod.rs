//! Arguments: every setting is one, has an env name, and is taken apart once.

mod reference;
mod values;

pub use reference::reference;
pub(crate) use values::MOST_NAMESPACES;
pub use values::{NamespaceList, NetworkList};

use crate::{cli::version, kubernetes::lease};
use acivnet_azure::{Cloud, ModelLimits, NetworkLimits};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use ipnet::{IpNet, Ipv4Net};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use url::Url;
use values::{cluster_id, model_host, namespaces, networks, pace, proxy};

/// Where Kubernetes tells a Pod its namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Runs machine learning models on Azure Container Instances inside virtual networks.
#[derive(Debug, Parser)]
#[command(name = "acivnet", version = version::text(), arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print both custom resource definitions as YAML.
    Crd,
    /// Run the operator, in the cluster that KUBECONFIG names or else the one it runs in.
    Run(Box<RunArguments>),
    /// Show what finalizers of acivnet block in a cluster, or remove them when no operator is left to do it.
    Uninstall(UninstallArguments),
}

/// Arguments of `uninstall`.
#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
pub struct UninstallArguments {
    /// List what finalizers of acivnet block, and what to do about it. Fails while anything is blocked.
    #[arg(long)]
    pub check: bool,
    /// Remove the finalizers from objects that are being deleted. Nothing in Azure is deleted; the ids of what stays
    /// are printed. Refused while an operator is running.
    #[arg(long)]
    pub release: bool,
}

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct RunArguments {
    /// Azure cloud. `Custom` needs the four endpoint settings.
    #[arg(long, env = "ACIVNET_CLOUD", default_value = "AzurePublicCloud")]
    pub cloud: CloudName,
    /// HTTPS URL of Azure Resource Manager; only with --cloud Custom.
    #[arg(long, env = "ACIVNET_RESOURCE_MANAGER_ENDPOINT", value_name = "URL")]
    pub resource_manager_endpoint: Option<String>,
    /// HTTPS URL of the sign-in authority; only with --cloud Custom.
    #[arg(long, env = "ACIVNET_AUTHORITY_HOST", value_name = "URL")]
    pub authority_host: Option<String>,
    /// Host suffix of the Azure Machine Learning data plane; only with --cloud Custom.
    #[arg(long, env = "ACIVNET_MACHINE_LEARNING_SUFFIX", value_name = "HOST[:PORT]")]
    pub machine_learning_suffix: Option<String>,
    /// Host suffix of blob storage, without `blob.`; only with --cloud Custom.
    #[arg(long, env = "ACIVNET_BLOB_SUFFIX", value_name = "HOST[:PORT]")]
    pub blob_suffix: Option<String>,
    /// PEM file of certificate authorities to trust for Azure in addition to the system's.
    #[arg(long, env = "ACIVNET_AZURE_CA_FILE", value_name = "FILE")]
    pub azure_ca_file: Option<PathBuf>,
    /// Address and port on which to serve /metrics, /livez and /readyz.
    #[arg(long, env = "ACIVNET_ADMIN_ADDRESS", default_value = "0.0.0.0:8080", value_name = "ADDRESS:PORT")]
    pub admin_address: SocketAddr,
    /// Whether /metrics has series for each object, labelled with its namespace and name.
    #[arg(
        long,
        env = "ACIVNET_METRICS_PER_OBJECT",
        default_value_t = false,
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_name = "BOOL"
    )]
    pub metrics_per_object: bool,
    /// IPv4 networks in which a scoring endpoint may be.
    #[arg(
        long,
        env = "ACIVNET_SCORING_NETWORKS",
        value_delimiter = ',',
        default_value = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16",
        value_name = "CIDR,…"
    )]
    pub scoring_networks: Vec<Ipv4Net>,
    /// Networks in which no scoring endpoint may be: those of this cluster's Pods and nodes, and any other that the
    /// operator must not reach. ServiceCIDRs, API servers, nodes and the podCIDRs of nodes are always refused.
    #[arg(long, env = "ACIVNET_CLUSTER_NETWORKS", value_parser = networks, value_name = "CIDR,…")]
    pub cluster_networks: Option<NetworkList>,
    /// Namespaces to work in, at most 32; by default all. A Role in each is then enough; --cluster-id and
    /// --cluster-networks must say what such a Role can't read.
    #[arg(long, env = "ACIVNET_NAMESPACES", value_parser = namespaces, value_name = "NAMESPACE,…")]
    pub namespaces: Option<NamespaceList>,
    /// Name of this cluster in the owner mark of every Azure resource; by default the uid of the namespace
    /// `kube-system`. Two running clusters must not share it, and it must not change while objects exist.
    #[arg(long, env = "ACIVNET_CLUSTER_ID", value_parser = cluster_id, value_name = "ID")]
    pub cluster_id: Option<String>,
    /// HTTP proxy for sample requests, `http` or `https`, if this cluster has no route to the virtual networks. The
    /// same addresses are allowed as without it. Endpoints with TLS are not probed through it.
    #[arg(long, env = "ACIVNET_SCORING_PROXY", value_name = "URL")]
    pub scoring_proxy: Option<String>,
    /// Whether replicas elect a leader through the Lease `acivnet`. Use `Disabled` only if there is never more than one
    /// replica.
    #[arg(long, env = "ACIVNET_LEADER_ELECTION", default_value = "Enabled")]
    pub leader_election: LeaderElection,
    /// Namespace of the Lease; by default that of this Pod, or `acivnet-system` outside a cluster.
    #[arg(long, env = "ACIVNET_LEASE_NAMESPACE", value_name = "NAMESPACE")]
    pub lease_namespace: Option<String>,
    /// How long replicas wait for a leader that has disappeared. A leader starts no write to Azure in the last third of
    /// this time. 3 to 300.
    #[arg(long, env = "ACIVNET_LEASE_DURATION_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(3..=300), value_name = "SECONDS")]
    pub lease_duration_seconds: u64,
    /// How long a problem that only a person can fix must last before the object counts as stalled. 0 to 86,400.
    #[arg(long, env = "ACIVNET_STALLED_AFTER_SECONDS", default_value_t = 900, value_parser = clap::value_parser!(i64).range(0..=86_400), value_name = "SECONDS")]
    pub stalled_after_seconds: i64,
    /// Hosts, other than Azure storage, from which models may be read without an identity: `models.example.org`, or
    /// `*.example.org` for all hosts below it.
    #[arg(long, env = "ACIVNET_MODEL_HOSTS", value_delimiter = ',', value_parser = model_host, value_name = "HOST,…")]
    pub model_hosts: Vec<String>,
    /// Largest model to read from a URI, in bytes, at most 1 TiB.
    #[arg(long, env = "ACIVNET_MODEL_MAX_BYTES", default_value_t = 1 << 30, value_parser = clap::value_parser!(u64).range(1..=1 << 40), value_name = "BYTES")]
    pub model_max_bytes: u64,
    /// How long reading a model from a URI may take. 10 to 86,400.
    #[arg(long, env = "ACIVNET_MODEL_TIME_LIMIT_SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u64).range(10..=86_400), value_name = "SECONDS")]
    pub model_time_limit_seconds: u64,
    /// Writes and deletes that Microsoft.Network accepts in five minutes, by subscription and region. Set it if Azure gave
    /// you another limit, or if others use the same one. 50 to 100,000.
    #[arg(long, env = "ACIVNET_NETWORK_WRITES", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(50..=100_000), value_name = "REQUESTS")]
    pub network_writes: u32,
    /// Reads that Microsoft.Network accepts in five minutes, by subscription and region. 500 to 1,000,000.
    #[arg(long, env = "ACIVNET_NETWORK_READS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(500..=1_000_000), value_name = "REQUESTS")]
    pub network_reads: u32,
    /// Factor for all waits that the operator chooses itself, 0.001 to 100. Below 1 is for tests only.
    #[arg(long, env = "ACIVNET_PACE", default_value = "1.0", value_parser = pace, value_name = "FACTOR")]
    pub pace: f64,
    /// Log format. `auto` means text on a terminal and JSON otherwise.
    #[arg(long, env = "ACIVNET_LOG_FORMAT", default_value = "auto")]
    pub log_format: LogFormat,
    /// Log level of the operator. Libraries never log below `info`, where requests could appear.
    #[arg(long, env = "ACIVNET_LOG_LEVEL", default_value = "info")]
    pub log_level: LogLevel,
}

/// Azure clouds, in Azure's own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum CloudName {
    /// Azure.
    AzurePublicCloud,
    /// Azure Government.
    #[value(name = "AzureUSGovernment")]
    AzureUsGovernment,
    /// Azure operated by 21Vianet.
    AzureChinaCloud,
    /// The endpoints given by the four settings.
    Custom,
}

/// How replicas agree on one that works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum LeaderElection {
    /// Through a Lease.
    Enabled,
    /// Not at all: there is one replica.
    Disabled,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object on each line.
    Json,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    /// Errors only.
    Error,
    /// Errors and warnings.
    Warn,
    /// These, and what was done.
    Info,
    /// These, and what was decided.
    Debug,
    /// Everything.
    Trace,
}

/// What `run` needs, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Endpoints of Azure.
    pub cloud: Cloud,
    /// Certificate authorities trusted for Azure in addition to the system's.
    pub azure_ca_file: Option<PathBuf>,
    /// Where the admin server listens.
    pub admin_address: SocketAddr,
    /// Whether metrics name objects.
    pub metrics_per_object: bool,
    /// Networks in which an endpoint may lie.
    pub scoring_networks: Vec<Ipv4Net>,
    /// Networks in which it may not, as the administrator says.
    pub cluster_networks: Vec<IpNet>,
    /// Namespaces to work in; none of them: all.
    pub namespaces: Vec<String>,
    /// What names the cluster; else its uid does.
    pub cluster_id: Option<String>,
    /// What sample requests go through.
    pub scoring_proxy: Option<Url>,
    /// By which lease replicas agree on one that works; none when it is alone.
    pub lease: Option<lease::LeaseSettings>,
    /// How long before a cause counts as stalled.
    pub stalled_after: Duration,
    /// Scale of the operator's own waits.
    pub pace: f64,
    /// What models behind a URI may be.
    pub models: ModelLimits,
}

impl RunArguments {
    /// Checks what belongs together. The text of an error says which setting to change.
    pub fn settings(self) -> Result<Settings, String> {
        Ok(Settings {
            cloud: self
                .cloud()?
                .with_network_limits(NetworkLimits { reads: self.network_reads, writes: self.network_writes }),
            lease: self.lease(),
            azure_ca_file: self.azure_ca_file,
            admin_address: self.admin_address,
            metrics_per_object: self.metrics_per_object,
            scoring_networks: self.scoring_networks,
            cluster_networks: self.cluster_networks.map(|list| list.0).unwrap_or_default(),
            namespaces: self.namespaces.map(|list| list.0).unwrap_or_default(),
            cluster_id: self.cluster_id,
            scoring_proxy: self.scoring_proxy.as_deref().map(proxy).transpose()?,
            stalled_after: Duration::from_secs(self.stalled_after_seconds.unsigned_abs()),
            pace: self.pace,
            models: ModelLimits {
                hosts: self.model_hosts,
                most_bytes: self.model_max_bytes,
                time: Duration::from_secs(self.model_time_limit_seconds),
            },
        })
    }
}

impl RunArguments {
    fn lease(&self) -> Option<lease::LeaseSettings> {
        let namespace = || std::fs::read_to_string(NAMESPACE_FILE).ok();
        (self.leader_election == LeaderElection::Enabled).then(|| lease::LeaseSettings {
            namespace: self.lease_namespace.clone().or_else(namespace).unwrap_or_else(|| "acivnet-system".into()),
            duration: Duration::from_secs(self.lease_duration_seconds),
        })
    }

    fn cloud(&self) -> Result<Cloud, String> {
        let endpoints = [
            ("--resource-manager-endpoint", &self.resource_manager_endpoint),
            ("--authority-host", &self.authority_host),
            ("--machine-learning-suffix", &self.machine_learning_suffix),
            ("--blob-suffix", &self.blob_suffix),
        ];
        let named = |there: bool| {
            endpoints.iter().filter(|(_, value)| value.is_some() == there).map(|(name, _)| *name).collect::<Vec<_>>()
        };
        let plain = match self.cloud {
            CloudName::Custom => {
                let [Some(manager), Some(authority), Some(machine_learning), Some(blob)] =
                    endpoints.map(|(_, value)| value.as_deref())
                else {
                    return Err(format!("--cloud Custom also needs {}", named(false).join(", ")));
                };
                return Cloud::custom(manager, authority, machine_learning, blob);
            }
            CloudName::AzurePublicCloud => Cloud::public(),
            CloudName::AzureUsGovernment => Cloud::us_government(),
            CloudName::AzureChinaCloud => Cloud::china(),
        };
        match named(true).as_slice() {
            [] => plain,
            given => Err(format!("{} can only be given with --cloud Custom", given.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests;
