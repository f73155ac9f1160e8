//! A web service's settings other than content, size and place.

use crate::{
    blueprint::Sealed,
    describe::deployment::tls::{self, CERTIFICATE, KEY},
    kinds::web_service::{self, Tls},
    observed::Observed,
};
use acivnet_api::{AciVnetDeployment, SecretKeyRef, Switch, Telemetry};
use serde_json::{Map, Value, json};

/// `properties`.
pub(super) fn properties(cr: &AciVnetDeployment) -> Map<String, Value> {
    let settings = cr.spec.backend.azure_ml_web_service.iter();
    let properties = settings.flat_map(|settings| &settings.properties);
    properties.map(|one| (one.name.clone(), one.value.clone().into())).collect()
}

/// `appInsightsEnabled`.
pub(super) fn app_insights(cr: &AciVnetDeployment) -> bool {
    is_on(cr, |telemetry| telemetry.application_insights)
}

/// `dataCollection.storageEnabled`.
pub(super) fn data_collection(cr: &AciVnetDeployment) -> bool {
    is_on(cr, |telemetry| telemetry.data_collection)
}

fn is_on(cr: &AciVnetDeployment, switch: fn(&Telemetry) -> Option<Switch>) -> bool {
    cr.spec.telemetry.as_ref().and_then(switch) == Some(Switch::Enabled)
}

/// `encryptionProperties`, null without a key.
pub(super) fn encryption(cr: &AciVnetDeployment) -> Value {
    let key = cr.spec.encryption.as_ref().map(|encryption| &encryption.key_vault_key);
    key.map_or(
        Value::Null,
        |key| json!({"vaultBaseUrl": key.vault_base_url, "keyName": key.name, "keyVersion": key.version}),
    )
}

/// `sslEnabled`, `cname` and the certificate.
pub(super) fn tls<'a>(cr: &'a AciVnetDeployment, observed: &Observed) -> Option<Tls<'a>> {
    let hostname = &cr.spec.tls.as_ref()?.hostname;
    Some(Tls { hostname, digest: tls::digest(cr, observed) })
}

/// Whether the web service's certificate differs from the Secret's.
pub(super) fn is_another(cr: &AciVnetDeployment, observed: &Observed, actual: Option<&Value>) -> bool {
    let wanted = cr.spec.tls.as_ref().map(|_| tls::digest(cr, observed));
    wanted.is_some() && actual.is_some_and(|actual| wanted.as_deref() != web_service::certificate(actual))
}

/// The places in a body that certificate and key fill.
pub(super) fn sealed(cr: &AciVnetDeployment) -> impl Iterator<Item = Sealed> {
    let secret = cr.spec.tls.as_ref().map(|tls| &tls.secret_ref.name);
    let place = |at: &str, name: &str, key: &str| Sealed {
        at: at.to_owned(),
        value: SecretKeyRef { name: name.to_owned(), key: key.to_owned() },
    };
    let places = secret.map(|name| [place("/sslCertificate", name, CERTIFICATE), place("/sslKey", name, KEY)]);
    places.into_iter().flatten()
}
