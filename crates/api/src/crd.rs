//! The two CRDs as they are installed.

use crate::{AciVnetDeployment, DelegatedSubnet};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSON};
use kube::CustomResourceExt;
use serde_json::json;

/// Both CRDs, with the default for `status` that keeps kstatus from taking an unseen object as current.
pub fn crds() -> [CustomResourceDefinition; 2] {
    [unseen_by_default(AciVnetDeployment::crd()), unseen_by_default(DelegatedSubnet::crd())]
}

fn unseen_by_default(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let schema = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut());
        let status = schema.and_then(|schema| schema.properties.as_mut()).and_then(|all| all.get_mut("status"));
        if let Some(status) = status {
            status.default = Some(JSON(json!({"observedGeneration": -1})));
            status.nullable = None;
        }
    }
    crd
}
