//! The operator as its binary runs it, with watches and controllers, on a bed whose time is paused.

use super::bed::Bed;
use acivnet_operator::{controllers, ctx::Ctx, monitoring::admin::Readiness};
use futures::FutureExt as _;
use std::sync::Arc;
use tokio::{sync::oneshot, task::JoinHandle};

/// A running operator.
pub struct Operator {
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
    ctx: Arc<Ctx>,
}

impl Operator {
    /// Starts one that remembers nothing.
    pub async fn start(bed: &Bed) -> Self {
        Self::start_after(bed, "").await
    }

    /// Starts one that knows of one before it what the lease keeps.
    pub async fn start_after(bed: &Bed, noted: &str) -> Self {
        let ctx = bed.start_operator().await;
        ctx.per_object.know_durations(noted);
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = stopped.map(drop).boxed().shared();
        let running = tokio::spawn(controllers::run(Arc::clone(&ctx), Arc::new(Readiness::default()), stopped));
        Self { stop, running, ctx }
    }

    /// How many reconciles came to a result so far, such as `settled`.
    pub fn reconciles(&self, result: &str) -> usize {
        let (text, result) = (self.ctx.metrics.text(), format!("result=\"{result}\""));
        let lines = text.lines().filter(|line| line.starts_with("acivnet_reconciles_total") && line.contains(&result));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
    }

    /// Ends it; passes in hand are finished. What it leaves on the lease.
    pub async fn stop(self) -> String {
        drop(self.stop);
        self.running.await.expect("the operator ends");
        self.ctx.per_object.durations()
    }
}
