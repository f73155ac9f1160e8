//! From an object and facts to nodes, and from a plan to what is said about it: one file per kind.

mod cause;
pub mod conda;
mod content_of_others;
mod delegated_subnet;
mod delegated_subnet_associations;
mod delegated_subnet_blueprint;
mod delegated_subnet_compute;
mod delegated_subnet_egress;
mod delegated_subnet_report;
mod deployment;
mod deployment_blueprint;
mod deployment_conditions;
mod deployment_report;
mod deployment_status;
pub mod image;
mod inputs;
mod match_spec;
mod neighbours;
mod secrets;
mod service;
mod sources;
mod tls;

pub use delegated_subnet::virtual_network_of;
pub use inputs::SOURCE_DIRECTORY;
pub use neighbours::{Sibling, SubnetUser};

use crate::owner::Owner;
use acivnet_api::Tag;
use serde_json::{Map, Value};

/// Tags as Azure takes them, with the owner mark.
fn tags(user: &[Tag], owner: &str) -> Map<String, Value> {
    let mut map: Map<String, Value> = user.iter().map(|tag| (tag.name.clone(), tag.value.clone().into())).collect();
    map.insert(crate::owner::OWNER_TAG.into(), owner.into());
    map
}

fn owner_of(cluster: &str, meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Owner {
    let (namespace, name, _) = crate::subject::names(meta);
    Owner::new(cluster, namespace, name)
}
