//! One scoring container: the application root on disk and Microsoft's scoring server in its namespace.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::front::INNER_PORT;
use super::memory::Watch;
use super::{Content, Ended, Group, Runs, Status, namespace};

/// How often a container may end before the group counts as a crash loop. Azure restarts with growing pauses and
/// names no number; a third failure tells a loop from an accident.
const RESTARTS: u32 = 2;
const LAUNCH: &str = include_str!("launch.py");

/// A running (or ended) container.
#[derive(Debug)]
pub struct Container {
    namespace: String,
    python: PathBuf,
    root: PathBuf,
    log: PathBuf,
    group: std::sync::Arc<Group>,
    child: Option<Child>,
    watch: Option<Watch>,
    runs: Runs,
    healthy: bool,
}

impl Container {
    /// Creates the application root below `directory` and starts the server from the Python environment `python`.
    ///
    /// # Errors
    /// A file can't be written, or the process can't be started.
    pub async fn start(
        group: std::sync::Arc<Group>,
        namespace: String,
        directory: &Path,
        python: PathBuf,
    ) -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("the container below {} can't be started: {e}", directory.display());
        if directory.exists() {
            std::fs::remove_dir_all(directory).map_err(failed)?;
        }
        let root = directory.join("azureml-app");
        lay_out(&group, &root).await?;
        let log = directory.join("container.log");
        let (runs, healthy) = (Runs::default(), false);
        let mut container = Self { namespace, python, root, log, group, child: None, watch: None, runs, healthy };
        container.spawn().map_err(failed)?;
        Ok(container)
    }

    /// Azure's older scoring stacks load the driver that the SDK generates, newer ones load `AZUREML_ENTRY_SCRIPT`
    /// (azureml-inference-server-http, `user_script.py`, which also knows a driver by its `driver_module`). Here the
    /// driver is what runs when one was uploaded, so that everything that the client sent is put to use.
    fn spawn(&mut self) -> std::io::Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&self.log)?;
        let runtime = namespace::runtime_directory(&self.namespace);
        std::fs::create_dir_all(&runtime)?;
        let bin = self.python.join("bin");
        let entry = self.entry()?;
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).arg(bin.join("azmlinfsrv"));
        command.arg("--entry_script").arg(entry).args(["--port", &INNER_PORT.to_string()]);
        command.env_clear().envs(self.group.variables.iter().map(|(name, value)| (name, value)));
        command
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", bin.display()))
            .env("HOME", &self.root)
            .env("XDG_RUNTIME_DIR", &runtime)
            .env("AML_APP_ROOT", &self.root)
            .env("AZUREML_MODEL_DIR", self.root.join(&self.group.model_dir))
            .env("PYTHONUNBUFFERED", "1");
        if let Some(driver) = &self.group.driver {
            command.env("ACIVNET_SIMULATOR_DRIVER", self.root.join(driver));
            command.envs(self.group.script.as_ref().map(|script| ("ACIVNET_SIMULATOR_SCRIPT", script)));
        }
        command.current_dir(&self.root).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let child = command.process_group(0).spawn()?;
        self.watch = child.id().map(|leader| Watch::over(leader, self.memory()));
        self.child = Some(child);
        Ok(())
    }

    /// In bytes.
    fn memory(&self) -> u64 {
        (self.group.memory_gb * f64::from(1 << 30)) as u64
    }

    fn entry(&self) -> std::io::Result<PathBuf> {
        if self.group.driver.is_some() {
            let launch = self.log.with_file_name("launch.py");
            std::fs::write(&launch, LAUNCH)?;
            return Ok(launch);
        }
        Ok(self.root.join(self.group.script.as_deref().unwrap_or("main.py")))
    }

    /// Looks at the process and, while it has not answered yet, asks the server. A process that ended is started again,
    /// as restart policy `Always` does, until it counts as a crash loop.
    pub async fn status(&mut self) -> Status {
        let Some(child) = self.child.as_mut() else { return Status::CrashLoop };
        match child.try_wait() {
            Ok(None) => {}
            ended => {
                self.note(child_code(ended.ok().flatten()));
                if self.runs.restarts == RESTARTS || self.spawn().is_err() {
                    return Status::CrashLoop;
                }
                self.runs.restarts += 1;
                return Status::Starting;
            }
        }
        if !self.healthy {
            self.healthy = answers(&self.namespace).await;
        }
        if self.healthy { Status::Healthy } else { Status::Starting }
    }

    /// Records how the process ended, and kills what it left behind.
    fn note(&mut self, code: i32) {
        let watch = self.watch.take();
        watch.iter().for_each(Watch::clear);
        let out_of_memory = watch.is_some_and(|watch| watch.exceeded());
        (self.child, self.healthy) = (None, false);
        self.runs.last = Some(Ended { code, out_of_memory, at: jiff::Timestamp::now() });
    }

    /// How it has ended so far.
    #[must_use]
    pub fn runs(&self) -> Runs {
        self.runs
    }

    /// The last `tail` lines of stdout and stderr.
    #[must_use]
    pub fn logs(&self, tail: usize) -> String {
        let text =
            std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let skipped = lines.len().saturating_sub(tail);
        lines.into_iter().skip(skipped).map(|line| format!("{line}\n")).collect()
    }
}

/// As container runtimes count: the signal that ended a process is added to 128.
fn child_code(status: Option<std::process::ExitStatus>) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.and_then(|status| status.code().or_else(|| status.signal().map(|signal| 128 + signal))).unwrap_or(1)
}

async fn lay_out(group: &Group, root: &Path) -> Result<(), String> {
    std::fs::create_dir_all(root.join(&group.model_dir)).map_err(|e| format!("{}: {e}", root.display()))?;
    for file in &group.files {
        let path = Path::new(&file.path);
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(format!("file {:?} would lie outside the application root", file.path));
        }
        let target = root.join(path);
        let failed = |e: std::io::Error| format!("{}: {e}", target.display());
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        match &file.content {
            Content::Memory(bytes) => std::fs::write(&target, bytes).map_err(failed)?,
            // A copy: the container may change its files, the blob must not change.
            Content::Stored(source) => std::fs::copy(source, &target).map(drop).map_err(failed)?,
        }
        if file.unpack {
            unpack(&target, root).await?;
        }
    }
    Ok(())
}

async fn unpack(archive: &Path, root: &Path) -> Result<(), String> {
    let output = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(root).output().await;
    let output = output.map_err(|e| format!("tar can't be run: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{} can't be unpacked: {}", archive.display(), String::from_utf8_lossy(&output.stderr).trim()))
}

/// `GET /`, the server's liveness route, asked from inside the namespace.
async fn answers(namespace: &str) -> bool {
    let patience = Duration::from_millis(500);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, INNER_PORT));
    let asked = async {
        let mut stream = namespace::dial(namespace, address, patience).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await?;
        Ok::<_, std::io::Error>(head == *b"HTTP/1.1 200")
    };
    tokio::time::timeout(patience, asked).await.is_ok_and(|answer| answer.unwrap_or(false))
}
