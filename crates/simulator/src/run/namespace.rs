//! Network namespaces, bridges and veth pairs, through `ip` (iproute2), and a way to dial from inside a namespace.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use tokio::process::Command;
use tokio::sync::oneshot;

use super::Place;

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
    /// A namespace `name`, at `place` on its network's bridge, or with nothing but loopback.
    ///
    /// Hosts carry the virtual network's own prefix length, so that its subnets reach each other over the bridge; they
    /// have no default route.
    ///
    /// # Errors
    /// The command that failed and what it said.
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
        // The first address of a prefix is Azure's gateway: whoever runs the simulator stands there.
        if let Some(gateway) = place.prefix.hosts().next().filter(|gateway| free && *gateway != place.address) {
            let address = format!("{gateway}/{}", place.prefix.prefix_len());
            ip(&["address", "add", &address, "dev", &bridge.device]).await?;
            bridge.gateways.push(place.prefix);
        }
        Ok(bridge.device.clone())
    }

    /// Takes every bridge away.
    pub async fn clear(&mut self) {
        for bridge in std::mem::take(&mut self.bridges).into_values() {
            warn(ip(&["link", "delete", &bridge.device]).await);
        }
    }
}

/// Follows from the address: who talked to an address before it got a new host finds the new one at once.
fn hardware_address(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

/// Ends every process in the namespace and removes it; nothing happens when there is none.
pub async fn remove(name: &str) {
    if !path(name).exists() {
        return;
    }
    if let Ok(output) = Command::new("ip").args(["netns", "pids", name]).output().await {
        for pid in String::from_utf8_lossy(&output.stdout).split_whitespace().filter_map(|pid| pid.parse().ok()) {
            // A process that has just ended by itself is no error.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }
    // The pair goes at once with one of its ends, a namespace some time after its deletion.
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

/// Whether namespaces can be made here.
///
/// # Errors
/// What is missing: iproute2, or the rights.
pub async fn check() -> Result<(), String> {
    let probe = format!("acivnet-check-{}", std::process::id());
    let made = ip(&["netns", "add", &probe]).await;
    remove(&probe).await;
    made.map_err(|e| {
        format!(
            "{e}\n--runner netns needs a user and network namespace of its own, with a tmpfs on /run: unshare -Urnmpf"
        )
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
    let handle = File::open(path(name))?;
    let (answer, connected) = oneshot::channel();
    // A thread of its own: a namespace belongs to the thread that entered it, and this one ends after the connect.
    std::thread::spawn(move || {
        let stream = setns(handle.as_fd(), CloneFlags::CLONE_NEWNET)
            .map_err(std::io::Error::from)
            .and_then(|()| TcpStream::connect_timeout(&address, timeout));
        let _ = answer.send(stream);
    });
    let stream = connected.await.map_err(std::io::Error::other)??;
    stream.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(stream)
}

async fn ip(arguments: &[&str]) -> Result<(), String> {
    let shown = || format!("ip {}", arguments.join(" "));
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .await
        .map_err(|e| format!("{} can't be run: {e}; is iproute2 installed?", shown()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{} failed: {}", shown(), String::from_utf8_lossy(&output.stderr).trim()))
}
