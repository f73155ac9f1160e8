//! Asynchronous operations of Resource Manager on the simulator's clock, and their signed URLs.
//!
//! Sources: the Resource Manager RPC ("async-api-reference", "Addendum") for the contract; recordings of
//! Microsoft.Network for the forms of URL, header and body.

mod status;
mod url;

pub use status::{result, status, status_or_result};
pub use url::Signer;

use crate::error::{Response, set_header};
use crate::faults::ScriptedEnding;
use crate::ids::Ids;
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How an operation ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The work is done.
    Succeeded,
    /// It was not done; the value is the `error` of the operation.
    Failed(Value),
    /// It was given up; the value is the `error` of the operation.
    Canceled(Value),
}

/// Where an operation shows below its subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `/providers/{namespace}/locations/{location}/operations/{guid}` and `operationResults`.
    Provider(&'static str, String),
    /// As of a provider, of the container group with this id: its status says more.
    ContainerGroup {
        /// Region.
        location: String,
        /// Id of the group.
        group: String,
    },
    /// `/providers/Microsoft.MachineLearningServices/locations/{location}/computeOperationsStatus/{guid}`, for the result
    /// with `type=location`.
    Compute(String),
    /// `{group}/providers/Microsoft.Network/privateDnsOperationStatuses/{base64}` and `privateDnsOperationResults`, by the
    /// group's id and Azure's name of the work, for example `UpsertPrivateDnsZone`. As long as it runs, the status is
    /// answered by `202` with both URLs again.
    PrivateDns(String, &'static str),
    /// `/operationresults/{base64}`, Resource Manager's own (resource groups): only a `Location`.
    ResourceManager,
}

impl Place {
    fn new_id(&self, ids: &mut Ids) -> String {
        match self {
            Self::Provider(..) | Self::ContainerGroup { .. } | Self::Compute(_) => ids.guid("operation"),
            Self::PrivateDns(_, name) => {
                let text = format!("FrontEndAsyncOperation;{name};{}", ids.guid("operation"));
                URL_SAFE_NO_PAD.encode(text)
            }
            Self::ResourceManager => ids.base64url("operation", 96),
        }
    }

    /// The path of the status, or of the result, and what follows the signature in its query.
    fn path(&self, subscription: &str, id: &str, is_result: bool) -> (String, &'static str) {
        let choose = |status, result| if is_result { result } else { status };
        let providers = format!("/subscriptions/{subscription}/providers");
        let of = |namespace: &str, location: &str| {
            let collection = choose("operations", "operationResults");
            (format!("{providers}/{namespace}/locations/{location}/{collection}/{id}"), "")
        };
        match self {
            Self::Provider(namespace, location) => of(namespace, location),
            Self::ContainerGroup { location, .. } => of("Microsoft.ContainerInstance", location),
            Self::Compute(location) => (
                format!(
                    "{providers}/Microsoft.MachineLearningServices/locations/{location}/computeOperationsStatus/{id}"
                ),
                choose("&type=async", "&type=location"),
            ),
            Self::PrivateDns(group, _) => {
                let collection = choose("privateDnsOperationStatuses", "privateDnsOperationResults");
                (format!("{group}/providers/Microsoft.Network/{collection}/{id}"), "")
            }
            Self::ResourceManager => (format!("/subscriptions/{subscription}/operationresults/{id}"), ""),
        }
    }
}

/// What begins an operation.
#[derive(Debug)]
pub struct Start {
    /// Subscription GUID as it stands in the request.
    pub subscription: String,
    /// Under which URL the operation shows.
    pub place: Place,
    /// api-version of the request, repeated in the URL.
    pub api_version: String,
    /// How long the work takes in Azure, in seconds; scaled here.
    pub seconds: f64,
    /// Whether a finished operation has a result at the `Location` URL (DELETE), `204` then.
    pub has_result: bool,
    /// How the operation is to end by script, if it is.
    pub scripted: Option<ScriptedEnding>,
}

/// A running or ended operation.
#[derive(Debug)]
struct Operation {
    ending: Option<Ending>,
    has_result: bool,
    lost: bool,
    polls: i32,
    place: Place,
    began: Timestamp,
    /// What some answers repeat.
    handle: Handle,
}

/// URLs of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    /// GUID.
    pub id: String,
    /// `Azure-AsyncOperation`.
    pub status_url: String,
    /// `Location`.
    pub result_url: String,
}

impl Handle {
    /// Adds `Azure-AsyncOperation` and, where Azure sends it, `Location`.
    pub fn put_on(&self, response: &mut Response, with_location: bool) {
        set_header(response, "azure-asyncoperation", &self.status_url);
        set_header(response, "azure-asyncnotification", "Enabled");
        set_header(response, "x-ms-operation-identifier", &self.id);
        if with_location {
            set_header(response, "location", &self.result_url);
        }
    }
}

/// All operations, running and ended.
#[derive(Debug)]
pub struct Operations {
    by_id: BTreeMap<String, Operation>,
    signer: Signer,
}

impl Operations {
    /// No operation yet.
    pub fn new(ids: &mut Ids) -> Self {
        Self { by_id: BTreeMap::new(), signer: Signer::new(ids) }
    }
}

/// Begins an operation; when its time has come, `settle` changes the world according to how it ended.
pub fn begin(world: &mut World, start: Start, settle: impl FnOnce(&mut World, &Ending) + Send + 'static) -> Handle {
    begin_open(world, start, move |world, ending| {
        settle(world, &ending);
        ending
    })
}

/// As [`begin`], for work whose result is only known when it ends: `settle` returns it.
pub fn begin_open(
    world: &mut World,
    start: Start,
    settle: impl FnOnce(&mut World, Ending) -> Ending + Send + 'static,
) -> Handle {
    let id = start.place.new_id(&mut world.ids);
    let delay = world.scaled(start.seconds);
    let lost = matches!(start.scripted, Some(ScriptedEnding::Lost));
    let ending = ending_of(start.scripted.as_ref());
    let handle = world.operations.handle(world, &start, &id);
    let operation = Operation {
        ending: None,
        has_result: start.has_result,
        lost,
        polls: 0,
        place: start.place,
        began: world.now,
        handle: handle.clone(),
    };
    world.operations.by_id.insert(id.clone(), operation);
    world.schedule(delay, move |world| finish(world, &id, ending, settle));
    handle
}

fn finish(world: &mut World, id: &str, ending: Ending, settle: impl FnOnce(&mut World, Ending) -> Ending) {
    let ending = settle(world, ending);
    if let Some(operation) = world.operations.by_id.get_mut(id) {
        operation.ending = Some(ending);
    }
}

fn ending_of(scripted: Option<&ScriptedEnding>) -> Ending {
    match scripted {
        Some(ScriptedEnding::Failed(error)) => Ending::Failed(error.clone()),
        Some(ScriptedEnding::Canceled(error)) => Ending::Canceled(error.clone()),
        Some(ScriptedEnding::Lost) | None => Ending::Succeeded,
    }
}

impl Operations {
    fn handle(&self, world: &World, start: &Start, id: &str) -> Handle {
        let url = |is_result| {
            let (path, suffix) = start.place.path(&start.subscription, id, is_result);
            let query = self.signer.query(&path, &start.api_version, world.now);
            format!("{}{path}?{query}{suffix}", world.base_url)
        };
        Handle { id: id.to_owned(), status_url: url(false), result_url: url(true) }
    }

    /// How many operations still run.
    pub fn running(&self) -> usize {
        self.by_id.values().filter(|operation| operation.ending.is_none()).count()
    }
}

/// Seconds in Azure until the next poll, for a client that just got `InProgress`: 10, 20, 40, 80, 160 ….
fn poll_pause(operation: &Operation) -> f64 {
    10.0 * 2f64.powi(operation.polls.clamp(0, 4))
}

/// `{"status":…}` with the error where there is one.
fn status_body(ending: Option<&Ending>) -> Value {
    match ending {
        None => json!({"status": "InProgress"}),
        Some(Ending::Succeeded) => json!({"status": "Succeeded"}),
        Some(Ending::Failed(error)) => json!({"status": "Failed", "error": error}),
        Some(Ending::Canceled(error)) => json!({"status": "Canceled", "error": error}),
    }
}
