//! The command line. Every argument also has an environment variable, `ACIVNET_SIMULATOR_…`; that of `--specs`, which
//! is for everything that starts a simulator, is `ACIVNET_AZURE_SPECS`.

use crate::run::RunnerKind;
use crate::server::local_address;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The release, with the commit if `ACIVNET_REVISION` was set at compile time.
fn version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let revision = option_env!("ACIVNET_REVISION").filter(|revision| !revision.is_empty());
        revision.map_or_else(|| RELEASE.to_owned(), |revision| format!("{RELEASE} ({revision})"))
    });
    &TEXT
}

/// An Azure that fits on a laptop.
#[derive(Debug, Parser)]
#[command(name = "acivnet-simulator", version = version())]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the simulated Azure over TLS until SIGTERM or SIGINT.
    Serve(Box<Serve>),
    /// Build the Python environments of containers, outside their network namespace.
    Environments(Environments),
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, env = "ACIVNET_SIMULATOR_LISTEN", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// Loopback or link-local address that serves managed identities over plain HTTP, as App Service (/msi/token) and the
    /// instance metadata service do; port 0 picks a free one. endpoint.json then names it, and the header to send.
    #[arg(long, env = "ACIVNET_SIMULATOR_IDENTITY_LISTEN", value_parser = local_address)]
    pub identity_listen: Option<SocketAddr>,
    /// Directory for ca.pem (of the simulator's own CA), endpoint.json and the files of containers.
    #[arg(long, env = "ACIVNET_SIMULATOR_STATE_DIR")]
    pub state_dir: PathBuf,
    /// Name by which clients reach the simulator; it stands in every URL it returns and in its own certificate.
    #[arg(long, env = "ACIVNET_SIMULATOR_HOST", default_value = "localhost", value_parser = host)]
    pub host: String,
    /// Suffix of storage accounts' hosts, ACCOUNT.blob.SUFFIX; by default --host with the port.
    #[arg(long, env = "ACIVNET_SIMULATOR_BLOB_SUFFIX", value_name = "HOST[:PORT]")]
    pub blob_suffix: Option<String>,
    /// PEM file with a certificate and its chain, to use instead of one by the simulator's own CA.
    #[arg(long, env = "ACIVNET_SIMULATOR_TLS_CERTIFICATE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the key of that certificate.
    #[arg(long, env = "ACIVNET_SIMULATOR_TLS_KEY", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// JSON document with what exists at the start; may be repeated, and each is merged into those before it.
    #[arg(long, env = "ACIVNET_SIMULATOR_SEED", value_delimiter = ',', required = true)]
    pub seed: Vec<PathBuf>,
    /// PEM file with a CA to trust for federated issuers, besides the system's CAs; may be repeated.
    #[arg(long, env = "ACIVNET_SIMULATOR_ISSUER_CA", value_delimiter = ',')]
    pub issuer_ca: Vec<PathBuf>,
    /// Factor on all of Azure's durations: 1.0 is as slow as Azure, 0.01 is a hundred times as fast.
    #[arg(long, env = "ACIVNET_SIMULATOR_TIME_SCALE", default_value_t = 1.0, value_parser = time_scale)]
    pub time_scale: f64,
    /// How containers run.
    #[arg(long, env = "ACIVNET_SIMULATOR_RUNNER", value_enum, default_value = "none")]
    pub runner: RunnerKind,
    /// Unix socket of the environment builder; needed with --runner netns.
    #[arg(long, env = "ACIVNET_SIMULATOR_ENVIRONMENTS_SOCKET")]
    pub environments_socket: Option<PathBuf>,
    /// File to which each request is appended as a JSON line.
    #[arg(long, env = "ACIVNET_SIMULATOR_REQUEST_LOG")]
    pub request_log: Option<PathBuf>,
    /// Directory with Microsoft's API descriptions (Swagger 2.0); requests and answers are checked against them.
    #[arg(long, env = "ACIVNET_AZURE_SPECS")]
    pub specs: Option<PathBuf>,
}

/// Arguments of `environments`.
#[derive(Debug, Args)]
pub struct Environments {
    /// Unix socket to listen on.
    #[arg(long, env = "ACIVNET_SIMULATOR_SOCKET")]
    pub socket: PathBuf,
    /// Directory where built environments are kept.
    #[arg(long, env = "ACIVNET_SIMULATOR_CACHE")]
    pub cache: PathBuf,
    /// Path of the program uv.
    #[arg(long, env = "ACIVNET_SIMULATOR_UV")]
    pub uv: PathBuf,
}

/// Refuses addresses: a request to an address is meant for a container in a virtual network.
fn host(text: &str) -> Result<String, String> {
    match text.parse::<std::net::IpAddr>() {
        Err(_) if !text.is_empty() && !text.contains([':', '/']) => Ok(text.to_ascii_lowercase()),
        _ => Err("expected a host name without a port, not an address".to_owned()),
    }
}

fn time_scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale > 0.0 && scale <= 100.0 => Ok(scale),
        _ => Err("expected a number greater than 0 and at most 100".to_owned()),
    }
}
