//! Certificates for the examples' host name, made once for all runs of a process.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use std::sync::OnceLock;

/// A certificate and its key, in PEM.
pub struct Certificate {
    /// The certificate.
    pub pem: String,
    /// Its private key.
    pub key: String,
}

/// A self-signed certificate.
fn made() -> Certificate {
    let key = KeyPair::generate().expect("a key");
    let mut wanted = CertificateParams::new(vec!["churn.ml.corp".to_owned()]).expect("a name");
    (wanted.not_before, wanted.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2036, 1, 1));
    let pem = wanted.self_signed(&key).expect("a certificate").pem();
    Certificate { pem, key: key.serialize_pem() }
}

/// The first.
pub fn first() -> &'static Certificate {
    static MADE: OnceLock<Certificate> = OnceLock::new();
    MADE.get_or_init(made)
}

/// The one after it.
pub fn second() -> &'static Certificate {
    static MADE: OnceLock<Certificate> = OnceLock::new();
    MADE.get_or_init(made)
}
