//! A restart that a person asks for by annotation: the web service is patched with the same content, and a tag in the same
//! PATCH remembers for which request, so that it happens once, wherever the operator is stopped.

use crate::{
    blueprint::Node,
    owner::{RESTART_TAG, sha256_hex},
    subject,
};
use acivnet_api::{AciVnetDeployment, RESTART_REQUESTED_AT};
use serde_json::Value;

/// The request that stands, and whether it was carried out. One that was stays in the tag when the annotation goes.
fn requested(cr: &AciVnetDeployment) -> Option<(String, bool)> {
    let asked = subject::requested(&cr.metadata, RESTART_REQUESTED_AT);
    let handled = cr.status.as_ref().and_then(|status| status.last_handled_restart_at.clone());
    let last = asked.or_else(|| handled.clone())?;
    let carried_out = handled.as_ref() == Some(&last);
    Some((last, carried_out))
}

/// Whether a restart was asked for and is not known to be carried out.
pub(crate) fn is_open(cr: &AciVnetDeployment) -> bool {
    requested(cr).is_some_and(|(_, handled)| !handled)
}

/// The web service with the tag of the request. Where it was carried out a lost tag is put back without another restart.
pub(crate) fn asked_for(cr: &AciVnetDeployment, mut node: Node) -> Node {
    let tag = format!("kvTags.{RESTART_TAG}");
    let Some((request, handled)) = requested(cr) else {
        // of a request that was taken back: the tag goes, and nothing restarts for it
        node.live.push(tag);
        return node;
    };
    if let Some(Value::Object(tags)) = node.body.get_mut("kvTags") {
        // an annotation may be longer than a tag
        let digest = sha256_hex(&[request.as_bytes()]);
        tags.insert(RESTART_TAG.into(), digest.get(..16).unwrap_or_default().into());
    }
    if handled {
        node.live.push(tag);
    }
    node
}
