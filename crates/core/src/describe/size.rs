//! How large a spec may be.

use crate::failure::Cause;
use acivnet_api::conditions::reasons;
use serde::Serialize;
use std::io;

/// Largest spec, in bytes of its JSON. The schema bounds each list and text by itself, but all bounds together allow
/// many times this.
pub const LARGEST_SPEC: usize = 64 << 10;

/// Refuses a spec that is too large. Azure stays as it is.
pub(super) fn too_large(spec: &impl Serialize) -> Option<Cause> {
    let bytes = json_length(spec);
    let message = || {
        format!(
            "spec has {bytes} bytes as JSON, more than {LARGEST_SPEC}; shorten its variables, tags, properties or rules, or \
             put long values into files. Until then, nothing is changed in Azure"
        )
    };
    (bytes > LARGEST_SPEC).then(|| Cause::person(reasons::INVALID_SPEC, message()))
}

/// Length of a value as JSON, in bytes; 0 if it can't be serialised, which never happens to the API's types.
pub fn json_length(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        observed::{Fact, Observed},
        questions::{ClusterQuestion, Question},
        subject::Subject as _,
    };
    use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
    use jiff::Timestamp;
    use serde_json::{Value, json};

    fn subnet(rules: usize) -> Value {
        let rule = |at: usize| {
            json!({"name": format!("r{at}"), "priority": 100 + at, "direction": "Inbound", "access": "Deny",
            "protocol": "Tcp", "description": "ä".repeat(280)})
        };
        json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet", "metadata": {"name": "a", "namespace": "ml"},
            "spec": {"azure": {"subscriptionID": "s", "resourceGroup": "g", "location": "l"},
                "virtualNetwork": {"name": "v"}, "subnet": {"name": "n", "addressPrefix": "10.0.1.0/24"},
                "clientSubnet": {"name": "c", "addressPrefix": "10.0.2.0/24", "networkSecurityGroup": {"name": "g",
                    "securityRules": (0..rules).map(rule).collect::<Vec<_>>()}}}})
    }

    fn deployment(variables: usize) -> AciVnetDeployment {
        let key = |key: &str| json!({"configMap": {"name": "files", "key": key}});
        let variable = |at: usize| json!({"name": format!("V{at}"), "value": "x".repeat(4096)});
        let object = json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "AciVnetDeployment", "metadata": {"name": "d", "namespace": "ml"},
            "spec": {"backend": {"type": "AzureMLWebService"}, "network": {"subnetRef": {"name": "a"}}, "workspace": {"name": "aml"},
                "model": {"name": "m", "source": key("model.pkl")},
                "scoring": {"script": key("score.py"), "environmentVariables": (0..variables).map(variable).collect::<Vec<_>>()},
                "environment": {"name": "e", "conda": key("env.yml")}, "resources": {"cpu": "1", "memory": "1G"}}});
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn a_large_object_of_either_kind_is_refused_and_can_go() {
        let mut observed = Observed::default();
        observed
            .facts
            .insert(Question::Cluster(ClusterQuestion::DelegatedSubnet("a".into())), Fact::Present(subnet(1)));
        let reason = |blocked: Option<Cause>| blocked.map(|cause| cause.reason);
        for (variables, large) in [(1, false), (17, true)] {
            let mut cr = deployment(variables);
            let blocked = reason(cr.describe(&observed, Timestamp::UNIX_EPOCH).blocked);
            assert_eq!(blocked == Some(reasons::INVALID_SPEC), large, "{blocked:?}");
            cr.metadata.deletion_timestamp =
                Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH));
            assert_ne!(reason(cr.describe(&observed, Timestamp::UNIX_EPOCH).blocked), Some(reasons::INVALID_SPEC));
        }
        for (rules, large) in [(1, false), (100, true)] {
            let cr: DelegatedSubnet = serde_json::from_value(subnet(rules)).unwrap();
            let blocked = reason(cr.describe(&observed, Timestamp::UNIX_EPOCH).blocked);
            assert_eq!(blocked == Some(reasons::INVALID_SPEC), large, "{blocked:?}");
        }
    }

    #[test]
    fn a_spec_is_refused_from_the_first_byte_above() {
        let spec = |bytes: usize| vec!["x".repeat(bytes - 4)];
        assert_eq!(json_length(&spec(LARGEST_SPEC)), LARGEST_SPEC);
        assert_eq!(too_large(&spec(LARGEST_SPEC)), None);
        let refused = too_large(&spec(LARGEST_SPEC + 1)).unwrap();
        assert!(refused.message.contains("65537 bytes as JSON, more than 65536"), "{}", refused.message);
    }
}
