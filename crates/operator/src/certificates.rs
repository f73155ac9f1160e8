//! What a certificate in a Secret says, for decisions: names, times and a digest; never a text.

use crate::secrets::Values;
use acivnet_azure::Secret;
use acivnet_core::owner::sha256_hex;
use jiff::Timestamp;
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
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
    if let Some(authorities) = values.get(AUTHORITIES) {
        return Some(authorities.expose().to_owned());
    }
    let text = values.get(CERTIFICATE)?.expose();
    let chain = chain(text).ok()?;
    let (_, first) = X509Certificate::from_der(chain.first()?).ok()?;
    (first.issuer().as_raw() == first.subject().as_raw()).then(|| text.to_owned())
}

fn chain(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) | Err(_) => {
            Err("is no PEM (tls.crt); put the certificate there, then those that vouch for it".to_owned())
        }
    }
}

fn facts(text: &str, key: Option<&Secret>) -> Result<Value, String> {
    let chain = chain(text)?;
    let unreadable = || "does not parse (tls.crt); renew it".to_owned();
    let first = chain.first().ok_or_else(unreadable)?.clone();
    let (_, first) = X509Certificate::from_der(&first).map_err(|_| unreadable())?;
    let names = names(&first).map_err(|_| unreadable())?;
    let time = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).map_err(|_| unreadable());
    let (begin, end) = (time(first.validity().not_before)?, time(first.validity().not_after)?);
    key.map_or(Ok(()), |key| goes_with(chain.clone(), key))?;
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

fn goes_with(chain: Vec<CertificateDer<'static>>, key: &Secret) -> Result<(), String> {
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes());
    let key = key.map_err(|_| "has a key (tls.key) that is no PEM of a private key; renew both".to_owned())?;
    let pair = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
    pair.map(|_| ()).map_err(|_| "does not go with its key (tls.key); renew both".to_owned())
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

    #[test]
    fn what_is_wrong_is_told_without_a_word_of_it() {
        let ((certificate, _), (_, other)) = (made("a.corp"), made("b.corp"));
        for (certificate, key, expected) in [
            ("hello", "x", "is no PEM"),
            ("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", "x", "does not parse"),
            (&certificate, "x", "no PEM of a private key"),
            (&certificate, &other, "does not go with its key"),
        ] {
            let fact = of(&values(&[("tls.crt", certificate), ("tls.key", key)])).unwrap();
            assert!(fact["wrong"].as_str().unwrap().contains(expected), "{fact}");
        }
    }

    #[test]
    fn a_certificate_of_its_own_vouches_for_itself_only_without_another() {
        let (certificate, _) = made("a.corp");
        assert_eq!(authorities(&values(&[("tls.crt", &certificate)])), Some(certificate.clone()));
        assert_eq!(
            authorities(&values(&[("tls.crt", &certificate), ("ca.crt", "the others")])),
            Some("the others".into())
        );
        assert_eq!(authorities(&values(&[])), None);
    }
}
