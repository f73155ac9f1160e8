//! What README and docs show of a spec is taken by the API server, field by field.

use acivnet_tests::{
    examples::{self, network_id},
    kube_bed::KubeBed,
    repository, run,
};
use serde_json::Value;
use std::fs;

#[test]
fn every_spec_that_is_shown_is_taken() {
    run(async {
        let bed = KubeBed::shared().await;
        let namespace = bed.namespace("documents").await;
        let mut shown = 0;
        for file in ["README.md", "docs/configuration.md", "docs/tls.md", "docs/probe.md"] {
            let text = fs::read_to_string(repository().join(file)).expect("a document");
            for block in text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
                let said: Value = serde_saphyr::from_str(&written_out(block)).expect("YAML");
                let of_network = said["spec"]["subnet"].is_object();
                let mut object = if of_network { examples::subnet().0 } else { examples::deployment().0 };
                lay(&mut object, &said);
                let create = ["create", "--dry-run=server", "--validate=strict", "-n", &namespace, "-f-"];
                let ran = bed.kubectl_with(&create, &object.to_string()).await;
                assert!(ran.ok, "{file}:\n{block}\n{}", ran.err);
                shown += 1;
            }
        }
        assert!(shown >= 6, "{shown} blocks were found");
    });
}

/// `/subscriptions/…/` stands for the examples' resource group, any other `…` for an id.
fn written_out(block: &str) -> String {
    block.replace("/subscriptions/…/", &network_id("")).replace('…', "00000000-0000-0000-0000-0000000000d1")
}

/// Lays what is said over an example; of members that exclude each other the shown one stays.
fn lay(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                match under.get_mut(name).filter(|_| name != "source") {
                    Some(known) => lay(known, value),
                    None => drop(under.insert(name.clone(), value.clone())),
                }
            }
        }
        (under, over) => *under = over.clone(),
    }
}

#[test]
fn the_readme_shows_the_commands_of_the_quick_start() {
    let read = |file: &str| fs::read_to_string(repository().join(file)).expect("a document");
    let (page, readme) = (read("docs/quickstart.md"), read("README.md"));
    let below = page.split("## Five commands").nth(1).expect("the heading");
    for block in below.split("```").skip(1).step_by(2).take(2) {
        assert!(readme.contains(&format!("```{block}```")), "README.md shows it otherwise: {block}");
    }
}
