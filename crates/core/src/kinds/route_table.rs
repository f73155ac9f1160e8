//! `Microsoft.Network/routeTables`: only read.

use crate::{drift::Rule, kind::Kind};

/// The kind.
pub static ROUTE_TABLE: Kind = Kind {
    rules: &[Rule::Loose("location")],
    ..Kind::arm("RouteTable", "Microsoft.Network/routeTables", "2024-05-01")
};
