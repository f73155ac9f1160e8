//! What an operator reads wrongly, or not at all, in Azure.

use super::{Asked, Bug, Planted, answer, each_object, edit, json, not_found, reads};
use crate::in_process::{
    api_server::{resources::NAMESPACES, store::Key},
    transport::Transport,
    wire::Lost,
};
use acivnet_core::owner::OWNER_TAG;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// The subnets that the how-to makes.
const OWN_SUBNETS: [&str; 2] = ["amlsubnet1", "default"];

pub(super) const BUGS: &[Planted] = &[
    Planted {
        bug: "a subnet that is to go is taken for gone, and its NAT gateway deleted",
        scenarios: &["deletion of the network with egress fails"],
        plant: || Arc::new(SubnetGone::default()),
    },
    Planted {
        bug: "what is answered to the sample request is not looked at",
        scenarios: &["another answer than expected"],
        plant: || {
            reads(|asked, answer| {
                if asked.is(Method::POST, "/score") {
                    *answer.body_mut() = json!({"models": ["another:1"]}).to_string().into();
                }
            })
        },
    },
    Planted {
        bug: "the owner's cluster is not compared",
        scenarios: &["taken over by another cluster"],
        plant: || Arc::new(AnyCluster),
    },
    Planted {
        bug: "what carries no mark is taken for ours",
        scenarios: &["a group of that name stands"],
        plant: || Arc::new(Adopts),
    },
    Planted {
        bug: "404 of a resource group is read as absence",
        scenarios: &["network deletion, group not found"],
        plant: || reads(|_, answer| absent_by_code(answer, "ResourceGroupNotFound")),
    },
    Planted {
        bug: "403 is read as absence",
        scenarios: &["network deletion, rights lost"],
        plant: || reads(|_, answer| absent_by_code(answer, "AuthorizationFailed")),
    },
    Planted {
        bug: "a deletion that was accepted is taken for absence",
        scenarios: &["deletion of the network fails"],
        plant: || Arc::new(Trusting { deletions: true, ..Trusting::default() }),
    },
    Planted {
        bug: "a PUT that was accepted is taken for success, without a read",
        scenarios: &["network operation fails"],
        plant: || Arc::new(Trusting { puts: true, ..Trusting::default() }),
    },
    Planted {
        bug: "a resource that was read is not read again",
        scenarios: &["network create"],
        plant: || Arc::new(ReadOnce(|asked| asked.reads_resource(), Mutex::default())),
    },
    Planted {
        bug: "the list of models is read once",
        scenarios: &["article create"],
        plant: || Arc::new(ReadOnce(|asked| asked.is(Method::GET, "/models"), Mutex::default())),
    },
    Planted {
        bug: "a token is used for ever",
        scenarios: &["token expires"],
        plant: || Arc::new(ReadOnce(|asked| asked.is(Method::POST, "/oauth2/v2.0/token"), Mutex::default())),
    },
    Planted {
        bug: "an asset is made without a look at those that are there",
        scenarios: &["article create"],
        plant: || reads(|asked, answer| finds_nothing(asked, answer, "/assets")),
    },
    Planted {
        bug: "a model is registered without a look at those that are there",
        scenarios: &["article create"],
        plant: || reads(|asked, answer| finds_nothing(asked, answer, "/models")),
    },
    Planted {
        bug: "every start registers the model",
        scenarios: &["article create"],
        plant: || Arc::new(RegistersOnStart::default()),
    },
    Planted {
        bug: "a subnet is deleted with what Azure keeps in it",
        scenarios: &["delete all"],
        plant: || {
            reads(|asked, answer| {
                if asked.reads_resource() {
                    edit(answer.body_mut(), |body| {
                        each_object(body, &mut |members| {
                            members.retain(|name, _| name != "serviceAssociationLinks" && name != "ipConfigurations");
                        });
                    });
                }
            })
        },
    },
    Planted {
        bug: "a network is deleted with the subnets of others in it",
        scenarios: &["foreign subnet before a subnet deletion"],
        plant: || {
            reads(|asked, answer| {
                if asked.is(Method::GET, "/virtualNetworks/amlvnet1") {
                    edit(answer.body_mut(), |body| {
                        let subnets = body["properties"]["subnets"].as_array_mut();
                        subnets.into_iter().for_each(|list| {
                            list.retain(|one| one["name"].as_str().is_some_and(|name| OWN_SUBNETS.contains(&name)));
                        });
                    });
                }
            })
        },
    },
];

fn absent_by_code(answer: &mut Response<Bytes>, code: &str) {
    if json(answer.body())["error"]["code"] == code {
        *answer = not_found();
    }
}

fn finds_nothing(asked: &Asked, answer: &mut Response<Bytes>, what: &str) {
    if asked.is(Method::GET, what) && asked.uri.path().starts_with("/modelmanagement/") {
        *answer = nothing();
    }
}

fn nothing() -> Response<Bytes> {
    answer(StatusCode::OK, &json!({"value": [], "nextLink": null}))
}

/// Uid of the cluster.
fn cluster(transport: &Transport) -> String {
    let key = Key::new(&NAMESPACES, "", "kube-system");
    let namespace = transport.cluster.get(&key).expect("kube-system");
    namespace["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

/// Reads the owner's mark without its cluster.
struct AnyCluster;

#[async_trait]
impl Bug for AnyCluster {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let azure = request.uri().host().is_some();
        let mut answer = transport.send(request).await?;
        if azure {
            let ours = cluster(transport);
            edit(answer.body_mut(), |body| {
                each_object(body, &mut |members| {
                    let mark = members.get_mut(OWNER_TAG);
                    let named = mark.as_ref().and_then(|mark| mark.as_str()?.split_once('/')).map(|(_, name)| name);
                    if let Some(renamed) = named.map(|name| format!("{ours}/{name}")) {
                        members.insert(OWNER_TAG.to_owned(), renamed.into());
                    }
                });
            });
        }
        Ok(answer)
    }
}

/// Reads its own mark on security groups that have none.
struct Adopts;

#[async_trait]
impl Bug for Adopts {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let asked = Asked::of(&request);
        let mut answer = transport.send(request).await?;
        if asked.reads_resource() && asked.uri.path().contains("/networkSecurityGroups/") {
            let cluster = cluster(transport);
            edit(answer.body_mut(), |body| {
                if body["id"].is_string() && body["tags"][OWNER_TAG].is_null() {
                    body["tags"][OWNER_TAG] = format!("{cluster}/ml/amlsubnet1").into();
                }
            });
        }
        Ok(answer)
    }
}

/// Believes that what was accepted is done, and does not look.
#[derive(Default)]
struct Trusting {
    puts: bool,
    deletions: bool,
    believed: Mutex<BTreeMap<String, Response<Bytes>>>,
}

#[async_trait]
impl Bug for Trusting {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let asked = Asked::of(&request);
        let path = asked.uri.path().to_owned();
        if asked.reads_resource()
            && let Some(believed) = self.believed.lock().unwrap().get(&path)
        {
            return Ok(believed.clone());
        }
        let answer = transport.send(request).await?;
        if asked.writes_azure() && path.starts_with("/subscriptions/") {
            let believed = match asked.method {
                Method::PUT if self.puts && answer.status().is_success() => Some(succeeded(&answer)),
                Method::DELETE if self.deletions && answer.status().is_success() => Some(not_found()),
                _ => None,
            };
            self.believed.lock().unwrap().remove(&path);
            self.believed.lock().unwrap().extend(believed.map(|answer| (path, answer)));
        }
        Ok(answer)
    }
}

fn succeeded(accepted: &Response<Bytes>) -> Response<Bytes> {
    let mut body = json(accepted.body());
    body["properties"]["provisioningState"] = "Succeeded".into();
    answer(StatusCode::OK, &body)
}

/// Takes the delegated subnet for gone as soon as Azure accepted its deletion.
#[derive(Default)]
struct SubnetGone(AtomicBool);

#[async_trait]
impl Bug for SubnetGone {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let asked = Asked::of(&request);
        let mut answer = transport.send(request).await?;
        if asked.is(Method::DELETE, "/subnets/amlsubnet1") && answer.status().is_success() {
            self.0.store(true, Ordering::Relaxed);
        }
        if self.0.load(Ordering::Relaxed) && asked.is(Method::GET, "/subnets/amlsubnet1") {
            return Ok(not_found());
        }
        if self.0.load(Ordering::Relaxed) && asked.is(Method::GET, "/virtualNetworks/amlvnet1") {
            edit(answer.body_mut(), |network| {
                let subnets = network.pointer_mut("/properties/subnets").and_then(|all| all.as_array_mut());
                subnets.into_iter().for_each(|all| all.retain(|one| one["name"] != "amlsubnet1"));
            });
        }
        Ok(answer)
    }
}

/// Keeps the first answer to such requests.
struct ReadOnce(fn(&Asked) -> bool, Mutex<BTreeMap<String, Response<Bytes>>>);

#[async_trait]
impl Bug for ReadOnce {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let asked = Asked::of(&request);
        if !(self.0)(&asked) {
            return transport.send(request).await;
        }
        let known = self.1.lock().unwrap().get(&asked.uri.to_string()).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let answer = transport.send(request).await?;
        self.1.lock().unwrap().insert(asked.uri.to_string(), answer.clone());
        Ok(answer)
    }
}

/// Looks for models only once it has registered one itself.
#[derive(Default)]
struct RegistersOnStart(AtomicBool);

#[async_trait]
impl Bug for RegistersOnStart {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let asked = Asked::of(&request);
        let mut answer = transport.send(request).await?;
        if asked.is(Method::POST, "/models") {
            self.0.store(true, Ordering::Relaxed);
        } else if !self.0.load(Ordering::Relaxed) {
            finds_nothing(&asked, &mut answer, "/models");
        }
        Ok(answer)
    }
}
