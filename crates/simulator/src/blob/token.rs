//! Tokens of Microsoft Entra ID for blobs (Azure Storage, "Authorize access to blobs using Microsoft Entra ID"): for the
//! audience of storage, with a service version that knows them. Blobs need a role with data actions, of which `Contributor`
//! has none; containers need ordinary actions ("Permissions for calling data operations").

use super::{Request, StorageError};
use crate::authorization::Right;
use crate::identity::{Caller, bearer};
use crate::world::World;

const AUDIENCE: &str = "https://storage.azure.com";
/// The first service version that accepts tokens.
const FIRST_VERSION: &str = "2017-11-09";
/// What all actions begin with.
const CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";

/// What is done with a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Whether the sender of a request may do this with the blobs of its container.
///
/// # Errors
/// `InvalidAuthenticationInfo` for a token that is none, is too old or is for another service; else
/// `AuthorizationPermissionMismatch`.
pub(super) fn may(world: &World, request: &Request<'_>, access: Access) -> Result<(), StorageError> {
    let caller = caller(world, request)?;
    let scope = scope(world, &request.name)?;
    let what = match access {
        Access::Read => "read",
        Access::Write => "write",
    };
    let action = format!("{CONTAINERS}/blobs/{what}");
    let allowed = world.has_right(&caller, Right::Data(&action), &scope);
    if allowed { Ok(()) } else { Err(StorageError::PERMISSION_MISMATCH) }
}

/// Whether the sender of a request may do this (`read`, `write` or `delete`) with its container, or with those of its
/// account.
///
/// # Errors
/// As [`may`].
pub(super) fn may_with_container(world: &World, request: &Request<'_>, what: &str) -> Result<(), StorageError> {
    let caller = caller(world, request)?;
    let action = format!("{CONTAINERS}/{what}");
    let allowed = world.has_right(&caller, Right::Action(&action), &scope(world, &request.name)?);
    if allowed { Ok(()) } else { Err(StorageError::PERMISSION_MISMATCH) }
}

fn caller(world: &World, request: &Request<'_>) -> Result<Caller, StorageError> {
    let known = request.header("x-ms-version").is_some_and(|version| version >= FIRST_VERSION);
    let caller = bearer::for_audience(world, &request.parts.headers, AUDIENCE).filter(|_| known);
    caller.ok_or(StorageError::INVALID_AUTHENTICATION)
}

/// The id of the container of `{account}/{container}/{blob}`, or of the account. Only workspaces have storage
/// accounts here.
fn scope(world: &World, name: &str) -> Result<String, StorageError> {
    let mut parts = name.split('/');
    let account = parts.next().unwrap_or_default();
    let mut accounts = world.resources.iter().filter_map(|one| one.properties.get("storageAccount")?.as_str());
    let id = accounts.find(|id| id.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(account)));
    let id = id.ok_or(StorageError::PERMISSION_MISMATCH)?;
    Ok(match parts.next().filter(|container| !container.is_empty()) {
        Some(container) => format!("{id}/blobServices/default/containers/{container}"),
        None => id.to_owned(),
    })
}
