//! What a certificate in a Secret says, for decisions: names, times and a digest; never a text.

mod pem;

use crate::cache::secrets::Values;
use acivnet_azure::Secret;
use acivnet_core::owner::sha256_hex;
use jiff::Timestamp;
use rustls::{crypto::aws_lc_rs, pki_types::CertificateDer, sign::CertifiedKey};
use serde_json::{Value, json};
use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    prelude::{FromDer as _, X509Error},
};

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITIES: &str = "ca.crt";

/// The fact about the certificate in a Secret, if there is one.
pub(crate) fn of(values: &Values) -> Option<Value> {
    let text = values.get(CERTIFICATE)?.expose();
    Some(facts(text, values.get(KEY)).unwrap_or_else(|wrong| json!({"wrong": wrong})))
}

/// `ca.crt`; else a certificate that its own subject issued vouches for itself.
pub(crate) fn authorities(values: &Values) -> Option<String> {
    // issuers without authorities of their own leave it empty
    if let Some(authorities) = values.get(AUTHORITIES).filter(|one| !one.expose().trim().is_empty()) {
        return Some(authorities.expose().to_owned());
    }
    let text = values.get(CERTIFICATE)?.expose();
    let chain = pem::chain(text).ok()?;
    let (_, first) = X509Certificate::from_der(chain.first()?).ok()?;
    (first.issuer().as_raw() == first.subject().as_raw()).then(|| text.to_owned())
}

fn facts(text: &str, key: Option<&Secret>) -> Result<Value, String> {
    let chain = pem::chain(text)?;
    let unreadable = || "tls.crt does not parse; renew it".to_owned();
    let first = chain.first().ok_or_else(unreadable)?.clone();
    let (_, first) = X509Certificate::from_der(&first).map_err(|_| unreadable())?;
    let names = names(&first).map_err(|_| unreadable())?;
    let time = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).map_err(|_| unreadable());
    let (begin, end) = (time(first.validity().not_before)?, time(first.validity().not_after)?);
    key.map_or(Ok(()), |key| goes_with(&chain, key))?;
    let digest = format!("sha256:{}", sha256_hex(&[text.as_bytes()]));
    Ok(json!({"digest": digest, "names": names, "notBefore": begin.to_string(), "notAfter": end.to_string()}))
}

/// The DNS names that a certificate is for. A common name is none any more (RFC 9525, section 2).
fn names(certificate: &X509Certificate<'_>) -> Result<Vec<String>, X509Error> {
    let found = certificate.subject_alternative_name()?;
    let all = found.iter().flat_map(|names| &names.value.general_names);
    Ok(all
        .filter_map(|name| if let GeneralName::DNSName(name) = name { Some((*name).to_owned()) } else { None })
        .collect())
}

/// Whether a key is that of the first certificate, as TLS wants it (RFC 8446, section 4.4.2).
fn goes_with(chain: &[CertificateDer<'static>], key: &Secret) -> Result<(), String> {
    let key = pem::key(key.expose())?;
    let pair = |chain: Vec<CertificateDer<'static>>| {
        CertifiedKey::from_der(chain, key.clone_key(), &aws_lc_rs::default_provider())
    };
    match pair(chain.to_vec()) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let later = chain.iter().skip(1).any(|one| pair(vec![one.clone()]).is_ok());
            Err(match later {
                true => "tls.crt has its certificates in the wrong order; put the server's first, then those that vouch for it",
                false => "tls.key is not the key of the certificate in tls.crt; put the pair there that belongs together",
            }
            .to_owned())
        }
        Err(_) => Err("tls.key is damaged, or of a kind that TLS servers do not take; make an RSA key of 2048 bits or more, or an EC \
             key of P-256 or P-384"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn made(name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(*value))).collect()
    }

    #[test]
    fn a_certificate_tells_its_names_and_times_and_no_text() {
        let (certificate, key) = made("churn.ml.corp");
        let fact = of(&values(&[("tls.crt", &certificate), ("tls.key", &key)])).unwrap();
        assert_eq!(fact["names"], json!(["churn.ml.corp"]));
        assert!(fact["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{fact}");
        for time in ["notBefore", "notAfter"] {
            assert!(fact[time].as_str().unwrap().parse::<Timestamp>().is_ok(), "{fact}");
        }
        assert_eq!(of(&values(&[("primary", "p")])), None);
    }

    /// A block with a label, whose content nobody reads.
    fn block(label: &str) -> String {
        format!("-----BEGIN {label}-----\naGVsbG8=\n-----END {label}-----\n")
    }

    fn wrong(certificate: &str, key: &str) -> String {
        let fact = of(&values(&[("tls.crt", certificate), ("tls.key", key)])).unwrap();
        fact["wrong"].as_str().unwrap_or_default().to_owned()
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_as_what_it_is() {
        let (certificate, key) = made("a.corp");
        let twice = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI=".to_owned();
        for (text, expected) in [
            ("hello".to_owned(), "tls.crt is no PEM"),
            (String::from(" \n"), "tls.crt is no PEM"),
            (format!("\u{feff}{certificate}"), "byte order mark"),
            (twice, "encoded twice"),
            (block("CERTIFICATE"), "tls.crt does not parse"),
            (certificate.get(..200).unwrap().to_owned(), "damaged or cut off"),
            (block("CERTIFICATE REQUEST"), "certificate request"),
            (block("PKCS7"), "PKCS#7"),
            (block("PUBLIC KEY"), "tls.crt is a public key"),
            (key.clone(), "tls.crt is a private key"),
            (format!("{certificate}{key}"), "holds a private key beside"),
            (block("DH PARAMETERS"), "no certificate in it"),
        ] {
            let told = wrong(&text, &key);
            assert!(told.contains(expected), "{expected}: {told}");
        }
        assert_eq!(wrong(&format!("\nBag Attributes\n  friendlyName: a\r\n{certificate}\n\n"), &key), "");
    }

    #[test]
    fn what_is_wrong_with_a_key_is_told_as_what_it_is() {
        let ((certificate, own), (another, other)) = (made("a.corp"), made("b.corp"));
        for (text, expected) in [
            ("x".to_owned(), "tls.key is no PEM"),
            (format!("\u{feff}{own}"), "byte order mark"),
            (block("ENCRYPTED PRIVATE KEY"), "tls.key is encrypted; put it there without a passphrase"),
            (
                block("RSA PRIVATE KEY").replace("aGV", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\naGV"),
                "tls.key is encrypted",
            ),
            (block("PUBLIC KEY"), "is a public key"),
            (block("RSA PUBLIC KEY"), "is a public key"),
            (block("CERTIFICATE REQUEST"), "is a certificate request"),
            (certificate.clone(), "is a certificate; put its private key there"),
            (block("EC PARAMETERS"), "parameters of a key and no key"),
            (block("OPENSSH PRIVATE KEY"), "ssh-keygen"),
            (block("DSA PRIVATE KEY"), "DSA"),
            (block("PRIVATE KEY"), "of a kind that TLS servers do not take"),
            (own.get(..60).unwrap().to_owned(), "damaged or cut off"),
            (block("PGP MESSAGE"), "no private key in it"),
            (other.clone(), "not the key of the certificate"),
        ] {
            let told = wrong(&certificate, &text);
            assert!(told.contains(expected), "{expected}: {told}");
            assert!(!told.contains("aGVsbG8"), "{told}");
        }
        assert!(wrong(&format!("{another}{certificate}"), &own).contains("wrong order"));
        assert_eq!(wrong(&format!("{certificate}{another}"), &own), "", "what follows the first one is not judged");
        assert_eq!(wrong(&certificate, &format!("\r\n{}", own.replace('\n', "\r\n"))), "");
    }

    #[test]
    fn a_certificate_of_its_own_vouches_for_itself_only_without_another() {
        let (certificate, _) = made("a.corp");
        assert_eq!(authorities(&values(&[("tls.crt", &certificate)])), Some(certificate.clone()));
        assert_eq!(
            authorities(&values(&[("tls.crt", &certificate), ("ca.crt", "the others")])),
            Some("the others".into())
        );
        assert_eq!(authorities(&values(&[("tls.crt", &certificate), ("ca.crt", "\n")])), Some(certificate.clone()));
        assert_eq!(authorities(&values(&[])), None);
    }
}
