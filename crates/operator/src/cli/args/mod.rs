//! Arguments: every setting is one, has an env name, and is taken apart once.

mod reference;

pub use reference::reference;

use crate::{cli::version, kubernetes::lease};
use acivnet_azure::{Cloud, ModelLimits};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use ipnet::{IpNet, Ipv4Net};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use url::Url;

/// Most namespaces of `--namespaces`: each has three watches of its own.
pub(crate) const MOST_NAMESPACES: usize = 32;
/// Longest `--cluster-id`, in characters: that of a uid. The owner mark is to stay within its length.
const LONGEST_CLUSTER_ID: usize = 36;
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
    /// Namespaces to work in, at most 32; by default all. A Role in each is then enough; --cluster-id and --cluster-networks
    /// must say what such a Role can't read.
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

/// Networks between commas; none in an empty text, as a manifest has it that nobody filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkList(pub Vec<IpNet>);

/// Namespaces between commas, each once; all of the cluster in an empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceList(pub Vec<String>);

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
    /// By a Lease.
    Enabled,
    /// Not at all.
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
    /// And warnings.
    Warn,
    /// And what was done.
    Info,
    /// And what was decided.
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
            cloud: self.cloud()?,
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

fn model_host(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let (host, port) = name.split_once(':').unwrap_or((name, "443"));
    let star = if name.len() < text.len() { "*." } else { "" };
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let named = host.contains('.') && host.split('.').all(label) && host.parse::<std::net::IpAddr>().is_err();
    let host = host.to_ascii_lowercase();
    match port.parse::<u16>() {
        // URLs do not name the port of their scheme
        Ok(443) if named => Ok(format!("{star}{host}")),
        Ok(port) if named => Ok(format!("{star}{host}:{port}")),
        _ => Err("a host by its name, HOST[:PORT] or *.HOST[:PORT]".to_owned()),
    }
}

fn networks(text: &str) -> Result<NetworkList, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let network =
        |part: &str| part.parse().map_err(|error| format!("{part}: {error}; write 10.244.0.0/16,10.245.0.0/16"));
    parts.map(network).collect::<Result<_, _>>().map(NetworkList)
}

fn namespaces(text: &str) -> Result<NamespaceList, String> {
    let mut names: Vec<String> =
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    let is_name = |name: &&String| {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        name.len() <= 63 && name.bytes().all(letters) && !name.starts_with('-') && !name.ends_with('-')
    };
    if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
        return Err(format!("{wrong} is no name of a namespace; write team-a,team-b"));
    }
    if names.len() > MOST_NAMESPACES {
        return Err(format!(
            "{} namespaces; {MOST_NAMESPACES} are the most: install more than one operator",
            names.len()
        ));
    }
    Ok(NamespaceList(names))
}

fn cluster_id(text: &str) -> Result<String, String> {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match text {
        "" => Err("it is empty; leave it out, or give the uid of namespace kube-system or another UUID".to_owned()),
        text if text.len() <= LONGEST_CLUSTER_ID && text.bytes().all(letters) => Ok(text.to_owned()),
        _ => Err(format!("up to {LONGEST_CLUSTER_ID} lower-case letters, digits and `-`, as a UUID has them")),
    }
}

fn proxy(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && (url.username(), url.password()) == ("", None)
    });
    // without the text, which may hold a password
    url.ok_or_else(|| "--scoring-proxy has the form http://HOST:PORT or https://HOST:PORT, without a user".to_owned())
}

fn pace(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (0.001..=100.0).contains(&factor) => Ok(factor),
        _ => Err("a number from 0.001 to 100".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn run(arguments: &str) -> Result<Settings, String> {
        let arguments = ["acivnet", "run"].into_iter().chain(arguments.split_whitespace());
        match Arguments::try_parse_from(arguments).map_err(|error| error.to_string())?.command {
            Command::Run(run) => run.settings(),
            Command::Crd | Command::Uninstall(_) => panic!("run was given"),
        }
    }

    #[test]
    fn every_setting_has_its_env_name() {
        let command = Arguments::command();
        let run = command.find_subcommand("run").unwrap();
        let mut settings = 0;
        for argument in run.get_arguments().filter(|argument| argument.get_id() != "help") {
            let name = format!("ACIVNET_{}", argument.get_long().unwrap().replace('-', "_").to_uppercase());
            assert_eq!(argument.get_env().and_then(|env| env.to_str()), Some(name.as_str()));
            assert!(argument.get_help().is_some(), "{name}");
            settings += 1;
        }
        assert_eq!(settings, 23);
        Arguments::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_production() {
        let settings = run("").unwrap();
        assert_eq!(settings.cloud.name(), "AzurePublicCloud");
        assert_eq!(
            settings.scoring_networks.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
        );
        assert_eq!(
            (settings.pace, settings.stalled_after, settings.cluster_networks.len()),
            (1.0, Duration::from_secs(900), 0)
        );
        assert_eq!(settings.admin_address.to_string(), "0.0.0.0:8080");
        assert!(!settings.metrics_per_object);
        for (given, named) in [("", true), ("=true", true), ("=false", false)] {
            assert_eq!(run(&format!("--metrics-per-object{given}")).unwrap().metrics_per_object, named, "{given}");
        }
        let lease = settings.lease.unwrap();
        assert_eq!((lease.namespace.as_str(), lease.duration), ("acivnet-system", Duration::from_secs(15)));
        assert!(run("--leader-election Disabled").unwrap().lease.is_none());
    }

    #[test]
    fn networks_of_the_cluster_may_be_left_empty_and_of_either_family() {
        let networks = |text: &str| run(&format!("--cluster-networks={text}")).unwrap().cluster_networks.len();
        for (text, count) in [("", 0), (",", 0), ("10.244.0.0/16", 1), ("10.244.0.0/16,fd00::/48,", 2)] {
            assert_eq!(networks(text), count, "{text:?}");
        }
    }

    #[test]
    fn namespaces_are_names_each_once_and_bounded() {
        let names = |text: &str| run(&format!("--namespaces={text}")).map(|settings| settings.namespaces);
        assert!(names("").unwrap().is_empty() && names(",").unwrap().is_empty());
        assert_eq!(names("b,a,b,").unwrap(), ["a", "b"]);
        for wrong in ["A", "a_b", "-a", "a-", &"a".repeat(64)] {
            assert!(names(wrong).unwrap_err().contains("no name of a namespace"), "{wrong}");
        }
        let many = |count: usize| (0..count).map(|at| format!("n{at}")).collect::<Vec<_>>().join(",");
        assert_eq!(names(&many(MOST_NAMESPACES)).unwrap().len(), MOST_NAMESPACES);
        assert!(names(&many(MOST_NAMESPACES + 1)).unwrap_err().contains("more than one operator"));
    }

    #[test]
    fn an_id_of_the_cluster_fits_into_the_owner_mark() {
        let id = |text: &str| run(&format!("--cluster-id={text}")).map(|settings| settings.cluster_id);
        let uuid = "11111111-2222-3333-4444-555555555555";
        assert_eq!(id(uuid).unwrap().as_deref(), Some(uuid));
        assert_eq!(run("").unwrap().cluster_id, None);
        for wrong in ["", "a/b", "A", &"a".repeat(37)] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_proxy_is_a_host_and_nothing_more() {
        for (url, accepted) in [
            ("http://proxy:3128", true),
            ("https://simulator.acivnet-system.svc/", true),
            ("http://user:secret@proxy:3128", false),
            ("http://user@proxy:3128", false),
            ("socks5://proxy:1080", false),
            ("http://proxy:3128/path", false),
            ("http://proxy?x", false),
            ("proxy:3128", false),
        ] {
            let taken = run(&format!("--scoring-proxy {url}"));
            assert_eq!(taken.is_ok(), accepted, "{url}");
            assert!(taken.err().is_none_or(|error| error.contains("--scoring-proxy") && !error.contains("secret")));
        }
        assert_eq!(run("").unwrap().scoring_proxy, None);
    }

    #[test]
    fn hosts_of_models_are_written_as_urls_write_them() {
        for (given, kept) in [
            ("Models.example.org", "models.example.org"),
            ("models.example.org:443", "models.example.org"),
            ("*.example.org:0443", "*.example.org"),
            ("models.example.org:8443", "models.example.org:8443"),
        ] {
            assert_eq!(run(&format!("--model-hosts {given}")).unwrap().models.hosts, [kept]);
        }
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        let custom = "--cloud Custom --resource-manager-endpoint https://localhost:1 --authority-host https://localhost:1 --machine-learning-suffix localhost:1";
        assert_eq!(
            run(&format!("{custom} --blob-suffix localhost:1 --cluster-networks 10.244.0.0/16,10.245.0.0/16"))
                .unwrap()
                .cluster_networks
                .len(),
            2
        );
        for (arguments, words) in [
            (custom.to_owned(), "--cloud Custom also needs --blob-suffix"),
            (
                "--cloud Custom".to_owned(),
                "also needs --resource-manager-endpoint, --authority-host, --machine-learning-suffix, --blob-suffix",
            ),
            ("--authority-host https://a".to_owned(), "--authority-host can only be given with --cloud Custom"),
            (format!("{custom} --blob-suffix https://x/y"), "must have the form HOST[:PORT]"),
            ("--cluster-networks 10.244.0.0".to_owned(), "write 10.244.0.0/16,10.245.0.0/16"),
            ("--cloud Azure".to_owned(), "AzureUSGovernment"),
            ("--lease-duration-seconds 2".to_owned(), "--lease-duration-seconds"),
            ("--model-hosts https://models.example.org".to_owned(), "a host by its name"),
            ("--model-hosts 10.0.0.1".to_owned(), "a host by its name"),
            ("--model-time-limit-seconds 1".to_owned(), "--model-time-limit-seconds"),
            ("--pace 0".to_owned(), "a number from 0.001 to 100"),
            ("--scoring-networks 10.0.0.0/33".to_owned(), "--scoring-networks"),
            ("--admin-address 8080".to_owned(), "--admin-address"),
            ("--log-level loud".to_owned(), "trace"),
        ] {
            let refused = run(&arguments).unwrap_err();
            assert!(refused.contains(words), "{arguments}: {refused}");
        }
    }
}
