//! Salted fingerprints: they show that the value of a Secret changed, and nothing of the value.

use acivnet_api::conditions::reasons;
use acivnet_azure::{Random, Secret};
use acivnet_core::{failure::Failure, retry::Retry};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use std::{fmt::Write as _, sync::OnceLock};

/// New salts, of one key for each process, which stays in it. An object gets the same one until Azure has it, so that
/// what is wanted does not change from one reconcile to the next.
#[derive(Default)]
pub(crate) struct Salts(OnceLock<[u8; 32]>);

impl Salts {
    /// The salt of an object that has none in Azure: 32 hex digits.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub(crate) fn new_one(&self, random: &dyn Random, uid: &str) -> Result<String, Failure> {
        let known = self.0.get().copied();
        let key = known.or_else(|| random.key()).map(|key| *self.0.get_or_init(|| key)).ok_or_else(no_random)?;
        Ok(digest(&key, uid.as_bytes()))
    }
}

/// Fingerprint of a value: 32 hex digits.
pub(crate) fn fingerprint(salt: &str, value: &Secret) -> String {
    digest(salt.as_bytes(), value.expose().as_bytes())
}

/// The first half of HMAC-SHA256 (RFC 2104; RFC 4868, section 2.1.2, for halves), in hex.
fn digest(key: &[u8], text: &[u8]) -> String {
    let tag = sign(&Key::new(HMAC_SHA256, key), text);
    tag.as_ref().iter().take(16).fold(String::with_capacity(32), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn no_random() -> Failure {
    let message = "the system gives no random numbers for a salt; it is tried again by itself";
    Failure::local("NoRandomNumbers", message, Retry::Backoff, reasons::BUSY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use acivnet_azure::SplitMix;

    #[test]
    fn fingerprints_are_hmacs() {
        // RFC 4231, test case 2
        let value = Secret::new("what do ya want for nothing?");
        assert_eq!(fingerprint("Jefe", &value), "5bdcc146bf60754e6a042426089575c7");
    }

    #[test]
    fn a_salt_stays_for_the_process_and_is_the_objects_own() {
        let (salts, random) = (Salts::default(), SplitMix::new(1));
        let salt = salts.new_one(&random, "u");
        assert_eq!(salt, salts.new_one(&random, "u"));
        assert_ne!(salt, salts.new_one(&random, "v"));
        assert_ne!(salt, Salts::default().new_one(&random, "u"), "of another process");
        assert!(salt.is_ok_and(|salt| salt.len() == 32));
    }
}
