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
        /// All types and their meanings, for the reference.
        ALL:
        /// Ready for use: the endpoint answers as expected, or the subnet is delegated and usable.
        READY = "Ready";
        /// acivnet is working towards this generation. Present only when True.
        RECONCILING = "Reconciling";
        /// Nothing will change until a person acts. Present only when True, never together with Reconciling.
        STALLED = "Stalled";
        /// Azure accepted the identity of the namespace.
        CREDENTIALS_VALID = "CredentialsValid";
        /// The virtual network exists as described.
        VIRTUAL_NETWORK_READY = "VirtualNetworkReady";
        /// The subnet exists and is delegated.
        DELEGATED = "Delegated";
        /// The client subnet and its security group exist as described.
        CLIENT_SUBNET_READY = "ClientSubnetReady";
        /// The compute instance exists as described, running or stopped by its user.
        COMPUTE_INSTANCE_READY = "ComputeInstanceReady";
        /// Container groups in the delegated subnet can reach the outside, or are not meant to.
        EGRESS_READY = "EgressReady";
        /// The delegated subnet has a free address.
        CAPACITY_AVAILABLE = "CapacityAvailable";
        /// The delegated subnet can be used.
        NETWORK_READY = "NetworkReady";
        /// The model is registered; version and digest are known.
        MODEL_READY = "ModelReady";
        /// The image of the environment exists.
        ENVIRONMENT_READY = "EnvironmentReady";
        /// The web service runs.
        SERVICE_HEALTHY = "ServiceHealthy";
        /// The last sample request got the expected answer.
        PROBE_PASSED = "ProbePassed";
        /// Azure differs from the spec. True is bad.
        DRIFT_DETECTED = "DriftDetected";
        /// The content in the spec is running.
        ROLLOUT_COMPLETE = "RolloutComplete";
        /// Microsoft supports this backend in a virtual network.
        BACKEND_SUPPORTED = "BackendSupported";
        /// Something blocks the deletion. Present only while deleting.
        DELETION_BLOCKED = "DeletionBlocked";
    }
}

/// Reasons.
pub mod reasons {
    words! {
        /// All reasons and their meanings, for the reference and the runbook.
        ALL:
        /// Azure is as the spec wants it.
        SETTLED = "Settled";
        /// The subnet is delegated and usable.
        DELEGATED = "Delegated";
        /// The endpoint answers.
        SERVING = "Serving";
        /// Work is in progress.
        PROGRESSING = "Progressing";
        /// The object is being deleted.
        DELETING = "Deleting";
        /// The resource is being created.
        CREATING = "Creating";
        /// The resource is being updated.
        UPDATING = "Updating";
        /// The resource doesn't exist yet.
        ABSENT = "Absent";
        /// `suspend: true`: acivnet reads Azure and writes nothing.
        SUSPENDED = "Suspended";
        /// The spec asks for something that Azure will always refuse, or that exceeds a bound.
        INVALID_SPEC = "InvalidSpec";
        /// Azure can't be reached, or gave no usable answer.
        AZURE_UNREACHABLE = "AzureUnreachable";
        /// Azure is limiting the rate of requests.
        THROTTLED = "Throttled";
        /// Another operation on the same resource is running.
        BUSY = "Busy";
        /// The Azure identity of the namespace lacks a permission.
        FORBIDDEN = "Forbidden";
        /// An Azure Policy forbids it.
        POLICY_DENIED = "PolicyDenied";
        /// An Azure lock forbids it.
        AZURE_LOCK = "AzureLock";
        /// The subscription has not registered the resource provider.
        PROVIDER_NOT_REGISTERED = "ProviderNotRegistered";
        /// The subscription doesn't exist, or this identity can't see it.
        SUBSCRIPTION_NOT_FOUND = "SubscriptionNotFound";
        /// The subscription is disabled: nothing in it can be created or changed.
        SUBSCRIPTION_DISABLED = "SubscriptionDisabled";
        /// The resource group doesn't exist, or this identity can't see it.
        RESOURCE_GROUP_NOT_FOUND = "ResourceGroupNotFound";
        /// The referenced virtual network doesn't exist.
        VIRTUAL_NETWORK_NOT_FOUND = "VirtualNetworkNotFound";
        /// The referenced subnet doesn't exist.
        SUBNET_NOT_FOUND = "SubnetNotFound";
        /// The referenced network security group doesn't exist.
        SECURITY_GROUP_NOT_FOUND = "NetworkSecurityGroupNotFound";
        /// The referenced route table doesn't exist.
        ROUTE_TABLE_NOT_FOUND = "RouteTableNotFound";
        /// The workspace doesn't exist.
        WORKSPACE_NOT_FOUND = "WorkspaceNotFound";
        /// A compute instance of that name already exists in the region, in this or another subscription.
        COMPUTE_NAME_TAKEN = "ComputeNameTaken";
        /// The compute instance failed. The message quotes Azure.
        COMPUTE_INSTANCE_FAILED = "ComputeInstanceFailed";
        /// Somebody deleted the compute instance in Azure. acivnet creates another only if you say so.
        COMPUTE_INSTANCE_DELETED = "ComputeInstanceDeleted";
        /// The compute instance is retained and blocks the deletion of the client subnet.
        COMPUTE_INSTANCE_RETAINED = "ComputeInstanceRetained";
        /// The change needs a replacement that the spec doesn't allow.
        REPLACEMENT_REFUSED = "ReplacementRefused";
        /// The subnet has no NAT gateway for outbound traffic.
        NO_NAT_GATEWAY = "NoNATGateway";
        /// A NAT gateway carries outbound traffic.
        NAT_GATEWAY = "NATGateway";
        /// The spec says that an existing route carries outbound traffic. acivnet doesn't check it.
        EXISTING_ROUTE = "ExistingRoute";
        /// The spec wants no outbound traffic.
        NO_EGRESS_WANTED = "NoEgressWanted";
        /// Others use the NAT gateway, or the public IP address, that is to be deleted.
        NAT_GATEWAY_IN_USE = "NATGatewayInUse";
        /// The resource exists and doesn't belong to this object.
        ADOPTION_REFUSED = "AdoptionRefused";
        /// The referenced resource exists but is not as described.
        REFERENCE_DIFFERS = "ReferenceDiffers";
        /// A web service of that name exists in the workspace and doesn't belong to this object.
        SERVICE_NAME_TAKEN = "ServiceNameTaken";
        /// The prefix overlaps with another subnet.
        ADDRESS_OVERLAP = "AddressOverlap";
        /// The subnet can't be delegated: it is delegated to another service, or other resources are in it.
        SUBNET_IN_USE_BY_OTHER = "SubnetInUseByOther";
        /// Two DelegatedSubnets describe the same virtual network differently.
        VIRTUAL_NETWORK_DIFFERS = "VirtualNetworkDiffers";
        /// The region differs from that of the existing resource, or from the one that is needed.
        REGION_MISMATCH = "RegionMismatch";
        /// The virtual network is not in the resource group of the workspace, the only one in which Azure ML looks for
        /// it.
        VIRTUAL_NETWORK_NOT_IN_WORKSPACE_RESOURCE_GROUP = "VirtualNetworkNotInWorkspaceResourceGroup";
        /// The DelegatedSubnet is missing or not ready.
        WAITING_FOR_SUBNET = "WaitingForSubnet";
        /// The DelegatedSubnet is not ready.
        SUBNET_NOT_READY = "SubnetNotReady";
        /// The subnet isn't delegated to Azure Container Instances.
        SUBNET_NOT_DELEGATED = "SubnetNotDelegated";
        /// The subnet has no free address.
        SUBNET_FULL = "SubnetFull";
        /// The subnet has a free address.
        ADDRESSES_FREE = "AddressesFree";
        /// A ConfigMap or a key in it is missing.
        CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound";
        /// A file that the spec names is empty.
        FILE_EMPTY = "FileEmpty";
        /// A Secret that the spec names doesn't exist.
        SECRET_NOT_FOUND = "SecretNotFound";
        /// A Secret that the spec names lacks a key.
        SECRET_KEY_MISSING = "SecretKeyMissing";
        /// A value in a Secret can't be used: it is empty, too long, not text, or has white space around it.
        SECRET_VALUE_INVALID = "SecretValueInvalid";
        /// The operator isn't allowed to read, or create, a Secret that the spec names.
        SECRET_FORBIDDEN = "SecretForbidden";
        /// The web service stores a value from a Secret in the clear.
        SECRET_STORED_READABLE = "SecretStoredReadable";
        /// A certificate can't be used: it is malformed, is for another name, has expired, or isn't trusted.
        CERTIFICATE_INVALID = "CertificateInvalid";
        /// The conda file can't be used.
        CONDA_FILE_INVALID = "CondaFileInvalid";
        /// The model file can't be read.
        MODEL_UNREADABLE = "ModelUnreadable";
        /// The workspace has no such model version.
        MODEL_NOT_FOUND = "ModelNotFound";
        /// The model is being read to compute its digest.
        READING_MODEL = "ReadingModel";
        /// Azure refused the registration of the model.
        REGISTRATION_FAILED = "RegistrationFailed";
        /// The model version is registered.
        REGISTERED = "Registered";
        /// The image of the environment is being built.
        BUILDING = "Building";
        /// The image of the environment exists.
        BUILT = "Built";
        /// The image of the environment couldn't be built. The message has the failing line.
        IMAGE_BUILD_FAILED = "ImageBuildFailed";
        /// The image can't be pulled.
        IMAGE_NOT_PULLED = "ImageNotPulled";
        /// The scoring script failed. The message has the Python error.
        SCORING_SCRIPT_CRASHED = "ScoringScriptCrashed";
        /// The scoring worker was killed because it ran out of memory.
        OUT_OF_MEMORY = "OutOfMemory";
        /// The scoring worker crashed outside Python, or was stopped because it took too long. The message says where.
        WORKER_CRASHED = "WorkerCrashed";
        /// A quota of the subscription is exhausted.
        QUOTA_EXCEEDED = "QuotaExceeded";
        /// The region has no capacity at the moment.
        REGION_CAPACITY = "RegionCapacity";
        /// Azure says that the web service failed.
        SERVICE_FAILED = "ServiceFailed";
        /// Azure says that the web service runs.
        HEALTHY = "Healthy";
        /// The address is outside the subnet or outside the allowed networks.
        ADDRESS_OUTSIDE_SUBNET = "AddressOutsideSubnet";
        /// Azure gave the host name of the web service but no address.
        ADDRESS_UNKNOWN = "AddressUnknown";
        /// The sample request didn't get the expected answer.
        PROBE_FAILED = "ProbeFailed";
        /// The sample request got the expected answer.
        PASSED = "Passed";
        /// The sample request got no answer.
        UNREACHABLE = "Unreachable";
        /// The sample request was refused because its key isn't valid.
        UNAUTHORIZED = "Unauthorized";
        /// The sample request got an unexpected status.
        UNEXPECTED_STATUS = "UnexpectedStatus";
        /// The sample request got unexpected content.
        UNEXPECTED_BODY = "UnexpectedBody";
        /// The address is one that the probe must not connect to.
        ADDRESS_NOT_ALLOWED = "AddressNotAllowed";
        /// No probe is configured.
        NOT_CONFIGURED = "NotConfigured";
        /// Azure matches the spec.
        IN_SYNC = "InSync";
        /// Azure differs from the spec.
        DRIFTED = "Drifted";
        /// A change that deletes and creates the resource waits for approval.
        APPROVAL_REQUIRED = "ApprovalRequired";
        /// The content in the spec is running.
        COMPLETE = "Complete";
        /// Microsoft has retired the Azure ML SDK v1 and its web services.
        SDK_V1_RETIRED = "SDKv1Retired";
        /// Azure accepted the identity of the namespace.
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
        /// The namespace is being deleted, so its identity gets no token any more.
        CREDENTIALS_LOST = "CredentialsLost";
        /// Deployments or foreign container groups still use the subnet.
        SUBNET_IN_USE = "SubnetInUse";
        /// Azure keeps a service association link on the subnet for a while.
        SERVICE_ASSOCIATION_LINK = "ServiceAssociationLink";
        /// Azure refused the request for a reason that has no name here. The message has its code.
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
