//! What an operator writes wrongly to Azure.

use super::{Asked, Bug, Planted, answer, asks, edit};
use crate::in_process::{transport::Transport, wire::Lost};
use acivnet_core::owner::OWNER_TAG;
use async_trait::async_trait;
use bytes::Bytes;
use http::{
    Method, Request, Response, StatusCode,
    header::{CONTENT_LENGTH, IF_MATCH},
};
use serde_json::json;
use std::sync::{Arc, Mutex};

pub(super) const BUGS: &[Planted] = &[
    Planted {
        bug: "a POST without answer is sent again, without a look",
        scenarios: &["article create"],
        plant: || Arc::new(PostsAgain),
    },
    Planted {
        bug: "If-Match is left out",
        scenarios: &["foreign subnet before a network write"],
        plant: || {
            asks(|request| {
                request.headers_mut().remove(IF_MATCH);
            })
        },
    },
    Planted {
        bug: "an empty file is put without its length",
        scenarios: &["directory model with an empty file"],
        plant: || {
            asks(|request| {
                if request.method() == Method::PUT && request.body().is_empty() {
                    request.headers_mut().remove(CONTENT_LENGTH);
                }
            })
        },
    },
    Planted {
        bug: "a PUT is made from the spec alone: tags of others are lost",
        scenarios: &["drift: network tags"],
        plant: || {
            asks(|request| {
                if puts(request, "/virtualNetworks/") {
                    edit(request.body_mut(), |body| {
                        if let Some(tags) = body["tags"].as_object_mut() {
                            tags.retain(|name, _| name == OWNER_TAG);
                        }
                    });
                }
            })
        },
    },
    Planted {
        bug: "a network is written without its subnets, which an older api-version takes for their deletion",
        scenarios: &["foreign subnet before a network write"],
        plant: || {
            asks(|request| {
                if puts(request, "/virtualNetworks/") && !request.uri().path().contains("/subnets/") {
                    edit(request.body_mut(), |body| {
                        body["properties"].as_object_mut().into_iter().for_each(|all| drop(all.remove("subnets")));
                    });
                    let older = request.uri().to_string().replace("2024-05-01", "2022-07-01");
                    *request.uri_mut() = older.parse().expect("a URI");
                }
            })
        },
    },
    Planted {
        bug: "a subnet is written without its route table",
        scenarios: &["a route table of others"],
        plant: || {
            asks(|request| {
                if puts(request, "/subnets/") {
                    edit(request.body_mut(), |body| {
                        body["properties"].as_object_mut().into_iter().for_each(|all| drop(all.remove("routeTable")));
                    });
                }
            })
        },
    },
    Planted {
        bug: "a compute instance that is stopped is made again",
        scenarios: &["compute instance stopped"],
        plant: || Arc::new(MakesAgain::default()),
    },
    Planted {
        bug: "a security group is made without its mark",
        scenarios: &["network create"],
        plant: || {
            asks(|request| {
                if puts(request, "/networkSecurityGroups/") {
                    edit(request.body_mut(), |body| {
                        body["tags"].as_object_mut().into_iter().for_each(|all| drop(all.remove(OWNER_TAG)));
                    });
                }
            })
        },
    },
    Planted {
        bug: "a key is given to the other one's place",
        scenarios: &["keys rotated"],
        plant: || {
            asks(|request| {
                if request.uri().path().ends_with("/regenerateKeys") {
                    edit(request.body_mut(), |body| {
                        let other = if body["keyType"] == "Primary" { "Secondary" } else { "Primary" };
                        body["keyType"] = other.into();
                    });
                }
            })
        },
    },
    Planted {
        bug: "a renewed certificate is marked and not sent",
        scenarios: &["tls renewed"],
        plant: || {
            asks(|request| {
                if request.method() == Method::PATCH {
                    edit(request.body_mut(), |body| {
                        let ours = |one: &serde_json::Value| one["path"] != "/sslCertificate";
                        body.as_array_mut().into_iter().for_each(|all| all.retain(ours));
                    });
                }
            })
        },
    },
    Planted {
        bug: "a model is registered before its file is there",
        scenarios: &["article create"],
        plant: || Arc::new(UploadsLate::default()),
    },
];

pub(super) fn puts(request: &Request<Bytes>, what: &str) -> bool {
    request.method() == Method::PUT && request.uri().host().is_some() && request.uri().path().contains(what)
}

/// Starts a stopped compute instance in the way in which it was made: by the same PUT.
#[derive(Default)]
struct MakesAgain(Mutex<bool>);

#[async_trait]
impl Bug for MakesAgain {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let (asked, mut again) = (Asked::of(&request), request.clone());
        let found = transport.send(request).await?;
        let body = super::json(found.body());
        let stopped =
            asked.is(Method::GET, "/computes/amlci") && body["properties"]["properties"]["state"] == "Stopped";
        if stopped && !std::mem::replace(&mut *self.0.lock().unwrap(), true) {
            *again.method_mut() = Method::PUT;
            *again.body_mut() = body.to_string().into();
            transport.send(again).await?;
        }
        Ok(found)
    }
}

/// Retries inside the HTTP layer, whatever the verb.
struct PostsAgain;

#[async_trait]
impl Bug for PostsAgain {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let again = (request.method() == Method::POST).then(|| request.clone());
        match (transport.send(request).await, again) {
            (Err(Lost), Some(again)) => transport.send(again).await,
            (answer, _) => answer,
        }
    }
}

/// Uploads a file once its model is registered.
#[derive(Default)]
struct UploadsLate(Mutex<Option<Request<Bytes>>>);

#[async_trait]
impl Bug for UploadsLate {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let asked = Asked::of(&request);
        if asked.method == Method::PUT && asked.uri.path().ends_with("model.pkl") {
            *self.0.lock().unwrap() = Some(request);
            return Ok(answer(StatusCode::CREATED, &json!(null)));
        }
        let answer = transport.send(request).await?;
        let late = if asked.is(Method::POST, "/models") { self.0.lock().unwrap().take() } else { None };
        if let Some(late) = late {
            transport.send(late).await?;
        }
        Ok(answer)
    }
}
