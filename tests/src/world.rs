//! API server, simulated Azure and operator together.

use crate::{kube_bed::KubeBed, operator::Operator, simulator::Simulator};
use tokio::sync::{Mutex, OnceCell};

/// A cluster with an operator that works on an Azure.
pub struct World {
    /// The cluster.
    pub bed: KubeBed,
    /// The Azure.
    pub azure: Simulator,
    operator: Mutex<Option<Operator>>,
}

impl World {
    /// The one that tests share, each as a tenant of its own. Its operator runs all the time.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<World> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// A world of its own, for what would disturb others.
    pub async fn start() -> Self {
        let world = Self::without_operator().await;
        world.start_operator().await;
        world
    }

    /// A world of its own, in which the test starts what is to work.
    pub async fn without_operator() -> Self {
        let bed = KubeBed::start().await;
        let azure = Simulator::start(&bed.ca_file()).await;
        Self { bed, azure, operator: Mutex::new(None) }
    }

    /// Ends the operator as SIGTERM does.
    pub async fn stop_operator(&self) {
        let operator = self.operator.lock().await.take();
        operator.expect("an operator runs").stop().await;
    }

    /// Starts an operator that remembers nothing.
    pub async fn start_operator(&self) {
        let operator = Operator::start(&self.bed, &self.azure).await;
        *self.operator.lock().await = Some(operator);
    }

    /// What the operator's `/metrics` says.
    pub async fn metrics(&self) -> String {
        self.operator.lock().await.as_ref().expect("an operator runs").metrics().await
    }
}
