//! Rules for the fields of both specs, each with a message that shows how to write the field. The API server shows nothing but the
//! message; with a bare pattern the reader would get only a regular expression.
//!
//! Names are those that Azure accepts for the type ("Naming rules and restrictions for Azure resources", 2026). A spec must be able to
//! name what already exists in Azure, so no rule is narrower than Azure's.

use kube::core::Rule;

const GUID: &str = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
/// Azure accepts what .NET's `Char.IsLetterOrDigit` does, `-`, `_`, `.` and parentheses, but no `.` at the end.
const RESOURCE_GROUP: &str = r"[-_.()\p{L}\p{Nd}]{0,89}[-_()\p{L}\p{Nd}]";
const NETWORK_NAME: &str = r"[a-zA-Z0-9]([-\w.]{0,78}\w)?";

/// The whole text must match.
fn text(pattern: &str, message: &str) -> Rule {
    Rule::new(format!("self.matches(r'^{pattern}$')")).message(message)
}

/// A subscription, a user or a tenant.
pub fn guid() -> Rule {
    text(GUID, "must be a GUID, such as 00000000-0000-0000-0000-000000000001")
}

pub fn resource_group() -> Rule {
    text(
        RESOURCE_GROUP,
        "must be the name of a resource group, not its id: letters of any script, digits, '-', '_', '.' and parentheses, not ending with '.', such as rg-ml",
    )
}

pub fn location() -> Rule {
    text(
        "[a-z0-9]+",
        "must be a region by its short name, in lower case and without spaces, such as japaneast for Japan East",
    )
}

/// A virtual network, subnet, security group, security rule or NAT gateway.
pub fn network_name() -> Rule {
    text(
        r"[a-zA-Z0-9]([-\w.]*\w)?",
        "must be a name that Azure accepts: letters, digits, '-', '_' and '.', beginning with a letter or digit and ending with a letter, digit or '_', such as ml-subnet_1",
    )
}

/// Names of subnets that Azure reserves for its own services ("Azure Virtual Network FAQ"; VPN and ExpressRoute
/// gateways, Azure Firewall, Azure Bastion, Azure Route Server). None of these subnets can be delegated.
const RESERVED_SUBNETS: &str = "['gatewaysubnet', 'azurefirewallsubnet', 'azurefirewallmanagementsubnet', 'azurebastionsubnet', 'routeserversubnet']";

/// The delegated subnet must not have a reserved name.
pub fn not_reserved() -> Rule {
    Rule::new(format!("!(self.lowerAscii() in {RESERVED_SUBNETS})"))
        .message("Azure reserves this name for the subnet of one of its own services, which can't be delegated; choose another, such as ml-subnet")
}

/// A client subnet that acivnet creates must not have a reserved name.
pub fn made_not_reserved() -> Rule {
    Rule::new(format!("self.management != 'Create' || !(self.name.lowerAscii() in {RESERVED_SUBNETS})")).message(
        "clientSubnet.name is one that Azure reserves for the subnet of one of its own services; choose another, such as ml-clients",
    )
}

/// The id of a resource of exactly this type of Microsoft.Network. Azure ignores the case of ids.
fn network_id(arm_type: &str, message: &str) -> Rule {
    let path =
        format!("/subscriptions/{GUID}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft[.]Network/{arm_type}");
    Rule::new(format!("self.matches(r'(?i)^{path}/{NETWORK_NAME}$')")).message(message)
}

pub fn network_security_group_id() -> Rule {
    network_id(
        "networkSecurityGroups",
        "must be the id of a network security group and nothing below it, such as /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/Microsoft.Network/networkSecurityGroups/nsg-ml",
    )
}

pub fn route_table_id() -> Rule {
    network_id(
        "routeTables",
        "must be the id of a route table and nothing below it, such as /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/Microsoft.Network/routeTables/rt-ml",
    )
}

pub fn nat_gateway_id() -> Rule {
    network_id(
        "natGateways",
        "must be the id of a NAT gateway and nothing below it, such as /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/Microsoft.Network/natGateways/nat-ml",
    )
}

/// Azure accepts /2 to /29 ("Azure Virtual Network FAQ").
pub fn subnet_prefix() -> Rule {
    Rule::new(ipv4_prefix("self"))
        .message("must be an IPv4 prefix, /2 to /29, without host bits, such as 10.0.1.0/24 (not 10.0.1.5/24)")
}

pub fn network_prefixes() -> Rule {
    Rule::new(format!("self.all(p, {})", ipv4_prefix("p")))
        .message("each must be an IPv4 prefix, /2 to /29, without host bits, such as 10.0.0.0/16 (not 10.0.1.5/16)")
}

fn ipv4_prefix(of: &str) -> String {
    format!(
        "isCIDR({of}) && cidr({of}).ip().family() == 4 && cidr({of}) == cidr({of}).masked() && cidr({of}).prefixLength() >= 2 && cidr({of}).prefixLength() <= 29"
    )
}

/// Ranges that no virtual network may use: loopback, link-local, Azure's own address, multicast ("Azure Virtual Network
/// FAQ", "What address ranges can I use in my virtual networks?").
pub fn not_azures_own() -> Rule {
    Rule::new("self.all(p, !isCIDR(p) || ['127.0.0.0/8', '169.254.0.0/16', '168.63.129.16/32', '224.0.0.0/4'].all(own, !cidr(own).containsCIDR(p) && !cidr(p).containsCIDR(own)))")
        .message("Azure accepts no prefix with addresses of 127.0.0.0/8, 169.254.0.0/16, 168.63.129.16/32 or 224.0.0.0/4; write a private one, such as 10.0.0.0/16")
}

/// Azure refuses prefixes of one network that overlap (`AddressPrefixesOverlapInVirtualNetwork`).
pub fn prefixes_apart() -> Rule {
    Rule::new("self.all(p, !isCIDR(p) || self.filter(other, isCIDR(other) && (cidr(other).containsCIDR(p) || cidr(p).containsCIDR(other))).size() == 1)")
        .message("two prefixes overlap, which Azure refuses; keep the larger one, such as 10.0.0.0/16 of 10.0.0.0/16 and 10.0.1.0/24")
}

pub fn service_endpoint() -> Rule {
    text(
        r"Microsoft\.[A-Za-z]+(\.[A-Za-z]+)*",
        "must be a service as Azure names it, such as Microsoft.Storage or Microsoft.KeyVault",
    )
}

/// Source or destination of a security rule. The portal writes `Any` for `*`, but Azure refuses `Any`. Whether an
/// address with host bits is accepted is left to Azure, whose versions differ (azure-powershell#4557).
pub fn rule_address() -> Rule {
    Rule::new(r"self == '*' || isCIDR(self) || isIP(self) || (self.matches(r'^[A-Za-z][-\w]*([.][-\w]+)*$') && self.lowerAscii() != 'any')")
        .message("must be one prefix or address, a service tag or '*', such as 10.1.0.0/24, VirtualNetwork or Storage.JapanEast; for a list, write one rule for each")
}

pub fn rule_ports() -> Rule {
    let port = |at: &str| format!("int(string(self).split('-')[{at}])");
    let range = format!("{} <= {last} && {last} <= 65535", port("0"), last = port("size(string(self).split('-')) - 1"));
    Rule::new(format!("string(self) == '*' || (string(self).matches(r'^[0-9]{{1,5}}(-[0-9]{{1,5}})?$') && {range})"))
        .message("must be one port, a range or '*', such as 443, 8000-8080 or '*', up to 65535; for a list such as 80,443, write one rule for each")
}

pub fn vm_size() -> Rule {
    text("[A-Za-z][A-Za-z0-9_]*", "must be the size of a virtual machine as Azure names it, such as STANDARD_DS3_V2")
}

pub fn compute_name() -> Rule {
    text(
        "[a-zA-Z]([a-zA-Z0-9-]*[a-zA-Z])?[0-9]*",
        "must be letters, digits and '-', beginning with a letter and without '-' before trailing digits, such as ml-desk1",
    )
}

pub fn workspace_name() -> Rule {
    text(
        r"[a-zA-Z0-9][-\w]*",
        "must be the name of a workspace: letters, digits, '-' and '_', beginning with a letter or digit, such as mlws-prod",
    )
}

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

pub fn object_name() -> Rule {
    text(
        "[a-z0-9]([-a-z0-9.]*[a-z0-9])?",
        "must be the name of a Kubernetes object: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit, such as churn-files",
    )
}

pub fn key() -> Rule {
    text(r"[-\w.]+", "must be a key of a ConfigMap or Secret: letters, digits, '-', '_' and '.', such as score.py")
}

pub fn model_uri() -> Rule {
    text(
        r"https://[a-z0-9][-a-z0-9.]*(:[0-9]{1,5})?(/[-._~a-zA-Z0-9%]+)*/[a-zA-Z0-9_][-._a-zA-Z0-9]*",
        "must be https, a host in lower case, and a path that ends with the name of the file, without user, query or fragment, such as https://stml.blob.core.windows.net/models/churn.pkl",
    )
}

pub fn model_version() -> Rule {
    Rule::new("string(self).matches(r'^[1-9][0-9]{0,9}$')").message("must be a whole number greater than 0, such as 7")
}

pub fn variable_name() -> Rule {
    text("[A-Za-z_][A-Za-z0-9_]*", "must be letters, digits and '_', not beginning with a digit, such as LOG_LEVEL")
}

pub fn image() -> Rule {
    text(
        "[a-zA-Z0-9][a-zA-Z0-9._:/-]*(@sha256:[0-9a-f]{64})?",
        "must be an image with registry and tag or digest, without a scheme, such as mcr.microsoft.com/azureml/minimal-ubuntu22.04-py39-cpu-inference:latest",
    )
}

pub fn stack_version() -> Rule {
    text(r"[a-zA-Z0-9][-\w.]*", "must be letters, digits, '-', '_' and '.', such as latest")
}

pub fn vault_url() -> Rule {
    text(
        "https://[-.a-zA-Z0-9]+/?",
        "must be the address of the vault alone, without a path, such as https://kv.vault.azure.net",
    )
}

pub fn vault_key_name() -> Rule {
    text("[-a-zA-Z0-9]+", "must be the name of the key alone, letters, digits and '-', such as aci-key")
}

pub fn vault_key_version() -> Rule {
    text(
        "[a-zA-Z0-9]+",
        "must be the version of the key alone, the last part of its identifier, such as 0123456789abcdef0123456789abcdef",
    )
}

/// Azure Container Instances counts in steps of 0.1, so less than half a step can't be meant.
pub fn cpu() -> Rule {
    quantity("50m", "31")
        .message("cpu must be a quantity of cores, 0.05 to 31, such as 1, \"0.5\" (in quotes) or 500m; Azure counts in steps of 0.1")
}

/// `m` is Kubernetes' thousandth, and a number without a unit counts bytes (kubernetes/kubernetes#79950).
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

/// Azure Resource Manager, "Use tags to organize your Azure resources", "Limitations".
pub fn tag_characters() -> Rule {
    Rule::new(r"self.all(t, !t.name.matches(r'[<>%&\\?/\x00-\x1f\x7f]'))").message(
        "the name of a tag can't contain < > % & \\ ? / or a control character; write kubernetes.io_name for kubernetes.io/name",
    )
}

/// Azure REST, Tags - Create Or Update; microsoft/vscode-azureresourcegroups#1164.
pub fn tag_prefixes() -> Rule {
    Rule::new("self.all(t, !t.name.lowerAscii().matches('^(microsoft|azure|windows)'))").message(
        "tag names that begin with microsoft, azure or windows are reserved by Azure; write team-azure-region for azure-region",
    )
}

/// Azure ignores the case of tag names (Azure Resource Manager, "Use tags to organize your Azure resources").
pub fn tags_differ() -> Rule {
    differ("self", "name")
        .message("two tags have names that differ only in case, which Azure treats as one; keep one of them")
}

/// Azure ignores their case.
pub fn security_rules_differ() -> Rule {
    let Rule { rule, .. } = differ("self.securityRules", "name");
    Rule::new(format!("!has(self.securityRules) || {rule}"))
        .message("two securityRules have names that differ only in case, which Azure treats as one; give them different names, such as ssh-office and ssh-home")
}

/// Azure ignores their case.
pub fn service_endpoints_differ() -> Rule {
    differ("self", "service")
        .message("two serviceEndpoints differ only in case, which Azure treats as one; keep one of them")
}

fn differ(list: &str, key: &str) -> Rule {
    Rule::new(format!("{list}.all(one, {list}.exists_one(other, other.{key}.lowerAscii() == one.{key}.lowerAscii()))"))
}
