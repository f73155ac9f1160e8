//! What an operator does wrong with Kubernetes.

use super::{Asked, Bug, Planted, answer, asks, edit, get, json};
use crate::in_process::{transport::Transport, wire::Lost};
use acivnet_api::FINALIZER;
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header::CONTENT_TYPE};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

pub(super) const BUGS: &[Planted] = &[
    Planted {
        bug: "the finalizer is never put on",
        scenarios: &["delete all"],
        plant: || {
            asks(|request| {
                if puts_finalizer(request) {
                    look_instead(request);
                }
            })
        },
    },
    Planted {
        bug: "the finalizer is put on after the first write to Azure",
        scenarios: &["delete while the network is made"],
        plant: || Arc::new(FinalizerLate::default()),
    },
    Planted {
        bug: "the list of finalizers is written without those of others",
        scenarios: &["held by others"],
        plant: || {
            asks(|request| {
                if ours(request.uri()) && request.method() == Method::PATCH {
                    edit(request.body_mut(), only_our_finalizer);
                }
            })
        },
    },
    Planted {
        bug: "conflicts are ignored: the list of finalizers is written over whatever stands",
        scenarios: &["held by others meanwhile"],
        plant: || {
            asks(|request| {
                if ours(request.uri()) && request.method() == Method::PATCH {
                    edit(request.body_mut(), |patch| patch["metadata"]["resourceVersion"] = Value::Null);
                }
            })
        },
    },
    Planted {
        bug: "the finalizer of the Secret is never put on",
        scenarios: &["namespace deletion"],
        plant: || {
            asks(|request| {
                if request.method() == Method::PATCH && request.uri().path().ends_with("/secrets/acivnet-azure") {
                    look_instead(request);
                }
            })
        },
    },
    Planted {
        bug: "a Secret that somebody made is overwritten with the keys that Azure made",
        scenarios: &["somebody makes the Secret for the keys"],
        plant: || {
            asks(|request| {
                if request.method() == Method::POST && request.uri().path().ends_with("/secrets") {
                    *request.method_mut() = Method::PUT;
                    let whole = request.uri().to_string().replacen("/secrets", "/secrets/churn-keys", 1);
                    *request.uri_mut() = whole.parse().expect("a URI");
                }
            })
        },
    },
    Planted {
        bug: "the status is written to the object instead of its subresource",
        scenarios: &["network create"],
        plant: || {
            asks(|request| {
                if puts_status(request) {
                    *request.uri_mut() = object_of(request.uri());
                }
            })
        },
    },
    Planted {
        bug: "the status is written by a merge patch, which takes no key away",
        scenarios: &["cpu with approval"],
        plant: || asks(merge_status),
    },
    Planted {
        bug: "ids are recorded in the status after the resources were made",
        scenarios: &["delete while the network is made"],
        plant: || Arc::new(RecordLate::default()),
    },
    Planted {
        bug: "the keys of tags that were written are not recorded",
        scenarios: &["network create"],
        plant: || {
            asks(|request| {
                if puts_status(request) {
                    edit(request.body_mut(), |object| {
                        let resources = object["status"]["resources"].as_array_mut();
                        resources.into_iter().flatten().for_each(|one| one["keys"] = json!([]));
                    });
                }
            })
        },
    },
    Planted {
        bug: "every pass writes an event",
        scenarios: &["network create"],
        plant: || Arc::new(EventEachPass::default()) as Arc<dyn Bug>,
    },
];

/// An object of ours.
fn ours(uri: &Uri) -> bool {
    uri.host().is_none() && uri.path().starts_with("/apis/acivnet.dev/")
}

fn puts_status(request: &Request<Bytes>) -> bool {
    ours(request.uri()) && request.method() == Method::PUT && request.uri().path().ends_with("/status")
}

fn puts_finalizer(request: &Request<Bytes>) -> bool {
    let listed = || json(request.body())["metadata"]["finalizers"].to_string().contains(FINALIZER);
    ours(request.uri()) && request.method() == Method::PATCH && listed()
}

fn look_instead(request: &mut Request<Bytes>) {
    *request = get(request.uri());
}

/// The path of an object from that of its status.
fn object_of(uri: &Uri) -> Uri {
    uri.to_string().replacen("/status", "", 1).parse().expect("a URI")
}

fn only_our_finalizer(patch: &mut Value) {
    if let Some(list) = patch["metadata"]["finalizers"].as_array_mut() {
        list.retain(|one| one == FINALIZER);
    }
}

fn merge_status(request: &mut Request<Bytes>) {
    if !puts_status(request) {
        return;
    }
    *request.method_mut() = Method::PATCH;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/merge-patch+json"));
    edit(request.body_mut(), |object| {
        let version = object["metadata"]["resourceVersion"].take();
        *object = json!({"metadata": {"resourceVersion": version}, "status": object["status"].take()});
    });
}

/// Says that the finalizer stands, and puts it on once Azure was written.
#[derive(Default)]
struct FinalizerLate(Mutex<Option<Request<Bytes>>>);

#[async_trait]
impl Bug for FinalizerLate {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        if puts_finalizer(&request) {
            let mut stands = transport.send(get(request.uri())).await?;
            edit(stands.body_mut(), |object| object["metadata"]["finalizers"] = json!([FINALIZER]));
            *self.0.lock().unwrap() = Some(request);
            return Ok(stands);
        }
        let wrote = Asked::of(&request).writes_azure();
        let answer = transport.send(request).await;
        let late = if wrote { self.0.lock().unwrap().take() } else { None };
        if let Some(mut late) = late {
            edit(late.body_mut(), |patch| patch["metadata"]["resourceVersion"] = Value::Null);
            transport.send(late).await?;
        }
        answer
    }
}

/// Keeps the status that records what is to be made until the pass has made it, and the pass's last one replaces it.
#[derive(Default)]
struct RecordLate {
    wrote: Mutex<bool>,
    kept: Mutex<Option<Request<Bytes>>>,
}

#[async_trait]
impl Bug for RecordLate {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let asked = Asked::of(&request);
        if asked.writes_azure() {
            *self.wrote.lock().unwrap() = true;
            self.kept.lock().unwrap().take();
        }
        if asked.is(Method::GET, "/serviceaccounts/acivnet") {
            *self.wrote.lock().unwrap() = false;
        }
        let records =
            puts_status(&request) && json(request.body())["status"]["resources"].to_string().contains("Absent");
        if records && !*self.wrote.lock().unwrap() {
            let said = answer(StatusCode::OK, &json(request.body()));
            *self.kept.lock().unwrap() = Some(request);
            return Ok(said);
        }
        // a pass that writes nothing to Azure ends with its status
        let kept = if asked.method == Method::GET { self.kept.lock().unwrap().take() } else { None };
        if let Some(kept) = kept {
            transport.send(kept).await?;
        }
        transport.send(request).await
    }
}

/// Tells of every look, which every pass begins with that of the namespace's identity.
#[derive(Default)]
struct EventEachPass(AtomicUsize);

#[async_trait]
impl Bug for EventEachPass {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let looks = Asked::of(&request).is(Method::GET, "/serviceaccounts/acivnet");
        let answer = transport.send(request).await?;
        if looks {
            let name = format!("looked.{}", self.0.fetch_add(1, Ordering::Relaxed));
            let event = json!({
                "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": name, "namespace": "ml"},
                "type": "Normal", "reason": "Looked",
            });
            let request = Request::post("/apis/events.k8s.io/v1/namespaces/ml/events").body(event.to_string().into());
            transport.send(request.expect("a request")).await?;
        }
        Ok(answer)
    }
}
