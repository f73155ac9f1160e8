//! What the operator sends for a configuration, on the simulated Azure.

use acivnet_tests::{
    examples,
    in_process::{azure, bed::Bed, certificates, driver::Driver, sdk::Sdk, wire::Disturbance},
    repository,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::{Map, Value, json};
use std::{fs, path::PathBuf};
use tokio::runtime::Builder;

/// The configurations: what each says otherwise than the how-to.
fn configurations() -> Map<String, Value> {
    let text = fs::read_to_string(super::folder().join("configurations.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// Their names.
pub fn names() -> Vec<String> {
    configurations().into_iter().map(|(name, _)| name).collect()
}

/// What a configuration says otherwise; null where there is no field for it.
pub fn otherwise(name: &str) -> Value {
    configurations().remove(name).unwrap_or_default()
}

/// What the operator sends until all is settled.
pub fn sent(name: &str) -> Vec<Value> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(applied(&otherwise(name))).unwrap_or_else(|why| panic!("{name}: {why}"))
}

async fn applied(otherwise: &Value) -> Result<Vec<Value>, String> {
    let bed = Bed::new(Disturbance::default()).await;
    let own = |folder: &str| super::folder().join(folder);
    let example = repository().join("deploy/examples/article");
    bed.apply(config_map("churn", &[example, own("files")]));
    bed.apply(config_map("churn-helpers", &[own("files/source")]));
    bed.apply(config_map("mymodel", &[own("files/mymodel")]));
    let keys = [("primary", "primary-canary-key"), ("secondary", "secondary-canary-key")];
    bed.apply(secret("churn-keys", &keys));
    let certificate = certificates::first();
    bed.apply(secret("churn-tls", &[("tls.crt", &certificate.pem), ("tls.key", &certificate.key)]));
    bed.apply(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sample"}, "data": {"sample.json": "{}"}}),
    );
    bed.apply(examples::subnet().0);
    Sdk::new(&bed).await.register("registered-before").await;
    let mut driver = Driver::start(&bed).await;
    driver.until_stable().await?;
    azure::admin(&bed.azure, Method::POST, "recording", Value::Null).await;
    let mut deployment = examples::deployment().0;
    deployment["spec"]["probe"]["request"]["configMap"]["name"] = "sample".into();
    json_patch::merge(&mut deployment, otherwise);
    bed.apply(deployment);
    driver.until_stable().await?;
    let recorded = azure::admin(&bed.azure, Method::GET, "recording", Value::Null).await;
    Ok(recorded.as_array().cloned().unwrap_or_default())
}

fn secret(name: &str, texts: &[(&str, &str)]) -> Value {
    let data: Map<String, Value> =
        texts.iter().map(|(key, text)| ((*key).into(), STANDARD.encode(text).into())).collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data})
}

/// The files of folders as a ConfigMap.
fn config_map(name: &str, folders: &[PathBuf]) -> Value {
    let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(Result::unwrap);
    for entry in entries.filter(|entry| entry.path().is_file()) {
        let (file, bytes) = (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
        match String::from_utf8(bytes) {
            Ok(text) => map["data"][file] = text.into(),
            Err(binary) => map["binaryData"][file] = STANDARD.encode(binary.as_bytes()).into(),
        }
    }
    map
}
