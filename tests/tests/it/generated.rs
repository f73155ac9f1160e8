//! What is generated and committed equals what the types say. `ACIVNET_BLESS=1` writes it anew.

use acivnet_api::conditions::{reasons, types};
use acivnet_core::kinds::web_service::arguments::{self, Maps};
use acivnet_operator::{
    args,
    crd::{Document, documents},
};
use acivnet_tests::{in_process::scenarios, repository};
use std::{collections::BTreeSet, fs};

#[test]
fn deploy_crds_are_what_the_types_say() {
    let folder = repository().join("deploy/crds");
    let documents = documents().expect("the definitions can be written");
    if std::env::var_os("ACIVNET_BLESS").is_some() {
        for Document { file, yaml } in &documents {
            fs::write(folder.join(file), yaml).expect("deploy/crds can be written");
        }
    }
    let named: BTreeSet<String> = documents.iter().map(|document| document.file.clone()).collect();
    let listed = fs::read_dir(&folder)
        .expect("deploy/crds")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let listed: BTreeSet<String> = listed.filter(|name| name != "kustomization.yaml").collect();
    assert_eq!(listed, named, "files in deploy/crds");
    for Document { file, yaml } in documents {
        let committed = fs::read_to_string(folder.join(&file)).expect("a file of deploy/crds");
        assert!(committed == yaml, "deploy/crds/{file} is not what the types say; run `make crds`");
    }
}

/// A page of docs/reference equals what is generated.
fn is_written(file: &str, text: &str) {
    let path = repository().join("docs/reference").join(file);
    if std::env::var_os("ACIVNET_BLESS").is_some() {
        fs::write(&path, text).expect("the reference can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/reference/{file} is not what the code says; ACIVNET_BLESS=1 writes it anew");
}

#[test]
fn the_reference_of_arguments_is_what_core_says() {
    is_written("arguments.md", &arguments::reference());
}

#[test]
fn the_reference_of_settings_is_what_the_command_line_says() {
    is_written("settings.md", &args::reference());
}

/// Condition types that only a `DelegatedSubnet` has, and those that only an `AciVnetDeployment` has.
const OF_SUBNET: [&str; 6] = [
    types::VIRTUAL_NETWORK_READY,
    types::DELEGATED,
    types::CLIENT_SUBNET_READY,
    types::COMPUTE_INSTANCE_READY,
    types::EGRESS_READY,
    types::CAPACITY_AVAILABLE,
];
const OF_DEPLOYMENT: [&str; 7] = [
    types::NETWORK_READY,
    types::MODEL_READY,
    types::ENVIRONMENT_READY,
    types::SERVICE_HEALTHY,
    types::PROBE_PASSED,
    types::ROLLOUT_COMPLETE,
    types::BACKEND_SUPPORTED,
];

#[test]
fn the_reference_of_conditions_is_what_the_api_says() {
    let of = |word: &str| match (OF_SUBNET.contains(&word), OF_DEPLOYMENT.contains(&word)) {
        (true, _) => "`DelegatedSubnet`",
        (_, true) => "`AciVnetDeployment`",
        _ => "both",
    };
    let types = types::ALL.iter().map(|(word, about)| format!("| `{word}` | {} | {} |\n", of(word), about.trim()));
    let reasons = reasons::ALL.iter().map(|(word, about)| format!("| `{word}` | {} |\n", about.trim()));
    let text = format!(
        "# Conditions and reasons\n\n\
         What stands in `status.conditions`. `Ready` sums up: its reason is the root cause. What a reason asks of you is in \
         the [runbook](../runbook.md). Written from `crates/api/src/conditions.rs` by the test `generated` under \
         `ACIVNET_BLESS=1`; do not edit.\n\n\
         ## Types\n\n| type | of | when True |\n|---|---|---|\n{}\n\
         ## Reasons\n\n| reason | meaning |\n|---|---|\n{}",
        types.collect::<String>(),
        reasons.collect::<String>()
    );
    is_written("conditions.md", &text);
}

#[test]
fn every_argument_names_a_field_and_a_scenario() {
    let crds = acivnet_api::crds().map(|crd| serde_json::to_value(crd).expect("JSON"));
    let has = |crd: usize, field: &str| {
        let schema = crds[crd].pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec").expect("a schema");
        let found = field.split('.').try_fold(schema, |at, name| at.get("properties")?.get(name));
        assert!(found.is_some(), "{field} is no field");
    };
    for argument in arguments::ARGUMENTS {
        match argument.maps {
            Maps::To { field, scenario, .. } => {
                has(0, field);
                scenarios::named(scenario);
            }
            Maps::Subnet { field, .. } => has(1, field),
            Maps::Refused(why) => assert!(!why.is_empty(), "{}", argument.sdk),
        }
    }
}

#[test]
fn the_yaml_says_what_the_types_say() {
    for (document, crd) in documents().expect("the definitions can be written").iter().zip(acivnet_api::crds()) {
        let read: serde_json::Value = serde_saphyr::from_str(&document.yaml).expect("YAML");
        assert_eq!(read, serde_json::to_value(&crd).expect("JSON"), "{}", document.file);
    }
}

#[test]
fn every_reason_has_a_runbook_entry_and_no_entry_is_stale() {
    let runbook = fs::read_to_string(repository().join("docs/runbook.md")).expect("docs/runbook.md");
    let rows = runbook.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let told: BTreeSet<&str> =
        rows.flat_map(|cell| cell.split(',').map(|word| word.trim().trim_matches('`'))).collect();
    let reasons: BTreeSet<&str> = reasons::ALL.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(told, reasons);
}
