//! `If-Match` and `If-None-Match: *`.

use crate::call::Call;

/// Why the conditions of a request are not met by what is there with this etag; none if they are. Etags are compared
/// without quotes, since the bare ones of zones and record sets are sent back bare.
pub(super) fn unmet(call: &Call, what: &str, etag: Option<&str>) -> Option<String> {
    if call.header("if-none-match") == Some("*") && etag.is_some() {
        return Some(format!("The {what} exists already and hence cannot be created again."));
    }
    let wanted = call.header("if-match")?;
    let bare = |text: &str| text.trim_matches('"').to_owned();
    if etag.is_some_and(|etag| wanted == "*" || bare(wanted) == bare(etag)) {
        return None;
    }
    // The text is not confirmed.
    Some(format!(
        "The {what} does not have the etag {wanted} of the condition; its etag is {}.",
        etag.unwrap_or("none")
    ))
}
