//! The status is true, and what it remembers outlives temporary mistakes.

use super::{Scenario, actions};
use crate::in_process::{
    actions::truth,
    end_state::EndState,
    expect::{self, resource},
};

pub(super) const TRUTH: &[Scenario] = &[
    Scenario {
        name: "taken over without a write, then deleted",
        prepare: actions::network,
        act: truth::taken_over_then_deleted,
        ends: expect::nothing,
    },
    Scenario {
        name: "a refusal that is mended in Azure",
        prepare: actions::network,
        act: truth::refused_then_mended,
        ends: as_described,
    },
    Scenario {
        name: "another's mark for a while",
        prepare: actions::network,
        act: truth::anothers_mark,
        ends: as_described,
    },
    Scenario {
        name: "another's mark for a while, then deleted",
        prepare: actions::network,
        act: truth::anothers_mark_then_deleted,
        ends: expect::nothing,
    },
    Scenario {
        name: "a change that is refused, then corrected",
        prepare: actions::network,
        act: truth::refused_change,
        ends: promoted_once_right,
    },
];

fn as_described(end: &EndState) {
    expect::network(end);
    let rules = &resource(end, "/networkSecurityGroups/amlnsg")["properties"]["securityRules"];
    assert_eq!(rules.as_array().map(Vec::len), Some(1));
    assert!(resource(end, "/networkSecurityGroups/amlnsg")["tags"]["acivnet-owner"].as_str().is_some());
}

/// Whoever waited for the change got the one that stands.
fn promoted_once_right(end: &EndState) {
    expect::network(end);
    assert_eq!(end.kubernetes["configmaps"]["ml/promoted"]["data"]["priorities"], "200 201");
}
