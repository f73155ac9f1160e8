//! Watches: the history from a version on, then whatever comes.

use super::{ApiServer, Body, json_response, problem::Problem, request::Call, store::Change};
use acivnet_azure::BoxError;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{Response, StatusCode, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::{Value, json};
use std::{collections::VecDeque, pin::pin, time::Duration};
use tokio::time::{Instant, timeout_at};

/// How long a watch lasts when the client does not say, in seconds.
const USUAL_SECONDS: u64 = 1800;

struct Watch {
    server: ApiServer,
    call: Call,
    seen: u64,
    waiting: VecDeque<Value>,
    ends: Instant,
    broken: bool,
}

pub(super) fn start(server: &ApiServer, call: &Call) -> Result<Response<Body>, Problem> {
    let number = |name: &str| {
        call.query
            .get(name)
            .map(|text| text.parse::<u64>().map_err(|_| Problem::bad_request(format!("{name}={text} is no number"))))
    };
    let seconds = number("timeoutSeconds").transpose()?.unwrap_or(USUAL_SECONDS);
    let seen = number("resourceVersion").transpose()?.filter(|version| *version > 0);
    // without a version, or with 0, what stands comes first: "Get State and Start"
    // (kubernetes.io, "Kubernetes API Concepts", "Semantics for watch")
    let (waiting, seen) = match seen {
        Some(version) => (VecDeque::new(), version),
        None => standing(server, call),
    };
    let watch = Watch {
        server: server.clone(),
        call: call.clone(),
        seen,
        waiting,
        ends: Instant::now() + Duration::from_secs(seconds),
        broken: false,
    };
    let lines = stream::unfold(watch, |mut watch| async move { watch.next().await.map(|event| (event, watch)) });
    let frames = lines.map(|event| Ok::<_, BoxError>(Frame::data(Bytes::from(format!("{event}\n")))));
    let mut response = json_response(StatusCode::OK, &Value::Null);
    *response.body_mut() = StreamBody::new(frames).boxed_unsync();
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// What stands, as events, and the version it is of.
fn standing(server: &ApiServer, call: &Call) -> (VecDeque<Value>, u64) {
    server.with(|store| {
        let objects = store.list(call.resource, &call.namespace).filter(|object| call.selects(object));
        let events = objects.map(|object| json!({"type": "ADDED", "object": call.shown(object.clone())})).collect();
        (events, store.version())
    })
}

impl Watch {
    /// The next event; none when the time is over or the version is forgotten.
    async fn next(&mut self) -> Option<Value> {
        let server = self.server.clone();
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.broken {
                return None;
            }
            let mut written = pin!(server.0.written.notified());
            written.as_mut().enable();
            self.look();
            if self.waiting.is_empty() && timeout_at(self.ends, written).await.is_err() {
                self.broken = true;
                return self.bookmark();
            }
        }
    }

    fn look(&mut self) {
        let (call, seen) = (&self.call, self.seen);
        let looked = self.server.with(|store| {
            let events: Vec<Value> = store.since(seen)?.filter_map(|change| event(call, change)).collect();
            Ok::<_, Problem>((events, store.version()))
        });
        match looked {
            Ok((events, version)) => {
                self.waiting.extend(events);
                self.seen = version;
            }
            Err(expired) => {
                self.waiting.push_back(json!({"type": "ERROR", "object": expired.body()}));
                self.broken = true;
            }
        }
    }

    fn bookmark(&self) -> Option<Value> {
        let wanted = self.call.query.get("allowWatchBookmarks").is_some_and(|value| value == "true");
        let metadata = json!({"resourceVersion": self.seen.to_string()});
        let object = json!({"apiVersion": self.call.resource.api_version(), "kind": self.call.resource.kind, "metadata": metadata});
        wanted.then(|| json!({"type": "BOOKMARK", "object": self.call.shown(object)}))
    }
}

fn event(call: &Call, change: &Change) -> Option<Value> {
    let in_namespace = call.namespace.is_empty() || change.key.namespace == call.namespace;
    let wanted =
        change.key.resource.qualified() == call.resource.qualified() && in_namespace && call.selects(&change.object);
    wanted.then(|| json!({"type": change.happened.word(), "object": call.shown(change.object.clone())}))
}
