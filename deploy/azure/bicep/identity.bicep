// The identity of a team's namespaces, trusted from one cluster, with the custom roles of roles.bicep:
//   az deployment group create --resource-group amlrg --template-file identity.bicep \
//     --parameters name=acivnet-ml issuer="$issuer" namespaces='["ml"]' workspace=amlws
targetScope = 'resourceGroup'

@description('Name of the managed identity.')
param name string

@description('Region of the managed identity.')
param location string = resourceGroup().location

@description('Issuer of the cluster, exactly as its tokens name it.')
param issuer string

@description('Namespaces that share the identity. Azure keeps at most 20 credentials of one identity.')
@minLength(1)
@maxLength(20)
param namespaces array

@description('What names of credentials begin with; another one for each cluster.')
param credentialPrefix string = 'acivnet'

@description('Workspace of Azure Machine Learning in this resource group, which is that of the networks too.')
param workspace string

@description('Whether the namespaces make compute instances.')
param computeInstances bool = false

@description('Storage account in this resource group from which models are read by URI; none when empty.')
param storageAccount string = ''

var roleOf = {
  network: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(tenant().tenantId, 'acivnet network'))
  models: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(tenant().tenantId, 'acivnet models'))
  computeInstance: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(tenant().tenantId, 'acivnet compute instance'))
  modelBlobs: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(tenant().tenantId, 'acivnet model blobs'))
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
}

// Azure refuses credentials of one identity that are written at the same time.
@batchSize(1)
resource credentials 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = [
  for namespace in namespaces: {
    parent: identity
    name: '${credentialPrefix}-${namespace}'
    properties: {
      issuer: issuer
      subject: 'system:serviceaccount:${namespace}:acivnet'
      audiences: ['api://AzureADTokenExchange']
    }
  }
]

resource machineLearning 'Microsoft.MachineLearningServices/workspaces@2024-04-01' existing = {
  name: workspace
}

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = if (!empty(storageAccount)) {
  name: empty(storageAccount) ? 'none' : storageAccount
}

resource onNetworks 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, name, roleOf.network)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleOf.network
  }
}

resource onModels 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(machineLearning.id, name, roleOf.models)
  scope: machineLearning
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleOf.models
  }
}

resource onComputeInstances 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (computeInstances) {
  name: guid(machineLearning.id, name, roleOf.computeInstance)
  scope: machineLearning
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleOf.computeInstance
  }
}

resource onBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(storageAccount)) {
  name: guid(resourceGroup().id, storageAccount, name, roleOf.modelBlobs)
  scope: storage
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleOf.modelBlobs
  }
}

@description('For the annotation azure.workload.identity/client-id of the ServiceAccounts.')
output clientId string = identity.properties.clientId

@description('For the annotation azure.workload.identity/tenant-id of the ServiceAccounts.')
output tenantId string = identity.properties.tenantId
