//! Carries out one step of a plan.

use crate::{connector::Azure, gate::Permit, http::BoxError};
use acivnet_core::{
    blueprint::{Node, Payload},
    failure::Failure,
    kind::{Plane, Write},
    plan::{Progress, Request},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

/// The bytes of a payload on their way.
pub type PayloadStream = BoxStream<'static, Result<Bytes, BoxError>>;

/// Opens payloads: the one read that carrying out may do.
#[async_trait]
pub trait Payloads: Send + Sync {
    /// The payload from its first byte. Digest and size are checked here before anything is committed.
    ///
    /// # Errors
    /// The source is gone or can't be read.
    async fn open(&self, payload: &Payload) -> Result<PayloadStream, Failure>;
}

impl Azure {
    /// Carries out a write. `Running` means that Azure works on it; the next pass looks. What an earlier try left, with
    /// its answer lost, is found and not made twice.
    ///
    /// # Errors
    /// Azure's refusal, or no answer, in which case it may have been carried out all the same.
    pub async fn carry_out(
        &self,
        permit: Permit,
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
            Request::RegisterModel { body, payload } => {
                self.register_model(permit, node, body, payload, payloads).await
            }
            Request::PatchModel { operations } => self.patch_model(permit, node, operations).await,
            Request::CreateService { body, payloads: files } => {
                self.create_service(permit, node, body, files, payloads).await
            }
            Request::PatchService { operations, payloads: files } => {
                self.patch_service(permit, node, operations, files, payloads).await
            }
        }
    }
}
