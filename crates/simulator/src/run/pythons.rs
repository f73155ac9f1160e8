//! The Python versions that an environment allows, and the interpreter of this machine that fits.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

use super::conda::Refused;

/// The minor releases of Python 3 that there are or may soon be, newest first.
const MINORS: std::ops::RangeInclusive<u64> = 5..=15;
/// No minor release has had more patch levels.
const MOST_PATCHES: u64 = 40;
/// The oldest interpreter that is taken where no version is named: today's packages support it.
const OLDEST_UNASKED: &str = ">=3.9";

/// A definition's requirements for its interpreter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pythons {
    specifiers: Vec<String>,
}

impl Pythons {
    /// One more specification; all of them hold, as conda sees it.
    ///
    /// # Errors
    /// It can't be read, or no Python satisfies it together with the earlier ones.
    pub fn narrow(&mut self, version: &str) -> Result<(), Refused> {
        if version.is_empty() {
            return Ok(());
        }
        VersionSpecifiers::from_str(version)
            .map_err(|e| Refused::Mistake(format!("conda dependency python{version} can't be read: {e}")))?;
        self.specifiers.push(version.to_owned());
        if !self.minors().is_empty() {
            return Ok(());
        }
        let all: Vec<_> = self.specifiers.iter().map(|one| format!("python{one}")).collect();
        // conda's own headline for it, `LibMambaUnsatisfiableError`.
        Err(Refused::Mistake(format!(
            "LibMambaUnsatisfiableError: {} can't both be satisfied; name one Python",
            all.join(" and ")
        )))
    }

    /// As one PEP 440 specifier.
    pub fn specifier(&self) -> String {
        if self.specifiers.is_empty() { OLDEST_UNASKED.to_owned() } else { self.specifiers.join(",") }
    }

    /// Specifiers of the minor releases that some patch level of satisfies, newest first: `==3.11.*`.
    pub fn minors(&self) -> Vec<String> {
        let wanted = VersionSpecifiers::from_str(&self.specifier()).unwrap_or_default();
        let some_patch =
            |minor: &u64| (0..=MOST_PATCHES).any(|patch| wanted.contains(&Version::new([3, *minor, patch])));
        MINORS.rev().filter(some_patch).map(|minor| format!("==3.{minor}.*")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(versions: &[&str]) -> Result<Pythons, Refused> {
        let mut pythons = Pythons::default();
        versions.iter().try_for_each(|version| pythons.narrow(version)).map(|()| pythons)
    }

    #[test]
    fn patch_levels_lead_to_their_minor_release() {
        assert_eq!(narrowed(&["==3.10.18"]).unwrap().minors(), ["==3.10.*"]);
        assert_eq!(narrowed(&[">=3.9,<3.11"]).unwrap().minors(), ["==3.10.*", "==3.9.*"]);
        assert_eq!(narrowed(&["~=3.11.4"]).unwrap().minors(), ["==3.11.*"]);
        assert_eq!(narrowed(&["", "==3.8.*"]).unwrap().minors(), ["==3.8.*"]);
        assert_eq!(narrowed(&[]).unwrap().minors().last().unwrap(), "==3.9.*");
    }

    #[test]
    fn two_that_agree_are_one_and_two_that_do_not_are_refused() {
        assert_eq!(narrowed(&["==3.10.*", "==3.10.18"]).unwrap().specifier(), "==3.10.*,==3.10.18");
        let both = narrowed(&["==3.11.*", "==3.10.18"]).unwrap_err();
        let Refused::Mistake(why) = &both else { panic!("{both:?}") };
        assert!(why.contains("python==3.11.* and python==3.10.18"), "{why}");
        assert!(matches!(narrowed(&["==2.7.*"]), Err(Refused::Mistake(_))));
        assert!(matches!(narrowed(&["==three"]), Err(Refused::Mistake(_))));
    }
}
