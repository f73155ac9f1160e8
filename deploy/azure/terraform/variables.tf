variable "resource_group_name" {
  description = "Resource group of the workspace, which is that of the networks too."
  type        = string
}

variable "workspace" {
  description = "Workspace of Azure Machine Learning in the resource group."
  type        = string
}

variable "issuer" {
  description = "Issuer of the cluster, exactly as its tokens name it."
  type        = string

  validation {
    condition     = startswith(var.issuer, "https://")
    error_message = "issuer must be an https URL that Microsoft Entra ID can reach."
  }
}

variable "teams" {
  description = "Namespaces of each team, by name of the team. Each team gets an identity of its own."
  type        = map(set(string))

  validation {
    condition     = alltrue([for namespaces in values(var.teams) : length(namespaces) >= 1 && length(namespaces) <= 20])
    error_message = "A team has 1 to 20 namespaces: Azure keeps at most 20 federated credentials of one identity. Divide the team in two."
  }
}

variable "identity_prefix" {
  description = "What names of identities and credentials begin with; another one for each cluster."
  type        = string
  default     = "acivnet"
}

variable "roles_exist" {
  description = "Whether the custom roles are there already: they are made once in a tenant, whose role names are unique."
  type        = bool
  default     = false
}

variable "compute_instances" {
  description = "Whether the namespaces make compute instances."
  type        = bool
  default     = false
}

variable "storage_account_id" {
  description = "Storage account, or container of one, from which models are read by URI; none when null."
  type        = string
  default     = null
}
