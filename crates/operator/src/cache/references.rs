//! Which objects of a kind refer to what, so that nobody has to look at all of them to find a few.

use crate::object::{ObjectKey, Outline, Reference};
use std::{
    collections::{BTreeMap, BTreeSet},
    iter::successors,
    sync::Arc,
};

/// The objects of one kind, by what they refer to.
#[derive(Debug, Default)]
pub(crate) struct References {
    /// By number. A number that is free has none.
    objects: Vec<Option<Noted>>,
    numbers: BTreeMap<ObjectKey, u32>,
    free: Vec<u32>,
    /// What is referred to, how it is described, and by whom.
    referring: BTreeSet<(Reference, u64, u32)>,
}

/// One object as it was last noted.
#[derive(Debug)]
struct Noted {
    key: ObjectKey,
    references: Arc<[Reference]>,
    outline: Outline,
}

impl References {
    /// Notes an object. Whether others see something else in it than before.
    pub(crate) fn note(&mut self, key: &ObjectKey, references: &Arc<[Reference]>, outline: Outline) -> bool {
        let number = self.number(key);
        let noted = Noted { key: key.clone(), references: Arc::clone(references), outline };
        let before = self.objects.get_mut(number as usize).and_then(|place| place.replace(noted));
        let same =
            |before: &Noted| before.references == *references && before.outline.description == outline.description;
        if !before.as_ref().is_some_and(same) {
            self.leave(before.as_ref(), number);
            self.referring.extend(references.iter().map(|one| (*one, outline.description, number)));
        }
        before.is_none_or(|before| before.outline.shown != outline.shown)
    }

    /// Forgets an object.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        let Some(number) = self.numbers.remove(key) else { return };
        let gone = self.objects.get_mut(number as usize).and_then(Option::take);
        self.leave(gone.as_ref(), number);
        self.free.push(number);
    }

    /// The objects that refer to one of some things, in order.
    pub(crate) fn to(&self, things: &[Reference]) -> Vec<ObjectKey> {
        let all = things.iter().flat_map(|one| self.between((*one, 0, 0), (*one, u64::MAX, u32::MAX)));
        all.collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }

    /// The ways in which those that refer to a thing describe it.
    pub(crate) fn descriptions(&self, thing: Reference) -> impl Iterator<Item = u64> {
        let next = move |from: u64| {
            let all = (thing, from, 0)..=(thing, u64::MAX, u32::MAX);
            self.referring.range(all).next().map(|(_, description, _)| *description)
        };
        successors(next(0), move |last| next(last.checked_add(1)?))
    }

    /// Those that refer to a thing and describe it in this way.
    pub(crate) fn describing(&self, thing: Reference, description: u64) -> impl Iterator<Item = &ObjectKey> {
        self.between((thing, description, 0), (thing, description, u32::MAX))
    }

    /// Whether any object refers to something.
    pub(crate) fn any(&self, thing: Reference) -> bool {
        self.descriptions(thing).next().is_some()
    }

    /// Whether there is any object with this key or a later one of its namespace.
    pub(crate) fn any_from(&self, key: &ObjectKey) -> bool {
        self.numbers.range(key..).next().is_some_and(|(found, _)| found.namespace == key.namespace)
    }

    fn between(&self, from: (Reference, u64, u32), to: (Reference, u64, u32)) -> impl Iterator<Item = &ObjectKey> {
        let numbers = self.referring.range(from..=to);
        numbers.filter_map(|(.., number)| Some(&self.objects.get(*number as usize)?.as_ref()?.key))
    }

    fn leave(&mut self, noted: Option<&Noted>, number: u32) {
        let Some(Noted { references, outline, .. }) = noted else { return };
        for one in &**references {
            self.referring.remove(&(*one, outline.description, number));
        }
    }

    fn number(&mut self, key: &ObjectKey) -> u32 {
        if let Some(known) = self.numbers.get(key) {
            return *known;
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.objects.push(None);
            u32::try_from(self.objects.len() - 1).unwrap_or(u32::MAX)
        });
        self.numbers.insert(key.clone(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acivnet_api::DelegatedSubnet;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new::<DelegatedSubnet>("ml", name)
    }

    fn thing(name: &str) -> Reference {
        Reference::of("thing", [name, ""])
    }

    fn note(all: &mut References, name: &str, things: &[&str], shown: u64, description: u64) -> bool {
        let references = things.iter().map(|one| thing(one)).collect();
        all.note(&key(name), &references, Outline { shown, description })
    }

    fn names<'k>(keys: impl IntoIterator<Item = &'k ObjectKey>) -> Vec<String> {
        keys.into_iter().map(|key| key.name.to_string()).collect()
    }

    #[test]
    fn finds_those_that_refer_to_a_thing_as_they_are_now() {
        let mut all = References::default();
        assert!(note(&mut all, "b", &["x", "y"], 1, 0), "it is new");
        assert!(note(&mut all, "a", &["y"], 1, 0));
        assert!(!note(&mut all, "a", &["y"], 1, 0), "it is as it was");
        assert!(note(&mut all, "a", &["y", "z"], 2, 0), "others see something else");
        let found = |all: &References, things: &[&str]| {
            names(&all.to(&things.iter().map(|one| thing(one)).collect::<Vec<_>>()))
        };
        assert_eq!(found(&all, &["y"]), ["a", "b"]);
        assert_eq!(found(&all, &["x", "y", "z"]), ["a", "b"], "each once");
        note(&mut all, "b", &["z"], 1, 0);
        assert_eq!(found(&all, &["y"]), ["a"]);
        assert!(!all.any(thing("x")) && all.any(thing("z")));
        all.forget(&key("a"));
        note(&mut all, "c", &["y"], 1, 0);
        assert_eq!((found(&all, &["y"]), found(&all, &["z"])), (vec!["c".to_owned()], vec!["b".to_owned()]));
        all.forget(&key("b"));
        all.forget(&key("c"));
        assert!(all.referring.is_empty() && all.numbers.is_empty() && all.objects.len() == 2);
    }

    #[test]
    fn tells_descriptions_apart() {
        let mut all = References::default();
        for (name, description) in [("a", 7), ("b", 0), ("c", 7), ("d", u64::MAX)] {
            note(&mut all, name, &["x"], 1, description);
        }
        assert_eq!(all.descriptions(thing("x")).collect::<Vec<_>>(), [0, 7, u64::MAX]);
        assert_eq!(names(all.describing(thing("x"), 7)), ["a", "c"]);
        assert!(!note(&mut all, "c", &["x"], 1, 0), "what makes others look is the same");
        assert_eq!(names(all.describing(thing("x"), 0)), ["b", "c"]);
        assert_eq!(all.descriptions(thing("y")).count(), 0);
    }

    #[test]
    fn knows_whether_any_is_left_in_a_namespace() {
        let mut all = References::default();
        let key = |namespace, name| ObjectKey::new::<DelegatedSubnet>(namespace, name);
        let outline = Outline { shown: 1, description: 1 };
        for (namespace, name) in [("a", "x"), ("c", "x"), ("c", "y")] {
            all.note(&key(namespace, name), &Arc::from([]), outline);
        }
        let left = |all: &References| ["a", "b", "c", "d"].map(|namespace| all.any_from(&key(namespace, "")));
        assert_eq!(left(&all), [true, false, true, false]);
        all.forget(&key("a", "x"));
        all.forget(&key("c", "x"));
        assert_eq!(left(&all), [false, false, true, false]);
    }
}
