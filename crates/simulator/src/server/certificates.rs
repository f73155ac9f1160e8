//! The server's certificate: one by the simulator's own CA, created at start, or a given one.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::Path;
use std::sync::Arc;

/// Names for which the simulator's own certificate is always valid.
const NAMES: &[&str] = &["localhost", "127.0.0.1", "*.blob.localhost"];

/// The CA's certificate, and the server's chain and key.
pub(super) struct Certificates {
    /// The CA's certificate, for clients, if the CA is the simulator's own.
    pub(super) ca_pem: Option<String>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificates {
    /// Reads chain and key from two PEM files.
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        let named = |name: &'static str, path: &Path| {
            let path = path.display().to_string();
            move |error: rustls::pki_types::pem::Error| format!("{name} {path}: {error}")
        };
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(named("--tls-certificate", certificate))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(named("--tls-key", key))?;
        Ok(Self { ca_pem: None, chain, key })
    }

    /// Creates a CA and a certificate with new keys, valid for these names too.
    pub(super) fn generate(names: &[String]) -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::new(Vec::<String>::new())?;
        authority.distinguished_name.push(DnType::CommonName, "acivnet simulator CA");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

        let key = KeyPair::generate()?;
        let more = names.iter().map(String::as_str).filter(|name| !NAMES.contains(name));
        let names: Vec<String> = NAMES.iter().copied().chain(more).map(str::to_owned).collect();
        let mut server = CertificateParams::new(names)?;
        server.distinguished_name.push(DnType::CommonName, "localhost");
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let server = server.signed_by(&key, &authority)?;
        let chain = vec![server.der().clone()];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        Ok(Self { ca_pem: Some(authority.pem()), chain, key })
    }

    /// TLS for HTTP/1.1.
    pub(super) fn server_config(&self) -> Result<Arc<ServerConfig>, String> {
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| format!("TLS: {error}"))?;
        let config = builder.with_no_client_auth().with_single_cert(self.chain.clone(), self.key.clone_key());
        let mut config = config.map_err(|error| format!("TLS: {error}"))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
