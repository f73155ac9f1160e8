//! The CustomResourceDefinition behind an object. One that is being deleted takes every object with it, and nobody has
//! asked for the end of what those stand for in Azure.

use crate::{ctx::Ctx, object::Object};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;

/// Whether the definition of this kind is being deleted. The API server marks it before it deletes the objects.
pub(crate) async fn is_going<S: Object>(ctx: &Ctx) -> Result<bool, kube::Error> {
    let name = format!("{}.{}", S::plural(&()), S::group(&()));
    let definition = Api::<CustomResourceDefinition>::all(ctx.kube.clone()).get_metadata_opt(&name).await?;
    Ok(definition.is_some_and(|definition| definition.metadata.deletion_timestamp.is_some()))
}
