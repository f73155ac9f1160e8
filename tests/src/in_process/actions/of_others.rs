//! What others own of what we made: a network that they extend, tags that a policy spells, Secrets that a tool writes anew.

use super::{Done, done, network, parts, portal, service, tag_network};
use crate::{
    examples::{self, network_id},
    in_process::{api_server::resources::SECRETS, bed::Bed},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::FutureExt as _;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// How often External Secrets Operator looks, unless it is told otherwise (external-secrets.io, "ExternalSecret":
/// `refreshInterval`, 1h).
const REFRESH: Duration = Duration::from_secs(3600);
/// A day of that.
const REFRESHES: u32 = 24;
/// A policy is enforced again and again.
const POLICY: Duration = Duration::from_secs(400);

/// The network team adds a range and a subnet of its own to our network, and DNS servers.
pub fn grown(bed: &Bed) -> Done<'_> {
    async move {
        let properties = json!({
            "addressSpace": {"addressPrefixes": ["10.19.0.0/16", "10.0.0.0/16"]}, "dhcpOptions": {"dnsServers": ["10.19.1.4"]},
        });
        let theirs = json!({"properties": {"addressPrefix": "10.19.1.0/24"}});
        bed.portal(Method::PATCH, portal::virtual_network(), json!({"properties": properties})).await;
        bed.portal(Method::PUT, portal::subnet("theirs"), theirs).await;
    }
    .boxed()
}

/// The same, and then the network gets a tag.
pub fn grown_and_tagged(bed: &Bed) -> Done<'_> {
    async move {
        grown(bed).await;
        tag_network(bed).await;
    }
    .boxed()
}

/// A network with one prefix more.
pub fn two_ranges(bed: &Bed) -> Done<'_> {
    bed.apply(examples::subnet().with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "10.5.0.0/16"])).0);
    done()
}

/// Somebody makes a subnet in the second prefix, which the spec drops then; later the subnet goes.
pub fn range_in_use_dropped(bed: &Bed) -> Done<'_> {
    bed.later(POLICY, |bed| bed.portal(Method::DELETE, portal::subnet("theirs"), Value::Null));
    async move {
        let theirs = json!({"properties": {"addressPrefix": "10.5.1.0/24"}});
        bed.portal(Method::PUT, portal::subnet("theirs"), theirs).await;
        network(bed).await;
    }
    .boxed()
}

/// Both subnets get an IPv6 prefix, and lose what we put on them.
pub fn dual_stack(bed: &Bed) -> Done<'_> {
    async move {
        let prefixes = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16", "fd00:15::/48"]}});
        bed.portal(Method::PATCH, portal::virtual_network(), json!({"properties": prefixes})).await;
        for (at, (name, ours)) in [("amlsubnet1", "10.0.1.0/24"), ("default", "10.0.0.0/24")].into_iter().enumerate() {
            let both = json!([ours, format!("fd00:15:0:{at}::/64")]);
            let properties = json!({"addressPrefix": null, "addressPrefixes": both, "delegations": [], "networkSecurityGroup": null});
            bed.portal(Method::PATCH, portal::subnet(name), json!({"properties": properties})).await;
        }
    }
    .boxed()
}

/// An address of somebody else is put on the NAT gateway; then we need one address less.
pub fn address_of_others(bed: &Bed) -> Done<'_> {
    async move {
        let id = network_id("publicIPAddresses/theirs");
        let address = json!({"location": "japaneast", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}});
        bed.portal(Method::PUT, id.clone(), address).await;
        let ours = |number: u32| json!({"id": network_id(&format!("publicIPAddresses/nat-ml-ip{number}"))});
        let all = json!({"properties": {"publicIpAddresses": [ours(1), ours(2), {"id": id}]}});
        bed.portal(Method::PATCH, network_id("natGateways/nat-ml"), all).await;
        parts::smaller_egress(bed).await;
    }
    .boxed()
}

/// A policy spells a tag of ours in its own way, again and again.
pub fn tag_by_policy(bed: &Bed) -> Done<'_> {
    for time in 1..=4 {
        bed.later(POLICY * time, spelled);
    }
    spelled(bed)
}

fn spelled(bed: &Bed) -> Done<'_> {
    async move {
        for id in [portal::virtual_network(), portal::security_group()] {
            for tags in [json!({"cost-centre": null}), json!({"Cost-Centre": "4711"})] {
                bed.portal(Method::PATCH, id.clone(), json!({"tags": tags})).await;
            }
        }
    }
    .boxed()
}

/// The how-to's objects with keys, a certificate and a variable out of Secrets.
pub fn article_of_secrets(bed: &Bed) -> Done<'_> {
    bed.apply(super::files("churn"));
    secrets().into_iter().for_each(|secret| bed.apply(secret));
    let deployment = service::by_key().with("/spec/tls", examples::tls());
    bed.apply(deployment.with("/spec/scoring/environmentVariables", json!([examples::from_secret()])).0);
    network(bed)
}

/// A day with External Secrets Operator: each hour every Secret is written anew with the same values, once annotated, once
/// with another member, once deleted and made again.
pub fn day_of_refreshes(bed: &Bed) -> Done<'_> {
    let habits: [crate::in_process::bed::Action; 3] = [annotated, owned, made_again];
    for (time, habit) in (0..REFRESHES).zip(habits.into_iter().cycle()) {
        bed.later(REFRESH * time, habit);
    }
    done()
}

/// A Secret is written anew, and then with another value.
pub fn rewritten_then_changed(bed: &Bed) -> Done<'_> {
    bed.later(POLICY, other_value);
    made_again(bed)
}

fn other_value(bed: &Bed) -> Done<'_> {
    bed.apply(store("another-value"));
    done()
}

fn annotated(bed: &Bed) -> Done<'_> {
    written(bed, "annotations")
}

fn owned(bed: &Bed) -> Done<'_> {
    written(bed, "labels")
}

fn written<'b>(bed: &'b Bed, member: &str) -> Done<'b> {
    let now = bed.now().as_second().to_string();
    for mut secret in secrets() {
        secret["metadata"][member] = json!({"reconcile.external-secrets.io/time": now});
        bed.apply(secret);
    }
    done()
}

fn made_again(bed: &Bed) -> Done<'_> {
    for secret in secrets() {
        bed.delete(&SECRETS, secret["metadata"]["name"].as_str().expect("a name"));
        bed.apply(secret);
    }
    done()
}

fn secrets() -> [Value; 3] {
    [service::first_keys(), service::first_certificate(), store("open-the-store")]
}

fn store(password: &str) -> Value {
    let data = json!({"password": STANDARD.encode(password)});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store"}, "data": data})
}
