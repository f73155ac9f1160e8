//! Bounds on what is read of Azure.

pub use crate::{
    answer::LONGEST_AT_ONCE,
    arm::{
        MOST_ITEMS, MOST_PAGES,
        operation::{LONGEST_URL, MOST as OPERATIONS},
    },
    error::LONGEST as LONGEST_ERROR,
    http::LARGEST_ANSWER,
    machine_learning::{LOG_LINES, LOG_TAIL, SERVICE_LOG},
    room::LARGE_AT_ONCE,
};
