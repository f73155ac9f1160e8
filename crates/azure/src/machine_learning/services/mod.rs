//! Web services of Azure ML. A creation has no key: a service is found by its name.

use crate::{
    answer::Answer,
    carry_out::{Payloads, unsealed},
    connector::Azure,
    error::unreachable,
    gate::WritePermit,
    machine_learning::{discovery::Endpoints, is_absent, segment},
    observe::Class,
    request::{Call, JSON, JSON_PATCH},
};
use acivnet_api::conditions::reasons;
use acivnet_core::{
    blueprint::{Node, Payload},
    failure::Failure,
    id::ResourceId,
    plan::{Progress, Successor},
    retry::Retry,
};
use http::Method;
use serde_json::{Value, json};

impl Azure {
    /// Uploads what the service is made of, then asks for it. Azure answers before it has begun to build.
    pub(crate) async fn create_service(
        &self,
        permit: &WritePermit,
        node: &Node,
        body: &Value,
        files: &[Payload],
        payloads: &dyn Payloads,
    ) -> Result<Progress, Failure> {
        let (workspace, endpoints) = self.uploaded(permit, node, files, payloads).await?;
        let url = endpoints.model_management(&workspace, "services");
        let call = Call::write(permit, Method::POST, url, Class::MachineLearning, node.id.as_str()).json(JSON, body);
        let answer = self.accepted(&call, self.send(&call).await?)?;
        Ok(self.running(&answer))
    }

    /// Uploads what changes, then patches the service.
    pub(crate) async fn patch_service(
        &self,
        permit: &WritePermit,
        node: &Node,
        operations: &Value,
        files: &[Payload],
        payloads: &dyn Payloads,
    ) -> Result<Progress, Failure> {
        let (workspace, endpoints) = self.uploaded(permit, node, files, payloads).await?;
        let url = endpoints.model_management(&workspace, &format!("services/{}", segment(node.id.name())));
        let call = Call::write(permit, Method::PATCH, url, Class::MachineLearning, node.id.as_str())
            .json(JSON_PATCH, operations);
        let answer = self.accepted(&call, self.send(&call).await?)?;
        Ok(self.carried_or_running(&answer))
    }

    /// The workspace of a service with its endpoints, once the files that the service is made of are there.
    async fn uploaded(
        &self,
        permit: &WritePermit,
        node: &Node,
        files: &[Payload],
        payloads: &dyn Payloads,
    ) -> Result<(ResourceId, Endpoints), Failure> {
        let (workspace, endpoints) = self.workspace_for(&node.id).await?;
        self.upload(permit, &endpoints, &workspace, files, payloads).await?;
        Ok((workspace, endpoints))
    }

    /// Deletes a service. For a replacement the successor's files are uploaded, and Azure is asked whether it would take it,
    /// before.
    pub(crate) async fn delete_service(
        &self,
        permit: &WritePermit,
        node: &Node,
        successor: Option<&Successor>,
        payloads: &dyn Payloads,
    ) -> Result<Progress, Failure> {
        let Some((workspace, endpoints)) = self.workspace_of(&node.id).await? else { return Ok(Progress::Carried) };
        if let Some(successor) = successor {
            self.upload(permit, &endpoints, &workspace, &successor.payloads, payloads).await?;
            let url = endpoints.model_management(&workspace, "services/validate");
            let body = unsealed(&successor.body, &successor.sealed, payloads)?;
            self.validate(permit, node, url, &body).await?;
        }
        let url = endpoints.model_management(&workspace, &format!("services/{}", segment(node.id.name())));
        let call = Call::write(permit, Method::DELETE, url, Class::MachineLearning, node.id.as_str());
        let answer = self.send(&call).await?;
        if is_absent(&answer) {
            return Ok(Progress::Carried);
        }
        let answer = self.accepted(&call, answer)?;
        Ok(self.carried_or_running(&answer))
    }

    /// Refuses when Azure would refuse the successor (200 with an `error`), or can't be asked. Any other answer says
    /// nothing: the call is advisory, and clients ignore its refusals.
    async fn validate(
        &self,
        permit: &WritePermit,
        node: &Node,
        url: url::Url,
        successor: &Value,
    ) -> Result<(), Failure> {
        let mut successor = successor.clone();
        if let Some(members) = successor.as_object_mut() {
            // it would stand in the place of what is there now
            members.insert("overwrite".into(), true.into());
        }
        let body =
            json!({"type": "Create", "serviceName": node.id.name(), "createRequest": successor, "updateRequest": null});
        let call = Call::write(permit, Method::POST, url, Class::MachineLearning, format!("{}/validate", node.id))
            .json(JSON, &body);
        let answer = self.send(&call).await?;
        if matches!(answer.status, 401 | 403 | 408 | 429 | 500..) {
            return Err(self.refused(&call, &answer));
        }
        let said = answer
            .json()
            .await
            .and_then(|body| body.pointer("/error/message").and_then(Value::as_str).map(str::to_owned));
        match said {
            Some(text) if answer.status == 200 => {
                let message = format!(
                    "nothing was deleted, because Azure would refuse the replacement of {}: {text}",
                    node.id.name()
                );
                Err(Failure::local(
                    "ReplacementRefused",
                    self.scrubber.clean(&message),
                    Retry::Slowly,
                    reasons::AZURE_REFUSED,
                ))
            }
            _ => Ok(()),
        }
    }

    fn carried_or_running(&self, answer: &Answer) -> Progress {
        if answer.status == 202 || answer.header("operation-location").is_some() {
            self.running(answer)
        } else {
            Progress::Carried
        }
    }

    /// The workspace that a write goes to, with its endpoints.
    pub(crate) async fn workspace_for(&self, id: &ResourceId) -> Result<(ResourceId, Endpoints), Failure> {
        let missing = || {
            let mut failure = unreachable(id.name(), "its workspace does not exist");
            (failure.code, failure.retry, failure.reason) =
                ("WorkspaceNotFound".into(), Retry::Slowly, reasons::WORKSPACE_NOT_FOUND);
            failure
        };
        self.workspace_of(id).await?.ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests;
