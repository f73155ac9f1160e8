//! An accepted and a refused example for every CEL rule.

use super::{change, create};
use acivnet_tests::{
    examples::{self, Object},
    kube_bed::KubeBed,
    run,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is tried.
enum Try {
    /// A new object.
    New(Object),
    /// A change from one object to another.
    Change(Object, Object),
}

impl Try {
    /// The same new object with one more field set.
    fn edited(self, pointer: &str, value: impl Into<Value>) -> Self {
        match self {
            New(object) => New(object.with(pointer, value)),
            Change(old, new) => Change(old, new.with(pointer, value)),
        }
    }
}

/// A rule's message, what it takes, and what it refuses.
struct Rule {
    message: &'static str,
    accepted: Vec<Try>,
    refused: Vec<Try>,
}

fn rule(
    message: &'static str,
    accepted: impl IntoIterator<Item = Try>,
    refused: impl IntoIterator<Item = Try>,
) -> Rule {
    Rule { message, accepted: accepted.into_iter().collect(), refused: refused.into_iter().collect() }
}

use Try::{Change, New};

/// No example can break these, for the reason given.
const UNBREAKABLE: [(&str, &str); 1] =
    [("backend.type cannot change; create a new AciVnetDeployment", "there is one type only")];

#[test]
fn subnet_rules() {
    run(hold(&subnet_table()));
}

#[test]
fn deployment_rules() {
    run(hold(&deployment_table()));
}

#[test]
fn every_rule_has_examples() {
    let tried: BTreeSet<&str> = subnet_table().iter().chain(&deployment_table()).map(|rule| rule.message).collect();
    let unbreakable = UNBREAKABLE.iter().map(|(message, _)| *message);
    let known: BTreeSet<&str> = tried.iter().copied().chain(unbreakable).collect();
    let stated = stated_messages();
    let stated: BTreeSet<&str> = stated.iter().map(String::as_str).collect();
    assert_eq!(known, stated, "messages with examples, and messages in the definitions");
    let backend = acivnet_api::crds().map(|crd| serde_json::to_value(crd).expect("JSON"));
    let types = backend[0]
        .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/backend/properties/type/enum");
    assert_eq!(types.and_then(Value::as_array).map(Vec::len), Some(1), "give backend.type examples: it can change now");
}

async fn hold(table: &[Rule]) {
    let bed = KubeBed::shared().await;
    let namespace = bed.namespace("rules").await;
    let mut wrong = Vec::new();
    for Rule { message, accepted, refused } in table {
        assert!(!accepted.is_empty() && !refused.is_empty(), "{message}: needs an accepted and a refused example");
        for (number, example) in accepted.iter().enumerate() {
            if let Err(said) = attempt(bed, &namespace, example).await {
                wrong.push(format!("{message}\n  accepted example {number} is refused: {said}"));
            }
        }
        for (number, example) in refused.iter().enumerate() {
            match attempt(bed, &namespace, example).await {
                Err(said) if said.contains(message) => {}
                answer => wrong.push(format!("{message}\n  refused example {number}: {answer:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn attempt(bed: &KubeBed, namespace: &str, example: &Try) -> Result<(), String> {
    match example {
        New(object) => create(bed, namespace, object).await,
        Change(old, new) => change(bed, namespace, old, new).await,
    }
}

/// Every message of an `x-kubernetes-validations` in both definitions.
fn stated_messages() -> BTreeSet<String> {
    fn collect(schema: &Value, messages: &mut BTreeSet<String>) {
        match schema {
            Value::Object(members) => {
                for validation in
                    members.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten()
                {
                    let message = validation.get("message").and_then(Value::as_str);
                    messages
                        .insert(message.unwrap_or_else(|| panic!("a rule without message: {validation}")).to_owned());
                }
                members.values().for_each(|member| collect(member, messages));
            }
            Value::Array(list) => list.iter().for_each(|item| collect(item, messages)),
            _ => {}
        }
    }
    let mut messages = BTreeSet::new();
    for crd in acivnet_api::crds() {
        collect(&serde_json::to_value(&crd).expect("JSON"), &mut messages);
    }
    messages
}

const NAME: &str = "metadata.name must have at most 63 characters: the owner mark must fit an Azure tag";
const OWN_TAG: &str = "tags that begin with acivnet- are the controller's own marks";
const PREFIX: &str = "IPv4, /28 or larger, without host bits";
const CANNOT_OVERLAP: &str = "subnet.addressPrefix and clientSubnet.addressPrefix must not overlap";

/// A route table of a subscription.
fn table(subscription: u32) -> String {
    examples::network_id("routeTables/hub").replace("000000000001", &format!("00000000000{subscription}"))
}

fn subnet_table() -> Vec<Rule> {
    let new = || New(examples::subnet());
    let subnet = examples::subnet;
    let with = |pointer: &str, value: Value| New(examples::subnet().with(pointer, value));
    let changed = |pointer: &str, value: Value| Change(examples::subnet(), examples::subnet().with(pointer, value));
    let prefix = "/spec/subnet/addressPrefix";
    let client_prefix = "/spec/clientSubnet/addressPrefix";
    let group = "/spec/clientSubnet/networkSecurityGroup";
    let rules = |rules: Value| {
        New(examples::full_subnet().with("/spec/clientSubnet/networkSecurityGroup/securityRules", rules))
    };
    let security_rule = |name: &str, priority: i32, direction: &str| json!({"name": name, "priority": priority, "direction": direction, "access": "Allow", "protocol": "Tcp"});
    let own_group = subnet().with("/spec/virtualNetwork/resourceGroup", "rg-network");
    let without_client = || subnet().without("/spec/clientSubnet");
    let egress = |egress: Value| with("/spec/egress", egress);
    let by = |gateway: Value| json!({"type": "NATGateway", "natGateway": gateway});
    let by_id = |number: u32| by(json!({"id": table(number).replace("routeTables", "natGateways")}));
    let referenced = || subnet().with("/spec/subnet/management", "Reference");
    let instance = "/spec/clientSubnet/computeInstance";
    let with_instance = || subnet().with(instance, examples::compute_instance());
    let not_cidr = ["10.0.1.5/24", "10.0.1.0/29", "10.0.0.0/7", "fd00::/28", "10.0.1.0", "nonsense"];
    vec![
        rule(NAME, [New(subnet().named(&"a".repeat(63)))], [New(subnet().named(&"a".repeat(64)))]),
        rule(
            OWN_TAG,
            [with("/spec/azure/tags", json!([{"name": "acivnet", "value": "x"}]))],
            [with("/spec/azure/tags", json!([{"name": "acivnet-owner", "value": "x"}]))],
        ),
        rule(
            "azure.subscriptionID, azure.resourceGroup and azure.location cannot change; create a new DelegatedSubnet",
            [changed("/spec/azure/tags", json!([{"name": "a", "value": "b"}]))],
            [
                changed("/spec/azure/subscriptionID", json!("00000000-0000-0000-0000-000000000002")),
                changed("/spec/azure/resourceGroup", json!("other")),
                changed("/spec/azure/location", json!("westeurope")),
            ],
        ),
        rule(
            "virtualNetwork.name and virtualNetwork.resourceGroup cannot change; create a new DelegatedSubnet",
            [
                changed("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "10.1.0.0/16"])),
                changed("/spec/virtualNetwork/management", json!("Reference")),
            ],
            [
                changed("/spec/virtualNetwork/name", json!("other")),
                changed("/spec/virtualNetwork/resourceGroup", json!("rg-network")),
                Change(own_group.clone(), subnet()),
                Change(own_group.clone(), own_group.with("/spec/virtualNetwork/resourceGroup", "other")),
            ],
        ),
        rule(
            "subnet.name and subnet.addressPrefix cannot change; create a new DelegatedSubnet",
            [changed("/spec/subnet/management", json!("Reference"))],
            [changed("/spec/subnet/name", json!("other")), changed(prefix, json!("10.0.2.0/24"))],
        ),
        rule(
            "clientSubnet.name and clientSubnet.addressPrefix cannot change, and clientSubnet cannot be removed; create a new DelegatedSubnet",
            [Change(without_client(), subnet()), changed(&format!("{group}/preset"), json!("None"))],
            [
                Change(subnet(), without_client()),
                changed("/spec/clientSubnet/name", json!("other")),
                changed(client_prefix, json!("10.0.2.0/24")),
            ],
        ),
        rule(
            "clientSubnet.computeInstance.name and .workspace cannot change, and computeInstance cannot be removed; create a new DelegatedSubnet",
            [
                Change(subnet(), with_instance()),
                Change(with_instance(), with_instance().with(&format!("{instance}/vmSize"), "STANDARD_D2")),
                Change(with_instance(), with_instance().with(&format!("{instance}/deletion"), "Delete")),
            ],
            [
                Change(with_instance(), subnet()),
                Change(with_instance(), with_instance().with(&format!("{instance}/name"), "other")),
                Change(with_instance(), with_instance().with(&format!("{instance}/workspace/name"), "other")),
                Change(with_instance(), with_instance().without(&format!("{instance}/workspace/resourceGroup"))),
            ],
        ),
        rule(
            "virtualNetwork.addressPrefixes is required with virtualNetwork.management: Create",
            [
                New(subnet()
                    .without("/spec/virtualNetwork/addressPrefixes")
                    .with("/spec/virtualNetwork/management", "Reference")),
                new(),
            ],
            [
                New(subnet().without("/spec/virtualNetwork/addressPrefixes")),
                with("/spec/virtualNetwork/addressPrefixes", json!([])),
            ],
        ),
        rule(
            "each must be an IPv4 prefix without host bits, /8 to /28",
            [
                with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/8"])),
                with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "192.168.0.0/28"])),
            ],
            ["10.0.1.0/16", "10.0.0.0/7", "192.168.0.0/29", "fd00::/28", "10.0.0.0", "nonsense"]
                .map(|one| with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", one]))),
        ),
        rule(
            "subnet.addressPrefix must lie inside one of virtualNetwork.addressPrefixes",
            [with("/spec/virtualNetwork/addressPrefixes", json!(["192.168.0.0/16", "10.0.0.0/16"]))],
            [with(prefix, json!("10.1.1.0/24")), with(prefix, json!("10.0.0.0/15"))],
        ),
        rule(
            "clientSubnet.addressPrefix must lie inside one of virtualNetwork.addressPrefixes",
            [with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.1.0/24", "10.0.0.0/24"]))],
            [with(client_prefix, json!("10.1.0.0/24"))],
        ),
        rule(
            CANNOT_OVERLAP,
            [with(client_prefix, json!("10.0.2.0/23"))],
            [
                with(client_prefix, json!("10.0.1.0/24")),
                with(client_prefix, json!("10.0.1.128/25")),
                with(client_prefix, json!("10.0.0.0/23")),
            ],
        ),
        rule(
            "subnet.name and clientSubnet.name must differ",
            [new()],
            [with("/spec/clientSubnet/name", json!("amlsubnet1"))],
        ),
        rule(
            PREFIX,
            [
                with(prefix, json!("10.0.1.0/28")),
                with(prefix, json!("10.0.128.0/17")),
                with(client_prefix, json!("10.0.0.0/28")),
            ],
            not_cidr
                .map(|one| with(prefix, json!(one)))
                .into_iter()
                .chain(not_cidr.map(|one| with(client_prefix, json!(one)))),
        ),
        rule(
            "subnet.networkSecurityGroupID, subnet.routeTableID and egress.natGateway.id must lie in azure.subscriptionID",
            [
                egress(by_id(1)),
                New(examples::full_subnet()),
                with("/spec/subnet/routeTableID", json!(table(1).replace("resourceGroups", "resourcegroups"))),
            ],
            [
                egress(by_id(2)),
                with("/spec/subnet/routeTableID", json!(table(2))),
                with(
                    "/spec/subnet/networkSecurityGroupID",
                    json!(table(2).replace("routeTables", "networkSecurityGroups")),
                ),
            ],
        ),
        rule(
            "egress.type NATGateway needs subnet.management: Create; a referenced subnet is never changed, so say Existing or None",
            [egress(by_id(1)), New(referenced().with("/spec/egress", json!({"type": "Existing"})))],
            [New(referenced().with("/spec/egress", by_id(1)))],
        ),
        rule(
            "set exactly the member named by type: natGateway with type NATGateway, none with the others",
            ["Existing", "None"].map(|one| egress(json!({"type": one}))).into_iter().chain([egress(by_id(1))]),
            [
                egress(json!({"type": "NATGateway"})),
                egress(by_id(1)).edited("/spec/egress/type", "Existing"),
                egress(by_id(1)).edited("/spec/egress/type", "None"),
            ],
        ),
        rule(
            "natGateway takes either id, of one that stands, or name, of one to be made",
            [egress(by_id(1)), egress(by(json!({"name": "nat"})))],
            [egress(by(json!({}))), egress(by_id(1)).edited("/spec/egress/natGateway/name", "nat")],
        ),
        rule(
            "publicIPCount goes with name",
            [egress(by(json!({"name": "nat", "publicIPCount": 16})))],
            [egress(by_id(1)).edited("/spec/egress/natGateway/publicIPCount", 1)],
        ),
        rule(
            "networkSecurityGroupID, routeTableID and serviceEndpoints need management: Create; a referenced subnet is never changed",
            [with("/spec/subnet/routeTableID", json!(table(1))), with("/spec/subnet/management", json!("Reference"))],
            [
                New(subnet().with("/spec/subnet/routeTableID", table(1)).with("/spec/subnet/management", "Reference")),
                New(subnet()
                    .with("/spec/subnet/serviceEndpoints", json!([{"service": "Microsoft.Storage"}]))
                    .with("/spec/subnet/management", "Reference")),
                New(examples::full_subnet().with("/spec/subnet/management", "Reference")),
            ],
        ),
        rule(
            "a subnet made here carries a security group made here: management: Create needs networkSecurityGroup.management: Create",
            [new(), New(subnet().without(group).with("/spec/clientSubnet/management", "Reference"))],
            [New(subnet().without(group)), with(&format!("{group}/management"), json!("Reference"))],
        ),
        rule(
            "two securityRules of one direction have the same priority",
            [rules(json!([
                security_rule("a", 200, "Inbound"),
                security_rule("b", 200, "Outbound"),
                security_rule("c", 201, "Inbound")
            ]))],
            [rules(json!([security_rule("a", 200, "Inbound"), security_rule("b", 200, "Inbound")]))],
        ),
        rule(
            "preset ComputeInstance takes the rule name AllowAzureMachineLearning and the inbound priority 100",
            [rules(json!([security_rule("a", 100, "Outbound"), security_rule("b", 101, "Inbound")]))],
            [
                rules(json!([security_rule("AllowAzureMachineLearning", 200, "Inbound")])),
                rules(json!([security_rule("a", 100, "Inbound")])),
            ],
        ),
    ]
}

fn deployment_table() -> Vec<Rule> {
    let deployment = examples::deployment;
    let with = |pointer: &str, value: Value| New(examples::deployment().with(pointer, value));
    let several = |pointer: &str, values: &[Value]| -> Vec<Try> {
        values.iter().map(|value| New(examples::deployment().with(pointer, value.clone()))).collect()
    };
    let named_service = deployment().with("/spec/backend/azureMLWebService/serviceName", "churn");
    let own_group = deployment().with("/spec/workspace/resourceGroup", "amlrg");
    let one = |name: &str| json!([{"name": name, "value": "x"}]);
    let hostname =
        |name: &str| New(deployment().with("/spec/tls", json!({"secretRef": {"name": "churn-tls"}, "hostname": name})));
    let with_properties = |list: Value| examples::deployment().with("/spec/backend/azureMLWebService/properties", list);
    vec![
        rule(
            NAME,
            [New(named_service.clone().named(&"a".repeat(63)))],
            [New(named_service.clone().named(&"a".repeat(64)))],
        ),
        rule(
            "metadata.name is the name of the web service: 3 to 32 lower-case letters, digits and '-', beginning with a letter and not ending with '-'; or set backend.azureMLWebService.serviceName",
            [
                New(deployment().named("abc")),
                New(deployment().named(&"a".repeat(32))),
                New(deployment().named("a-1")),
                New(named_service.clone().named("1.2")),
            ],
            ["ab", "1abc", "a.b.c"]
                .map(|name| New(deployment().named(name)))
                .into_iter()
                .chain([New(deployment().named(&"a".repeat(33)))]),
        ),
        rule(
            "backend.azureMLWebService.serviceName cannot change; create a new AciVnetDeployment",
            [
                Change(named_service.clone(), named_service.clone().with("/spec/description", "other")),
                Change(deployment(), deployment().with("/spec/backend/azureMLWebService", json!({}))),
            ],
            [
                Change(
                    named_service.clone(),
                    named_service.clone().with("/spec/backend/azureMLWebService/serviceName", "other"),
                ),
                Change(named_service.clone(), deployment()),
                Change(deployment(), named_service.clone()),
            ],
        ),
        rule(
            "workspace cannot change; create a new AciVnetDeployment",
            [Change(own_group.clone(), own_group.clone().with("/spec/description", "other"))],
            [
                Change(deployment(), deployment().with("/spec/workspace/name", "other")),
                Change(deployment(), own_group.clone()),
                Change(own_group.clone(), deployment()),
                Change(own_group.clone(), own_group.clone().with("/spec/workspace/resourceGroup", "other")),
            ],
        ),
        rule(
            "backend.azureMLWebService.properties is add-only, as in Azure: none can change or go; create a new AciVnetDeployment",
            [
                Change(deployment(), with_properties(json!([{"name": "a", "value": "1"}]))),
                Change(
                    with_properties(json!([{"name": "a", "value": "1"}])),
                    with_properties(json!([{"name": "b", "value": "2"}, {"name": "a", "value": "1"}])),
                ),
            ],
            [json!([{"name": "a", "value": "2"}]), json!([{"name": "b", "value": "1"}]), json!([])]
                .map(|changed| Change(with_properties(json!([{"name": "a", "value": "1"}])), with_properties(changed)))
                .into_iter()
                .chain([
                    Change(with_properties(one("a")), deployment()),
                    Change(with_properties(one("a")), deployment().with("/spec/backend/azureMLWebService", json!({}))),
                ]),
        ),
        rule(
            "auth.keys goes with type: Key",
            [
                with("/spec/auth", json!({"type": "None"})),
                with("/spec/auth", json!({"type": "Key", "keys": {"secretRef": {"name": "a"}}})),
            ],
            [
                with("/spec/auth", json!({"type": "Key"})),
                with("/spec/auth", json!({"type": "None", "keys": {"secretRef": {"name": "a"}}})),
            ],
        ),
        rule(
            "tls.hostname must be a DNS name in lower case with a dot in it, such as churn.ml.corp",
            ["churn.ml.corp", "a.b", "xn--bcher-kva.example", "1.a-b.corp"].map(hostname),
            ["churn", "Churn.ml.corp", "10.0.1.4", "*.ml.corp", "churn..corp", "-churn.corp", "churn.corp/score"]
                .map(hostname),
        ),
        rule(
            "set exactly one of value and valueFrom",
            [with("/spec/scoring/environmentVariables", json!([examples::from_secret(), {"name": "A", "value": ""}]))],
            [
                with("/spec/scoring/environmentVariables", json!([{"name": "A"}])),
                New(deployment()
                    .with("/spec/scoring/environmentVariables", json!([examples::from_secret()]))
                    .with("/spec/scoring/environmentVariables/0/value", "x")),
            ],
        ),
        rule(OWN_TAG, [with("/spec/azure/tags", one("owner"))], [with("/spec/azure/tags", one("acivnet-owner"))]),
        rule(
            "names that begin with acivnet- are the controller's own marks",
            [with("/spec/model/properties", one("acivnet")), with("/spec/model/tags", one("team"))],
            [with("/spec/model/properties", one("acivnet-key")), with("/spec/model/tags", one("acivnet-"))],
        ),
        rule(
            "set exactly one source: configMap, registered or uri",
            [
                New(deployment()),
                with("/spec/model/source", json!({"configMap": {"name": "churn"}})),
                with("/spec/model/source", json!({"registered": {}})),
                with("/spec/model/source", json!({"uri": "https://stml.blob.core.windows.net/models/v1/model.pkl"})),
                with("/spec/model/source", json!({"registered": {"version": "7"}})),
            ],
            several(
                "/spec/model/source",
                &[
                    json!({}),
                    json!({"configMap": {"name": "churn"}, "registered": {"version": "7"}}),
                    json!({"registered": {}, "uri": "https://a.example.org/m"}),
                ],
            ),
        ),
        rule(
            "a registered version is taken as it is: description, framework, tags and properties belong to one that is registered here",
            [with("/spec/model", json!({"name": "m", "source": {"registered": {}}}))],
            several(
                "/spec/model",
                &[
                    json!({"name": "m", "source": {"registered": {}}, "description": "x"}),
                    json!({"name": "m", "source": {"registered": {}}, "framework": "Onnx"}),
                    json!({"name": "m", "source": {"registered": {}}, "tags": [{"name": "a", "value": "b"}]}),
                    json!({"name": "m", "source": {"registered": {}}, "properties": [{"name": "a", "value": "b"}]}),
                ],
            ),
        ),
        rule(
            "not a file name",
            [with("/spec/model/source/configMap/key", json!("..."))],
            several("/spec/model/source/configMap/key", &[json!("."), json!("..")]),
        ),
        rule(
            "the key must be the name of a Python module, such as score.py",
            [with("/spec/scoring/script/configMap/key", json!("_my_score2.py"))],
            several(
                "/spec/scoring/script/configMap/key",
                &[json!("score"), json!("2score.py"), json!("my-score.py"), json!("score.pyc"), json!("a.b.py")],
            ),
        ),
        rule(
            "frameworkVersion needs framework",
            [
                with("/spec/model/framework", json!("Onnx")),
                New(deployment().with("/spec/model/framework", "Onnx").with("/spec/model/frameworkVersion", "1.2")),
            ],
            [with("/spec/model/frameworkVersion", json!("1.2"))],
        ),
        rule(
            "names that begin with AZUREML_ belong to Azure ML",
            [with("/spec/scoring/environmentVariables", one("AZURE_ML"))],
            [with("/spec/scoring/environmentVariables", one("AZUREML_MODEL_DIR"))],
        ),
        rule(
            "names that begin with Microsoft or AzureML belong to Azure ML",
            [with("/spec/environment/name", json!("my-AzureML"))],
            several("/spec/environment/name", &[json!("AzureML-mine"), json!("Microsoft1")]),
        ),
        rule(
            "cpu must be a quantity greater than 0 and at most 31",
            several(
                "/spec/resources/cpu",
                &[json!(1), json!("1"), json!("500m"), json!("0.5"), json!(31), json!("31000m"), json!("1n")],
            ),
            several(
                "/spec/resources/cpu",
                &[json!(0), json!("0"), json!("-1"), json!(32), json!("31001m"), json!("one"), json!("")],
            ),
        ),
        rule(
            "memory must be a quantity greater than 0 and at most 240G",
            several(
                "/spec/resources/memory",
                &[json!("1G"), json!("512Mi"), json!("240G"), json!(1_000_000_000), json!("1e9")],
            ),
            several(
                "/spec/resources/memory",
                &[json!("0"), json!("-1G"), json!("241G"), json!("224Gi"), json!("1 GB"), json!("")],
            ),
        ),
        rule(
            "must be a regular expression (RE2)",
            several("/spec/probe/expect/bodyMatches", &[json!("^\\[[0-9.]+"), json!("(?i)churn"), json!("a{1,3}|\\d")]),
            several("/spec/probe/expect/bodyMatches", &[json!("("), json!("[a"), json!("*"), json!("(?=a)")]),
        ),
        rule(
            "timeoutSeconds must be less than intervalSeconds",
            [
                with("/spec/probe/intervalSeconds", json!(11)),
                New(deployment().with("/spec/probe/intervalSeconds", 61).with("/spec/probe/timeoutSeconds", 60)),
            ],
            [
                with("/spec/probe/intervalSeconds", json!(10)),
                New(deployment().with("/spec/probe/intervalSeconds", 30).with("/spec/probe/timeoutSeconds", 30)),
            ],
        ),
    ]
}
