//! The same requests at the same times give the same bytes.

use super::*;

async fn run() -> Vec<Answer> {
    let bed = Bed::new().await;
    let mut answers = vec![bed.put(&vnet(), vnet_body()).await];
    let url = answers[0].header("azure-asyncoperation").to_owned();
    answers.push(bed.get(&url).await);
    bed.wait(4);
    answers.push(bed.get(&url).await);
    answers.push(bed.put(&subnet("aci"), aci_body("10.0.1.0/24")).await);
    answers.push(bed.put(&nsg(), json!({"location": "westeurope"})).await);
    bed.wait(4);
    bed.hold("g");
    answers.push(bed.get(&vnet()).await);
    answers.push(bed.delete(&subnet("aci")).await);
    bed.release("g");
    bed.wait(720);
    answers.push(bed.delete(&subnet("aci")).await);
    answers.push(bed.sign_in(TENANT, &[("grant_type", "client_credentials")]).await);
    answers.push(bed.get("/simulator/dump").await);
    answers.push(bed.get("/simulator/requests").await);
    answers
}

#[tokio::test]
async fn two_runs_are_equal() {
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn what_is_due_happens_in_order_whoever_asks_first() {
    let bed = Bed::new().await;
    let order = |bed: &Bed| bed.simulator.with(|world| world.operations.running());
    bed.put(&vnet(), vnet_body()).await;
    bed.put(&nsg(), json!({"location": "westeurope"})).await;
    assert_eq!(order(&bed), 2);
    bed.wait(3);
    assert_eq!(order(&bed), 1);
    bed.wait(100);
    assert_eq!(order(&bed), 0);
    assert_eq!(
        (bed.get(&vnet()).await.state().to_owned(), bed.get(&nsg()).await.state()),
        ("Succeeded".to_owned(), "Succeeded")
    );
}

#[tokio::test]
async fn durations_scale_and_pauses_stay_whole_seconds() {
    for (scale, milliseconds, pause) in [(0.01, 40, "1"), (0.5, 2_000, "2"), (2.0, 8_000, "6")] {
        let bed = Bed::new().await;
        bed.simulator.with(|world| world.time_scale = scale);
        assert_eq!(bed.put(&vnet(), vnet_body()).await.header("retry-after"), pause);
        bed.clock.advance(Duration::from_millis(milliseconds - 1));
        assert_eq!(bed.get(&vnet()).await.state(), "Updating");
        bed.clock.advance(Duration::from_millis(1));
        assert_eq!(bed.get(&vnet()).await.state(), "Succeeded");
    }
}
