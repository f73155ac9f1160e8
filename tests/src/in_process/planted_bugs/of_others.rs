//! What an operator takes for its own alone.

use super::{Planted, asks, azure_writes::puts, edit, reads};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::{Value, json};

pub(super) const BUGS: &[Planted] = &[
    Planted {
        bug: "a network is written with the prefixes of the spec alone",
        scenarios: &["others extend the network"],
        plant: || {
            asks(|request| {
                if puts(request, "/virtualNetworks/") {
                    edit(request.body_mut(), |body| {
                        let space = body.pointer_mut("/properties/addressSpace/addressPrefixes");
                        space.into_iter().for_each(|space| *space = json!(["10.0.0.0/16"]));
                    });
                }
            })
        },
    },
    Planted {
        bug: "a prefix that subnets use is taken away",
        scenarios: &["a prefix that others use is dropped"],
        plant: || {
            // subnets of others are not seen
            reads(|asked, answer| {
                if asked.uri.path().contains("/virtualNetworks") {
                    edit(answer.body_mut(), |body| {
                        super::each_object(body, &mut |members| {
                            if let Some(Value::Array(subnets)) = members.get_mut("subnets") {
                                subnets.retain(|one| one["name"] != "theirs");
                            }
                        });
                    });
                }
            })
        },
    },
    Planted {
        bug: "a subnet is written with its prefix in both forms",
        scenarios: &["subnets become dual-stack"],
        plant: || {
            asks(|request| {
                if puts(request, "/subnets/") {
                    edit(request.body_mut(), |body| {
                        let first = body["properties"]["addressPrefixes"][0].clone();
                        if first.is_string() {
                            body["properties"]["addressPrefix"] = first;
                        }
                    });
                }
            })
        },
    },
    Planted {
        bug: "names of tags are compared with regard to case",
        scenarios: &["a policy spells a tag"],
        plant: || {
            reads(|asked, answer| {
                if asked.reads_resource() {
                    edit(answer.body_mut(), |body| {
                        super::each_object(body, &mut |members| {
                            if let Some(Value::Object(tags)) = members.get_mut("tags") {
                                tags.retain(|name, _| name.chars().all(|c| !c.is_ascii_uppercase()));
                            }
                        });
                    });
                }
            })
        },
    },
    Planted {
        bug: "addresses of others are taken off the gateway",
        scenarios: &["an address of others on the gateway"],
        plant: || {
            asks(|request| {
                if puts(request, "/natGateways/") {
                    edit(request.body_mut(), |body| {
                        let list = body["properties"]["publicIpAddresses"].as_array_mut();
                        list.into_iter().for_each(|list| list.retain(|one| one.to_string().contains("nat-ml")));
                    });
                }
            })
        },
    },
    Planted {
        bug: "the version of a Secret is taken for a version of its value",
        scenarios: &["a Secret is made again, then changed"],
        plant: || {
            reads(|asked, answer| {
                if asked.is(Method::GET, "/secrets/store") {
                    edit(answer.body_mut(), |body| {
                        // each version has a value of its own
                        let version = body["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
                        let value = body["data"]["password"].as_str().unwrap_or_default().to_owned();
                        let mut value = STANDARD.decode(value).unwrap_or_default();
                        value.extend(format!("#{version}").into_bytes());
                        body["data"]["password"] = STANDARD.encode(value).into();
                    });
                }
            })
        },
    },
];
