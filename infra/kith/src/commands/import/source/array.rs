//! The members of a JSON array, found without reading the whole array into memory.

use shared::domain::import::Place;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the array.
    Start,
    /// After `[`.
    First,
    /// After a comma.
    Next,
    /// Somewhere between two members; which commas stand there was checked before.
    Resumed,
    /// In a member.
    Member,
    /// Right after a member.
    Complete,
    /// After a member.
    After,
    /// After `]`.
    End,
}

/// Scans an array byte by byte. It does not judge the content of members.
pub(super) struct ArrayScanner {
    state: State,
    depth: usize,
    in_text: bool,
    escaped: bool,
    line: u64,
}

impl ArrayScanner {
    /// A scanner from the start of an array on, or from the end of any of its members on.
    pub(super) const fn new(at_start: bool) -> Self {
        let state = if at_start { State::Start } else { State::Resumed };
        Self { state, depth: 0, in_text: false, escaped: false, line: 1 }
    }

    /// Takes the next byte.
    pub(super) fn take(&mut self, byte: u8) -> Result<Place, String> {
        self.line += u64::from(byte == b'\n');
        let blank = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let (next, place) = match (self.state, byte) {
            (State::Member, _) => return Ok(self.take_of_member(byte)),
            (State::Complete, _) if blank => (State::After, Place::End),
            (State::Complete, b',') => (State::Next, Place::End),
            (State::Complete, b']') => (State::End, Place::End),
            (state, _) if blank => (state, Place::Between),
            (State::Start, b'[') => (State::First, Place::Between),
            (State::First | State::Resumed | State::After, b']') => (State::End, Place::Between),
            (State::After, b',') => (State::Next, Place::Between),
            (State::Resumed, b',') => (State::Resumed, Place::Between),
            (State::First | State::Next | State::Resumed, b'{' | b'[' | b'"') => {
                (self.depth, self.in_text) = (usize::from(byte != b'"'), byte == b'"');
                (State::Member, Place::Record)
            }
            (State::First | State::Next | State::Resumed, byte)
                if byte.is_ascii_alphanumeric() || byte == b'-' =>
            {
                self.depth = 0;
                (State::Member, Place::Record)
            }
            (state, _) => {
                let expected = match state {
                    State::Start => "an array",
                    State::First | State::Next | State::Resumed => "an object",
                    State::End => "nothing after the array",
                    _ => "a comma or `]`",
                };
                return Err(format!("invalid JSON at line {}: expected {expected}", self.line));
            }
        };
        self.state = next;
        Ok(place)
    }

    fn take_of_member(&mut self, byte: u8) -> Place {
        if self.in_text {
            (self.in_text, self.escaped) = match byte {
                _ if self.escaped => (true, false),
                b'\\' => (true, true),
                b'"' => (false, false),
                _ => (true, false),
            };
        } else {
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => self.depth -= 1,
                // The end of a number or a word.
                b',' => {
                    if self.depth == 0 {
                        self.state = State::Next;
                        return Place::End;
                    }
                    return Place::Record;
                }
                b']' => {
                    self.state = State::End;
                    return Place::End;
                }
                _ => return Place::Record,
            }
        }
        if self.depth == 0 && !self.in_text {
            self.state = State::Complete;
        }
        Place::Record
    }

    /// Refuses the end of the file in the array.
    pub(super) fn finish(&self) -> Result<(), String> {
        if self.state == State::End {
            return Ok(());
        }
        Err(format!("the array is not closed: the file ends at line {}", self.line))
    }
}
