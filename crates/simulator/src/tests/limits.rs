//! Limits, and what can be switched.

use super::*;

fn lists() -> String {
    format!("{}/providers/Microsoft.Network/virtualNetworks", group())
}

#[tokio::test]
async fn who_asks_too_early_waits_anew() {
    let bed = Bed::new().await;
    let reads = "x-ms-ratelimit-remaining-subscription-reads";
    for _ in 0..250 {
        bed.get(&group()).await;
    }
    bed.clock.advance(Duration::from_millis(20));
    let refused = bed.get(&group()).await.expect(429, "SubscriptionRequestsThrottled");
    assert_eq!(refused.header("retry-after"), "1");
    bed.clock.advance(Duration::from_millis(900));
    bed.get(&group()).await.expect(429, "SubscriptionRequestsThrottled");
    bed.clock.advance(Duration::from_millis(900));
    bed.get(&group()).await.expect(429, "SubscriptionRequestsThrottled");
    bed.wait(1);
    assert_eq!(bed.get(&group()).await.header(reads), "69");
}

#[tokio::test]
async fn the_network_counts_by_region_in_five_minutes() {
    let bed = Bed::new().await;
    let left = |answer: &Answer| answer.header("x-ms-ratelimit-remaining-resource").to_owned();
    bed.stands(&vnet(), vnet_body()).await;
    let tags = format!("{}/tags-are-no-write-here", vnet());
    assert_eq!(left(&bed.get(&vnet()).await), "Microsoft.Network/Reads5Min;9998");
    for n in (0..999).rev() {
        if n % 100 == 0 {
            bed.wait(20);
        }
        assert_eq!(left(&bed.put(&tags, json!({})).await), format!("Microsoft.Network/Writes5Min;{n}"));
    }
    let refused = bed.put(&vnet(), vnet_body()).await.expect(429, "TooManyRequests");
    assert_eq!((refused.header("x-ms-failure-cause"), refused.header("retry-after")), ("", "80"));
    bed.delete(&vnet()).await.expect(429, "TooManyRequests");
    assert_eq!(bed.get(&lists()).await.status, 200, "reads have a window of their own");
    bed.wait(80);
    assert_eq!(bed.put(&vnet(), vnet_body()).await.status, 200);
}

#[tokio::test]
async fn limits_can_be_switched_off() {
    let bed = Bed::new().await;
    bed.send(Method::PATCH, "/simulator/settings", json!({"limits": {"resourceManager": false, "network": false}}))
        .await;
    for _ in 0..300 {
        let answer = bed.get(&lists()).await;
        assert_eq!((answer.status, answer.header("x-ms-ratelimit-remaining-resource")), (200, ""));
    }
    let settings = bed.get("/simulator/settings").await.body;
    assert_eq!(
        settings["limits"],
        json!({"resourceManager": false, "network": false, "containerInstances": false}),
        "what is not named stays"
    );
    bed.send(Method::PATCH, "/simulator/settings", json!({"limit": {}})).await;
    assert_eq!(bed.get("/simulator/settings").await.body, settings);
}

#[tokio::test]
async fn operations_take_as_long_as_is_set_and_say_nothing_about_it() {
    let bed = Bed::new().await;
    let settings = json!({"retryAfter": false, "seconds": {"PutVirtualNetworkOperation": 45, "DeleteVirtualNetworkOperation": 70}});
    bed.put("/simulator/seed", json!({"settings": settings})).await;
    let begun = bed.put(&vnet(), vnet_body()).await;
    assert_eq!((begun.status, begun.header("retry-after")), (201, ""));
    let operation = begun.header("azure-asyncoperation").to_owned();
    bed.wait(44);
    let running = bed.get(&operation).await;
    assert_eq!((&running.body["status"], running.header("retry-after")), (&json!("InProgress"), ""));
    assert_eq!(bed.get(&vnet()).await.state(), "Updating");
    bed.wait(1);
    assert_eq!(bed.get(&vnet()).await.state(), "Succeeded");
    assert_eq!(bed.delete(&vnet()).await.header("retry-after"), "");
    bed.wait(69);
    assert_eq!(bed.get(&vnet()).await.status, 200);
    bed.wait(1);
    assert_eq!(bed.get(&vnet()).await.status, 404);
}

#[tokio::test]
async fn container_groups_are_made_so_often() {
    use crate::windows::{Deed, container_group};
    let bed = Bed::new().await;
    let make = |deed| bed.simulator.with(|world| container_group(world, SUBSCRIPTION, "westeurope", deed));
    for _ in 0..1000 {
        make(Deed::Create).unwrap();
    }
    bed.send(Method::PATCH, "/simulator/settings", json!({"limits": {"containerInstances": true}})).await;
    for _ in 0..3 {
        (0..100).for_each(|_| assert!(make(Deed::Create).is_ok()));
        assert_eq!(make(Deed::Create).unwrap_err().code, "TooManyRequests");
        make(Deed::Delete).unwrap();
        bed.wait(300);
    }
    assert!(make(Deed::Create).unwrap_err().message.contains("pt1h"));
    bed.wait(3600);
    make(Deed::Create).unwrap();
}
