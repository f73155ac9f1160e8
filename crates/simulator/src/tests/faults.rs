//! Faults by script.

use super::*;

async fn fault(bed: &Bed, fault: Value) {
    let answer = bed.send(Method::POST, "/simulator/faults", fault).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

#[tokio::test]
async fn before_after_and_dropped() {
    let bed = Bed::new().await;
    fault(&bed, json!({"method": "PUT", "path": "virtualNetworks/v$", "status": 429, "headers": {"Retry-After": 7}, "body": {"error": {"code": "TooManyRequests"}}})).await;
    let answer = bed.put(&vnet(), vnet_body()).await.expect(429, "TooManyRequests");
    assert_eq!(answer.header("retry-after"), "7");
    bed.get(&vnet()).await.expect(404, "ResourceNotFound");

    fault(&bed, json!({"method": "PUT", "when": "after", "drop": true})).await;
    let answer = bed.put(&vnet(), vnet_body()).await;
    assert!(answer.dropped);
    assert_eq!(bed.get(&vnet()).await.state(), "Updating", "it was carried out");

    fault(&bed, json!({"path": "subnets", "drop": true, "times": 2})).await;
    bed.wait(4);
    assert!(bed.put(&subnet("a"), aci_body("10.0.1.0/24")).await.dropped);
    assert!(bed.get(&subnet("a")).await.dropped);
    assert_eq!(bed.get(&subnet("a")).await.status, 404, "it was not carried out, and the fault is used up");

    fault(&bed, json!({"status": 502, "body": "<html>bad gateway</html>"})).await;
    let answer = bed.get(&vnet()).await;
    assert_eq!((answer.status, answer.text.as_str()), (502, "<html>bad gateway</html>"));
    assert_eq!(bed.get("/simulator/faults").await.body, json!([]));
    let statuses: Vec<u64> = {
        let log = bed.get("/simulator/requests").await.text;
        log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["status"].as_u64().unwrap()).collect()
    };
    assert_eq!(statuses, [200, 429, 404, 0, 200, 0, 0, 404, 502]);
}

#[tokio::test]
async fn operations_end_by_script() {
    for (ending, state, status) in [
        (
            json!({"operation": "Failed", "code": "NetworkBroken", "message": "It broke."}),
            "Failed",
            json!({"status": "Failed", "error": {"code": "NetworkBroken", "message": "It broke.", "details": []}}),
        ),
        (
            json!({"operation": "Canceled", "details": [{"code": "CanceledAndSupersededDueToAnotherOperation"}]}),
            "Failed",
            json!({"status": "Canceled", "error": {"code": "Canceled", "message": "Operation was canceled.", "details": [{"code": "CanceledAndSupersededDueToAnotherOperation"}]}}),
        ),
    ] {
        let bed = Bed::new().await;
        fault(&bed, ending).await;
        let url = bed.put(&vnet(), vnet_body()).await.header("azure-asyncoperation").to_owned();
        bed.wait(4);
        let answer = bed.get(&url).await;
        assert_eq!((answer.status, answer.body), (200, status));
        assert_eq!(bed.get(&vnet()).await.state(), state);
        assert_eq!(bed.stands(&vnet(), vnet_body()).await.state(), "Succeeded", "a PUT repairs");
    }
}

#[tokio::test]
async fn a_lost_operation_goes_on() {
    let bed = Bed::new().await;
    fault(&bed, json!({"method": "PUT", "operation": "Lost"})).await;
    let url = bed.put(&vnet(), vnet_body()).await.header("azure-asyncoperation").to_owned();
    bed.get(&url).await.expect(404, "OperationNotFound");
    bed.wait(4);
    assert_eq!(bed.get(&vnet()).await.state(), "Succeeded");
}

#[tokio::test]
async fn a_failed_delete_leaves_the_resource() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    fault(&bed, json!({"method": "DELETE", "operation": "Failed", "code": "X"})).await;
    let answer = bed.delete(&vnet()).await;
    bed.wait(10);
    bed.get(answer.header("location")).await.expect(409, "X");
    assert_eq!(bed.get(&vnet()).await.state(), "Failed");
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_waited_for() {
    let bed = Bed::new().await;
    fault(&bed, json!({"delaySeconds": 30.0})).await;
    let before = tokio::time::Instant::now();
    bed.get(&vnet()).await.expect(404, "ResourceNotFound");
    assert_eq!(before.elapsed(), Duration::from_secs(30));
}

#[tokio::test]
async fn bad_scripts_are_refused() {
    let bed = Bed::new().await;
    for fault in [json!({"path": "("}), json!({"metod": "PUT"}), json!({"operation": "Exploded"})] {
        let answer = bed.send(Method::POST, "/simulator/faults", fault).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body["error"].as_str().unwrap().starts_with("the body does not have the expected form"));
    }
}

#[tokio::test]
async fn one_fault_begins_another_that_ends_by_itself() {
    let bed = Bed::new().await;
    let hidden = json!({"method": "GET", "path": "virtualNetworks/v$", "times": 9, "seconds": 30, "status": 404, "body": {"error": {"code": "ResourceNotFound"}}});
    fault(&bed, json!({"method": "PUT", "path": "virtualNetworks/v$", "then": hidden})).await;
    bed.get(&vnet()).await.expect(404, "ResourceNotFound");
    bed.put(&vnet(), vnet_body()).await;
    bed.wait(29);
    bed.get(&vnet()).await.expect(404, "ResourceNotFound");
    bed.wait(1);
    assert_eq!(bed.get(&vnet()).await.state(), "Succeeded", "it stood all the while");
    assert_eq!(bed.get("/simulator/faults").await.body, json!([]));
}
