//! What an operator does wrong with what it says of the world, and with what it remembers there.

use super::{Asked, Bug, Planted, asks, edit};
use crate::in_process::{transport::Transport, wire::Lost};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

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
    Planted {
        bug: "Azure is not looked at any more once it has refused a write with 400",
        scenarios: &["a refusal that is mended in Azure"],
        plant: || Arc::new(Blind::default()),
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

/// Answers reads of resources with what they answered before the first refusal.
#[derive(Default)]
struct Blind(Mutex<Sight>);

#[derive(Default)]
struct Sight {
    refused: bool,
    seen: BTreeMap<String, Response<Bytes>>,
}

#[async_trait]
impl Bug for Blind {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let asked = Asked::of(&request);
        let (reads, writes, target) = (asked.reads_resource(), asked.writes_azure(), asked.uri.to_string());
        let known = { self.known(&target) };
        if let Some(known) = known.filter(|_| reads) {
            return Ok(known);
        }
        let answer = transport.send(request).await?;
        let mut sight = self.0.lock().unwrap();
        sight.refused |= writes && answer.status() == 400;
        if reads && !sight.refused {
            sight.seen.insert(target, answer.clone());
        }
        Ok(answer)
    }
}

impl Blind {
    fn known(&self, target: &str) -> Option<Response<Bytes>> {
        let sight = self.0.lock().unwrap();
        sight.seen.get(target).filter(|_| sight.refused).cloned()
    }
}
