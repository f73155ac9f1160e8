//! The one door for writes to Azure.

/// Leave to carry out one write. Only a [`Gate`] makes it.
#[derive(Debug)]
#[must_use]
pub struct Permit(());

/// Gives leave to write. It always does today; what must hold writes back (a lost lease, a closed throttle) comes in
/// here.
#[derive(Debug, Default)]
pub struct Gate(());

impl Gate {
    /// Leave for one write.
    pub fn open(&self) -> Permit {
        Permit(())
    }
}
