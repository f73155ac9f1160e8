//! Azure resource ids.

use std::{cmp::Ordering, fmt, hash};

/// Whether Azure treats two ids, or names in ids, as one: case is ignored, also beyond ASCII, since a resource group's
/// name may hold any letter ("Naming rules and restrictions for Azure resources").
pub fn same(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    one.chars().flat_map(char::to_lowercase).eq(other.chars().flat_map(char::to_lowercase))
}

/// An id in lower case: ids that are the [`same`] fold to the same text.
pub fn fold(id: &str) -> String {
    if id.is_ascii() { id.to_ascii_lowercase() } else { id.chars().flat_map(char::to_lowercase).collect() }
}

/// An Azure resource id, e.g. `/subscriptions/{guid}/resourceGroups/{name}/providers/{type}/{name}`.
///
/// Case is ignored in comparisons, since providers change it in answers. The case first written is kept and sent.
#[derive(Clone)]
pub struct ResourceId(String);

impl ResourceId {
    /// Reads an id. `None` if it is not absolute, not below a subscription, or has a segment that is empty or could
    /// mean another path (`.`, `..`, `%`, `?`, `#`, `\`, white space or control characters).
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('/')?;
        let mut segments = rest.split('/');
        let below = segments.next().is_some_and(|first| first.eq_ignore_ascii_case("subscriptions"));
        let sound = |segment: &str| {
            !segment.is_empty()
                && segment != "."
                && segment != ".."
                && !segment.contains(|c: char| "%?#\\".contains(c) || c.is_whitespace() || c.is_control())
        };
        (below && segments.clone().count() >= 1 && segments.all(sound)).then(|| Self(text.to_owned()))
    }

    /// The id of a subscription.
    pub fn subscription_id(subscription: &str) -> Self {
        Self(format!("/subscriptions/{subscription}"))
    }

    /// The id of a resource group.
    pub fn group_id(subscription: &str, group: &str) -> Self {
        Self(format!("/subscriptions/{subscription}/resourceGroups/{group}"))
    }

    /// A top-level resource of this resource group; `arm_type` is `Namespace/type`.
    pub fn resource(&self, arm_type: &str, name: &str) -> Self {
        Self(format!("{}/providers/{arm_type}/{name}", self.0))
    }

    /// A child of this resource; `type_` is the last part of its type.
    pub fn child(&self, type_: &str, name: &str) -> Self {
        Self(format!("{}/{type_}/{name}", self.0))
    }

    /// The resource one level up: the virtual network of a subnet, the resource group of a virtual network.
    pub fn parent(&self) -> Option<Self> {
        let (rest, _name) = self.0.rsplit_once('/')?;
        let (rest, _type) = rest.rsplit_once('/')?;
        let rest = match rest.rsplit_once('/') {
            Some((above, _)) if above.to_ascii_lowercase().ends_with("/providers") => {
                above.get(..above.len() - "/providers".len())?
            }
            _ => rest,
        };
        (!rest.is_empty()).then(|| Self(rest.to_owned()))
    }

    /// The resource's name: the last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The subscription's GUID.
    pub fn subscription(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    /// The resource group's name, if there is one.
    pub fn resource_group(&self) -> Option<&str> {
        let mut segments = self.0.split('/').skip(3);
        segments.next().filter(|word| word.eq_ignore_ascii_case("resourceGroups")).and_then(|_| segments.next())
    }

    /// The resource group's id, if there is one.
    pub fn group(&self) -> Option<Self> {
        self.resource_group().map(|group| Self::group_id(self.subscription(), group))
    }

    /// The id as it is sent to Azure.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id in lower case, for keys.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl Eq for ResourceId {}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(&other.folded())
    }
}

impl hash::Hash for ResourceId {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBNET: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n";

    #[test]
    fn walks_up_to_the_group() {
        let subnet = ResourceId::parse(SUBNET).unwrap();
        let vnet = subnet.parent().unwrap();
        assert_eq!(vnet.as_str(), "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v");
        assert_eq!(vnet.parent().unwrap(), ResourceId::group_id("S", "G"));
        assert_eq!((subnet.name(), subnet.subscription(), subnet.resource_group()), ("n", "s", Some("g")));
    }

    #[test]
    fn case_does_not_tell_ids_apart() {
        assert_eq!(
            ResourceId::parse(SUBNET),
            ResourceId::parse(&SUBNET.to_uppercase().replace("/SUBSCRIPTIONS", "/subscriptions"))
        );
    }

    #[test]
    fn case_is_that_of_any_script() {
        let group = |name: &str| ResourceId::group_id("s", name);
        for (one, other, equal) in [
            ("Ünï-rg", "ünÏ-RG", true),
            ("ΣΙΓΜΑ", "σιγμα", true),
            ("機械学習", "機械学習", true),
            ("Ünï-rg", "Uni-rg", false),
            ("機械学習", "機械學習", false),
        ] {
            assert_eq!(group(one) == group(other), equal, "{one} {other}");
            assert_eq!(group(one).folded() == group(other).folded(), equal, "{one} {other}");
        }
        assert!(ResourceId::parse("/subscriptions/s/resourceGroups/機械学習").is_some());
    }

    #[test]
    fn refuses_what_could_mean_another_path() {
        for text in [
            "",
            "subscriptions/s",
            "/",
            "/subscriptions",
            "/tenants/t",
            "/subscriptions//x",
            "/subscriptions/s/../t",
            "/subscriptions/%2e",
            "/subscriptions/s?x",
            "/subscriptions/s/a b",
        ] {
            assert!(ResourceId::parse(text).is_none(), "{text:?}");
        }
    }
}
