//! How many requests a scenario takes.

use super::{
    api_server::resources::EVENTS,
    bed::{Action, Bed},
    driver::Driver,
    wire::{Disturbance, Sent, Side},
};
use http::Method;
use std::fmt;

/// What was sent from an action until all had come to rest, including three sweeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reads of Azure.
    pub azure_reads: usize,
    /// Writes to Azure, blobs included.
    pub azure_writes: usize,
    /// Writes of the `DelegatedSubnet`: finalizer and status.
    pub subnet_writes: usize,
    /// Writes of the `AciVnetDeployment`: finalizer and status.
    pub deployment_writes: usize,
    /// Events about the `DelegatedSubnet`.
    pub subnet_events: usize,
    /// Events about the `AciVnetDeployment`.
    pub deployment_events: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "azure {} reads {} writes, subnet {} writes {} events, deployment {} writes {} events",
            self.azure_reads,
            self.azure_writes,
            self.subnet_writes,
            self.subnet_events,
            self.deployment_writes,
            self.deployment_events
        )
    }
}

/// Counts what follows an action, by the operator that ran before or by a new one. Time has to be
/// paused.
///
/// # Errors
/// What did not settle.
pub async fn counts(prepare: Action, act: Action, restart: bool) -> Result<Counts, String> {
    let bed = Bed::new(Disturbance::default()).await;
    prepare(&bed).await;
    let mut driver = Driver::start(&bed).await;
    driver.until_stable().await?;
    let (requests, known) = (bed.wire.count(), events(&bed));
    if restart {
        driver = Driver::start(&bed).await;
    }
    act(&bed).await;
    driver.until_stable().await?;
    let sent: Vec<Sent> = bed.wire.trace().into_iter().skip(requests).collect();
    let count = |which: &dyn Fn(&Sent) -> bool| sent.iter().filter(|sent| which(sent)).count();
    let of = |kind: &str| {
        let path = format!("/{kind}/");
        count(&|sent| sent.writes_kubernetes() && sent.target.contains(&path))
    };
    let [subnets, deployments] = events(&bed);
    Ok(Counts {
        azure_reads: count(&|sent| sent.side == Side::Azure && sent.method == Method::GET),
        azure_writes: count(&Sent::writes_azure),
        subnet_writes: of("delegatedsubnets"),
        deployment_writes: of("acivnetdeployments"),
        subnet_events: subnets - known[0],
        deployment_events: deployments - known[1],
    })
}

/// Events so far about subnets and deployments.
fn events(bed: &Bed) -> [usize; 2] {
    ["DelegatedSubnet", "AciVnetDeployment"].map(|kind| {
        bed.api().with(|store| store.list(&EVENTS, "").filter(|event| event["regarding"]["kind"] == kind).count())
    })
}
