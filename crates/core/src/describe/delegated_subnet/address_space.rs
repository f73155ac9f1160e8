//! The address space of a virtual network that is created or adopted here. Others write this list too: the portal,
//! policies, a network team. Only the prefixes that the record says were written here are ours; all others stay.

use crate::describe::related::Sibling;
use crate::kinds::{subnet, virtual_network};
use acivnet_api::ResourceStatus;
use ipnet::IpNet;
use serde_json::Value;

/// How many of the subnets that use a prefix a message names: enough to find them, few enough for a condition.
const NAMED: usize = 5;

/// What the address space should be.
#[derive(Debug, PartialEq)]
pub(super) struct AddressSpace {
    /// All prefixes, in Azure's spelling and order.
    pub prefixes: Vec<String>,
    /// Those that we may remove, in the form of `status.resources[].keys`.
    pub claims: Vec<String>,
    /// Why a prefix that the spec no longer lists can't be removed, and what to do.
    pub note: Option<String>,
}

/// What the decision depends on.
pub(super) struct Inputs<'a> {
    /// Prefixes in the spec.
    pub wanted: &'a [String],
    /// The network in Azure; none while it is absent or unread.
    pub actual: Option<&'a Value>,
    /// The network could not be read.
    pub unread: bool,
    /// The network's mark says that this cluster created it.
    pub made: bool,
    /// The network's entry in `status.resources`.
    pub record: Option<&'a ResourceStatus>,
    /// The other objects that describe the network.
    pub siblings: &'a [Sibling],
}

impl Inputs<'_> {
    pub(super) fn address_space(&self) -> AddressSpace {
        let existing = self.existing();
        let (mut prefixes, mut claims, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for prefix in &existing {
            match self.fate(prefix) {
                Fate::Goes => continue,
                Fate::Kept(why) => {
                    claims.push((*prefix).to_owned());
                    notes.push(why);
                }
                Fate::Stays => {}
            }
            prefixes.push((*prefix).to_owned());
        }
        let there = |wanted: &str| prefixes.iter().any(|one| is_within(wanted, one));
        let new: Vec<String> = self.wanted.iter().filter(|wanted| !there(wanted)).cloned().collect();
        claims.extend(prefixes.iter().filter(|one| self.is_wanted(one) && self.is_ours(one)).cloned());
        claims.extend(new.iter().filter(|one| !self.unread || self.is_ours(one)).cloned());
        prefixes.extend(new);
        let claims = claims.into_iter().map(|one| format!("[{one}]")).collect();
        AddressSpace { prefixes, claims, note: (!notes.is_empty()).then(|| notes.join("; ")) }
    }

    fn existing(&self) -> Vec<&str> {
        self.actual.map(virtual_network::address_prefixes).unwrap_or_default()
    }

    fn fate(&self, prefix: &str) -> Fate {
        if self.is_wanted(prefix) {
            return Fate::Stays;
        }
        if !self.was_written(prefix) {
            // Azure refuses two prefixes that overlap, and a wanted one contains this one
            let part = self.wanted.iter().any(|wanted| is_within(prefix, wanted));
            return if part { Fate::Goes } else { Fate::Stays };
        }
        let users = self.users(prefix);
        if !users.is_empty() {
            let more = users.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let users = users.into_iter().take(NAMED).collect::<Vec<_>>().join(", ") + &more;
            return Fate::Kept(format!(
                "prefix {prefix} stays, although virtualNetwork.addressPrefixes no longer lists it; list it again, or move \
                 the subnets that use it: {users}"
            ));
        }
        if self.siblings.iter().any(|one| one.creates && !one.deleting && names(&one.prefixes, prefix)) {
            return Fate::Kept(format!(
                "prefix {prefix} stays, because another DelegatedSubnet lists it in virtualNetwork.addressPrefixes; remove \
                 it there, too"
            ));
        }
        Fate::Goes
    }

    fn is_wanted(&self, prefix: &str) -> bool {
        names(self.wanted, prefix)
    }

    /// Whether a prefix is recorded as written here. Where no prefix is recorded (by a release that wrote the whole
    /// list, by an object that joins, or after a loss), every wanted prefix of a network that was created here counts
    /// as written.
    fn is_ours(&self, prefix: &str) -> bool {
        let names_some = |record: &ResourceStatus| record.keys.iter().any(|key| key.starts_with('['));
        self.made && !self.record.is_some_and(names_some) || self.was_written(prefix)
    }

    fn was_written(&self, prefix: &str) -> bool {
        let keys = self.record.map(|record| record.keys.as_slice()).unwrap_or_default();
        keys.iter().filter_map(|key| key.strip_prefix('[')?.strip_suffix(']')).any(|key| is_same(key, prefix))
    }

    /// Names of the subnets that lie in a prefix and in no wanted one.
    fn users(&self, prefix: &str) -> Vec<&str> {
        let subnets =
            self.actual.and_then(|body| body.pointer("/properties/subnets")?.as_array()).into_iter().flatten();
        let loses = |one: &&str| is_within(one, prefix) && !self.wanted.iter().any(|wanted| is_within(one, wanted));
        let users = subnets.filter(|one| subnet::address_prefixes(one).iter().any(loses));
        users.filter_map(|one| one.get("name")?.as_str()).collect()
    }
}

/// What becomes of a prefix that Azure has.
enum Fate {
    Stays,
    Goes,
    Kept(String),
}

fn names(list: &[String], prefix: &str) -> bool {
    list.iter().any(|one| is_same(one, prefix))
}

fn is_same(one: &str, other: &str) -> bool {
    one == other || is_within(one, other) && is_within(other, one)
}

/// Whether a prefix lies inside another one or equals it. An unreadable one equals only itself.
fn is_within(inner: &str, outer: &str) -> bool {
    match (inner.parse::<IpNet>(), outer.parse::<IpNet>()) {
        (Ok(inner), Ok(outer)) => outer.contains(&inner),
        _ => inner == outer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn network(prefixes: &[&str], subnets: &[(&str, &str)]) -> Value {
        let subnets: Vec<Value> = subnets
            .iter()
            .map(|(name, prefix)| json!({"name": name, "properties": {"addressPrefixes": [prefix, "fd00::/64"]}}))
            .collect();
        json!({"properties": {"addressSpace": {"addressPrefixes": prefixes}, "subnets": subnets}})
    }

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|one| (*one).to_owned()).collect()
    }

    /// Of prefixes wanted, standing, subnets' and recorded: the ones that should be, and those that are ours.
    fn space(wanted: &[&str], actual: Option<Value>, recorded: &[&str]) -> AddressSpace {
        let record = ResourceStatus {
            kind: "VirtualNetwork".into(),
            id: "v".into(),
            origin: None,
            state: None,
            keys: strings(recorded),
        };
        let (wanted, made) = (strings(wanted), !recorded.is_empty());
        let record = made.then_some(&record);
        Inputs { wanted: &wanted, actual: actual.as_ref(), unread: false, made, record, siblings: &[] }.address_space()
    }

    #[test]
    fn what_others_added_stays_and_what_was_written_goes() {
        let (a, b, theirs) = ("10.9.0.0/16", "10.10.0.0/16", "10.19.0.0/16");
        type Case<'c> = (&'c str, [&'c [&'c str]; 5]);
        let ours: &[&str] = &["[10.9.0.0/16]"];
        let cases: [Case<'_>; 11] = [
            // wanted, existing, recorded; should be, ours
            ("nothing differs", [&[a], &[a], ours, &[a], ours]),
            ("somebody added a prefix", [&[a], &[theirs, a], ours, &[theirs, a], ours]),
            ("somebody replaced ours", [&[a], &[theirs], ours, &[theirs, a], ours]),
            ("the spec drops a prefix of ours", [&[a], &[a, b], &["[10.9.0.0/16]", "[10.10.0.0/16]"], &[a], ours]),
            (
                "the spec drops a prefix that is not recorded",
                [&[a], &[a, b], &["team", "[10.9.0.0/16]"], &[a, b], ours],
            ),
            (
                "one that existed before the spec named it is not ours",
                [&[a, theirs], &[a, theirs], ours, &[a, theirs], ours],
            ),
            (
                "a record of a release that wrote the whole list",
                [&[a], &[a, theirs], &["acivnet-owner"], &[a, theirs], ours],
            ),
            ("adopted", [&[a], &[a, theirs], &[], &[a, theirs], &[]]),
            (
                "somebody made ours part of a larger one",
                [&[a], &["10.8.0.0/15", "fd00::/48"], ours, &["10.8.0.0/15", "fd00::/48"], &[]],
            ),
            ("somebody divided ours", [&[a], &["10.9.0.0/17", "10.9.128.0/17", b], &["x"], &[b, a], ours]),
            ("the spec makes it smaller", [&["10.9.0.0/17"], &[a], ours, &["10.9.0.0/17"], &["[10.9.0.0/17]"]]),
        ];
        for (case, [wanted, existing, recorded, prefixes, claims]) in cases {
            let found = space(wanted, Some(network(existing, &[])), recorded);
            let expected = AddressSpace { prefixes: strings(prefixes), claims: strings(claims), note: None };
            assert_eq!(found, expected, "{case}");
        }
        assert_eq!(space(&[a], None, &[]).claims, ["[10.9.0.0/16]"], "what is written is recorded before");
    }

    #[test]
    fn what_is_used_is_kept_and_the_way_out_told() {
        let (a, b) = ("10.9.0.0/16", "10.10.0.0/16");
        let recorded = ["[10.9.0.0/16]", "[10.10.0.0/16]"];
        let found =
            space(&[a], Some(network(&[a, b], &[("ours", "10.9.1.0/24"), ("theirs", "10.10.1.0/24")])), &recorded);
        assert_eq!((found.prefixes, found.claims), (strings(&[a, b]), strings(&["[10.10.0.0/16]", "[10.9.0.0/16]"])));
        let note = found.note.unwrap();
        assert!(note.contains(b) && note.ends_with(": theirs") && note.contains("list it again"), "{note}");
        // the greater one stays for the sake of who uses what is beyond the smaller one
        let actual = network(&[a], &[("ours", "10.9.1.0/24"), ("theirs", "10.9.200.0/24")]);
        let found = space(&["10.9.0.0/17"], Some(actual), &recorded);
        assert_eq!((found.prefixes, found.claims), (strings(&[a]), strings(&["[10.9.0.0/16]"])));
        assert!(found.note.is_some_and(|note| note.ends_with(": theirs")));
    }

    #[test]
    fn what_a_sibling_names_is_kept_too() {
        let (wanted, actual) = (strings(&["10.9.0.0/16"]), network(&["10.9.0.0/16", "10.10.0.0/16"], &[]));
        let record: ResourceStatus =
            serde_json::from_value(json!({"kind": "VirtualNetwork", "id": "v", "keys": ["[10.10.0.0/16]"]})).unwrap();
        for (creates, deleting, kept) in [(true, false, true), (false, false, false), (true, true, false)] {
            let sibling: Sibling =
                serde_json::from_value(json!({"created": null, "namespace": "secret", "name": "one",
                "deleting": deleting, "creates": creates, "prefixes": ["10.10.0.0/16"], "tags": []}))
                .unwrap();
            let (wanted, actual, record) = (&wanted, Some(&actual), Some(&record));
            let inputs = Inputs { wanted, actual, unread: false, made: true, record, siblings: &[sibling] };
            let found = inputs.address_space();
            assert_eq!(found.prefixes.len() == 2, kept, "{found:?}");
            assert_eq!(found.note.is_some_and(|note| !note.contains("secret")), kept);
        }
    }
}
