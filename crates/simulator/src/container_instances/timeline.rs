//! The state of a container at a moment, derived from its start, its script and the restart policy.

use super::Life;
use super::script::{Exit, Pull, Script};
use crate::clock::after;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// Pause before the second start, in seconds in Azure; it doubles each time up to the longest, as kubelet's does.
const FIRST_PAUSE_SECONDS: f64 = 10.0;
const LONGEST_PAUSE_SECONDS: f64 = 300.0;
/// How many restarts are followed one by one: more than a day of them.
const MOST_RESTARTS: u32 = 500;

/// When a container is started again after it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restart {
    Always,
    OnFailure,
    Never,
}

impl Restart {
    /// `restartPolicy` as it is stored.
    pub fn of(text: &str) -> Self {
        match text {
            "OnFailure" => Self::OnFailure,
            "Never" => Self::Never,
            _ => Self::Always,
        }
    }

    fn again(self, code: i32) -> bool {
        match self {
            Self::Always => true,
            Self::OnFailure => code != 0,
            Self::Never => false,
        }
    }
}

/// The phase of a container.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum State {
    Waiting(&'static str),
    Running {
        since: Timestamp,
    },
    Terminated {
        since: Timestamp,
        until: Timestamp,
        code: i32,
    },
    /// Ended because the group was stopped.
    Stopped {
        until: Timestamp,
    },
}

/// The state of a container.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub now: State,
    pub before: Option<State>,
    pub restarts: u32,
}

impl State {
    /// `currentState` or `previousState`.
    pub fn shown(&self) -> Value {
        match self {
            Self::Waiting(why) => json!({"state": "Waiting", "detailStatus": why}),
            Self::Running { since } => json!({"state": "Running", "startTime": time(*since), "detailStatus": ""}),
            Self::Terminated { since, until, code } => json!({
                "state": "Terminated", "startTime": time(*since), "finishTime": time(*until), "exitCode": code,
                "detailStatus": if *code == 0 { "Completed" } else { "Error" },
            }),
            // Neither exit code nor start: azure-mgmt-containerinstance recorded it so, and a user reported it in May 2026.
            Self::Stopped { until } => json!({
                "state": "Terminated", "finishTime": time(*until),
                "detailStatus": "Container stopped per client request",
            }),
        }
    }
}

/// A time as Container Instances writes it.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The container's state at `now`; none while nothing is known of it. `scaled` turns Azure's seconds into durations here.
pub(super) fn standing(
    life: &Life,
    script: &Script,
    restart: Restart,
    now: Timestamp,
    scaled: impl Fn(f64) -> Duration,
) -> Option<Standing> {
    let until = life.stopped.unwrap_or(now);
    let Some(first) = life.started else {
        let is_stuck = script.pull == Pull::NeverEnds && life.stopped.is_none();
        return is_stuck.then_some(Standing { now: State::Waiting("ImagePullBackOff"), before: None, restarts: 0 });
    };
    let standing = match script.exit {
        None => Standing { now: State::Running { since: first }, before: None, restarts: 0 },
        Some(exit) => with_exit(first, exit, restart, until, scaled),
    };
    Some(if life.stopped.is_some() { stopped(standing, until) } else { standing })
}

fn with_exit(
    first: Timestamp,
    exit: Exit,
    restart: Restart,
    now: Timestamp,
    scaled: impl Fn(f64) -> Duration,
) -> Standing {
    let (mut since, mut before, mut pause, mut restarts) = (first, None, FIRST_PAUSE_SECONDS, 0);
    loop {
        let until = after(since, scaled(exit.after_seconds.max(0.0)));
        if now < until {
            return Standing { now: State::Running { since }, before, restarts };
        }
        let ended = State::Terminated { since, until, code: exit.code };
        if !restart.again(exit.code) {
            return Standing { now: ended, before, restarts };
        }
        let next = after(until, scaled(pause));
        if now < next || restarts == MOST_RESTARTS {
            return Standing { now: State::Waiting("CrashLoopBackOff"), before: Some(ended), restarts };
        }
        (since, before, restarts) = (next, Some(ended), restarts + 1);
        pause = (pause * 2.0).min(LONGEST_PAUSE_SECONDS);
    }
}

/// A group that was stopped: what still ran was ended, and is the state before.
fn stopped(standing: Standing, until: Timestamp) -> Standing {
    match standing.now {
        State::Running { .. } => {
            Standing { now: State::Stopped { until }, before: Some(standing.now), restarts: standing.restarts }
        }
        _ => standing,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Form;
    use super::*;

    #[test]
    fn ends_and_restarts() {
        let start: Timestamp = "2026-11-22T15:00:00Z".parse().unwrap();
        let life = Life { turn: 1, begun: start, started: Some(start), stopped: None, form: Form::Current };
        let scaled = |seconds| Duration::from_secs_f64(seconds);
        let at = |seconds: u64, script: &Script, restart| {
            let now = after(start, Duration::from_secs(seconds));
            let standing = standing(&life, script, restart, now, scaled).unwrap();
            let state = standing.now.shown();
            (
                state["state"].as_str().unwrap().to_owned(),
                state["detailStatus"].as_str().unwrap().to_owned(),
                standing.restarts,
            )
        };
        let exits = |code| Script { exit: Some(Exit { code, after_seconds: 5.0 }), ..Script::default() };
        for (seconds, script, restart, wanted) in [
            (9_999, Script::default(), Restart::Never, ("Running", "", 0)),
            (4, exits(0), Restart::Never, ("Running", "", 0)),
            (5, exits(0), Restart::Never, ("Terminated", "Completed", 0)),
            (99, exits(3), Restart::Never, ("Terminated", "Error", 0)),
            (99, exits(0), Restart::OnFailure, ("Terminated", "Completed", 0)),
            (6, exits(3), Restart::OnFailure, ("Waiting", "CrashLoopBackOff", 0)),
            (15, exits(3), Restart::OnFailure, ("Running", "", 1)),
            (20, exits(0), Restart::Always, ("Waiting", "CrashLoopBackOff", 1)),
            (40, exits(0), Restart::Always, ("Running", "", 2)),
        ] {
            let (state, detail, restarts) = at(seconds, &script, restart);
            assert_eq!((state.as_str(), detail.as_str(), restarts), wanted, "{seconds} s, {restart:?}");
        }
    }

    #[test]
    fn before_the_start_and_after_a_stop() {
        let start: Timestamp = "2026-11-22T15:00:00Z".parse().unwrap();
        let mut life = Life { turn: 1, begun: start, started: None, stopped: None, form: Form::Current };
        let scaled = |seconds| Duration::from_secs_f64(seconds);
        let endless = Script { pull: Pull::NeverEnds, ..Script::default() };
        let view = |life: &Life, script: &Script| standing(life, script, Restart::Always, start, scaled);
        assert_eq!(view(&life, &Script::default()), None);
        assert_eq!(view(&life, &endless).unwrap().now, State::Waiting("ImagePullBackOff"));
        life.started = Some(start);
        life.stopped = Some(start);
        let ended = view(&life, &Script::default()).unwrap();
        assert_eq!((ended.now, ended.before), (State::Stopped { until: start }, Some(State::Running { since: start })));
        let shown = ended.now.shown();
        assert_eq!(shown["detailStatus"], "Container stopped per client request");
        assert!(shown.get("exitCode").is_none() && shown.get("startTime").is_none(), "not as a job well done: {shown}");
    }
}
