//! Another controller that holds our objects with its own finalizer, which nobody else may remove.

use crate::world::World;
use acivnet_tests::{
    examples,
    in_process::{
        api_server::{
            resources::{ACI_VNET_DEPLOYMENTS, DELEGATED_SUBNETS},
            store::{Key, finalizers, is_deleting},
        },
        bed::Bed,
    },
};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

/// Its finalizer.
const FINALIZER: &str = "example.com/backup";
/// How long it holds what is being deleted.
const WORK: Duration = Duration::from_secs(2);

/// The controller.
#[derive(Debug)]
pub struct OtherController {
    objects: [Key; 2],
    /// How long after an object was made it puts its finalizer on.
    delay: Duration,
    /// What it does with each object, by name.
    held: BTreeMap<String, Hold>,
}

/// One object, as it was seen.
#[derive(Clone, Debug)]
struct Seen {
    uid: String,
    deleting: bool,
    finalizers: Vec<String>,
}

#[derive(Clone, Debug)]
struct Hold {
    uid: String,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It was made at this time.
    Made(Duration),
    /// The finalizer is on it.
    Held,
    /// It is being deleted since.
    Deleting(Duration),
    /// The finalizer was taken off, or could not be put on.
    Free,
}

impl OtherController {
    /// One that puts its finalizer on so long after an object was made.
    pub fn after(delay: Duration) -> Self {
        let objects = [
            Bed::key(&DELEGATED_SUBNETS, examples::subnet().name()),
            Bed::key(&ACI_VNET_DEPLOYMENTS, examples::deployment().name()),
        ];
        Self { objects, delay, held: BTreeMap::new() }
    }

    /// Does what is due, and says so where others took its finalizer off.
    pub fn step(&mut self, world: &World) {
        for key in self.objects.clone() {
            let (seen, known) = (look(&world.bed, &key), self.held.remove(&key.name));
            if known.as_ref().is_some_and(|known| known.is_robbed(seen.as_ref())) {
                world.violated([format!("somebody took {FINALIZER} off {}", key.name)]);
            }
            if let Some(seen) = seen {
                let made = Stage::Made(world.time.elapsed());
                let stage = known.filter(|known| known.uid == seen.uid).map_or(made, |known| known.stage);
                let stage = self.next(world, &key, &seen, stage);
                self.held.insert(key.name, Hold { uid: seen.uid, stage });
            }
        }
    }

    fn next(&self, world: &World, key: &Key, seen: &Seen, stage: Stage) -> Stage {
        let now = world.time.elapsed();
        match stage {
            Stage::Made(_) if seen.deleting => Stage::Free,
            Stage::Made(at) if now >= at + self.delay => {
                world.trace.note(&format!("{FINALIZER} is put on {}", key.name));
                put(&world.bed, key, seen.finalizers.iter().map(String::as_str).chain([FINALIZER]).collect());
                Stage::Held
            }
            Stage::Held if seen.deleting => Stage::Deleting(now),
            Stage::Deleting(since) if now >= since + WORK => {
                world.trace.note(&format!("{FINALIZER} is taken off {}", key.name));
                release(&world.bed, key, seen);
                Stage::Free
            }
            other => other,
        }
    }

    /// Lets everything go.
    pub fn leave(self, world: &World) {
        let seen = self.objects.iter().filter_map(|key| Some((key, look(&world.bed, key)?)));
        seen.for_each(|(key, seen)| release(&world.bed, key, &seen));
    }
}

impl Hold {
    /// Whether it held the object, and does not any more.
    fn is_robbed(&self, seen: Option<&Seen>) -> bool {
        let holds = matches!(self.stage, Stage::Held | Stage::Deleting(_));
        holds && !seen.is_some_and(|seen| seen.uid == self.uid && seen.has_ours())
    }
}

impl Seen {
    fn has_ours(&self) -> bool {
        self.finalizers.iter().any(|one| one == FINALIZER)
    }
}

fn look(bed: &Bed, key: &Key) -> Option<Seen> {
    bed.api().with(|store| {
        let object = store.get(key).ok()?;
        Some(Seen {
            uid: object["metadata"]["uid"].as_str()?.to_owned(),
            deleting: is_deleting(object),
            finalizers: finalizers(object).into_iter().map(str::to_owned).collect(),
        })
    })
}

fn release(bed: &Bed, key: &Key, seen: &Seen) {
    put(bed, key, seen.finalizers.iter().map(String::as_str).filter(|one| *one != FINALIZER).collect());
}

fn put(bed: &Bed, key: &Key, finalizers: Vec<&str>) {
    bed.cluster.merge(key, &json!({"metadata": {"finalizers": finalizers}}));
}
