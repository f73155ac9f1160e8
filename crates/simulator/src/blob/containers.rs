//! Calls about containers: create, properties, delete, and the two lists (Azure Storage, "Create Container", "Get Container
//! Properties", "Delete Container", "List Containers", "List Blobs"). They take a token; nothing here hands out a signature
//! of a container.

use super::listing::{self, Asked};
use super::store::Container;
use super::token::Access;
use super::{Request, StorageError, http_date, metadata, token};
use crate::error::{Response, empty_response, set_header};
use crate::world::World;
use http::{Method, StatusCode, header};
use jiff::Timestamp;

/// How long the name of a deleted container stays reserved, in seconds ("at least 30 seconds").
const DELETION_SECONDS: f64 = 30.0;

impl Request<'_> {
    /// Answers a request about a container or the account.
    pub(super) fn about_containers(&self) -> Result<Response, StorageError> {
        let (container, blob) = self.container_and_blob();
        let is_of_container =
            self.query.get("restype") == Some("container") && blob.is_empty() && !container.is_empty();
        self.check_token()?;
        self.simulator.with(|world| match (&self.parts.method, self.query.get("comp")) {
            (&Method::GET, Some("list")) if is_of_container => self.list_blobs(world),
            (&Method::GET, Some("list")) if container.is_empty() => self.list_containers(world),
            (&Method::PUT, None) if is_of_container => self.create_container(world),
            (&Method::GET | &Method::HEAD, None) if is_of_container => self.container_properties(world),
            (&Method::DELETE, None) if is_of_container => self.delete_container(world),
            (&Method::PUT | &Method::GET | &Method::HEAD | &Method::DELETE, _) => Err(StorageError::INVALID_QUERY),
            _ => Err(StorageError::UNSUPPORTED_VERB),
        })
    }

    pub(super) fn container_name(&self) -> &str {
        let (container, _) = self.container_and_blob();
        container
    }

    fn container_and_blob(&self) -> (&str, &str) {
        let rest = self.name.split_once('/').map_or("", |(_, rest)| rest);
        rest.split_once('/').unwrap_or((rest, ""))
    }

    fn check_token(&self) -> Result<(), StorageError> {
        match self.query.get("sig") {
            Some(_) => Err(StorageError::AUTHENTICATION_FAILED),
            None if self.parts.headers.contains_key(header::AUTHORIZATION) => Ok(()),
            None => Err(StorageError::NO_AUTHENTICATION),
        }
    }

    fn create_container(&self, world: &mut World) -> Result<Response, StorageError> {
        token::may_with_container(world, self, "write")?;
        check_name(self.container_name())?;
        let (now, name) = (world.now, self.name.trim_end_matches('/').to_owned());
        let etag = format!("\"0x{}\"", world.ids.hex("container etag", 15).to_ascii_uppercase());
        let made = Container { etag, last_modified: now, metadata: metadata(&self.parts.headers) };
        world.blobs.create_container(&name, made.clone(), now)?;
        Ok(described(StatusCode::CREATED, &made))
    }

    fn container_properties(&self, world: &World) -> Result<Response, StorageError> {
        token::may_with_container(world, self, "read")?;
        let container =
            world.blobs.container(self.name.trim_end_matches('/')).ok_or(StorageError::CONTAINER_NOT_FOUND)?;
        let mut response = described(StatusCode::OK, &container);
        for (name, value) in [
            ("x-ms-lease-status", "unlocked"),
            ("x-ms-lease-state", "available"),
            ("x-ms-has-immutability-policy", "false"),
            ("x-ms-has-legal-hold", "false"),
        ] {
            set_header(&mut response, name, value);
        }
        for (name, value) in &container.metadata {
            if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), http::HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }

    fn delete_container(&self, world: &mut World) -> Result<Response, StorageError> {
        token::may_with_container(world, self, "delete")?;
        let until = crate::clock::after(world.now, world.scaled(DELETION_SECONDS));
        world.blobs.delete_container(self.name.trim_end_matches('/'), until)?;
        Ok(empty_response(StatusCode::ACCEPTED))
    }

    fn list_blobs(&self, world: &World) -> Result<Response, StorageError> {
        token::may(world, self, Access::Read)?;
        let container = self.name.trim_end_matches('/');
        world.blobs.container(container).ok_or(StorageError::CONTAINER_NOT_FOUND)?;
        let endpoint = self.endpoint(world);
        listing::blobs(&Asked::of(&self.query)?, &endpoint, self.container_name(), world.blobs.blobs_in(container))
    }

    fn list_containers(&self, world: &World) -> Result<Response, StorageError> {
        token::may_with_container(world, self, "read")?;
        let account = self.name.split('/').next().unwrap_or_default();
        listing::containers(&Asked::of(&self.query)?, &self.endpoint(world), &world.blobs.containers_of(account))
    }

    /// The account's address.
    fn endpoint(&self, world: &World) -> String {
        format!("https://{}.blob.{}/", self.name.split('/').next().unwrap_or_default(), world.blob_suffix)
    }
}

fn described(status: StatusCode, container: &Container) -> Response {
    let mut response = empty_response(status);
    set_header(&mut response, "etag", &container.etag);
    set_header(&mut response, "last-modified", &http_date(container.last_modified));
    response
}

/// 3 to 63 lower-case letters, digits and single hyphens, the first and the last no hyphen ("Naming and referencing
/// containers").
fn check_name(name: &str) -> Result<(), StorageError> {
    if !(3..=63).contains(&name.len()) {
        return Err(StorageError::OUT_OF_RANGE);
    }
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_valid = name.bytes().all(is_inner) && !name.starts_with('-') && !name.ends_with('-') && !name.contains("--");
    if is_valid { Ok(()) } else { Err(StorageError::INVALID_NAME) }
}

/// Creation time of a container that no call created.
pub(super) const UNKNOWN: Timestamp = Timestamp::UNIX_EPOCH;
