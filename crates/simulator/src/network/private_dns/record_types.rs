//! The types of record sets, and what a record of each has to be.

use super::invalid;
use crate::error::Refusal;
use serde_json::Value;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Most records of a set.
const RECORDS: usize = 20;
/// Most bytes of all texts of a TXT record ("Overview of DNS zones and records", TXT records: 1,024 characters).
const TEXT_LIMIT: usize = 1_024;

/// A type of record sets.
#[derive(Debug)]
pub(super) struct RecordType {
    /// As in URLs.
    pub name: &'static str,
    /// Type of the resource.
    pub kind: &'static str,
    /// Member of `properties` that holds the records.
    pub member: &'static str,
    /// Whether that member is a list; else it is one record.
    pub is_list: bool,
    fields: &'static [(&'static str, Form)],
}

/// What the member of a record is.
#[derive(Debug, Clone, Copy)]
enum Form {
    Ipv4,
    Ipv6,
    Text,
    Texts,
    Number,
}

macro_rules! kind {
    ($name:literal) => {
        concat!("Microsoft.Network/privateDnsZones/", $name)
    };
}

const TYPES: &[RecordType] = &[
    RecordType {
        name: "A",
        kind: kind!("A"),
        member: "aRecords",
        is_list: true,
        fields: &[("ipv4Address", Form::Ipv4)],
    },
    RecordType {
        name: "AAAA",
        kind: kind!("AAAA"),
        member: "aaaaRecords",
        is_list: true,
        fields: &[("ipv6Address", Form::Ipv6)],
    },
    RecordType {
        name: "CNAME",
        kind: kind!("CNAME"),
        member: "cnameRecord",
        is_list: false,
        fields: &[("cname", Form::Text)],
    },
    RecordType {
        name: "MX",
        kind: kind!("MX"),
        member: "mxRecords",
        is_list: true,
        fields: &[("preference", Form::Number), ("exchange", Form::Text)],
    },
    RecordType {
        name: "PTR",
        kind: kind!("PTR"),
        member: "ptrRecords",
        is_list: true,
        fields: &[("ptrdname", Form::Text)],
    },
    RecordType {
        name: "SOA",
        kind: kind!("SOA"),
        member: "soaRecord",
        is_list: false,
        fields: &[
            ("host", Form::Text),
            ("email", Form::Text),
            ("serialNumber", Form::Number),
            ("refreshTime", Form::Number),
            ("retryTime", Form::Number),
            ("expireTime", Form::Number),
            ("minimumTtl", Form::Number),
        ],
    },
    RecordType {
        name: "SRV",
        kind: kind!("SRV"),
        member: "srvRecords",
        is_list: true,
        fields: &[("priority", Form::Number), ("weight", Form::Number), ("port", Form::Number), ("target", Form::Text)],
    },
    RecordType {
        name: "TXT",
        kind: kind!("TXT"),
        member: "txtRecords",
        is_list: true,
        fields: &[("value", Form::Texts)],
    },
];

/// The type with this name in a URL, in any case.
pub(super) fn of_name(name: &str) -> Option<&'static RecordType> {
    TYPES.iter().find(|one| one.name.eq_ignore_ascii_case(name))
}

/// The type of a resource of this type.
pub(super) fn of_kind(kind: &str) -> Option<&'static RecordType> {
    TYPES.iter().find(|one| one.kind.eq_ignore_ascii_case(kind))
}

impl RecordType {
    /// Checks the records of a set.
    ///
    /// # Errors
    /// `400 BadRequest` (neither code nor texts are confirmed).
    pub(super) fn check(&self, records: &Value) -> Result<(), Refusal> {
        if !self.is_list {
            return self.check_one(records);
        }
        let list = records.as_array().ok_or_else(|| invalid(format!("{} is not a list.", self.member)))?;
        if list.len() > RECORDS {
            return Err(invalid(format!("A record set has at most {RECORDS} records, not {}.", list.len())));
        }
        list.iter().try_for_each(|record| self.check_one(record))
    }

    fn check_one(&self, record: &Value) -> Result<(), Refusal> {
        self.fields.iter().try_for_each(|(name, form)| {
            let value = record.get(*name).unwrap_or(&Value::Null);
            if form.fits(value) {
                return Ok(());
            }
            Err(invalid(format!(
                "The value of '{name}' in a record of type {} is missing or not valid: {value}.",
                self.name
            )))
        })
    }
}

impl Form {
    fn fits(self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Ipv4 => text.is_some_and(|text| text.parse::<Ipv4Addr>().is_ok()),
            Self::Ipv6 => text.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok()),
            Self::Text => text.is_some_and(|text| !text.is_empty()),
            Self::Texts => value.as_array().is_some_and(|all| {
                let length: usize = all.iter().filter_map(Value::as_str).map(str::len).sum();
                !all.is_empty() && all.iter().all(Value::is_string) && length <= TEXT_LIMIT
            }),
            Self::Number => value.as_u64().is_some_and(|number| u32::try_from(number).is_ok()),
        }
    }
}
