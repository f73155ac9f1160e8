//! Recordings as they lie in a folder: one file each, one exchange a line, in the order of time.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// What one test of Microsoft's asked of Azure, and what Azure answered.
pub struct Recording {
    /// Name of the file without its ending.
    pub name: String,
    pub exchanges: Vec<Exchange>,
}

#[derive(Clone, Deserialize)]
pub struct Exchange {
    /// Number in the file, by which a comment may quote it.
    pub n: u32,
    pub method: String,
    /// Path with query.
    pub path: String,
    /// `If-Match` and `If-None-Match`.
    #[serde(default, rename = "if")]
    pub conditions: BTreeMap<String, String>,
    /// Absent where there was none, and where the recorder keeps none.
    #[serde(default)]
    pub request: Option<Value>,
    pub status: u16,
    /// By name in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub response: Option<Value>,
    /// Whether it asks about an operation.
    #[serde(default)]
    pub poll: bool,
    /// Whether the recording has written before what the files leave out.
    #[serde(default)]
    pub foreign: bool,
}

impl Recording {
    /// All recordings of a folder, in order of name.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
        let entries = std::fs::read_dir(folder).map_err(|error| failed(&error))?;
        let mut files = Vec::new();
        for entry in entries {
            files.push(entry.map_err(|error| failed(&error))?.path());
        }
        files.retain(|file| file.extension().is_some_and(|ending| ending == "jsonl"));
        files.sort();
        files.iter().map(|file| Self::read(file)).collect()
    }

    fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let line = |(number, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|error| format!("{}, line {}: {error}", file.display(), number + 1))
        };
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, exchanges: text.lines().enumerate().map(line).collect::<Result<_, _>>()? })
    }
}

impl Exchange {
    pub fn api_version(&self) -> &str {
        let at = self.path.find("api-version=").map(|at| at + "api-version=".len());
        at.and_then(|at| self.path.get(at..at + 10)).unwrap_or_default()
    }

    /// The type that it is about, in Azure's spelling but for the case, and for a list with a star behind it.
    pub fn kind(&self) -> String {
        let path = bare(&self.path);
        let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
        let Some(at) = words.iter().rposition(|word| *word == "providers") else {
            let kinds: Vec<&str> = words.iter().skip(2).step_by(2).copied().collect();
            let is_list = words.len() % 2 == 1 && self.method == "GET" && !self.poll;
            let kind = if kinds.is_empty() { "subscriptions".to_owned() } else { kinds.join("/") };
            return format!("{kind}{}", if is_list { "/*" } else { "" });
        };
        if self.poll {
            return format!("{}, operations", words.get(at + 1).unwrap_or(&""));
        }
        let below = words.get(at + 2..).unwrap_or_default();
        let kinds: Vec<&str> = below.iter().step_by(2).copied().collect();
        let is_list = below.len() % 2 == 1 && self.method == "GET";
        format!("{}/{}{}", words.get(at + 1).unwrap_or(&""), kinds.join("/"), if is_list { "/*" } else { "" })
    }

    /// Where the resource or the operation stands, in lower case.
    pub fn state(&self) -> String {
        state_of(self.response.as_ref())
    }
}

/// `status` or `properties.provisioningState`, in lower case.
pub fn state_of(body: Option<&Value>) -> String {
    let text = |pointer| body.and_then(|body| body.pointer(pointer)).and_then(Value::as_str);
    text("/status").or_else(|| text("/properties/provisioningState")).unwrap_or_default().to_ascii_lowercase()
}

/// Whether a state is one that passes.
pub fn is_under_way(state: &str) -> bool {
    ["inprogress", "pending", "creating", "updating", "deleting", "accepted", "running", "repairing"].contains(&state)
}

/// A URL without host and query, in lower case.
pub fn bare(url: &str) -> String {
    let path =
        url.split_once("://").map_or(url, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(""));
    path.split('?').next().unwrap_or_default().trim_end_matches('/').to_ascii_lowercase()
}
