//! The environment builder: a process outside the network namespace that has the network and makes Python
//! environments with `uv`, one directory per content, usable from inside because the file system is shared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::Command;
use tokio::sync::{Mutex, mpsc};

use super::conda::{self, Requirements};
use super::environments::{Ask, Line};

/// The oldest `azureml-defaults` that brings the scoring server; older ones resolve where newer don't, but can't serve.
const DEFAULTS: &str = "azureml-defaults>=1.40";
/// What of `azureml-defaults` a container needs to serve.
const SERVER: &str = "azureml-inference-server-http";

/// Makes environments below one cache directory.
#[derive(Debug, Clone)]
pub struct Builder {
    cache: PathBuf,
    uv: PathBuf,
    building: Arc<Mutex<BTreeMap<String, Arc<Mutex<()>>>>>,
}

impl Builder {
    /// Environments go to `cache`; `uv` is the program to run.
    #[must_use]
    pub fn new(cache: PathBuf, uv: PathBuf) -> Self {
        Self { cache, uv, building: Arc::default() }
    }

    /// Answers on `socket` until the task is dropped. A socket file that is left over is replaced.
    ///
    /// # Errors
    /// The socket can't be bound, or the cache directory can't be made.
    pub async fn serve(self, socket: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.cache)?;
        if socket.exists() {
            std::fs::remove_file(socket)?;
        }
        let listener = UnixListener::bind(socket)?;
        tracing::info!(socket = %socket.display(), cache = %self.cache.display(), "environment builder is ready");
        loop {
            let (stream, _) = listener.accept().await?;
            let builder = self.clone();
            tokio::spawn(async move {
                if let Err(e) = builder.answer(stream).await {
                    tracing::warn!("a client of the environment builder went away: {e}");
                }
            });
        }
    }

    async fn answer(&self, stream: UnixStream) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let Some(line) = BufReader::new(read).lines().next_line().await? else { return Ok(()) };
        let (log, mut lines) = mpsc::unbounded_channel();
        let built = async {
            let result = match serde_json::from_str::<Ask>(&line) {
                Ok(ask) => self.build(&ask.environment, &log).await,
                Err(e) => Err(format!("the question can't be read: {e}")),
            };
            drop(log);
            result
        };
        let told = async {
            while let Some(text) = lines.recv().await {
                send(&mut write, &Line::Log(text)).await?;
            }
            Ok::<_, std::io::Error>(write)
        };
        let (result, write) = futures::future::join(built, told).await;
        send(&mut write?, &result.map_or_else(Line::Failed, Line::Done)).await
    }

    /// The directory of an environment that satisfies the definition; made now unless one of equal content stands.
    ///
    /// # Errors
    /// The reason in one line; the log has the resolver's own words.
    pub async fn build(&self, definition: &serde_json::Value, log: &Log) -> Result<PathBuf, String> {
        let mut wanted = conda::requirements(definition)?;
        for note in &wanted.notes {
            say(log, note);
        }
        let python = self.interpreter(&wanted.python, log).await?;
        let key = content_key(&python, &wanted.packages);
        let place = self.building.lock().await.entry(key.clone()).or_default().clone();
        let _only_one = place.lock().await;
        let finished = self.cache.join(&key);
        if finished.join("bin/python").exists() {
            say(log, &format!("Use the existing environment {key}."));
            return Ok(finished);
        }
        self.substitute_defaults(&mut wanted, &python, log).await;
        self.create(&python, &wanted, &finished, log).await?;
        Ok(finished)
    }

    async fn interpreter(&self, specifier: &str, log: &Log) -> Result<PathBuf, String> {
        let find = |path: Option<std::ffi::OsString>| {
            let mut command = self.uv(&["python", "find", "--no-python-downloads", "--system", specifier]);
            if let Some(path) = path {
                command.env("PATH", path);
            }
            command
        };
        let first = find(None).output().await.map_err(|e| self.cannot_run(&e))?;
        let mut found = path_in(&first);
        // pyenv's shims shadow the interpreters that it keeps; look at those themselves before giving up.
        if found.is_none()
            && let Some(path) = pyenv_path()
        {
            found = path_in(&find(Some(path)).output().await.map_err(|e| self.cannot_run(&e))?);
        }
        let found = found.ok_or_else(|| {
            String::from_utf8_lossy(&first.stderr).lines().for_each(|line| say(log, line));
            format!("python{specifier}: no interpreter on this machine satisfies it, and none is downloaded")
        })?;
        say(log, &format!("Python {specifier}: {}", found.display()));
        Ok(found)
    }

    /// Keeps `azureml-defaults` where the real package installs; else takes only the server out of it, and says so.
    async fn substitute_defaults(&self, wanted: &mut Requirements, python: &Path, log: &Log) {
        let Some(defaults) = wanted.packages.iter_mut().find(|p| name_of(p) == "azureml-defaults") else { return };
        if defaults.as_str() == "azureml-defaults" {
            *defaults = DEFAULTS.to_owned();
        }
        let mut command = self.uv(&["pip", "compile", "--quiet", "--python"]);
        command.arg(python).args(["-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let resolved = async {
            let mut child = command.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(format!("{defaults}\n").as_bytes()).await?;
            }
            child.wait().await
        };
        if !resolved.await.is_ok_and(|status| status.success()) {
            say(log, &format!("{defaults} can't be installed for this interpreter; {SERVER} takes its place"));
            *defaults = SERVER.to_owned();
        }
    }

    async fn create(&self, python: &Path, wanted: &Requirements, finished: &Path, log: &Log) -> Result<(), String> {
        let io = |e: std::io::Error| format!("the environment can't be written below {}: {e}", self.cache.display());
        let work = tempfile::Builder::new().prefix(".building-").tempdir_in(&self.cache).map_err(io)?;
        let place = work.path().join("env");
        let mut venv = self.uv(&["venv", "--relocatable", "--no-project", "--python"]);
        self.run(venv.arg(python).arg(&place), log).await?;
        if !wanted.packages.is_empty() {
            let mut install = self.uv(&["pip", "install", "--python"]);
            install.arg(place.join("bin/python")).arg("--").args(&wanted.packages);
            self.run(&mut install, log).await?;
        }
        std::fs::rename(&place, finished).map_err(io)
    }

    async fn run(&self, command: &mut Command, log: &Log) -> Result<(), String> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| self.cannot_run(&e))?;
        let mut said = Vec::new();
        if let Some(stderr) = child.stderr.take() {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                say(log, &line);
                said.push(line);
            }
        }
        let status = child.wait().await.map_err(|e| self.cannot_run(&e))?;
        if status.success() { Ok(()) } else { Err(reason(&said)) }
    }

    fn uv(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.uv);
        // Not the caller's directory: a project's own settings there would take part in the resolution.
        command.args(["--color", "never"]).args(arguments).current_dir(&self.cache).kill_on_drop(true);
        command
    }

    fn cannot_run(&self, e: &std::io::Error) -> String {
        format!("{} can't be run: {e}; give the path of uv with --uv", self.uv.display())
    }
}

/// Where the lines of a build log go.
pub type Log = mpsc::UnboundedSender<String>;

fn say(log: &Log, line: &str) {
    // A reader that went away does not end the build: the next one finds its result.
    let _ = log.send(line.to_owned());
}

async fn send(write: &mut (impl AsyncWriteExt + Unpin), line: &Line) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    write.write_all(&text).await
}

fn name_of(requirement: &str) -> String {
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
    let name = end.and_then(|end| requirement.get(..end)).unwrap_or(requirement);
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

fn path_in(output: &std::process::Output) -> Option<PathBuf> {
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !path.is_empty()).then(|| PathBuf::from(path))
}

fn content_key(python: &Path, packages: &[String]) -> String {
    let digest = Sha256::digest(format!("{}\n{}", python.display(), packages.join("\n")));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// uv explains itself in several lines, below a cross or after `error:` and `cause:`; the reason is that text in one.
fn reason(said: &[String]) -> String {
    let start = said.iter().position(|line| line.trim_start().starts_with(['×', '╰']) || line.starts_with("error:"));
    let mut text = String::new();
    for line in said.iter().skip(start.unwrap_or_else(|| said.len().saturating_sub(1))) {
        let words = line.trim_matches(|c: char| c.is_whitespace() || "×╰─▶│├".contains(c));
        let cause = words.strip_prefix("cause:");
        let words = cause.or_else(|| words.strip_prefix("error:")).unwrap_or(words).trim();
        if !text.is_empty() && !words.is_empty() {
            text.push_str(if cause.is_some() && !text.ends_with(':') { ": " } else { " " });
        }
        text.push_str(words);
    }
    if text.is_empty() { "uv failed without a word".into() } else { text }
}

fn pyenv_path() -> Option<std::ffi::OsString> {
    let root = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv")))?;
    let mut bins: Vec<_> =
        std::fs::read_dir(root.join("versions")).ok()?.flatten().map(|entry| entry.path().join("bin")).collect();
    bins.sort();
    std::env::join_paths(bins).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_what_the_resolver_says_in_one_line() {
        let reason = |lines: &[&str]| reason(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        let expected = "No solution found when resolving dependencies: Because there is no version of x==9, we can \
                        conclude that your requirements are unsatisfiable.";
        let older = [
            "Using Python 3.11.7 environment at: env",
            "  × No solution found when resolving dependencies:",
            "  ╰─▶ Because there is no version of x==9, we can conclude that your",
            "      requirements are unsatisfiable.",
        ];
        assert_eq!(reason(&older), expected);
        let newer = [
            "Resolving",
            "error: No solution found when resolving dependencies",
            "  cause: Because there is no version of x==9, we can conclude that your requirements are unsatisfiable.",
        ];
        assert_eq!(reason(&newer), expected);
        assert_eq!(reason(&["killed"]), "killed");
    }

    #[test]
    fn equal_content_has_one_key() {
        let packages = ["numpy==1".to_owned()];
        assert_eq!(content_key(Path::new("/p"), &packages), content_key(Path::new("/p"), &packages));
        assert_ne!(content_key(Path::new("/p"), &packages), content_key(Path::new("/p"), &[]));
        assert_eq!(name_of("azureml_defaults[x]>=1"), "azureml-defaults");
    }
}
