//! The API group `acivnet.dev/v1alpha1`: two kinds, their schema, their rules and the words they use in status.
//!
//! [`DelegatedSubnet`] is the network part of an endpoint, [`AciVnetDeployment`] the model part. Spec is the user's,
//! status is the controller's; what Azure decides (addresses, versions, names) is in status.

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

/// The finalizer both kinds carry while something may stand in Azure for them.
pub const FINALIZER: &str = "acivnet.dev/azure";
/// The finalizer that the Secret [`CREDENTIALS_SECRET`] carries while a custom resource of its namespace carries ours.
pub const CREDENTIALS_FINALIZER: &str = "acivnet.dev/credentials";
/// Annotation: the hash of the plan that a person approves, as shown in `status.plan.hash`.
pub const APPROVE_PLAN: &str = "acivnet.dev/approve-plan";
/// Annotation: any new value makes the controller look at once; echoed in `status.lastHandledReconcileAt`.
pub const RECONCILE_REQUESTED_AT: &str = "acivnet.dev/reconcile-requested-at";
/// Annotation: any new value makes the web service roll once with the same content; echoed in
/// `status.lastHandledRestartAt`.
pub const RESTART_REQUESTED_AT: &str = "acivnet.dev/restart-requested-at";
/// The ServiceAccount of a namespace whose annotations name its Azure identity.
pub const SERVICE_ACCOUNT: &str = "acivnet";
/// The Secret of a namespace that holds its Azure identity, with the keys `tenantID`, `clientID`, `clientSecret`.
pub const CREDENTIALS_SECRET: &str = "acivnet-azure";
