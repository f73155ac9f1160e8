//! What the fields of both specs may hold, each with an example of how to write it. The API server says no more than the
//! message, so that a pattern alone would leave the reader with a regular expression.
//!
//! Names are those that Azure takes for the type ("Naming rules and restrictions for Azure resources", 2026). What stands
//! in Azure already must be sayable, so nothing here is narrower.

use kube::core::Rule;

/// A GUID in its usual form.
const GUID: &str = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
/// A resource group: what .NET's `Char.IsLetterOrDigit` takes, `-`, `_`, `.` and parentheses, no `.` at the end.
const RESOURCE_GROUP: &str = r"[-_.()\p{L}\p{Nd}]{0,89}[-_()\p{L}\p{Nd}]";
/// A resource of Microsoft.Network.
const NETWORK_NAME: &str = r"[a-zA-Z0-9]([-\w.]{0,78}\w)?";

/// A text that matches as a whole.
fn text(pattern: &str, message: &str) -> Rule {
    Rule::new(format!("self.matches(r'^{pattern}$')")).message(message)
}

/// The GUID of a subscription, a user or a tenant.
pub fn guid() -> Rule {
    text(GUID, "must be a GUID, such as 00000000-0000-0000-0000-000000000001")
}

/// The name of a resource group.
pub fn resource_group() -> Rule {
    text(
        RESOURCE_GROUP,
        "must be the name of a resource group, not its id: letters of any script, digits, '-', '_', '.' and parentheses, not ending with '.', such as rg-ml",
    )
}

/// A region.
pub fn location() -> Rule {
    text(
        "[a-z0-9]+",
        "must be a region by its short name, in lower case and without spaces, such as japaneast for Japan East",
    )
}

/// The name of a virtual network, subnet, security group, security rule or NAT gateway.
pub fn network_name() -> Rule {
    text(
        r"[a-zA-Z0-9]([-\w.]*\w)?",
        "must be a name that Azure takes: letters, digits, '-', '_' and '.', beginning with a letter or digit and ending with a letter, digit or '_', such as ml-subnet_1",
    )
}

/// Subnets that Azure keeps for services of its own, by name ("Azure Virtual Network FAQ"; VPN and ExpressRoute
/// gateways, Azure Firewall, Azure Bastion, Azure Route Server). None of them can be delegated.
const RESERVED_SUBNETS: &str = "['gatewaysubnet', 'azurefirewallsubnet', 'azurefirewallmanagementsubnet', 'azurebastionsubnet', 'routeserversubnet']";

/// The delegated subnet has no name that Azure keeps for itself.
pub fn not_reserved() -> Rule {
    Rule::new(format!("!(self.lowerAscii() in {RESERVED_SUBNETS})"))
        .message("Azure keeps this name for the subnet of a service of its own, which can't be delegated; write another, such as ml-subnet")
}

/// A client subnet that is made here has no name that Azure keeps for itself.
pub fn made_not_reserved() -> Rule {
    Rule::new(format!("self.management != 'Create' || !(self.name.lowerAscii() in {RESERVED_SUBNETS})")).message(
        "clientSubnet.name is one that Azure keeps for the subnet of a service of its own; write another, such as ml-clients",
    )
}

/// The id of a resource of Microsoft.Network, of this type and no other. Azure compares ids without regard to case.
fn network_id(arm_type: &str, message: &str) -> Rule {
    let path =
        format!("/subscriptions/{GUID}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft[.]Network/{arm_type}");
    Rule::new(format!("self.matches(r'(?i)^{path}/{NETWORK_NAME}$')")).message(message)
}

/// The id of a network security group.
pub fn network_security_group_id() -> Rule {
    network_id(
        "networkSecurityGroups",
        "must be the id of a network security group and nothing below it, such as /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/Microsoft.Network/networkSecurityGroups/nsg-ml",
    )
}

/// The id of a route table.
pub fn route_table_id() -> Rule {
    network_id(
        "routeTables",
        "must be the id of a route table and nothing below it, such as /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/Microsoft.Network/routeTables/rt-ml",
    )
}

/// The id of a NAT gateway.
pub fn nat_gateway_id() -> Rule {
    network_id(
        "natGateways",
        "must be the id of a NAT gateway and nothing below it, such as /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/Microsoft.Network/natGateways/nat-ml",
    )
}

/// The prefix of a subnet. Azure's largest is /2, its smallest /29 ("Azure Virtual Network FAQ").
pub fn subnet_prefix() -> Rule {
    Rule::new(ipv4_prefix("self"))
        .message("must be an IPv4 prefix, /2 to /29, without host bits, such as 10.0.1.0/24 (not 10.0.1.5/24)")
}

/// The prefixes of a virtual network.
pub fn network_prefixes() -> Rule {
    Rule::new(format!("self.all(p, {})", ipv4_prefix("p")))
        .message("each must be an IPv4 prefix, /2 to /29, without host bits, such as 10.0.0.0/16 (not 10.0.1.5/16)")
}

fn ipv4_prefix(of: &str) -> String {
    format!(
        "isCIDR({of}) && cidr({of}).ip().family() == 4 && cidr({of}) == cidr({of}).masked() && cidr({of}).prefixLength() >= 2 && cidr({of}).prefixLength() <= 29"
    )
}

/// Ranges that no virtual network can have: loopback, link-local, Azure's own address, multicast ("Azure Virtual Network
/// FAQ", "What address ranges can I use in my virtual networks?").
pub fn not_azures_own() -> Rule {
    Rule::new("self.all(p, !isCIDR(p) || ['127.0.0.0/8', '169.254.0.0/16', '168.63.129.16/32', '224.0.0.0/4'].all(own, !cidr(own).containsCIDR(p) && !cidr(p).containsCIDR(own)))")
        .message("Azure takes no prefix with addresses of 127.0.0.0/8, 169.254.0.0/16, 168.63.129.16/32 or 224.0.0.0/4; write a private one, such as 10.0.0.0/16")
}

/// Prefixes of one network, each of which takes its addresses alone (`AddressPrefixesOverlapInVirtualNetwork`).
pub fn prefixes_apart() -> Rule {
    Rule::new("self.all(p, !isCIDR(p) || self.filter(other, isCIDR(other) && (cidr(other).containsCIDR(p) || cidr(p).containsCIDR(other))).size() == 1)")
        .message("two prefixes overlap, which Azure refuses; keep the larger one, such as 10.0.0.0/16 of 10.0.0.0/16 and 10.0.1.0/24")
}

/// A service endpoint.
pub fn service_endpoint() -> Rule {
    text(
        r"Microsoft\.[A-Za-z]+(\.[A-Za-z]+)*",
        "must be a service as Azure names it, such as Microsoft.Storage or Microsoft.KeyVault",
    )
}

/// Where traffic of a security rule comes from or goes to. `Any` is the portal's word for `*`, which Azure itself refuses;
/// whether an address with host bits passes is left to Azure, whose versions differ (azure-powershell#4557).
pub fn rule_address() -> Rule {
    Rule::new(r"self == '*' || isCIDR(self) || isIP(self) || (self.matches(r'^[A-Za-z][-\w]*([.][-\w]+)*$') && self.lowerAscii() != 'any')")
        .message("must be one prefix or address, a service tag or '*', such as 10.1.0.0/24, VirtualNetwork or Storage.JapanEast; a list takes one rule for each")
}

/// Ports of a security rule.
pub fn rule_ports() -> Rule {
    let port = |at: &str| format!("int(string(self).split('-')[{at}])");
    let range = format!("{} <= {last} && {last} <= 65535", port("0"), last = port("size(string(self).split('-')) - 1"));
    Rule::new(format!("string(self) == '*' || (string(self).matches(r'^[0-9]{{1,5}}(-[0-9]{{1,5}})?$') && {range})"))
        .message("must be one port, a range or '*', such as 443, 8000-8080 or '*', up to 65535; a list such as 80,443 takes one rule for each")
}

/// The size of a compute instance.
pub fn vm_size() -> Rule {
    text("[A-Za-z][A-Za-z0-9_]*", "must be the size of a virtual machine as Azure names it, such as STANDARD_DS3_V2")
}

/// The name of a compute instance.
pub fn compute_name() -> Rule {
    text(
        "[a-zA-Z]([a-zA-Z0-9-]*[a-zA-Z])?[0-9]*",
        "must be letters, digits and '-', beginning with a letter and without '-' before trailing digits, such as ml-desk1",
    )
}

/// The name of a workspace.
pub fn workspace_name() -> Rule {
    text(
        r"[a-zA-Z0-9][-\w]*",
        "must be the name of a workspace: letters, digits, '-' and '_', beginning with a letter or digit, such as mlws-prod",
    )
}

/// The name of a web service.
pub fn service_name() -> Rule {
    text(
        "[a-z]([-a-z0-9]*[a-z0-9])?",
        "must be lower-case letters, digits and '-', beginning with a letter and not ending with '-', such as churn-service",
    )
}

/// The name of a model or an environment.
pub fn asset_name() -> Rule {
    text(
        r"[a-zA-Z0-9][-\w.]*",
        "must be letters, digits, '-', '_' and '.', beginning with a letter or digit, such as churn-model",
    )
}

/// The name of an object of Kubernetes.
pub fn object_name() -> Rule {
    text(
        "[a-z0-9]([-a-z0-9.]*[a-z0-9])?",
        "must be the name of an object of Kubernetes: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit, such as churn-files",
    )
}

/// A key of a ConfigMap or a Secret.
pub fn key() -> Rule {
    text(r"[-\w.]+", "must be a key of a ConfigMap or Secret: letters, digits, '-', '_' and '.', such as score.py")
}

/// Where a model lies.
pub fn model_uri() -> Rule {
    text(
        r"https://[a-z0-9][-a-z0-9.]*(:[0-9]{1,5})?(/[-._~a-zA-Z0-9%]+)*/[a-zA-Z0-9_][-._a-zA-Z0-9]*",
        "must be https, a host in lower case, and a path that ends with the name of the file, without user, query or fragment, such as https://stml.blob.core.windows.net/models/churn.pkl",
    )
}

/// The version of a registered model.
pub fn model_version() -> Rule {
    Rule::new("string(self).matches(r'^[1-9][0-9]{0,9}$')").message("must be a whole number greater than 0, such as 7")
}

/// The name of an environment variable.
pub fn variable_name() -> Rule {
    text("[A-Za-z_][A-Za-z0-9_]*", "must be letters, digits and '_', not beginning with a digit, such as LOG_LEVEL")
}

/// An image.
pub fn image() -> Rule {
    text(
        "[a-zA-Z0-9][a-zA-Z0-9._:/-]*(@sha256:[0-9a-f]{64})?",
        "must be an image with registry and tag or digest, without a scheme, such as mcr.microsoft.com/azureml/minimal-ubuntu22.04-py39-cpu-inference:latest",
    )
}

/// A version of the serving stack.
pub fn stack_version() -> Rule {
    text(r"[a-zA-Z0-9][-\w.]*", "must be letters, digits, '-', '_' and '.', such as latest")
}

/// The address of a vault.
pub fn vault_url() -> Rule {
    text(
        "https://[-.a-zA-Z0-9]+/?",
        "must be the address of the vault alone, without a path, such as https://kv.vault.azure.net",
    )
}

/// The name of a key in a vault.
pub fn vault_key_name() -> Rule {
    text("[-a-zA-Z0-9]+", "must be the name of the key alone, letters, digits and '-', such as aci-key")
}

/// The version of a key in a vault.
pub fn vault_key_version() -> Rule {
    text(
        "[a-zA-Z0-9]+",
        "must be the version of the key alone, the last part of its identifier, such as 0123456789abcdef0123456789abcdef",
    )
}

/// Cores. Azure Container Instances counts in steps of 0.1; what would be rounded to less is no real value.
pub fn cpu() -> Rule {
    quantity("50m", "31")
        .message("cpu must be a quantity of cores, 0.05 to 31, such as 1, \"0.5\" (in quotes) or 500m; Azure counts in steps of 0.1")
}

/// Memory. `m` is Kubernetes' thousandth, and what has no unit counts bytes (kubernetes/kubernetes#79950).
pub fn memory() -> Rule {
    quantity("100M", "240G")
        .message("memory must be a quantity of bytes with its unit, 100M to 240G, such as 400M, \"1.5G\" or 2Gi; 400m is 0.4 bytes, and 512 is 512 bytes")
}

fn quantity(least: &str, most: &str) -> Rule {
    let value = "quantity(string(self))";
    Rule::new(format!(
        "isQuantity(string(self)) && !{value}.isLessThan(quantity('{least}')) && !{value}.isGreaterThan(quantity('{most}'))"
    ))
}

/// What names of tags may hold (Azure Resource Manager, "Use tags to organize your Azure resources", "Limitations").
pub fn tag_characters() -> Rule {
    Rule::new(r"self.all(t, !t.name.matches(r'[<>%&\\?/\x00-\x1f\x7f]'))").message(
        "the name of a tag can't hold < > % & \\ ? / or a control character; write kubernetes.io_name for kubernetes.io/name",
    )
}

/// How names of tags may begin (Azure REST, Tags - Create Or Update; microsoft/vscode-azureresourcegroups#1164).
pub fn tag_prefixes() -> Rule {
    Rule::new("self.all(t, !t.name.lowerAscii().matches('^(microsoft|azure|windows)'))").message(
        "names of tags that begin with microsoft, azure or windows are Azure's own; write team-azure-region for azure-region",
    )
}

/// Names of tags are compared without regard to case (Azure Resource Manager, "Use tags to organize your Azure resources").
pub fn tags_differ() -> Rule {
    differ("self", "name")
        .message("two tags have the same name but for case, and to Azure they are one; keep one of them")
}

/// Names of security rules are compared without regard to case.
pub fn security_rules_differ() -> Rule {
    let Rule { rule, .. } = differ("self.securityRules", "name");
    Rule::new(format!("!has(self.securityRules) || {rule}"))
        .message("two securityRules have the same name but for case, and to Azure they are one; name them apart, such as ssh-office and ssh-home")
}

/// Service endpoints are compared without regard to case.
pub fn service_endpoints_differ() -> Rule {
    differ("self", "service")
        .message("two serviceEndpoints are the same but for case, and to Azure they are one; keep one of them")
}

fn differ(list: &str, key: &str) -> Rule {
    Rule::new(format!("{list}.all(one, {list}.exists_one(other, other.{key}.lowerAscii() == one.{key}.lowerAscii()))"))
}
