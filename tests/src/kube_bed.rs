//! A real API server with etcd and controller manager: `tools/kube/up.sh` as a child process.

use crate::{repository, scratch};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{Namespace, ServiceAccount},
};
use kube::{
    Api, Client, Config,
    api::PostParams,
    config::{AuthInfo, KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::OnceCell,
};

/// The bed. Dropped, it ends; the shared one ends with the process, which `up.sh` watches.
pub struct KubeBed {
    binaries: PathBuf,
    folder: PathBuf,
    config: Config,
    client: Client,
    _up: Child,
}

/// What a command said.
#[derive(Debug)]
pub struct Ran {
    /// Whether it exited with 0.
    pub ok: bool,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Standard output of a command that must have succeeded.
    pub fn said(self) -> String {
        assert!(self.ok, "kubectl failed: {}{}", self.out, self.err);
        self.out
    }

    /// Standard error of a command that must have failed.
    pub fn refused(self) -> String {
        assert!(!self.ok, "kubectl succeeded: {}{}", self.out, self.err);
        self.err
    }
}

impl KubeBed {
    /// The bed that tests without an operator share, with both CRDs installed.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<KubeBed> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// A bed of its own, with both CRDs and the operator's rights installed.
    pub async fn start() -> Self {
        let binaries = binaries();
        let folder = scratch();
        let policy = folder.join("audit-policy.json");
        let log = folder.join("audit.log");
        std::fs::write(&policy, audit_policy().to_string()).expect("the audit policy is written");
        let mut up = Command::new(repository().join("tools/kube/up.sh"))
            .args([&binaries, &folder])
            .args(["--apiserver-flag", &format!("--audit-policy-file={}", policy.display())])
            .args(["--apiserver-flag", &format!("--audit-log-path={}", log.display())])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("tools/kube/up.sh starts");
        let mut lines = BufReader::new(up.stdout.take().expect("a pipe")).lines();
        let ready = lines.next_line().await.expect("up.sh prints text");
        assert_eq!(ready.as_deref(), Some("ready"), "the API server did not start; see {}", folder.display());
        let config = config(&folder.join("kubeconfig")).await;
        let client = Client::try_from(config.clone()).expect("a client");
        let bed = Self { binaries, folder, config, client, _up: up };
        bed.install().await;
        bed
    }

    /// `deploy/crds` and `deploy/operator` as an administrator applies them, and the CRDs' being served.
    pub async fn install(&self) {
        for folder in ["deploy/crds", "deploy/operator"] {
            let path = repository().join(folder);
            self.kubectl(&["apply", "--server-side", "-k", path.to_str().expect("a path")]).await.said();
        }
        self.kubectl(&[
            "wait",
            "--for=condition=Established",
            "crd",
            "acivnetdeployments.acivnet.dev",
            "delegatedsubnets.acivnet.dev",
        ])
        .await
        .said();
    }

    /// A client with an administrator's rights.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Where the API server is.
    pub fn url(&self) -> String {
        self.config.cluster_url.to_string().trim_end_matches('/').to_owned()
    }

    /// Where its etcd is, by HTTP: `up.sh` puts it on the next port.
    pub fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.config.cluster_url.port_u16().expect("a port") + 1)
    }

    /// File with the certificate authority of the API server.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// How to connect with the rights of a ServiceAccount, by a token of it.
    pub async fn config_of(&self, namespace: &str, account: &str) -> Config {
        let token = Some(self.token_of(namespace, account).await.into());
        let mut config = self.config.clone();
        config.auth_info = AuthInfo { token, ..AuthInfo::default() };
        config
    }

    /// A token of a ServiceAccount.
    pub async fn token_of(&self, namespace: &str, account: &str) -> String {
        let accounts = Api::<ServiceAccount>::namespaced(self.client(), namespace);
        let spec = TokenRequestSpec { expiration_seconds: Some(7200), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let answer = accounts.create_token_request(account, &PostParams::default(), &request).await.expect("a token");
        answer.status.expect("an answer").token
    }

    /// A new namespace with a name of its own.
    pub async fn namespace(&self, about: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{about}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": name}})).expect("a namespace");
        let all = Api::<Namespace>::all(self.client());
        all.create(&PostParams::default(), &namespace).await.expect("the namespace is made");
        name
    }

    /// Runs kubectl as the administrator.
    pub async fn kubectl(&self, arguments: &[&str]) -> Ran {
        self.kubectl_with(arguments, "").await
    }

    /// Runs kubectl with something on its standard input.
    pub async fn kubectl_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = Command::new(self.binaries.join("kubectl"))
            .arg("--kubeconfig")
            .arg(self.folder.join("kubeconfig"))
            .arg("--cache-dir")
            .arg(self.folder.join("kubectl-cache"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("kubectl starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).await.expect("kubectl reads");
        drop(stdin);
        let output = child.wait_with_output().await.expect("kubectl ends");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Every finished request so far, as in the API server's audit log.
    pub fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.join("audit.log")).expect("an audit log");
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

fn audit_policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts:acivnet-system"]}, {"level": "None"}],
    })
}

async fn config(file: &Path) -> Config {
    let kubeconfig = Kubeconfig::read_from(file).expect("up.sh writes a kubeconfig");
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a kubeconfig");
    config.proxy_url = None;
    config
}

/// The folder with the programs of the bed; building takes minutes and is asked for by name.
fn binaries() -> PathBuf {
    let cache = || {
        let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let base = base.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
        base.expect("set HOME or XDG_CACHE_HOME").join("acivnet").join(format!("kube-{}", version()))
    };
    let folder = std::env::var_os("ACIVNET_KUBE_BIN").map(PathBuf::from).unwrap_or_else(cache);
    assert!(
        folder.join("kube-apiserver").exists(),
        "no API server in {}: run `make bed` (once, ten minutes), or set ACIVNET_KUBE_BIN",
        folder.display()
    );
    folder
}

fn version() -> String {
    let text = std::fs::read_to_string(repository().join("tools/kube/go.mod")).expect("tools/kube/go.mod");
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with("k8s.io/kubernetes "))
        .expect("k8s.io/kubernetes in go.mod");
    line.split_whitespace().nth(1).expect("a version").to_owned()
}
