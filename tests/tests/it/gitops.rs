//! What `deploy/argocd` and `deploy/flux` ship is made of our own words, and of each other.

use acivnet_api::{
    APPROVE_PLAN, AciVnetDeployment, DelegatedSubnet, RECONCILE_REQUESTED_AT, RESTART_REQUESTED_AT, conditions::reasons,
};
use acivnet_tests::repository;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const KINDS: [&str; 2] = ["AciVnetDeployment", "DelegatedSubnet"];
const HEAD: &str =
    "# Health checks and actions of acivnet for Argo CD. Written from resource_customizations/ by the test
# `gitops` under ACIVNET_BLESS=1; do not edit. Into a running Argo CD:
#   kubectl patch configmap argocd-cm -n argocd --patch-file deploy/argocd/argocd-cm.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
  labels:
    app.kubernetes.io/name: argocd-cm
    app.kubernetes.io/part-of: argocd
data:
";

fn customizations(kind: &str) -> PathBuf {
    repository().join("deploy/argocd/resource_customizations/acivnet.dev").join(kind)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names in a folder, in order.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
}

/// A text as a YAML block that stands `by` spaces from the left.
fn block(text: &str, by: usize) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{:by$}{line}\n", "") }).collect()
}

fn argocd_cm() -> String {
    let mut text = HEAD.to_owned();
    for kind in KINDS {
        let folder = customizations(kind);
        let health = block(&read(&folder.join("health.lua")), 4);
        let discovery = block(&read(&folder.join("actions/discovery.lua")), 6);
        write!(text, "  resource.customizations.health.acivnet.dev_{kind}: |\n{health}").expect("text");
        write!(text, "  resource.customizations.actions.acivnet.dev_{kind}: |\n    discovery.lua: |\n{discovery}")
            .expect("text");
        text.push_str("    definitions:\n");
        for action in actions(kind) {
            let lua = block(&read(&folder.join("actions").join(&action).join("action.lua")), 8);
            write!(text, "    - name: {action}\n      action.lua: |\n{lua}").expect("text");
        }
    }
    text
}

fn actions(kind: &str) -> Vec<String> {
    let folder = customizations(kind).join("actions");
    names(&folder).into_iter().filter(|name| folder.join(name).join("action.lua").exists()).collect()
}

#[test]
fn argocd_cm_is_made_of_the_customizations() {
    let (path, text) = (repository().join("deploy/argocd/argocd-cm.yaml"), argocd_cm());
    if std::env::var_os("ACIVNET_BLESS").is_some() {
        fs::write(&path, &text).expect("deploy/argocd can be written");
    }
    assert!(
        read(&path) == text,
        "deploy/argocd/argocd-cm.yaml is not what the files say; ACIVNET_BLESS=1 writes it anew"
    );
    let parsed: Value = serde_saphyr::from_str(&text).expect("YAML");
    for kind in KINDS {
        let health = &parsed["data"][format!("resource.customizations.health.acivnet.dev_{kind}")];
        assert_eq!(health.as_str(), Some(read(&customizations(kind).join("health.lua")).as_str()), "{kind}");
    }
}

/// Argo CD takes a file for each kind; ours say the same.
#[test]
fn both_kinds_have_one_health_check() {
    let [deployment, subnet] = KINDS.map(|kind| read(&customizations(kind).join("health.lua")));
    assert_eq!(deployment, subnet);
}

/// The states that the health check and the actions are tested on are such as the types can hold, in words that exist.
#[test]
fn testdata_is_what_the_types_say() {
    for kind in KINDS {
        for folder in ["testdata", "actions/testdata"] {
            let folder = customizations(kind).join(folder);
            for name in names(&folder) {
                let path = folder.join(name);
                let object: Value = serde_saphyr::from_str(&read(&path)).expect("YAML");
                let typed = match kind {
                    "AciVnetDeployment" => round_trip::<AciVnetDeployment>(&object),
                    _ => round_trip::<DelegatedSubnet>(&object),
                };
                assert_eq!(typed["spec"], object["spec"], "{}", path.display());
                assert_eq!(typed["status"], object["status"], "{}", path.display());
                check_reasons(&object, &path);
            }
        }
    }
}

fn round_trip<K: serde::de::DeserializeOwned + serde::Serialize>(object: &Value) -> Value {
    let typed: K = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object}"));
    serde_json::to_value(typed).expect("JSON")
}

fn check_reasons(object: &Value, path: &Path) {
    for condition in object["status"]["conditions"].as_array().into_iter().flatten() {
        let reason = condition["reason"].as_str().expect("a reason");
        assert!(reasons::ALL.iter().any(|(known, _)| *known == reason), "{}: {reason}", path.display());
    }
}

/// The text in quotes of this kind.
fn quoted(text: &str, quote: char) -> impl Iterator<Item = &str> {
    text.split(quote).skip(1).step_by(2)
}

#[test]
fn actions_write_the_annotations_that_the_operator_reads() {
    let known = [APPROVE_PLAN, RECONCILE_REQUESTED_AT, RESTART_REQUESTED_AT];
    let mut written = BTreeSet::new();
    for kind in KINDS {
        for action in actions(kind) {
            let lua = read(&customizations(kind).join("actions").join(&action).join("action.lua"));
            written.extend(quoted(&lua, '"').filter(|text| text.starts_with("acivnet.dev/")).map(str::to_owned));
        }
    }
    assert_eq!(written, known.map(str::to_owned).into());
}

/// Both tools call the same reasons a failure, though work goes on; each of them is one of ours.
#[test]
fn both_tools_fail_for_the_same_reasons() {
    let lua = read(&customizations("AciVnetDeployment").join("health.lua"));
    let table = lua.split("local broken = {").nth(1).and_then(|rest| rest.split('}').next()).expect("the table");
    let argo: BTreeSet<&str> = table.lines().filter_map(|line| line.trim().strip_suffix(" = true,")).collect();
    let flux = read(&repository().join("deploy/flux/models.yaml"));
    let listed = flux.split("c.reason in [").nth(1).and_then(|rest| rest.split(']').next()).expect("the list");
    let flux: BTreeSet<&str> = quoted(listed, '\'').collect();
    assert_eq!(argo, flux);
    assert!(!argo.is_empty());
    for reason in argo {
        assert!(reasons::ALL.iter().any(|(known, _)| *known == reason), "{reason}");
    }
}
