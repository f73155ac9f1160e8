//! Microsoft's own documents, where they are at hand.

use acivnet_simulator::specs::Checker;

/// Every body of every operation is compiled when the folder is read.
#[test]
fn the_whole_folder_is_read() {
    let Some(folder) = std::env::var_os("ACIVNET_AZURE_SPECS") else {
        return println!("not checked against Microsoft's specs: set ACIVNET_AZURE_SPECS");
    };
    let specs = Checker::read(folder.as_ref()).unwrap();
    assert!(specs.report()["operationsDescribed"].as_u64() > Some(0));
}

#[test]
fn a_folder_without_descriptions_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("example.json"), "{}").unwrap();
    let error = Checker::read(folder.path()).unwrap_err();
    assert!(error.contains("there is no Swagger 2.0 file"), "{error}");
    std::fs::write(folder.path().join("broken.json"), "{").unwrap();
    let error = Checker::read(folder.path()).unwrap_err();
    assert!(error.contains("broken.json"), "{error}");
}
