//! The released programs as child processes, and what they take.

use acivnet_tests::{kube_bed::KubeBed, repository, scratch};
use serde_json::Value;
use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Memory in MiB: all that is resident, what of it are pages of the program's files, and the most ever.
pub struct Memory {
    pub resident: f64,
    pub file: f64,
    pub most: f64,
}

/// A program, ended when dropped.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Process {
    /// Ends it as SIGTERM does, so that it lets go of its lease.
    pub fn end(mut self) {
        let pid = self.0.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        self.0.wait().expect("it ends");
    }

    fn start(program: &str, folder: &Path, arguments: &[String], env: &[(&str, &Path)]) -> Self {
        let path = repository().join("target/release").join(program);
        let log = std::fs::File::create(folder.join(format!("{program}.log"))).expect("a log");
        let mut command = Command::new(&path);
        command.args(arguments).envs(env.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Self(command.spawn().unwrap_or_else(|error| panic!("{}: {error}; run it by `make bench`", path.display())))
    }

    /// What the process holds in memory.
    pub fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of /proc");
            line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
        };
        Memory { resident: mib("VmRSS:"), file: mib("RssFile:"), most: mib("VmHWM:") }
    }

    /// Processor time so far, in seconds. Ticks are hundredths on Linux.
    pub fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it runs");
        let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
        fields[11..13].iter().map(|ticks| ticks.parse::<f64>().expect("ticks")).sum::<f64>() / 100.0
    }
}

/// The simulated Azure as a process.
pub struct Azure {
    pub url: String,
    folder: PathBuf,
    http: reqwest::Client,
    _process: Process,
}

impl Azure {
    /// Azure, three hundred times as fast, with what is in `seed`.
    pub async fn start(bed: &KubeBed, seed: &Value) -> Self {
        let folder = scratch();
        let file = folder.join("seed.json");
        std::fs::write(&file, seed.to_string()).expect("the seed is written");
        let text = |path: &Path| path.display().to_string();
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--time-scale",
            "0.003",
            "--state-dir",
            &text(&folder),
            "--seed",
            &text(&file),
            "--issuer-ca",
            &text(&bed.ca_file()),
        ];
        let process = Process::start("acivnet-simulator", &folder, &arguments.map(str::to_owned), &[]);
        let endpoint = acivnet_tests::eventually("the simulator is ready", || async {
            std::fs::read(folder.join("endpoint.json")).map_err(|error| error.to_string())
        });
        let endpoint: Value = serde_json::from_slice(&endpoint.await.expect("it starts")).expect("JSON");
        let ca = std::fs::read(folder.join("ca.pem")).expect("ca.pem");
        let ca = reqwest::Certificate::from_pem(&ca).expect("PEM");
        let http = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().expect("a client");
        Self { url: endpoint["url"].as_str().expect("a URL").to_owned(), folder, http, _process: process }
    }

    /// Reads and writes so far: GETs, and everything else but sign-ins and validations.
    pub async fn requests(&self) -> (usize, usize) {
        let url = format!("{}/simulator/requests?since=0", self.url);
        let text = self.http.get(url).send().await.expect("an answer").text().await.expect("a log");
        let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
        let reads = entries.iter().filter(|entry| entry["verb"] == "GET" || entry["verb"] == "HEAD").count();
        let asks = |entry: &&Value| {
            let path = entry["path"].as_str().unwrap_or_default();
            path.ends_with("/oauth2/v2.0/token") || path.ends_with("/services/validate")
        };
        (reads, entries.len() - reads - entries.iter().filter(asks).count())
    }
}

/// The operator as a process.
pub struct Operator {
    admin: String,
    http: reqwest::Client,
    pub process: Process,
    pub began: Instant,
}

impl Operator {
    /// One at a pace; 1 is that of production.
    pub fn start(bed: &KubeBed, azure: &Azure, pace: f64) -> Self {
        let folder = scratch();
        let admin = format!("127.0.0.1:{}", free_port());
        let authority = azure.url.trim_start_matches("https://");
        let ca = azure.folder.join("ca.pem").display().to_string();
        let pace = pace.to_string();
        let arguments = [
            "run",
            "--cloud",
            "Custom",
            "--resource-manager-endpoint",
            &azure.url,
            "--authority-host",
            &azure.url,
            "--machine-learning-suffix",
            authority,
            "--blob-suffix",
            authority,
            "--azure-ca-file",
            &ca,
            "--admin-address",
            &admin,
            "--pace",
            &pace,
            "--log-level",
            "warn",
        ];
        let kubeconfig = bed.ca_file().with_file_name("kubeconfig");
        let began = now();
        // one heap, and what is free at its end given back, as the image asks for: tools/image/layers.sh
        let heap = [("MALLOC_ARENA_MAX", Path::new("1")), ("MALLOC_TRIM_THRESHOLD_", Path::new("131072"))];
        let env: Vec<(&str, &Path)> = [("KUBECONFIG", kubeconfig.as_path())].into_iter().chain(heap).collect();
        let process = Process::start("acivnet", &folder, &arguments.map(str::to_owned), &env);
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { admin, http, process, began }
    }

    /// Ends it as a rollout does.
    pub fn stop(self) {
        self.process.end();
    }

    /// Writes to the Kubernetes API so far, but for renewals of the lease and for tokens, which are stored nowhere.
    pub async fn kubernetes_writes(&self) -> f64 {
        let left_out =
            |line: &str| [r#"kind="Lease""#, r#"kind="TokenRequest""#].iter().any(|kind| line.contains(kind));
        self.sum("acivnet_kubernetes_writes_total", |line| !left_out(line)).await
    }

    /// The sum of a counter of `/metrics` over all lines that hold a text; 0 until it answers.
    pub async fn counter(&self, name: &str, holds: &str) -> f64 {
        self.sum(name, |line| line.contains(holds)).await
    }

    async fn sum(&self, name: &str, counts: impl Fn(&str) -> bool) -> f64 {
        let Ok(answer) = self.http.get(format!("http://{}/metrics", self.admin)).send().await else { return 0.0 };
        let text = answer.text().await.unwrap_or_default();
        let lines = text.lines().filter(|line| line.starts_with(name) && counts(line));
        // a sum of nothing is -0
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() + 0.0
    }

    /// Waits until so many passes found nothing to do; how long that took since the start.
    pub async fn until_settled(&self, objects: usize) -> Duration {
        while self.counter("acivnet_reconciles_total", r#"result="settled""#).await < objects as f64 {
            assert!(self.began.elapsed() < Duration::from_secs(3600), "not every object was looked at within an hour");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.began.elapsed()
    }
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures the machine's time")]
fn now() -> Instant {
    Instant::now()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}
