//! Network security groups and their rules.

use super::*;

fn rule(name: &str, priority: u32) -> Value {
    json!({"name": name, "properties": {
        "priority": priority, "direction": "inbound", "access": "allow", "protocol": "TCP",
        "sourceAddressPrefix": "AzureMachineLearning", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "44224",
    }})
}

fn body(rules: &[Value]) -> Value {
    json!({"location": "westeurope", "properties": {"securityRules": rules}})
}

#[tokio::test]
async fn a_put_replaces_all_rules() {
    let bed = Bed::new().await;
    let answer = bed.put(&nsg(), body(&[rule("a", 100), rule("b", 110)])).await;
    assert_eq!((answer.status, answer.state(), answer.header("retry-after")), (201, "Updating", "3"));
    assert_eq!(answer.body["properties"]["defaultSecurityRules"][5]["properties"]["provisioningState"], "Updating");
    assert_eq!(answer.body["properties"]["securityRules"][0]["properties"]["provisioningState"], "Updating");
    bed.wait(2);
    let there = bed.get(&nsg()).await.body;
    let first = &there["properties"]["securityRules"][0];
    assert_eq!(first["id"], format!("{}/securityRules/a", nsg()));
    assert_eq!(first["properties"]["protocol"], "Tcp");
    assert_eq!(first["properties"]["direction"], "Inbound");
    assert_eq!(first["properties"]["sourcePortRanges"], json!([]));
    let defaults = there["properties"]["defaultSecurityRules"].as_array().unwrap();
    let priorities: Vec<u64> = defaults.iter().map(|it| it["properties"]["priority"].as_u64().unwrap()).collect();
    assert_eq!(priorities, [65000, 65001, 65500, 65000, 65001, 65500]);
    assert!(there["properties"].get("subnets").is_none());
    let same = bed.put(&nsg(), there.clone()).await;
    assert_eq!((same.status, same.state()), (200, "Succeeded"), "what GET gave is no change");
    let there = bed.stands(&nsg(), json!({"location": "westeurope"})).await;
    assert_eq!(there.body["properties"]["securityRules"], json!([]));
}

#[tokio::test]
async fn single_rules() {
    let bed = Bed::new().await;
    let path = format!("{}/securityRules/a", nsg());
    bed.put(&path, rule("a", 100)).await.expect(404, "ParentResourceNotFound");
    bed.stands(&nsg(), body(&[])).await;
    bed.get(&path).await.expect(404, "NotFound");
    let answer = bed.put(&path, rule("ignored", 100)).await;
    assert_eq!((answer.status, &answer.body["name"], answer.state()), (201, &json!("a"), "Updating"));
    bed.put(&path, rule("a", 101)).await.expect(429, "RetryableError");
    bed.wait(2);
    assert_eq!(bed.get(&path).await.state(), "Succeeded");
    bed.put(&format!("{}/securityRules/b", nsg()), rule("b", 100)).await.expect(400, "SecurityRuleConflict");
    assert_eq!(bed.get(&nsg()).await.body["properties"]["securityRules"].as_array().unwrap().len(), 1);
    let answer = bed.delete(&path).await;
    assert_eq!((answer.status, answer.header("retry-after")), (202, "10"));
    bed.wait(2);
    assert_eq!(bed.delete(&path).await.status, 204);
}

#[tokio::test]
async fn refused_rules() {
    let bed = Bed::new().await;
    let changed = |member: &str, value: Value| {
        let mut rule = rule("a", 100);
        rule["properties"][member] = value;
        rule
    };
    for (rules, code) in [
        (vec![rule("a", 100), rule("b", 100)], "SecurityRuleConflict"),
        (vec![rule("a", 99)], "SecurityRuleInvalidPriority"),
        (vec![rule("a", 4097)], "SecurityRuleInvalidPriority"),
        (vec![changed("destinationPortRange", json!("70000"))], "SecurityRuleInvalidPortRange"),
        (vec![changed("destinationPortRange", json!("20-10"))], "SecurityRuleInvalidPortRange"),
        (vec![changed("sourceAddressPrefix", json!("10.0.0.0/33"))], "SecurityRuleInvalidAddressPrefix"),
        (vec![changed("sourceAddressPrefixes", json!(["10.0.0.0/8"]))], "SecurityRuleInvalidParameter"),
        (vec![changed("protocol", json!("Sctp"))], "SecurityRuleInvalidValue"),
        (vec![changed("access", Value::Null)], "SecurityRuleInvalidValue"),
    ] {
        bed.put(&nsg(), body(&rules)).await.expect(400, code);
    }
    bed.get(&nsg()).await.expect(404, "ResourceNotFound");
    let mut outbound = rule("b", 100);
    outbound["properties"]["direction"] = json!("Outbound");
    assert_eq!(bed.put(&nsg(), body(&[rule("a", 100), outbound])).await.status, 201, "one priority per direction");
}

#[tokio::test]
async fn one_of_prefix_prefixes_and_groups() {
    let bed = Bed::new().await;
    let asg = json!([{"id": format!("{}/providers/Microsoft.Network/applicationSecurityGroups/a", group()), "location": "x"}]);
    let with = |members: Value| {
        let mut rule = rule("a", 100);
        let properties = rule["properties"].as_object_mut().unwrap();
        properties.remove("sourceAddressPrefix");
        properties.extend(members.as_object().unwrap().clone());
        body(&[rule])
    };
    for members in [
        json!({"sourceApplicationSecurityGroups": asg}),
        json!({"sourceAddressPrefix": "", "sourceAddressPrefixes": ["10.0.0.0/8"]}),
        json!({"sourceAddressPrefix": "789"}),
        json!({"sourceAddressPrefix": "*", "sourceAddressPrefixes": [], "sourceApplicationSecurityGroups": []}),
    ] {
        let there = bed.stands(&nsg(), with(members.clone())).await;
        assert_eq!(there.status, 200, "{members}");
    }
    for members in [
        json!({}),
        json!({"sourceAddressPrefix": "*", "sourceApplicationSecurityGroups": asg}),
        json!({"sourceAddressPrefixes": ["10.0.0.0/8"], "sourceApplicationSecurityGroups": asg}),
    ] {
        bed.put(&nsg(), with(members)).await.expect(400, "SecurityRuleInvalidParameter");
    }
}

#[tokio::test]
async fn association() {
    let bed = Bed::new().await;
    bed.stands(&nsg(), body(&[])).await;
    bed.stands(&vnet(), vnet_body()).await;
    let mut with = aci_body("10.0.1.0/24");
    with["properties"]["networkSecurityGroup"] = json!({"id": nsg().to_uppercase()});
    bed.stands(&subnet("a"), with).await;
    assert_eq!(bed.get(&nsg()).await.body["properties"]["subnets"], json!([{"id": subnet("a")}]));
    let answer = bed.delete(&nsg()).await.expect(400, "InUseNetworkSecurityGroupCannotBeDeleted");
    assert!(answer.message().contains(&subnet("a")));
    bed.stands(&subnet("a"), aci_body("10.0.1.0/24")).await;
    assert!(bed.get(&nsg()).await.body["properties"].get("subnets").is_none());
    let answer = bed.delete(&nsg()).await;
    assert_eq!((answer.status, answer.header("retry-after")), (202, "10"));
    bed.wait(3);
    bed.get(&nsg()).await.expect(404, "ResourceNotFound");
}
