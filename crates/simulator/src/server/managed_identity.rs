//! The plain-HTTP port of managed identities.

use super::LogFile;
use crate::simulator::Simulator;
use crate::specs::Checked;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;

/// An address at which tokens may be served without TLS: loopback or link-local, as in Azure.
pub(crate) fn local_address(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "expected an address and a port".to_owned())?;
    let is_local = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    if is_local {
        Ok(address)
    } else {
        Err("expected a loopback or link-local address, because it serves plain HTTP".to_owned())
    }
}

/// Listens, if an address is given, and returns the actual address.
pub(super) async fn open(address: Option<SocketAddr>) -> Result<Option<(TcpListener, SocketAddr)>, String> {
    let Some(address) = address else { return Ok(None) };
    let refused = |error: std::io::Error| format!("--identity-listen {address}: {error}");
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let became = listener.local_addr().map_err(refused)?;
    Ok(Some((listener, became)))
}

/// Serves until it is dropped.
pub(super) async fn serve(listener: Option<TcpListener>, service: Checked<Simulator>, log: Option<Arc<LogFile>>) {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (checked, log) = (service.clone(), log.clone());
                let service = service_fn(move |request| super::answer(checked.clone(), log.clone(), request, true));
                let connection =
                    http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!("connection of managed identities: {error}");
                    }
                });
            }
            Err(error) => tracing::warn!("a connection could not be accepted: {error}"),
        }
    }
}
