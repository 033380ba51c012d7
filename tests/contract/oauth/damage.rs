//! Damage to inputs that were good.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};
use tests::{KeyPair, base64url};

/// Pieces that parsers stumble over.
const PIECES: [&[u8]; 28] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b".",
    b"..",
    b"=",
    b"==",
    b"&",
    b"%",
    b"%zz",
    b"%00",
    b"+",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"null",
    b"1e400",
    b"-1e308",
    b"99999999999999999999999",
    b",\"alg\":\"none\"",
    b",\"exp\":9223372036854775807",
    b"\"sub\":{\"a\":[]},",
];

/// A way to damage bytes.
#[derive(Clone, Debug)]
pub enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Drop(Index, usize),
    Repeat(Index, usize),
    Insert(Index, Vec<u8>),
}

pub fn damage() -> impl Strategy<Value = Damage> {
    let piece = prop_oneof![
        6 => select(&PIECES[..]).prop_map(<[u8]>::to_vec),
        2 => vec(any::<u8>(), 1..8),
        1 => (1usize..400).prop_map(|depth| b"[".repeat(depth)),
        1 => (1usize..400).prop_map(|depth| b"{\"a\":".repeat(depth)),
        1 => (1usize..20).prop_map(|times| b"0123456789".repeat(times * times)),
    ];
    prop_oneof![
        3 => (any::<Index>(), 0u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => any::<Index>().prop_map(Damage::Cut),
        2 => (any::<Index>(), 1usize..20).prop_map(|(at, length)| Damage::Drop(at, length)),
        2 => (any::<Index>(), 1usize..40).prop_map(|(at, length)| Damage::Repeat(at, length)),
        4 => (any::<Index>(), piece).prop_map(|(at, piece)| Damage::Insert(at, piece)),
    ]
}

impl Damage {
    fn to(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let end = |at: usize, length: usize| (at + length).min(bytes.len());
        match self {
            Self::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Drop(at, length) => {
                let at = at.index(bytes.len());
                bytes.drain(at..end(at, *length));
            }
            Self::Repeat(at, length) => {
                let at = at.index(bytes.len());
                let again = bytes[at..end(at, *length)].to_vec();
                bytes.splice(at..at, again);
            }
            Self::Insert(at, piece) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, piece.iter().copied());
            }
        }
    }
}

/// Does one damage after another.
pub fn harm(bytes: &mut Vec<u8>, damages: &[Damage]) {
    for damage in damages {
        damage.to(bytes);
    }
}

/// Where damage is done to a JWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The text as it is sent.
    Text,
    /// A part before it is encoded; the signature stays.
    Part(usize),
    /// The header or the claims, which are then signed: the owner of the key sends nonsense.
    Signed(usize),
}

#[derive(Clone, Debug)]
pub struct Case {
    target: Target,
    damages: Vec<Damage>,
}

pub fn case() -> impl Strategy<Value = Case> {
    let target = prop_oneof![
        3 => Just(Target::Text),
        3 => (0usize..3).prop_map(Target::Part),
        4 => (0usize..2).prop_map(Target::Signed),
    ];
    (target, vec(damage(), 0..4)).prop_map(|(target, damages)| Case { target, damages })
}

impl Case {
    fn damaged(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        harm(&mut bytes, &self.damages);
        bytes
    }

    /// The damaged JWS; signed by `key` where the damage is to be signed.
    pub fn of(&self, good: &str, key: &KeyPair) -> Vec<u8> {
        let part = |index: usize| {
            self.damaged(&URL_SAFE_NO_PAD.decode(good.split('.').nth(index).unwrap()).unwrap())
        };
        let replaced = |index: usize| {
            let mut parts: Vec<_> = good.split('.').map(str::to_owned).collect();
            parts[index] = base64url(part(index));
            parts
        };
        match self.target {
            Target::Text => self.damaged(good.as_bytes()),
            Target::Part(index) => replaced(index).join(".").into_bytes(),
            Target::Signed(index) => {
                let content = replaced(index)[..2].join(".");
                format!("{content}.{}", base64url(key.sign(content.as_bytes()))).into_bytes()
            }
        }
    }

    /// Whether it is what it was.
    pub fn is_whole(&self) -> bool {
        self.damages.is_empty()
    }

    /// Whether only who holds the key could have made it.
    pub fn is_signed(&self) -> bool {
        matches!(self.target, Target::Signed(_))
    }
}
