//! What an operator does wrong with what it did not make.

use super::{Planted, asks, each_object, edit, reads};
use acivnet_core::owner::{ORIGIN_TAG, OWNER_TAG};
use http::Method;
use serde_json::Value;

pub(super) const BUGS: &[Planted] = &[
    Planted {
        bug: "what was adopted counts as made here, and is deleted with the object",
        scenarios: &["adopted, then deleted"],
        plant: || {
            reads(|_, answer| {
                edit(answer.body_mut(), |body| {
                    each_object(body, &mut |members| {
                        members.remove(ORIGIN_TAG);
                        if members.get("origin").and_then(Value::as_str) == Some("Adopted") {
                            members.insert("origin".into(), "Created".into());
                        }
                    });
                });
            })
        },
    },
    Planted {
        bug: "an adoption is not recorded",
        scenarios: &["adoption"],
        plant: || {
            asks(|request| {
                if request.method() == Method::PUT && request.uri().path().ends_with("/status") {
                    edit(request.body_mut(), |body| {
                        let list = body["status"]["resources"].as_array_mut();
                        list.into_iter().for_each(|list| list.retain(|one| one["origin"] != "Adopted"));
                    });
                }
            })
        },
    },
    Planted {
        bug: "the mark of another cluster is overwritten under IfUnowned",
        scenarios: &["adoption refused"],
        plant: || {
            reads(|_, answer| {
                edit(answer.body_mut(), |body| {
                    each_object(body, &mut |members| {
                        let theirs = |owner: &Value| owner.as_str().is_some_and(|owner| owner.contains("beef"));
                        if members.get(OWNER_TAG).is_some_and(theirs) {
                            members.remove(OWNER_TAG);
                        }
                    });
                });
            })
        },
    },
    Planted {
        bug: "a restart leaves no tag",
        scenarios: &["restart"],
        plant: || {
            asks(|request| {
                if request.method() == Method::PATCH && request.uri().path().contains("/services/") {
                    edit(request.body_mut(), |body| {
                        each_object(body, &mut |members| drop(members.remove("acivnet-restart")));
                    });
                }
            })
        },
    },
];
