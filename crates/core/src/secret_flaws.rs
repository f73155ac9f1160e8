//! Flaws of values from Secrets. They are sent in headers, environment variables and sign-ins, where white space around
//! a value changes its meaning and nobody sees it: a file from an editor ends with a line break, which `kubectl create
//! secret --from-file` keeps.

/// Longest one-line value that is accepted, in bytes: most servers accept header lines of up to 8 KiB.
pub const LONGEST_LINE: usize = 4096;
/// Longest value that is accepted, in bytes: far above any key or certificate chain, and far below a Secret's 1 MiB.
pub const LONGEST: usize = 64 << 10;

/// A flaw of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is empty.
    Empty,
    /// It is white space only.
    Blank,
    /// It is not UTF-8.
    NoText,
    /// It begins with a byte order mark.
    ByteOrderMark,
    /// It contains a control character other than tab and line breaks, such as NUL.
    Control,
    /// It is longer than [`LONGEST`].
    TooLong,
    /// It is one line, with white space before or after it.
    Edge,
    /// It has several lines.
    Lines,
    /// It is one line, longer than [`LONGEST_LINE`].
    LongLine,
    /// It contains a character that is not printable ASCII.
    NotAscii,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Empty,
        Self::Blank,
        Self::NoText,
        Self::ByteOrderMark,
        Self::Control,
        Self::TooLong,
        Self::Edge,
        Self::Lines,
        Self::LongLine,
        Self::NotAscii,
    ];

    /// Its name in a fact.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Blank => "Blank",
            Self::NoText => "NoText",
            Self::ByteOrderMark => "ByteOrderMark",
            Self::Control => "Control",
            Self::TooLong => "TooLong",
            Self::Edge => "Edge",
            Self::Lines => "Lines",
            Self::LongLine => "LongLine",
            Self::NotAscii => "NotAscii",
        }
    }

    /// Finds a flaw by its name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flaw| flaw.name() == name)
    }

    /// What is wrong and how to store the value, to follow "key … of Secret …".
    pub fn tell(self) -> &'static str {
        match self {
            Self::Empty => "is empty; store the value in it",
            Self::Blank => "contains only white space; store the value in it",
            Self::NoText => "is not UTF-8 text; store it as UTF-8",
            Self::ByteOrderMark => "begins with a byte order mark; save it as UTF-8 without one",
            Self::Control => "contains a control character (perhaps a NUL); store only the text",
            Self::TooLong => "is longer than 64 KiB; shorten it",
            Self::Edge => {
                "has white space or a line break around it; store it without (use --from-literal, or printf %s instead of echo)"
            }
            Self::Lines => "has several lines; store a single line",
            Self::LongLine => "is longer than 4 KiB; shorten it",
            Self::NotAscii => "contains a character that an HTTP header can't carry; use printable ASCII only",
        }
    }

    /// Whether it is allowed in text of several lines, such as an environment variable.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Lines | Self::LongLine | Self::NotAscii)
    }
}

/// The first flaw of a value.
pub fn of(bytes: &[u8]) -> Option<Flaw> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Some(Flaw::NoText) };
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let body = text.trim();
    let lines = body.contains(['\n', '\r']);
    [
        (text.is_empty(), Flaw::Empty),
        (text.starts_with('\u{feff}'), Flaw::ByteOrderMark),
        (body.is_empty(), Flaw::Blank),
        (text.contains(odd), Flaw::Control),
        (text.len() > LONGEST, Flaw::TooLong),
        (lines, Flaw::Lines),
        (body.len() != text.len(), Flaw::Edge),
        (text.len() > LONGEST_LINE, Flaw::LongLine),
        (!text.chars().all(|c| c.is_ascii_graphic() || c == ' ' || c == '\t'), Flaw::NotAscii),
    ]
    .into_iter()
    .find_map(|(is, flaw)| is.then_some(flaw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (value, expected) in [
            (&b"primary-0123"[..], None),
            (b"two words", None),
            (b"", Some(Flaw::Empty)),
            (b"\n", Some(Flaw::Blank)),
            (b"key\n", Some(Flaw::Edge)),
            (b"key\r\n", Some(Flaw::Edge)),
            (b" key", Some(Flaw::Edge)),
            ("key\u{a0}".as_bytes(), Some(Flaw::Edge)),
            ("\u{feff}key".as_bytes(), Some(Flaw::ByteOrderMark)),
            (b"\xff\xfek\0e\0y\0", Some(Flaw::NoText)),
            (b"k\0ey", Some(Flaw::Control)),
            (b"key\0", Some(Flaw::Control)),
            (b"k\x1bey", Some(Flaw::Control)),
            ("schlüssel".as_bytes(), Some(Flaw::NotAscii)),
            (b"-----BEGIN A-----\nx\n-----END A-----\n", Some(Flaw::Lines)),
            (&[b'a'; LONGEST_LINE], None),
            (&[b'a'; LONGEST_LINE + 1], Some(Flaw::LongLine)),
            (&[b'a'; LONGEST + 1], Some(Flaw::TooLong)),
        ] {
            assert_eq!(of(value), expected, "{value:?}");
        }
        for flaw in Flaw::ALL {
            assert_eq!(Flaw::by_name(flaw.name()), Some(flaw));
        }
    }
}
