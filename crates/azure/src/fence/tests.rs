use super::*;
use crate::{Connector, Http as _, ReqwestHttp, empty, full, is_not_leading, script};
use acivnet_core::{
    blueprint::{Goal, Node},
    kinds::virtual_network::VIRTUAL_NETWORK,
    owner::Mark,
    plan::Request as Write,
};
use http::Request;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const VNET: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";

/// Allows so many questions, then no more: what happens when the process is stopped after each of them.
struct After(AtomicU32);

impl After {
    fn questions(count: u32) -> Arc<dyn Fence> {
        Arc::new(Self(AtomicU32::new(count)))
    }

    fn ask(&self) -> bool {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

impl Fence for After {
    fn may_start(&self) -> bool {
        self.ask()
    }

    fn may_send(&self) -> bool {
        self.ask()
    }
}

/// The next connection's first request is answered with 200; what came, as text.
async fn serve(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let came = head(&mut stream).await;
    if !came.is_empty() {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    }
    came
}

/// What comes before the peer waits or hangs up: requests of these tests fit in one segment.
async fn head(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let length = stream.read(&mut bytes).await.unwrap_or_default();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test]
async fn nothing_of_a_late_request_leaves_the_process() {
    let http = ReqwestHttp::new(None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let mut sent = [false, false];
    for (which, (method, body)) in [("DELETE", empty as fn() -> Body), ("PUT", || full("{}"))].into_iter().enumerate() {
        for questions in 0..12 {
            let body = fenced(body(), &After::questions(questions));
            let request = Request::builder().method(method).uri(&url).body(body).unwrap();
            let (answer, came) = tokio::join!(http.send(request), serve(&listener));
            assert_eq!(answer.is_ok(), !came.is_empty(), "{method} after {questions} questions: {came}");
            let answered = answer.is_ok();
            if came.is_empty() {
                let error = answer.err().unwrap().to_string();
                assert!(error.contains("may no longer write"), "{error}");
            } else {
                let whole = came.starts_with(&format!("{method} /x HTTP/1.1\r\n"))
                    && came.ends_with(if method == "PUT" { "content-length: 2\r\n\r\n{}" } else { "\r\n\r\n" });
                assert!(whole, "{came}");
            }
            assert!(sent[which] <= answered, "{method}: more time does not make it late");
            sent[which] |= answered;
        }
    }
    assert_eq!(sent, [true, true]);
}

fn connector(script: &Arc<script::Script>, fence: Arc<dyn Fence>) -> Connector {
    script::connector_within(Arc::clone(script) as _, fence)
}

fn put() -> (Node, Write) {
    let node = Node::new(&VIRTUAL_NETWORK, script::id(VNET), Goal::Present, Value::Null, Mark::None);
    (node, Write::Put { body: json!({"location": "l"}), if_match: None })
}

#[tokio::test(start_paused = true)]
async fn a_write_that_waited_too_long_is_not_started() {
    let script = script::Script::new([] as [(&str, script::Reply); 0]);
    assert!(is_not_leading(&connector(&script, After::questions(0)).gate().open().err().unwrap()));
    let connector = connector(&script, After::questions(1));
    let permit = connector.gate().open().unwrap();
    let (node, request) = put();
    let payloads = script::Bytes1000(Vec::new());
    let done = connector.session(&script::identity()).carry_out(permit, &node, &request, &payloads).await;
    assert!(is_not_leading(&done.unwrap_err()));
    assert!(script.done().is_empty(), "only the sign-in was sent");
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_come_late_and_reads_are_free() {
    let script = script::Script::new([
        (format!("PUT arm.test{VNET}"), script::reply(200, json!({}))),
        (format!("GET arm.test{VNET}"), script::reply(200, json!({}))),
    ]);
    let connector = connector(&script, After::questions(20));
    let permit = connector.gate().open().unwrap();
    let (node, request) = put();
    let azure = connector.session(&script::identity());
    azure.carry_out(permit, &node, &request, &script::Bytes1000(Vec::new())).await.unwrap();
    while connector.gate().open().is_ok() {}
    assert!(matches!(azure.read(&VIRTUAL_NETWORK, &node.id).await, acivnet_core::observed::Fact::Present(_)));
    script.done();
}
