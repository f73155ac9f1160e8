//! What Azure answered, as Microsoft's own tests recorded it, against what the simulator answers to the same requests.
//!
//! The recordings are not part of this repository: `ACIVNET_AZURE_RECORDINGS` names their folder. Each gets a simulator of
//! its own. A difference fails unless [`known`] has it with a reason, and so does an entry there that is no longer true.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, and this one tells what it found"
)]

mod azure;
mod compare;
mod known;
mod player;
mod recordings;
mod report;

use player::Player;
use recordings::Recording;
use report::Report;

#[tokio::test]
async fn recorded_answers_of_azure() {
    let Some(folder) = std::env::var_os("ACIVNET_AZURE_RECORDINGS") else {
        return println!("not compared with recorded answers of Azure: set ACIVNET_AZURE_RECORDINGS");
    };
    let recordings = Recording::read_all(folder.as_ref()).unwrap();
    let mut report = Report::default();
    for recording in &recordings {
        report.add(&recording.name, Player::new().await.play(recording).await);
    }
    println!("{report}\n{} recordings", recordings.len());
    let faults = report.faults();
    assert!(faults.is_empty(), "not as Azure, and not on the list of known differences:\n{faults}");
}
