// The custom roles of acivnet. Once in a tenant of Microsoft Entra ID, whose role names are unique:
//   az deployment sub create --location LOCATION --template-file roles.bicep
targetScope = 'subscription'

@description('Subscriptions and resource groups in which the roles may be given, by id. All in one tenant.')
param assignableScopes array = [subscription().id]

var roles = [
  loadJsonContent('../roles/network.json')
  loadJsonContent('../roles/models.json')
  loadJsonContent('../roles/compute-instance.json')
  loadJsonContent('../roles/model-blobs.json')
]

resource definitions 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [
  for role in roles: {
    name: guid(tenant().tenantId, role.Name)
    properties: {
      roleName: role.Name
      description: role.Description
      type: 'CustomRole'
      permissions: [
        {
          actions: role.Actions
          notActions: role.NotActions
          dataActions: role.DataActions
          notDataActions: role.NotDataActions
        }
      ]
      assignableScopes: assignableScopes
    }
  }
]

@description('Names and ids of the roles.')
output roles array = [for (role, at) in roles: { name: role.Name, id: definitions[at].id }]
