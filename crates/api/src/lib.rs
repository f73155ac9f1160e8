//! The API group `acivnet.dev/v1alpha1`: two kinds, their schemas and rules, and the words in their statuses.
//!
//! [`DelegatedSubnet`] is the network part of an endpoint, [`AciVnetDeployment`] the model part. The user
//! writes spec, the operator status; what Azure decides (addresses, versions, names) is in status.

mod aci_vnet_deployment;
mod azure;
pub mod conditions;
mod crd;
mod delegated_subnet;
mod number_or_text;
mod rules;

pub use aci_vnet_deployment::*;
pub use azure::*;
pub use crd::crds;
pub use delegated_subnet::*;
pub use number_or_text::NumberOrText;

/// The finalizer that both kinds carry while something in Azure may belong to them.
pub const FINALIZER: &str = "acivnet.dev/azure";
/// The finalizer that the Secret [`CREDENTIALS_SECRET`] carries while a custom resource in its namespace carries
/// [`FINALIZER`].
pub const CREDENTIALS_FINALIZER: &str = "acivnet.dev/credentials";
/// Annotation: the hash of the plan that a person approves, from `status.plan.hash`.
pub const APPROVE_PLAN: &str = "acivnet.dev/approve-plan";
/// Annotation: any new value makes the operator look at once. Echoed in `status.lastHandledReconcileAt`.
pub const RECONCILE_REQUESTED_AT: &str = "acivnet.dev/reconcile-requested-at";
/// Annotation: any new value restarts the web service once, with the same content. Echoed in
/// `status.lastHandledRestartAt`.
pub const RESTART_REQUESTED_AT: &str = "acivnet.dev/restart-requested-at";
/// The ServiceAccount of a namespace whose annotations name its Azure identity.
pub const SERVICE_ACCOUNT: &str = "acivnet";
/// The Secret of a namespace that holds its Azure identity, with the keys `tenantID`, `clientID`, `clientSecret`.
pub const CREDENTIALS_SECRET: &str = "acivnet-azure";
