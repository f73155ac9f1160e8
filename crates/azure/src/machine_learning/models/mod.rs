//! Models of Azure ML. Registration has no key of its own: what is registered is found by its properties.

use crate::{
    arm::{Each, MOST_PAGES, collect_items},
    carry_out::Payloads,
    connector::Azure,
    error::unreachable,
    gate::WritePermit,
    machine_learning::{PAGE, discovery::Endpoints, fact, is_absent, segment},
    observe::Class,
    request::{Call, JSON_PATCH},
};
use acivnet_core::{
    blueprint::{Node, Payload},
    failure::Failure,
    id::ResourceId,
    kinds::model_version::{self, property},
    observed::Fact,
    owner::{DIGEST_PROPERTY, KEY_PROPERTY, OWNER_TAG},
    plan::Progress,
};
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use url::Url;

/// What the SDK says a new asset or model is (`azureml-core` 1.61).
const JSON_UTF8: &str = "application/json; charset=utf-8";

/// Where the models of a workspace are listed, and what errors call the list.
fn model_list(endpoints: &Endpoints, workspace: &ResourceId) -> (Url, String) {
    (endpoints.model_management(workspace, "models"), format!("{workspace}/models"))
}

impl Azure {
    /// The model versions of a workspace that carry this owner, as an array.
    pub async fn models(&self, workspace: &ResourceId, owner: &str) -> Fact {
        fact(self.models_of(workspace, owner).await)
    }

    async fn models_of(&self, workspace: &ResourceId, owner: &str) -> Result<Option<Value>, Failure> {
        let Some(endpoints) = self.endpoints(workspace).await? else { return Ok(None) };
        let filter = format!("{OWNER_TAG}={owner}");
        let models = self.model_pages(&endpoints, workspace, &[("properties", &filter)]).await?;
        Ok(Some(models.into_iter().filter(|model| property(model, OWNER_TAG) == Some(owner)).collect()))
    }

    /// The newest version of a model, whoever registered it: the first of the list, as `azureml-core` 1.61 takes it.
    pub async fn newest_model(&self, workspace: &ResourceId, name: &str) -> Fact {
        fact(self.newest(workspace, name).await)
    }

    async fn newest(&self, workspace: &ResourceId, name: &str) -> Result<Option<Value>, Failure> {
        let Some(endpoints) = self.endpoints(workspace).await? else { return Ok(None) };
        let (mut url, about) = model_list(&endpoints, workspace);
        url.query_pairs_mut().append_pair("name", name).append_pair("count", "1");
        let call = Call::get(url, Class::MachineLearning, about);
        let mut page = self.object(&call, self.send(&call).await?).await?;
        let first = page.get_mut("value").and_then(Value::as_array_mut).and_then(|list| list.drain(..).next());
        Ok(first.filter(|model| named(model, name)))
    }

    /// The model versions of a workspace that carry an owner of ours.
    pub(crate) async fn owned_models(
        &self,
        endpoints: &Endpoints,
        workspace: &ResourceId,
        each: Each<'_>,
    ) -> Result<(), Failure> {
        let mut owned = |text: &str| if model_version::owner(text).is_some() { each(text) } else { Ok(()) };
        let (url, about) = model_list(endpoints, workspace);
        self.token_pages(url, &[("properties", OWNER_TAG)], &about, &mut owned).await
    }

    /// The lowest version of a model whose key begins with `key`.
    pub(crate) async fn model_by_key(
        &self,
        endpoints: &Endpoints,
        workspace: &ResourceId,
        name: &str,
        key: &str,
    ) -> Result<Option<Value>, Failure> {
        let models = self.model_pages(endpoints, workspace, &[("name", name), ("properties", KEY_PROPERTY)]).await?;
        Ok(lowest(models, |model| {
            named(model, name) && property(model, KEY_PROPERTY).is_some_and(|found| found.starts_with(key))
        }))
    }

    pub(crate) async fn model_pages(
        &self,
        endpoints: &Endpoints,
        workspace: &ResourceId,
        filters: &[(&str, &str)],
    ) -> Result<Vec<Value>, Failure> {
        let mut models = Vec::new();
        let (url, about) = model_list(endpoints, workspace);
        self.token_pages(url, filters, &about, &mut collect_items(&mut models)).await?;
        Ok(models)
    }

    /// A list of models or assets: of `nextLink` only its `$skipToken` is taken, as the SDK does.
    async fn token_pages(
        &self,
        base: Url,
        filters: &[(&str, &str)],
        about: &str,
        each: Each<'_>,
    ) -> Result<(), Failure> {
        let (mut tokens, mut token) = (BTreeSet::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let mut url = base.clone();
            url.query_pairs_mut().extend_pairs(filters).append_pair("count", PAGE);
            if let Some(token) = &token {
                url.query_pairs_mut().append_pair("$skipToken", token);
            }
            let call = Call::get(url, Class::MachineLearning, about).page();
            let (_, next) = self.page(&call, self.send(&call).await?, &mut *each).await?;
            let Some(next) = next else { return Ok(()) };
            token = skip_token(&base, &next);
            if token.as_ref().is_none_or(|token| !tokens.insert(token.clone())) {
                break;
            }
        }
        Err(unreachable(about, "the list does not end"))
    }

    /// Uploads the payloads, binds them to an asset, registers a version; each step first looks for what an earlier try
    /// left.
    pub(crate) async fn register_model(
        &self,
        permit: &WritePermit,
        node: &Node,
        body: &Value,
        files: &[Payload],
        payloads: &dyn Payloads,
    ) -> Result<Progress, Failure> {
        let (workspace, endpoints) = self.workspace_for(&node.id).await?;
        self.upload(permit, &endpoints, &workspace, files, payloads).await?;
        let prefix = files.first().map(Payload::asset_prefix).unwrap_or_default();
        let asset = self.asset(permit, &endpoints, &workspace, body, &prefix).await?;
        if self.registered(&endpoints, &workspace, body).await? {
            return Ok(Progress::Carried);
        }
        let mut body = body.clone();
        if let Some(members) = body.as_object_mut() {
            members.insert("url".into(), format!("aml://asset/{asset}").into());
        }
        let call = self
            .model_call(permit, Method::POST, endpoints.model_management(&workspace, "models"), node.id.as_str())
            .json(JSON_UTF8, &body);
        self.accepted(&call, self.send(&call).await?).map(|_| Progress::Carried)
    }

    /// Whether a version with the owner and the key of this body is there already: an answer may have been lost.
    async fn registered(&self, endpoints: &Endpoints, workspace: &ResourceId, body: &Value) -> Result<bool, Failure> {
        let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
        let ours = |model: &Value| {
            [OWNER_TAG, KEY_PROPERTY]
                .iter()
                .all(|one| property(body, one).is_some() && property(model, one) == property(body, one))
        };
        let filter = format!("{KEY_PROPERTY}={}", property(body, KEY_PROPERTY).unwrap_or_default());
        let models = self.model_pages(endpoints, workspace, &[("name", name), ("properties", &filter)]).await?;
        Ok(models.iter().any(|model| named(model, name) && ours(model)))
    }

    /// Id of the asset that holds this artifact or directory, made if there is none.
    async fn asset(
        &self,
        permit: &WritePermit,
        endpoints: &Endpoints,
        workspace: &ResourceId,
        body: &Value,
        prefix: &str,
    ) -> Result<String, Failure> {
        let url = endpoints.model_management(workspace, "assets");
        let digest = property(body, DIGEST_PROPERTY).unwrap_or_default();
        let filter = format!("{DIGEST_PROPERTY}={digest}");
        let about = format!("{workspace}/assets");
        let mut assets = Vec::new();
        self.token_pages(url.clone(), &[("properties", &filter)], &about, &mut collect_items(&mut assets)).await?;
        if let Some(found) = assets.iter().find(|asset| holds(asset, prefix, digest)).and_then(asset_id) {
            return Ok(found);
        }
        self.new_asset(permit, url, &about, body, prefix).await
    }

    async fn new_asset(
        &self,
        permit: &WritePermit,
        url: Url,
        about: &str,
        body: &Value,
        prefix: &str,
    ) -> Result<String, Failure> {
        let asset = json!({
            "name": body.get("name"),
            "artifacts": [{"prefix": prefix}],
            "properties": {DIGEST_PROPERTY: property(body, DIGEST_PROPERTY), OWNER_TAG: property(body, OWNER_TAG)},
        });
        let call = self.model_call(permit, Method::POST, url, about).json(JSON_UTF8, &asset);
        let made = self.object(&call, self.send(&call).await?).await?;
        asset_id(&made).ok_or_else(|| unreachable(&call.what(), "an asset without id"))
    }

    /// Changes tags or description of a version.
    pub(crate) async fn patch_model(
        &self,
        permit: &WritePermit,
        node: &Node,
        operations: &Value,
    ) -> Result<Progress, Failure> {
        let (workspace, endpoints) = self.workspace_for(&node.id).await?;
        let url = endpoints.model_management(&workspace, &format!("models/{}", segment(node.id.name())));
        let call = self.model_call(permit, Method::PATCH, url, node.id.as_str()).json(JSON_PATCH, operations);
        self.accepted(&call, self.send(&call).await?).map(|_| Progress::Carried)
    }

    /// Deletes a version. One that is not there counts as deleted.
    pub(crate) async fn delete_model(&self, permit: &WritePermit, node: &Node) -> Result<Progress, Failure> {
        let Some((workspace, endpoints)) = self.workspace_of(&node.id).await? else { return Ok(Progress::Carried) };
        let url = endpoints.model_management(&workspace, &format!("models/{}", segment(node.id.name())));
        let call = self.model_call(permit, Method::DELETE, url, node.id.as_str());
        let answer = self.send(&call).await?;
        if is_absent(&answer) {
            return Ok(Progress::Carried);
        }
        self.accepted(&call, answer).map(|_| Progress::Carried)
    }

    fn model_call(&self, permit: &WritePermit, method: Method, url: Url, about: &str) -> Call {
        Call::write(permit, method, url, Class::MachineLearning, about)
    }
}

fn named(model: &Value, name: &str) -> bool {
    model.get("name").and_then(Value::as_str) == Some(name)
}

/// Of several versions with the same content the lowest stays.
fn lowest(models: Vec<Value>, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
    models
        .into_iter()
        .filter(wanted)
        .min_by_key(|model| model.get("version").and_then(Value::as_u64).unwrap_or(u64::MAX))
}

fn asset_id(asset: &Value) -> Option<String> {
    asset.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
}

/// Whether an asset is this artifact or directory and says so by its digest.
fn holds(asset: &Value, prefix: &str, digest: &str) -> bool {
    let artifacts = asset.get("artifacts").and_then(Value::as_array);
    let names = |artifact: &Value| {
        ["prefix", "id"].iter().any(|key| artifact.get(*key).and_then(Value::as_str) == Some(prefix))
    };
    property(asset, DIGEST_PROPERTY) == Some(digest)
        && artifacts.is_some_and(|all| matches!(all.as_slice(), [one] if names(one)))
}

fn skip_token(base: &Url, next: &str) -> Option<String> {
    let next = base.join(next).ok()?;
    let found = next.query_pairs().find(|(name, _)| name.eq_ignore_ascii_case("$skipToken"));
    found.map(|(_, token)| token.into_owned())
}

#[cfg(test)]
mod tests;
