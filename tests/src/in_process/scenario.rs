//! Scenarios, and running them with and without interruptions.

use super::{
    acts,
    bed::{Act, Bed},
    driver::Driver,
    end_state::EndState,
    wire::{Disturbance, Interruption, Mode, Sent},
};

/// Something that happens to the world, and from which every interruption has to lead to the same end.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What is done, and comes to rest, beforehand.
    pub prepare: Act,
    /// What is done then. The requests that follow are those that are interrupted.
    pub act: Act,
}

/// All scenarios.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "article create", prepare: acts::nothing, act: acts::article },
    Scenario { name: "model update", prepare: acts::article, act: acts::other_model },
    Scenario { name: "script update", prepare: acts::article, act: acts::other_script },
    Scenario { name: "tag", prepare: acts::article, act: acts::tag },
    Scenario { name: "more memory", prepare: acts::article, act: acts::more_memory },
    Scenario { name: "drift", prepare: acts::article, act: acts::drift },
    Scenario { name: "delete all", prepare: acts::article, act: acts::delete_all },
    Scenario { name: "delete while creating", prepare: acts::nothing, act: acts::create_and_delete },
    Scenario { name: "delete and create again", prepare: acts::article, act: acts::delete_and_create },
    Scenario { name: "namespace deletion", prepare: acts::article_with_secret, act: acts::delete_namespace },
];

/// How a run went.
#[derive(Clone, Debug)]
pub struct Run {
    /// Every request.
    pub trace: Vec<Sent>,
    /// The same in lines, with the statuses of the answers.
    pub log: Vec<String>,
    /// The number of the first request after the act.
    pub acted: usize,
    /// What stood when all had settled.
    pub end: EndState,
    /// How often an operator was started.
    pub starts: u64,
}

impl Scenario {
    /// Runs it. Time has to be paused.
    ///
    /// # Errors
    /// What did not settle, or was touched although it belongs to others.
    pub async fn run(&self, disturbance: Disturbance) -> Result<Run, String> {
        let bed = Bed::new(disturbance).await;
        let foreign = bed.foreign().await;
        (self.prepare)(&bed).await;
        let mut driver = Driver::start(&bed).await;
        driver.until_stable().await.map_err(|why| format!("beforehand, {why}"))?;
        let acted = bed.wire.count();
        (self.act)(&bed).await;
        driver.until_stable().await?;
        if bed.foreign().await != foreign {
            return Err("something that belongs to others was touched".into());
        }
        match bed.wire.unmet().as_slice() {
            [] => Ok(Run {
                trace: bed.wire.trace(),
                log: bed.wire.log(0),
                acted,
                end: EndState::of(&bed).await,
                starts: bed.starts(),
            }),
            [unmet, ..] => Err(format!("there never was a request {}", unmet.request)),
        }
    }
}

impl Run {
    /// The numbers of the requests after the act that `concerns` selects.
    pub fn numbers(&self, concerns: impl Fn(&Sent) -> bool) -> Vec<usize> {
        let after = self.trace.iter().enumerate().skip(self.acted);
        after.filter(|(_, sent)| concerns(sent)).map(|(number, _)| number).collect()
    }

    /// What is wrong with an interrupted run, compared with this undisturbed one; empty when nothing is.
    pub fn wrong_with(&self, interrupted: &Self, first: &Interruption) -> Vec<String> {
        let until = first.request + 1;
        let mut wrong = self.end.differences(&interrupted.end);
        if first.mode != Mode::AnswerLost && interrupted.starts <= self.starts {
            wrong.push("the operator was never stopped".into());
        }
        let pairs = self.trace.iter().zip(&interrupted.trace).take(until);
        wrong.extend(pairs.enumerate().find(|(_, (want, have))| want != have).map(|(number, (want, have))| {
            format!("the runs part before the interruption, at request {number}: undisturbed {want}, here {have}")
        }));
        wrong
    }
}
