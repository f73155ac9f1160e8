//! The two lists as XML, page by page (Azure Storage, "List Blobs", "List Containers").

use super::error::StorageError;
use super::http_date;
use super::store::{Blob, Container};
use crate::call::Query;
use crate::error::{Response, set_header};
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt::Write;

/// Most entries of a page, and how many without `maxresults`.
const PAGE: usize = 5_000;

/// The parameters of a list.
pub(super) struct Asked {
    prefix: String,
    delimiter: String,
    marker: String,
    /// The first name of the page, encoded in the marker.
    from: String,
    page: usize,
    is_page_given: bool,
    with_metadata: bool,
}

impl Asked {
    /// Reads the query.
    ///
    /// # Errors
    /// `400` for a marker that was not issued, and for `maxresults` that is not a number above 0.
    pub fn of(query: &Query) -> Result<Self, StorageError> {
        let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
        let marker = text("marker");
        let from = URL_SAFE_NO_PAD.decode(&marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let given = query.get("maxresults");
        let page = given.map_or(Ok(PAGE), str::parse).map_err(|_| StorageError::INVALID_QUERY)?;
        if page == 0 {
            return Err(StorageError::OUT_OF_RANGE_QUERY);
        }
        Ok(Self {
            prefix: text("prefix"),
            delimiter: text("delimiter"),
            from: from.ok_or(StorageError::INVALID_QUERY)?,
            marker,
            page: page.min(PAGE),
            is_page_given: given.is_some(),
            with_metadata: text("include").split(',').any(|word| word == "metadata"),
        })
    }

    /// The parameters that both lists repeat.
    fn repeated(&self, text: &mut String) {
        element(text, "Prefix", &self.prefix);
        element(text, "Marker", &self.marker);
        if self.is_page_given {
            element(text, "MaxResults", &self.page.to_string());
        }
        if !self.delimiter.is_empty() {
            element(text, "Delimiter", &self.delimiter);
        }
    }

    /// The part of a name up to and with the first delimiter behind the prefix.
    fn folder<'a>(&self, name: &'a str) -> Option<&'a str> {
        let rest = name.strip_prefix(self.prefix.as_str())?;
        let at = rest.find(self.delimiter.as_str()).filter(|_| !self.delimiter.is_empty())?;
        name.get(..self.prefix.len() + at + self.delimiter.len())
    }
}

/// A page of blobs by name within their container.
///
/// # Errors
/// None so far.
pub(super) fn blobs<'a>(
    asked: &Asked,
    endpoint: &str,
    container: &str,
    all: impl Iterator<Item = (&'a str, &'a Blob)>,
) -> Result<Response, StorageError> {
    let mut text = head(endpoint, Some(container));
    asked.repeated(&mut text);
    text.push_str("<Blobs>");
    let (mut count, mut next, mut last_folder) = (0, None, None);
    for (name, blob) in all.filter(|(name, _)| name.starts_with(&asked.prefix)) {
        let folder = asked.folder(name);
        // A folder is sorted like its first blob, and is on the previous page if that one was.
        if *folder.unwrap_or(name) < *asked.from || (folder.is_some() && folder == last_folder) {
            continue;
        }
        if count == asked.page {
            next = Some(folder.unwrap_or(name));
            break;
        }
        count += 1;
        last_folder = folder;
        match folder {
            Some(folder) => {
                text.push_str("<BlobPrefix>");
                element(&mut text, "Name", folder);
                text.push_str("</BlobPrefix>");
            }
            None => blob_element(&mut text, name, blob, asked.with_metadata),
        }
    }
    text.push_str("</Blobs>");
    Ok(page(text, next))
}

/// A page of containers by name.
///
/// # Errors
/// None so far.
pub(super) fn containers(asked: &Asked, endpoint: &str, all: &[(String, Container)]) -> Result<Response, StorageError> {
    let mut text = head(endpoint, None);
    asked.repeated(&mut text);
    text.push_str("<Containers>");
    let mut fitting = all.iter().filter(|(name, _)| name.starts_with(&asked.prefix) && *name >= asked.from);
    for (name, container) in fitting.by_ref().take(asked.page) {
        text.push_str("<Container>");
        element(&mut text, "Name", name);
        text.push_str("<Properties>");
        element(&mut text, "Last-Modified", &http_date(container.last_modified));
        element(&mut text, "Etag", &container.etag);
        for (name, value) in [
            ("LeaseStatus", "unlocked"),
            ("LeaseState", "available"),
            ("HasImmutabilityPolicy", "false"),
            ("HasLegalHold", "false"),
        ] {
            element(&mut text, name, value);
        }
        text.push_str("</Properties>");
        metadata(&mut text, &container.metadata, asked.with_metadata);
        text.push_str("</Container>");
    }
    text.push_str("</Containers>");
    let next = fitting.next().map(|(name, _)| name.as_str());
    Ok(page(text, next))
}

fn head(endpoint: &str, container: Option<&str>) -> String {
    let container = container.map(|name| format!(" ContainerName=\"{}\"", escaped(name))).unwrap_or_default();
    format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"{}\"{container}>",
        escaped(endpoint)
    )
}

fn page(mut text: String, next: Option<&str>) -> Response {
    element(&mut text, "NextMarker", &next.map(|name| URL_SAFE_NO_PAD.encode(name)).unwrap_or_default());
    text.push_str("</EnumerationResults>");
    let mut response = Response::new(Body::from(text));
    set_header(&mut response, "content-type", "application/xml");
    response
}

fn blob_element(text: &mut String, name: &str, blob: &Blob, with_metadata: bool) {
    text.push_str("<Blob>");
    element(text, "Name", name);
    text.push_str("<Properties>");
    let modified = http_date(blob.last_modified);
    let (length, etag) = (blob.received.length.to_string(), blob.etag.trim_matches('"'));
    for (name, value) in [
        ("Creation-Time", modified.as_str()),
        ("Last-Modified", &modified),
        ("Etag", etag),
        ("Content-Length", &length),
        ("Content-Type", &blob.content_type),
        ("Content-MD5", &blob.received.md5),
        ("BlobType", "BlockBlob"),
        ("AccessTier", "Hot"),
        ("AccessTierInferred", "true"),
        ("LeaseStatus", "unlocked"),
        ("LeaseState", "available"),
        ("ServerEncrypted", "true"),
    ] {
        element(text, name, value);
    }
    text.push_str("</Properties>");
    metadata(text, &blob.metadata, with_metadata);
    text.push_str("</Blob>");
}

fn metadata(text: &mut String, headers: &[(String, String)], is_wanted: bool) {
    if !is_wanted {
        return;
    }
    text.push_str("<Metadata>");
    for (name, value) in headers {
        element(text, name.trim_start_matches("x-ms-meta-"), value);
    }
    text.push_str("</Metadata>");
}

fn element(text: &mut String, name: &str, value: &str) {
    // Writing to a String does not fail.
    let _ = match value {
        "" => write!(text, "<{name} />"),
        value => write!(text, "<{name}>{}</{name}>", escaped(value)),
    };
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
