//! The service: the dispatch of requests, and what is common to all answers.

use crate::admin;
use crate::arm;
use crate::blob;
use crate::call::{DataCall, Query};
use crate::clock::Clock;
use crate::containers;
use crate::error::{Refusal, Response, empty_response, set_header};
use crate::faults::{Fault, ScriptedEnding, When};
use crate::identity::bearer::{admit, authenticate};
use crate::identity::issuer::IssuerKeys;
use crate::identity::keys::SigningKey;
use crate::identity::{self, Caller, Directory, Endpoint};
use crate::machine_learning;
use crate::recording::{self, Sent};
use crate::request_log::{Entry, Sort};
use crate::run::{self, Runner};
use crate::seed::Seed;
use crate::specs::ScriptedAnswer;
use crate::world::{Beginning, World};
use axum::body::Body;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// The configuration of a [`Simulator`].
pub struct Config {
    /// `https://HOST[:PORT]`, without a slash at the end; the base of all URLs in answers.
    pub base_url: String,
    /// Factor on all of Azure's durations: 1.0 is as slow as Azure, 0.01 is a hundred times as fast.
    pub time_scale: f64,
    /// Most entries of one page of a list.
    pub page_size: usize,
    /// What exists at the start.
    pub seed: Seed,
    /// Seed of all generated ids.
    pub id_seed: u64,
    /// Signs access tokens.
    pub key: Arc<SigningKey>,
    /// How containers run.
    pub runner: Arc<dyn Runner>,
    /// Where keys of federated issuers come from.
    pub issuers: Arc<dyn IssuerKeys>,
}

impl Config {
    /// Containers by script, durations as in Azure, `https://localhost:8443`: for simulators in process.
    pub fn scripted(seed: Seed, key: Arc<SigningKey>, issuers: Arc<dyn IssuerKeys>) -> Self {
        Self {
            base_url: "https://localhost:8443".to_owned(),
            time_scale: 1.0,
            page_size: 100,
            seed,
            id_seed: 1,
            key,
            runner: Arc::new(run::Scripted),
            issuers,
        }
    }
}

/// The simulated Azure as a service. Clones share one world.
#[derive(Clone)]
pub struct Simulator(Arc<Shared>);

struct Shared {
    world: Mutex<World>,
    clock: Arc<dyn Clock>,
    runner: Arc<dyn Runner>,
    issuers: Arc<dyn IssuerKeys>,
    /// Held while the runner is told what should run, so that an earlier reading never replaces a later one.
    driving: tokio::sync::Mutex<()>,
}

/// In the extensions of a response: the request was (or was not) carried out, and the connection is to be closed
/// without an answer. [`server`](crate::server) does so; whoever calls the service in process has to as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionDropped;

/// Where a request goes.
enum Destination<'a> {
    /// To a container in a virtual network.
    Vnet(Ipv4Addr),
    Admin,
    Azure(Area<'a>),
}

/// A part of Azure.
#[derive(Clone, Copy)]
enum Area<'a> {
    /// A storage account.
    Blob(&'a str),
    /// The plain-HTTP endpoint of managed identities.
    ManagedIdentity,
    Authority(Endpoint<'a>),
    DataPlane,
    ResourceManager,
}

impl Simulator {
    /// A simulator on a clock. Contradictory seed entries are refused when they are parsed, not here.
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Self {
        let mut world = World::new(Beginning {
            base_url: config.base_url,
            time_scale: config.time_scale,
            page_size: config.page_size.max(1),
            now: clock.now(),
            seed: config.id_seed,
            directory: Directory::new(config.key),
        });
        config.seed.merge_into(&mut world);
        let (runner, issuers) = (config.runner, config.issuers);
        Self(Arc::new(Shared {
            world: Mutex::new(world),
            clock,
            runner,
            issuers,
            driving: tokio::sync::Mutex::default(),
        }))
    }

    /// Settles what is due, then lets `act` read and change the world. `act` must not wait, since the lock is held.
    pub fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.0.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(self.0.clock.now());
        act(&mut world)
    }

    /// How containers run.
    pub fn runner(&self) -> &Arc<dyn Runner> {
        &self.0.runner
    }

    /// The lock for telling the runner what should run.
    pub(crate) fn driving(&self) -> &tokio::sync::Mutex<()> {
        &self.0.driving
    }

    /// Where keys of federated issuers come from.
    pub(crate) fn issuers(&self) -> &dyn IssuerKeys {
        self.0.issuers.as_ref()
    }

    /// Answers one request.
    pub async fn handle(&self, request: Request<Body>) -> Response {
        let host = host_of(&request);
        let path = request.uri().path().to_owned();
        match destination(&host, &path) {
            Destination::Vnet(address) => containers::traffic(self, address, request).await,
            Destination::Admin => {
                let response = admin::route(self, request).await;
                run::drive(self).await;
                response
            }
            Destination::Azure(area) => {
                let writes = !request.method().is_safe();
                run::drive(self).await;
                let response = self.as_azure(area, request).await;
                // What a write changes at once must be in effect before its answer is read.
                if writes {
                    run::drive(self).await;
                }
                response
            }
        }
    }

    /// Answers one request to the plain-HTTP endpoint of managed identities.
    pub async fn handle_managed_identity(&self, request: Request<Body>) -> Response {
        self.as_azure(Area::ManagedIdentity, request).await
    }

    /// A request to Azure, with scripted faults and an entry in the log.
    async fn as_azure(&self, area: Area<'_>, request: Request<Body>) -> Response {
        let began = self.with(|world| world.now);
        let caller = self.with(|world| authenticate(world, request.headers()));
        let record = Record::of(area, &request, caller.as_ref().ok(), began);
        let asked = request.headers().clone();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (request, sent) = self.recorded(&record, request).await;
        let fault = self.with(|world| world.faults.take(&method, &path, world.now));
        let mut response = self.with_fault(fault, area, caller, request).await;
        self.with(|world| {
            surround(world, &mut response, &asked);
            let dropped = response.extensions().get::<ConnectionDropped>().is_some();
            let status = if dropped { 0 } else { response.status().as_u16() };
            world.log.add(record.entry(status, world.now), record.sort);
            sent.into_iter().for_each(|sent| world.recording.add(Sent { status: Some(status), ..sent }));
        });
        response
    }

    /// The request, and its copy while recording is on.
    async fn recorded(&self, record: &Record, request: Request<Body>) -> (Request<Body>, Option<Sent>) {
        match record.sort == Sort::Azure && self.with(|world| world.recording.is_on()) {
            true => recording::record(record.path.clone(), request).await,
            false => (request, None),
        }
    }

    async fn with_fault(
        &self,
        fault: Option<Fault>,
        area: Area<'_>,
        caller: Result<Caller, Refusal>,
        request: Request<Body>,
    ) -> Response {
        let Some(fault) = fault else { return self.serve(area, caller, request, None).await };
        if let Ok(delay) = Duration::try_from_secs_f64(fault.delay_seconds)
            && !delay.is_zero()
        {
            tokio::time::sleep(delay).await;
        }
        let has_answer = fault.drop || fault.status.is_some();
        if fault.when == When::Before && has_answer {
            if !fault.drop {
                read_away(request.into_body()).await;
            }
            return scripted(&fault).unwrap_or_else(dropped);
        }
        let response = self.serve(area, caller, request, fault.ending()).await;
        if let Some(then) = &fault.then {
            self.with(|world| world.faults.add(then.as_ref().clone(), world.now));
        }
        if has_answer { scripted(&fault).unwrap_or_else(dropped) } else { response }
    }

    async fn serve(
        &self,
        area: Area<'_>,
        caller: Result<Caller, Refusal>,
        request: Request<Body>,
        scripted: Option<ScriptedEnding>,
    ) -> Response {
        match area {
            Area::Blob(account) => blob::route(self, account, request).await,
            Area::ManagedIdentity => identity::managed::route(self, &request),
            Area::Authority(endpoint) => identity::route(self, endpoint, request).await,
            Area::ResourceManager => arm::route(self, caller, request, scripted).await,
            Area::DataPlane => {
                let call = self.data_call(caller, request, scripted);
                machine_learning::route(self, call).await
            }
        }
    }

    fn data_call(
        &self,
        caller: Result<Caller, Refusal>,
        request: Request<Body>,
        scripted: Option<ScriptedEnding>,
    ) -> DataCall {
        let (parts, body) = request.into_parts();
        let caller = match subscription_in(parts.uri.path()) {
            Some(subscription) => self.with(|world| {
                let caller = caller?;
                admit(world, &caller, subscription).map(|()| caller)
            }),
            None => caller,
        };
        let query = Query::parse(parts.uri.query());
        DataCall { query, parts, body, caller, scripted }
    }
}

impl tower::Service<Request<Body>> for Simulator {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let simulator = self.clone();
        Box::pin(async move { Ok(simulator.handle(request).await) })
    }
}

/// Reads and discards a body: left unread, it would end a connection that the client still uses.
async fn read_away(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// The scripted answer of a fault; none if the connection is to be dropped.
fn scripted(fault: &Fault) -> Option<Response> {
    let mut answer = if fault.drop { None } else { fault.answer() };
    if let Some(answer) = &mut answer {
        answer.extensions_mut().insert(ScriptedAnswer);
    }
    answer
}

fn dropped() -> Response {
    let mut response = empty_response(StatusCode::BAD_GATEWAY);
    response.extensions_mut().insert(ConnectionDropped);
    response
}

/// Host without port, lower case: of the URI if it is absolute, else of the header.
fn host_of(request: &Request<Body>) -> String {
    let header = request.headers().get(http::header::HOST).and_then(|value| value.to_str().ok());
    let host = request.uri().host().or_else(|| header.map(without_port)).unwrap_or_default();
    host.to_ascii_lowercase()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a request goes to Resource Manager or to the data plane: not to a storage account, a container or sign-in.
pub(crate) fn is_interface(request: &Request<Body>) -> bool {
    let host = host_of(request);
    matches!(destination(&host, request.uri().path()), Destination::Azure(Area::DataPlane | Area::ResourceManager))
}

fn destination<'a>(host: &'a str, path: &'a str) -> Destination<'a> {
    if let Ok(address) = host.parse::<Ipv4Addr>()
        && !address.is_loopback()
    {
        return Destination::Vnet(address);
    }
    if let Some((account, _)) = host.split_once(".blob.") {
        return Destination::Azure(Area::Blob(account));
    }
    if path == "/simulator" || path.starts_with("/simulator/") {
        return Destination::Admin;
    }
    if ["/discovery", "/artifact/", "/modelmanagement/", "/environment/"].iter().any(|area| path.starts_with(area)) {
        return Destination::Azure(Area::DataPlane);
    }
    Destination::Azure(Endpoint::of(path).map_or(Area::ResourceManager, Area::Authority))
}

/// The subscription named somewhere in a path of the data plane.
fn subscription_in(path: &str) -> Option<&str> {
    path.split('/').skip_while(|part| !part.eq_ignore_ascii_case("subscriptions")).nth(1)
}

/// The log entry of a request, without its answer.
struct Record {
    caller: Option<String>,
    method: Method,
    path: String,
    id: Option<String>,
    client_request_id: Option<String>,
    api_version: Option<String>,
    began: Timestamp,
    sort: Sort,
}

impl Record {
    fn of(area: Area<'_>, request: &Request<Body>, caller: Option<&Caller>, began: Timestamp) -> Self {
        let (path, api_version) = (request.uri().path(), Query::parse(request.uri().query()));
        let client_request_id = request.headers().get("x-ms-client-request-id");
        let start = path.to_ascii_lowercase().find("/subscriptions/");
        Self {
            caller: caller.map(|caller| caller.client_id.clone()),
            method: request.method().clone(),
            path: match area {
                Area::Blob(account) => format!("//{account}{path}"),
                _ => path.to_owned(),
            },
            id: start.and_then(|start| path.get(start..)).map(str::to_owned),
            client_request_id: client_request_id.and_then(|id| id.to_str().ok()).map(str::to_owned),
            api_version: api_version.get("api-version").map(str::to_owned),
            began,
            sort: if matches!(area, Area::Authority(_) | Area::ManagedIdentity) { Sort::SignIn } else { Sort::Azure },
        }
    }

    fn entry(&self, status: u16, now: Timestamp) -> Entry {
        Entry {
            seq: 0,
            time: self.began,
            caller: self.caller.clone(),
            verb: self.method.to_string(),
            path: self.path.clone(),
            id: self.id.clone(),
            status,
            duration_ms: u64::try_from(now.duration_since(self.began).as_millis()).unwrap_or_default(),
            client_request_id: self.client_request_id.clone(),
            api_version: self.api_version.clone(),
        }
    }
}

/// Headers of every answer of Azure.
fn surround(world: &mut World, response: &mut Response, asked: &HeaderMap) {
    let text = |name: &str| asked.get(name).and_then(|value| value.to_str().ok());
    if !response.headers().contains_key("x-ms-request-id") {
        let id = world.ids.guid("request");
        set_header(response, "x-ms-request-id", &id);
    }
    if text("x-ms-return-client-request-id").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        && let Some(id) = text("x-ms-client-request-id")
    {
        set_header(response, "x-ms-client-request-id", id);
    }
    set_header(response, "strict-transport-security", "max-age=31536000; includeSubDomains");
    set_header(response, "x-content-type-options", "nosniff");
}
