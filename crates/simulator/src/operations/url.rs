//! Signed operation URLs of about 3 KB, as Resource Manager has sent them since 2025: `t` instant, `c` certificate,
//! `s` signature, `h` hash. Clients have to send them back byte for byte.

use crate::ids::Ids;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Length of `c` in characters.
const CERTIFICATE_LENGTH: usize = 2_600;
/// Length of `s` in characters: an RSA-2048 signature.
const SIGNATURE_LENGTH: usize = 342;

/// Signs and checks URLs.
#[derive(Debug)]
pub struct Signer {
    certificate: String,
    key: String,
}

impl Signer {
    /// A signer whose key follows from the ids.
    pub fn new(ids: &mut Ids) -> Self {
        let certificate = format!("MII{}", ids.base64url("operation certificate", CERTIFICATE_LENGTH - 3));
        Self { certificate, key: ids.hex("operation key", 64) }
    }

    /// The query of a signed URL for `path`.
    pub fn query(&self, path: &str, api_version: &str, now: Timestamp) -> String {
        let ticks = ticks(now);
        let (signature, hash) = self.sign(path, api_version, &ticks);
        format!("api-version={api_version}&t={ticks}&c={}&s={signature}&h={hash}", self.certificate)
    }

    /// Whether these parameters were issued for `path`.
    pub fn is_genuine<'a>(&self, path: &str, query: impl Fn(&str) -> Option<&'a str>) -> bool {
        let (Some(version), Some(ticks)) = (query("api-version"), query("t")) else { return false };
        let (signature, hash) = self.sign(path, version, ticks);
        query("c") == Some(&self.certificate) && query("s") == Some(&signature) && query("h") == Some(&hash)
    }

    fn sign(&self, path: &str, api_version: &str, ticks: &str) -> (String, String) {
        let path = path.to_ascii_lowercase();
        let block = |part: u8| {
            let mut hash = Sha256::new();
            for text in [&self.key, path.as_str(), api_version, ticks] {
                hash.update(text.as_bytes());
                hash.update([0]);
            }
            hash.update([part]);
            hash.finalize()
        };
        let long: Vec<u8> = (1..=8).flat_map(block).collect();
        let signature = URL_SAFE_NO_PAD.encode(long).chars().take(SIGNATURE_LENGTH).collect();
        (signature, URL_SAFE_NO_PAD.encode(block(0)))
    }
}

/// Units of 100 ns since the year 1, as .NET counts them.
fn ticks(now: Timestamp) -> String {
    const UNIX_EPOCH: i128 = 621_355_968_000_000_000;
    (UNIX_EPOCH + now.as_nanosecond() / 100).to_string()
}
