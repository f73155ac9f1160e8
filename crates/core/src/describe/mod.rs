//! From an object and facts to nodes, and from a plan to what is said about it: one file per kind.

mod address_space;
mod cause;
pub mod conda;
mod content_of_others;
mod crash;
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
mod expectation;
pub mod image;
mod inputs;
mod match_spec;
mod neighbours;
mod secrets;
mod service;
pub mod size;
mod sources;
mod tls;
mod variables;

pub use crash::LINES as CRASH_LINES;
pub use delegated_subnet::virtual_network_of;
pub use deployment_blueprint::MOST_GOING;
pub use inputs::SOURCE_DIRECTORY;
pub use neighbours::{Sibling, SubnetUser, has_reached_network};

use crate::owner::Owner;
use acivnet_api::Tag;
use serde_json::{Map, Value};

/// Tags as Azure Resource Manager takes them, with the owner mark: of names that differ by case only, it knows one.
fn tags(user: &[Tag], owner: &str) -> Map<String, Value> {
    let mut map = service_tags(&[], owner);
    for tag in user {
        if !map.keys().any(|name| name.eq_ignore_ascii_case(&tag.name)) {
            map.insert(tag.name.clone(), tag.value.clone().into());
        }
    }
    map
}

/// Tags of a web service, with the owner mark. Nobody says that Azure ML, which keeps them, folds their names.
fn service_tags(user: &[Tag], owner: &str) -> Map<String, Value> {
    let mut map: Map<String, Value> = user.iter().map(|tag| (tag.name.clone(), tag.value.clone().into())).collect();
    map.insert(crate::owner::OWNER_TAG.into(), owner.into());
    map
}

fn owner_of(cluster: &str, meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Owner {
    let (namespace, name, _) = crate::subject::names(meta);
    Owner::new(cluster, namespace, name)
}
