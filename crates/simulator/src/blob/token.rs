//! Tokens of Microsoft Entra ID for blobs (Azure Storage, "Authorize access to blobs using Microsoft Entra ID"): for the
//! audience of storage, with a service version that knows them, and a role with data actions. `Contributor` has none.

use super::{Request, StorageError};
use crate::identity::bearer;
use crate::store::is_within;
use crate::world::World;

const AUDIENCE: &str = "https://storage.azure.com";
/// The first version that takes tokens.
const FIRST_VERSION: &str = "2017-11-09";
/// Built-in roles with the data action `Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read`.
const READERS: &[&str] = &["Storage Blob Data Reader", "Storage Blob Data Contributor", "Storage Blob Data Owner"];

/// Whether the sender of a request may read its blob.
///
/// # Errors
/// `InvalidAuthenticationInfo` for a token that is none, is too old or is for another service; else
/// `AuthorizationPermissionMismatch`.
pub(super) fn may_read(world: &World, request: &Request<'_>) -> Result<(), StorageError> {
    let known = request.header("x-ms-version").is_some_and(|version| version >= FIRST_VERSION);
    let caller = bearer::for_audience(world, &request.parts.headers, AUDIENCE).filter(|_| known);
    let caller = caller.ok_or(StorageError::INVALID_AUTHENTICATION)?;
    let account = account(world, &request.name).ok_or(StorageError::PERMISSION_MISMATCH)?;
    let given = |given: &&crate::authorization::RoleAssignment| {
        given.principal == caller.object_id && READERS.contains(&given.role.name.as_str())
    };
    let reads = world.roles.iter().filter(given).any(|given| is_within(&account, &given.scope));
    if reads { Ok(()) } else { Err(StorageError::PERMISSION_MISMATCH) }
}

/// The id of the storage account that a blob's name begins with: those of workspaces are the accounts that there are.
fn account(world: &World, blob: &str) -> Option<String> {
    let name = blob.split('/').next()?;
    let accounts = world.resources.iter().filter_map(|one| one.properties.get("storageAccount")?.as_str());
    accounts
        .into_iter()
        .find(|id| id.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(name)))
        .map(str::to_owned)
}
