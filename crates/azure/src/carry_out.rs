//! Carries out one write of a plan.

use crate::{
    connector::Azure, gate::WritePermit, http::BoxError, machine_learning::service_keys::Keys, sign_in::Secret,
};
use acivnet_api::SecretKeyRef;
use acivnet_core::{
    blueprint::{Node, Payload, Sealed},
    failure::Failure,
    kind::{Plane, Write},
    plan::{Progress, Request},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use serde_json::{Value, json};

/// The bytes of a payload on their way.
pub type PayloadStream = BoxStream<'static, Result<Bytes, BoxError>>;

/// What writes need of the cluster: files, values of Secrets, and a Secret for keys that Azure made.
#[async_trait]
pub trait Payloads: Send + Sync {
    /// A value that a Secret held when it was read in this pass.
    ///
    /// # Errors
    /// It was not there.
    fn reveal(&self, key: &SecretKeyRef) -> Result<Secret, Failure>;

    /// Makes a Secret with these keys. One of that name that is there stays as it is.
    ///
    /// # Errors
    /// It can't be made.
    async fn keep(&self, secret: &str, keys: &Keys) -> Result<(), Failure>;

    /// The payload from its first byte. Digest and size are checked here before anything is committed.
    ///
    /// # Errors
    /// The source is gone or can't be read.
    async fn open(&self, payload: &Payload) -> Result<PayloadStream, Failure>;
}

impl Azure {
    /// Carries out a write. `Running` means that Azure works on it; the next reconcile looks.
    ///
    /// # Guarantees
    /// - Once the fence of `permit` is over nothing is sent but blobs, which their content names, so that a late one changes
    ///   nothing.
    /// - What an earlier try left, with its answer lost, is found and not made twice.
    /// - A payload has the digest and size that were decided about, or is not committed. No secret is in a result.
    ///
    /// # Assumptions
    /// - `request` was made from what was read of this node in the same reconcile; `If-Match` holds Azure to that where
    ///   there is an ETag.
    /// - Nobody else in this process writes the node at the same time.
    ///
    /// # Errors
    /// Azure's refusal; what a payload's source says; or no answer, in which case it may have been carried out all the same.
    pub async fn carry_out(
        &self,
        permit: WritePermit,
        node: &Node,
        request: &Request,
        payloads: &dyn Payloads,
    ) -> Result<Progress, Failure> {
        let permit = &permit;
        match request {
            Request::Put { body, if_match } => {
                self.arm_put(permit, node.kind, &node.id, body, if_match.as_deref()).await
            }
            Request::Delete { if_match, .. } if node.kind.plane == Plane::Arm => {
                self.arm_delete(permit, node.kind, &node.id, if_match.as_deref()).await
            }
            Request::Delete { .. } if node.kind.write == Write::Model => self.delete_model(permit, node).await,
            Request::Delete { successor, .. } => self.delete_service(permit, node, successor.as_ref(), payloads).await,
            Request::RegisterModel { body, payloads: files } => {
                self.register_model(permit, node, body, files, payloads).await
            }
            Request::PatchModel { operations } => self.patch_model(permit, node, operations).await,
            Request::CreateService { body, payloads: files, sealed } => {
                let body = unsealed(body, sealed, payloads)?;
                self.create_service(permit, node, &body, files, payloads).await
            }
            Request::PatchService { operations, payloads: files, sealed } => {
                let operations = unsealed(operations, sealed, payloads)?;
                self.patch_service(permit, node, &operations, files, payloads).await
            }
            Request::ChangeKey { which, value } => self.change_key(permit, &node.id, *which, value, payloads).await,
            Request::KeepKeys { secret } => self.keep_keys(&node.id, secret, payloads).await,
        }
    }
}

/// A body with its sealed places filled in. It is made right before it is sent and never printed.
pub(crate) fn unsealed(body: &Value, sealed: &[Sealed], payloads: &dyn Payloads) -> Result<Value, Failure> {
    let mut body = body.clone();
    for Sealed { at, value } in sealed {
        let value = payloads.reveal(value)?;
        if let Some(place) = place(&mut body, at) {
            *place = value.expose().into();
        }
    }
    Ok(body)
}

/// A place by JSON pointer; objects on the way are made.
fn place<'b>(body: &'b mut Value, pointer: &str) -> Option<&'b mut Value> {
    pointer.split('/').skip(1).try_fold(body, |at, part| {
        if at.is_null() {
            *at = json!({});
        }
        match at {
            Value::Object(members) => Some(members.entry(part).or_insert(Value::Null)),
            Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_or_made() {
        let mut body = json!([{"value": {"a": {"b": ""}}}, {"value": 1}]);
        for (pointer, found) in [("/0/value/a/b", true), ("/0/value/c/d", true), ("/1/value/c", false), ("/7/a", false)]
        {
            assert_eq!(place(&mut body, pointer).map(|place| *place = 2.into()).is_some(), found, "{pointer}");
        }
        assert_eq!(body, json!([{"value": {"a": {"b": 2}, "c": {"d": 2}}}, {"value": 1}]));
    }
}
