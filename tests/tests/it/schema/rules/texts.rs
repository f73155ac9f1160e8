//! Rules of one text each: what names, ids, prefixes and ports may hold, tried on every field that holds one.

use super::{Rule, Try::New, rule};
use acivnet_tests::examples::{self, Object, network_id};
use serde_json::{Value, json};

/// Every text tried on every field.
fn text(message: &'static str, of: &Object, fields: &[&str], accepted: &[&str], refused: &[&str]) -> Rule {
    let values = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect::<Vec<_>>();
    value(message, of, fields, &values(accepted), &values(refused))
}

fn value(message: &'static str, of: &Object, fields: &[&str], accepted: &[Value], refused: &[Value]) -> Rule {
    let tried = |values: &[Value]| {
        let each =
            |field: &&str| values.iter().map(|value| New(of.clone().with(field, value.clone()))).collect::<Vec<_>>();
        fields.iter().flat_map(each).collect::<Vec<_>>()
    };
    rule(message, tried(accepted), tried(refused))
}

const GUID: &str = "must be a GUID, such as 00000000-0000-0000-0000-000000000001";
const RESOURCE_GROUP: &str = "must be the name of a resource group, not its id: letters of any script, digits, '-', '_', '.' and parentheses, not ending with '.', such as rg-ml";
const RESOURCE_GROUPS: (&[&str], &[&str]) = (
    &["rg-ml", "Ünï-rg", "機械学習", "Машинное_обучение", "a.b", "(x)", "٣", LONGEST_GROUP],
    &["rg.", "a b", "a/b", "/subscriptions/x/resourceGroups/rg", "rg%41", "a?b", "a#b", "½", "rg\n"],
);
const LONGEST_GROUP: &str = "ありがとうありがとうありがとうありがとうありがとうありがとうありがとうありがとうありがとうありがとうありがとうありがとうありがとうありがとうありがとうありがとうありがとうありがとう";
const WORKSPACE: &str = "must be the name of a workspace: letters, digits, '-' and '_', beginning with a letter or digit, such as mlws-prod";
const WORKSPACES: (&[&str], &[&str]) = (&["mlws-prod", "9_a"], &["_ab", "a b", "a.b", "ünïs"]);
const NETWORK_NAME: &str = "must be a name that Azure accepts: letters, digits, '-', '_' and '.', beginning with a letter or digit and ending with a letter, digit or '_', such as ml-subnet_1";

/// Ids that name this type, and ids that do not.
fn ids(arm_type: &str) -> (Vec<String>, Vec<String>) {
    let id = network_id(&format!("{arm_type}/x1"));
    let accepted = vec![
        id.clone(),
        id.to_lowercase(),
        id.to_uppercase(),
        id.replace("amlrg", "機械学習"),
        id.replace("amlrg", "(a).b"),
        id.replace("/x1", "/a.b-c_"),
    ];
    let refused = vec![
        "x1".to_owned(),
        id.trim_start_matches('/').to_owned(),
        format!("{id}/"),
        format!("{id}/subnets/default"),
        format!("{id}?api-version=2024-05-01"),
        format!("https://management.azure.com{id}"),
        id.replace(arm_type, "virtualNetworks"),
        id.replace("Microsoft.Network", "Wrong.Provider"),
        id.replace("Microsoft.Network", "MicrosoftXNetwork"),
        id.replace("amlrg", "amlrg."),
        id.replace("amlrg", "a/b"),
        id.replace("/x1", "/x1-"),
        id.replace("00000000-0000-0000-0000-000000000001", "000000000000-0000-0000-000000000001-"),
        id.replace("/resourceGroups/amlrg", ""),
        format!("{id}\n"),
    ];
    (accepted, refused)
}

fn id_rule(message: &'static str, of: &Object, field: &str, arm_type: &str) -> Rule {
    let (accepted, refused) = ids(arm_type);
    let texts = |list: &[String]| list.iter().map(|one| json!(one)).collect::<Vec<_>>();
    value(message, of, &[field], &texts(&accepted), &texts(&refused))
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn of_subnet() -> Vec<Rule> {
    let (plain, full) = (examples::subnet(), examples::full_subnet());
    let by_id = plain.clone().with("/spec/egress", json!({"type": "NATGateway", "natGateway": {"id": ""}}));
    let user = "/spec/clientSubnet/computeInstance/assignedUser";
    let names = [
        "/spec/virtualNetwork/name",
        "/spec/subnet/name",
        "/spec/clientSubnet/name",
        "/spec/clientSubnet/networkSecurityGroup/name",
        "/spec/clientSubnet/networkSecurityGroup/securityRules/0/name",
        "/spec/egress/natGateway/name",
    ];
    let groups = [
        "/spec/azure/resourceGroup",
        "/spec/virtualNetwork/resourceGroup",
        "/spec/clientSubnet/computeInstance/workspace/resourceGroup",
    ];
    let of_rule = |field: &str| format!("/spec/clientSubnet/networkSecurityGroup/securityRules/0/{field}");
    let (from, to) = (of_rule("sourceAddressPrefix"), of_rule("destinationAddressPrefix"));
    let (from_port, to_port) = (of_rule("sourcePortRange"), of_rule("destinationPortRange"));
    let guids = (["0f8fad5b-D9CB-469f-a165-70867728950e"], ["0f8fad5bd9cb469fa16570867728950e", "me", ""]);
    vec![
        text(GUID, &plain, &["/spec/azure/subscriptionID"], &guids.0, &guids.1),
        text(GUID, &full, &[&format!("{user}/objectID"), &format!("{user}/tenantID")], &guids.0, &guids.1),
        text(RESOURCE_GROUP, &full, &groups, RESOURCE_GROUPS.0, RESOURCE_GROUPS.1),
        text(
            "must be a region by its short name, in lower case and without spaces, such as japaneast for Japan East",
            &full,
            &["/spec/azure/location"],
            &["japaneast", "westus2"],
            &["Japan East", "JapanEast", "japan-east"],
        ),
        text(
            NETWORK_NAME,
            &full,
            &names,
            &["ml-subnet_1", "a.b", "9x", "x_"],
            &["_a", "a-", "a.", "-a", "a b", "a$b", "a/b", "ünï", "ab\n"],
        ),
        text(
            "Azure reserves this name for the subnet of one of its own services, which can't be delegated; choose another, such as ml-subnet",
            &plain,
            &["/spec/subnet/name"],
            &["ml-subnet", "GatewaySubnet2"],
            &[
                "GatewaySubnet",
                "gatewaysubnet",
                "AzureFirewallSubnet",
                "AzureFirewallManagementSubnet",
                "AzureBastionSubnet",
                "RouteServerSubnet",
            ],
        ),
        id_rule(
            "must be the id of a network security group and nothing below it, such as /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/Microsoft.Network/networkSecurityGroups/nsg-ml",
            &plain,
            "/spec/subnet/networkSecurityGroupID",
            "networkSecurityGroups",
        ),
        id_rule(
            "must be the id of a route table and nothing below it, such as /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/Microsoft.Network/routeTables/rt-ml",
            &plain,
            "/spec/subnet/routeTableID",
            "routeTables",
        ),
        id_rule(
            "must be the id of a NAT gateway and nothing below it, such as /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/Microsoft.Network/natGateways/nat-ml",
            &by_id,
            "/spec/egress/natGateway/id",
            "natGateways",
        ),
        text(
            "must be a service as Azure names it, such as Microsoft.Storage or Microsoft.KeyVault",
            &full,
            &["/spec/subnet/serviceEndpoints/0/service"],
            &["Microsoft.KeyVault", "Microsoft.Storage.Global"],
            &["microsoft.storage", "Microsoft.Storage/x", "Storage.Accounts", "Microsoft.Storage."],
        ),
        text(
            "must be one prefix or address, a service tag or '*', such as 10.1.0.0/24, VirtualNetwork or Storage.JapanEast; for a list, write one rule for each",
            &full,
            &[&from, &to],
            &[
                "*",
                "10.1.0.0/24",
                "10.1.0.5/24",
                "10.0.0.4",
                "fd00::/64",
                "VirtualNetwork",
                "INTERNET",
                "Storage.JapanEast",
            ],
            &[
                "10.0.0.0/8,10.1.0.0/16",
                "Any",
                "any",
                "",
                "10.0.0.0/33",
                "10.0.0.300",
                "10.0.0.1-10.0.0.9",
                "Virtual Network",
            ],
        ),
        value(
            "must be one port, a range or '*', such as 443, 8000-8080 or '*', up to 65535; for a list such as 80,443, write one rule for each",
            &full,
            &[&from_port, &to_port],
            &[json!("443"), json!(443), json!("8000-8080"), json!("*"), json!("0"), json!("0-65535"), json!("22-22")],
            &[
                "80,443",
                "443-",
                "-443",
                "65536",
                "1-65536",
                "8080-8000",
                "http",
                "",
                "80 - 90",
                "1-2-3",
                "99999999999999",
            ]
            .map(Value::from)
            .into_iter()
            .chain([json!(65536), json!(-1), json!(9_000_000_000_000_u64)])
            .collect::<Vec<_>>(),
        ),
        text(
            "must be the size of a virtual machine as Azure names it, such as STANDARD_DS3_V2",
            &full,
            &["/spec/clientSubnet/computeInstance/vmSize"],
            &["STANDARD_DS3_V2", "Standard_NC4as_T4_v3"],
            &["Standard D2", "Standard-D2", "2x"],
        ),
        text(
            "must be letters, digits and '-', beginning with a letter and without '-' before trailing digits, such as ml-desk1",
            &full,
            &["/spec/clientSubnet/computeInstance/name"],
            &["amlci", "ml-desk1", "a12"],
            &["1ab", "ab-1", "a_b", "ab-", "a.b"],
        ),
        text(WORKSPACE, &full, &["/spec/clientSubnet/computeInstance/workspace/name"], WORKSPACES.0, WORKSPACES.1),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn of_deployment() -> Vec<Rule> {
    let full = examples::full_deployment();
    let from_secret = full.clone().with("/spec/scoring/environmentVariables", json!([examples::from_secret()]));
    let registered = full.clone().with("/spec/model", json!({"name": "m", "source": {"registered": {}}}));
    let behind = full.clone().with("/spec/model/source", json!({"uri": ""}));
    let secret = "/spec/scoring/environmentVariables/0/valueFrom/secretKeyRef";
    let objects = [
        "/spec/network/subnetRef/name",
        "/spec/model/source/configMap/name",
        "/spec/scoring/script/configMap/name",
        "/spec/scoring/extraFiles/configMap/name",
        "/spec/environment/conda/configMap/name",
        "/spec/probe/request/configMap/name",
        "/spec/auth/keys/secretRef/name",
        "/spec/tls/secretRef/name",
        &format!("{secret}/name"),
    ];
    let keys = [
        "/spec/model/source/configMap/key",
        "/spec/environment/conda/configMap/key",
        "/spec/probe/request/configMap/key",
        &format!("{secret}/key"),
    ];
    let vault = "/spec/encryption/keyVaultKey";
    vec![
        text(RESOURCE_GROUP, &full, &["/spec/workspace/resourceGroup"], RESOURCE_GROUPS.0, RESOURCE_GROUPS.1),
        text(WORKSPACE, &full, &["/spec/workspace/name"], WORKSPACES.0, WORKSPACES.1),
        text(
            "must be lower-case letters, digits and '-', beginning with a letter and not ending with '-', such as churn-service",
            &full,
            &["/spec/backend/azureMLWebService/serviceName"],
            &["churn-service", "a-1"],
            &["Churn", "churn-", "1churn", "a_b", "a.b"],
        ),
        text(
            "must be the name of a Kubernetes object: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit, such as churn-files",
            &from_secret,
            &objects,
            &["churn-files", "a.b"],
            &["Churn", "-a", "a_b", "a b", "a-"],
        ),
        text(
            "must be a key of a ConfigMap or Secret: letters, digits, '-', '_' and '.', such as score.py",
            &from_secret,
            &keys,
            &["score.py", "_A-1"],
            &["a b", "a/b", "ä", "a\n"],
        ),
        text(
            "must be letters, digits, '-', '_' and '.', beginning with a letter or digit, such as churn-model",
            &full,
            &["/spec/model/name", "/spec/environment/name"],
            &["churn-model", "1.a_b"],
            &["-a", "a b", "a:1", "a/b", "ä"],
        ),
        text(
            "must be https, a host in lower case, and a path that ends with the name of the file, without user, query or fragment, such as https://stml.blob.core.windows.net/models/churn.pkl",
            &behind,
            &["/spec/model/source/uri"],
            &["https://stml.blob.core.windows.net/models/churn.pkl", "https://files.corp:8443/a%20b/m.bin"],
            &[
                "http://files.corp/m.bin",
                "https://files.corp/models/",
                "https://Files.corp/models/m.bin",
                "https://me:pw@files.corp/m.bin",
                "https://files.corp/m.bin?sig=x",
                "https://files.corp/m.bin#x",
            ],
        ),
        value(
            "must be a whole number greater than 0, such as 7",
            &registered,
            &["/spec/model/source/registered/version"],
            &[json!("7"), json!(7), json!("4711")],
            &[
                json!("0"),
                json!(0),
                json!(-1),
                json!("latest"),
                json!("7.0"),
                json!("07"),
                json!(""),
                json!("99999999999"),
            ],
        ),
        text(
            "must be letters, digits and '_', not beginning with a digit, such as LOG_LEVEL",
            &full,
            &["/spec/scoring/environmentVariables/0/name"],
            &["LOG_LEVEL", "_a1"],
            &["LOG-LEVEL", "1A", "a b", "a.b", "A="],
        ),
        text(
            "must be an image with registry and tag or digest, without a scheme, such as mcr.microsoft.com/azureml/minimal-ubuntu22.04-py39-cpu-inference:latest",
            &full,
            &["/spec/environment/baseImage"],
            &["mcr.microsoft.com/azureml/minimal-ubuntu22.04-py39-cpu-inference:latest", "reg.corp:5000/a/b"],
            &["a b", "me@reg.corp/a", "reg.corp/a@sha256:123", "reg.corp/a?x"],
        ),
        text(
            "must be letters, digits, '-', '_' and '.', such as latest",
            &full,
            &["/spec/environment/inferencingStackVersion"],
            &["latest", "1.2-a"],
            &["-a", "a b", "a/b"],
        ),
        text(
            "must be the address of the vault alone, without a path, such as https://kv.vault.azure.net",
            &full,
            &[&format!("{vault}/vaultBaseURL")],
            &["https://kv.vault.azure.net", "https://kv.vault.azure.net/"],
            &["kv.vault.azure.net", "http://kv.vault.azure.net", "https://kv.vault.azure.net/keys/a"],
        ),
        text(
            "must be the name of the key alone, letters, digits and '-', such as aci-key",
            &full,
            &[&format!("{vault}/name")],
            &["aci-key"],
            &["a/b", "a_b", "a b"],
        ),
        text(
            "must be the version of the key alone, the last part of its identifier, such as 0123456789abcdef0123456789abcdef",
            &full,
            &[&format!("{vault}/version")],
            &["0123456789abcdef0123456789abcdef"],
            &["keys/a", "a-b"],
        ),
    ]
}
