//! Which service answers at an address.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::state::Service;
use super::{artifacts, request};
use crate::run::Settings;
use crate::world::World;

/// A container that answers.
pub(crate) struct Serving {
    /// Name of its service.
    pub service: String,
    /// Whether it listens on port 443 instead of 80.
    pub tls: bool,
    /// `name:version` of the models that it was started with.
    pub models: Vec<String>,
    /// Base64 MD5 of its scoring script.
    pub script_digest: Option<String>,
    front: Settings,
}

impl Serving {
    /// Whether an `Authorization` header is accepted.
    pub fn allows(&self, header: Option<&str>) -> bool {
        self.front.allows(header)
    }
}

/// The container that answers at `address`; if several networks have the address, the first by id.
pub(crate) fn at(world: &World, address: Ipv4Addr) -> Option<Serving> {
    let workspaces = world.machine_learning.workspaces();
    let mut services = workspaces.flat_map(|workspace| workspace.services.values().map(move |s| (workspace, s)));
    let (workspace, service) = services.find(|(_, service)| {
        service.container.as_ref().is_some_and(|container| container.serving && container.address == address)
    })?;
    describe(world, &workspace.id, service)
}

fn describe(world: &World, workspace: &str, service: &Service) -> Option<Serving> {
    let container = service.container.as_ref()?;
    let asked = &container.image_request;
    let driver = asked.get("driverProgram").and_then(Value::as_str);
    let script = request::files(asked).into_iter().find(|(id, _)| Some(id.as_str()) != driver);
    let blob = script.and_then(|(_, url)| artifacts::blob_of(world, workspace, url.strip_prefix("aml://artifact/")?));
    let digest = blob.and_then(|blob| Some(world.blobs.get(&blob)?.received.md5.clone()));
    Some(Serving {
        service: service.name.clone(),
        tls: container.made.ssl.enabled,
        models: request::model_ids(asked),
        script_digest: digest,
        front: service.front(&container.made),
    })
}
