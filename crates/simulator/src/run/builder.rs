//! The environment builder: a process outside the network namespace that has network access and builds Python
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

use super::conda::{self, Refused, Requirements};
use super::environments::{Ask, Line};
use super::pythons::Pythons;

/// The oldest `azureml-defaults` with the scoring server. Older ones resolve where newer ones don't, but can't serve.
const DEFAULTS: &str = "azureml-defaults>=1.40";
/// The part of `azureml-defaults` that a container needs to serve.
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
                Ok(ask) => self.build(&ask.environment, &log).await.map_err(|why| why.to_string()),
                Err(e) => Err(format!("the request can't be read: {e}")),
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

    /// The directory of an environment for the definition; built now unless one with the same content exists.
    ///
    /// # Errors
    /// The reason in one line, and whether the file or the simulator is to blame; the log has the resolver's own words.
    pub async fn build(&self, definition: &serde_json::Value, log: &Log) -> Result<PathBuf, Refused> {
        let mut wanted = conda::requirements(definition)?;
        for note in &wanted.notes {
            say(log, note);
        }
        let python = self.interpreter(&wanted.python, log).await?;
        let key = content_key(&python, &wanted);
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

    /// The requested interpreter; if this machine lacks that patch release, another one of the same minor
    /// release; else one that uv fetches.
    async fn interpreter(&self, wanted: &Pythons, log: &Log) -> Result<PathBuf, Refused> {
        let specifier = wanted.specifier();
        if let Some(found) = self.find(&specifier).await? {
            say(log, &format!("Python {specifier}: {}", found.display()));
            return Ok(found);
        }
        let minors = wanted.minors();
        for minor in &minors {
            if let Some(found) = self.find(minor).await? {
                let note = "a limit of this simulator: this machine has no such patch level";
                say(log, &format!("Python {specifier}: {} is used instead, {note}", found.display()));
                return Ok(found);
            }
        }
        for minor in &minors {
            let version = minor.trim_start_matches("==").trim_end_matches(".*");
            say(log, &format!("Python {specifier}: not on this machine; uv fetches {version}"));
            let mut install = self.uv(&["python", "install", "--no-bin", version]);
            let is_there = self.run(install.env("UV_PYTHON_INSTALL_DIR", self.interpreters()), log).await.is_ok();
            if is_there && let Some(found) = self.find(minor).await? {
                say(log, &format!("Python {specifier}: {}", found.display()));
                return Ok(found);
            }
        }
        let what = format!("python{specifier}: no interpreter on this machine satisfies it, and uv can't fetch one");
        Err(Refused::Limit(what))
    }

    /// Where interpreters lie that uv has fetched.
    fn interpreters(&self) -> PathBuf {
        self.cache.join("interpreters")
    }

    async fn find(&self, specifier: &str) -> Result<Option<PathBuf>, Refused> {
        let find = |path: Option<std::ffi::OsString>| {
            let mut command = self.uv(&["python", "find", "--no-python-downloads", "--system", specifier]);
            command.env("UV_PYTHON_INSTALL_DIR", self.interpreters());
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
            say(log, &format!("{defaults} can't be installed for this interpreter; {SERVER} is used instead"));
            *defaults = SERVER.to_owned();
        }
    }

    async fn create(&self, python: &Path, wanted: &Requirements, finished: &Path, log: &Log) -> Result<(), Refused> {
        let io = |e: std::io::Error| {
            Refused::Limit(format!("the environment can't be written below {}: {e}", self.cache.display()))
        };
        let work = tempfile::Builder::new().prefix(".building-").tempdir_in(&self.cache).map_err(io)?;
        let place = work.path().join("env");
        let mut venv = self.uv(&["venv", "--relocatable", "--no-project", "--python"]);
        self.run(venv.arg(python).arg(&place), log).await?;
        if !wanted.packages.is_empty() {
            self.install(wanted, work.path(), &place, log).await?;
        }
        std::fs::rename(&place, finished).map_err(io)
    }

    /// Installs what is wanted. Where another index can't be reached from here, the rest may still have all of it.
    async fn install(&self, wanted: &Requirements, work: &Path, place: &Path, log: &Log) -> Result<(), Refused> {
        let first = self.install_with(&wanted.options, wanted, work, place, log).await;
        let is_extra = |option: &&String| option.starts_with("--extra-index-url") || option.starts_with("--find-links");
        let (extra, own): (Vec<_>, Vec<_>) = wanted.options.iter().partition(is_extra);
        match first {
            Err(Refused::Limit(why)) if !extra.is_empty() => {
                say(
                    log,
                    &format!(
                        "a limit of this simulator: {why} Trying again without --extra-index-url and --find-links."
                    ),
                );
                let own: Vec<_> = own.into_iter().cloned().collect();
                self.install_with(&own, wanted, work, place, log).await.map_err(|_| Refused::Limit(why))
            }
            other => other,
        }
    }

    async fn install_with(
        &self,
        options: &[String],
        wanted: &Requirements,
        work: &Path,
        place: &Path,
        log: &Log,
    ) -> Result<(), Refused> {
        let list = work.join("requirements.txt");
        let lines: Vec<_> = options.iter().chain(&wanted.packages).map(|line| format!("{line}\n")).collect();
        std::fs::write(&list, lines.concat()).map_err(|e| Refused::Limit(format!("{}: {e}", list.display())))?;
        // As pip does, the best version of all indexes is taken.
        let mut install = self.uv(&["pip", "install", "--index-strategy", "unsafe-best-match", "--python"]);
        install.arg(place.join("bin/python")).args(&wanted.arguments).arg("-r").arg(&list);
        self.run(&mut install, log).await.map_err(|why| blamed(why, wanted))
    }

    async fn run(&self, command: &mut Command, log: &Log) -> Result<(), Refused> {
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
        if status.success() { Ok(()) } else { Err(Refused::Mistake(reason(&said))) }
    }

    fn uv(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.uv);
        // Not the caller's directory: a project's own settings there would take part in the resolution.
        command.args(["--color", "never"]).args(arguments).current_dir(&self.cache).kill_on_drop(true);
        command
    }

    fn cannot_run(&self, e: &std::io::Error) -> Refused {
        Refused::Limit(format!("{} can't be run: {e}; give the path of uv with --uv", self.uv.display()))
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

/// Decides who is to blame for a failed installation: the simulator, if a channel would have had the package or a place
/// can't be reached from here.
fn blamed(why: Refused, wanted: &Requirements) -> Refused {
    let Refused::Mistake(text) = why else { return why };
    let has_none = |name: &&String| {
        text.contains(&format!("{name} was not found in the package registry"))
            || text.contains(&format!("Failed to build `{name}=="))
    };
    if let Some(name) = wanted.from_channels.iter().find(has_none) {
        let what = "is not on the Python index, or only as source code; channels are not used";
        return Refused::Limit(format!("conda package {name} {what}. {text}"));
    }
    let unreachable = [
        "Failed to fetch",
        "error sending request",
        "dns error",
        "client error",
        "failed to clone",
        "unable to access",
    ];
    if unreachable.iter().any(|words| text.contains(words)) {
        return Refused::Limit(format!("a download failed on this machine. {text}"));
    }
    Refused::Mistake(text)
}

fn content_key(python: &Path, wanted: &Requirements) -> String {
    let lists = [&wanted.packages, &wanted.options, &wanted.arguments].map(|list| list.join("\n"));
    // Unchanged for definitions without options, so that existing environments are still found.
    let text = format!("{}\n{}", python.display(), lists.join("\n").trim_end_matches('\n'));
    let digest = Sha256::digest(text);
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
    if text.is_empty() { "uv failed without a message".into() } else { text }
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
    fn what_a_channel_or_the_network_would_have_is_no_mistake_of_the_file() {
        let dependencies = serde_json::json!({"dependencies": ["osmium", {"pip": ["nosuch"]}]});
        let wanted = conda::requirements(&serde_json::json!({"python": {"condaDependencies": dependencies}})).unwrap();
        let blamed = |text: &str| blamed(Refused::Mistake(text.to_owned()), &wanted);
        let missing =
            |name: &str| format!("Because {name} was not found in the package registry and you require {name}, …");
        assert!(matches!(blamed(&missing("osmium")), Refused::Limit(_)));
        assert!(matches!(blamed("Failed to build `osmium==1.0`: no compiler"), Refused::Limit(_)));
        assert!(matches!(blamed(&missing("nosuch")), Refused::Mistake(_)));
        assert!(matches!(blamed("Failed to fetch: `https://x/a.whl`"), Refused::Limit(_)));
        assert!(matches!(blamed("No solution found when resolving dependencies"), Refused::Mistake(_)));
    }

    #[test]
    fn equal_content_has_one_key() {
        let wanted = |lines: &[&str]| {
            let dependencies = serde_json::json!({"dependencies": [{"pip": lines}]});
            conda::requirements(&serde_json::json!({"python": {"condaDependencies": dependencies}})).unwrap()
        };
        let key = |lines: &[&str]| content_key(Path::new("/p"), &wanted(lines));
        assert_eq!(key(&["numpy==1"]), key(&["numpy==1"]));
        assert_ne!(key(&["numpy==1"]), key(&[]));
        assert_ne!(key(&["numpy==1"]), key(&["numpy==1", "--pre"]));
        assert_ne!(key(&["numpy==1"]), key(&["numpy==1", "--extra-index-url https://x"]));
        assert_eq!(name_of("azureml_defaults[x]>=1"), "azureml-defaults");
    }
}
