//! The protocol of the simulator and the environment builder over the unix socket: one JSON line asks, JSON
//! lines answer, and the last one is the result.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::builder::Builder;

/// Runs the environment builder: answers on `socket`, keeps environments below `cache`, builds them with the program
/// `uv`. It ends only with an error, or when it is dropped.
///
/// # Errors
/// The socket or the cache directory can't be created.
pub async fn serve(socket: PathBuf, cache: PathBuf, uv: PathBuf) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("the environment builder at {}: {e}", socket.display());
    // uv runs in the cache directory. A bare name is looked up in PATH.
    let cache = std::path::absolute(cache).map_err(failed)?;
    let uv = if uv.components().count() > 1 { std::path::absolute(uv).map_err(failed)? } else { uv };
    Builder::new(cache, uv).serve(&socket).await.map_err(failed)
}

/// The question: an environment definition as the SDK sends it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ask {
    /// The `environment` member of an environmentImageRequest.
    pub environment: Value,
}

/// A line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Line {
    /// A line of the build log.
    Log(String),
    /// The end: the directory of a Python environment, with `bin/python`.
    Done(PathBuf),
    /// The end: it could not be built, and why.
    Failed(String),
}

/// Asks the builder at `socket` for `environment` and passes on each log line.
///
/// # Errors
/// The reason as one line: what could not be built, or that the builder could not be reached.
pub(super) async fn ask(socket: &Path, environment: &Value, mut log: impl FnMut(String)) -> Result<PathBuf, String> {
    let unreachable = |e: std::io::Error| format!("the environment builder at {} is gone: {e}", socket.display());
    let stream = UnixStream::connect(socket).await.map_err(unreachable)?;
    let (read, mut write) = stream.into_split();
    let ask = serde_json::to_string(&Ask { environment: environment.clone() }).map_err(|e| e.to_string())?;
    write.write_all(format!("{ask}\n").as_bytes()).await.map_err(unreachable)?;
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await.map_err(unreachable)? {
        match serde_json::from_str(&line).map_err(|e| format!("the environment builder said {line:?}: {e}"))? {
            Line::Log(text) => log(text),
            Line::Done(path) => return Ok(path),
            Line::Failed(why) => return Err(why),
        }
    }
    Err(format!("the environment builder at {} ended before it had an answer", socket.display()))
}
