//! The keys of a web service (Azure ML v1: `listkeys`, `regenerateKeys`).

use crate::{
    carry_out::Payloads,
    connector::Azure,
    error::unreachable,
    gate::WritePermit,
    machine_learning::{is_absent, segment},
    observe::Class,
    request::{Call, JSON},
    sign_in::Secret,
};
use acivnet_api::SecretKeyRef;
use acivnet_core::{failure::Failure, id::ResourceId, kinds::web_service::keys::WhichKey, plan::Progress};
use http::Method;
use serde_json::json;
use std::time::Duration;

/// Azure changes a key in an operation of its own; azureml-core 1.61 looks after five seconds.
const CHANGES: Duration = Duration::from_secs(10);

/// Both keys of a web service.
pub struct Keys {
    /// The one that most clients use.
    pub primary: Secret,
    /// The other one.
    pub secondary: Secret,
}

impl Azure {
    /// The keys of a web service; none when it is not there.
    ///
    /// # Errors
    /// Azure's refusal, or an answer without both keys.
    pub async fn service_keys(&self, service: &ResourceId) -> Result<Option<Keys>, Failure> {
        let Some((workspace, endpoints)) = self.workspace_of(service).await? else { return Ok(None) };
        let url = endpoints.model_management(&workspace, &format!("services/{}/listkeys", segment(service.name())));
        let call = Call::ask(Method::POST, url, Class::MachineLearning, format!("{service}/listkeys"));
        let answer = self.send(&call).await?;
        if is_absent(&answer) {
            return Ok(None);
        }
        let body = self.object(&call, answer).await?;
        let key = |name: &str| Some(Secret::new(body.get(name)?.as_str()?));
        let keys = key("primaryKey").zip(key("secondaryKey"));
        let (primary, secondary) = keys.ok_or_else(|| unreachable(&call.what(), "the answer lacks a key"))?;
        Ok(Some(Keys { primary, secondary }))
    }

    /// Gives one key of the service the value in a Secret.
    pub(crate) async fn change_key(
        &self,
        permit: &WritePermit,
        keys: &ResourceId,
        which: WhichKey,
        value: &SecretKeyRef,
        payloads: &dyn Payloads,
    ) -> Result<Progress, Failure> {
        let service = service_of(keys)?;
        let (workspace, endpoints) = self.workspace_for(&service).await?;
        let url =
            endpoints.model_management(&workspace, &format!("services/{}/regenerateKeys", segment(service.name())));
        let body = json!({"keyType": which.in_azure(), "keyValue": payloads.reveal(value)?.expose()});
        let about = format!("{service}/regenerateKeys");
        let call = Call::write(permit, Method::POST, url, Class::MachineLearning, about).json(JSON, &body);
        self.accepted(&call, self.send(&call).await?)?;
        Ok(Progress::Running(Some(CHANGES)))
    }

    /// Has a Secret made that holds the keys that Azure made.
    pub(crate) async fn keep_keys(
        &self,
        keys: &ResourceId,
        secret: &str,
        payloads: &dyn Payloads,
    ) -> Result<Progress, Failure> {
        let service = service_of(keys)?;
        let found = self.service_keys(&service).await?;
        let found = found.ok_or_else(|| unreachable(service.name(), "the web service is not there any more"))?;
        payloads.keep(secret, &found).await.map(|()| Progress::Carried)
    }
}

fn service_of(keys: &ResourceId) -> Result<ResourceId, Failure> {
    keys.parent().ok_or_else(|| unreachable(keys.name(), "its id names no web service"))
}
