//! Where the Azure ML data plane of a workspace is: the workspace names a discovery document, that names the hosts.

use crate::{answer::Answer, connector::Azure, observe::Class, request::Call, sign_in::IdentityKey};
use acivnet_api::conditions::reasons;
use acivnet_core::{failure::Failure, id::ResourceId, kinds::workspace::WORKSPACE, retry::Retry};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Mutex};
use url::Url;

/// How long the workspace is believed to be where it was last seen: a reconcile asks once, and a workspace that is made again
/// elsewhere is found by the next.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// The two services of the data plane.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    /// Artifacts.
    history: Url,
    /// Assets, models, services, operations.
    model_management: Url,
}

#[derive(Clone)]
struct Known {
    discovery: String,
    seen: Timestamp,
    endpoints: Endpoints,
}

/// What was discovered, by identity and workspace.
#[derive(Default)]
pub(crate) struct Discovered(Mutex<BTreeMap<(IdentityKey, ResourceId), Known>>);

impl Endpoints {
    /// A URL below `/artifact/v2.0{workspace}/artifacts`.
    pub(crate) fn artifacts(&self, workspace: &ResourceId, rest: &str) -> Url {
        below(&self.history, &format!("/artifact/v2.0{workspace}/artifacts/{rest}"))
    }

    /// A URL below `/modelmanagement/v1.0{workspace}`.
    pub(crate) fn model_management(&self, workspace: &ResourceId, rest: &str) -> Url {
        below(&self.model_management, &format!("/modelmanagement/v1.0{workspace}/{rest}"))
    }
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

impl Azure {
    /// Endpoints of a workspace; `None` when the workspace is proven absent. Asks Resource Manager unless the workspace
    /// was seen within the last minute, and discovery only when the workspace names another document than before.
    pub(crate) async fn endpoints(&self, workspace: &ResourceId) -> Result<Option<Endpoints>, Failure> {
        let fresh = |known: &Known| self.connector.clock.now().duration_since(known.seen) < FRESH;
        if let Some(known) = self.known(workspace).filter(fresh) {
            return Ok(Some(known.endpoints));
        }
        let Some(body) = self.arm_get(&WORKSPACE, workspace).await? else { return Ok(None) };
        // reading it has renewed what is known, unless it names another document
        if let Some(known) = self.known(workspace) {
            return Ok(Some(known.endpoints));
        }
        let discovery = body.pointer("/properties/discoveryUrl").and_then(Value::as_str).unwrap_or_default().to_owned();
        let endpoints = self.discover(workspace, &discovery).await?;
        let known = Known { discovery, seen: self.connector.clock.now(), endpoints: endpoints.clone() };
        crate::lock(&self.connector.discovered.0).insert((self.identity.key(), workspace.clone()), known);
        Ok(Some(endpoints))
    }

    fn known(&self, workspace: &ResourceId) -> Option<Known> {
        crate::lock(&self.connector.discovered.0).get(&(self.identity.key(), workspace.clone())).cloned()
    }

    /// Notes what a read of the workspace showed; `None` when it could not be read or is absent.
    pub(crate) fn workspace_seen(&self, workspace: &ResourceId, body: Option<&Value>) {
        let key = (self.identity.key(), workspace.clone());
        let mut discovered = crate::lock(&self.connector.discovered.0);
        let named = body.and_then(|body| body.pointer("/properties/discoveryUrl")).and_then(Value::as_str);
        match discovered.get_mut(&key) {
            Some(known) if named == Some(known.discovery.as_str()) => known.seen = self.connector.clock.now(),
            _ => drop(discovered.remove(&key)),
        }
    }

    async fn discover(&self, workspace: &ResourceId, discovery: &str) -> Result<Endpoints, Failure> {
        let url = self.machine_learning_host(workspace, "discoveryUrl", discovery)?;
        let call = Call::get(url, Class::MachineLearning, format!("discovery of {workspace}"));
        let answer: Answer = self.send_plain(&call).await?;
        let document = self.object(&call, answer).await?;
        let host = |key: &str| {
            self.machine_learning_host(workspace, key, document.get(key).and_then(Value::as_str).unwrap_or_default())
        };
        Ok(Endpoints { history: host("history")?, model_management: host("modelmanagement")? })
    }

    /// A base URL that Azure gave, if it is one of the cloud's.
    fn machine_learning_host(&self, workspace: &ResourceId, key: &str, text: &str) -> Result<Url, Failure> {
        let what = format!("{key} of workspace {}", workspace.name());
        let Ok(url) = Url::parse(text) else {
            let message = format!("{what} is no URL; the workspace is not complete or not of Azure ML");
            return Err(Failure::local(
                "DiscoveryUnusable",
                self.scrubber.clean(&message),
                Retry::Slowly,
                reasons::AZURE_REFUSED,
            ));
        };
        if self.connector.cloud.is_machine_learning(&url) { Ok(url) } else { Err(self.foreign_host(&url, &what)) }
    }
}
