//! What is generated and committed equals what the types say. `ACIVNET_BLESS=1` writes it anew.

use acivnet_core::kinds::web_service::arguments::{self, Maps};
use acivnet_operator::crd::{Document, documents};
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

/// Path of the reference of arguments.
const ARGUMENTS_FILE: &str = "docs/reference/arguments.md";

#[test]
fn the_reference_of_arguments_is_what_core_says() {
    let (file, text) = (repository().join(ARGUMENTS_FILE), arguments::reference());
    if std::env::var_os("ACIVNET_BLESS").is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("docs/reference can be made");
        fs::write(&file, &text).expect("the reference can be written");
    }
    let committed = fs::read_to_string(&file).expect("docs/reference/arguments.md");
    assert!(committed == text, "{ARGUMENTS_FILE} is not what core says; ACIVNET_BLESS=1 writes it anew");
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
    let reasons: BTreeSet<&str> = acivnet_api::conditions::reasons::ALL.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(told, reasons);
}
