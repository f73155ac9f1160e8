//! `Microsoft.Network/virtualNetworks/subnets`. There is no PATCH and there are no tags: a change sends the whole
//! existing body with our fields merged into it.

use crate::{
    drift::Rule,
    id::ResourceId,
    kind::{Kind, Write, strip},
};
use serde_json::{Map, Value, json};

/// The service that the subnet is delegated to (Azure Container Instances, "Virtual network scenarios and resources").
pub const CONTAINER_GROUPS: &str = "Microsoft.ContainerInstance/containerGroups";

/// Name of the delegation on an adopted subnet: not a mark of ours.
pub const UNMARKED: &str = "containerGroups";

/// The kind.
pub static SUBNET: Kind = Kind {
    rules: &[
        Rule::Among("properties.addressPrefix", "addressPrefixes"),
        Rule::Subset("properties.delegations", "properties.serviceName"),
        Rule::WriteOnly("properties.delegations[].name"),
        Rule::Loose("properties.delegations[].properties.serviceName"),
        Rule::Loose("properties.networkSecurityGroup.id"),
        Rule::Loose("properties.routeTable.id"),
        Rule::Loose("properties.natGateway.id"),
        Rule::Subset("properties.serviceEndpoints", "service"),
    ],
    write: Write::Merge,
    normalise,
    ..Kind::arm("Subnet", "Microsoft.Network/virtualNetworks/subnets", "2024-05-01")
};

/// The id of a subnet.
pub fn id(virtual_network: &ResourceId, name: &str) -> ResourceId {
    virtual_network.child("subnets", name)
}

/// What the delegated subnet is associated with.
#[derive(Clone, Debug, Default)]
pub struct Associations {
    /// Its security group.
    pub network_security_group: Option<ResourceId>,
    /// Its route table.
    pub route_table: Option<ResourceId>,
    /// Its NAT gateway.
    pub nat_gateway: Option<ResourceId>,
    /// The services with a service endpoint.
    pub service_endpoints: Vec<String>,
}

impl Associations {
    fn references(&self) -> [(&'static str, Option<&ResourceId>); 3] {
        [
            ("networkSecurityGroup", self.network_security_group.as_ref()),
            ("routeTable", self.route_table.as_ref()),
            ("natGateway", self.nat_gateway.as_ref()),
        ]
    }
}

/// The fields that we set on the delegated subnet. `delegation` is the delegation's name, our mark; an existing one is
/// never renamed. Associations that are wanted are set, those that were once `written` are removed, and all others are
/// neither compared nor touched.
pub fn delegated(address_prefix: &str, delegation: &str, associations: &Associations, written: &[String]) -> Value {
    let mut properties = Map::new();
    properties.insert("addressPrefix".into(), address_prefix.into());
    let service = json!({"name": delegation, "properties": {"serviceName": CONTAINER_GROUPS}});
    properties.insert("delegations".into(), json!([service]));
    let references = associations.references();
    for (name, id) in references {
        match id {
            Some(id) => drop(properties.insert(name.into(), json!({"id": id.as_str()}))),
            None if written.iter().any(|one| one == name) => drop(properties.insert(name.into(), Value::Null)),
            None => {}
        }
    }
    let once = written.iter().any(|one| references.iter().all(|(name, _)| one != name));
    let endpoints: Vec<Value> = associations.service_endpoints.iter().map(|one| json!({"service": one})).collect();
    if once || !endpoints.is_empty() {
        properties.insert("serviceEndpoints".into(), endpoints.into());
    }
    json!({"properties": properties})
}

/// The associations in a delegated subnet's body, as names of members and of services. They are recorded, so that they
/// can be removed later.
pub fn written(body: &Value) -> Vec<String> {
    let Some(properties) = body.get("properties").filter(|all| all.get("delegations").is_some()) else {
        return Vec::new();
    };
    let references = Associations::default().references().map(|(name, _)| name).into_iter();
    let standing = references.filter(|name| properties.get(name).is_some_and(Value::is_object)).map(str::to_owned);
    let services = properties.get("serviceEndpoints").and_then(Value::as_array).into_iter().flatten();
    standing.chain(services.filter_map(|one| one.get("service")?.as_str().map(str::to_owned))).collect()
}

/// The fields that we set on the client subnet.
pub fn client(address_prefix: &str, security_group: Option<&ResourceId>) -> Value {
    match security_group {
        Some(id) => {
            json!({"properties": {"addressPrefix": address_prefix, "networkSecurityGroup": {"id": id.as_str()}}})
        }
        None => json!({"properties": {"addressPrefix": address_prefix}}),
    }
}

/// Without the read-only members (Azure REST, Subnets - Get).
fn normalise(body: &Value) -> Value {
    let mut body = body.clone();
    strip(&mut body, &["etag", "id", "name", "type"]);
    let Some(properties) = body.get_mut("properties") else { return body };
    strip(
        properties,
        &[
            "provisioningState",
            "ipConfigurations",
            "ipConfigurationProfiles",
            "privateEndpoints",
            "resourceNavigationLinks",
            "serviceAssociationLinks",
            "purpose",
        ],
    );
    let endpoints = properties.get_mut("serviceEndpoints").and_then(Value::as_array_mut);
    endpoints.into_iter().flatten().for_each(|one| strip(one, &["provisioningState"]));
    let delegations = properties.get_mut("delegations").and_then(Value::as_array_mut);
    for delegation in delegations.into_iter().flatten() {
        strip(delegation, &["id", "etag", "type"]);
        if let Some(inner) = delegation.get_mut("properties") {
            strip(inner, &["actions", "provisioningState"]);
        }
    }
    body
}

/// The address prefixes of a body, in either form.
pub fn address_prefixes(body: &Value) -> Vec<&str> {
    let Some(properties) = body.get("properties") else { return Vec::new() };
    let all = properties.get("addressPrefixes").and_then(Value::as_array).into_iter().flatten();
    all.chain(properties.get("addressPrefix")).filter_map(Value::as_str).collect()
}

/// Names of the service association links, which keep a subnet from being deleted.
pub fn service_association_links(body: &Value) -> Vec<String> {
    let list = body.pointer("/properties/serviceAssociationLinks").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|link| link.get("name")?.as_str().map(str::to_owned)).collect()
}

/// Ids of the IP configurations that hold an address.
pub fn ip_configurations(body: &Value) -> Vec<&str> {
    let list = body.pointer("/properties/ipConfigurations").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|one| one.get("id")?.as_str()).collect()
}

/// Name of the resource behind an IP configuration's id: its container group or network interface, or else the last
/// segment.
pub fn holder(configuration: &str) -> &str {
    let mut segments = configuration.split('/');
    let kinds = ["containerGroups", "networkInterfaces"];
    let named = segments.by_ref().find(|segment| kinds.iter().any(|kind| segment.eq_ignore_ascii_case(kind)));
    named.and_then(|_| segments.next()).unwrap_or_else(|| configuration.rsplit('/').next().unwrap_or(configuration))
}

/// The id in a member that refers to another resource, such as `natGateway`.
pub fn reference<'b>(body: &'b Value, member: &str) -> Option<&'b str> {
    body.get("properties")?.get(member)?.get("id")?.as_str()
}

/// Whether the subnet is delegated to container groups.
pub fn is_delegated(body: &Value) -> bool {
    services(body).any(|service| service.eq_ignore_ascii_case(CONTAINER_GROUPS))
}

/// The other service to which the subnet is delegated. A subnet can have only one delegation
/// (`SubnetHasMultipleDelegations`, MicrosoftDocs/azure-docs#28698).
pub fn other_service(body: &Value) -> Option<&str> {
    services(body).find(|service| !service.eq_ignore_ascii_case(CONTAINER_GROUPS))
}

fn services(body: &Value) -> impl Iterator<Item = &str> {
    let list = body.pointer("/properties/delegations").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|one| one.pointer("/properties/serviceName")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::{differences, merged};

    fn drift(want: &Value, have: &Value) -> Vec<String> {
        differences(want, &normalise(have), SUBNET.rules, &[]).into_iter().map(|one| one.path).collect()
    }

    #[test]
    fn delegation_compares_by_service_and_is_not_renamed() {
        let want = delegated("10.0.1.0/24", "acivnet-1", &Associations::default(), &[]);
        let renamed = json!({"properties": {"addressPrefixes": ["10.0.1.0/24"], "delegations": [
            {"name": "0", "properties": {"serviceName": "Microsoft.ContainerInstance/containergroups", "actions": []}}]}});
        assert_eq!(drift(&want, &renamed), Vec::<String>::new());
        let without = json!({"properties": {"addressPrefix": "10.0.1.0/24", "delegations": []}});
        assert_eq!(drift(&want, &without), [format!("properties.delegations[{CONTAINER_GROUPS}]")]);
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn associations_are_three_way() {
        let group = ResourceId::group_id("s", "g");
        let table = group.resource("Microsoft.Network/routeTables", "R");
        let actual = json!({"properties": {"addressPrefix": "10.0.1.0/24", "routeTable": {"id": table.folded()},
            "networkSecurityGroup": {"id": "n"}, "natGateway": {"id": "g"}, "serviceEndpointPolicies": [{"id": "p"}],
            "serviceEndpoints": [{"service": "Microsoft.Storage", "locations": ["japaneast"], "provisioningState": "Succeeded"}],
            "delegations": [{"name": "d", "properties": {"serviceName": CONTAINER_GROUPS}}]}});
        let with = |route_table: Option<&ResourceId>, services: &[&str], written: &[&str]| {
            let service_endpoints = services.iter().map(|one| (*one).to_owned()).collect();
            let wanted =
                Associations { route_table: route_table.cloned(), service_endpoints, ..Associations::default() };
            let written: Vec<String> = written.iter().map(|one| (*one).to_owned()).collect();
            let want = delegated("10.0.1.0/24", "d", &wanted, &written);
            let have = normalise(&actual);
            let found = differences(&want, &have, SUBNET.rules, &written).into_iter().map(|one| one.path).collect();
            (found, merged(&have, &want, SUBNET.rules, &written)["properties"].clone())
        };
        let (storage, keys) = ("Microsoft.Storage", ["routeTable", "Microsoft.Storage"]);
        type Case<'c> = (&'c str, Option<&'c ResourceId>, &'c [&'c str], &'c [&'c str], &'c [&'c str]);
        let cases: [Case<'_>; 6] = [
            ("nothing is wanted, and nothing was written", None, &[], &[], &[]),
            ("nothing differs", Some(&table), &[storage], &keys, &[]),
            (
                "others are wanted than others set",
                Some(&group),
                &["Microsoft.KeyVault"],
                &[],
                &["properties.routeTable.id", "properties.serviceEndpoints[Microsoft.KeyVault]"],
            ),
            ("the route table is no longer wanted", None, &[storage], &keys, &["properties.routeTable"]),
            (
                "the endpoint is no longer wanted",
                Some(&table),
                &[],
                &keys,
                &["properties.serviceEndpoints[Microsoft.Storage]"],
            ),
            (
                "neither is wanted any longer",
                None,
                &[],
                &keys,
                &["properties.routeTable", "properties.serviceEndpoints[Microsoft.Storage]"],
            ),
        ];
        for (case, route_table, services, written, differs) in cases {
            let (found, body): (Vec<String>, Value) = with(route_table, services, written);
            let mut found = found;
            found.sort();
            assert_eq!(found, differs, "{case}");
            for (name, id) in [("networkSecurityGroup", "n"), ("natGateway", "g")] {
                assert_eq!(body[name]["id"], id, "what others set is lost: {body}");
            }
            assert_eq!(body["serviceEndpointPolicies"], json!([{"id": "p"}]));
            let kept = body["serviceEndpoints"].as_array().unwrap().iter().any(|one| one["service"] == storage);
            assert_eq!(kept, written.is_empty() || services.contains(&storage), "{body}");
        }
        let written_now = written(&delegated(
            "10.0.1.0/24",
            "d",
            &Associations { route_table: Some(table), ..Associations::default() },
            &keys.map(str::to_owned),
        ));
        assert_eq!(written_now, ["routeTable"]);
    }

    #[test]
    fn merge_keeps_what_others_set() {
        let actual = json!({"etag": "W/\"1\"", "properties": {"provisioningState": "Succeeded", "addressPrefix": "10.0.0.0/24", "routeTable": {"id": "r"}, "ipConfigurations": [{"id": "i"}]}});
        let nsg = ResourceId::group_id("s", "g").resource("Microsoft.Network/networkSecurityGroups", "n");
        let body = merged(&normalise(&actual), &client("10.0.0.0/24", Some(&nsg)), SUBNET.rules, &[]);
        assert_eq!(
            body,
            json!({"properties": {"addressPrefix": "10.0.0.0/24", "routeTable": {"id": "r"}, "networkSecurityGroup": {"id": nsg.as_str()}}})
        );
    }
}
