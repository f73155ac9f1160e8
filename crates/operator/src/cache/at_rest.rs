//! What is remembered of an object at rest.

use crate::{cache::snapshot::Place, object::Reference};
use std::{sync::Arc, time::Duration};

/// What an object was at rest with: where to look again, and what was seen there.
pub(crate) struct AtRest {
    /// From sweep to sweep.
    pub interval: Duration,
    pub seen: Box<[Seen]>,
    /// Of all that was seen, and of the administrator's settings.
    pub digest: u64,
}

/// Where something was seen.
pub(crate) enum Seen {
    /// In a list of Azure, by the hash of its key there.
    Listed(Arc<Place>, u64),
    /// In how others describe what they share with the object.
    Described(Reference),
}
