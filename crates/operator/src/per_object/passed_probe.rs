//! The last sample request that passed. Losing it costs one more.

use crate::observe::probe::Probe;
use jiff::{SignedDuration, Timestamp};
use std::{net::Ipv4Addr, time::Duration};

/// What passed, when, and what came back.
#[derive(PartialEq)]
pub(crate) struct PassedProbe {
    url: String,
    /// What was dialled where the URL has a name.
    address: Option<Ipv4Addr>,
    revision: String,
    /// Digest of what was expected.
    expect: String,
    at: Timestamp,
    pub(crate) status: u16,
    pub(crate) took: Duration,
}

impl PassedProbe {
    /// A probe that passed now.
    pub(crate) fn new(probe: &Probe<'_>, at: Timestamp, status: u16, took: Duration) -> Self {
        let (url, revision) = (probe.url.into(), probe.revision.into());
        let (address, expect) = (probe.address(), probe.expect.digest());
        Self { url, address, revision, expect, at, status, took }
    }

    /// Whether it asked the same as `probe` would, less than `lasts` ago.
    pub(crate) fn vouches_for(&self, probe: &Probe<'_>, now: Timestamp, lasts: Duration) -> bool {
        let same = self.url == probe.url
            && self.address == probe.address()
            && self.revision == probe.revision
            && self.expect == probe.expect.digest();
        let age = now.duration_since(self.at);
        same && age >= SignedDuration::ZERO && age.unsigned_abs() < lasts
    }
}
