//! Errors as Azure Storage words them: XML, and the code in a header (Azure Storage, "Common REST API error codes").

use axum::body::Body;
use http::{HeaderValue, StatusCode};

use crate::Response;

/// One of Azure Storage's refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageError {
    /// HTTP status.
    pub status: StatusCode,
    /// Value of `x-ms-error-code`.
    pub code: &'static str,
    /// Azure's text.
    pub message: &'static str,
}

impl StorageError {
    const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    /// No credential at all.
    pub const NO_AUTHENTICATION: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "NoAuthenticationInformation",
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
    );
    /// The signature does not match, or is outside its time.
    pub const AUTHENTICATION_FAILED: Self = Self::new(
        StatusCode::FORBIDDEN,
        "AuthenticationFailed",
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
    );
    /// The signature does not carry the permission.
    pub const PERMISSION_MISMATCH: Self = Self::new(
        StatusCode::FORBIDDEN,
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
    );
    /// A token without a version of the service that takes tokens.
    pub const INVALID_AUTHENTICATION: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "InvalidAuthenticationInfo",
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
    );
    /// A condition of the request does not hold.
    pub const CONDITION_NOT_MET: Self = Self::new(
        StatusCode::PRECONDITION_FAILED,
        "ConditionNotMet",
        "The condition specified using HTTP conditional header(s) is not met.",
    );
    /// The blob does not exist.
    pub const BLOB_NOT_FOUND: Self =
        Self::new(StatusCode::NOT_FOUND, "BlobNotFound", "The specified blob does not exist.");
    /// The container does not exist.
    pub const CONTAINER_NOT_FOUND: Self =
        Self::new(StatusCode::NOT_FOUND, "ContainerNotFound", "The specified container does not exist.");
    /// The container to create exists already.
    pub const CONTAINER_EXISTS: Self =
        Self::new(StatusCode::CONFLICT, "ContainerAlreadyExists", "The specified container already exists.");
    /// The container to create was deleted a moment ago.
    pub const CONTAINER_BEING_DELETED: Self = Self::new(
        StatusCode::CONFLICT,
        "ContainerBeingDeleted",
        "The specified container is being deleted. Try operation later.",
    );
    /// A name with characters that it may not have.
    pub const INVALID_NAME: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "InvalidResourceName",
        "The specified resource name contains invalid characters.",
    );
    /// A name that is too short or too long.
    pub const OUT_OF_RANGE: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "OutOfRangeInput",
        "The specified resource name length is not within the permissible limits.",
    );
    /// A number in the query that is too small.
    pub const OUT_OF_RANGE_QUERY: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "OutOfRangeQueryParameterValue",
        "One of the query parameters specified in the request URI is outside the permissible range.",
    );
    /// More bytes than one request may carry.
    pub const BODY_TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestBodyTooLarge",
        "The request body is too large and exceeds the maximum permissible limit.",
    );
    /// `If-None-Match: *` for an existing blob.
    pub const BLOB_EXISTS: Self =
        Self::new(StatusCode::CONFLICT, "BlobAlreadyExists", "The specified blob already exists.");
    /// A required header is missing.
    pub const MISSING_HEADER: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "MissingRequiredHeader",
        "An HTTP header that's mandatory for this request is not specified.",
    );
    /// A header with an unknown value.
    pub const INVALID_HEADER: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "InvalidHeaderValue",
        "The value for one of the HTTP headers is not in the correct format.",
    );
    /// No `Content-Length`.
    pub const MISSING_LENGTH: Self = Self::new(
        StatusCode::LENGTH_REQUIRED,
        "MissingContentLengthHeader",
        "Content-Length HTTP header was not specified.",
    );
    /// The body is not what `Content-MD5` says.
    pub const MD5_MISMATCH: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "Md5Mismatch",
        "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
    );
    /// The body ended early.
    pub const INCOMPLETE_BODY: Self =
        Self::new(StatusCode::BAD_REQUEST, "IncompleteBody", "The request body was shorter than its Content-Length.");
    /// A query parameter with an unknown value.
    pub const INVALID_QUERY: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "InvalidQueryParameterValue",
        "Value for one of the query parameters specified in the request URI is invalid.",
    );
    /// A block list that names a block which was not sent.
    pub const INVALID_BLOCK_LIST: Self =
        Self::new(StatusCode::BAD_REQUEST, "InvalidBlockList", "The specified block list is invalid.");
    /// A body that is not XML of the expected form.
    pub const INVALID_XML: Self =
        Self::new(StatusCode::BAD_REQUEST, "InvalidXmlDocument", "The specified XML is not syntactically valid.");
    /// A range outside the blob.
    pub const INVALID_RANGE: Self = Self::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "InvalidRange",
        "The range specified is invalid for the current size of the resource.",
    );
    /// A verb that is not supported.
    pub const UNSUPPORTED_VERB: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "UnsupportedHttpVerb",
        "The resource doesn't support the specified HTTP verb.",
    );
    /// The simulator's own disk failed.
    pub const INTERNAL: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalError",
        "The server encountered an internal error. Please retry the request.",
    );

    /// The answer; `HEAD` has no body, so the code stands in the header too.
    #[must_use]
    pub fn into_response(self) -> Response {
        let xml = format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
            self.code, self.message
        );
        let mut response = Response::new(Body::from(xml));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/xml"));
        headers.insert("x-ms-error-code", HeaderValue::from_static(self.code));
        response
    }
}
