//! Writes that Azure took and that had to be made again: reads do not show yet what was written, or somebody undoes it.

use acivnet_core::{
    names::Names,
    owner::sha256_hex,
    plan::{self, Plan},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// By uid: a digest of what the last reconcile that wrote has written, and how often in a row it was that.
#[derive(Default)]
pub(crate) struct Repeats(Mutex<BTreeMap<String, (String, u32)>>);

impl Repeats {
    /// How often what this reconcile wrote was written right before: 0 the first time, and when nothing was written.
    pub(crate) fn count(&self, meta: &ObjectMeta, plan: &Plan) -> u32 {
        let Some(written) = digest(plan) else { return 0 };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = match all.get(meta.uid()) {
            Some((last, count)) if *last == written => count.saturating_add(1),
            _ => 0,
        };
        all.insert(meta.uid().to_owned(), (written, count));
        count
    }

    /// It stands as it should, or is gone.
    pub(crate) fn forget(&self, meta: &ObjectMeta) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(meta.uid());
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
        let repeats = Repeats::default();
        let meta = ObjectMeta { uid: Some("u".into()), ..ObjectMeta::default() };
        let id = virtual_network::id(&ResourceId::group_id("s", "g"), "v");
        let node = Node::new(&VIRTUAL_NETWORK, id, Goal::Present, Value::Null, Mark::None);
        let count = |body: Value, etag: &str, result: Option<Progress>| {
            let action = Action::Write(Request::Put { body, if_match: Some(etag.to_owned()) });
            let result = result.map(Ok);
            let step = Step { node: node.clone(), seen: Seen::Absent, action, change: None, result };
            repeats.count(&meta, &Plan { steps: vec![step], ..Plan::default() })
        };
        let taken = Some(Progress::Carried);
        let counts = [
            count(json!(1), "a", taken),
            count(json!(1), "b", taken),
            count(json!(1), "c", None),
            count(json!(1), "d", taken),
            count(json!(2), "e", taken),
        ];
        assert_eq!(counts, [0, 1, 0, 2, 0]);
        repeats.forget(&meta);
        assert_eq!(count(json!(2), "f", taken), 0);
    }
}
