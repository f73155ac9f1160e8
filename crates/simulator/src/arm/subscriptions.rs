//! Subscriptions ("Subscriptions - List", "Subscriptions - Get").

use super::{paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::identity::bearer::existing_subscription;
use crate::world::{Subscription, World};
use http::{Method, StatusCode};
use serde_json::{Value, json};

const READ: &str = "Microsoft.Resources/subscriptions/read";

/// The subscriptions of the caller's tenant in which it has any role.
///
/// # Errors
/// `405` for another verb than GET.
pub fn list(world: &World, call: &Call) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    let seen = |subscription: &&Subscription| {
        subscription.tenant.eq_ignore_ascii_case(&call.caller.tenant)
            && world.has_role_within(&call.caller, &scope(subscription))
    };
    let items = world.subscriptions.values().filter(seen).map(|one| (scope(one), body(one))).collect();
    paging::page(world, call, "/subscriptions", items)
}

/// One subscription.
///
/// # Errors
/// `404 SubscriptionNotFound`, `403 AuthorizationFailed`, `405`.
pub fn get(world: &World, call: &Call, subscription: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    let found = existing_subscription(world, subscription)?;
    if !world.has_role_within(&call.caller, &scope(found)) {
        world.authorize(&call.caller, READ, &scope(found))?;
    }
    Ok(json_response(StatusCode::OK, &body(found)))
}

fn scope(subscription: &Subscription) -> String {
    format!("/subscriptions/{}", subscription.id)
}

/// The caller's tenant ("Tenants - List").
///
/// # Errors
/// `405` for another verb than GET.
pub fn tenants(world: &World, call: &Call) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    let id = format!("/tenants/{}", call.caller.tenant);
    let tenant = json!({
        "id": id, "tenantId": call.caller.tenant, "tenantCategory": "Home", "displayName": "Simulated tenant",
        "domains": ["simulated.invalid"], "defaultDomain": "simulated.invalid", "tenantType": "AAD",
    });
    paging::page(world, call, "/tenants", vec![(id, tenant)])
}

fn body(subscription: &Subscription) -> Value {
    let mut body = json!({
        "id": scope(subscription),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant,
        "homeTenantId": subscription.tenant,
        "displayName": subscription.display_name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off",
        },
    });
    if let Some(body) = body.as_object_mut() {
        subscription.tags.show(body);
    }
    body
}
