//! Python tracebacks in a log: exceptions, where they were raised, and how they are chained.

/// Most lines kept of one exception: its message, its notes and the parts of a group. What is shown is cut shorter still.
const MESSAGE_LINES: usize = 12;
/// First line of a traceback, alone or at the end of a log record's line.
const HEADER: &str = "Traceback (most recent call last):";

/// How an exception is chained to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// `raise … from …`
    Cause,
    /// Raised while the other one was being handled.
    Context,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub file: &'a str,
    pub line: &'a str,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Raised<'a> {
    /// Class, with its module if Python prints it. Empty if the log ends before it, or if the text there is not a name.
    pub class: &'a str,
    /// Lines of the message, then notes and parts of a group.
    pub message: Vec<&'a str>,
    /// Outermost first.
    pub frames: Vec<Frame<'a>>,
    /// How the next exception of the chain is chained to this one.
    pub leads_to: Option<Link>,
}

/// The role of a line in a traceback.
pub(super) enum Part<'a> {
    Header,
    Frame(Frame<'a>),
    Link(Link),
    Blank,
    /// Source, carets and other indented text.
    Indented,
    Text(&'a str),
}

/// Classifies a line, without the bars around the parts of an exception group.
pub(super) fn part(line: &str) -> Part<'_> {
    let line = without_bar(line);
    let text = line.trim();
    match text {
        "" => Part::Blank,
        "The above exception was the direct cause of the following exception:" => Part::Link(Link::Cause),
        "During handling of the above exception, another exception occurred:" => Part::Link(Link::Context),
        _ if text.ends_with(HEADER) => Part::Header,
        _ => match frame(text) {
            Some(frame) => Part::Frame(frame),
            None if line.starts_with([' ', '\t']) || is_rule(text) => Part::Indented,
            None => Part::Text(text),
        },
    }
}

/// `File "score.py", line 9, in init`. A syntax error's frame has no function, a fatal error's no comma before it.
fn frame(text: &str) -> Option<Frame<'_>> {
    let (file, rest) = text.strip_prefix("File \"")?.split_once("\", line ")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (line, rest) = rest.split_at(end);
    let ends = rest.is_empty() || rest.starts_with(", in ") || rest.starts_with(" in ");
    (ends && !line.is_empty()).then_some(Frame { file, line })
}

/// The text of a line inside an exception group: `  | text`.
fn without_bar(line: &str) -> &str {
    let inside = line.trim_start().strip_prefix('|').filter(|_| line.starts_with(' '));
    inside.map_or(line, |rest| rest.strip_prefix(' ').unwrap_or(rest))
}

/// The lines between the parts of an exception group: `+-+---------------- 1 ----------------`.
fn is_rule(text: &str) -> bool {
    text.starts_with("+-") && text.chars().all(|c| matches!(c, '+' | '-' | ' ') || c.is_ascii_digit())
}

impl<'a> Raised<'a> {
    /// Sets class and message from the line that states them.
    pub(super) fn name(&mut self, text: &'a str) {
        let (class, message) = text.split_once(": ").unwrap_or((text.strip_suffix(':').unwrap_or(text), ""));
        let named =
            !class.is_empty() && class.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '<' | '>'));
        self.class = if named { class } else { "" };
        self.add(if named { message } else { text });
    }

    /// Adds a line to the message.
    pub(super) fn add(&mut self, text: &'a str) {
        let text = text.trim();
        if !text.is_empty() && self.message.len() < MESSAGE_LINES {
            self.message.push(text);
        }
    }
}
