//! Known differences of Azure, or of Microsoft's own client, from the published documents, each with its source.
//! Sources: \[S\] source of `azureml-core` 1.61.0, \[T\] seen on the wire of that SDK, \[P\] the document itself.

use super::operations::Template;
use http::Method;
use std::sync::LazyLock;

/// A path that clients use, and its path in the documents.
#[derive(Debug)]
pub struct OtherPath {
    /// Verb.
    pub method: Method,
    /// Path as it is sent.
    pub sent: Template,
    /// The path under which a document describes the same; none if none does.
    pub published: Option<String>,
    /// Why, and what says so.
    pub reason: &'static str,
}

/// A flaw to ignore.
#[derive(Debug)]
pub struct Allowed {
    /// Azure's name of the operation.
    pub operation: &'static str,
    /// End of the pointer; `*` matches any one part.
    pub pointer: &'static str,
    /// The keyword that refuses.
    pub keyword: &'static str,
    /// Why, and what says so.
    pub reason: &'static str,
}

const LAYOUT: &str = "artifact.json has a different path layout from the one in which azureml-core sends origin, container and path [S, T]";
const NEWER: &str = "azureml-core calls it; modelManagement.json of 2019-09-30 is older [S, T]";

/// Verb, path behind the workspace as it is sent, the same as it is published, reason.
const PATHS: &[(Method, &str, &str, &str)] = &[
    (
        Method::POST,
        "/artifact/v2.0{}/artifacts/batch/metadata/{origin}/{container}",
        "/artifact/v2.0{}/artifacts/{origin}/{container}/batch/metadata",
        LAYOUT,
    ),
    (
        Method::GET,
        "/artifact/v2.0{}/artifacts/contentinfo/{origin}/{container}/{path…}",
        "/artifact/v2.0{}/artifacts/{origin}/{container}/contentinfo",
        LAYOUT,
    ),
    (
        Method::GET,
        "/artifact/v2.0{}/artifacts/prefix/contentinfo/{origin}/{container}/{path…}",
        "/artifact/v2.0{}/artifacts/{origin}/{container}/prefix/contentinfo",
        LAYOUT,
    ),
    (
        Method::GET,
        "/artifact/v2.0{}/artifacts/metadata/{origin}/{container}/{path…}",
        "/artifact/v2.0{}/artifacts/{origin}/{container}/metadata",
        LAYOUT,
    ),
    (Method::POST, "/modelmanagement/v1.0{}/models/list", "", NEWER),
    (Method::POST, "/modelmanagement/v1.0{}/services/list", "", NEWER),
    (Method::POST, "/modelmanagement/v1.0{}/services/validate", "", NEWER),
    (Method::POST, "/modelmanagement/v1.0{}/services/validate/resource", "", NEWER),
    (Method::POST, "/modelmanagement/v1.0{}/services/validate/name/{name}", "", NEWER),
];
const WORKSPACE: &str =
    "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.MachineLearningServices/workspaces/{w}";

/// All other paths.
pub static OTHER_PATHS: LazyLock<Vec<OtherPath>> = LazyLock::new(|| {
    let whole = |path: &str| path.replace("{}", WORKSPACE);
    let paths = PATHS.iter().map(|(method, sent, published, reason)| OtherPath {
        method: method.clone(),
        sent: Template::parse(&whole(sent)),
        published: (!published.is_empty()).then(|| whole(published)),
        reason,
    });
    paths.collect()
});

const PATCH_VALUE: &str =
    "the value of a JSON patch is any JSON (RFC 6902); azureml-core sends text, true and false too [S, T]";

/// All flaws to ignore.
pub static ALLOWED: &[Allowed] = &[
    Allowed { operation: "MLModels_Patch", pointer: "/*/value", keyword: "type", reason: PATCH_VALUE },
    Allowed { operation: "Services_Patch", pointer: "/*/value", keyword: "type", reason: PATCH_VALUE },
    Allowed { operation: "Assets_Patch", pointer: "/*/value", keyword: "type", reason: PATCH_VALUE },
    Allowed {
        operation: "Services_RegenerateServiceKeys",
        pointer: "/keyType",
        keyword: "type",
        reason: "the document contradicts itself, with an integer that is one of two words [P]; azureml-core sends the word [S]",
    },
    Allowed {
        operation: "Services_QueryById",
        pointer: "/state",
        keyword: "enum",
        reason: "the state Unschedulable came later: azureml-mlflow's newer client knows it [S]",
    },
    Allowed {
        operation: "Services_ListQuery",
        pointer: "/value/*/state",
        keyword: "enum",
        reason: "the state Unschedulable came later: azureml-mlflow's newer client knows it [S]",
    },
];

impl Allowed {
    /// Whether this is the flaw.
    pub fn is(&self, operation: &str, pointer: &str, keyword: &str) -> bool {
        self.operation == operation && self.keyword == keyword && ends_with(pointer, self.pointer)
    }
}

fn ends_with(pointer: &str, pattern: &str) -> bool {
    let mut parts = pointer.rsplit('/');
    pattern.rsplit('/').take_while(|part| !part.is_empty()).all(|wanted| match parts.next() {
        Some(part) => wanted == "*" || wanted == part,
        None => false,
    })
}
