//! A web service in the terms that all backends share.

use super::{keys, standing::Standing};
use crate::{
    describe::deployment::{place::subnet_prefix, serving::Serving},
    endpoint::{self, Stated},
    kinds::web_service,
    observed::Observed,
    owner::content_tag,
};
use acivnet_api::AciVnetDeployment;
use serde_json::Value;

pub(super) fn of<'a>(cr: &'a AciVnetDeployment, observed: &'a Observed, standing: &Standing<'a>) -> Serving<'a> {
    let (ours, state) = (standing.ours(), standing.state(observed));
    let network = ours.and_then(|body| Some((body, subnet_prefix(cr, observed)?)));
    let address = network.map_or(Ok(None), |(body, prefix)| endpoint::of(stated(body), prefix, &observed.settings));
    Serving {
        state,
        word: ours.map(web_service::state).unwrap_or_default(),
        address,
        content: standing.body.and_then(content_tag),
        certificate: standing.body.and_then(web_service::certificate),
        key: keys::in_use(cr, observed, standing),
        log: standing.log(observed).filter(|_| ours.is_some()),
    }
}

/// The endpoint as Azure states it. With TLS the private address is in `scoringUri` or in `publicIp`; which of them is not
/// documented.
fn stated(body: &Value) -> Option<Stated<'_>> {
    let text = |member: &str| body.get(member).and_then(Value::as_str);
    let hostname = text("cname").filter(|_| web_service::has_tls(body));
    Some(Stated { uri: text("scoringUri")?, hostname, address: text("publicIp") })
}
