//! The content of an adopted web service: files and a model that others uploaded, under names that say nothing. If
//! their content is the wanted one, nothing is uploaded, registered or restarted.

use super::standing;
use crate::{
    blueprint::{Goal, Payload},
    describe::deployment::model::{self, Content},
    drift::{Rule, differences},
    failure::Cause,
    id::ResourceId,
    kinds::{
        model_version,
        registered_model::REGISTERED_MODEL,
        web_service::{WEB_SERVICE, comparable_image},
    },
    observed::{Fact, Observed},
    questions::{AzureQuestion, Question},
};
use acivnet_api::AciVnetDeployment;
use serde_json::Value;

/// Where Azure ML keeps files that were uploaded from a machine (`azureml-core` 1.61).
const UPLOADS: &str = "aml://artifact/LocalUpload/";
/// These members say where Azure keeps an environment definition, not what it contains.
const DEFINITION: &[Rule] = &[Rule::WriteOnly("version"), Rule::WriteOnly("assetId")];

/// The script and the model that an adopted web service runs, if they may be the wanted ones.
pub(super) struct AdoptedContent<'a> {
    cr: &'a AciVnetDeployment,
    observed: &'a Observed,
    workspace: &'a ResourceId,
    image: Value,
}

impl<'a> AdoptedContent<'a> {
    /// None if there is no service, or if it was created here.
    pub(super) fn of(cr: &'a AciVnetDeployment, observed: &'a Observed, workspace: &'a ResourceId) -> Option<Self> {
        let node = standing::node(cr, observed, workspace, Goal::Present);
        let actual = observed.azure_body(&WEB_SERVICE, &node.id).filter(|_| node.adopted)?;
        let image = (WEB_SERVICE.normalise)(actual).get("image")?.clone();
        Some(Self { cr, observed, workspace, image })
    }

    /// The questions that decide whether they are the wanted ones.
    pub(super) fn questions(&self) -> Vec<Question> {
        let digest = |url: &str| {
            Question::Azure(AzureQuestion::FileDigest { workspace: self.workspace.clone(), url: url.to_owned() })
        };
        let model = self.model_id();
        let file = model.as_ref().and_then(|id| self.model_url(id)).map(digest);
        let script = self.script_url().map(digest);
        script.into_iter().chain(model.map(|id| Question::resource(&REGISTERED_MODEL, id))).chain(file).collect()
    }

    /// URL of the only script, if it has the wanted one's name.
    fn script_url(&self) -> Option<&str> {
        let [one] = self.image.get("assets")?.as_array()?.as_slice() else { return None };
        let (_, name) = one.as_str()?.strip_prefix(UPLOADS)?.split_once('/')?;
        one.as_str().filter(|_| name == self.cr.spec.scoring.script.config_map.key)
    }

    /// The only model, if it has the wanted one's name and is not ours.
    fn model_id(&self) -> Option<ResourceId> {
        let [one] = self.image.get("modelIds")?.as_array()?.as_slice() else { return None };
        let label = one.as_str()?;
        let named = label.split(':').next() == Some(&self.cr.spec.model.name);
        let ours = self.observed.body(&model::own_versions(self.cr, self.observed, self.workspace));
        let mut ours = ours.and_then(Value::as_array).into_iter().flatten();
        let is_ours = ours.any(|body| model_version::label(body).eq_ignore_ascii_case(label));
        (named && !is_ours).then(|| self.workspace.child("models", label))
    }

    fn model_url(&self, id: &ResourceId) -> Option<&'a str> {
        self.observed.body(&Question::resource(&REGISTERED_MODEL, id.clone()))?.get("url")?.as_str()
    }

    /// The upload that already exists, if it is the wanted script. An unreadable one is a cause to wait.
    pub(super) fn script(&self, script: &Payload) -> Result<Option<Payload>, Cause> {
        let Some(url) = self.script_url().filter(|url| *url != script.url()) else { return Ok(None) };
        let container = url.strip_prefix(UPLOADS).and_then(|rest| rest.split_once('/')).map(|(container, _)| container);
        let same = self.holds(url, &script.digest)?;
        Ok(container.filter(|_| same).map(|container| Payload { container: container.to_owned(), ..script.clone() }))
    }

    /// The version that somebody else registered, if it is the wanted model.
    pub(super) fn model(&self, content: &Content) -> Result<Option<ResourceId>, Cause> {
        let ([model], Some(id)) = (content.payloads.as_slice(), self.model_id()) else { return Ok(None) };
        match self.observed.fact(&Question::resource(&REGISTERED_MODEL, id.clone())) {
            Fact::Unread(failure) => Err(Cause::from(&failure)),
            Fact::Absent => Ok(None),
            Fact::Present(_) => match self.model_url(&id) {
                Some(url) => Ok(self.holds(url, &model.digest)?.then_some(id)),
                None => Ok(None),
            },
        }
    }

    fn holds(&self, url: &str, digest: &str) -> Result<bool, Cause> {
        let question =
            Question::Azure(AzureQuestion::FileDigest { workspace: self.workspace.clone(), url: url.to_owned() });
        match self.observed.fact(&question) {
            Fact::Present(file) => Ok(file.get("digest").and_then(Value::as_str) == Some(digest)),
            Fact::Absent => Ok(false),
            Fact::Unread(failure) => Err(Cause::from(&failure)),
        }
    }
}

/// Whether a web service was created from the wanted content, except for the driver. `wanted` is an
/// `environmentImageRequest`.
pub(super) fn is_made_of(actual: &Value, wanted: &Value) -> bool {
    let Some(made) = actual.get("environmentImageRequest") else { return false };
    let environment = |image: &Value| image.get("environment").cloned().unwrap_or_default();
    let variables = |image: &Value| environment(image).get("environmentVariables").cloned().unwrap_or_default();
    let equal = |want: &Value, have: &Value| differences(want, have, DEFINITION, &[]).is_empty();
    comparable_image(made) == comparable_image(wanted)
        && equal(&environment(wanted), &environment(made))
        && equal(&variables(made), &variables(wanted))
}
