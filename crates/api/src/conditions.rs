//! Every condition type and reason. They are API: never renamed within a version.

macro_rules! words {
    ($(#[$about:meta])* $list:ident: $($(#[doc = $doc:literal])+ $name:ident = $value:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: &str = $value;)+
        $(#[$about])*
        pub const $list: &[(&str, &str)] = &[$(($value, concat!($($doc),+))),+];
    };
}

/// Condition types.
pub mod types {
    words! {
        /// All types with what they mean, for the reference.
        ALL:
        /// Ready for use: the URL answers as expected, or the subnet is delegated and usable.
        READY = "Ready";
        /// Work towards this generation goes on. Present only when True.
        RECONCILING = "Reconciling";
        /// Nothing will move without a change by a person. Present only when True, never together with Reconciling.
        STALLED = "Stalled";
        /// A token was got and accepted.
        CREDENTIALS_VALID = "CredentialsValid";
        /// The virtual network stands as described.
        VIRTUAL_NETWORK_READY = "VirtualNetworkReady";
        /// The subnet stands and is delegated.
        DELEGATED = "Delegated";
        /// The client subnet and its security group stand as described.
        CLIENT_SUBNET_READY = "ClientSubnetReady";
        /// The compute instance stands as described; one that its user stopped does too.
        COMPUTE_INSTANCE_READY = "ComputeInstanceReady";
        /// Container groups in the delegated subnet reach what lies outside, or are not meant to.
        EGRESS_READY = "EgressReady";
        /// The delegated subnet has a free address.
        CAPACITY_AVAILABLE = "CapacityAvailable";
        /// The delegated subnet can be used.
        NETWORK_READY = "NetworkReady";
        /// The model is registered; version and digest are known.
        MODEL_READY = "ModelReady";
        /// The image of the environment is built or found.
        ENVIRONMENT_READY = "EnvironmentReady";
        /// The web service runs.
        SERVICE_HEALTHY = "ServiceHealthy";
        /// The last sample request got the expected answer.
        PROBE_PASSED = "ProbePassed";
        /// Azure differs from the spec. Negative polarity.
        DRIFT_DETECTED = "DriftDetected";
        /// The content that runs is the wanted one.
        ROLLOUT_COMPLETE = "RolloutComplete";
        /// Microsoft supports this backend in a virtual network.
        BACKEND_SUPPORTED = "BackendSupported";
        /// Something holds the deletion. Present only while deleting.
        DELETION_BLOCKED = "DeletionBlocked";
    }
}

/// Reasons.
pub mod reasons {
    words! {
        /// All reasons with what they mean, for the reference and the runbook.
        ALL:
        /// Everything is as wanted.
        SETTLED = "Settled";
        /// The subnet is delegated and usable.
        DELEGATED = "Delegated";
        /// The endpoint answers.
        SERVING = "Serving";
        /// Work goes on.
        PROGRESSING = "Progressing";
        /// The object is being deleted.
        DELETING = "Deleting";
        /// The resource is being made.
        CREATING = "Creating";
        /// The resource is being changed.
        UPDATING = "Updating";
        /// The resource is not there yet.
        ABSENT = "Absent";
        /// `suspend: true`: Azure is read and never written.
        SUSPENDED = "Suspended";
        /// The spec says something that Azure refuses for ever, or that is beyond a bound.
        INVALID_SPEC = "InvalidSpec";
        /// Azure can't be reached or gave no usable answer.
        AZURE_UNREACHABLE = "AzureUnreachable";
        /// Azure asks for fewer requests.
        THROTTLED = "Throttled";
        /// Another operation on the same resource is running.
        BUSY = "Busy";
        /// The namespace's Azure identity lacks a right.
        FORBIDDEN = "Forbidden";
        /// An Azure Policy forbids it.
        POLICY_DENIED = "PolicyDenied";
        /// An Azure lock forbids it.
        AZURE_LOCK = "AzureLock";
        /// The subscription has not registered the resource provider.
        PROVIDER_NOT_REGISTERED = "ProviderNotRegistered";
        /// The subscription does not exist or this identity can't see it.
        SUBSCRIPTION_NOT_FOUND = "SubscriptionNotFound";
        /// The subscription is disabled: it can be read, and nothing in it can be made or changed.
        SUBSCRIPTION_DISABLED = "SubscriptionDisabled";
        /// The resource group does not exist or this identity can't see it.
        RESOURCE_GROUP_NOT_FOUND = "ResourceGroupNotFound";
        /// The referenced virtual network does not exist.
        VIRTUAL_NETWORK_NOT_FOUND = "VirtualNetworkNotFound";
        /// The referenced subnet does not exist.
        SUBNET_NOT_FOUND = "SubnetNotFound";
        /// The referenced security group does not exist.
        SECURITY_GROUP_NOT_FOUND = "NetworkSecurityGroupNotFound";
        /// The referenced route table does not exist.
        ROUTE_TABLE_NOT_FOUND = "RouteTableNotFound";
        /// The workspace does not exist.
        WORKSPACE_NOT_FOUND = "WorkspaceNotFound";
        /// A compute instance of that name exists in the region, in whatever subscription.
        COMPUTE_NAME_TAKEN = "ComputeNameTaken";
        /// The compute instance failed; the message has Azure's words.
        COMPUTE_INSTANCE_FAILED = "ComputeInstanceFailed";
        /// The compute instance was deleted in Azure, and another is not made without being told to.
        COMPUTE_INSTANCE_DELETED = "ComputeInstanceDeleted";
        /// The compute instance stays and holds the client subnet.
        COMPUTE_INSTANCE_RETAINED = "ComputeInstanceRetained";
        /// A change would have to delete and make again what is not replaced without being told to.
        REPLACEMENT_REFUSED = "ReplacementRefused";
        /// No NAT gateway carries what leaves the subnet.
        NO_NAT_GATEWAY = "NoNATGateway";
        /// A NAT gateway carries what leaves the subnet.
        NAT_GATEWAY = "NATGateway";
        /// A route of the network that is not managed here is trusted to carry what leaves the subnet.
        EXISTING_ROUTE = "ExistingRoute";
        /// Nothing outside is to be reached.
        NO_EGRESS_WANTED = "NoEgressWanted";
        /// Others use the NAT gateway or the public IP address that is to go.
        NAT_GATEWAY_IN_USE = "NATGatewayInUse";
        /// It exists and is not ours.
        ADOPTION_REFUSED = "AdoptionRefused";
        /// What is referenced stands and is not as described.
        REFERENCE_DIFFERS = "ReferenceDiffers";
        /// A web service of that name exists in the workspace and is not ours.
        SERVICE_NAME_TAKEN = "ServiceNameTaken";
        /// The prefix overlaps with another subnet.
        ADDRESS_OVERLAP = "AddressOverlap";
        /// The subnet is delegated to another service, or other resources live in it, so that it can't be delegated.
        SUBNET_IN_USE_BY_OTHER = "SubnetInUseByOther";
        /// Two DelegatedSubnets describe the same virtual network differently.
        VIRTUAL_NETWORK_DIFFERS = "VirtualNetworkDiffers";
        /// The region differs from the one that stands or is needed.
        REGION_MISMATCH = "RegionMismatch";
        /// The virtual network is not in the resource group of the workspace, where Azure ML looks for it.
        VIRTUAL_NETWORK_NOT_IN_WORKSPACE_RESOURCE_GROUP = "VirtualNetworkNotInWorkspaceResourceGroup";
        /// The DelegatedSubnet is missing or not ready.
        WAITING_FOR_SUBNET = "WaitingForSubnet";
        /// The DelegatedSubnet is not ready.
        SUBNET_NOT_READY = "SubnetNotReady";
        /// The subnet lacks the delegation to Azure Container Instances.
        SUBNET_NOT_DELEGATED = "SubnetNotDelegated";
        /// The subnet has no free address.
        SUBNET_FULL = "SubnetFull";
        /// The subnet has a free address.
        ADDRESSES_FREE = "AddressesFree";
        /// A ConfigMap or a key in it is missing.
        CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound";
        /// A file that the spec names is empty, and nothing can be made of that.
        FILE_EMPTY = "FileEmpty";
        /// A Secret that the spec names does not exist.
        SECRET_NOT_FOUND = "SecretNotFound";
        /// A Secret that the spec names lacks a key.
        SECRET_KEY_MISSING = "SecretKeyMissing";
        /// A value in a Secret can't be used: it is empty, too long, no text, or has white space around it.
        SECRET_VALUE_INVALID = "SecretValueInvalid";
        /// The operator may not read, or make, a Secret that the spec names.
        SECRET_FORBIDDEN = "SecretForbidden";
        /// A value from a Secret is stored readable by the web service.
        SECRET_STORED_READABLE = "SecretStoredReadable";
        /// A certificate can't be used: it does not parse, is for another name, has expired, or is not accepted.
        CERTIFICATE_INVALID = "CertificateInvalid";
        /// The conda file can't be used.
        CONDA_FILE_INVALID = "CondaFileInvalid";
        /// The model file can't be read.
        MODEL_UNREADABLE = "ModelUnreadable";
        /// The workspace has no such model version.
        MODEL_NOT_FOUND = "ModelNotFound";
        /// The model is being read, for its digest.
        READING_MODEL = "ReadingModel";
        /// Azure refused the registration of the model.
        REGISTRATION_FAILED = "RegistrationFailed";
        /// The model version is registered.
        REGISTERED = "Registered";
        /// The image of the environment is being built.
        BUILDING = "Building";
        /// The image of the environment stands.
        BUILT = "Built";
        /// The image of the environment could not be built; the message has the failing line.
        IMAGE_BUILD_FAILED = "ImageBuildFailed";
        /// The image can't be pulled.
        IMAGE_NOT_PULLED = "ImageNotPulled";
        /// The scoring script ended with an error; the message has the Python error.
        SCORING_SCRIPT_CRASHED = "ScoringScriptCrashed";
        /// The scoring worker is killed for want of memory.
        OUT_OF_MEMORY = "OutOfMemory";
        /// The scoring worker crashes outside of Python, or is stopped because it takes too long; the message says where.
        WORKER_CRASHED = "WorkerCrashed";
        /// A quota of the subscription is used up.
        QUOTA_EXCEEDED = "QuotaExceeded";
        /// The region has no capacity at the moment.
        REGION_CAPACITY = "RegionCapacity";
        /// Azure says the web service failed.
        SERVICE_FAILED = "ServiceFailed";
        /// Azure says the web service runs.
        HEALTHY = "Healthy";
        /// The address lies outside the subnet or outside the allowed networks.
        ADDRESS_OUTSIDE_SUBNET = "AddressOutsideSubnet";
        /// Azure answers the host name of the web service only, and no address.
        ADDRESS_UNKNOWN = "AddressUnknown";
        /// The sample request did not get the expected answer.
        PROBE_FAILED = "ProbeFailed";
        /// The sample request got the expected answer.
        PASSED = "Passed";
        /// The sample request got no answer.
        UNREACHABLE = "Unreachable";
        /// The sample request was refused for want of a key.
        UNAUTHORIZED = "Unauthorized";
        /// The sample request got another status.
        UNEXPECTED_STATUS = "UnexpectedStatus";
        /// The sample request got another content than the spec expects.
        UNEXPECTED_BODY = "UnexpectedBody";
        /// The address is one that the probe never dials.
        ADDRESS_NOT_ALLOWED = "AddressNotAllowed";
        /// No probe is configured.
        NOT_CONFIGURED = "NotConfigured";
        /// Azure equals the spec.
        IN_SYNC = "InSync";
        /// Azure differs from the spec.
        DRIFTED = "Drifted";
        /// A change that deletes and creates waits for a person.
        APPROVAL_REQUIRED = "ApprovalRequired";
        /// The wanted content runs.
        COMPLETE = "Complete";
        /// The Azure ML SDK v1 and its web services are retired by Microsoft.
        SDK_V1_RETIRED = "SDKv1Retired";
        /// A token was got and accepted.
        TOKEN_ACCEPTED = "TokenAccepted";
        /// The namespace has neither the ServiceAccount `acivnet` nor the Secret `acivnet-azure`.
        SERVICE_ACCOUNT_NOT_FOUND = "ServiceAccountNotFound";
        /// The ServiceAccount `acivnet` lacks an annotation.
        ANNOTATION_MISSING = "AnnotationMissing";
        /// Microsoft Entra ID has no federated credential that matches.
        FEDERATION_MISSING = "FederationMissing";
        /// The Secret `acivnet-azure` lacks a key.
        SECRET_MISSING = "SecretMissing";
        /// Microsoft Entra ID refused the client id, tenant or secret.
        CREDENTIALS_REFUSED = "CredentialsRefused";
        /// The namespace is going and no token can be got for its identity any more.
        CREDENTIALS_LOST = "CredentialsLost";
        /// Deployments or foreign container groups still use the subnet.
        SUBNET_IN_USE = "SubnetInUse";
        /// Azure keeps a service association link on the subnet for a while.
        SERVICE_ASSOCIATION_LINK = "ServiceAssociationLink";
        /// What Azure said fits no other reason; the message has its code.
        AZURE_REFUSED = "AzureRefused";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_unique_camel_case_words() {
        for (list, name) in [(types::ALL, "types"), (reasons::ALL, "reasons")] {
            let mut seen = std::collections::BTreeSet::new();
            for (word, doc) in list {
                assert!(seen.insert(word), "{name}: {word} stands twice");
                assert!(word.chars().all(char::is_alphanumeric) && word.starts_with(char::is_uppercase), "{word}");
                assert!(doc.trim().ends_with('.'), "{word}: {doc}");
            }
        }
    }
}
