//! Checks what passes through the simulator against Microsoft's own API descriptions (Swagger 2.0), where a folder with
//! them is at hand: `--specs`. Off, the layer only hands requests on.
//!
//! A request is judged by the document of its `api-version`; the data plane of Azure ML has none. What is checked:
//! required and closed parameters of the query, the body of the request if it was not refused, the status of the
//! answer, its body, and the headers with which a long-running operation is followed. Members that no schema names are
//! counted; where Azure is known to differ from a document is listed in [`differences`].

mod check;
pub mod differences;
mod documents;
mod layer;
mod ledger;
mod operations;
mod schemas;
mod translate;
mod unknown;

pub use documents::Documents;
pub use layer::{Checked, Checker, ScriptedAnswer};
pub use ledger::{Ledger, Violation};
