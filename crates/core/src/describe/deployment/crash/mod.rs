//! Why a web service's container ended, from its log: the script's own Python error, or how a worker of the scoring server
//! was killed.
//!
//! Microsoft's server raises its own exception `from` the script's (azureml-inference-server-http, `user_script.py`). Its
//! workers are gunicorn's, which replaces each worker that is killed, so that Azure sees a running container.

mod events;
mod tell;
mod traceback;

#[cfg(test)]
mod tests;

use acivnet_api::conditions::reasons;
use events::{Event, Killed};
use traceback::{Frame, Raised};

/// How much of the end of a log is read, in bytes: about what [`LINES`] lines of a traceback take.
const LOOKED_AT: usize = 256 << 10;
/// The same in lines. A recursion that hits Python's limit writes three thousand.
pub const LINES: usize = 5000;

/// What ended a container, or makes its requests fail.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crash {
    pub reason: &'static str,
    /// What happened, scrubbed, and short enough to leave room for a sentence.
    pub what: String,
    /// What to do about it.
    pub advice: &'static str,
    /// Whether the log proves that this ended the worker; a script may log an exception that it handles.
    pub sure: bool,
}

/// How the last start that ended came to its end. None if no end is logged, or if a later start runs.
pub(super) fn of_log(log: &str) -> Option<Crash> {
    last(log).filter(|(_, later_runs)| !later_runs).map(|(crash, _)| crash)
}

/// The same for a container that replaces a lost worker, as it does after a request that kills it.
pub(super) fn of_worker(log: &str) -> Option<Crash> {
    last(log).map(|(crash, _)| crash)
}

/// The last end of a start, and whether a later start runs.
fn last(log: &str) -> Option<(Crash, bool)> {
    let events = events::of(tail(log));
    let mut later_runs = false;
    for start in events.split(|event| matches!(event, Event::Start)).rev() {
        if let Some(crash) = of_start(start) {
            return Some((crash, later_runs));
        }
        later_runs |= start.iter().any(|event| matches!(event, Event::Runs));
    }
    None
}

/// The Python error of the last request that failed, while the server runs.
pub(super) fn of_request(log: &str) -> Option<String> {
    let events = events::of(tail(log));
    let last = events.split(|event| matches!(event, Event::Start)).next_back()?;
    last.iter().rev().find_map(|event| match event {
        Event::Error(chain) => Some(tell::error(chain)),
        _ => None,
    })
}

fn tail(log: &str) -> &str {
    let from = log.len().saturating_sub(LOOKED_AT);
    let from = (from..log.len()).find(|at| log.is_char_boundary(*at)).unwrap_or_default();
    let log = log.get(from..).unwrap_or_default();
    let from = log.rmatch_indices('\n').nth(LINES).map_or(0, |(end, _)| end + 1);
    log.get(from..).unwrap_or_default()
}

/// What ended one start; the last sign in the log counts most.
fn of_start(events: &[Event<'_>]) -> Option<Crash> {
    let killed = last_of(events, |event| if let Event::Killed(killed) = event { Some(killed) } else { None });
    let fatal =
        last_of(events, |event| if let Event::Fatal(name, frames) = event { Some((*name, frames)) } else { None });
    let error = |wanted: fn(&[Raised<'_>]) -> bool| {
        last_of(events, |event| {
            if let Event::Error(chain) = event { Some(chain) } else { None }
                .filter(|chain| wanted(chain) && !tell::is_nameless(chain))
        })
    };
    let wrapped = error(tell::is_wrapped);
    let runs = events.iter().any(|event| matches!(event, Event::Runs));
    // these are the server's own exit codes, after it logged an error
    let by_server = matches!(killed, None | Some(Killed::Exit(0 | 1 | 3 | 4)));
    let sure = killed.is_some() || wrapped.is_some();
    match wrapped.or_else(|| error(|_| true)) {
        Some(chain) if by_server && (killed.is_some() || !runs) => Some(Crash { sure, ..python(chain) }),
        _ => match (fatal, killed) {
            (Some((name, frames)), _) => Some(crashed(name, frames)),
            (None, killed) => killed.map(|killed| ended_by(killed, events)),
        },
    }
}

fn last_of<'e, 'a, T>(events: &'e [Event<'a>], pick: impl Fn(&'e Event<'a>) -> Option<T>) -> Option<T> {
    events.iter().rev().find_map(pick)
}

fn python(chain: &[Raised<'_>]) -> Crash {
    Crash {
        reason: reasons::SCORING_SCRIPT_CRASHED,
        what: format!("the container exits by itself: {}", tell::error(chain)),
        advice: "correct the scoring script, the model or the environment",
        sure: true,
    }
}

fn crashed(name: &str, frames: &[Frame<'_>]) -> Crash {
    let at = tell::place(frames.iter()).map(|place| format!(" in {place}")).unwrap_or_default();
    Crash {
        reason: reasons::WORKER_CRASHED,
        what: format!("the scoring worker crashes: {}{at}", tell::short(name)),
        advice: "correct the native library or the model file that is used there",
        sure: true,
    }
}

fn ended_by(killed: &Killed<'_>, events: &[Event<'_>]) -> Crash {
    let timed_out = events.iter().any(|event| matches!(event, Event::TimedOut));
    match killed {
        Killed::Signal(_) if timed_out => Crash {
            reason: reasons::WORKER_CRASHED,
            what: "the scoring worker is stopped because it takes longer than the server waits (WORKER TIMEOUT)"
                .to_owned(),
            advice: "make init() faster, or set WORKER_TIMEOUT in spec.scoring.environmentVariables",
            sure: true,
        },
        Killed::Signal("SIGKILL") | Killed::Exit(137) => Crash {
            reason: reasons::OUT_OF_MEMORY,
            what: "the scoring worker is killed (SIGKILL, 137), most likely because it ran out of memory".to_owned(),
            advice: "raise spec.resources.memory, or load less",
            sure: true,
        },
        Killed::Signal(signal) => Crash {
            reason: reasons::WORKER_CRASHED,
            what: format!("the scoring worker is killed by {}", tell::short(signal)),
            advice: "correct the native library or the model file that it loads",
            sure: true,
        },
        Killed::Exit(code) => Crash {
            reason: reasons::SCORING_SCRIPT_CRASHED,
            what: format!("the scoring worker ends with exit code {code} and logs no error"),
            advice: "correct the scoring script, the model or the environment",
            sure: true,
        },
    }
}
