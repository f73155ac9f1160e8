//! `If-Match` and `If-None-Match: *`.

use crate::call::Call;

/// Why the conditions of a request are not met by what is there with this etag; none if they are. Etags are compared
/// without quotes, since the bare ones of zones and record sets are sent back bare. The two texts of Azure name a link in
/// different ways, hence two names (`net-Fluent-Tests-PrivateDns-VirtualNetworkLink-CanUpdateWithExplicitETag`, 22, and
/// `…-CanCreateWithDefaultETag`, 22).
pub(super) fn unmet(call: &Call, (existing, modified): (&str, &str), etag: Option<&str>) -> Option<String> {
    if call.header("if-none-match") == Some("*") && etag.is_some() {
        return Some(format!("The {existing} exists already and hence cannot be created again."));
    }
    let wanted = call.header("if-match")?;
    let bare = |text: &str| text.trim_matches('"').to_owned();
    if etag.is_some_and(|etag| wanted == "*" || bare(wanted) == bare(etag)) {
        return None;
    }
    Some(format!("The {modified} has been modified (etag mismatch)."))
}
