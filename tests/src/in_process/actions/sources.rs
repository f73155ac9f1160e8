//! Models and scripts of other sources than one file of a ConfigMap.

use super::{Done, done, files, network, other_deployment};
use crate::{
    examples,
    in_process::{azure, bed::Bed},
};
use serde_json::json;

/// A second deployment that refers to the newest version of the first one's model.
pub fn registered_model(bed: &Bed) -> Done<'_> {
    let referring = other_deployment().with("/spec/model", json!({"name": "mymodel", "source": {"registered": {}}}));
    bed.apply(referring.0);
    done()
}

/// The article with all files of its ConfigMap as the model.
pub fn directory_model(bed: &Bed) -> Done<'_> {
    bed.apply(files("churn"));
    bed.apply(examples::deployment().with("/spec/model/source", json!({"configMap": {"name": "churn"}})).0);
    network(bed)
}

/// The same, one of the files empty.
pub fn directory_model_with_an_empty_file(bed: &Bed) -> Done<'_> {
    let mut more = files("churn");
    more["data"]["__init__.py"] = "".into();
    bed.apply(more);
    bed.apply(examples::deployment().with("/spec/model/source", json!({"configMap": {"name": "churn"}})).0);
    network(bed)
}

/// The article with all files of its ConfigMap beside the script.
pub fn extra_files(bed: &Bed) -> Done<'_> {
    bed.apply(files("churn"));
    bed.apply(examples::deployment().with("/spec/scoring/extraFiles", json!({"configMap": {"name": "churn"}})).0);
    network(bed)
}

/// One more file beside the script.
pub fn other_extra_files(bed: &Bed) -> Done<'_> {
    let mut more = files("churn");
    more["data"]["helper.py"] = "FACTOR = 2\n".into();
    bed.apply(more);
    done()
}

/// The article with a blob as the model.
pub fn uri_model(bed: &Bed) -> Done<'_> {
    put_blob(bed, "a model in a blob");
    bed.apply(files("churn"));
    let uri = format!("https://amlstorage.blob.{}/models/model.pkl", azure::AUTHORITY);
    bed.apply(examples::deployment().with("/spec/model/source", json!({"uri": uri})).0);
    network(bed)
}

/// Other bytes in the blob.
pub fn other_blob(bed: &Bed) -> Done<'_> {
    put_blob(bed, "another model in the same blob");
    done()
}

fn put_blob(bed: &Bed, text: &str) {
    let etag = format!("\"0x{:X}\"", text.len());
    bed.azure.with(|world| world.blobs.write("amlstorage/models/model.pkl", text, etag, world.now));
}
