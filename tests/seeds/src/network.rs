//! HTTP/1.1 over the simulated network: a client's way to a server, and a server's accept loop.

use axum::body::Body;
use bytes::Bytes;
use futures::{
    StreamExt as _,
    channel::mpsc,
    future::{BoxFuture, FutureExt as _, select},
};
use http::{Request, Response, Uri};
use hyper::{
    body::Incoming,
    rt::{Executor, Read, ReadBufCursor, Write},
    server::conn::http1,
    service::service_fn,
};
use hyper_timeout::TimeoutConnector;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioIo, TokioTimer},
};
use std::{
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::Notify;
use tower::Service;
use turmoil::net::{TcpListener, TcpStream};

/// The port of every server.
const PORT: u16 = 443;

/// A client with its pool of connections to one host.
pub type Pool<B> = Client<TimeoutConnector<To>, B>;

/// Drives what it is given in one task. A host that ends drops the tasks of its runtime in an order that depends on
/// other simulations of the process, but what one task holds in the order in which it came.
#[derive(Clone)]
pub struct Together(mpsc::UnboundedSender<BoxFuture<'static, ()>>);

impl Together {
    /// One without work yet.
    pub fn start() -> Self {
        let (give, take) = mpsc::unbounded();
        tokio::spawn(take.for_each_concurrent(None, |work| work));
        Self(give)
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Together {
    fn execute(&self, work: F) {
        // a host that ends takes no more work
        drop(self.0.unbounded_send(work.boxed()));
    }
}

/// Observes what is sent on one connection.
pub type Ear = Box<dyn FnMut(&[u8]) + Send>;
/// Creates an observer for each connection.
pub type Ears = Arc<dyn Fn() -> Ear + Send + Sync>;

/// Connects to one host of the simulation, whatever a URL says.
#[derive(Clone)]
pub struct To(&'static str, Ears);

/// How long a connection may do nothing.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until it stands.
    pub connect: Duration,
    /// Without a byte of an answer, counted from the last write.
    pub read: Option<Duration>,
    /// Without room for a byte.
    pub write: Option<Duration>,
    /// Between two requests.
    pub idle: Duration,
}

/// A client of `host` with these time limits.
pub fn pool<B>(host: &'static str, ears: Ears, limits: Limits, connections: Together) -> Pool<B>
where
    B: http_body::Body + Send + 'static + Unpin,
    B::Data: Send,
{
    let mut connector = TimeoutConnector::new(To(host, ears));
    connector.set_connect_timeout(Some(limits.connect));
    connector.set_read_timeout(limits.read);
    connector.set_write_timeout(limits.write);
    connector.set_reset_reader_on_write(true);
    Client::builder(connections).pool_timer(TokioTimer::new()).pool_idle_timeout(limits.idle).build(connector)
}

impl Service<Uri> for To {
    type Response = Stream;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Stream>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let Self(host, ears) = self.clone();
        Box::pin(async move {
            let connection = TokioIo::new(TcpStream::connect((host, PORT)).await?);
            Ok(Stream { connection, ear: ears() })
        })
    }
}

/// A connection of the simulated network.
pub struct Stream {
    connection: TokioIo<TcpStream>,
    ear: Ear,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = written {
            (self.ear)(&buf[..count]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}

/// Serves every connection until `resets`, which closes all that stand. `answer` is told the host that asks; without an
/// answer the connection is closed.
pub async fn serve<F>(
    resets: Arc<Notify>,
    answer: impl Fn(String, Request<Bytes>) -> F + Clone + Send + Sync + 'static,
) -> io::Result<()>
where
    F: Future<Output = Option<Response<Body>>> + Send,
{
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    let connections = Together::start();
    loop {
        let (stream, peer) = listener.accept().await?;
        let from = turmoil::reverse_lookup(peer.ip()).unwrap_or_default();
        let (answer, resets) = (answer.clone(), Arc::clone(&resets));
        let service = service_fn(move |request: Request<Incoming>| {
            let (answer, from) = (answer.clone(), from.clone());
            async move {
                let request = whole(request).await.map_err(io::Error::other)?;
                let answer = answer(from, request).await;
                answer.ok_or_else(|| io::Error::other("the connection is closed without an answer"))
            }
        });
        connections.execute(async move {
            let mut http = http1::Builder::new();
            let connection =
                http.timer(TokioTimer::new()).auto_date_header(false).serve_connection(TokioIo::new(stream), service);
            // an error is the client's matter
            drop(select(pin!(connection), pin!(resets.notified())).await);
        });
    }
}

async fn whole(request: Request<Incoming>) -> Result<Request<Bytes>, hyper::Error> {
    use http_body_util::BodyExt as _;
    let (parts, body) = request.into_parts();
    Ok(Request::from_parts(parts, body.collect().await?.to_bytes()))
}
