//! What is generated and committed equals what the types say. `ACIVNET_BLESS=1` writes it anew.

use acivnet_api::conditions::{reasons, types};
use acivnet_core::kinds::web_service::arguments::{self, Maps};
use acivnet_operator::cli::{
    args,
    crd::{Document, documents, schemas},
};
use acivnet_tests::{in_process::scenarios, repository};
use serde_json::Value;
use std::{collections::BTreeSet, fs};

#[test]
fn deploy_crds_are_what_the_types_say() {
    let folder = repository().join("deploy/crds");
    let documents = documents().expect("the definitions can be written");
    if std::env::var_os("ACIVNET_BLESS").is_some() {
        for Document { file, text } in &documents {
            fs::write(folder.join(file), text).expect("deploy/crds can be written");
        }
    }
    let named: BTreeSet<String> = documents.iter().map(|document| document.file.clone()).collect();
    let listed = fs::read_dir(&folder)
        .expect("deploy/crds")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let listed: BTreeSet<String> = listed.filter(|name| name != "kustomization.yaml").collect();
    assert_eq!(listed, named, "files in deploy/crds");
    for Document { file, text } in documents {
        let committed = fs::read_to_string(folder.join(&file)).expect("a file of deploy/crds");
        assert!(committed == text, "deploy/crds/{file} is not what the types say; run `make crds`");
    }
}

#[test]
fn deploy_schemas_are_what_the_types_say() {
    let folder = repository().join("deploy/schemas");
    for Document { file, text } in schemas().expect("the schemas can be written") {
        let path = folder.join(&file);
        if std::env::var_os("ACIVNET_BLESS").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("deploy/schemas can be made");
            fs::write(&path, &text).expect("deploy/schemas can be written");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "deploy/schemas/{file} is not what the types say; ACIVNET_BLESS=1 writes it anew");
    }
}

/// An editor accepts the example, and says where a member is misspelt or of another type.
#[test]
fn the_schemas_judge_the_example_as_the_api_server_does() {
    let schemas = schemas().expect("the schemas can be written");
    for (kind, example) in [("delegatedsubnet", "subnet.yaml"), ("acivnetdeployment", "deployment.yaml")] {
        let file = format!("acivnet.dev/{kind}_v1alpha1.json");
        let schema = schemas.iter().find(|schema| schema.file == file).expect("a schema");
        let schema: Value = serde_json::from_str(&schema.text).expect("JSON");
        let judge = jsonschema::validator_for(&schema).expect("a schema");
        let text = fs::read_to_string(repository().join("deploy/examples/article").join(example)).expect("an example");
        let object: Value = serde_saphyr::from_str(&text).expect("YAML");
        if let Err(error) = judge.validate(&object) {
            panic!("{example}: {error} at {}", error.instance_path());
        }
        let wrong_at = |change: &dyn Fn(&mut Value)| {
            let mut changed = object.clone();
            change(&mut changed);
            let errors = judge.iter_errors(&changed);
            errors.map(|error| error.instance_path().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(wrong_at(&|object| object["spec"]["resuorceGroup"] = "amlrg".into()), ["/spec"], "{example}");
        assert_eq!(wrong_at(&|object| object["spec"]["suspend"] = "no".into()), ["/spec/suspend"], "{example}");
        assert_eq!(wrong_at(&|object| object["kind"] = "Deployment".into()), ["/kind"], "{example}");
        assert_eq!(
            wrong_at(&|object| object["metadata"]["labels"] = serde_json::json!({"a": "b"})),
            [""; 0],
            "{example}"
        );
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
         The types and reasons in `status.conditions`. The reason of `Ready` is the root cause. What to do about a reason is in \
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
        let read: serde_json::Value = serde_saphyr::from_str(&document.text).expect("YAML");
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
