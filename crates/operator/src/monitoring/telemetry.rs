//! Logs: text on a terminal, JSON otherwise, on standard error.

use crate::cli::args::{LogFormat, LogLevel};
use std::io::{IsTerminal, stderr};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    registry,
    util::SubscriberInitExt,
};

/// Starts logging to standard error. A second call changes nothing.
pub fn start(format: LogFormat, level: LogLevel) {
    let text = match format {
        LogFormat::Auto => stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    start_to(stderr, text, level);
}

/// Starts logging to a writer, as text or as JSON. A second call changes nothing.
pub fn start_to<W: for<'w> MakeWriter<'w> + Send + Sync + 'static>(writer: W, text: bool, level: LogLevel) {
    let logs = registry().with(filter(level));
    let lines = fmt::layer().with_ansi(stderr().is_terminal()).with_writer(writer);
    let started =
        if text { logs.with(lines).try_init() } else { logs.with(lines.json().flatten_event(true)).try_init() };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started already");
    }
}

/// Libraries stay at `info` and above: below that, HTTP clients print headers and bodies.
fn filter(level: LogLevel) -> Targets {
    let ours = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new().with_target("acivnet", ours).with_default(ours.min(LevelFilter::INFO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn libraries_never_log_what_could_hold_a_secret() {
        let all = filter(LogLevel::Trace);
        assert!(all.would_enable("acivnet_operator::act", &Level::TRACE));
        for library in ["hyper", "kube_client", "azure_core::http", "reqwest"] {
            assert!(all.would_enable(library, &Level::INFO), "{library}");
            assert!(!all.would_enable(library, &Level::DEBUG), "{library}");
        }
        assert!(!filter(LogLevel::Error).would_enable("hyper", &Level::WARN));
    }
}
