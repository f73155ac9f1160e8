//! One lock for each name.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{Mutex as Gate, OwnedMutexGuard};

/// Locks by name; names nobody holds or waits for take no memory.
#[derive(Debug, Default)]
pub struct Locks(Mutex<BTreeMap<String, Arc<Gate<()>>>>);

impl Locks {
    /// Waits for the lock of a name, in the order of asking.
    pub async fn lock(&self, name: &str) -> OwnedMutexGuard<()> {
        let gate = {
            let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
            Arc::clone(gates.entry(name.to_owned()).or_default())
        };
        gate.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn holds_one_name_and_not_another() {
        let locks = Locks::default();
        let held = locks.lock("a").await;
        assert!(locks.lock("a").now_or_never().is_none());
        assert!(locks.lock("b").now_or_never().is_some());
        drop(held);
        assert!(locks.lock("a").now_or_never().is_some());
        drop(locks.lock("c").await);
        assert!(locks.0.lock().unwrap().len() <= 1, "names nobody holds are forgotten");
    }
}
