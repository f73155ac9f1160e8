//! The wire between the operator and its servers: every request passes here, gets a number, and may be interrupted.

use super::planted_bugs::Plant;
use http::{Method, Response, Uri};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;

/// How long a request is on its way on paused time.
const LATENCY: Duration = Duration::from_millis(20);

/// Who answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Azure.
    Azure,
    /// The Kubernetes API.
    Kubernetes,
    /// A container inside a virtual network.
    Network,
}

/// One request, as the trace keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Who answers it.
    pub side: Side,
    /// Verb.
    pub method: Method,
    /// Host, path and query, without signatures.
    pub target: String,
    /// The first digits of the body's SHA-256; empty without body, and for sign-in, whose assertions are signed by a key
    /// made anew for each process.
    pub body: String,
}

impl Sent {
    /// A request by its parts.
    pub fn new(side: Side, method: &Method, uri: &Uri, body: &[u8]) -> Self {
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let query = uri.query().map(|query| format!("?{}", unsigned(query))).unwrap_or_default();
        let known = body.is_empty() || uri.path().ends_with("/oauth2/v2.0/token");
        let digest = if known { String::new() } else { hex(&Sha256::digest(body)) };
        Self { side, method: method.clone(), target: format!("{host}{}{query}", uri.path()), body: digest }
    }

    /// Whether it may change anything in Azure.
    pub fn writes_azure(&self) -> bool {
        let advisory =
            ["/oauth2/v2.0/token", "/services/validate", "/listkeys"].iter().any(|path| self.path().ends_with(path));
        self.side == Side::Azure && !is_read(&self.method) && !advisory
    }

    /// Whether it may change anything in Kubernetes; a token of a ServiceAccount is no change.
    pub fn writes_kubernetes(&self) -> bool {
        self.side == Side::Kubernetes && !is_read(&self.method) && !self.path().ends_with("/token")
    }

    /// Whether it may change anything.
    pub fn writes(&self) -> bool {
        self.writes_azure() || self.writes_kubernetes()
    }

    /// Whether it makes something new each time that it is carried out: what the Azure ML data plane makes has no key.
    pub fn creates(&self) -> bool {
        let collections = ["/models", "/assets", "/services"];
        self.method == Method::POST && collections.iter().any(|path| self.path().ends_with(path))
    }

    /// Whether it is of this verb and to what ends like this.
    pub fn is(&self, method: Method, end: &str) -> bool {
        self.method == method && self.path().ends_with(end)
    }

    /// Host and path.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {} {}", self.side, self.method, self.target, self.body)
    }
}

fn is_read(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// A query without the signature of a shared access signature.
fn unsigned(query: &str) -> String {
    query.split('&').filter(|parameter| !parameter.starts_with("sig=")).collect::<Vec<_>>().join("&")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// How a request is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// The operator is stopped before it sends.
    StoppedBefore,
    /// It is carried out, the answer is lost, the operator goes on.
    AnswerLost,
    /// It is carried out, and the operator is stopped without the answer.
    StoppedWithoutAnswer,
    /// The operator is stopped after the answer, before it sends anything else.
    StoppedAfter,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::StoppedBefore, Self::AnswerLost, Self::StoppedWithoutAnswer, Self::StoppedAfter];
    /// Those that differ for a read: it changes nothing, and to stop after it is to stop before the next request.
    pub const OF_READS: [Self; 2] = [Self::StoppedBefore, Self::AnswerLost];
}

/// An interruption: which request it strikes, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interruption {
    /// Number of the request in the trace, counted from 0.
    pub request: usize,
    /// How.
    pub mode: Mode,
}

/// An interruption of a run whose requests have no fixed order: which request of its kind it strikes, by number, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strike {
    /// Verb.
    pub method: Method,
    /// Host and path.
    pub path: String,
    /// How many such requests come before it.
    pub after: usize,
    /// How.
    pub mode: Mode,
}

/// Everything that disturbs a run.
#[derive(Clone, Debug, Default)]
pub struct Disturbance {
    /// Which requests are interrupted, and how.
    pub interruptions: Vec<Interruption>,
    /// The planted bug.
    pub plant: Option<Plant>,
}

impl From<Interruption> for Disturbance {
    fn from(one: Interruption) -> Self {
        Self { interruptions: vec![one], plant: None }
    }
}

/// The answer was lost.
#[derive(Debug)]
pub struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer was lost on its way")
    }
}

impl std::error::Error for Lost {}

/// The wire. Clones share it.
#[derive(Clone)]
pub struct Wire(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    stopped: Notify,
    latency: Duration,
}

#[derive(Default)]
struct State {
    trace: Vec<Sent>,
    /// The statuses of the answers, by number of the request.
    answers: BTreeMap<usize, u16>,
    planned: Vec<Interruption>,
    strike: Option<Strike>,
    power: Power,
}

impl State {
    /// Whether a request is the one to interrupt.
    fn struck(&mut self, sent: &Sent) -> Option<Mode> {
        let strike = self.strike.as_mut().filter(|one| one.method == sent.method && one.path == sent.path())?;
        match strike.after.checked_sub(1) {
            Some(fewer) => {
                strike.after = fewer;
                None
            }
            None => self.strike.take().map(|strike| strike.mode),
        }
    }
}

/// Whether the operator runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Power {
    #[default]
    On,
    /// It is stopped when it sends next.
    Ending,
    Off,
}

impl Wire {
    /// A wire on which interruptions wait for their requests.
    pub fn with(planned: Vec<Interruption>) -> Self {
        let state = State { planned, ..State::default() };
        Self(Arc::new(Shared { state: Mutex::new(state), latency: LATENCY, ..Shared::default() }))
    }

    /// A wire without its own delay.
    pub fn on_real_time() -> Self {
        Self(Arc::default())
    }

    /// Every request so far.
    pub fn trace(&self) -> Vec<Sent> {
        self.state(|state| state.trace.clone())
    }

    /// The statuses of the answers, by number of the request.
    pub fn answers(&self) -> BTreeMap<usize, u16> {
        self.state(|state| state.answers.clone())
    }

    /// Every request from `start` on, in a line each, with its number and the status of its answer, if there was one.
    pub fn log(&self, start: usize) -> Vec<String> {
        self.state(|state| {
            let answer =
                |number: &usize| state.answers.get(number).map_or_else(|| "---".to_owned(), ToString::to_string);
            let requests = state.trace.iter().enumerate().skip(start);
            requests.map(|(number, sent)| format!("{number:5} {} {sent}", answer(&number))).collect()
        })
    }

    /// How many requests there were.
    pub fn count(&self) -> usize {
        self.state(|state| state.trace.len())
    }

    /// How many of the requests from `start` on may have changed anything.
    pub fn writes_since(&self, start: usize) -> usize {
        self.count_since(start, Sent::writes)
    }

    /// How many of the requests from `start` on are such ones.
    pub fn count_since(&self, start: usize, such: impl Fn(&Sent) -> bool) -> usize {
        self.state(|state| state.trace.iter().skip(start).filter(|sent| such(sent)).count())
    }

    /// The interruptions whose requests never came.
    pub fn unmet(&self) -> Vec<Interruption> {
        self.state(|state| state.planned.clone())
    }

    /// Waits for such a request from now on, and interrupts it.
    pub fn strike(&self, strike: Strike) {
        self.state(|state| state.strike = Some(strike));
    }

    /// Whether the request to interrupt has not come yet.
    pub fn waits(&self) -> bool {
        self.state(|state| state.strike.is_some())
    }

    /// Whether the operator is stopped.
    pub fn is_stopped(&self) -> bool {
        self.state(|state| state.power == Power::Off)
    }

    /// Comes back once the operator is stopped.
    pub async fn stopped(&self) {
        loop {
            let notified = self.0.stopped.notified();
            if self.state(|state| state.power == Power::Off) {
                return;
            }
            notified.await;
        }
    }

    /// Whether the operator was to stop at its next request; then it is stopped now.
    pub fn ends_now(&self) -> bool {
        let ending = self.state(|state| state.power == Power::Ending);
        if ending {
            self.stop();
        }
        ending
    }

    /// The operator is started again.
    pub fn start(&self) {
        self.state(|state| state.power = Power::On);
    }

    /// Takes one request over the wire: `carry` carries it out and comes back with the answer. Does not come back when
    /// the operator is stopped.
    pub async fn take<B>(&self, sent: Sent, carry: impl Future<Output = Response<B>>) -> Result<Response<B>, Lost> {
        if self.ends_now() || self.state(|state| state.power == Power::Off) {
            std::future::pending::<()>().await;
        }
        let (number, mode) = self.number(sent);
        if mode == Some(Mode::StoppedBefore) {
            self.halt().await;
        }
        if !self.0.latency.is_zero() {
            tokio::time::sleep(self.0.latency).await;
        }
        let answer = carry.await;
        self.state(|state| state.answers.insert(number, answer.status().as_u16()));
        match mode {
            Some(Mode::AnswerLost) => return Err(Lost),
            Some(Mode::StoppedWithoutAnswer) => self.halt().await,
            Some(Mode::StoppedAfter) => self.state(|state| state.power = Power::Ending),
            Some(Mode::StoppedBefore) | None => {}
        }
        Ok(answer)
    }

    /// Records a request, and returns how it is interrupted.
    fn number(&self, sent: Sent) -> (usize, Option<Mode>) {
        self.state(|state| {
            let number = state.trace.len();
            let struck = state.struck(&sent);
            state.trace.push(sent);
            let at = state.planned.iter().position(|one| one.request == number);
            (number, at.map(|at| state.planned.remove(at).mode).or(struck))
        })
    }

    fn stop(&self) {
        self.state(|state| state.power = Power::Off);
        self.0.stopped.notify_waiters();
    }

    async fn halt(&self) {
        self.stop();
        std::future::pending::<()>().await;
    }

    fn state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.state.lock().unwrap())
    }
}
