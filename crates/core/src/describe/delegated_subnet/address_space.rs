//! The address space of a virtual network that is made or adopted here. It is a list that others write too: the portal,
//! policies, a network team. Of it are ours the prefixes that the record says were written here; what else stands, stays.

use crate::describe::related::Sibling;
use crate::kinds::{subnet, virtual_network};
use acivnet_api::ResourceStatus;
use ipnet::IpNet;
use serde_json::Value;

/// So many subnets are named that use a prefix.
const NAMED: usize = 5;

/// What the address space should be.
#[derive(Debug, PartialEq)]
pub(super) struct AddressSpace {
    /// All prefixes, in the spelling and the order that stand.
    pub prefixes: Vec<String>,
    /// Those that are ours to take away, as `status.resources[].keys` has them.
    pub claims: Vec<String>,
    /// Why a prefix that the spec no longer names can't go, and what to do.
    pub note: Option<String>,
}

/// What decides about it.
pub(super) struct Inputs<'a> {
    /// What the spec names.
    pub wanted: &'a [String],
    /// The network; none while it is not there or unread.
    pub stands: Option<&'a Value>,
    /// Nobody knows what stands.
    pub unread: bool,
    /// It was made by this cluster, as its mark says.
    pub made: bool,
    /// What `status.resources` says of it.
    pub record: Option<&'a ResourceStatus>,
    /// Who else describes the network.
    pub siblings: &'a [Sibling],
}

impl Inputs<'_> {
    pub(super) fn address_space(&self) -> AddressSpace {
        let standing = self.standing();
        let (mut prefixes, mut claims, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for prefix in &standing {
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

    fn standing(&self) -> Vec<&str> {
        self.stands.map(virtual_network::address_prefixes).unwrap_or_default()
    }

    fn fate(&self, prefix: &str) -> Fate {
        if self.is_wanted(prefix) {
            return Fate::Stays;
        }
        if !self.was_written(prefix) {
            // a part of what is wanted would overlap with it
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

    /// What was recorded as written. Where no prefix is recorded, by a release that wrote the whole list, by who joins, or
    /// after a loss, all that is wanted of a network that was made here counts as such.
    fn is_ours(&self, prefix: &str) -> bool {
        let names_some = |record: &ResourceStatus| record.keys.iter().any(|key| key.starts_with('['));
        self.made && !self.record.is_some_and(names_some) || self.was_written(prefix)
    }

    fn was_written(&self, prefix: &str) -> bool {
        let keys = self.record.map(|record| record.keys.as_slice()).unwrap_or_default();
        keys.iter().filter_map(|key| key.strip_prefix('[')?.strip_suffix(']')).any(|key| is_same(key, prefix))
    }

    /// Names of the subnets that would have no room without a prefix.
    fn users(&self, prefix: &str) -> Vec<&str> {
        let subnets =
            self.stands.and_then(|body| body.pointer("/properties/subnets")?.as_array()).into_iter().flatten();
        let loses = |one: &&str| is_within(one, prefix) && !self.wanted.iter().any(|wanted| is_within(one, wanted));
        let users = subnets.filter(|one| subnet::address_prefixes(one).iter().any(loses));
        users.filter_map(|one| one.get("name")?.as_str()).collect()
    }
}

/// What becomes of a prefix that stands.
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

/// Whether a prefix lies in another one, or is it. What can't be read lies in nothing.
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
    fn space(wanted: &[&str], stands: Option<Value>, recorded: &[&str]) -> AddressSpace {
        let record = ResourceStatus {
            kind: "VirtualNetwork".into(),
            id: "v".into(),
            origin: None,
            state: None,
            keys: strings(recorded),
        };
        let (wanted, made) = (strings(wanted), !recorded.is_empty());
        let record = made.then_some(&record);
        Inputs { wanted: &wanted, stands: stands.as_ref(), unread: false, made, record, siblings: &[] }.address_space()
    }

    #[test]
    fn what_others_added_stays_and_what_was_written_goes() {
        let (a, b, theirs) = ("10.9.0.0/16", "10.10.0.0/16", "10.19.0.0/16");
        type Case<'c> = (&'c [&'c str], &'c [&'c str], &'c [&'c str], &'c [&'c str], &'c [&'c str]);
        let cases: [Case<'_>; 11] = [
            // wanted, standing, recorded; should be, ours
            (&[a], &[a], &["[10.9.0.0/16]"], &[a], &["[10.9.0.0/16]"]),
            (&[a], &[theirs, a], &["[10.9.0.0/16]"], &[theirs, a], &["[10.9.0.0/16]"]),
            (&[a], &[theirs], &["[10.9.0.0/16]"], &[theirs, a], &["[10.9.0.0/16]"]),
            (&[a], &[a, b], &["[10.9.0.0/16]", "[10.10.0.0/16]"], &[a], &["[10.9.0.0/16]"]),
            (&[a], &[a, b], &["team", "[10.9.0.0/16]"], &[a, b], &["[10.9.0.0/16]"]),
            // it stood before it was named: it is not ours, even when it is named
            (&[a, theirs], &[a, theirs], &["[10.9.0.0/16]"], &[a, theirs], &["[10.9.0.0/16]"]),
            // a record of a release that wrote the whole list
            (&[a], &[a, theirs], &["acivnet-owner"], &[a, theirs], &["[10.9.0.0/16]"]),
            // adopted
            (&[a], &[a, theirs], &[], &[a, theirs], &[]),
            // somebody made ours part of a greater one, or parts of it
            (&[a], &["10.8.0.0/15", "fd00::/48"], &["[10.9.0.0/16]"], &["10.8.0.0/15", "fd00::/48"], &[]),
            (&[a], &["10.9.0.0/17", "10.9.128.0/17", b], &["x"], &[b, a], &["[10.9.0.0/16]"]),
            // the spec shrinks it
            (&["10.9.0.0/17"], &[a], &["[10.9.0.0/16]"], &["10.9.0.0/17"], &["[10.9.0.0/17]"]),
        ];
        for (wanted, standing, recorded, prefixes, claims) in cases {
            let found = space(wanted, Some(network(standing, &[])), recorded);
            let expected = AddressSpace { prefixes: strings(prefixes), claims: strings(claims), note: None };
            assert_eq!(found, expected, "{wanted:?} {standing:?} {recorded:?}");
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
        let stands = network(&[a], &[("ours", "10.9.1.0/24"), ("theirs", "10.9.200.0/24")]);
        let found = space(&["10.9.0.0/17"], Some(stands), &recorded);
        assert_eq!((found.prefixes, found.claims), (strings(&[a]), strings(&["[10.9.0.0/16]"])));
        assert!(found.note.is_some_and(|note| note.ends_with(": theirs")));
    }

    #[test]
    fn what_a_sibling_names_is_kept_too() {
        let (wanted, stands) = (strings(&["10.9.0.0/16"]), network(&["10.9.0.0/16", "10.10.0.0/16"], &[]));
        let record: ResourceStatus =
            serde_json::from_value(json!({"kind": "VirtualNetwork", "id": "v", "keys": ["[10.10.0.0/16]"]})).unwrap();
        for (creates, deleting, kept) in [(true, false, true), (false, false, false), (true, true, false)] {
            let sibling: Sibling =
                serde_json::from_value(json!({"created": null, "namespace": "secret", "name": "one",
                "deleting": deleting, "creates": creates, "prefixes": ["10.10.0.0/16"], "tags": []}))
                .unwrap();
            let (wanted, stands, record) = (&wanted, Some(&stands), Some(&record));
            let inputs = Inputs { wanted, stands, unread: false, made: true, record, siblings: &[sibling] };
            let found = inputs.address_space();
            assert_eq!(found.prefixes.len() == 2, kept, "{found:?}");
            assert_eq!(found.note.is_some_and(|note| !note.contains("secret")), kept);
        }
    }
}
