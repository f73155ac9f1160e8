//! What is generated and committed equals what the types say. `ACIVNET_BLESS=1` writes it anew.

use acivnet_operator::crd::{Document, documents};
use acivnet_tests::repository;
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
