//! Limits a container's memory. The user who runs the simulator need not own a control group, so the
//! processes are watched from outside: if they hold more, all of them are killed, which the container sees as 137 and
//! Azure calls `OOMKilled`.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::task::JoinHandle;

/// How often it is checked. A process fills about a gigabyte in a second.
const PERIOD: Duration = Duration::from_millis(100);
/// Most processes of one container that are counted, so that a fork bomb can't stall the check.
const MOST_PROCESSES: usize = 1_000;

/// Watches a process group until it is dropped.
#[derive(Debug)]
pub struct Watch {
    leader: u32,
    exceeded: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Watch {
    /// Kills the process group that `leader` leads once its processes hold more than `limit` bytes.
    #[must_use]
    pub fn over(leader: u32, limit: u64) -> Self {
        let exceeded = Arc::new(AtomicBool::new(false));
        let told = exceeded.clone();
        let task = tokio::spawn(async move {
            while fs::exists(format!("/proc/{leader}")).unwrap_or(false) {
                if exceeds(leader, limit) {
                    told.store(true, Ordering::SeqCst);
                    kill(leader);
                    return;
                }
                tokio::time::sleep(PERIOD).await;
            }
        });
        Self { leader, exceeded, task }
    }

    /// Kills what is left of the process group.
    pub fn clear(&self) {
        kill(self.leader);
    }

    /// Whether it has killed the group.
    #[must_use]
    pub fn exceeded(&self) -> bool {
        self.exceeded.load(Ordering::SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Kills a process group; one that has just ended is not an error.
fn kill(leader: u32) {
    if let Ok(leader) = i32::try_from(leader) {
        let _ = killpg(Pid::from_raw(leader), Signal::SIGKILL);
    }
}

/// Whether a process and all that it has started hold more than `limit` bytes. Pages that several share count once: each
/// process is asked for its share (`Pss`), but only where the sizes together are too much, since that costs more.
fn exceeds(leader: u32, limit: u64) -> bool {
    let all = family(leader);
    let bytes = |pid: &u32| kilobytes(&format!("/proc/{pid}/status"), "VmRSS:").saturating_mul(1024);
    let share = |pid: &u32| kilobytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:").saturating_mul(1024);
    if all.iter().map(bytes).sum::<u64>() <= limit {
        return false;
    }
    // A process whose share may not be read counts as a whole.
    let shares = all.iter().map(|pid| Some(share(pid)).filter(|share| *share > 0).unwrap_or_else(|| bytes(pid)));
    shares.sum::<u64>() > limit
}

fn kilobytes(path: &str, member: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(member)).unwrap_or_default();
    value.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// The process and its descendants.
fn family(leader: u32) -> Vec<u32> {
    let mut all = vec![leader];
    let mut at = 0;
    while let Some(pid) = all.get(at).copied().filter(|_| all.len() < MOST_PROCESSES) {
        at += 1;
        for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    async fn ended(script: &str, limit: u64) -> (Option<i32>, bool) {
        let mut command = tokio::process::Command::new("python3");
        let mut child = command.args(["-c", script]).process_group(0).kill_on_drop(true).spawn().unwrap();
        let watch = Watch::over(child.id().unwrap(), limit);
        let status = child.wait().await.unwrap();
        (status.signal(), watch.exceeded())
    }

    #[tokio::test]
    async fn who_holds_too_much_is_killed_with_all_that_it_started() {
        let greedy = "held = bytearray(200_000_000)\nimport time\ntime.sleep(60)";
        assert_eq!(ended(greedy, 100_000_000).await, (Some(9), true));
        let by_a_child = format!("import subprocess, sys\nsubprocess.run([sys.executable, '-c', {greedy:?}])");
        assert_eq!(ended(&by_a_child, 100_000_000).await, (Some(9), true));
        assert_eq!(ended("held = bytearray(20_000_000)", 500_000_000).await, (None, false));
    }
}
