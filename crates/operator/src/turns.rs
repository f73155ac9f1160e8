//! Turns of passes: so many at once in each namespace, the urgent first. A namespace whose passes wait for Azure holds up
//! no other.

use acivnet_azure::{Priority, throttle::Line};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::oneshot;

/// Passes of one namespace that are under way at once.
const AT_ONCE: usize = 8;

/// Who has a turn and who waits for one, by namespace. Namespaces where nobody does take no memory.
#[derive(Debug, Default)]
pub struct Turns(Mutex<BTreeMap<String, Arc<Namespace>>>);

#[derive(Debug, Default)]
struct Namespace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    taken: usize,
    line: Line<oneshot::Sender<Turn>>,
}

/// Leave for one pass, until it is dropped.
#[derive(Debug)]
pub struct Turn(Option<Arc<Namespace>>);

impl Turns {
    /// Waits for a turn.
    pub async fn take(&self, namespace: &str, priority: Priority) -> Turn {
        let place = self.namespace(namespace).join(priority);
        match place {
            Ok(turn) => turn,
            // whoever has a turn passes it on before the line is gone
            Err(waiting) => waiting.await.unwrap_or(Turn(None)),
        }
    }

    fn namespace(&self, name: &str) -> Arc<Namespace> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(name) {
            return Arc::clone(known);
        }
        all.retain(|_, one| Arc::strong_count(one) > 1);
        Arc::clone(all.entry(name.to_owned()).or_default())
    }
}

impl Namespace {
    fn join(self: Arc<Self>, priority: Priority) -> Result<Turn, oneshot::Receiver<Turn>> {
        let mut state = self.lock();
        if state.taken >= AT_ONCE {
            let (turn, waiting) = oneshot::channel();
            state.line.join(priority, turn);
            return Err(waiting);
        }
        state.taken += 1;
        drop(state);
        Ok(Turn(Some(self)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next who waits.
    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        let mut state = self.lock();
        let first = state.line.first().and_then(|first| state.line.serve(first));
        if first.is_none() {
            state.taken -= 1;
        }
        first
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(namespace) = self.0.take() else { return };
        while let Some(next) = namespace.next() {
            match next.send(Self(Some(Arc::clone(&namespace)))) {
                Ok(()) => return,
                // it waits no longer: its turn is the next one's
                Err(mut refused) => drop(refused.0.take()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, future::join_all};
    use std::time::Duration;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn so_many_at_once_and_the_urgent_first() {
        let (turns, order) = (Turns::default(), Mutex::new(Vec::new()));
        let held: Vec<Turn> = join_all((0..AT_ONCE).map(|_| turns.take("ml", Priority::Sweep))).await;
        let pass = async |priority: Priority| {
            let _turn = turns.take("ml", priority).await;
            order.lock().unwrap().push(priority);
            sleep(Duration::from_secs(60)).await;
        };
        let waiting = async {
            futures::join!(
                pass(Priority::Sweep),
                pass(Priority::Retry),
                pass(Priority::Change),
                pass(Priority::Operation)
            );
        };
        let release = async {
            for turn in held {
                sleep(Duration::from_secs(1)).await;
                drop(turn);
            }
        };
        futures::join!(waiting, release);
        assert_eq!(*order.lock().unwrap(), [Priority::Change, Priority::Operation, Priority::Retry, Priority::Sweep]);
    }

    #[tokio::test]
    async fn a_namespace_holds_up_no_other() {
        let turns = Turns::default();
        let held: Vec<Turn> = join_all((0..AT_ONCE).map(|_| turns.take("one", Priority::Change))).await;
        assert!(turns.take("one", Priority::Change).now_or_never().is_none());
        assert!(turns.take("other", Priority::Sweep).now_or_never().is_some());
        drop(held);
        assert_eq!(join_all((0..AT_ONCE).map(|_| turns.take("one", Priority::Change))).await.len(), AT_ONCE);
        drop(turns.take("third", Priority::Change).await);
        assert!(turns.0.lock().unwrap().len() <= 2, "namespaces where nothing goes on are forgotten");
    }

    #[tokio::test]
    async fn a_turn_of_who_has_left_goes_to_the_next() {
        let turns = Turns::default();
        let held: Vec<Turn> = join_all((0..AT_ONCE).map(|_| turns.take("ml", Priority::Change))).await;
        let mut gone: Vec<_> = (0..1000).map(|_| Box::pin(turns.take("ml", Priority::Change))).collect();
        assert!(gone.iter_mut().all(|one| one.now_or_never().is_none()));
        let mut stays = Box::pin(turns.take("ml", Priority::Sweep));
        assert!((&mut stays).now_or_never().is_none());
        drop(gone);
        drop(held);
        assert!(stays.now_or_never().is_some());
    }
}
