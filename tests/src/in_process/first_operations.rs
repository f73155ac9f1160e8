//! How soon a process that has just begun notices ended operations, measured in Azure's log.

use super::{
    operator::Operator,
    pacing::{Waited, is_poll, log, name, network, one_more, taking, until_ready, waited},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// One operation of this many seconds, the first that the process sees.
pub async fn alone(seconds: u32) -> Waited {
    let bed = taking([seconds, 0], false).await;
    let operator = Operator::start(&bed).await;
    one_more(&bed, 0).await;
    operator.stop().await;
    waited(&log(&bed), 0, f64::from(seconds))
}

/// Many at once, the first that the process sees. Which operation a question is about doesn't show in the log, so these are
/// divided evenly.
pub async fn at_once(seconds: u32, many: usize) -> Vec<Waited> {
    // their subnets take longer, so that no looks at these delay others
    let bed = taking([seconds, 2 * seconds], false).await;
    let operator = Operator::start(&bed).await;
    (0..many).for_each(|one| bed.apply(network(one)));
    until_ready(&bed, many, Duration::from_secs(1)).await;
    operator.stop().await;
    let log = log(&bed);
    let (of_operations, others): (Vec<_>, Vec<_>) =
        log.into_iter().partition(|entry| entry.path.contains("/operations/"));
    let each = of_operations.len().div_ceil(many);
    let all = (0..many).map(|one| waited(&others, one, f64::from(seconds)));
    all.map(|one| Waited { polls: one.polls + each, ..one }).collect()
}

/// The first after a restart, where the process before saw `before` of them.
pub async fn after_restart(seconds: u32, before: usize) -> Waited {
    let bed = taking([seconds, 0], false).await;
    let operator = Operator::start(&bed).await;
    for round in 0..before {
        one_more(&bed, round).await;
    }
    let noted = operator.stop().await;
    let operator = Operator::start_after(&bed, &noted).await;
    one_more(&bed, before).await;
    operator.stop().await;
    waited(&log(&bed), before, f64::from(seconds))
}

/// How an operation was asked about whose answers say when to ask again.
#[derive(Clone, Debug)]
pub struct Asked {
    /// As for others.
    pub waited: Waited,
    /// Seconds from the moment that Azure named until the question, for each question but the one after the write;
    /// negative for one that came early.
    pub after: Vec<f64>,
}

/// One operation of this many seconds, the first that the process sees, with `Retry-After`: 3 s after the write, then 10, 20, 40
/// … for whoever asks the operation, as Microsoft.Network does.
pub async fn with_retry_after(seconds: u32) -> Asked {
    let bed = taking([seconds, 0], true).await;
    let operator = Operator::start(&bed).await;
    one_more(&bed, 0).await;
    sleep(Duration::from_secs(1)).await;
    operator.stop().await;
    let log = log(&bed);
    let of = format!("/virtualNetworks/{}", name(0));
    let mut writes = (0..log.len()).filter(|at| log[*at].verb == "PUT");
    let (network, subnet) = writes.next().zip(writes.next()).expect("a network and its subnet");
    let polls = log[network..subnet].iter().filter(|entry| is_poll(entry, &of));
    let first = polls.clone().next().expect("a question").time;
    let asked = polls.filter(|entry| entry.path.contains("/operations/") && entry.time > first);
    let times: Vec<_> = [log[network].time, first].into_iter().chain(asked.map(|entry| entry.time)).collect();
    let pauses = [3.0, 10.0, 20.0, 40.0, 80.0, 160.0];
    let between = times.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs_f64());
    let after = between.zip(pauses).map(|(passed, pause)| passed - pause).collect();
    Asked { waited: waited(&log, 0, f64::from(seconds)), after }
}

/// Writes for a network of 45 s, and when it was ready, when every question about an operation is answered so.
pub async fn despite(mut answer: Value) -> (usize, f64) {
    let bed = taking([45, 0], false).await;
    for (name, value) in [("method", json!("GET")), ("path", json!("/operations/")), ("times", json!(1000))] {
        answer[name] = value;
    }
    bed.fault(answer).await;
    let (operator, begun) = (Operator::start(&bed).await, Instant::now());
    one_more(&bed, 0).await;
    let ready = begun.elapsed().as_secs_f64();
    operator.stop().await;
    (log(&bed).iter().filter(|entry| entry.verb == "PUT").count(), ready)
}
