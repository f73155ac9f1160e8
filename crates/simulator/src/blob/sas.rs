//! Shared access signatures of one blob (Azure Storage, "Create a service SAS"): signed, with a time window and a set of
//! permissions. Only what this simulator hands out is accepted; the key never leaves it.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::StorageError;
use crate::call::Query;

/// How long a signature is valid: eight hours, as in the log URL of a real deployment.
const LIFETIME: SignedDuration = SignedDuration::from_hours(8);
/// A signature becomes valid this long before it is made, since clocks may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
const VERSION: &str = "2019-07-07";
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Signs and checks with one storage account's key.
pub struct Signer {
    key: hmac::Key,
}

/// What a request does with a blob: any of these letters of `sp` permits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `r`
    Read,
    /// `c` or `w`: create a blob.
    Create,
    /// `w`: replace one.
    Write,
    /// `d`
    Delete,
}

impl Need {
    const fn letters(self) -> &'static [char] {
        match self {
            Self::Read => &['r'],
            Self::Create => &['c', 'w'],
            Self::Write => &['w'],
            Self::Delete => &['d'],
        }
    }
}

impl Signer {
    /// A signer whose key is derived from `secret`.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// The query string that grants `permissions` (letters of `rcw`, in Azure's order) on `resource`
    /// (`/blob/{account}/{container}/{blob}`).
    #[must_use]
    pub fn query(&self, resource: &str, permissions: &str, now: Timestamp) -> String {
        let start = second(now.saturating_sub(SKEW).unwrap_or(now));
        let expiry = second(now.saturating_add(LIFETIME).unwrap_or(now));
        let signature = STANDARD.encode(hmac::sign(&self.key, text(resource, permissions, &start, &expiry).as_bytes()));
        let escape = |value: &str| utf8_percent_encode(value, QUERY).to_string();
        format!(
            "sv={VERSION}&sr=b&sig={}&st={}&se={}&sp={permissions}",
            escape(&signature),
            escape(&start),
            escape(&expiry)
        )
    }

    /// Whether the query of a request allows `need` on `resource` at `now`.
    ///
    /// # Errors
    /// Azure Storage's answer: no or wrong signature, outside its time, or without the permission.
    pub fn check(&self, query: &Query, resource: &str, need: Need, now: Timestamp) -> Result<(), StorageError> {
        let get = |name: &str| query.get(name).unwrap_or_default();
        if get("sig").is_empty() {
            return Err(StorageError::NO_AUTHENTICATION);
        }
        let signature = STANDARD.decode(get("sig")).unwrap_or_default();
        let signed = text(resource, get("sp"), get("st"), get("se"));
        if hmac::verify(&self.key, signed.as_bytes(), &signature).is_err() {
            return Err(StorageError::AUTHENTICATION_FAILED);
        }
        let inside = |start: &str, end: &str| {
            Some(start.parse::<Timestamp>().ok()? <= now && now < end.parse::<Timestamp>().ok()?)
        };
        if inside(get("st"), get("se")) != Some(true) {
            return Err(StorageError::AUTHENTICATION_FAILED);
        }
        if !get("sp").contains(need.letters()) {
            return Err(StorageError::PERMISSION_MISMATCH);
        }
        Ok(())
    }
}

/// The string to sign: permissions, start, expiry, canonical resource, then version and resource type.
fn text(resource: &str, permissions: &str, start: &str, expiry: &str) -> String {
    format!("{permissions}\n{start}\n{expiry}\n{resource}\n\n\n\n{VERSION}\nb\n\n\n\n\n\n")
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOB: &str = "/blob/account/azureml/LocalUpload/a/model.pkl";

    fn granted(permissions: &str, now: Timestamp) -> (Signer, Query) {
        let signer = Signer::new(b"key");
        let query = signer.query(BLOB, permissions, now);
        (signer, Query::parse(Some(&query)))
    }

    #[test]
    fn a_signature_is_good_for_its_blob_its_time_and_its_permissions_only() {
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let (signer, query) = granted("rc", now);
        assert_eq!(signer.check(&query, BLOB, Need::Read, now), Ok(()));
        assert_eq!(signer.check(&query, BLOB, Need::Create, now), Ok(()));
        assert_eq!(signer.check(&query, BLOB, Need::Write, now), Err(StorageError::PERMISSION_MISMATCH));
        assert_eq!(
            signer.check(&query, "/blob/account/azureml/b", Need::Read, now),
            Err(StorageError::AUTHENTICATION_FAILED)
        );
        let late = now + SignedDuration::from_hours(9);
        assert_eq!(signer.check(&query, BLOB, Need::Read, late), Err(StorageError::AUTHENTICATION_FAILED));
        assert_eq!(signer.check(&Query::default(), BLOB, Need::Read, now), Err(StorageError::NO_AUTHENTICATION));
    }

    #[test]
    fn a_permission_added_by_hand_breaks_the_signature() {
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let signer = Signer::new(b"key");
        let query = signer.query(BLOB, "r", now).replace("sp=r", "sp=rw");
        let query = Query::parse(Some(&query));
        assert_eq!(signer.check(&query, BLOB, Need::Write, now), Err(StorageError::AUTHENTICATION_FAILED));
        let other = Signer::new(b"other key");
        let (_, query) = granted("r", now);
        assert_eq!(other.check(&query, BLOB, Need::Read, now), Err(StorageError::AUTHENTICATION_FAILED));
    }
}
