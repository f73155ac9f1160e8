//! Puts a script's exception into a message, with file and line.

use super::traceback::{Frame, Link, Raised};
use crate::scrub;

/// Longest text of one exception in a message, in characters: its place and the advice have to stay readable beside it.
const LONGEST: usize = 140;
/// Longest place in a message, in characters.
const LONGEST_PLACE: usize = 40;
/// Where Azure ML puts the files of a web service in its container.
const ROOT: &str = "azureml-app/";
/// Packages that call the script and wrap its exceptions into their own.
const SERVERS: [&str; 2] = ["azureml_inference_server_http", "gunicorn"];
/// Module names under which the script may be loaded. They are left out of class names.
const SCRIPTS: [&str; 6] = ["service_driver", "entry_module", "acivnet_driver", "main", "__main__", "score"];

/// The exceptions of a chain up to the last one that is not the server's own; all of them if all are the server's.
fn own<'c, 'a>(chain: &'c [Raised<'a>]) -> &'c [Raised<'a>] {
    let last = chain.iter().rposition(|raised| !is_servers(raised)).map_or(chain.len(), |last| last + 1);
    chain.get(..last).unwrap_or(chain)
}

/// Whether the server wraps the script's exception into its own.
pub(super) fn is_wrapped(chain: &[Raised<'_>]) -> bool {
    chain.last().is_some_and(is_servers)
}

/// Whether a chain holds only the server's own exceptions for "the script raised something".
pub(super) fn is_nameless(chain: &[Raised<'_>]) -> bool {
    let nameless = |raised: &Raised<'_>| {
        let class = raised.class.rsplit('.').next().unwrap_or_default();
        is_servers(raised) && class.starts_with("UserScript") && class.ends_with("Exception")
            || raised.class == "SystemExit" && is_servers(raised)
    };
    chain.iter().all(nameless)
}

fn is_servers(raised: &Raised<'_>) -> bool {
    let by_class = SERVERS.iter().any(|server| raised.class.split('.').next() == Some(server));
    let at = raised.frames.last().map(|frame| frame.file).unwrap_or_default();
    let inside = SERVERS.iter().any(|server| at.contains(&format!("/{server}/")));
    // aml_response.py turns the script's result into JSON: an exception there is about the result
    by_class || inside && !at.ends_with("aml_response.py") && raised.class == "SystemExit"
}

/// What was raised, where, and from which exception.
pub(super) fn error(chain: &[Raised<'_>]) -> String {
    let own = own(chain);
    let (Some(last), first) = (own.last(), own.first()) else {
        return "an error the log does not name".to_owned();
    };
    let mut text = with_place(last);
    let before =
        first.filter(|_| own.len() > 1).map(|first| (first, own.iter().rev().nth(1).and_then(|one| one.leads_to)));
    if let Some((first, link)) = before {
        let word = if link == Some(Link::Context) { "while handling" } else { "caused by" };
        text = format!("{text}, {word} {}", with_place(first));
    }
    text
}

fn with_place(raised: &Raised<'_>) -> String {
    let what = short(&name_and_message(raised));
    match place(raised.frames.iter().rev()) {
        Some(place) => format!("{what} ({place})"),
        None => what,
    }
}

fn name_and_message(raised: &Raised<'_>) -> String {
    let message = raised.message.join(" ");
    // the server's own messages about a script are clear without the class
    let class = if is_servers(raised) && !message.is_empty() { "" } else { class(raised.class) };
    match (class.is_empty(), message.is_empty()) {
        (true, true) => "an error the log does not name".to_owned(),
        (true, false) => message,
        (false, true) => class.to_owned(),
        (false, false) => format!("{class}: {message}"),
    }
}

fn class(class: &str) -> &str {
    let local = class.rsplit(">.").next().unwrap_or(class);
    let own = SCRIPTS.iter().find_map(|module| local.strip_prefix(module)?.strip_prefix('.'));
    own.unwrap_or(local)
}

/// The place in the script: the innermost frame in one of the user's files.
pub(super) fn place<'f>(innermost_first: impl Iterator<Item = &'f Frame<'f>>) -> Option<String> {
    let frame = innermost_first.into_iter().find(|frame| is_users(frame.file))?;
    let file = frame.file.rsplit_once(ROOT).map_or_else(|| base(frame.file), |(_, file)| file);
    let file: String = file.chars().rev().take(LONGEST_PLACE).collect::<Vec<_>>().into_iter().rev().collect();
    Some(format!("{}, line {}", scrub::clean(&file), frame.line.get(..9).unwrap_or(frame.line)))
}

fn base(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// Whether a file is the user's: not Python's, not a package's, and not one that loads the script.
fn is_users(file: &str) -> bool {
    let of_python = ["site-packages/", "dist-packages/", "/lib/python", "azureml-server/"];
    !file.starts_with('<')
        && !of_python.iter().any(|part| file.contains(part))
        && base(file) != crate::kinds::web_service::DRIVER_NAME
}

pub(super) fn short(text: &str) -> String {
    let text = scrub::clean(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text,
    }
}
