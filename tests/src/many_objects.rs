//! Many objects of one tenant: deployments in subnets of virtual networks, in one resource group and workspace.

use crate::{
    examples::{self, Object},
    tenant::{CONDA, SCRIPT},
};
use serde_json::{Value, json};

/// A tenant with many objects.
#[derive(Clone, Debug)]
pub struct ManyObjects {
    /// Its namespace.
    pub namespace: String,
    /// Its subscription.
    pub subscription: String,
    /// How many `DelegatedSubnet`s it has.
    pub subnets: usize,
    /// How many of them lie in one virtual network.
    pub subnets_of_a_network: usize,
    /// Whether the first of each network has a client subnet with a security group.
    pub client_subnets: bool,
    /// How many `AciVnetDeployment`s, spread evenly over the subnets.
    pub deployments: usize,
}

impl ManyObjects {
    /// How many objects it has.
    pub fn len(&self) -> usize {
        self.subnets + self.deployments
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The files that all deployments share.
    pub fn files(&self) -> Value {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "churn", "namespace": self.namespace},
            "data": {"model.pkl": format!("model of {}", self.namespace), "score.py": SCRIPT, "myenv.yml": CONDA},
        })
    }

    /// Its custom resources, subnets first.
    pub fn objects(&self) -> Vec<Value> {
        let subnets = (0..self.subnets).map(|number| self.subnet(number).0);
        subnets.chain((0..self.deployments).map(|number| self.deployment(number).0)).collect()
    }

    /// Networks may overlap each other, but not the cluster's, in 10.96.0.0/12.
    fn subnet(&self, number: usize) -> Object {
        let (network, place) = (number / self.subnets_of_a_network, number % self.subnets_of_a_network);
        let second = network % 64;
        let object = examples::subnet()
            .named(&format!("subnet-{number}"))
            .with("/metadata/namespace", self.namespace.clone())
            .with("/spec/azure/subscriptionID", self.subscription.clone())
            .with("/spec/virtualNetwork/name", format!("vnet-{network}"))
            .with("/spec/virtualNetwork/addressPrefixes", json!([format!("10.{second}.0.0/16")]))
            .with("/spec/subnet/name", format!("subnet-{number}"))
            .with("/spec/subnet/addressPrefix", format!("10.{second}.{}.0/24", place + 1));
        if place > 0 || !self.client_subnets {
            return object.without("/spec/clientSubnet");
        }
        object
            .with("/spec/clientSubnet/addressPrefix", format!("10.{second}.0.0/24"))
            .with("/spec/clientSubnet/networkSecurityGroup/name", format!("nsg-{network}"))
    }

    /// Without a probe: nothing in this process answers at addresses inside virtual networks.
    fn deployment(&self, number: usize) -> Object {
        examples::deployment()
            .named(&format!("service-{number}"))
            .with("/metadata/namespace", self.namespace.clone())
            .with("/spec/network/subnetRef/name", format!("subnet-{}", number % self.subnets))
            .with("/spec/model/name", format!("model-{number}"))
            .without("/spec/probe")
    }
}
