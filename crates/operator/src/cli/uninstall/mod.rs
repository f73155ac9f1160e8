//! `acivnet uninstall`: lists what our finalizers hold, and removes them when no operator is left to do it.
//!
//! Whoever removes the operator and then deletes an object, a namespace or a definition waits for a finalizer that nobody
//! removes. Installing the operator again ends that. So does this command, which leaves Azure as it is.

use crate::{FIELD_MANAGER, kubernetes};
use acivnet_api::{AciVnetDeployment, CREDENTIALS_FINALIZER, CREDENTIALS_SECRET, DelegatedSubnet, FINALIZER};
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Secret};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, Patch, PatchParams, Request},
};
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeSet, fmt, io::Write, time::Duration};
use tokio::time::sleep;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// List what our finalizers hold.
    Check,
    /// Remove them from what is being deleted.
    Release,
}

/// Objects in a page of a list.
const PAGE: u32 = 100;
/// How often the lists are read again after something was released: a definition that is being deleted marks its objects
/// one by one, and an object that somebody writes meanwhile is released a round later.
const ROUNDS: u32 = 30;
/// Pause between two rounds.
const PAUSE: Duration = Duration::from_secs(2);
/// The Lease is looked at so many times in its duration; a working operator renews it more often.
const LOOKS: u32 = 15;

/// Lists what our finalizers hold, and removes them if asked to. Whether nothing is held any more.
///
/// # Errors
/// What could not be read or written, or why nothing is released.
pub async fn uninstall(kube: &Client, mode: Mode, out: &mut (impl Write + Send)) -> Result<bool, String> {
    let working = operator(kube).await?;
    if mode == Mode::Release {
        if let Some(working) = working {
            return Err(format!(
                "an operator works ({working}): it deletes in Azure what deleted objects made, and lets them go by itself; \
                 to leave all that in Azure, remove the operator first"
            ));
        }
        release(kube, out).await?;
    }
    let held = held(kube).await?;
    for one in &held {
        say(out, one)?;
    }
    say(out, &advice(&held, working.as_deref()))?;
    Ok(held.is_empty())
}

/// What carries a finalizer of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    kind: &'static str,
    namespace: String,
    name: String,
    version: String,
    finalizers: Vec<String>,
    ours: &'static str,
    deleting: bool,
    /// Ids of what it created or adopted in Azure.
    resources: Vec<String>,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name, ours, .. } = self;
        let deleting = if self.deleting { ", being deleted" } else { "" };
        write!(f, "{kind} {namespace}/{name}: finalizer {ours}{deleting}")
    }
}

fn say(out: &mut impl Write, line: &impl fmt::Display) -> Result<(), String> {
    writeln!(out, "{line}").map_err(|error| format!("standard output: {error}"))
}

fn advice(held: &[Held], working: Option<&str>) -> String {
    let deleting = held.iter().filter(|one| one.deleting).count();
    match (held.len(), deleting, working) {
        (0, ..) => "Nothing is held: namespaces and definitions can be deleted.".to_owned(),
        (_, 0, Some(working)) => format!(
            "Nothing that is being deleted is held. An operator works ({working}): delete the objects first if Azure is to be \
             emptied, or the definitions if it is to stay as it is, and the operator after them."
        ),
        (_, 0, None) => "Nothing that is being deleted is held, and no operator works: what is listed stays, and an operator \
                         that is applied again takes it over. Should it go, delete it, then run `acivnet uninstall --release`."
            .to_owned(),
        (_, _, Some(working)) => format!(
            "An operator works ({working}): what it waits for is in the conditions of the objects (kubectl describe)."
        ),
        (_, count, None) => format!(
            "{count} being deleted, and no operator works. Either apply the operator again, which ends each deletion as it was \
             asked for, or run `acivnet uninstall --release`, which leaves Azure as it stands."
        ),
    }
}

/// Who holds the operator's Lease and keeps renewing it. Clocks are not compared: the Lease is watched for a change.
async fn operator(kube: &Client) -> Result<Option<String>, String> {
    let named = ListParams::default().fields(&format!("metadata.name={}", crate::kubernetes::lease::NAME));
    let read = async || {
        let leases = Api::<Lease>::all(kube.clone()).list(&named).await;
        leases.map_err(|error| failed("Leases can't be listed", &error)).map(|leases| leases.items)
    };
    let holder = |lease: &Lease| lease.spec.as_ref()?.holder_identity.clone().filter(|holder| !holder.is_empty());
    let before: Vec<Lease> = read().await?.into_iter().filter(|lease| holder(lease).is_some()).collect();
    let longest =
        before.iter().filter_map(|lease| lease.spec.as_ref()?.lease_duration_seconds).max().unwrap_or_default();
    let step = Duration::from_secs(u64::from(longest.unsigned_abs())).div_f64(f64::from(LOOKS));
    for _ in 0..if before.is_empty() { 0 } else { LOOKS } {
        sleep(step).await;
        let now = read().await?;
        let changed = now.iter().find(|lease| {
            let same = |one: &&Lease| one.uid() == lease.uid() && one.resource_version() != lease.resource_version();
            holder(lease).is_some() && before.iter().any(|one| same(&one))
        });
        if let Some(lease) = changed {
            let namespace = lease.namespace().unwrap_or_default();
            return Ok(Some(format!(
                "Lease {namespace}/{}, held by {}",
                lease.name_any(),
                holder(lease).unwrap_or_default()
            )));
        }
    }
    Ok(None)
}

/// Removes our finalizers from what is being deleted, and from the Secrets that no object needs any more.
async fn release(kube: &Client, out: &mut (impl Write + Send)) -> Result<(), String> {
    for round in 0..ROUNDS {
        if round > 0 {
            sleep(PAUSE).await;
        }
        let held = held(kube).await?;
        let needed: BTreeSet<&str> =
            held.iter().filter(|one| one.ours == FINALIZER).map(|one| &*one.namespace).collect();
        let free = |one: &&Held| match one.ours {
            FINALIZER => one.deleting,
            _ => !needed.contains(&*one.namespace),
        };
        let mut any = false;
        for one in held.iter().filter(free) {
            any = true;
            if let_go(kube, one).await? {
                say(out, &format!("released {} {}/{}", one.kind, one.namespace, one.name))?;
                one.resources.iter().try_for_each(|id| say(out, &format!("  stays in Azure: {id}")))?;
            }
        }
        if !any {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether the finalizer was removed; it was not if somebody wrote the object meanwhile.
async fn let_go(kube: &Client, held: &Held) -> Result<bool, String> {
    let rest: Vec<&String> = held.finalizers.iter().filter(|one| *one != held.ours).collect();
    let patch = Patch::Merge(json!({"metadata": {"finalizers": rest, "resourceVersion": held.version}}));
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    let path = match held.kind {
        "Secret" => Secret::url_path(&(), Some(&held.namespace)),
        "DelegatedSubnet" => DelegatedSubnet::url_path(&(), Some(&held.namespace)),
        _ => AciVnetDeployment::url_path(&(), Some(&held.namespace)),
    };
    let request = Request::new(path).patch_metadata(&held.name, &params, &patch);
    let request = request.map_err(|error| format!("the finalizer of {held} can't be taken off: {error}"))?;
    match kube.request::<serde::de::IgnoredAny>(request).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(kubernetes::status(&error), 404 | 409) => Ok(false),
        Err(error) => Err(failed(&format!("the finalizer of {held} can't be taken off"), &error)),
    }
}

/// Everything that carries a finalizer of ours, deployments before the subnets they are in.
async fn held(kube: &Client) -> Result<Vec<Held>, String> {
    let mut all = of_kind::<AciVnetDeployment>(kube, "AciVnetDeployment", FINALIZER, "").await?;
    all.extend(of_kind::<DelegatedSubnet>(kube, "DelegatedSubnet", FINALIZER, "").await?);
    let named = format!("metadata.name={CREDENTIALS_SECRET}");
    all.extend(of_kind::<Secret>(kube, "Secret", CREDENTIALS_FINALIZER, &named).await?);
    Ok(all)
}

/// All that is read of an object, whatever the rest of it looks like.
#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    metadata: Meta,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    namespace: String,
    name: String,
    resource_version: String,
    finalizers: Vec<String>,
    deletion_timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    resources: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMeta,
    /// `null` in an empty list of metadata.
    items: Option<Vec<Item>>,
}

#[derive(Default, Deserialize)]
struct PageMeta {
    #[serde(rename = "continue", default)]
    more: String,
}

async fn of_kind<K: Resource<DynamicType = ()>>(
    kube: &Client,
    kind: &'static str,
    ours: &'static str,
    fields: &str,
) -> Result<Vec<Held>, String> {
    let (mut params, mut all) = (ListParams::default().limit(PAGE).fields(fields), Vec::new());
    loop {
        let request = Request::new(K::url_path(&(), None));
        let request = if kind == "Secret" { request.list_metadata(&params) } else { request.list(&params) };
        let request = request.map_err(|error| format!("no {kind} can be listed: {error}"))?;
        let page = match kube.request::<Page>(request).await {
            Ok(page) => page,
            // its definition is gone, and every object of it
            Err(error) if kubernetes::status(&error) == 404 => return Ok(all),
            Err(error) => return Err(failed(&format!("no {kind} can be listed"), &error)),
        };
        all.extend(page.items.into_iter().flatten().filter_map(|item| held_by(item, kind, ours)));
        if page.metadata.more.is_empty() {
            return Ok(all);
        }
        params = params.continue_token(&page.metadata.more);
    }
}

fn held_by(item: Item, kind: &'static str, ours: &'static str) -> Option<Held> {
    let Item { metadata, status } = item;
    metadata.finalizers.iter().any(|one| one == ours).then(|| Held {
        kind,
        ours,
        namespace: metadata.namespace,
        name: metadata.name,
        version: metadata.resource_version,
        finalizers: metadata.finalizers,
        deleting: metadata.deletion_timestamp.is_some(),
        resources: status.resources.into_iter().map(|one| one.id).collect(),
    })
}

fn failed(what: &str, error: &kube::Error) -> String {
    let advice =
        if kubernetes::status(error) == 403 { "; run this with the rights of a cluster's administrator" } else { "" };
    format!("{what}: {}{advice}", kubernetes::text(error))
}

#[cfg(test)]
mod tests;
