//! The backend `AzureMLWebService`: a web service of Azure Machine Learning v1 with compute type ACI. Nothing outside this
//! folder and `kinds/web_service` knows its JSON or its states.

mod adopted;
mod blueprint;
mod cause;
mod image;
mod keys;
mod rotation;
mod serving;
mod settings;
mod standing;

pub use blueprint::DELETIONS_AT_ONCE;
pub use image::DEFAULT_BASE_IMAGE;

use super::{
    inputs::Inputs,
    model,
    place::Scope,
    probe, secrets,
    serving::{Backend, Serving, State, Words},
    variables,
};
use crate::{
    blueprint::Blueprint,
    failure::Cause,
    kind::Kind,
    kinds::{
        web_service::{self, WEB_SERVICE, keys::SERVICE_KEYS},
        workspace::WORKSPACE,
    },
    observed::Observed,
    questions::Question,
    subject::Subject,
};
use acivnet_api::{AciVnetDeployment, conditions::reasons};
use adopted::AdoptedContent;
use blueprint::Describer;
use jiff::Timestamp;
use standing::Standing;

/// The backend.
pub(super) struct WebService;

static KINDS: [&Kind; 2] = [&WEB_SERVICE, &SERVICE_KEYS];

static WORDS: Words = Words {
    provider: "Azure ML",
    service: "web service",
    removing: "removing the web service and the model versions from Azure ML",
    readers: Some("everyone who can read the workspace"),
    supported: (
        false,
        reasons::SDK_V1_RETIRED,
        "Microsoft ended support for the Azure ML SDK v1 and its web services on 2026-06-30; plan to move the model to a \
         container group",
    ),
};

impl Backend for WebService {
    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn kinds(&self) -> &'static [&'static Kind] {
        &KINDS
    }

    fn name<'c>(&self, cr: &'c AciVnetDeployment) -> &'c str {
        standing::name(cr)
    }

    fn base_image<'c>(&self, cr: &'c AciVnetDeployment) -> Option<&'c str> {
        Some(image::base(cr).image)
    }

    fn questions(&self, scope: &Scope<'_>) -> Vec<Question> {
        let Scope { cr, observed, workspace, .. } = scope;
        let id = web_service::id(workspace, standing::name(cr));
        let mut questions = vec![
            model::own_versions(cr, observed, workspace),
            Question::resource(&WORKSPACE, workspace.clone()),
            Question::resource(&WEB_SERVICE, id),
        ];
        if !cr.deleting() {
            questions.extend(model::in_workspace(cr, observed, workspace));
            questions.extend(AdoptedContent::of(cr, observed, workspace).iter().flat_map(AdoptedContent::questions));
            questions.extend(about(cr, observed, &Standing::in_workspace(cr, observed, workspace.clone())));
        }
        questions
    }

    fn present(&self, scope: Scope<'_>, now: Timestamp) -> Result<Blueprint, Cause> {
        Describer::of(scope, now).present()
    }

    fn gone(&self, scope: Scope<'_>, now: Timestamp) -> Blueprint {
        Describer::of(scope, now).gone()
    }

    fn serving<'a>(&self, cr: &'a AciVnetDeployment, observed: &'a Observed) -> Serving<'a> {
        serving_of(cr, observed, Standing::of(cr, observed).as_ref())
    }

    fn cause(&self, cr: &AciVnetDeployment, observed: &Observed, state: State) -> Option<Cause> {
        let standing = Standing::of(cr, observed)?;
        let (body, log) = (standing.ours()?, standing.log(observed));
        if state.has_failed() {
            return Some(cause::of_service(body, standing.operation(observed), log));
        }
        cause::of_start(log?).filter(|_| state.is_coming_up())
    }

    fn has_new_inputs(&self, cr: &AciVnetDeployment, observed: &Observed) -> bool {
        let (Some(status), Ok(inputs)) = (&cr.status, Inputs::of(cr, observed)) else { return false };
        let (standing, known) = (Standing::of(cr, observed), status.revision_digest.as_deref());
        let serving = serving_of(cr, observed, standing.as_ref());
        known.is_some_and(|known| image::is_new(cr, observed, &inputs, &serving, known))
            || secrets_changed(cr, observed, standing.as_ref())
    }
}

fn serving_of<'a>(cr: &'a AciVnetDeployment, observed: &'a Observed, standing: Option<&Standing<'a>>) -> Serving<'a> {
    standing.map_or_else(Serving::unread, |standing| serving::of(cr, observed, standing))
}

/// What is asked about the web service once it was read.
fn about(cr: &AciVnetDeployment, observed: &Observed, standing: &Standing<'_>) -> Vec<Question> {
    let serving = serving::of(cr, observed, standing);
    let probe = probe::question(cr, observed, &serving);
    let broken = probe.as_ref().is_some_and(|probe| probe::is_broken(observed, probe));
    let mut questions = standing.questions(cr, observed);
    questions.extend(broken.then(|| standing.log_question()));
    questions.extend(probe);
    questions.extend(keys::question(cr, observed, standing));
    questions.extend(variables::question(cr, observed, &serving));
    questions
}

/// Whether keys or certificate are others than when the object settled; a Secret that only got an annotation is not.
/// Variables are part of the content.
fn secrets_changed(cr: &AciVnetDeployment, observed: &Observed, standing: Option<&Standing<'_>>) -> bool {
    let differ = |standing: &Standing<'_>| {
        keys::differ(cr, observed, standing) || settings::is_another(cr, observed, standing.body)
    };
    secrets::versions(cr, observed) != secrets::known(cr) && standing.is_some_and(differ)
}
