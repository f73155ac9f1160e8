//! From an object and facts to nodes, and from a plan to status and events: one folder per custom resource.

mod delegated_subnet;
mod deployment;
mod marks;
mod related;
pub mod size;

pub use delegated_subnet::virtual_network_of;
pub use deployment::{CRASH_LINES, DEFAULT_BASE_IMAGE, DELETIONS_AT_ONCE, SOURCE_DIRECTORY, conda};
pub use related::{Sibling, SubnetUser, has_reached_network};
