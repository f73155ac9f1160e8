# Identities for the namespaces of teams, trusted from one cluster, with the custom roles of ../roles.

data "azurerm_subscription" "current" {}

data "azurerm_resource_group" "models" {
  name = var.resource_group_name
}

locals {
  documents = {
    for file in ["network", "models", "compute-instance", "model-blobs"] :
    file => jsondecode(file("${path.module}/../roles/${file}.json"))
  }
  workspace_id = "${data.azurerm_resource_group.models.id}/providers/Microsoft.MachineLearningServices/workspaces/${var.workspace}"
  # where each role is given, as docs/azure-identity.md says
  scopes = merge(
    {
      network = data.azurerm_resource_group.models.id
      models  = local.workspace_id
    },
    var.compute_instances ? { compute-instance = local.workspace_id } : {},
    var.storage_account_id == null ? {} : { model-blobs = var.storage_account_id },
  )
  role_ids = {
    for file in keys(local.documents) :
    file => var.roles_exist ? data.azurerm_role_definition.acivnet[file].role_definition_id : azurerm_role_definition.acivnet[file].role_definition_id
  }
  credentials = merge([
    for team, namespaces in var.teams : { for namespace in namespaces : namespace => team }
  ]...)
  assignments = merge([
    for team in keys(var.teams) : { for role, scope in local.scopes : "${team}/${role}" => { team = team, role = role, scope = scope } }
  ]...)
}

resource "azurerm_role_definition" "acivnet" {
  for_each = var.roles_exist ? {} : local.documents

  name              = each.value.Name
  description       = each.value.Description
  scope             = data.azurerm_subscription.current.id
  assignable_scopes = [data.azurerm_subscription.current.id]

  permissions {
    actions          = each.value.Actions
    not_actions      = each.value.NotActions
    data_actions     = each.value.DataActions
    not_data_actions = each.value.NotDataActions
  }
}

data "azurerm_role_definition" "acivnet" {
  for_each = var.roles_exist ? local.documents : {}

  name  = each.value.Name
  scope = data.azurerm_subscription.current.id
}

resource "azurerm_user_assigned_identity" "team" {
  for_each = var.teams

  name                = "${var.identity_prefix}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = data.azurerm_resource_group.models.location
}

# Azure refuses credentials of one identity that are written at the same time; the provider writes them one after another.
resource "azurerm_federated_identity_credential" "namespace" {
  for_each = local.credentials

  name                      = "${var.identity_prefix}-${each.key}"
  user_assigned_identity_id = azurerm_user_assigned_identity.team[each.value].id
  issuer                    = var.issuer
  subject                   = "system:serviceaccount:${each.key}:acivnet"
  audience                  = ["api://AzureADTokenExchange"]
}

resource "azurerm_role_assignment" "team" {
  for_each = local.assignments

  scope              = each.value.scope
  role_definition_id = "${data.azurerm_subscription.current.id}/providers/Microsoft.Authorization/roleDefinitions/${local.role_ids[each.value.role]}"
  principal_id       = azurerm_user_assigned_identity.team[each.value.team].principal_id
  principal_type     = "ServicePrincipal"
}
