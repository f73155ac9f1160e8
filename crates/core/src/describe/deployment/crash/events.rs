//! Reduces a log to the few events that show how a scoring server is doing.

use super::traceback::{Frame, Link, Part, Raised, part};
use regex_lite::Regex;
use std::sync::LazyLock;

/// Most frames kept of one traceback. A recursion has a thousand; the message names only the innermost place.
const FRAMES: usize = 200;

/// How a worker ended, in gunicorn's words.
#[derive(Debug)]
pub(super) enum Killed<'a> {
    Signal(&'a str),
    Exit(u32),
}

/// What happened, in the order of the log.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// A worker starts.
    Start,
    /// It serves requests.
    Runs,
    /// A chain of exceptions, the original one first.
    Error(Vec<Raised<'a>>),
    /// `Fatal Python error`, of a process that ends at once; the innermost frame first.
    Fatal(&'a str, Vec<Frame<'a>>),
    /// The server waited too long for its worker.
    TimedOut,
    /// A worker is gone.
    Killed(Killed<'a>),
}

/// Time and stream at the start of a line, as the container runtime, the server, gunicorn and Python write them.
static STAMP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d+)?(Z| ?[+-]\d\d:?\d\d)?\]?( (stdout|stderr) [FP])?( |$)")
        .ok()
});
/// `E [31] azmlinfsrv - `, `[31] [ERROR] `, `ERROR:root:`, `| root | ERROR | `.
static RECORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^([DIWEC] \[\d+\] [\w.]+ - |\[\d+\] \[(DEBUG|INFO|WARNING|ERROR|CRITICAL)\] |(DEBUG|INFO|WARNING|ERROR|CRITICAL):[\w.]+:|\| ([\w.]+ \| )?[\w.]+ \| (DEBUG|INFO|WARNING|ERROR|CRITICAL) \| )",
    )
    .ok()
});
/// How much of a line is searched for the end of a worker, in bytes: gunicorn's own lines are shorter.
const GONE_LONGEST: usize = 200;
/// How gunicorn 19 to 23 report the end of a worker (`arbiter.py`).
static GONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"Worker (\(pid:\d+\)|with pid \d+) (was sent (SIG[A-Z]+)!|was sent code (\d+)!|exited with code (\d+)|was terminated due to signal (\d+))").ok()
});

/// A line without its prefixes, and whether it begins a logger's record.
fn bare(line: &str) -> (&str, bool) {
    let after = |regex: &'static LazyLock<Option<Regex>>, text: &'_ str| {
        regex.as_ref().and_then(|regex| Some(regex.find(text)?.end()))
    };
    let mut text = line;
    for _ in 0..2 {
        text = after(&STAMP, text).and_then(|end| text.get(end..)).unwrap_or(text);
    }
    match after(&RECORD, text) {
        Some(end) => (text.get(end..).unwrap_or_default(), true),
        None => (text, false),
    }
}

/// The events of a log.
pub(super) fn of(log: &str) -> Vec<Event<'_>> {
    let mut reader = Reader::default();
    log.lines().for_each(|line| reader.read(line.trim_end()));
    reader.events
}

#[derive(Default)]
struct Reader<'a> {
    events: Vec<Event<'a>>,
    inside: Inside,
    /// The next traceback goes on with the last chain.
    chained: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Inside {
    #[default]
    Nothing,
    Frames,
    Message,
    Fatal,
}

impl<'a> Reader<'a> {
    fn read(&mut self, line: &'a str) {
        let (text, record) = bare(line);
        if record || happening(text).is_some() {
            self.inside = Inside::Nothing;
        }
        match (self.inside, part(text)) {
            (_, Part::Link(link)) => self.link(link),
            (_, Part::Header) => self.open(),
            (Inside::Message, Part::Blank) | (Inside::Fatal, Part::Text(_))
                if !text.contains("most recent call first") =>
            {
                self.inside = Inside::Nothing;
                self.outside(text);
            }
            (Inside::Nothing, Part::Frame(frame)) => {
                // the log begins in the middle of a traceback
                self.open();
                self.frame(frame);
            }
            (Inside::Frames | Inside::Fatal, Part::Frame(frame)) => self.frame(frame),
            (Inside::Frames, Part::Text(text)) => {
                self.inside = Inside::Message;
                self.raised(|raised| raised.name(text));
            }
            (Inside::Message, Part::Text(text)) => self.raised(|raised| raised.add(text)),
            (Inside::Message, Part::Indented) => {
                let line = text.trim();
                if !line.starts_with("+-") {
                    self.raised(|raised| raised.add(line));
                }
            }
            (Inside::Nothing, _) => self.outside(text),
            _ => {}
        }
    }

    fn outside(&mut self, text: &'a str) {
        self.chained &= text.trim().is_empty();
        if let Some(event) = happening(text) {
            if matches!(event, Event::Fatal(..)) {
                self.inside = Inside::Fatal;
            }
            self.events.push(event);
        }
    }

    fn open(&mut self) {
        self.inside = Inside::Frames;
        match self.events.last_mut() {
            Some(Event::Error(chain)) if std::mem::take(&mut self.chained) => chain.push(Raised::default()),
            _ => self.events.push(Event::Error(vec![Raised::default()])),
        }
    }

    fn link(&mut self, link: Link) {
        self.inside = Inside::Nothing;
        self.chained = true;
        self.raised(|raised| raised.leads_to = Some(link));
    }

    fn frame(&mut self, frame: Frame<'a>) {
        let frames = match self.events.last_mut() {
            Some(Event::Error(chain)) => chain.last_mut().map(|raised| &mut raised.frames),
            Some(Event::Fatal(_, frames)) => Some(frames),
            _ => None,
        };
        if let Some(frames) = frames.filter(|frames| frames.len() < FRAMES) {
            frames.push(frame);
        }
    }

    fn raised(&mut self, change: impl FnOnce(&mut Raised<'a>)) {
        if let Some(Event::Error(chain)) = self.events.last_mut()
            && let Some(raised) = chain.last_mut()
        {
            change(raised);
        }
    }
}

/// The event that a line outside a traceback reports.
fn happening(text: &str) -> Option<Event<'_>> {
    let says = |word: &str| text.contains(word);
    if says("Booting worker with pid") || says("Starting gunicorn") {
        Some(Event::Start)
    } else if says("ready for serving traffic") || says("init has completed successfully") {
        Some(Event::Runs)
    } else if says("WORKER TIMEOUT") {
        Some(Event::TimedOut)
    } else if let Some(name) = text.strip_prefix("Fatal Python error: ") {
        Some(Event::Fatal(name, Vec::new()))
    } else {
        gone(text).map(Event::Killed)
    }
}

fn gone(text: &str) -> Option<Killed<'_>> {
    match text.trim() {
        "Killed" | "OOMKilled" => return Some(Killed::Signal("SIGKILL")),
        "Segmentation fault" | "Segmentation fault (core dumped)" => return Some(Killed::Signal("SIGSEGV")),
        _ => {}
    }
    // most lines of a log can't match: a plain search is much cheaper than the pattern
    let text = text.get(text.find("Worker ")?..)?;
    let found = GONE.as_ref()?.captures(text.get(..text.ceil_char_boundary(GONE_LONGEST)).unwrap_or(text))?;
    let group = |at: usize| found.get(at).map(|group| group.as_str());
    let number = |at: usize| group(at).and_then(|text| text.parse::<u32>().ok());
    let signal = group(3).or_else(|| number(6).and_then(signal_name));
    match (signal, number(4).or_else(|| number(5))) {
        // the server was told to stop
        (Some("SIGTERM" | "SIGINT" | "SIGQUIT"), _) | (None, None) => None,
        (Some(signal), _) => Some(Killed::Signal(signal)),
        (None, Some(code)) => Some(match code.checked_sub(128).and_then(signal_name) {
            Some(signal) => Killed::Signal(signal),
            None => Killed::Exit(code),
        }),
    }
}

/// The signals that end a worker by a fault (signal(7)).
fn signal_name(number: u32) -> Option<&'static str> {
    Some(match number {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => return None,
    })
}
