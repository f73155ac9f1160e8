//! The runner that really runs containers, each in a network namespace of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::Mutex;

use super::namespace::{self, Networks};
use super::process::Container;
use super::{Build, Group, Place, Runner, Status, environments};

/// Container groups in network namespaces.
pub struct Netns {
    directory: PathBuf,
    environments: PathBuf,
    builds: StdMutex<BTreeMap<String, Arc<StdMutex<Attempt>>>>,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Attempt {
    log: String,
    end: Option<Result<PathBuf, String>>,
}

#[derive(Debug, Default)]
struct Running {
    networks: Networks,
    groups: BTreeMap<String, Slot>,
    hosts: Vec<String>,
    numbers: u32,
}

#[derive(Debug)]
struct Slot {
    namespace: String,
    group: Arc<Group>,
    container: Result<Container, String>,
}

impl Netns {
    /// Applications are laid out below `directory`; environments come from the builder at the socket `environments`.
    #[must_use]
    pub fn new(directory: PathBuf, environments: PathBuf) -> Self {
        Self { directory, environments, builds: StdMutex::default(), running: Mutex::default() }
    }

    fn begin(&self, environment: &Value) -> Arc<StdMutex<Attempt>> {
        let attempt = Arc::new(StdMutex::new(Attempt::default()));
        let (socket, environment, shared) = (self.environments.clone(), environment.clone(), attempt.clone());
        tokio::spawn(async move {
            let log = |line: String| {
                let mut attempt = held(&shared);
                attempt.log.push_str(&line);
                attempt.log.push('\n');
            };
            let end = environments::ask(&socket, &environment, log).await;
            if let Err(why) = &end {
                held(&shared).log.push_str(&format!("ERROR: {why}\n"));
            }
            held(&shared).end = Some(end);
        });
        attempt
    }

    /// The Python environment of an image, asked for again when this process does not know it any more.
    fn python(&self, image: &str) -> Result<PathBuf, String> {
        let builds = held(&self.builds);
        let end = builds.get(image).and_then(|attempt| held(attempt).end.clone());
        end.unwrap_or_else(|| Err(format!("image {image} has not been built")))
    }
}

impl Running {
    async fn start(&mut self, group: &Arc<Group>, python: Result<PathBuf, String>, directory: PathBuf) {
        // An update keeps the namespace, and with it the address.
        let namespace = match self.groups.remove(&group.id) {
            Some(slot) => slot.namespace,
            None => {
                self.numbers += 1;
                format!("acivnet-group-{}", self.numbers)
            }
        };
        let container = match python {
            Ok(python) => match self.networks.join(&namespace, group.place.as_ref()).await {
                Ok(()) => Container::start(group.clone(), namespace.clone(), &directory.join(&namespace), python).await,
                Err(e) => Err(e),
            },
            Err(e) => Err(e),
        };
        if let Err(e) = &container {
            tracing::warn!(group = group.id, "the container can't be started: {e}");
        }
        self.groups.insert(group.id.clone(), Slot { namespace, group: group.clone(), container });
    }
}

#[async_trait]
impl Runner for Netns {
    fn scripted(&self) -> bool {
        false
    }

    async fn build(&self, key: &str, environment: &Value) -> Build {
        let mut builds = held(&self.builds);
        let attempt = builds.entry(key.to_owned()).or_insert_with(|| self.begin(environment)).clone();
        let attempt = held(&attempt);
        let log = attempt.log.clone();
        match attempt.end {
            None => Build::Running { log },
            Some(Ok(_)) => Build::Succeeded { log },
            Some(Err(_)) => {
                builds.remove(key);
                Build::Failed { log }
            }
        }
    }

    async fn converge(&self, groups: &[Arc<Group>]) {
        let mut running = self.running.lock().await;
        let unwanted: Vec<_> =
            running.groups.keys().filter(|id| !groups.iter().any(|g| g.id == **id)).cloned().collect();
        for id in unwanted {
            if let Some(slot) = running.groups.remove(&id) {
                namespace::remove(&slot.namespace).await;
            }
        }
        for group in groups {
            if running.groups.get(&group.id).is_none_or(|slot| slot.group.revision != group.revision) {
                let python = self.python(&group.image);
                running.start(group, python, self.directory.clone()).await;
            }
        }
    }

    async fn status(&self, id: &str) -> Status {
        match self.running.lock().await.groups.get_mut(id).map(|slot| slot.container.as_mut()) {
            None => Status::Absent,
            Some(Ok(container)) => container.status().await,
            Some(Err(_)) => Status::CrashLoop,
        }
    }

    async fn logs(&self, id: &str, tail: usize) -> String {
        match self.running.lock().await.groups.get(id).map(|slot| &slot.container) {
            None => String::new(),
            Some(Ok(container)) => container.logs(tail),
            Some(Err(why)) => format!("{why}\n"),
        }
    }

    async fn add_host(&self, name: &str, place: &Place) -> Result<(), String> {
        let mut running = self.running.lock().await;
        running.networks.join(name, Some(place)).await?;
        running.hosts.push(name.to_owned());
        Ok(())
    }

    async fn remove_host(&self, name: &str) -> bool {
        let mut running = self.running.lock().await;
        let Some(at) = running.hosts.iter().position(|host| host == name) else { return false };
        running.hosts.remove(at);
        namespace::remove(name).await;
        true
    }

    async fn shutdown(&self) {
        let mut running = self.running.lock().await;
        let names: Vec<_> = std::mem::take(&mut running.groups).into_values().map(|slot| slot.namespace).collect();
        for name in names.into_iter().chain(std::mem::take(&mut running.hosts)) {
            namespace::remove(&name).await;
        }
        running.networks.clear().await;
    }
}

fn held<T>(mutex: &StdMutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
