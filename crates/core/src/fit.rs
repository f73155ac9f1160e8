//! Cuts what does not fit into a status. The definitions bound each list and each foreign text, and a status that the
//! API server refuses for its length would stay at what no longer holds. A cut list says how many entries are missing.

use crate::scrub::fitted;
use acivnet_api::{
    DelegatedSubnetStatus, DriftItem, LONGEST_LABEL, LONGEST_VALUE, Occupant, PlanStatus, PlannedAction,
};

/// Longest message of a condition or an event, in characters: 1,024 is the limit of events.k8s.io/v1 for a note (1 kB); a
/// condition's is 32,768.
pub const LONGEST_MESSAGE: usize = 1024;

/// A foreign value, path or name.
pub fn value(text: impl Into<String>) -> String {
    fitted(text.into(), LONGEST_VALUE)
}

/// `Kind/name`.
pub fn label(text: impl Into<String>) -> String {
    fitted(text.into(), LONGEST_LABEL)
}

/// A message.
pub fn message(text: impl Into<String>) -> String {
    fitted(text.into(), LONGEST_MESSAGE)
}

/// `status.plan.actions`.
pub fn actions(list: Vec<PlannedAction>) -> Vec<PlannedAction> {
    let more = |more: String, first: &PlannedAction| PlannedAction {
        action: first.action.clone(),
        resource: more,
        field: None,
        from: None,
        to: None,
    };
    cut(list, PlanStatus::MOST, more)
}

/// `status.drift`.
pub fn drift(list: Vec<DriftItem>) -> Vec<DriftItem> {
    let more = |more, _: &DriftItem| DriftItem {
        resource: more,
        field: String::new(),
        want: String::new(),
        have: String::new(),
    };
    cut(list, DriftItem::MOST, more)
}

/// `status.occupants`. Those of this namespace come first if not all fit, since the status is where they are remembered.
pub fn occupants(mut list: Vec<Occupant>) -> Vec<Occupant> {
    if list.len() > Occupant::MOST {
        list.sort_by_key(|one| !one.managed);
    }
    let list = list.into_iter().map(|one| Occupant { name: value(one.name), address: one.address.map(value), ..one });
    cut(list.collect(), Occupant::MOST, |more, _| Occupant { name: more, address: None, managed: false })
}

/// `status.serviceAssociationLinks`.
pub fn links(list: Vec<String>) -> Vec<String> {
    cut(list.into_iter().map(value).collect(), DelegatedSubnetStatus::MOST_LINKS, |more, _| more)
}

/// Cuts a list that is too long. The last element says how many are missing; `more` makes it from the first of them.
fn cut<T>(mut list: Vec<T>, most: usize, more: impl FnOnce(String, &T) -> T) -> Vec<T> {
    if list.len() > most {
        let kept = most.saturating_sub(1);
        let left = list.len() - kept;
        let last = list.get(kept).map(|first| more(format!("and {left} more"), first));
        list.truncate(kept);
        list.extend(last);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let links = |count: usize| links((0..count).map(|n| format!("l{n}")).collect());
        assert_eq!(links(16).len(), 16);
        assert_eq!((links(17).len(), links(17)[14].as_str(), links(17)[15].as_str()), (16, "l14", "and 2 more"));
        assert_eq!(links(400)[15], "and 385 more");
    }

    #[test]
    fn occupants_of_ours_are_kept() {
        let one = |n: usize| Occupant { name: format!("n{n}"), address: None, managed: n % 3 == 2 };
        let list = occupants((0..900).map(one).collect());
        assert_eq!((list.len(), list.iter().filter(|one| one.managed).count()), (Occupant::MOST, 300));
        assert_eq!(list[Occupant::MOST - 1].name, "and 389 more");
    }
}
