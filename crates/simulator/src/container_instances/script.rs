//! What containers do here. Nothing runs: a container follows the last script that matches it; without one it does what its
//! command plainly says ([`command`]), or runs on and has said one line.

use super::{command, request};
use crate::world::World;
use serde::Deserialize;
use serde_json::Value;

/// How containers behave that match all given ones of `group`, `container` and `image`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Script {
    /// Name of the container group.
    pub(super) group: Option<String>,
    /// Name of the container.
    pub(super) container: Option<String>,
    /// Image as it is written in the request.
    pub(super) image: Option<String>,
    /// What becomes of the image.
    pub(super) pull: Pull,
    /// How the container ends; if absent, it keeps running.
    pub(super) exit: Option<Exit>,
    /// Lines that it writes when it starts; if absent, one about itself.
    pub(super) log: Option<Vec<String>>,
    /// Events besides those that every container has.
    pub(super) events: Vec<ScriptedEvent>,
    /// Whether a PUT of the group is refused because the region's quota is used up.
    pub(super) quota: bool,
}

/// What becomes of an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Pull {
    /// It is pulled.
    #[default]
    Succeeds,
    /// A PUT that names it is refused: `InaccessibleImage`.
    Inaccessible,
    /// It is tried again and again, until provisioning times out.
    NeverEnds,
}

/// How a container ends.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Exit {
    /// Exit code.
    pub code: i32,
    /// Seconds in Azure from its start; 0 if absent.
    #[serde(default)]
    pub after_seconds: f64,
}

/// An event by script, at the container's start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ScriptedEvent {
    /// `Normal` or `Warning`.
    #[serde(rename = "type", default = "normal")]
    pub sort: String,
    /// Name, for example `Unhealthy`.
    pub name: String,
    /// Text.
    pub message: String,
}

fn normal() -> String {
    "Normal".to_owned()
}

impl Script {
    fn fits(&self, group: &str, container: &str, image: &str) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|wanted| wanted == name);
        is(&self.group, group) && is(&self.container, container) && is(&self.image, image)
    }
}

/// The script of a container of the group with this name.
pub(super) fn of(world: &World, group: &str, container: &Value) -> Script {
    let (name, image) = (request::container_name(container), request::container_image(container));
    let scripts = world.container_instances.scripts.iter().rev();
    let given = scripts.into_iter().find(|script| script.fits(group, name, image)).cloned();
    given.unwrap_or_else(|| command::of(container))
}
