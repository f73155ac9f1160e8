//! Azure Resource Manager: one path for all kinds.

pub(crate) mod operation;

use crate::{
    answer::{Answer, LONGEST_AT_ONCE},
    connector::Azure,
    error::{Refusal, unreachable},
    gate::WritePermit,
    observe::Class,
    request::{Call, JSON},
};
use acivnet_api::conditions::reasons;
use acivnet_core::{
    failure::Failure,
    id::ResourceId,
    kind::{Kind, Phase, Plane},
    kinds::{resource_group::RESOURCE_GROUP, workspace::WORKSPACE},
    observed::Fact,
    plan::Progress,
    retry::Retry,
};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tokio::task::yield_now;
use url::Url;

/// api-version of `GET /subscriptions/{id}`.
const SUBSCRIPTION_VERSION: &str = "2022-12-01";
/// Most pages of a list; one whose links lead in a circle ends here.
pub const MOST_PAGES: usize = 1000;
/// Most items of a list.
pub const MOST_ITEMS: usize = 100_000;

/// Is handed the text of one item of a list after the other. An item that it can't read ends the list.
pub type Each<'a> = &'a mut (dyn FnMut(&str) -> serde_json::Result<()> + Send);

/// Notes every item of a list.
pub(crate) fn collect_items(items: &mut Vec<Value>) -> impl FnMut(&str) -> serde_json::Result<()> + Send {
    |text| serde_json::from_str(text).map(|item| items.push(item))
}

/// The codes that say of a DELETE that there is nothing to delete.
const GONE: &[&str] = &["ResourceNotFound", "NotFound", "ParentResourceNotFound", "ResourceGroupNotFound"];

impl Azure {
    /// Reads one resource. Absent only when Azure said so of this very resource, or when its resource group is proven
    /// missing in a subscription that answers this identity.
    pub async fn read(&self, kind: &'static Kind, id: &ResourceId) -> Fact {
        let read = match kind.plane {
            Plane::Arm => self.arm_get(kind, id).await,
            Plane::MachineLearning => self.machine_learning_get(kind, id).await,
        };
        match read {
            Ok(Some(body)) => Fact::Present(body),
            Ok(None) => Fact::Absent,
            Err(failure) => Fact::Unread(failure),
        }
    }

    /// Lists the resources of a kind: of a resource group or subscription for a top-level type, of the parent for
    /// others, and of model versions those that carry an owner of ours. A list is no proof of absence. Items are handed
    /// on page by page, so that a long list is never held as a whole.
    ///
    /// # Errors
    /// Azure's refusal, or a list that does not end; what was handed on before is part of it.
    pub async fn list(&self, kind: &'static Kind, scope: &ResourceId, each: Each<'_>) -> Result<(), Failure> {
        match kind.plane {
            Plane::Arm => {
                let url = self.arm_url(&list_path(kind, scope), kind.api_version);
                self.pages(url, Class::ResourceManager, &format!("{scope} {}", kind.name), each).await
            }
            Plane::MachineLearning => self.machine_learning_list(kind, scope, each).await,
        }
    }

    /// `None` when it is proven absent.
    pub(crate) async fn arm_get(&self, kind: &'static Kind, id: &ResourceId) -> Result<Option<Value>, Failure> {
        let call = Call::get(self.arm_url(id.as_str(), kind.api_version), Class::ResourceManager, id.as_str());
        let answer = self.send(&call).await?;
        let body = if answer.status == 404 {
            self.absent(&call, id, &answer).await.map(|()| None)
        } else {
            self.object(&call, answer).await.map(Some)
        };
        if kind == &WORKSPACE {
            self.workspace_seen(id, body.as_ref().ok().and_then(Option::as_ref));
        }
        body
    }

    /// Whether a 404 proves absence; if not, the failure.
    async fn absent(&self, call: &Call, id: &ResourceId, answer: &Answer) -> Result<(), Failure> {
        let refusal = Refusal::read(answer);
        if refusal.says_only(&["ResourceNotFound", "NotFound"]) {
            return Ok(());
        }
        match id.group() {
            Some(group) if refusal.says_only(&["ResourceGroupNotFound"]) => {
                self.group_is_missing(&group, id == &group).await
            }
            _ => Err(self.refused(call, answer)),
        }
    }

    /// Asks for the group itself (unless `asked` already) and for the subscription: a wrong tenant or a lost right must
    /// not look like an empty Azure.
    async fn group_is_missing(&self, group: &ResourceId, asked: bool) -> Result<(), Failure> {
        if !asked {
            let call = Call::get(
                self.arm_url(group.as_str(), RESOURCE_GROUP.api_version),
                Class::ResourceManager,
                group.as_str(),
            );
            let answer = self.send(&call).await?;
            if answer.success() {
                let message = format!("resource group {} was said to be missing and is there", group.name());
                return Err(Failure::local(
                    "ResourceGroupFound",
                    self.scrubber.clean(&message),
                    Retry::Soon,
                    reasons::BUSY,
                ));
            }
            if answer.status != 404 || !Refusal::read(&answer).says_only(&["ResourceGroupNotFound"]) {
                return Err(self.refused(&call, &answer));
            }
        }
        let subscription = ResourceId::subscription_id(group.subscription());
        let call = Call::get(
            self.arm_url(subscription.as_str(), SUBSCRIPTION_VERSION),
            Class::ResourceManager,
            subscription.as_str(),
        );
        self.accepted(&call, self.send(&call).await?).map(drop)
    }

    /// PUT of a whole body, under `If-Match` when it was made from one that stood.
    pub(crate) async fn arm_put(
        &self,
        permit: &WritePermit,
        kind: &'static Kind,
        id: &ResourceId,
        body: &Value,
        if_match: Option<&str>,
    ) -> Result<Progress, Failure> {
        let call = self.arm_write(permit, Method::PUT, kind, id, if_match).json(JSON, body);
        let answer = self.accepted(&call, self.send(&call).await?)?;
        self.remember_operation(id, &answer);
        let busy = answer.json().await.is_some_and(|body| (kind.phase)(&body) == Phase::Busy);
        Ok(if busy || answer.status == 202 { self.running(&answer) } else { Progress::Carried })
    }

    /// DELETE. That there is nothing to delete counts as carried out; the next read has to prove it.
    pub(crate) async fn arm_delete(
        &self,
        permit: &WritePermit,
        kind: &'static Kind,
        id: &ResourceId,
        if_match: Option<&str>,
    ) -> Result<Progress, Failure> {
        let call = self.arm_write(permit, Method::DELETE, kind, id, if_match);
        let answer = self.send(&call).await?;
        if answer.status == 404 && Refusal::read(&answer).says_only(GONE) {
            return Ok(Progress::Carried);
        }
        let answer = self.accepted(&call, answer)?;
        self.remember_operation(id, &answer);
        Ok(if answer.status == 202 { self.running(&answer) } else { Progress::Carried })
    }

    /// A write to a resource, under `If-Match` if there is an etag.
    fn arm_write(
        &self,
        permit: &WritePermit,
        method: Method,
        kind: &'static Kind,
        id: &ResourceId,
        if_match: Option<&str>,
    ) -> Call {
        let mut url = self.arm_url(id.as_str(), kind.api_version);
        for (name, value) in kind.delete_query.iter().filter(|_| method == Method::DELETE) {
            url.query_pairs_mut().append_pair(name, value);
        }
        let call = Call::write(permit, method, url, Class::ResourceManager, id.as_str());
        if_match.iter().fold(call, |call, etag| call.header("if-match", etag))
    }

    pub(crate) fn running(&self, answer: &Answer) -> Progress {
        Progress::Running(self.asked(answer))
    }

    /// All items of a list whose `nextLink` is followed as it is, as long as it leads to the same host.
    pub(crate) async fn pages(&self, first: Url, class: Class, about: &str, each: Each<'_>) -> Result<(), Failure> {
        let (mut count, mut url) = (0, first.clone());
        for _ in 0..MOST_PAGES {
            let call = Call::get(url.clone(), class, about).page();
            let (items, next) = self.page(&call, self.send(&call).await?, &mut *each).await?;
            count += items;
            let Some(next) = next else { return Ok(()) };
            let next = first.join(&next).map_err(|_| unreachable(&call.what(), "nextLink is not a URL"))?;
            if next.origin() != first.origin() && class != Class::ResourceManager {
                return Err(self.foreign_host(&next, &call.what()));
            }
            if next == url || count > MOST_ITEMS {
                break;
            }
            url = next;
        }
        Err(unreachable(about, "the list does not end"))
    }

    /// Hands the items of a page on as text, since values take many times what their text does. How many there were, and the
    /// link to the next page; absent, null and empty end the list. Others have their turn between the items. Of one that is
    /// too long the list tells nothing.
    pub(crate) async fn page(
        &self,
        call: &Call,
        answer: Answer,
        each: Each<'_>,
    ) -> Result<(usize, Option<String>), Failure> {
        let answer = self.accepted(call, answer)?;
        let without = |_| unreachable(&call.what(), "a list without items");
        let page: Page<'_> = serde_json::from_slice(&answer.body).map_err(without)?;
        let mut bytes = 0;
        for item in &page.value {
            if item.get().len() > LONGEST_AT_ONCE {
                return Err(unreachable(&call.what(), "a list with an item that is too long"));
            }
            bytes += item.get().len();
            if bytes > LONGEST_AT_ONCE {
                yield_now().await;
                bytes = item.get().len();
            }
            each(item.get()).map_err(without)?;
        }
        let next = page.next_link.as_ref().and_then(Value::as_str).filter(|link| !link.is_empty());
        Ok((page.value.len(), next.map(str::to_owned)))
    }

    fn arm_url(&self, path: &str, api_version: &str) -> Url {
        let mut url = self.connector.cloud.resource_manager().clone();
        url.set_path(path);
        url.set_query(Some(&format!("api-version={api_version}")));
        url
    }
}

/// `{scope}/providers/{Namespace}/{type}` for a top-level type, `{parent}/{type}` for a child.
fn list_path(kind: &Kind, scope: &ResourceId) -> String {
    match kind.arm_type.split('/').collect::<Vec<_>>().as_slice() {
        ["Microsoft.Resources", "resourceGroups"] => format!("{scope}/resourceGroups"),
        [namespace, type_] => format!("{scope}/providers/{namespace}/{type_}"),
        types => format!("{scope}/{}", types.last().copied().unwrap_or_default()),
    }
}

/// A page of a list, its items as text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
    next_link: Option<Value>,
}

#[cfg(test)]
mod tests;
