//! Slots for uploads and long reads: a number in all, and fewer per identity, so that no team holds up another.

use acivnet_azure::IdentityKey;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slots in use. An identity that uses none and waits for none takes no memory.
pub(crate) struct Slots {
    all: Arc<Semaphore>,
    of_one: usize,
    each: Mutex<BTreeMap<IdentityKey, Arc<Semaphore>>>,
}

/// A slot, free again when this is dropped.
pub(crate) struct Slot {
    _of_one: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Slots {
    /// `all` at once in the process, `of_one` of one identity.
    pub(crate) fn new(all: usize, of_one: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), of_one, each: Mutex::default() }
    }

    /// Waits for a slot. None only when the process ends.
    pub(crate) async fn wait(&self, identity: &IdentityKey) -> Option<Slot> {
        let of_one = self.of(identity).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Slot { _of_one: of_one, _of_all: of_all })
    }

    /// A slot, if one is free now.
    pub(crate) fn take(&self, identity: &IdentityKey) -> Option<Slot> {
        let of_one = self.of(identity).try_acquire_owned().ok()?;
        let of_all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Slot { _of_one: of_one, _of_all: of_all })
    }

    fn of(&self, identity: &IdentityKey) -> Arc<Semaphore> {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        // a permit, and whoever waits for one, holds its semaphore
        each.retain(|_, slots| Arc::strong_count(slots) > 1);
        Arc::clone(each.entry(identity.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.of_one))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acivnet_azure::{Identity, Secret};
    use futures::FutureExt;

    fn team(name: &str) -> IdentityKey {
        Identity::client_secret("t", name, Secret::new("s")).key()
    }

    #[tokio::test]
    async fn one_identity_leaves_turns_to_others_and_there_is_an_end_for_all() {
        let slots = Slots::new(3, 2);
        let held = [slots.take(&team("a")).unwrap(), slots.wait(&team("a")).await.unwrap()];
        assert!(slots.take(&team("a")).is_none() && slots.wait(&team("a")).now_or_never().is_none());
        let other = slots.take(&team("b")).unwrap();
        assert!(slots.take(&team("c")).is_none() && slots.wait(&team("c")).now_or_never().is_none());
        drop(other);
        assert!(slots.wait(&team("c")).now_or_never().flatten().is_some());
        drop(held);
        assert!(slots.take(&team("a")).is_some());
        assert_eq!(slots.each.lock().unwrap().len(), 1, "who has no turn is forgotten");
    }
}
