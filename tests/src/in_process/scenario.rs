//! A scenario, and running it with and without interruptions.

use super::{
    bed::{Action, Bed},
    campaign::Wrong,
    driver::Driver,
    end_state::EndState,
    expect::Expectation,
    wire::{Disturbance, Interruption, Mode, Sent},
};
use http::Method;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Something that happens, and that has to end the same whatever is interrupted.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What is done, and comes to rest, beforehand.
    pub prepare: Action,
    /// What is done then. The requests that follow are those that are interrupted.
    pub act: Action,
    /// How it has to end.
    pub ends: Expectation,
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct Run {
    /// Every request.
    pub trace: Vec<Sent>,
    /// The statuses of the answers, by number of the request.
    pub answers: BTreeMap<usize, u16>,
    /// The number of the first request after the action.
    pub acted: usize,
    /// The end state, when all had settled.
    pub end: EndState,
    /// How often an operator was started.
    pub starts: u64,
    /// The rights that the tenant's roles granted, and those that none did.
    pub rights: Value,
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
        if let [unmet, ..] = bed.wire.unmet().as_slice() {
            return Err(format!("there never was a request {}", unmet.request));
        }
        let (trace, answers, starts) = (bed.wire.trace(), bed.wire.answers(), bed.starts());
        Run { trace, answers, acted, end: EndState::of(&bed).await, starts, rights: bed.rights().await }.checked()
    }
}

impl Run {
    /// The run, if all that was to be deleted could be.
    ///
    /// # Errors
    /// The first DELETE that Azure refused.
    pub fn checked(self) -> Result<Self, String> {
        match self.refused_deletion() {
            Some(sent) => Err(format!("something was to be deleted that is in use: {sent}")),
            None => Ok(self),
        }
    }

    /// Every request in a line, with its number and the status of its answer, if there was one.
    pub fn log(&self) -> Vec<String> {
        let answer = |number| self.answers.get(&number).map_or_else(|| "---".to_owned(), ToString::to_string);
        self.trace.iter().enumerate().map(|(number, sent)| format!("{number:5} {} {sent}", answer(number))).collect()
    }

    /// The numbers of the requests after the act that `concerns` selects.
    pub fn numbers(&self, concerns: impl Fn(&Sent) -> bool) -> Vec<usize> {
        let after = self.trace.iter().enumerate().skip(self.acted);
        after.filter(|(_, sent)| concerns(sent)).map(|(number, _)| number).collect()
    }

    /// The numbers of the reads after the action, except those that were already sent since the last write.
    pub fn first_reads(&self) -> Vec<usize> {
        let (mut since, mut first) = (BTreeSet::new(), Vec::new());
        for (number, sent) in self.trace.iter().enumerate().skip(self.acted) {
            if sent.writes() {
                since.clear();
            } else if since.insert((sent.side, sent.method.as_str(), &sent.target)) {
                first.push(number);
            }
        }
        first
    }

    /// What is wrong with an interrupted run, compared with this undisturbed one; empty when nothing is.
    pub fn wrong_with(&self, interrupted: &Self, interruptions: &[Interruption]) -> Vec<(Wrong, String)> {
        let mut wrong = self.ends_otherwise(interrupted);
        let stops = interruptions.iter().filter(|one| one.mode != Mode::AnswerLost).count();
        if interrupted.starts != self.starts + stops as u64 {
            wrong.push((Wrong::Different, "the operator was not stopped as often as it should have been".into()));
        }
        let until = interruptions.first().map_or(0, |first| first.request + 1);
        let pairs = self.trace.iter().zip(&interrupted.trace).take(until);
        wrong.extend(pairs.enumerate().find(|(_, (want, have))| want != have).map(|(number, (want, have))| {
            let parted = format!("the runs part before the interruption, at request {number}");
            (Wrong::Different, format!("{parted}: undisturbed {want}, here {have}"))
        }));
        wrong
    }

    /// The differences of another run's end, and what it created twice.
    pub fn ends_otherwise(&self, other: &Self) -> Vec<(Wrong, String)> {
        let mut wrong = self.end.differences(&other.end);
        let (wanted, made) = (self.creations(), other.creations());
        // where the undisturbed run makes the same again, how often it does so follows from the time and not from the
        // interruption; what is left of it shows in the end
        let distinct: BTreeSet<_> = wanted.iter().map(|sent| (&sent.target, &sent.body)).collect();
        if distinct.len() == wanted.len() && made.len() > wanted.len() {
            let text = format!("{} creations without a key instead of {}", made.len(), wanted.len());
            wrong.push((Wrong::Duplicate, text));
        }
        wrong
    }

    /// The first DELETE that Azure refused because what it was about is in use: a read would have told.
    fn refused_deletion(&self) -> Option<&Sent> {
        let refused =
            |(number, sent): &(usize, &Sent)| sent.method == Method::DELETE && self.answers.get(number) == Some(&400);
        self.trace.iter().enumerate().find(refused).map(|(_, sent)| sent)
    }

    /// The requests that made something that has no key of its own, so that a second one makes a second thing.
    fn creations(&self) -> Vec<&Sent> {
        let carried = |number: usize| self.answers.get(&number).is_some_and(|status| (200..300).contains(status));
        let made = self.trace.iter().enumerate().filter(|(number, sent)| sent.creates() && carried(*number));
        made.map(|(_, sent)| sent).collect()
    }
}
