//! What the tests share: a real API server, the simulated Azure, the operator between them, and examples.
//!
//! All tests of one program run on one runtime, so that what is started once serves every test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say so"
)]

pub mod azure_roles;
pub mod examples;
pub mod golden;
pub mod in_process;
pub mod kstatus;
pub mod kube_bed;
pub mod logs;
pub mod many_objects;
pub mod operator;
pub mod proxy;
pub mod real_bed;
pub mod replica;
pub mod results;
pub mod simulator;
pub mod tenant;
pub mod world;

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{runtime::Runtime, time::Instant};

/// Interrupted runs spend more than half of their time on allocation; the C library's allocator takes half as long again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long anything may take before a test gives up. Never a measure of speed.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a test on the runtime that all tests share.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime starts")).block_on(test)
}

/// Repeats `ask` until it returns `Ok`; gives up with the last `Err`.
pub async fn eventually<T, F: Future<Output = Result<T, String>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> Result<T, String> {
    let end = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(why) if Instant::now() > end => return Err(format!("{what}: not within {PATIENCE:?}: {why}")),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("tests lies in the repository").to_path_buf()
}

/// A new folder below the target directory. Those of processes that are gone are removed, so that at most the last run's
/// stay, with its logs.
pub fn scratch() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let executable = std::env::current_exe().expect("the test program");
    let all = executable.ancestors().nth(3).expect("a target directory").join("tmp/acivnet-tests");
    for old in std::fs::read_dir(&all).into_iter().flatten().flatten() {
        let name = old.file_name().to_string_lossy().into_owned();
        let process = Path::new("/proc").join(name.split('-').next().unwrap_or_default());
        if !process.exists() {
            let _gone = std::fs::remove_dir_all(old.path());
        }
    }
    let folder = all.join(format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
