//! The rules for `api-version`. Many versions of one type are accepted at once, as Azure does; which members a version
//! knows is not modelled, except where it changes behaviour (subnets of a virtual network).

use super::providers;
use crate::call::{Path, Query};
use crate::error::Refusal;
use http::StatusCode;

/// Versions that messages list.
const NETWORK: &[&str] = &["2022-01-01", "2022-07-01", "2023-05-01", "2023-11-01", "2024-05-01", "2025-03-01"];
const CONTAINER_INSTANCE: &[&str] = &["2018-10-01", "2021-07-01", "2023-05-01", "2024-05-01-preview", "2025-09-01"];
const PRIVATE_DNS: &[&str] = &["2018-09-01", "2020-01-01", "2020-06-01", "2024-06-01"];
const MACHINE_LEARNING: &[&str] = &["2022-05-01", "2023-04-01", "2023-10-01", "2024-04-01", "2025-12-01"];
const AUTHORIZATION: &[&str] = &["2015-07-01", "2016-09-01", "2018-07-01", "2020-05-01", "2022-04-01"];
const MANAGED_IDENTITY: &[&str] = &["2018-11-30", "2023-01-31", "2024-11-30"];
const RESOURCES: &[&str] = &["2019-10-01", "2020-01-01", "2021-04-01", "2022-12-01", "2024-11-01", "2025-04-01"];
/// Oldest and newest date that is accepted.
const OLDEST: &str = "2014-04-01";
const NEWEST: &str = "2026-12-31";

/// Checks that there is an api-version, and that Azure could know it.
///
/// # Errors
/// `400 MissingApiVersionParameter`, `InvalidApiVersionParameter`, `NoRegisteredProviderFound`.
pub fn check(path: &Path, query: &Query) -> Result<(), Refusal> {
    let Some(version) = query.get("api-version").filter(|version| !version.is_empty()) else {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(refused("MissingApiVersionParameter", message.to_owned()));
    };
    let segments = path.segments();
    let position = segments.iter().position(|segment| *segment == "providers");
    let target = position.and_then(|at| Some((*segments.get(at + 1)?, *segments.get(at + 2)?)));
    let versions = target.map_or(RESOURCES, |(namespace, kind)| listed(namespace, kind));
    if is_known(version) {
        return Ok(());
    }
    let list = versions.join(", ");
    let provider = target.and_then(|(namespace, kind)| Some((providers::spelling(namespace)?, kind)));
    if let Some((_, kind)) = provider.filter(|_| is_date(version)) {
        return Err(refused(
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location '' and API version '{version}' for type '{kind}'. \
                 The supported api-versions are '{list}'. The supported locations are '{}'.",
                super::groups::LOCATIONS.join(", ")
            ),
        ));
    }
    let message = format!("The api-version '{version}' is invalid. The supported versions are '{list}'.");
    Err(refused("InvalidApiVersionParameter", message))
}

/// Versions that messages and the list of providers name for a type, ignoring case.
pub fn listed(namespace: &str, kind: &str) -> &'static [&'static str] {
    match namespace.to_ascii_lowercase().as_str() {
        "microsoft.network" if kind.to_ascii_lowercase().starts_with("privatedns") => PRIVATE_DNS,
        "microsoft.network" => NETWORK,
        "microsoft.authorization" => AUTHORIZATION,
        "microsoft.managedidentity" => MANAGED_IDENTITY,
        "microsoft.containerinstance" => CONTAINER_INSTANCE,
        "microsoft.machinelearningservices" => MACHINE_LEARNING,
        _ => RESOURCES,
    }
}

fn refused(code: &'static str, message: String) -> Refusal {
    Refusal::gateway(StatusCode::BAD_REQUEST, code, message)
}

fn is_known(version: &str) -> bool {
    let date = version.get(..10).unwrap_or_default();
    is_date(version) && (OLDEST..=NEWEST).contains(&date)
}

/// `YYYY-MM-DD`, perhaps with `-preview` or the like behind it.
fn is_date(version: &str) -> bool {
    let (date, suffix) = version.split_at_checked(10).unwrap_or((version, ""));
    date.parse::<jiff::civil::Date>().is_ok()
        && date.len() == 10
        && (suffix.is_empty() || (suffix.starts_with('-') && suffix.len() > 1))
}

/// Whether a virtual network PUT of this version without `subnets` keeps the subnets. It was switched on in early 2024
/// and within 2023-09-01 itself (Azure Networking blog, 2024); the simulator keeps from that version on.
pub fn keeps_omitted_subnets(version: &str) -> bool {
    version.get(..10).is_some_and(|date| date >= "2023-09-01")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        for (path, query, code) in [
            ("/subscriptions", "", "MissingApiVersionParameter"),
            ("/subscriptions", "api-version=", "MissingApiVersionParameter"),
            ("/subscriptions", "api-version=x", "InvalidApiVersionParameter"),
            ("/subscriptions", "api-version=2001-01-01", "InvalidApiVersionParameter"),
            (
                "/subscriptions/s/providers/Microsoft.Network/virtualNetworks",
                "api-version=2001-01-01",
                "NoRegisteredProviderFound",
            ),
            (
                "/subscriptions/s/providers/Microsoft.Network/virtualNetworks",
                "api-version=2024-5-1",
                "InvalidApiVersionParameter",
            ),
        ] {
            let refusal = check(&Path::parse(path), &Query::parse(Some(query))).unwrap_err();
            assert_eq!(refusal.code, code, "{path}?{query}");
            assert_eq!(refusal.status, 400);
        }
        for query in ["api-version=2024-05-01", "API-Version=2024-05-01-preview"] {
            assert!(check(&Path::parse("/subscriptions"), &Query::parse(Some(query))).is_ok());
        }
    }

    #[test]
    fn wipe() {
        assert!(!keeps_omitted_subnets("2023-06-01"));
        assert!(keeps_omitted_subnets("2023-09-01"));
        assert!(keeps_omitted_subnets("2024-05-01"));
    }
}
