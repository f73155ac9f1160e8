//! The files of a folder of Azure's API descriptions (Swagger 2.0), and what their references mean.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every Swagger file of a folder by its path below it, with `/` between the parts.
#[derive(Debug, Default)]
pub struct Documents {
    files: BTreeMap<String, Value>,
}

/// Something of a document: the file that it stands in decides what its references mean.
#[derive(Debug, Clone, Copy)]
pub struct Located<'a> {
    /// Path of the file below the folder.
    pub file: &'a str,
    /// The value itself.
    pub value: &'a Value,
}

impl Documents {
    /// Reads every Swagger 2.0 file below `folder`; other JSON files (examples) are skipped.
    ///
    /// # Errors
    /// Says which file or folder can't be read, or that there is no Swagger file.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        for path in json_files(folder)? {
            let failed = |error: String| format!("{}: {error}", path.display());
            let text = fs::read(&path).map_err(|error| failed(error.to_string()))?;
            let value: Value = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
            let parts = path.strip_prefix(folder).unwrap_or(&path).iter().map(|part| part.to_string_lossy());
            files.insert(parts.collect::<Vec<_>>().join("/"), value);
        }
        let documents = Self::new(files);
        match documents.files.is_empty() {
            true => Err(format!("{}: there is no Swagger 2.0 file below this directory", folder.display())),
            false => Ok(documents),
        }
    }

    /// Documents by name; what is not Swagger 2.0 is left out.
    pub fn new(mut files: BTreeMap<String, Value>) -> Self {
        files.retain(|_, value| value.get("swagger").and_then(Value::as_str) == Some("2.0"));
        Self { files }
    }

    /// All documents, by name.
    pub fn iter(&self) -> impl Iterator<Item = Located<'_>> {
        self.files.iter().map(|(file, value)| Located { file, value })
    }

    /// References to missing documents, and their number; they accept anything.
    pub fn absent(&self) -> BTreeMap<&str, u64> {
        let mut found = BTreeMap::new();
        for document in self.iter() {
            self.count_absent(document, &mut found);
        }
        found
    }

    fn count_absent<'a>(&'a self, place: Located<'a>, found: &mut BTreeMap<&'a str, u64>) {
        if let Some(reference) = place.reference().filter(|reference| self.resolve(place.file, reference).is_none()) {
            *found.entry(reference).or_default() += 1;
        }
        place.items().for_each(|item| self.count_absent(item, found));
        for (name, member) in place.members() {
            if name != "x-ms-examples" {
                self.count_absent(member, found);
            }
        }
    }

    /// The target of a reference in `file`; none if its document is missing.
    pub fn resolve(&self, file: &str, reference: &str) -> Option<Located<'_>> {
        let (target, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let target = if target.is_empty() { file.to_owned() } else { joined(file, target) };
        let (file, document) = self.files.get_key_value(&target)?;
        document.pointer(pointer).map(|value| Located { file, value })
    }

    /// The target of `located` if it is a reference, or else itself.
    pub fn follow<'a>(&'a self, located: Located<'a>) -> Option<Located<'a>> {
        match located.reference() {
            Some(reference) => self.resolve(located.file, reference),
            None => Some(located),
        }
    }
}

impl<'a> Located<'a> {
    /// Another value of the same file.
    pub fn with(self, value: &'a Value) -> Self {
        Self { value, ..self }
    }

    /// A member.
    pub fn get(self, name: &str) -> Option<Self> {
        self.value.get(name).map(|value| self.with(value))
    }

    /// The entries of a list; none where it is not one.
    pub fn items(self) -> impl Iterator<Item = Self> {
        self.value.as_array().into_iter().flatten().map(move |value| self.with(value))
    }

    /// The members of an object in their order; none where it is not one.
    pub fn members(self) -> impl Iterator<Item = (&'a String, Self)> {
        self.value.as_object().into_iter().flatten().map(move |(name, value)| (name, self.with(value)))
    }

    /// The target of a `$ref`.
    pub fn reference(self) -> Option<&'a str> {
        self.text("$ref")
    }

    /// A member that is text.
    pub fn text(self, name: &str) -> Option<&'a str> {
        self.value.get(name).and_then(Value::as_str)
    }

    /// A member that is true or false.
    pub fn flag(self, name: &str) -> Option<bool> {
        self.value.get(name).and_then(Value::as_bool)
    }
}

fn json_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            found.extend(json_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The path of `target`, written relative to `file`.
fn joined(file: &str, target: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." if parts.pop().is_some() => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}
