//! The operator as its binary runs it, with watches and controllers, on a bed whose time is paused.

use super::bed::Bed;
use acivnet_operator::{controllers, monitoring::admin::Readiness};
use futures::FutureExt as _;
use std::sync::Arc;
use tokio::{sync::oneshot, task::JoinHandle};

/// A running operator.
pub struct Operator {
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Operator {
    /// Starts one that remembers nothing.
    pub async fn start(bed: &Bed) -> Self {
        let ctx = bed.start_operator().await;
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = stopped.map(drop).boxed().shared();
        let running = tokio::spawn(controllers::run(ctx, Arc::new(Readiness::default()), stopped));
        Self { stop, running }
    }

    /// Ends it; passes in hand are finished.
    pub async fn stop(self) {
        drop(self.stop);
        self.running.await.expect("the operator ends");
    }
}
