//! Operations of Azure Resource Manager that a write began. Nothing waits for them: the resource tells how far it is.
//! Their URLs are signed, so they stay in memory; losing one costs a worse message.

use crate::{
    connector::Azure,
    error::Refusal,
    identity::IdentityKey,
    observe::Class,
    request::{Answer, Call},
};
use acivnet_core::{failure::Failure, id::ResourceId};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Mutex};
use url::Url;

/// More than this are not remembered.
const MOST: usize = 1000;

/// URL of the last operation begun on each resource, by identity.
#[derive(Default)]
pub(crate) struct Operations(Mutex<BTreeMap<(IdentityKey, ResourceId), Url>>);

impl Azure {
    /// Keeps the operation that a write on `id` began, if it lies in Resource Manager.
    pub(crate) fn remember_operation(&self, id: &ResourceId, answer: &Answer) {
        let named = ["azure-asyncoperation", "location"].into_iter().find_map(|name| answer.header(name));
        let url =
            named.and_then(|text| Url::parse(text).ok()).filter(|url| self.connector.cloud.is_resource_manager(url));
        let mut known = crate::lock(&self.connector.operations.0);
        let key = (self.identity.key(), id.clone());
        match url {
            Some(url) if known.len() < MOST || known.contains_key(&key) => drop(known.insert(key, url)),
            _ => drop(known.remove(&key)),
        }
    }

    /// Why the last operation that was begun here on a resource failed. Nothing when none is known, it has not failed,
    /// or its URL is no longer valid. One request, once: an operation that has ended is forgotten.
    pub async fn operation_error(&self, id: &ResourceId) -> Option<Failure> {
        let key = (self.identity.key(), id.clone());
        let url = crate::lock(&self.connector.operations.0).get(&key).cloned()?;
        let call = Call::get(url, Class::ResourceManager, format!("operation on {id}"));
        let answer = self.send(&call).await.ok()?;
        let body = answer.json().await.unwrap_or_default();
        let state = body.get("status").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        if answer.status == 202
            || (answer.status == 200 && !matches!(state.as_str(), "succeeded" | "failed" | "canceled"))
        {
            return None;
        }
        crate::lock(&self.connector.operations.0).remove(&key);
        let failed = answer.status == 200 && matches!(state.as_str(), "failed" | "canceled");
        let error = body.get("error").filter(|error| failed && !error.is_null())?;
        Some(Refusal::of_json(error).failure(
            200,
            &format!("operation on {}", id.name()),
            None,
            Class::ResourceManager,
            &self.scrubber,
        ))
    }
}
