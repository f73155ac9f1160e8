//! What sweeps do about objects at rest, and about what somebody changed behind their backs.

use super::{
    api_server::{
        resources::{ACI_VNET_DEPLOYMENTS, DELEGATED_SUBNETS},
        store::Part,
    },
    bed::{Bed, NAMESPACE},
    operator::Operator,
    wire::{Disturbance, Sent},
};
use crate::many_objects::ManyObjects;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// Between two sweeps, unless an object says otherwise.
pub const SWEEP: Duration = Duration::from_secs(300);
const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";

/// A tenant's objects at rest, and the operator that looks after them.
pub struct AtRest {
    bed: Bed,
    operator: Operator,
    /// How many objects there are.
    pub objects: usize,
}

/// What happened in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happened {
    /// Objects of which a sweep saw that nothing had changed.
    pub unchanged: usize,
    /// Objects that were reconciled and found settled.
    pub settled: usize,
    /// Writes to Azure and to Kubernetes.
    pub writes: usize,
}

impl AtRest {
    /// Twelve deployments in four subnets of two networks, after enough sweeps that nothing of their making is left to see.
    pub async fn reach() -> Self {
        let bed = Bed::new(Disturbance::default()).await;
        let objects = ManyObjects {
            namespace: NAMESPACE.into(),
            subscription: SUBSCRIPTION.into(),
            subnets: 4,
            subnets_of_a_network: 2,
            client_subnets: true,
            deployments: 12,
        };
        bed.apply(objects.files());
        objects.objects().into_iter().for_each(|object| bed.apply(object));
        let operator = Operator::start(&bed).await;
        for _ in 0..60 {
            sleep(Duration::from_secs(60)).await;
            if bed.ready() == objects.len() {
                break;
            }
        }
        assert_eq!(bed.ready(), objects.len(), "everything is ready within an hour");
        sleep(4 * SWEEP).await;
        Self { bed, operator, objects: objects.len() }
    }

    /// What happens in a time.
    pub async fn wait(&self, time: Duration) -> Happened {
        let count = || ["unchanged", "settled"].map(|result| self.operator.reconciles(result));
        let (before, start) = (count(), self.bed.wire.count());
        sleep(time).await;
        let after = count();
        Happened {
            unchanged: after[0] - before[0],
            settled: after[1] - before[1],
            writes: self.bed.wire.writes_since(start),
        }
    }

    /// Somebody takes the rules out of a security group in the portal. What was written to Azure in a time after that.
    pub async fn opened_group(&self, time: Duration) -> Vec<Method> {
        let group = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/amlrg/providers/Microsoft.Network/networkSecurityGroups/nsg-0"
        );
        let start = self.bed.wire.count();
        self.bed.portal(Method::PATCH, group, json!({"properties": {"securityRules": []}})).await;
        sleep(time).await;
        let sent = self.bed.wire.trace().into_iter().skip(start).filter(Sent::writes_azure);
        sent.map(|sent| sent.method).collect()
    }

    /// Somebody writes a status by hand. Whether it is as it was after a time.
    pub async fn mends_status(&self, time: Duration) -> bool {
        let before = self.status();
        let key = Bed::key(&ACI_VNET_DEPLOYMENTS, "service-0");
        let change = |object: &mut Value| {
            object["status"]["endpoint"]["scoringURI"] = "http://10.0.0.66/score".into();
            Ok(())
        };
        self.bed.api().with(|store| store.patch(&key, Part::Status, change)).expect("it is taken");
        assert_ne!(self.status(), before, "it was changed");
        sleep(time).await;
        self.status() == before
    }

    /// The first subnet of a network comes to describe it in another way. What the second says of itself after a time.
    pub async fn described_anew(&self, time: Duration) -> Value {
        let mut first = self.bed.object(&DELEGATED_SUBNETS, "subnet-0").expect("it is there");
        first["spec"]["virtualNetwork"]["addressPrefixes"] = json!(["10.0.0.0/16", "10.200.0.0/16"]);
        self.bed.apply(json!({
            "apiVersion": first["apiVersion"], "kind": first["kind"], "metadata": {"name": "subnet-0"}, "spec": first["spec"],
        }));
        sleep(time).await;
        let second = self.bed.object(&DELEGATED_SUBNETS, "subnet-1").expect("it is there");
        let conditions = second["status"]["conditions"].as_array().expect("conditions");
        conditions.iter().find(|one| one["type"] == "Ready").expect("Ready").clone()
    }

    fn status(&self) -> Value {
        self.bed.object(&ACI_VNET_DEPLOYMENTS, "service-0").map(|object| object["status"].clone()).unwrap_or_default()
    }

    /// Ends the operator.
    pub async fn stop(self) {
        self.operator.stop().await;
    }
}
