//! The leader according to the API server, and the check that nobody else writes to Azure.

use crate::{
    network::Ear,
    servers::to_azure,
    world::{OPERATORS, World},
};
use acivnet_tests::in_process::wire::Sent;
use http::{HeaderName, Method};
use std::{
    fmt,
    sync::{Arc, Mutex},
};

/// In an event: the host that leads at that moment.
pub const LEADER: &str = "leader";
/// By this header an operator tells the API server which process it is.
pub const PROCESS: HeaderName = HeaderName::from_static("acivnet-process");

/// One start of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Where it runs.
    pub host: &'static str,
    /// How many were started before, on any host.
    pub number: u64,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.number)
    }
}

/// Whose write of the Lease the API server carried out last.
#[derive(Debug, Default)]
pub struct Leadership(Mutex<Option<String>>);

impl Leadership {
    /// The Lease was written by this process. True if another held it before.
    pub fn took(&self, process: &str) -> bool {
        self.0.lock().unwrap().replace(process.to_owned()).is_none_or(|before| before != process)
    }

    /// The process that holds it.
    pub fn holder(&self) -> Option<String> {
        self.0.lock().unwrap().clone()
    }

    /// The host of the holder; the first before anybody held it.
    pub fn host(&self) -> &'static str {
        let holder = self.holder().unwrap_or_default();
        let found = OPERATORS.into_iter().find(|host| holder.split('/').next() == Some(host));
        found.unwrap_or(OPERATORS[0])
    }
}

/// Hears what a process hands over to one connection to Azure. Every piece of a write is to be handed over while the
/// Lease is its own; how long it travels, nobody knows.
pub fn ear(world: &Arc<World>, process: Process) -> Ear {
    let (world, mut write) = (Arc::clone(world), None);
    Box::new(move |bytes| {
        if let Some(sent) = head(bytes) {
            write = fenced(&sent).then_some(sent);
        }
        if let Some(sent) = &write {
            world.handed_over(process, sent);
        }
    })
}

/// Blobs are named by their content: a late one changes nothing.
fn fenced(sent: &Sent) -> bool {
    sent.writes_azure() && !sent.target.split('/').next().is_some_and(|host| host.contains(".blob."))
}

/// The request whose head these bytes begin with, if they do.
fn head(bytes: &[u8]) -> Option<Sent> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let mut lines = std::str::from_utf8(&bytes[..end]).ok()?.split("\r\n");
    let (method, rest) = lines.next()?.strip_suffix(" HTTP/1.1")?.split_once(' ')?;
    let host = lines.find_map(|line| line.strip_prefix("host: "))?;
    Some(to_azure(&Method::from_bytes(method.as_bytes()).ok()?, host, rest, b""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_told_from_the_rest() {
        for (first, host, expected) in [
            ("PUT /subscriptions/s?api-version=1", "localhost:8443", Some(true)),
            ("DELETE /subscriptions/s", "localhost:8443", Some(true)),
            ("GET /subscriptions/s", "localhost:8443", Some(false)),
            ("POST /t/oauth2/v2.0/token", "localhost:8443", Some(false)),
            ("PUT /container/name", "account.blob.localhost:8443", Some(false)),
            ("POST /score", "10.0.0.4", Some(false)),
            ("{\"location\":\"westeurope\"}", "localhost:8443", None),
        ] {
            let bytes = format!("{first} HTTP/1.1\r\ncontent-length: 2\r\nhost: {host}\r\n\r\n{{}}");
            assert_eq!(head(bytes.as_bytes()).map(|sent| fenced(&sent)), expected, "{first}");
        }
        assert!(head(b"{\"a\": 1}").is_none());
    }

    #[test]
    fn the_last_who_wrote_the_lease_holds_it() {
        let leadership = Leadership::default();
        assert_eq!((leadership.holder(), leadership.host()), (None, OPERATORS[0]));
        let process = |host, number| Process { host, number }.to_string();
        assert!(leadership.took(&process(OPERATORS[1], 1)));
        assert!(!leadership.took(&process(OPERATORS[1], 1)));
        assert_eq!(leadership.host(), OPERATORS[1]);
        assert!(leadership.took(&process(OPERATORS[1], 2)), "the same host, started again");
    }
}
