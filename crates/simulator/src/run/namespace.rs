//! Network namespaces, bridges and veth pairs, through `ip` (iproute2); packet filters, through `nft` (nftables); sockets
//! inside a namespace.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::oneshot;

use super::rules;
use super::{Filter, Place};

/// The bridges of all virtual networks.
#[derive(Debug, Default)]
pub struct Networks {
    bridges: BTreeMap<String, Bridge>,
    next: u32,
}

#[derive(Debug, Clone)]
struct Bridge {
    device: String,
    gateways: Vec<ipnet::Ipv4Net>,
}

impl Networks {
    /// A namespace `name`, at `place` on its network's bridge, or with only loopback.
    ///
    /// Hosts carry the virtual network's own prefix length, so that its subnets reach each other over the bridge; they
    /// have no default route.
    ///
    /// # Errors
    /// The command that failed, and its output.
    pub async fn join(&mut self, name: &str, place: Option<&Place>) -> Result<(), String> {
        remove(name).await;
        ip(&["netns", "add", name]).await?;
        ip(&["-n", name, "link", "set", "lo", "up"]).await?;
        let Some(place) = place else { return Ok(()) };
        let bridge = self.bridge(place).await?;
        self.next += 1;
        let outer = format!("acivnet-v{}", self.next);
        let address = format!("{}/{}", place.address, place.prefix.prefix_len());
        let hardware = hardware_address(place.address);
        ip(&["link", "add", &outer, "type", "veth", "peer", "name", "eth0", "address", &hardware, "netns", name])
            .await?;
        ip(&["link", "set", &outer, "master", &bridge, "up"]).await?;
        // IPv6 link-local addresses must not bypass the rules. A kernel without IPv6 refuses this, which is fine.
        let _ = ip(&["-n", name, "link", "set", "eth0", "addrgenmode", "none"]).await;
        ip(&["-n", name, "address", "add", &address, "dev", "eth0"]).await?;
        ip(&["-n", name, "link", "set", "eth0", "up"]).await
    }

    async fn bridge(&mut self, place: &Place) -> Result<String, String> {
        if !self.bridges.contains_key(&place.network) {
            let device = format!("acivnet-b{}", self.bridges.len());
            let gateway = place.prefix.hosts().next().unwrap_or(place.address);
            ip(&["link", "add", &device, "address", &hardware_address(gateway), "type", "bridge"]).await?;
            ip(&["link", "set", &device, "up"]).await?;
            self.bridges.insert(place.network.clone(), Bridge { device, gateways: Vec::new() });
        }
        // Two networks may have the same prefix: then only the first is reached from outside the namespaces.
        let taken = |net: &ipnet::Ipv4Net| net.contains(&place.prefix) || place.prefix.contains(net);
        let free = !self.bridges.values().flat_map(|b| &b.gateways).any(taken);
        let Some(bridge) = self.bridges.get_mut(&place.network) else { return Err("the bridge is gone".into()) };
        // The first address of a prefix is Azure's gateway, and here the machine that runs the simulator.
        if let Some(gateway) = place.prefix.hosts().next().filter(|gateway| free && *gateway != place.address) {
            let address = format!("{gateway}/{}", place.prefix.prefix_len());
            ip(&["address", "add", &address, "dev", &bridge.device]).await?;
            bridge.gateways.push(place.prefix);
        }
        Ok(bridge.device.clone())
    }

    /// Removes every bridge.
    pub async fn clear(&mut self) {
        for bridge in std::mem::take(&mut self.bridges).into_values() {
            warn(ip(&["link", "delete", &bridge.device]).await);
        }
    }
}

/// Derived from the address, so that peers of an address reach its new host at once.
fn hardware_address(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

/// Ends every process in the namespace and removes it, if it exists.
pub async fn remove(name: &str) {
    if !path(name).exists() {
        return;
    }
    if let Ok(output) = Command::new("ip").args(["netns", "pids", name]).output().await {
        for pid in String::from_utf8_lossy(&output.stdout).split_whitespace().filter_map(|pid| pid.parse().ok()) {
            // A process that has just ended by itself is not an error.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }
    // The pair disappears at once with one of its ends, a namespace only some time after its deletion.
    if ip(&["-n", name, "link", "show", "eth0"]).await.is_ok() {
        warn(ip(&["-n", name, "link", "delete", "eth0"]).await);
    }
    warn(ip(&["netns", "delete", name]).await);
    if let Err(e) = std::fs::remove_dir_all(runtime_directory(name))
        && e.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!("{}: {e}", runtime_directory(name).display());
    }
}

/// Where processes of the namespace keep their sockets: a short path, as unix sockets need it.
#[must_use]
pub fn runtime_directory(name: &str) -> PathBuf {
    PathBuf::from("/run").join(name)
}

fn warn(done: Result<(), String>) {
    if let Err(e) = done {
        tracing::warn!("{e}");
    }
}

/// Checks that namespaces can be created here.
///
/// # Errors
/// What is missing: iproute2, nftables, or the rights.
pub async fn check() -> Result<(), String> {
    let probe = format!("acivnet-check-{}", std::process::id());
    let made = ip(&["netns", "add", &probe]).await;
    let filtered = run("ip", &["netns", "exec", &probe, "nft", "-f", "-"], &rules::ruleset(None, Some(80))).await;
    remove(&probe).await;
    made.map_err(|e| {
        format!("{e}\n--runner netns needs its own user and network namespaces, with a tmpfs on /run: unshare -Urnmpf")
    })?;
    filtered.map_err(|e| {
        format!("{e}\n--runner netns needs nft (package nftables) and a kernel with nf_tables for security rules")
    })
}

/// Where `ip` keeps the handle of a namespace.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    PathBuf::from("/run/netns").join(name)
}

/// Connects from inside the namespace.
///
/// # Errors
/// The namespace is gone, or nobody listens there.
pub async fn dial(name: &str, address: SocketAddr, timeout: Duration) -> std::io::Result<tokio::net::TcpStream> {
    let stream = inside(name, move || TcpStream::connect_timeout(&address, timeout)).await?;
    stream.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(stream)
}

/// A listening socket inside the namespace.
///
/// # Errors
/// The namespace is gone, or the port is taken.
pub async fn listen(name: &str, address: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    let listener = inside(name, move || TcpListener::bind(address)).await?;
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

/// Creates a socket inside the namespace, where it stays.
async fn inside<T: Send + 'static>(
    name: &str,
    make: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    let handle = File::open(path(name))?;
    let (answer, made) = oneshot::channel();
    // A thread of its own: a namespace belongs to the thread that entered it, and this one ends with the socket.
    std::thread::spawn(move || {
        let socket =
            setns(handle.as_fd(), CloneFlags::CLONE_NEWNET).map_err(std::io::Error::from).and_then(|()| make());
        let _ = answer.send(socket);
    });
    made.await.map_err(std::io::Error::other)?
}

/// What a namespace lets through, and where it sends packets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    ruleset: String,
    routes: String,
}

impl Rules {
    /// The rules of the filter for a machine at `place`; `open` is the only open TCP port.
    #[must_use]
    pub fn of(filter: Option<&Filter>, place: &Place, open: Option<u16>) -> Self {
        Self { ruleset: rules::ruleset(filter, open), routes: rules::routes(filter, place.address) }
    }

    /// Applies these to the namespace, in place of `before`.
    ///
    /// # Errors
    /// The command that failed, and its output.
    pub async fn apply(&self, name: &str, before: &Self) -> Result<(), String> {
        if self.ruleset != before.ruleset {
            run("ip", &["netns", "exec", name, "nft", "-f", "-"], &self.ruleset).await?;
        }
        if self.routes == before.routes {
            return Ok(());
        }
        for command in rules::NO_ROUTES.into_iter().filter(|_| !before.routes.is_empty()) {
            let arguments: Vec<_> = ["-n", name].iter().chain(command).copied().collect();
            warn(ip(&arguments).await);
        }
        run("ip", &["-n", name, "-batch", "-"], &self.routes).await
    }
}

/// Makes the namespace forward packets that are not for itself, without sending redirects.
///
/// # Errors
/// The command that failed, and its output.
pub async fn forward(name: &str) -> Result<(), String> {
    let settings = "cd /proc/sys/net/ipv4/conf && echo 0 > all/send_redirects && echo 0 > eth0/send_redirects && \
                    echo 1 > eth0/forwarding";
    ip(&["netns", "exec", name, "sh", "-c", settings]).await
}

async fn ip(arguments: &[&str]) -> Result<(), String> {
    run("ip", arguments, "").await
}

/// Runs a program of the system on `input`.
async fn run(program: &str, arguments: &[&str], input: &str) -> Result<(), String> {
    let shown = || format!("{program} {}", arguments.join(" "));
    let failed = |e: std::io::Error| format!("{} can't be run: {e}; is iproute2 installed?", shown());
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that has read enough may have ended; its exit status counts.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{} failed: {}", shown(), String::from_utf8_lossy(&output.stderr).trim()))
}
