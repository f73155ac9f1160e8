//! What an operator does wrong where several share it: namespaces, a virtual network, and its own memory.

use super::{Planted, asks, edit};
use crate::in_process::{actions::others::STRANGERS, bed::GROUP_ID};
use http::Method;
use serde_json::{Value, json};

pub(super) const BUGS: &[Planted] = &[
    Planted {
        bug: "a network that a stranger only names is recorded as seen with its identity",
        scenarios: &["a stranger names the network first"],
        plant: || {
            asks(|request| {
                let path = request.uri().path();
                if request.method() == Method::PUT && path.contains(STRANGERS) && path.ends_with("/status") {
                    edit(request.body_mut(), reached);
                }
            })
        },
    },
    Planted {
        bug: "of what was made only so much is remembered, and nothing says that there is more",
        scenarios: &["marks lost, then deleted"],
        plant: || {
            asks(|request| {
                if request.method() == Method::PUT && request.uri().path().ends_with("/status") {
                    edit(request.body_mut(), |object| {
                        let resources = object["status"]["resources"].as_array_mut();
                        resources.into_iter().for_each(|all| all.truncate(1));
                    });
                }
            })
        },
    },
];

/// The status of an object as if the network had been seen to stand.
fn reached(object: &mut Value) {
    let id = format!("{GROUP_ID}/providers/Microsoft.Network/virtualNetworks/amlvnet1");
    object["status"]["resources"] =
        json!([{"kind": "VirtualNetwork", "id": id, "origin": "Created", "state": "Settled"}]);
}
