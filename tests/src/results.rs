//! The results of a long run: printed, and kept in `docs/results/` with date, commit and size of the machine.
//!
//! ```text
//! let mut results = Results::new("interruptions", "Every request interrupted in every way");
//! results.table(&["scenario", "cases"], &rows);
//! results.bar("cases", "≥ 2,000", 2480, cases >= 2_000);
//! results.publish();
//! ```

use crate::repository;
use std::{fmt::Display, path::PathBuf, process::Command, thread};

/// Set to keep results in `docs/results/`; without it they are printed only, so that a plain `cargo test` changes no file.
pub const KEEP: &str = "ACIVNET_RESULTS";

/// The results of one run, in the order in which they were added.
#[derive(Clone, Debug)]
pub struct Results {
    name: String,
    title: String,
    blocks: Vec<String>,
    bars: Vec<Bar>,
}

/// A bar, and the measured value.
#[derive(Clone, Debug)]
struct Bar {
    what: String,
    bar: String,
    measured: String,
    met: bool,
}

impl Results {
    /// Results that are kept as `docs/results/{name}.md`.
    pub fn new(name: &str, title: &str) -> Self {
        Self { name: name.to_owned(), title: title.to_owned(), blocks: Vec::new(), bars: Vec::new() }
    }

    /// A paragraph.
    pub fn text(&mut self, paragraph: impl Into<String>) {
        self.blocks.push(paragraph.into());
    }

    /// A table; every row has as many cells as there are columns.
    pub fn table(&mut self, columns: &[&str], rows: &[Vec<String>]) {
        let line = |cells: Vec<&str>| format!("| {} |", cells.join(" | "));
        let head = [line(columns.to_vec()), line(vec!["---"; columns.len()])];
        let rows = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
        self.blocks.push(head.into_iter().chain(rows).collect::<Vec<_>>().join("\n"));
    }

    /// A figure with its bar.
    pub fn bar(&mut self, what: impl Into<String>, bar: impl Into<String>, measured: impl Display, met: bool) {
        self.bars.push(Bar { what: what.into(), bar: bar.into(), measured: measured.to_string(), met });
    }

    /// The figures that did not reach their bar.
    pub fn missed(&self) -> Vec<String> {
        let missed = self.bars.iter().filter(|bar| !bar.met);
        missed.map(|one| format!("{}: {} instead of {}", one.what, one.measured, one.bar)).collect()
    }

    /// The whole as Markdown.
    pub fn markdown(&self) -> String {
        let mut whole = self.clone();
        let word = |met: bool| if met { "yes" } else { "NO" }.to_owned();
        let row = |one: &Bar| vec![one.what.clone(), one.bar.clone(), one.measured.clone(), word(one.met)];
        let rows: Vec<Vec<String>> = self.bars.iter().map(row).collect();
        if !rows.is_empty() {
            whole.table(&["figure", "bar", "measured", "met"], &rows);
        }
        format!("# {}\n\n{}\n\n{}\n", self.title, origin(), whole.blocks.join("\n\n"))
    }

    /// Prints the whole, and keeps it when [`KEEP`] is set.
    pub fn publish(&self) {
        let markdown = self.markdown();
        eprintln!("{markdown}");
        if std::env::var_os(KEEP).is_some() {
            let path = self.path();
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("docs/results can be made");
            std::fs::write(&path, markdown).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    fn path(&self) -> PathBuf {
        repository().join("docs/results").join(format!("{}.md", self.name))
    }
}

/// When, from which commit, and on what.
fn origin() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let time = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC");
    format!("{time} · commit {} · {cores} cores, {} GiB of memory", commit(), memory_gib())
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(repository()).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--", ":!docs/results"]).is_some_and(|files| !files.is_empty());
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".into());
    if changed { format!("{commit} with changes") } else { commit }
}

/// Memory of the machine, rounded (`/proc/meminfo`, in KiB).
fn memory_gib() -> String {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
    let total = total.and_then(|kib| kib.parse::<f64>().ok());
    total.map_or_else(|| "?".into(), |kib| format!("{:.0}", kib / f64::from(1 << 20)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_that_is_missed_is_told() {
        let mut results = Results::new("test", "A test");
        results.text("What was done.");
        results.table(&["a", "b"], &[vec!["1".into(), "2".into()]]);
        results.bar("cases", "≥ 2", 3, true);
        results.bar("wrong", "0", 1, false);
        assert_eq!(results.missed(), ["wrong: 1 instead of 0"]);
        let text = results.markdown();
        for part in ["# A test\n", "| a | b |\n| --- | --- |\n| 1 | 2 |", "| wrong | 0 | 1 | NO |", " cores, "] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
