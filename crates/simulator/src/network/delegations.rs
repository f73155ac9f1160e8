//! Delegations of subnets.

use crate::error::Refusal;
use crate::store::Resource;
use serde_json::Value;

/// Services to which a subnet can be delegated: those that Azure's own refusal lists
/// (hashicorp/terraform-provider-azurerm#21779), and the ones that this provider's documentation has added since.
pub(super) const SERVICES: &[&str] = &[
    "GitHub.Network/networkSettings",
    "Informatica.DataManagement/organizations",
    "Microsoft.ApiManagement/service",
    "Microsoft.Apollo/npu",
    "Microsoft.App/environments",
    "Microsoft.App/testClients",
    "Microsoft.AVS/PrivateClouds",
    "Microsoft.AzureCosmosDB/clusters",
    "Microsoft.BareMetal/AzureHostedService",
    "Microsoft.BareMetal/AzureHPC",
    "Microsoft.BareMetal/AzurePaymentHSM",
    "Microsoft.BareMetal/AzureVMware",
    "Microsoft.BareMetal/CrayServers",
    "Microsoft.BareMetal/MonitoringServers",
    "Microsoft.Batch/batchAccounts",
    "Microsoft.CloudTest/hostedpools",
    "Microsoft.CloudTest/images",
    "Microsoft.CloudTest/pools",
    "Microsoft.Codespaces/plans",
    "Microsoft.ContainerInstance/containerGroups",
    "Microsoft.ContainerService/managedClusters",
    "Microsoft.ContainerService/TestClients",
    "Microsoft.Databricks/workspaces",
    "Microsoft.DBforMySQL/flexibleServers",
    "Microsoft.DBforMySQL/servers",
    "Microsoft.DBforMySQL/serversv2",
    "Microsoft.DBforPostgreSQL/flexibleServers",
    "Microsoft.DBforPostgreSQL/serversv2",
    "Microsoft.DBforPostgreSQL/singleServers",
    "Microsoft.DelegatedNetwork/controller",
    "Microsoft.DevCenter/networkConnection",
    "Microsoft.DevOpsInfrastructure/pools",
    "Microsoft.DocumentDB/cassandraClusters",
    "Microsoft.Fidalgo/networkSettings",
    "Microsoft.HardwareSecurityModules/dedicatedHSMs",
    "Microsoft.Kusto/clusters",
    "Microsoft.LabServices/labplans",
    "Microsoft.Logic/integrationServiceEnvironments",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.Netapp/volumes",
    "Microsoft.Network/applicationGateways",
    "Microsoft.Network/dnsResolvers",
    "Microsoft.Network/fpgaNetworkInterfaces",
    "Microsoft.Network/managedResolvers",
    "Microsoft.Network/networkWatchers",
    "Microsoft.Network/virtualNetworkGateways",
    "Microsoft.Orbital/orbitalGateways",
    "Microsoft.PowerAutomate/hostedRpa",
    "Microsoft.PowerPlatform/enterprisePolicies",
    "Microsoft.PowerPlatform/vnetaccesslinks",
    "Microsoft.ServiceFabricMesh/networks",
    "Microsoft.ServiceNetworking/trafficControllers",
    "Microsoft.Singularity/accounts/networks",
    "Microsoft.Singularity/accounts/npu",
    "Microsoft.Sql/managedInstances",
    "Microsoft.Sql/managedInstancesOnebox",
    "Microsoft.Sql/managedInstancesStage",
    "Microsoft.Sql/managedInstancesTest",
    "Microsoft.Sql/servers",
    "Microsoft.StoragePool/diskPools",
    "Microsoft.StreamAnalytics/streamingJobs",
    "Microsoft.Synapse/workspaces",
    "Microsoft.Web/hostingEnvironments",
    "Microsoft.Web/serverFarms",
    "NGINX.NGINXPLUS/nginxDeployments",
    "Oracle.Database/networkAttachments",
    "PaloAltoNetworks.Cloudngfw/firewalls",
    "Qumulo.Storage/fileSystems",
];

/// At most one delegation, with a name and a service that there is. The refusal of an unknown service is Azure's
/// (hashicorp/terraform-provider-azurerm#21779); the code for more than one is not confirmed.
pub(super) fn check(subnet: &Resource) -> Result<(), Refusal> {
    let list = subnet.properties.get("delegations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if list.len() > 1 {
        let message = format!("Subnet {} can have only one delegation.", subnet.id);
        return Err(Refusal::bad_request("SubnetHasMultipleDelegations", message));
    }
    list.iter().try_for_each(|delegation| check_one(subnet, delegation))
}

fn check_one(subnet: &Resource, delegation: &Value) -> Result<(), Refusal> {
    let name = delegation.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name =
        name.ok_or_else(|| super::malformed("MissingName", format!("A delegation of {} has no name.", subnet.id)))?;
    let service = delegation.pointer("/properties/serviceName").and_then(Value::as_str).unwrap_or_default();
    if SERVICES.iter().any(|known| known.eq_ignore_ascii_case(service)) {
        return Ok(());
    }
    let message = format!(
        "The service name {service} specified on delegation {}/delegations/{name} is not valid. Valid value(s) are: {}.",
        subnet.id,
        SERVICES.join(",")
    );
    Err(Refusal::bad_request("InvalidServiceNameOnDelegation", message))
}
