//! What a text that should be PEM is instead, in words for a message.

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

/// What begins base64 of PEM: a value that was encoded once more than Kubernetes does.
const TWICE: &str = "LS0tLS1CRUdJTi";

/// The labels of the blocks in a text (RFC 7468), in order.
fn labels(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    lines.filter_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")).collect()
}

/// The certificates of `tls.crt`. `Err` says what it is instead.
pub(super) fn chain(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    if let Some(wrong) = no_pem(text) {
        return Err(format!("tls.crt {wrong}"));
    }
    let labels = labels(text);
    if labels.iter().any(|label| label.ends_with("PRIVATE KEY")) {
        return Err(match labels.contains(&"CERTIFICATE") {
            true => "tls.crt holds a private key beside the certificate; leave the certificates only".to_owned(),
            false => "tls.crt is a private key; put the certificate there and the key into tls.key".to_owned(),
        });
    }
    match CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>() {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Err(_) => Err("tls.crt is damaged or cut off; put the whole certificate there again".to_owned()),
        Ok(_) => Err(format!("tls.crt {}", no_certificate(labels.first().copied().unwrap_or_default()))),
    }
}

fn no_certificate(label: &str) -> String {
    match label {
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "is a certificate request; put the certificate there that was issued for it".to_owned()
        }
        "TRUSTED CERTIFICATE" => "is a certificate of OpenSSL's own form; convert it with openssl x509".to_owned(),
        "PKCS7" | "CMS" => "is PKCS#7; convert it with openssl pkcs7 -print_certs".to_owned(),
        label if label.ends_with("PUBLIC KEY") => "is a public key; put the certificate there".to_owned(),
        _ => "has no certificate in it; put the certificate there, then those that vouch for it".to_owned(),
    }
}

/// The private key of `tls.key`. `Err` says what it is instead, without a word of it.
pub(super) fn key(text: &str) -> Result<PrivateKeyDer<'static>, String> {
    if let Some(wrong) = no_pem(text) {
        return Err(format!("tls.key {wrong}"));
    }
    let labels = labels(text);
    // RFC 1421 names the encryption inside of the block, PKCS#8 in its label
    if labels.contains(&"ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err("tls.key is encrypted; put it there without a passphrase (openssl pkey)".to_owned());
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| format!("tls.key {}", no_key(&labels)))
}

fn no_key(labels: &[&str]) -> &'static str {
    let any = |end: &str| labels.iter().any(|label| label.ends_with(end));
    if labels.contains(&"OPENSSH PRIVATE KEY") {
        "is a key of SSH; convert it with ssh-keygen -p -m pem"
    } else if labels.contains(&"DSA PRIVATE KEY") {
        "is a DSA key, which TLS has no more; make an RSA or EC key"
    } else if any("PRIVATE KEY") {
        "is damaged or cut off; put the whole key there again"
    } else if any("CERTIFICATE REQUEST") {
        "is a certificate request; put the private key there that it was made with"
    } else if any("CERTIFICATE") {
        "is a certificate; put its private key there"
    } else if any("PUBLIC KEY") {
        "is a public key; put the private one there"
    } else if any("PARAMETERS") {
        "has the parameters of a key and no key; put the key there (openssl ecparam -genkey)"
    } else {
        "has no private key in it; put the key of the certificate there"
    }
}

/// Why a text is no PEM at all.
fn no_pem(text: &str) -> Option<String> {
    let begins = text.trim_start();
    if begins.starts_with('\u{feff}') {
        Some("begins with a byte order mark; save it as UTF-8 without one".to_owned())
    } else if begins.starts_with(TWICE) {
        Some(
            "is base64 of PEM: it was encoded twice; put the PEM itself there (stringData takes it as it is)"
                .to_owned(),
        )
    } else if labels(text).is_empty() {
        Some("is no PEM, which begins with -----BEGIN; DER and PKCS#12 have to be converted (openssl)".to_owned())
    } else {
        None
    }
}
