//! `{subnet}/providers/Microsoft.ContainerInstance/serviceAssociationLinks/default`: removes the link that a subnet
//! keeps after its last container group ("Subnet Service Association Link - Delete").

use super::{addresses, subnets};
use crate::arm::{nothing, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response};
use crate::world::{World, not_found};
use http::{Method, StatusCode};

/// The type as roles name it.
const KIND: &str = "Microsoft.ContainerInstance/serviceAssociationLinks";

/// DELETE: 200, or 204 when there is no link.
///
/// # Errors
/// `409 SubnetInUse` while a container group is there (status not confirmed), `403 DisallowedResourceOperation` for
/// GET, `404` when the subnet is missing, `405`.
pub fn route(world: &mut World, call: &Call, subnet: &str, link: &str) -> Result<Response, Refusal> {
    call.enter(world, KIND, &format!("{subnet}/providers/{KIND}/{link}"))?;
    world.existing_group(subnet)?;
    if call.method == Method::GET {
        let message = format!("The operation 'read' on resources of type '{KIND}' is disallowed.");
        return Err(Refusal::gateway(StatusCode::FORBIDDEN, "DisallowedResourceOperation", message));
    }
    if call.method != Method::DELETE {
        return Err(wrong_verb(call));
    }
    if world.resource(subnet, subnets::KIND).is_none() {
        return Err(not_found(subnet, subnets::KIND));
    }
    match addresses::drop_link(world, subnet) {
        Ok(true) => nothing(StatusCode::OK),
        Ok(false) => nothing(StatusCode::NO_CONTENT),
        Err(group) => {
            let message = format!(
                "The subnet '{subnet}' is still in use. Please delete all container groups in the subnet and try \
                 again. One sample container group in use is '{group}'."
            );
            Err(Refusal::service(StatusCode::CONFLICT, "SubnetInUse", message))
        }
    }
}
