//! A restart that is requested by annotation: the web service is patched with the same content, and a tag in the same PATCH
//! remembers the request, so that the restart happens exactly once even if the operator is interrupted.

use crate::{
    blueprint::Node,
    owner::{RESTART_TAG, sha256_hex},
    subject,
};
use acivnet_api::{AciVnetDeployment, RESTART_REQUESTED_AT};
use serde_json::Value;

/// The last request, and whether it was carried out. One that was stays in the tag after the annotation is removed.
fn requested(cr: &AciVnetDeployment) -> Option<(String, bool)> {
    let asked = subject::requested(&cr.metadata, RESTART_REQUESTED_AT);
    let handled = cr.status.as_ref().and_then(|status| status.last_handled_restart_at.clone());
    let last = asked.or_else(|| handled.clone())?;
    let carried_out = handled.as_ref() == Some(&last);
    Some((last, carried_out))
}

/// Whether a restart was requested and is not known to be carried out.
pub(crate) fn is_open(cr: &AciVnetDeployment) -> bool {
    requested(cr).is_some_and(|(_, handled)| !handled)
}

/// The web service with the tag of the request. If the restart was carried out, a lost tag is restored without another one.
pub(crate) fn asked_for(cr: &AciVnetDeployment, mut node: Node) -> Node {
    let tag = format!("kvTags.{RESTART_TAG}");
    let Some((request, handled)) = requested(cr) else {
        // the request was withdrawn: removing its tag restarts nothing
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
