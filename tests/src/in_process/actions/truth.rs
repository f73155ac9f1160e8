//! What a status is read for: by whoever waits for it, and after something was wrong for a while.

use super::{Done, delete_network, done, others::ANOTHER_CLUSTER, portal};
use crate::{
    examples::{self, Object},
    in_process::{api_server::resources::DELEGATED_SUBNETS, bed::Bed},
};
use futures::future::FutureExt as _;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Longer than two sweeps.
const AFTER_SWEEPS: Duration = Duration::from_secs(700);
/// How often a pipeline looks.
const LOOK: Duration = Duration::from_secs(30);
/// A delegation with the mark of another object.
const THEIRS: &str = "acivnet-00000000000000000000";

/// The client subnet is gone, and another one has its prefix: Azure refuses the subnet that is made again, with 400. Later the
/// security rules are gone, and later still the other subnet.
pub fn refused_then_mended(bed: &Bed) -> Done<'_> {
    bed.later(AFTER_SWEEPS, portal::no_rules);
    bed.later(AFTER_SWEEPS * 2, other_subnet_deleted);
    async move {
        let prefix = examples::subnet().0["spec"]["clientSubnet"]["addressPrefix"].clone();
        bed.portal(Method::DELETE, portal::subnet("default"), Value::Null).await;
        bed.portal(Method::PUT, portal::subnet("other"), json!({"properties": {"addressPrefix": prefix}})).await;
    }
    .boxed()
}

fn other_subnet_deleted(bed: &Bed) -> Done<'_> {
    bed.portal(Method::DELETE, portal::subnet("other"), Value::Null)
}

/// The object is gone and what it stands for is not, as after its definition was deleted. Applied again it takes over without
/// a write, and is deleted.
pub fn taken_over_then_deleted(bed: &Bed) -> Done<'_> {
    let subnet = examples::subnet();
    bed.take_finalizers_off(&DELEGATED_SUBNETS, subnet.name());
    bed.delete(&DELEGATED_SUBNETS, subnet.name());
    bed.later(AFTER_SWEEPS, applied_again);
    bed.later(AFTER_SWEEPS * 2, delete_network);
    done()
}

fn applied_again(bed: &Bed) -> Done<'_> {
    bed.apply(examples::subnet().0);
    done()
}

/// Everything that can carries the mark of another for a while, and then nobody's.
pub fn anothers_mark(bed: &Bed) -> Done<'_> {
    bed.later(AFTER_SWEEPS, portal::marks_lost);
    async move {
        let tags = json!({"tags": {"acivnet-owner": ANOTHER_CLUSTER}});
        bed.portal(Method::PATCH, portal::virtual_network(), tags.clone()).await;
        bed.portal(Method::PATCH, portal::security_group(), tags).await;
        let delegation =
            json!({"name": THEIRS, "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}});
        let body = json!({"properties": {"delegations": [delegation]}});
        bed.portal(Method::PATCH, portal::subnet("amlsubnet1"), body).await;
    }
    .boxed()
}

/// The same, and the network is deleted afterwards.
pub fn anothers_mark_then_deleted(bed: &Bed) -> Done<'_> {
    bed.later(AFTER_SWEEPS * 2, delete_network);
    anothers_mark(bed)
}

/// A change that Azure refuses, corrected later; a pipeline waits as `kubectl wait --for=condition=Ready` does, and notes
/// the generation that it took for ready.
pub fn refused_change(bed: &Bed) -> Done<'_> {
    bed.apply(with_rules([200, 200]).0);
    bed.later(AFTER_SWEEPS, corrected_change);
    bed.later(LOOK, promote_when_ready);
    done()
}

fn corrected_change(bed: &Bed) -> Done<'_> {
    bed.apply(with_rules([200, 201]).0);
    done()
}

fn with_rules(priorities: [u32; 2]) -> Object {
    let rule = |(at, priority): (usize, u32)| {
        json!({"name": format!("rule-{at}"), "priority": priority, "direction": "Inbound", "access": "Allow",
            "protocol": "Tcp", "destinationPortRange": "443"})
    };
    let rules: Vec<Value> = priorities.into_iter().enumerate().map(rule).collect();
    examples::subnet().with("/spec/clientSubnet/networkSecurityGroup/securityRules", Value::from(rules))
}

/// What `kubectl wait` looks at: the condition, and which generation it speaks of.
fn promote_when_ready(bed: &Bed) -> Done<'_> {
    let subnet = bed.object(&DELEGATED_SUBNETS, examples::subnet().name()).unwrap_or_default();
    let conditions = subnet["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.filter(|one| one["type"] == "Ready" && one["status"] == "True");
    let generation = subnet["metadata"]["generation"].as_i64();
    if !ready.into_iter().any(|one| one["observedGeneration"].as_i64() >= generation) {
        bed.later(LOOK, promote_when_ready);
        return done();
    }
    let rules = &subnet["spec"]["clientSubnet"]["networkSecurityGroup"]["securityRules"];
    let data = json!({"priorities": rules.as_array().into_iter().flatten().map(|one| one["priority"].to_string()).collect::<Vec<_>>().join(" ")});
    bed.apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "promoted"}, "data": data}));
    done()
}
