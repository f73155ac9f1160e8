//! What an operator does wrong with what it says of the world, and with what it remembers there.

use super::{Planted, asks, edit};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::Value;

pub(super) const BUGS: &[Planted] = &[
    Planted {
        bug: "what was made here is forgotten at the sight of another's mark",
        scenarios: &["another's mark for a while, then deleted"],
        plant: || {
            asks(|request| {
                if is_status(request) {
                    edit(request.body_mut(), |body| {
                        let list = body["status"]["resources"].as_array_mut();
                        list.into_iter().for_each(|list| list.retain(|one| one["state"] != "Foreign"));
                    });
                }
            })
        },
    },
    Planted {
        bug: "a change that Azure refuses is called ready, because what stood before does",
        scenarios: &["a change that is refused, then corrected"],
        plant: || {
            asks(|request| {
                if is_status(request) {
                    edit(request.body_mut(), called_ready);
                }
            })
        },
    },
];

fn is_status(request: &Request<Bytes>) -> bool {
    request.method() == Method::PUT && request.uri().path().ends_with("/status")
}

/// Where something had settled, `Ready` is True of whatever the spec says.
fn called_ready(body: &mut Value) {
    let settled = body["status"]["settledGeneration"].is_number();
    let generation = body["metadata"]["generation"].clone();
    for one in body["status"]["conditions"].as_array_mut().into_iter().flatten() {
        if settled && one["type"] == "Ready" {
            (one["status"], one["observedGeneration"]) = ("True".into(), generation.clone());
        }
    }
}
