//! The runner that really runs containers, each in its own network namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::Mutex;

use super::front::Front;
use super::namespace::{self, Networks, Rules};
use super::process::Container;
use super::{Build, Filter, Group, Place, Runner, Runs, Status, environments};

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
    hosts: BTreeMap<String, Place>,
    /// Those of `hosts` that represent compute instances.
    computes: BTreeSet<String>,
    filters: Vec<Filter>,
    /// The rules of each namespace, by name.
    rules: BTreeMap<String, Rules>,
    numbers: u32,
}

#[derive(Debug)]
struct Slot {
    namespace: String,
    group: Arc<Group>,
    container: Result<Container, String>,
    /// None if it can't be opened; the reason is in the simulator's own log, as it is in Azure in that of
    /// `azureml-fe-aci`.
    front: Option<Front>,
}

impl Netns {
    /// Applications are created below `directory`; environments come from the builder at the socket `environments`.
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

    /// The Python environment of an image, requested again if this process no longer knows it.
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
        let joined = match &python {
            Ok(_) => self.join(&namespace, group.place.as_ref(), Some(group.front.port())).await,
            Err(e) => Err(e.clone()),
        };
        let container = match (python, &joined) {
            (Ok(python), Ok(())) => {
                Container::start(group.clone(), namespace.clone(), &directory.join(&namespace), python).await
            }
            (Err(e), _) => Err(e),
            (_, Err(e)) => Err(e.clone()),
        };
        if let Err(e) = &container {
            tracing::warn!(group = group.id, "the container can't be started: {e}");
        }
        let front = match joined {
            Ok(()) => Front::open(&namespace, group.front.clone()).await,
            Err(e) => Err(e),
        };
        let front = front.inspect_err(|e| tracing::warn!(group = group.id, "the container has no front end: {e}"));
        self.groups.insert(group.id.clone(), Slot { namespace, group: group.clone(), container, front: front.ok() });
    }

    /// A namespace at its place, with its subnet's rules from the start.
    async fn join(&mut self, name: &str, place: Option<&Place>, open: Option<u16>) -> Result<(), String> {
        self.rules.remove(name);
        self.networks.join(name, place).await?;
        match place {
            Some(place) => self.rule(name, place, open).await,
            None => Ok(()),
        }
    }

    /// Applies the filters to a namespace.
    async fn rule(&mut self, name: &str, place: &Place, open: Option<u16>) -> Result<(), String> {
        let filter = self.filters.iter().find(|filter| filter.covers(&place.network, place.address));
        let wanted = Rules::of(filter, place, open);
        let standing = self.rules.entry(name.to_owned()).or_default();
        if *standing != wanted {
            wanted.apply(name, standing).await?;
            *standing = wanted;
        }
        Ok(())
    }

    /// Applies the filters to all namespaces.
    async fn rule_all(&mut self) {
        let groups = self.groups.values().filter(|slot| slot.container.is_ok()).filter_map(|slot| {
            Some((slot.namespace.clone(), slot.group.place.clone()?, Some(slot.group.front.port())))
        });
        let hosts = self.hosts.iter().map(|(name, place)| (name.clone(), place.clone(), None));
        let all: Vec<_> = groups.chain(hosts).collect();
        for (name, place, open) in all {
            if let Err(e) = self.rule(&name, &place, open).await {
                tracing::warn!("the rules of {name}: {e}");
            }
        }
    }

    async fn remove(&mut self, name: &str) {
        self.rules.remove(name);
        namespace::remove(name).await;
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
                running.remove(&slot.namespace).await;
            }
        }
        for group in groups {
            match running.groups.get(&group.id) {
                Some(slot) if slot.group.revision == group.revision => {
                    slot.front.iter().for_each(|front| front.update(&group.front));
                }
                _ => {
                    let python = self.python(&group.image);
                    running.start(group, python, self.directory.clone()).await;
                }
            }
        }
    }

    async fn filter(&self, filters: &[Filter]) {
        let mut running = self.running.lock().await;
        if running.filters != filters {
            running.filters = filters.to_vec();
            running.rule_all().await;
        }
    }

    async fn runs(&self, id: &str) -> Runs {
        match self.running.lock().await.groups.get(id).map(|slot| &slot.container) {
            Some(Ok(container)) => container.runs(),
            _ => Runs::default(),
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

    async fn add_host(&self, name: &str, place: &Place, forwards: bool) -> Result<(), String> {
        let mut running = self.running.lock().await;
        running.join(name, Some(place), None).await?;
        running.hosts.insert(name.to_owned(), place.clone());
        if forwards { namespace::forward(name).await } else { Ok(()) }
    }

    async fn keep_hosts(&self, hosts: &BTreeMap<String, Place>) {
        let mut running = self.running.lock().await;
        let standing = std::mem::take(&mut running.computes);
        for name in standing {
            if running.hosts.get(&name) == hosts.get(&name) {
                running.computes.insert(name);
            } else {
                running.hosts.remove(&name);
                running.remove(&name).await;
            }
        }
        for (name, place) in hosts {
            if running.computes.contains(name) {
                continue;
            }
            match running.join(name, Some(place), None).await {
                Ok(()) => {
                    running.computes.insert(name.clone());
                    running.hosts.insert(name.clone(), place.clone());
                }
                Err(e) => tracing::warn!("compute instance {name}: {e}"),
            }
        }
    }

    async fn remove_host(&self, name: &str) -> bool {
        let mut running = self.running.lock().await;
        let known = running.hosts.remove(name).is_some();
        if known {
            running.remove(name).await;
        }
        known
    }

    async fn shutdown(&self) {
        let mut running = self.running.lock().await;
        let names: Vec<_> = std::mem::take(&mut running.groups).into_values().map(|slot| slot.namespace).collect();
        for name in names.into_iter().chain(std::mem::take(&mut running.hosts).into_keys()) {
            running.remove(&name).await;
        }
        running.networks.clear().await;
    }
}

fn held<T>(mutex: &StdMutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
