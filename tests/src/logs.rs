//! The operator's logs in this process, kept in memory at the most verbose level.

use acivnet_operator::{cli::args::LogLevel, monitoring::telemetry};
use std::{
    io,
    sync::{Mutex, PoisonError},
};

static LOGS: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Memory;

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGS.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on logs are kept.
pub fn keep() {
    telemetry::start_to(|| Memory, false, LogLevel::Trace);
}

/// All lines so far, of every operator in this process.
pub fn all() -> String {
    String::from_utf8_lossy(&LOGS.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}
