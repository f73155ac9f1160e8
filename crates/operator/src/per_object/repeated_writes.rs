//! Writes that Azure took and that had to be made again: reads do not show yet what was written, or somebody undoes it.

use acivnet_core::{
    owner::sha256_hex,
    plan::{self, Plan},
};

/// A digest of what the last writing reconcile wrote, and how often in a row it was that.
#[derive(Default, PartialEq)]
pub(crate) struct RepeatedWrites {
    written: Option<String>,
    count: u32,
}

impl RepeatedWrites {
    /// How often what this reconcile wrote was written right before: 0 the first time, and when nothing was written.
    pub(crate) fn count(&mut self, plan: &Plan) -> u32 {
        let Some(written) = digest(plan) else { return 0 };
        let same = self.written.as_ref() == Some(&written);
        let count = if same { self.count.saturating_add(1) } else { 0 };
        *self = Self { written: Some(written), count };
        count
    }
}

/// Of the writes that Azure took: where, and what. Conditions on what stands are left out.
fn digest(plan: &Plan) -> Option<String> {
    let taken = plan.writes().filter(|(step, _)| step.progress().is_some());
    let parts: Vec<String> = taken.map(|(step, request)| plan::digest(&step.node, request)).collect();
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    (!parts.is_empty()).then(|| sha256_hex(&parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use acivnet_core::{
        blueprint::{Goal, Node},
        id::ResourceId,
        kinds::virtual_network::{self, VIRTUAL_NETWORK},
        owner::Mark,
        plan::{Action, Progress, Request, Step},
        seen::Seen,
    };
    use serde_json::{Value, json};

    #[test]
    fn counts_the_same_write_and_forgets_another() {
        let mut repeats = RepeatedWrites::default();
        let id = virtual_network::id(&ResourceId::group_id("s", "g"), "v");
        let node = Node::new(&VIRTUAL_NETWORK, id, Goal::Present, Value::Null, Mark::None);
        let count = |repeats: &mut RepeatedWrites, body: Value, etag: &str, result: Option<Progress>| {
            let action = Action::Write(Request::Put { body, if_match: Some(etag.to_owned()) });
            let result = result.map(Ok);
            let step = Step { node: node.clone(), seen: Seen::Absent, action, change: None, result };
            repeats.count(&Plan { steps: vec![step], ..Plan::default() })
        };
        let taken = Some(Progress::Carried);
        let counts = [
            count(&mut repeats, json!(1), "a", taken),
            count(&mut repeats, json!(1), "b", taken),
            count(&mut repeats, json!(1), "c", None),
            count(&mut repeats, json!(1), "d", taken),
            count(&mut repeats, json!(2), "e", taken),
        ];
        assert_eq!(counts, [0, 1, 0, 2, 0]);
        repeats = RepeatedWrites::default();
        assert_eq!(count(&mut repeats, json!(2), "f", taken), 0);
    }
}
