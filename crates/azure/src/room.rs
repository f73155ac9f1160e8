//! Room for large answers. The values of an answer take many times what its text does; so few of them are in memory at a time.

use std::sync::Arc;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

/// Passes that hold large answers at once, and so many pages of lists beside them.
pub const LARGE_AT_ONCE: usize = 2;

/// The room of a process.
pub(crate) struct Rooms {
    passes: Arc<Semaphore>,
    pages: Arc<Semaphore>,
}

impl Default for Rooms {
    fn default() -> Self {
        let room = || Arc::new(Semaphore::new(LARGE_AT_ONCE));
        Self { passes: room(), pages: room() }
    }
}

impl Rooms {
    /// Room for a page of a list, until the permit is dropped. Pages have rooms of their own: passes that wait for a list
    /// which another one reads may hold all those of passes.
    pub(crate) async fn page(&self) -> Option<OwnedSemaphorePermit> {
        taken(&self.pages).await
    }
}

/// The room of a pass: taken by its first large answer, and held until its end, since it keeps what it read.
#[derive(Default)]
pub(crate) struct Room(OnceCell<Option<OwnedSemaphorePermit>>);

impl Room {
    /// Waits for room, if the pass has none yet.
    pub(crate) async fn take(&self, rooms: &Rooms) {
        self.0.get_or_init(|| taken(&rooms.passes)).await;
    }
}

/// A permit; nobody closes a room.
async fn taken(room: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(room).acquire_owned().await.ok()
}

#[cfg(test)]
mod tests {
    use super::LARGE_AT_ONCE;
    use crate::{
        answer::LONGEST_AT_ONCE,
        script::{Reply, Script, connector, id, identity, listed, reply},
    };
    use acivnet_core::{
        kinds::{subnet::SUBNET, virtual_network::VIRTUAL_NETWORK},
        observed::Fact,
    };
    use serde_json::json;
    use std::{sync::Arc, time::Duration};
    use tokio::time::timeout;

    const VNET: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";

    fn of_length(length: usize) -> Reply {
        reply(200, json!({"value": [], "text": "x".repeat(length)}))
    }

    #[tokio::test(start_paused = true)]
    async fn few_passes_hold_large_answers_and_lists_and_small_ones_wait_for_none() {
        let (network, list) = (format!("GET arm.test{VNET}?api-version="), format!("GET arm.test{VNET}/subnets?"));
        let script = Script::new(Vec::<(String, Reply)>::new());
        let connector = connector(Arc::clone(&script) as _);
        let pass = || connector.session(&identity());
        let large = || script.add(&network, of_length(LONGEST_AT_ONCE));
        let passes: Vec<_> = (0..=LARGE_AT_ONCE).map(|_| pass()).collect();
        let Some((last, first)) = passes.split_last() else { panic!() };
        for pass in first {
            // The second answer of a pass needs no more room.
            for _ in 0..2 {
                large();
                assert!(matches!(pass.read(&VIRTUAL_NETWORK, &id(VNET)).await, Fact::Present(_)));
            }
        }
        large();
        let waits = timeout(Duration::from_secs(30), last.read(&VIRTUAL_NETWORK, &id(VNET))).await;
        assert!(waits.is_err(), "a pass more than there is room for");
        script.add(&network, of_length(1));
        assert!(matches!(last.read(&VIRTUAL_NETWORK, &id(VNET)).await, Fact::Present(_)));
        for _ in 0..=LARGE_AT_ONCE {
            script.add(&list, of_length(LONGEST_AT_ONCE));
            assert!(listed(last, &SUBNET, &id(VNET)).await.is_ok());
        }
        drop(passes.into_iter().next());
        large();
        assert!(matches!(pass().read(&VIRTUAL_NETWORK, &id(VNET)).await, Fact::Present(_)));
    }
}
