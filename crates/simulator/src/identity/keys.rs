//! The key that signs access tokens.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// An RSA key with its public half as JWK. RS256 signatures of the same claims are always the same bytes.
#[derive(Debug)]
pub struct SigningKey {
    pair: RsaKeyPair,
    id: String,
    modulus: String,
    exponent: String,
}

impl SigningKey {
    /// A new key of 2048 bits.
    ///
    /// # Errors
    /// Says that the system could not generate a key.
    pub fn generate() -> Result<Self, String> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| "no RSA key could be generated".to_owned())?;
        Ok(Self::of(pair))
    }

    /// A key from its PKCS#8 form, for deterministic runs.
    ///
    /// # Errors
    /// Says that the bytes are not an RSA key of at least 2048 bits.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, String> {
        let pair = RsaKeyPair::from_pkcs8(der).map_err(|error| format!("not an RSA key in PKCS#8 form: {error}"))?;
        Ok(Self::of(pair))
    }

    fn of(pair: RsaKeyPair) -> Self {
        let public = pair.public_key();
        let modulus = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        let exponent = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(&modulus)).chars().take(27).collect();
        Self { pair, id, modulus, exponent }
    }

    /// The `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `{"keys":[…]}`.
    pub fn jwks(&self) -> Value {
        json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "x5t": self.id, "n": self.modulus,
            "e": self.exponent,
        }]})
    }

    /// The verifier of this key's signatures; none if the key is invalid.
    pub fn decoding_key(&self) -> Option<DecodingKey> {
        DecodingKey::from_rsa_components(&self.modulus, &self.exponent).ok()
    }

    /// A JWT signed with RS256.
    ///
    /// # Errors
    /// Says that the key can't sign.
    pub fn sign(&self, claims: &Value) -> Result<String, String> {
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": self.id, "kid": self.id});
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| "the RSA key did not sign".to_owned())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
