//! One tenant of a shared world: a namespace, a subscription, an identity, and address ranges of its own.

mod evidence;

use crate::{
    azure_roles,
    examples::{self, Object},
    kstatus,
    world::World,
};
use acivnet_api::APPROVE_PLAN;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, ServiceAccount};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// The scoring script of the examples' ConfigMap.
pub const SCRIPT: &str = "def init():\n    pass\n\n\ndef run(data):\n    return data\n";
/// The conda file of the examples' ConfigMap.
pub const CONDA: &str = "name: myenv\ndependencies:\n  - python=3.12\n  - pip:\n      - azureml-defaults\n";

/// How a namespace proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// ServiceAccount `acivnet`, federated.
    ServiceAccount,
    /// Secret `acivnet-azure`.
    Secret,
}

/// One tenant.
pub struct Tenant<'w> {
    /// Where it lives.
    pub world: &'w World,
    /// Its namespace.
    pub namespace: String,
    /// Its subscription.
    pub subscription: String,
    /// Its Microsoft Entra tenant.
    pub directory: String,
    /// Client id of its application.
    pub client_id: String,
    /// Object id of its application's principal.
    pub principal: String,
    /// Client secret of its application.
    pub secret: String,
    /// Name of its web service; container scripts go by that name.
    pub service: String,
    number: u32,
}

impl<'w> Tenant<'w> {
    /// A tenant with rights on its resource group `amlrg`, where the workspace `amlws` stands, with the ServiceAccount.
    pub async fn new(world: &'w World, about: &str) -> Self {
        Self::with_identity(world, about, Form::ServiceAccount).await
    }

    /// The same with either form of identity.
    pub async fn with_identity(world: &'w World, about: &str, form: Form) -> Self {
        let tenant = Self::without_identity(world, about).await;
        match form {
            Form::ServiceAccount => tenant.service_account(&tenant.client_id).await,
            Form::Secret => tenant.credentials(&tenant.secret).await,
        }
        tenant
    }

    /// A tenant in whose namespace nobody has put an identity.
    pub async fn without_identity(world: &'w World, about: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let guid = |kind: u32| format!("{kind:08}-0000-4000-8000-{number:012}");
        let tenant = Self {
            world,
            namespace: world.bed.namespace(about).await,
            subscription: guid(1),
            directory: guid(2),
            client_id: guid(3),
            principal: guid(4),
            secret: format!("canary-client-secret-{number}"),
            service: format!("aciservice-{number}"),
            number,
        };
        world.azure.seed(&tenant.seed()).await;
        tenant
    }

    fn seed(&self) -> Value {
        json!({
            "tenants": [self.directory],
            "subscriptions": [{"subscriptionId": self.subscription, "tenantId": self.directory}],
            "resourceGroups": [{"subscriptionId": self.subscription, "name": "amlrg", "location": "japaneast"}],
            "workspaces": [{
                "subscriptionId": self.subscription, "resourceGroup": "amlrg", "name": "amlws", "location": "japaneast",
                "storageAccount": self.account(),
            }],
            "applications": [self.application(&format!("system:serviceaccount:{}:acivnet", self.namespace))],
            "roleAssignments": azure_roles::assignments(&self.principal, &self.roles()),
        })
    }

    /// The application, with a federated credential for one subject.
    pub fn application(&self, subject: &str) -> Value {
        let credential = json!({
            "name": "bed", "issuer": self.world.bed.url(), "subject": subject, "audience": "api://AzureADTokenExchange",
        });
        json!({
            "tenantId": self.directory, "clientId": self.client_id, "objectId": self.principal,
            "secrets": [self.secret], "federatedCredentials": [credential],
        })
    }

    /// Annotates the ServiceAccount `acivnet`, as an administrator would.
    pub async fn service_account(&self, client_id: &str) {
        let annotations = json!({"azure.workload.identity/client-id": client_id, "azure.workload.identity/tenant-id": self.directory});
        self.put::<ServiceAccount>("acivnet", json!({"metadata": {"annotations": annotations}})).await;
    }

    /// Writes the Secret `acivnet-azure`, as an administrator would.
    pub async fn credentials(&self, client_secret: &str) {
        let data = json!({"tenantID": self.directory, "clientID": self.client_id, "clientSecret": client_secret});
        self.put::<Secret>("acivnet-azure", json!({"stringData": data})).await;
    }

    /// Applies a namespaced object of Kubernetes by server-side apply.
    pub async fn put<K>(&self, name: &str, object: Value)
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let mut object = object;
        object["apiVersion"] = K::api_version(&()).into();
        object["kind"] = K::kind(&()).into();
        object["metadata"]["name"] = name.into();
        let api = Api::<K>::namespaced(self.world.bed.client(), &self.namespace);
        api.patch(name, &PatchParams::apply("tests").force(), &Patch::Apply(object))
            .await
            .expect("the object is taken");
    }

    /// Writes the ConfigMap `churn`; what is not given stays as usual.
    pub async fn files(&self, changed: &[(&str, &str)]) {
        let mut files = json!({"model.pkl": format!("model of {}", self.namespace), "score.py": SCRIPT, "myenv.yml": CONDA, "sample.json": "{\"data\": [[1]]}"});
        for (name, text) in changed {
            files[name] = (*text).into();
        }
        self.put::<ConfigMap>("churn", json!({"data": files})).await;
    }

    /// Resource group `amlrg`.
    pub fn group(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/amlrg", self.subscription)
    }

    /// The roles that the tenant's identity has: those that we ship.
    fn roles(&self) -> Vec<azure_roles::Given> {
        azure_roles::all(&self.group(), "amlws", &self.account())
    }

    /// Id of something of Microsoft.Network in the resource group.
    pub fn network_id(&self, rest: &str) -> String {
        format!("{}/providers/Microsoft.Network/{rest}", self.group())
    }

    /// Id of the virtual network of the how-to.
    pub fn vnet(&self) -> String {
        self.network_id("virtualNetworks/amlvnet1")
    }

    /// Id of the delegated subnet of the how-to.
    pub fn subnet_id(&self) -> String {
        format!("{}/subnets/amlsubnet1", self.vnet())
    }

    /// Id of the security group of the how-to.
    pub fn security_group(&self) -> String {
        self.network_id("networkSecurityGroups/amlnsg")
    }

    /// Id of the workspace.
    pub fn workspace(&self) -> String {
        format!("{}/providers/Microsoft.MachineLearningServices/workspaces/amlws", self.group())
    }

    /// Id of the web service.
    pub fn service_id(&self) -> String {
        format!("{}/services/{}", self.workspace(), self.service)
    }

    /// Storage account of the workspace.
    pub fn account(&self) -> String {
        format!("amlstorage{}", self.number)
    }

    /// An address or prefix of the tenant's own network: `10.N.` and the rest.
    pub fn address(&self, rest: &str) -> String {
        // 10.96.0.0/16 is the cluster's
        format!("10.{}.{rest}", if self.number < 96 { self.number } else { self.number + 1 })
    }

    /// The how-to's `DelegatedSubnet` in this tenant's subscription and range.
    pub fn subnet(&self) -> Object {
        examples::subnet()
            .with("/metadata/namespace", self.namespace.clone())
            .with("/spec/azure/subscriptionID", self.subscription.clone())
            .with("/spec/virtualNetwork/addressPrefixes", json!([self.address("0.0/16")]))
            .with("/spec/subnet/addressPrefix", self.address("1.0/24"))
            .with("/spec/clientSubnet/addressPrefix", self.address("0.0/24"))
    }

    /// The how-to's `AciVnetDeployment` with this tenant's web service.
    pub fn deployment(&self) -> Object {
        let service = json!({"serviceName": self.service});
        examples::deployment()
            .with("/metadata/namespace", self.namespace.clone())
            .with("/spec/backend/azureMLWebService", service)
    }

    /// Applies the how-to and waits until it serves. Returns the deployment.
    pub async fn how_to(&self) -> Value {
        self.files(&[]).await;
        self.apply(&self.subnet()).await;
        self.apply(&self.deployment()).await;
        self.ready(&self.subnet()).await;
        self.ready(&self.deployment()).await
    }

    fn api(&self, object: &Object) -> Api<DynamicObject> {
        let kind = object.0["kind"].as_str().expect("a kind");
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("acivnet.dev", "v1alpha1", kind));
        let resource = ApiResource { plural: format!("{}s", kind.to_lowercase()), ..resource };
        Api::namespaced_with(self.world.bed.client(), &self.namespace, &resource)
    }

    /// Applies a custom resource by server-side apply.
    pub async fn apply(&self, object: &Object) {
        let parameters = PatchParams::apply("tests").force();
        self.api(object)
            .patch(object.name(), &parameters, &Patch::Apply(&object.0))
            .await
            .expect("the object is taken");
    }

    /// Changes a custom resource by a merge patch.
    pub async fn merge(&self, object: &Object, patch: Value) {
        self.api(object)
            .patch(object.name(), &PatchParams::default(), &Patch::Merge(patch))
            .await
            .expect("the patch is taken");
    }

    /// Annotates a custom resource.
    pub async fn annotate(&self, object: &Object, key: &str, value: &str) {
        self.merge(object, json!({"metadata": {"annotations": {key: value}}})).await;
    }

    /// Approves the plan that waits.
    pub async fn approve(&self, object: &Object) {
        let stands = self.get(object).await.expect("the object");
        let hash = stands.pointer("/status/plan/hash").and_then(Value::as_str).expect("a plan with a hash").to_owned();
        self.annotate(object, APPROVE_PLAN, &hash).await;
    }

    /// Begins the deletion of a custom resource.
    pub async fn delete(&self, object: &Object) {
        self.api(object).delete(object.name(), &DeleteParams::default()).await.expect("the deletion begins");
    }

    /// A custom resource as it stands.
    pub async fn get(&self, object: &Object) -> Option<Value> {
        let found = self.api(object).get_opt(object.name()).await.expect("an answer");
        found.map(|found| serde_json::to_value(found).expect("JSON"))
    }

    /// Waits for a state of a custom resource; says everything that helps when it does not come.
    pub async fn until(&self, object: &Object, what: &str, reached: impl Fn(&Value) -> bool) -> Value {
        let ask = || async {
            let stands = self.get(object).await.ok_or("it is gone")?;
            sound(&stands);
            if reached(&stands) { Ok(stands) } else { Err("it is not so yet".to_owned()) }
        };
        let about = format!("{} {}: {what}", object.0["kind"], object.name());
        match crate::eventually(&about, ask).await {
            Ok(stands) => stands,
            Err(why) => panic!("{why}\n{}", self.story().await),
        }
    }

    /// Waits until a custom resource's generation is ready and nothing is left to do.
    pub async fn ready(&self, object: &Object) -> Value {
        self.until(object, "Ready and settled", |stands| {
            let settled = stands.pointer("/status/settledGeneration") == stands.pointer("/metadata/generation");
            settled
                && kstatus::condition(stands, "Ready").0 == "True"
                && kstatus::read(stands) == kstatus::Kstatus::Current
        })
        .await
    }

    /// Waits for a condition of the present generation to be there with a reason.
    pub async fn condition(&self, object: &Object, type_: &str, status: &str, reason: &str) -> Value {
        self.until(object, &format!("{type_}={status}/{reason}"), |stands| {
            let seen = stands.pointer("/status/observedGeneration") == stands.pointer("/metadata/generation");
            let (has, why, _) = kstatus::condition(stands, type_);
            seen && has == status && why == reason
        })
        .await
    }

    /// Waits until a custom resource is being deleted.
    pub async fn until_deleting(&self, object: &Object) {
        self.until(object, "being deleted", |stands| stands.pointer("/metadata/deletionTimestamp").is_some()).await;
    }

    /// Waits until the namespace has lost its ServiceAccount.
    pub async fn until_account_gone(&self) {
        let accounts = Api::<ServiceAccount>::namespaced(self.world.bed.client(), &self.namespace);
        let ask = || async {
            if accounts.get_opt("acivnet").await.expect("an answer").is_none() {
                Ok(())
            } else {
                Err("it is there".to_owned())
            }
        };
        crate::eventually("ServiceAccount acivnet is gone", ask).await.unwrap_or_else(|why| panic!("{why}"));
    }

    /// Waits until a custom resource is gone.
    pub async fn gone(&self, object: &Object) {
        let ask = || async { if self.get(object).await.is_none() { Ok(()) } else { Err("it is there".to_owned()) } };
        if let Err(why) = crate::eventually(&format!("{} {} is gone", object.0["kind"], object.name()), ask).await {
            panic!("{why}\n{}", self.story().await);
        }
    }

    /// Begins the deletion of the namespace.
    pub async fn delete_namespace(&self) {
        let all = Api::<k8s_openapi::api::core::v1::Namespace>::all(self.world.bed.client());
        all.delete(&self.namespace, &DeleteParams::default()).await.expect("the deletion begins");
    }

    /// Waits until the namespace is gone.
    pub async fn namespace_gone(&self) {
        let all = Api::<k8s_openapi::api::core::v1::Namespace>::all(self.world.bed.client());
        let ask = || async {
            if all.get_opt(&self.namespace).await.expect("an answer").is_none() {
                Ok(())
            } else {
                Err("it is there".to_owned())
            }
        };
        if let Err(why) = crate::eventually("the namespace is gone", ask).await {
            panic!("{why}\n{}", self.story().await);
        }
    }

    /// Removes the custom resources, whatever remains in Azure, so that nothing reconciles them any more.
    pub async fn leave(&self) {
        let released = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        for object in [self.deployment(), self.subnet()] {
            let api = self.api(&object);
            for one in api.list(&ListParams::default()).await.expect("an answer").items {
                let name = one.metadata.name.expect("a name");
                let _gone = api.delete(&name, &DeleteParams::default()).await;
                let _gone = api.patch(&name, &PatchParams::default(), &released).await;
            }
        }
    }
}

/// What holds for every status that anybody ever sees.
fn sound(object: &Value) {
    let is = |type_| kstatus::condition(object, type_).0 == "True";
    assert!(!(is("Reconciling") && is("Stalled")), "Reconciling and Stalled at once: {object:#}");
    for condition in kstatus::conditions(object) {
        assert!(
            condition["message"].as_str().is_some_and(|text| !text.is_empty()),
            "a condition without message: {condition}"
        );
        assert!(condition.get("observedGeneration").is_some(), "a condition without generation: {condition}");
        let abnormal = ["Reconciling", "Stalled", "DeletionBlocked"].iter().any(|type_| condition["type"] == *type_);
        assert!(!abnormal || condition["status"] == "True", "{condition} is there although it is not True");
    }
}
