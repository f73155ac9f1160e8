//! Reads what a spec expects of the answer to its sample request, and says what is wrong with it.

use super::files::{config_map_missing, empty};
use crate::{
    expectation::{self, Expectation, LONGEST},
    failure::Cause,
    observed::{Fact, Observed},
    questions::Question,
};
use acivnet_api::{AciVnetDeployment, ConfigMapKey, JsonContains, conditions::reasons};
use serde_json::Value;

/// The question about the file that holds the expected JSON.
pub(super) fn question(cr: &AciVnetDeployment) -> Option<Question> {
    let key = json_contains(cr)?.config_map.clone()?;
    Some(Question::config_map(key, true))
}

fn json_contains(cr: &AciVnetDeployment) -> Option<&JsonContains> {
    cr.spec.probe.as_ref()?.expect.as_ref()?.json_contains.as_ref()
}

/// The expectation, once all of it was read. A cause is found before the first write.
pub(super) fn of(cr: &AciVnetDeployment, observed: &Observed) -> Result<Expectation, Cause> {
    let expect = cr.spec.probe.as_ref().and_then(|probe| probe.expect.as_ref());
    let pattern = expect.and_then(|expect| expect.body_matches.clone());
    if let Some(why) = pattern.as_deref().and_then(|pattern| expectation::pattern(pattern).err()) {
        return Err(invalid("bodyMatches", &format!("can't be used: {why}; shorten it, or use RE2 syntax")));
    }
    let Some(contains) = json_contains(cr) else { return Ok(Expectation { pattern, ..Expectation::default() }) };
    let tolerance = contains.tolerance.as_ref().map_or(Ok(0.0), expectation::tolerance);
    let tolerance = tolerance.map_err(|why| invalid("jsonContains.tolerance", &why))?;
    Ok(Expectation { json: Some(json(contains, observed)?), tolerance: tolerance.to_string(), pattern })
}

fn json(contains: &JsonContains, observed: &Observed) -> Result<String, Cause> {
    let text = match (&contains.value, &contains.config_map) {
        (Some(value), None) => value.to_string(),
        (None, Some(key)) => in_file(key, observed)?,
        _ => return Err(invalid("jsonContains", "needs exactly one of value and configMap")),
    };
    if text.len() > LONGEST {
        return Err(invalid("jsonContains", "is longer than 16 KiB; expect the part that matters"));
    }
    Ok(text)
}

fn in_file(key: &ConfigMapKey, observed: &Observed) -> Result<String, Cause> {
    let refused = |what: &str| {
        let message = format!("ConfigMap {} key {} of spec.probe.expect.jsonContains {what}", key.name, key.key);
        Cause::person(reasons::INVALID_SPEC, message)
    };
    let fact = match observed.fact(&Question::config_map(key.clone(), true)) {
        Fact::Present(fact) => fact,
        Fact::Absent => return Err(config_map_missing(key)),
        Fact::Unread(failure) => return Err(Cause::from(&failure)),
    };
    let text = fact.get("text").and_then(Value::as_str).ok_or_else(|| refused("is not text of at most 16 KiB"))?;
    match serde_json::from_str::<Value>(text) {
        Ok(value) => Ok(value.to_string()),
        Err(error) => Err(refused(&format!("is not JSON: {error}; correct it"))),
    }
}

fn invalid(field: &str, what: &str) -> Cause {
    Cause::person(reasons::INVALID_SPEC, format!("spec.probe.expect.{field} {what}"))
}

/// Refuses a sample request that can't be sent.
pub(super) fn check(cr: &AciVnetDeployment, observed: &Observed) -> Result<(), Cause> {
    let Some(probe) = &cr.spec.probe else { return Ok(()) };
    let key = &probe.request.config_map;
    let sample = observed.fact(&Question::config_map(key.clone(), false));
    let is_empty = matches!(&sample, Fact::Present(fact) if fact.get("size").and_then(Value::as_u64) == Some(0));
    if is_empty {
        let needs = "a sample request must hold what the scoring script reads";
        return Err(empty(key, needs));
    }
    of(cr, observed).map(drop)
}
