//! What a list of Azure says: a digest of each item, and the item itself where somebody needs it.

use crate::{
    cache::compression::{Compressed, Compressor},
    object::hash,
};
use acivnet_core::{
    id::{ResourceId, fold},
    kind::{Kind, Plane},
    kinds::{
        model_version::{self, MODEL_VERSION},
        virtual_network::VIRTUAL_NETWORK,
        web_service::WEB_SERVICE,
    },
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Longest list that is kept, in compressed bytes. Of a longer one nothing is used: its resources are read one by one.
pub(crate) const LONGEST: usize = 6 << 20;
/// What an item takes beside its text, in bytes.
const ITEM: usize = 160;
/// What a digest takes, in bytes.
const DIGEST: usize = 32;
/// About as many items as a page of a list has.
const PAGE: usize = 100;
/// A list is read anew once what it has forgotten was asked for this many times for each of its pages, and read by itself: the
/// new one adds a quarter to that.
const WORN_OUT: usize = 4;
/// The part of a key's hash that all in one virtual network have in common.
const FAMILY: u64 = u64::MAX << 32;

/// What of a list is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Enough to see whether an item is what it was.
    Digests,
    /// The items too.
    Bodies,
}

/// One by the id of its resource in lower case, or those of model versions by their owner.
pub(super) struct Items {
    detail: Detail,
    /// By the hash of their key.
    digests: BTreeMap<u64, u64>,
    /// As packed JSON text, a small part of what they take as values.
    texts: BTreeMap<String, Vec<Compressed>>,
    compressor: Compressor,
    /// Families of which something was written since.
    forgotten: Mutex<BTreeSet<u64>>,
    /// How often somebody asked for one of those.
    missed: AtomicUsize,
    pub(super) bytes: usize,
    /// It is longer than what is kept.
    pub(super) too_long: bool,
}

impl Items {
    pub(super) fn new(detail: Detail) -> Self {
        let (digests, texts, compressor, forgotten, missed) = Default::default();
        Self { detail, digests, texts, compressor, forgotten, missed, bytes: 0, too_long: false }
    }

    /// Whether it has what is asked for.
    pub(super) fn suffices(&self, detail: Detail) -> bool {
        self.detail == Detail::Bodies || detail == Detail::Digests
    }

    /// Notes one item of a list, given as text.
    ///
    /// # Errors
    /// It can't be read.
    pub(super) fn note(&mut self, kind: &Kind, scope: &ResourceId, text: &str) -> serde_json::Result<()> {
        let Some(key) = key(kind, scope, text) else { return Ok(()) };
        // a virtual network carries its subnets (Azure REST, Virtual Networks - List)
        let subnets = if kind == &VIRTUAL_NETWORK { subnets(text) } else { Vec::new() };
        for subnet in subnets {
            if let Some(id) = named(subnet.get()).id {
                self.keep(fold(&id), subnet.get(), || serde_json::from_str(subnet.get()))?;
            }
        }
        self.keep(key, text, || Ok(trimmed(kind, serde_json::from_str(text)?)))
    }

    pub(super) fn keep(
        &mut self,
        key: String,
        text: &str,
        body: impl FnOnce() -> serde_json::Result<Value>,
    ) -> serde_json::Result<()> {
        if self.too_long {
            return Ok(());
        }
        let digest = self.digests.entry(hashed(&key)).or_default();
        *digest = hash(&(*digest, text));
        self.bytes += DIGEST;
        if self.detail == Detail::Bodies {
            let text = self.compressor.pack(body()?.to_string().as_bytes());
            self.bytes += ITEM + key.len() + text.length();
            self.texts.entry(key).or_default().push(text);
        }
        if self.bytes > LONGEST {
            *self = Self { too_long: true, ..Self::new(self.detail) };
        }
        Ok(())
    }

    /// The bodies under a key.
    pub(super) fn get(&self, key: &str) -> Option<Vec<Value>> {
        let body = |text: &Compressed| serde_json::from_slice(&text.unpack().ok()?).ok();
        self.texts.get(key)?.iter().map(body).collect()
    }

    /// A digest of what is under a key, by its [hash](hashed): it changes with any of it.
    pub(super) fn digest(&self, key: u64) -> Option<u64> {
        if self.forgotten().contains(&(key & FAMILY)) {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        self.digests.get(&key).copied()
    }

    /// Something was written, by its id in lower case: of that, and of all in its virtual network, it tells nothing any more.
    pub(super) fn forget(&self, id: &str) {
        self.forgotten().insert(hashed(id) & FAMILY);
    }

    /// Whether reading what it has forgotten has cost as much as reading it anew.
    pub(super) fn is_worn_out(&self) -> bool {
        self.missed.load(Ordering::Relaxed) > WORN_OUT * (1 + self.digests.len() / PAGE)
    }

    fn forgotten(&self) -> std::sync::MutexGuard<'_, BTreeSet<u64>> {
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hash of a key. Where two have the same, they have one digest.
pub(super) fn hashed(key: &str) -> u64 {
    let family = key.split_once("/subnets/").map_or(key, |(network, _)| network);
    hash(&family) & FAMILY | hash(&key) & !FAMILY
}

/// A body without what no decision looks at and takes most of it: the rules that every security group has; of a web
/// service the models inside, and what it was made from but for what is compared.
fn trimmed(kind: &Kind, body: Value) -> Value {
    let mut body = if kind == &WEB_SERVICE { (kind.normalise)(&body) } else { body };
    for (place, member) in [("", "models"), ("", "environmentImageRequest"), ("/properties", "defaultSecurityRules")] {
        if let Some(members) = body.pointer_mut(place).and_then(Value::as_object_mut) {
            members.remove(member);
        }
    }
    body
}

/// The id of an item, in lower case; of a model version its owner. The data plane answers bare names.
fn key(kind: &Kind, scope: &ResourceId, text: &str) -> Option<String> {
    match kind.plane {
        Plane::Arm => Some(fold(&named(text).id?)),
        Plane::MachineLearning if kind == &MODEL_VERSION => model_version::owner(text),
        Plane::MachineLearning => Some(scope.child(kind.arm_type.rsplit('/').next()?, &named(text).name?).folded()),
    }
}

/// What an item is called, if anything.
#[derive(Default, Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
}

fn named(text: &str) -> Named<'_> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The subnets in the text of a virtual network.
fn subnets(network: &str) -> Vec<&RawValue> {
    #[derive(Deserialize)]
    struct Network<'a> {
        #[serde(borrow)]
        properties: Properties<'a>,
    }
    #[derive(Deserialize)]
    struct Properties<'a> {
        #[serde(borrow)]
        subnets: Vec<&'a RawValue>,
    }
    serde_json::from_str::<Network<'_>>(network).map(|network| network.properties.subnets).unwrap_or_default()
}
