//! A connection on loopback that a test can cut, as a cable, a load balancer or a firewall does.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Bytes go both ways.
    Open,
    /// Connections are closed, and new ones at once.
    Refusing,
    /// Connections stay, and nothing passes.
    Silent,
}

#[derive(Clone, Copy, Debug)]
struct State {
    line: Line,
    /// Connections older than this stay silent for good.
    living: u64,
    born: u64,
}

impl State {
    fn passes(&self, born: u64) -> bool {
        self.line == Line::Open && born >= self.living
    }
}

/// The line. Dropped, it ends with all its connections.
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// A line to `upstream`, a URL of loopback.
    pub async fn to(upstream: &str) -> Self {
        let upstream = upstream.rsplit('/').next().expect("a host").parse().expect("an address");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (state, seen) = watch::channel(State { line: Line::Open, living: 0, born: 0 });
        let serving = tokio::spawn(serve(listener, upstream, state.clone(), seen));
        Self { address, state, serving }
    }

    /// Where it begins.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Everything passes that comes over a connection that was not silenced for good.
    pub fn open(&self) {
        self.state.send_modify(|state| state.line = Line::Open);
    }

    /// Connections break, and none can be made.
    pub fn refuse(&self) {
        self.state.send_modify(|state| state.line = Line::Refusing);
    }

    /// Nothing passes, without an error.
    pub fn silence(&self) {
        self.state.send_modify(|state| state.line = Line::Silent);
    }

    /// Present connections are dead without an error; new ones work.
    pub fn deaden(&self) {
        self.state.send_modify(|state| state.living = state.born);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, upstream: SocketAddr, state: watch::Sender<State>, seen: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let mut born = 0;
        state.send_modify(|state| {
            born = state.born;
            state.born += 1;
        });
        connections.spawn(carry(stream, upstream, seen.clone(), born));
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(client: TcpStream, upstream: SocketAddr, state: watch::Receiver<State>, born: u64) {
    if state.borrow().line == Line::Refusing {
        return;
    }
    let Ok(server) = TcpStream::connect(upstream).await else { return };
    let ((client_reads, client_writes), (server_reads, server_writes)) = (client.into_split(), server.into_split());
    let up = pump(client_reads, server_writes, state.clone(), born);
    tokio::select! {
        () = up => {}
        () = pump(server_reads, client_writes, state, born) => {}
    }
}

/// Ends with either end, or when the line refuses.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>, born: u64) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let Ok(now) = state.wait_for(|state| state.line == Line::Refusing || state.passes(born)).await.map(|now| *now)
        else {
            return;
        };
        if now.line == Line::Refusing {
            return;
        }
        let read = tokio::select! {
            changed = state.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            read = from.read(&mut buffer) => read,
        };
        match read {
            Ok(length) if length > 0 && to.write_all(&buffer[..length]).await.is_ok() => {}
            _ => return,
        }
    }
}
