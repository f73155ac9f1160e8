//! The simulator on a TLS port.

mod certificates;
mod drain;
mod managed_identity;
mod names;

pub(crate) use drain::Drain;
pub(crate) use managed_identity::local_address;

use crate::args::Serve;
use crate::clock::SystemClock;
use crate::error::Response;
use crate::identity::issuer::HttpsIssuerKeys;
use crate::identity::keys::SigningKey;
use crate::identity::managed::APP_SERVICE;
use crate::run::{self, RunnerOptions};
use crate::seed::Seed;
use crate::simulator::{Config, ConnectionDropped, Simulator};
use crate::specs::{Checked, Checker};
use axum::body::Body;
use certificates::Certificates;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use names::Names;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tower::Service;

/// Most entries of a page. Microsoft.Network's are much larger; small ones make clients follow `nextLink`.
const PAGE_SIZE: usize = 100;
/// The file whose existence says that the simulator is ready; it holds its addresses.
const ENDPOINT: &str = "endpoint.json";
/// How long requests in progress may take after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT, then ends the containers.
///
/// # Errors
/// Says which argument, file or port was the reason.
pub async fn serve(arguments: Serve) -> Result<(), String> {
    let end = signals()?;
    serve_until(arguments, end).await
}

/// Serves until `end` is ready, then ends the containers.
///
/// # Errors
/// Says which argument, file or port was the reason.
pub async fn serve_until(arguments: Serve, end: impl Future<Output = ()>) -> Result<(), String> {
    let listener = TcpListener::bind(arguments.listen).await;
    let listener = listener.map_err(|error| format!("--listen {}: {error}", arguments.listen))?;
    let address = listener.local_addr().map_err(|error| format!("--listen {}: {error}", arguments.listen))?;
    let names = Names::of(&arguments, address.port());
    let (identity, identity_address) = managed_identity::open(arguments.identity_listen).await?.unzip();
    let directory = prepare(&arguments.state_dir)?;
    let certificates = certificates(&arguments, &names)?;
    let simulator = simulator(&arguments, &names).await?;
    let log = arguments.request_log.as_deref().map(LogFile::open).transpose()?;
    let acceptor = TlsAcceptor::from(certificates.server_config()?);
    let identity_endpoint = identity_address.map(|address| {
        let header = simulator.with(|world| world.directory.identity_header.clone());
        json!({"endpoint": format!("http://{address}{APP_SERVICE}"), "header": header.expose()})
    });
    let service = Checked::new(simulator, arguments.specs.as_deref().map(checker).transpose()?);
    announce(&directory, &names, certificates.ca_pem.as_deref(), identity_endpoint)?;
    let log = log.map(Arc::new);
    tokio::select! {
        () = accept(listener, acceptor, service.clone(), log.clone(), end) => {}
        () = managed_identity::serve(identity, service.clone(), log) => {}
    }
    service.inner().runner().shutdown().await;
    withdraw(&directory)
}

/// Creates the directory, removes what an earlier run announced, and returns the absolute path.
fn prepare(directory: &Path) -> Result<PathBuf, String> {
    let made = fs::create_dir_all(directory).and_then(|()| fs::canonicalize(directory));
    let directory = made.map_err(|error| format!("--state-dir {}: {error}", directory.display()))?;
    withdraw(&directory).map(|()| directory)
}

/// Removes the announcement of an earlier run.
fn withdraw(directory: &Path) -> Result<(), String> {
    match fs::remove_file(directory.join(ENDPOINT)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{ENDPOINT}: {error}")),
        _ => Ok(()),
    }
}

fn certificates(arguments: &Serve, names: &Names) -> Result<Certificates, String> {
    match (&arguments.tls_certificate, &arguments.tls_key) {
        (Some(certificate), Some(key)) => Certificates::read(certificate, key),
        _ => Certificates::generate(&names.certified()).map_err(|error| format!("certificates: {error}")),
    }
}

fn seed(path: &PathBuf) -> Result<Seed, String> {
    let text = fs::read(path).map_err(|error| format!("--seed {}: {error}", path.display()))?;
    Seed::parse(&text).map_err(|error| format!("--seed {}: {error}", path.display()))
}

async fn simulator(arguments: &Serve, names: &Names) -> Result<Simulator, String> {
    let seeds = arguments.seed.iter().map(seed).collect::<Result<Vec<_>, _>>()?;
    let read = |path: &PathBuf| fs::read(path).map_err(|error| format!("--issuer-ca {}: {error}", path.display()));
    let bundles = arguments.issuer_ca.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let issuers = HttpsIssuerKeys::new(&bundles).map_err(|error| error.to_string())?;
    let options = RunnerOptions {
        environments_socket: arguments.environments_socket.clone(),
        state_dir: arguments.state_dir.clone(),
    };
    let config = Config {
        base_url: names.url(),
        time_scale: arguments.time_scale,
        page_size: PAGE_SIZE,
        seed: Seed::default(),
        id_seed: u64::from(std::process::id()),
        key: Arc::new(SigningKey::generate()?),
        runner: run::open(arguments.runner, options).await?,
        issuers: Arc::new(issuers),
    };
    let simulator = Simulator::new(config, Arc::new(SystemClock));
    simulator.with(|world| {
        world.blob_suffix.clone_from(&names.blob_suffix);
        world.blobs.keep_in(arguments.state_dir.join("blobs"));
        seeds.into_iter().for_each(|seed| seed.merge_into(world));
    });
    Ok(simulator)
}

/// Reads the documents of `--specs`.
fn checker(folder: &Path) -> Result<Arc<Checker>, String> {
    let checker = Checker::read(folder).map_err(|error| format!("--specs: {error}"))?;
    tracing::info!("requests and answers are checked against the API descriptions below {}", folder.display());
    Ok(Arc::new(checker))
}

/// Writes `ca.pem` and then `endpoint.json` atomically, and logs where Azure is.
fn announce(directory: &Path, names: &Names, ca_pem: Option<&str>, identity: Option<Value>) -> Result<(), String> {
    let ca = ca_pem.map(|_| directory.join("ca.pem"));
    let url = names.url();
    if let (Some(ca), Some(pem)) = (&ca, ca_pem) {
        write_at_once(ca, pem)?;
    }
    let mut endpoint = json!({"url": url, "blobSuffix": names.blob_suffix, "ca": ca});
    if let (Some(identity), Some(endpoint)) = (identity, endpoint.as_object_mut()) {
        endpoint.insert("managedIdentity".to_owned(), identity);
    }
    write_at_once(&directory.join(ENDPOINT), &format!("{endpoint}\n"))?;
    let mut out = std::io::stdout();
    let trust = ca.map(|ca| format!(", CA in {}", ca.display())).unwrap_or_default();
    writeln!(out, "simulated Azure at {url}{trust}")
        .and_then(|()| out.flush())
        .map_err(|error| format!("standard output: {error}"))
}

fn write_at_once(path: &Path, text: &str) -> Result<(), String> {
    let draft = path.with_extension("draft");
    fs::write(&draft, text)
        .and_then(|()| fs::rename(&draft, path))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Ready at the first SIGTERM or SIGINT.
fn signals() -> Result<impl Future<Output = ()>, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("signals: {error}"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    service: Checked<Simulator>,
    log: Option<Arc<LogFile>>,
    end: impl Future<Output = ()>,
) {
    let mut end = std::pin::pin!(end);
    let graceful = Arc::new(Mutex::new(Some(GracefulShutdown::new())));
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => break,
        };
        match stream {
            Ok((stream, _)) => {
                let serving = connection(stream, acceptor.clone(), service.clone(), log.clone(), graceful.clone());
                tokio::spawn(serving);
            }
            Err(error) => tracing::warn!("a connection could not be accepted: {error}"),
        }
    }
    let ending = graceful.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(ending) = ending
        && tokio::time::timeout(GRACE, ending.shutdown()).await.is_err()
    {
        tracing::warn!("requests in progress took longer than {GRACE:?} and were cut off");
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    checked: Checked<Simulator>,
    log: Option<Arc<LogFile>>,
    graceful: Arc<Mutex<Option<GracefulShutdown>>>,
) {
    let stream = match acceptor.accept(stream).await {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!("TLS handshake: {error}"),
    };
    let service = service_fn(move |request| answer(checked.clone(), log.clone(), request, false));
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    let watched = {
        let graceful = graceful.lock().unwrap_or_else(PoisonError::into_inner);
        graceful.as_ref().map(|graceful| graceful.watcher())
    };
    let Some(watcher) = watched else { return };
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!("connection: {error}");
    }
}

/// The error closes the connection without an answer.
async fn answer(
    mut service: Checked<Simulator>,
    log: Option<Arc<LogFile>>,
    request: Request<Incoming>,
    is_for_identity: bool,
) -> Result<Response, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = Body::new(Drain::of(&head.headers, body));
    let request = Request::from_parts(head, body);
    let response = if is_for_identity {
        service.inner().handle_managed_identity(request).await
    } else {
        let Ok(response) = service.call(request).await;
        response
    };
    if let Some(log) = log {
        log.catch_up(service.inner());
    }
    if response.extensions().get::<ConnectionDropped>().is_some() {
        return Err(std::io::Error::other("the connection is dropped by a scripted fault"));
    }
    Ok(response)
}

/// The request log as a file of JSON lines.
struct LogFile(Mutex<(fs::File, u64)>);

impl LogFile {
    fn open(path: &Path) -> Result<Self, String> {
        let file = fs::OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|error| format!("--request-log {}: {error}", path.display()))?;
        Ok(Self(Mutex::new((file, 0))))
    }

    /// Appends the entries that are not in the file yet.
    fn catch_up(&self, simulator: &Simulator) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, written) = &mut *state;
        let entries: Vec<_> = simulator.with(|world| world.log.since(*written).cloned().collect());
        for entry in entries {
            let line = serde_json::to_string(&entry).unwrap_or_default();
            if let Err(error) = writeln!(file, "{line}") {
                return tracing::warn!("the request log can't be written: {error}");
            }
            *written = entry.seq;
        }
    }
}
