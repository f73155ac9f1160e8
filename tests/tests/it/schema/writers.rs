//! Who writes what: strict clients, several field managers, waiting clients.

use super::api;
use acivnet_tests::{
    examples::{self, Object},
    kstatus::{self, Kstatus},
    kube_bed::KubeBed,
    run,
};
use kube::api::{Patch, PatchParams};
use serde_json::json;

const SERVER_SIDE: [&str; 3] = ["apply", "--server-side", "-f-"];

async fn apply(bed: &KubeBed, namespace: &str, arguments: &[&str], object: &Object) -> acivnet_tests::kube_bed::Ran {
    bed.kubectl_with(&[arguments, &["-n", namespace]].concat(), &object.0.to_string()).await
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    run(async {
        let bed = KubeBed::shared().await;
        let namespace = bed.namespace("strict").await;
        let unknown = [
            (examples::subnet().with("/spec/subnet/delegation", "x"), "spec.subnet.delegation"),
            (examples::deployment().with("/spec/resources/gpu", 1), "spec.resources.gpu"),
            (examples::deployment().with("/spec/dnsNameLabel", "x"), "spec.dnsNameLabel"),
        ];
        for (object, field) in unknown {
            for arguments in [&["create", "-f-"][..], &["apply", "-f-"]] {
                let said = apply(bed, &namespace, arguments, &object).await.refused();
                assert!(said.contains(&format!("unknown field \"{field}\"")), "{arguments:?}: {said}");
            }
            let said = apply(bed, &namespace, &SERVER_SIDE, &object).await.refused();
            assert!(said.contains(&format!(".{field}: field not declared in schema")), "{said}");
        }
    });
}

/// Two writers of one object: whoever applies the spec, again and again, and the controller with its status and finalizer.
#[test]
fn another_manager_applies_without_a_fight() {
    run(async {
        let bed = KubeBed::shared().await;
        let namespace = bed.namespace("managers").await;
        for object in [examples::full_subnet(), examples::full_deployment()] {
            let api = api(bed, &namespace, &object);
            let flux = [&SERVER_SIDE[..], &["--field-manager=kustomize-controller"]].concat();
            apply(bed, &namespace, &flux, &object).await.said();
            let finalizer = json!({"metadata": {"finalizers": [acivnet_api::FINALIZER]}});
            let ours = PatchParams { field_manager: Some("acivnet".into()), ..PatchParams::default() };
            api.patch(object.name(), &ours, &Patch::Merge(finalizer)).await.expect("the finalizer is taken");
            api.patch_status(object.name(), &ours, &Patch::Merge(json!({"status": {"observedGeneration": 1}})))
                .await
                .expect("status is taken");
            let before = api.get(object.name()).await.expect("the object").metadata;
            for _ in 0..3 {
                apply(bed, &namespace, &flux, &object).await.said();
            }
            let after = api.get(object.name()).await.expect("the object").metadata;
            assert_eq!(after.generation, Some(1), "applying the same spec is no change");
            assert_eq!(after.resource_version, before.resource_version, "applying the same spec writes nothing");
            assert_eq!(after.finalizers, Some(vec![acivnet_api::FINALIZER.to_owned()]));
            api.patch(object.name(), &ours, &Patch::Merge(json!({"metadata": {"finalizers": null}})))
                .await
                .expect("the finalizer goes");
        }
    });
}

/// `kubectl wait` and kstatus see a new object as not ready, whatever its conditions said of an older generation.
#[test]
fn waiting_clients_wait_for_the_generation() {
    run(async {
        let bed = KubeBed::shared().await;
        let namespace = bed.namespace("wait").await;
        let object = examples::deployment();
        apply(bed, &namespace, &SERVER_SIDE, &object).await.said();
        let api = api(bed, &namespace, &object);
        let stands =
            || async { serde_json::to_value(api.get(object.name()).await.expect("the object")).expect("JSON") };
        assert_eq!(kstatus::read(&stands().await), Kstatus::InProgress, "not seen yet");
        let wait = ["wait", "--for=condition=Ready", "--timeout=0s", "acivd/aciservice", "-n", &namespace];
        bed.kubectl(&wait).await.refused();
        let ready = json!({"type": "Ready", "status": "True", "reason": "Serving", "message": "m", "observedGeneration": 1, "lastTransitionTime": "2026-11-19T08:00:00Z"});
        let status = json!({"status": {"observedGeneration": 1, "conditions": [ready]}});
        api.patch_status(object.name(), &PatchParams::default(), &Patch::Merge(status)).await.expect("status is taken");
        bed.kubectl(&wait).await.said();
        assert_eq!(kstatus::read(&stands().await), Kstatus::Current);
        apply(bed, &namespace, &SERVER_SIDE, &object.clone().with("/spec/description", "new")).await.said();
        assert_eq!(kstatus::read(&stands().await), Kstatus::InProgress, "the new generation is not seen yet");
        bed.kubectl(&wait).await.refused();
    });
}
