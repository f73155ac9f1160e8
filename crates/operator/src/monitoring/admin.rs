//! The admin server: `/metrics`, `/livez`, `/readyz`. It has a thread of its own, so that it answers while the work is
//! busy, and a new connection never waits for an old one.

use crate::monitoring::{metrics::Metrics, pulse::Pulse};
use bytes::Bytes;
use futures::future::select;
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::AbortHandle,
    time::Instant,
};

/// How many connections are served at once; one more drops the oldest.
pub(crate) const CONNECTIONS: usize = 128;
/// How long a connection is safe from being dropped for a new one. A request is served in less, so that no flood of new
/// connections drops a kubelet's before it was answered (test `slow_clients_are_dropped_for_new_ones`).
const GRACE: Duration = Duration::from_millis(100);
/// How long one connection may last: as long as the probes of `deploy/operator` wait.
pub(crate) const CONNECTION_LASTS: Duration = Duration::from_secs(5);
/// How long the head of a request may take.
pub(crate) const HEAD: Duration = Duration::from_secs(1);
/// Most bytes of the head of a request, and of an answer that wait to be read.
pub(crate) const HELD: usize = 16 * 1024;

/// Whether the operator does its work: as the leader it has seen every object once, as a standby that another leads. A
/// rollout of two replicas needs both to become ready.
#[derive(Debug, Default)]
pub struct Readiness(AtomicBool);

impl Readiness {
    /// From now on `/readyz` says yes.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// What `/readyz` says.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What the admin server answers from.
#[derive(Clone, Default)]
pub struct Signals {
    /// `/metrics`.
    pub metrics: Arc<Metrics>,
    /// `/readyz`.
    pub readiness: Arc<Readiness>,
    /// `/livez`.
    pub pulse: Arc<Pulse>,
}

/// A running server. It ends when it is dropped.
pub struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Serves on a thread of its own.
    ///
    /// # Errors
    /// The thread, or what it runs on, can't be made.
    pub fn start(listener: TcpListener, signals: Signals) -> io::Result<Self> {
        let listener = listener.into_std()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let work = move || {
            let serve = async {
                match TcpListener::from_std(listener) {
                    Ok(listener) => drop(select(pin!(serve(listener, signals)), stopped).await),
                    Err(error) => tracing::error!(%error, "the admin server can't be started"),
                }
            };
            runtime.block_on(serve);
        };
        let thread = thread::Builder::new().name("admin".into()).spawn(work)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the admin server ended by a panic");
        }
    }
}

async fn serve(listener: TcpListener, signals: Signals) {
    let mut connections = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                make_room(&mut connections).await;
                let signals = signals.clone();
                let served = tokio::spawn(async move { connection(stream, &signals).await }).abort_handle();
                connections.push_back((Instant::now(), served));
            }
            Err(error) => {
                tracing::warn!(%error, "the admin server could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Drops the oldest connection where there are too many: who is served takes no time, so it is slow.
async fn make_room(connections: &mut VecDeque<(Instant, AbortHandle)>) {
    connections.retain(|(_, one)| !one.is_finished());
    let Some((began, _)) = connections.front().filter(|_| connections.len() >= CONNECTIONS) else { return };
    tokio::time::sleep_until(*began + GRACE).await;
    connections.retain(|(_, one)| !one.is_finished());
    if connections.len() >= CONNECTIONS {
        connections.pop_front().iter().for_each(|(_, oldest)| oldest.abort());
    }
}

async fn connection(stream: TcpStream, signals: &Signals) {
    let service = service_fn(|request: Request<Incoming>| async move {
        Ok::<_, Infallible>(answer(request.method(), request.uri().path(), signals))
    });
    let mut server = http1::Builder::new();
    server.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HELD);
    match tokio::time::timeout(CONNECTION_LASTS, server.serve_connection(TokioIo::new(stream), service)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an admin connection broke"),
        Err(_) => tracing::debug!("an admin connection lasted too long"),
    }
}

fn answer(method: &Method, path: &str, signals: &Signals) -> Response<Full<Bytes>> {
    let Signals { metrics, readiness, pulse } = signals;
    let (status, kind, body) = match (method, path) {
        (&Method::GET, "/metrics") => {
            (StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", metrics.text())
        }
        (&Method::GET, "/livez") => match pulse.stuck() {
            None => (StatusCode::OK, "text/plain", "ok\n".to_owned()),
            Some(stuck) => (StatusCode::SERVICE_UNAVAILABLE, "text/plain", format!("{stuck}\n")),
        },
        (&Method::GET, "/readyz") if readiness.get() => (StatusCode::OK, "text/plain", "ok\n".to_owned()),
        (&Method::GET, "/readyz") => (
            StatusCode::SERVICE_UNAVAILABLE,
            "text/plain",
            "nothing is known yet of the objects of the cluster, or of who leads\n".to_owned(),
        ),
        (&Method::GET, _) => {
            (StatusCode::NOT_FOUND, "text/plain", "there are /metrics, /livez and /readyz\n".to_owned())
        }
        _ => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::{SocketAddr, TcpStream},
    };

    async fn start(signals: &Signals) -> (Server, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Server::start(listener, signals.clone()).unwrap(), address)
    }

    /// Blocks the thread of the test, on which the work would run.
    fn get(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[tokio::test]
    async fn says_ready_only_when_it_is_while_the_work_is_busy() {
        let signals = Signals::default();
        let (server, address) = start(&signals).await;
        assert!(get(address, "GET /readyz").starts_with("HTTP/1.1 503 "));
        signals.readiness.set();
        assert!(get(address, "GET /readyz").starts_with("HTTP/1.1 200 "));
        for (request, status) in
            [("GET /livez", "200"), ("GET /metrics", "200"), ("GET /secrets", "404"), ("POST /livez", "405")]
        {
            let answer = get(address, request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        }
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }

    #[tokio::test]
    async fn slow_clients_are_dropped_for_new_ones() {
        let (_server, address) = start(&Signals::default()).await;
        // each begins a request and never ends it, or asks and never reads; none is let go here
        let slow: Vec<TcpStream> = (0..CONNECTIONS * 4)
            .map(|number| {
                let mut stream = TcpStream::connect(address).unwrap();
                let begun: &[u8] = if number % 2 == 0 { b"GET /livez HTTP/1.1\r\nX: " } else { b"" };
                stream.write_all(begun).unwrap();
                stream
            })
            .collect();
        for path in ["/livez", "/readyz", "/metrics"] {
            assert!(get(address, &format!("GET {path}")).starts_with("HTTP/1.1 "), "{path}");
        }
        // the first ones were dropped: their end of the stream is there, without an answer
        let mut first = slow.into_iter().next().unwrap();
        let mut rest = Vec::new();
        assert!(first.read_to_end(&mut rest).map_or(true, |_| rest.is_empty()), "{rest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn livez_says_no_when_the_work_is_stuck() {
        let signals = Signals::default();
        let status = || answer(&Method::GET, "/livez", &signals).status();
        let reconciles = signals.pulse.reconcile_loop();
        assert_eq!(status(), StatusCode::OK);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(status(), StatusCode::SERVICE_UNAVAILABLE);
        reconciles.go_on();
        assert_eq!(status(), StatusCode::OK);
    }
}
