output "service_account_annotations" {
  description = "Annotations of the ServiceAccount acivnet, by namespace."
  value = {
    for namespace, team in local.credentials : namespace => {
      "azure.workload.identity/client-id" = azurerm_user_assigned_identity.team[team].client_id
      "azure.workload.identity/tenant-id" = azurerm_user_assigned_identity.team[team].tenant_id
    }
  }
}
