//! One of several operators as processes of their own, which tests stop and end by signals.

use crate::{kube_bed::KubeBed, scratch, simulator::Simulator};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
};
use tokio::process::{Child, Command};

/// How replicas run.
#[derive(Clone, Copy, Debug)]
pub struct Run<'p> {
    /// The program.
    pub program: &'p str,
    /// Scale of the operator's own waits.
    pub pace: f64,
    /// Duration of the lease.
    pub lease_seconds: u64,
}

/// A process. Dropped, it is killed.
pub struct Replica {
    child: Child,
    admin: SocketAddr,
    log: PathBuf,
}

impl Replica {
    /// Starts one and waits until it leads or stands by.
    pub async fn start(run: Run<'_>, bed: &KubeBed, azure: &Simulator) -> Self {
        let folder = scratch();
        let kubeconfig = folder.join("kubeconfig");
        std::fs::write(&kubeconfig, kubeconfig_of(bed).await.to_string()).expect("the kubeconfig is written");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let admin = free.local_addr().expect("an address");
        drop(free);
        let log = folder.join("operator.jsonl");
        let (url, authority) = (azure.url.as_str(), azure.authority());
        let child = Command::new(run.program)
            .args(["run", "--cloud", "Custom", "--resource-manager-endpoint", url, "--authority-host", url])
            .args(["--machine-learning-suffix", authority, "--blob-suffix", authority])
            .args(["--lease-namespace", "acivnet-system", "--log-format", "json", "--log-level", "debug"])
            .arg("--lease-duration-seconds")
            .arg(run.lease_seconds.to_string())
            .arg("--pace")
            .arg(run.pace.to_string())
            .arg("--azure-ca-file")
            .arg(azure.ca_file())
            .arg("--admin-address")
            .arg(admin.to_string())
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .kill_on_drop(true)
            .spawn()
            .expect("the operator starts");
        let replica = Self { child, admin, log };
        replica.until("it is ready", |_| true).await;
        replica
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("it was not waited for");
        kill(Pid::from_raw(id.try_into().expect("a process id")), signal).expect("it runs");
    }

    /// Waits for its end, and tells whether it ended by itself and well.
    pub async fn ended(&mut self) -> bool {
        self.child.wait().await.expect("it ends").success()
    }

    /// Waits until it leads.
    pub async fn leads(&self) {
        self.until("it leads", |metrics| metrics.contains("\nacivnet_leader 1\n")).await;
    }

    /// Waits until it stands by.
    pub async fn stands_by(&self) {
        self.until("it stands by", |metrics| metrics.contains("\nacivnet_leader 0\n")).await;
    }

    async fn until(&self, what: &str, reached: impl Fn(&str) -> bool) {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let get = async |path: &str| {
            let answer = client.get(format!("http://{}/{path}", self.admin)).send().await;
            let answer = answer.and_then(reqwest::Response::error_for_status).map_err(|error| error.to_string())?;
            answer.text().await.map_err(|error| error.to_string())
        };
        let ask = || async {
            get("readyz").await?;
            if reached(&get("metrics").await?) { Ok(()) } else { Err("not yet".to_owned()) }
        };
        if let Err(why) = crate::eventually(what, ask).await {
            panic!("{why}; see {}", self.log.display());
        }
    }

    /// Ids of the requests to Azure whose end it has logged.
    pub fn request_ids(&self) -> BTreeSet<String> {
        let text = std::fs::read_to_string(&self.log).expect("a log");
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter_map(|line| line["request_id"].as_str().map(str::to_owned)).collect()
    }
}

/// How to connect with exactly the rights that the operator has.
async fn kubeconfig_of(bed: &KubeBed) -> Value {
    let token = bed.token_of("acivnet-system", "acivnet-operator").await;
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "bed",
        "clusters": [{"name": "bed", "cluster": {"server": bed.url(), "certificate-authority": bed.ca_file()}}],
        "users": [{"name": "operator", "user": {"token": token}}],
        "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": "operator"}}],
    })
}
