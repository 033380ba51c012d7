//! CBOR (RFC 8949) in the canonical form of CTAP 2, as authenticators have to write it.
//!
//! One value has one encoding: lengths are definite and as short as possible, keys of a map are
//! sorted and occur once, and there are no tags, no floating-point numbers and no other simple
//! values than `false`, `true` and `null`. Every other encoding is refused, so what was verified
//! and what was stored cannot be two readings of the same bytes.

/// The longest input, in bytes. A credential id has at most 1023, an RSA key of 4096 bits 512.
pub(super) const MAX_LENGTH: usize = 8 * 1024;
/// How deep arrays and maps may nest: CTAP 2 allows four levels.
const MAX_DEPTH: usize = 4;

/// A value; bytes and text are borrowed from the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'b> {
    /// An integer.
    Integer(i64),
    /// A byte string.
    Bytes(&'b [u8]),
    /// A text string.
    Text(&'b str),
    /// An array.
    Array(Vec<Value<'b>>),
    /// A map, in the order of its keys.
    Map(Map<'b>),
    /// `false` or `true`.
    Bool(bool),
    /// `null`.
    Null,
}

/// The entries of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Map<'b>(Vec<(Value<'b>, Value<'b>)>);

/// Why bytes are not canonical CBOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

type Result<T> = std::result::Result<T, Malformed>;

impl<'b> Value<'b> {
    /// Reads bytes that are one value and nothing more.
    pub(super) fn parse(bytes: &'b [u8]) -> Result<Self> {
        match Self::parse_prefix(bytes)? {
            (value, []) => Ok(value),
            _ => Err(Malformed("bytes follow the value")),
        }
    }

    /// Reads the value at the start of some bytes; returns it and the bytes that follow.
    pub(super) fn parse_prefix(bytes: &'b [u8]) -> Result<(Self, &'b [u8])> {
        if bytes.len() > MAX_LENGTH {
            return Err(Malformed("the input is too long"));
        }
        let mut reader = Reader { rest: bytes };
        let value = reader.value(0)?;
        Ok((value, reader.rest))
    }

    /// The entries, if it is a map.
    pub(super) fn into_map(self) -> Option<Map<'b>> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }
}

impl<'b> Map<'b> {
    /// How many entries it has.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of an integer key.
    pub(super) fn number(&self, key: i64) -> Option<&Value<'b>> {
        self.get(&Value::Integer(key))
    }

    /// The value of a text key.
    pub(super) fn text(&self, key: &str) -> Option<&Value<'b>> {
        self.0.iter().find(|(known, _)| *known == Value::Text(key)).map(|(_, value)| value)
    }

    fn get(&self, key: &Value<'_>) -> Option<&Value<'b>> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }
}

/// The seven kinds of data items that this reader knows (RFC 8949 §3.1), by their major type.
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const SIMPLE: u8 = 7;
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn value(&mut self, depth: usize) -> Result<Value<'b>> {
        let (major, argument) = self.head()?;
        match major {
            major::UNSIGNED => Ok(Value::Integer(integer(argument)?)),
            // The number is -1 - argument.
            major::NEGATIVE => Ok(Value::Integer(!integer(argument)?)),
            major::BYTES => Ok(Value::Bytes(self.take(argument)?)),
            major::TEXT => std::str::from_utf8(self.take(argument)?)
                .map(Value::Text)
                .map_err(|_| Malformed("a text is not UTF-8")),
            major::ARRAY => {
                let length = self.count(argument, depth)?;
                (0..length).map(|_| self.value(depth + 1)).collect::<Result<_>>().map(Value::Array)
            }
            major::MAP => {
                let length = self.count(argument, depth)?;
                self.map(length, depth + 1).map(Value::Map)
            }
            major::SIMPLE => match argument {
                20 => Ok(Value::Bool(false)),
                21 => Ok(Value::Bool(true)),
                22 => Ok(Value::Null),
                _ => Err(Malformed("a simple value is unknown")),
            },
            _ => Err(Malformed("a value has a tag")),
        }
    }

    fn map(&mut self, length: usize, depth: usize) -> Result<Map<'b>> {
        let mut entries = Vec::new();
        let mut last: Option<&[u8]> = None;
        for _ in 0..length {
            let start = self.rest;
            let key = self.value(depth)?;
            if !matches!(key, Value::Integer(_) | Value::Text(_)) {
                return Err(Malformed("a key is neither an integer nor a text"));
            }
            let encoded = start.get(..start.len() - self.rest.len()).unwrap_or_default();
            if last.is_some_and(|last| order(last) >= order(encoded)) {
                return Err(Malformed("keys are not sorted, or one occurs twice"));
            }
            last = Some(encoded);
            entries.push((key, self.value(depth)?));
        }
        Ok(Map(entries))
    }

    /// The major type and the argument of the next item (RFC 8949 §3), which has to have its
    /// shortest form.
    fn head(&mut self) -> Result<(u8, u64)> {
        let [first] = self.bytes::<1>()?;
        let (major, short) = (first >> 5, first & 0x1f);
        let (argument, least) = match short {
            0..=23 => return Ok((major, u64::from(short))),
            _ if major == major::SIMPLE => {
                return Err(Malformed("a simple value is unknown, or a number has a fraction"));
            }
            24 => (u64::from(u8::from_be_bytes(self.bytes()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.bytes()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.bytes()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.bytes()?), 1 << 32),
            _ => return Err(Malformed("a length is indefinite or reserved")),
        };
        if argument < least {
            return Err(Malformed("a length or a number is longer than it needs to be"));
        }
        Ok((major, argument))
    }

    /// How many items an array or a map has. Each takes a byte at least, so a wrong number is
    /// refused before anything is made of it.
    fn count(&self, argument: u64, depth: usize) -> Result<usize> {
        if depth >= MAX_DEPTH {
            return Err(Malformed("arrays and maps nest too deep"));
        }
        usize::try_from(argument)
            .ok()
            .filter(|count| *count <= self.rest.len())
            .ok_or(Malformed("the input ends within a value"))
    }

    fn take(&mut self, length: u64) -> Result<&'b [u8]> {
        let (taken, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
            .ok_or(Malformed("the input ends within a value"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) =
            self.rest.split_first_chunk().ok_or(Malformed("the input ends within a value"))?;
        self.rest = rest;
        Ok(*taken)
    }
}

fn integer(argument: u64) -> Result<i64> {
    i64::try_from(argument).map_err(|_| Malformed("a number is too large"))
}

/// By what keys are sorted: their major type, then their length, then their bytes.
fn order(encoded: &[u8]) -> (u8, usize, &[u8]) {
    (encoded.first().map_or(0, |first| first >> 5), encoded.len(), encoded)
}

#[cfg(test)]
mod tests;
