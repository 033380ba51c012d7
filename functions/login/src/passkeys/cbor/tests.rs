use proptest::prelude::*;

use super::super::vectors::hex;
use super::*;

fn parse(text: &str) -> Result<String> {
    Value::parse(&hex(text)).map(|value| format!("{value:?}"))
}

#[track_caller]
fn refused(text: &str, why: &'static str) {
    assert_eq!(parse(text), Err(Malformed(why)), "{text}");
}

/// Examples of RFC 8949, appendix A.
#[test]
fn g53_values_of_the_canonical_form_are_read() {
    for (text, value) in [
        ("00", "Integer(0)"),
        ("17", "Integer(23)"),
        ("1818", "Integer(24)"),
        ("1903e8", "Integer(1000)"),
        ("1a000f4240", "Integer(1000000)"),
        ("1b000000e8d4a51000", "Integer(1000000000000)"),
        ("20", "Integer(-1)"),
        ("3903e7", "Integer(-1000)"),
        ("390100", "Integer(-257)"),
        ("f4", "Bool(false)"),
        ("f5", "Bool(true)"),
        ("f6", "Null"),
        ("4401020304", "Bytes([1, 2, 3, 4])"),
        ("62c3bc", r#"Text("ü")"#),
        ("83010203", "Array([Integer(1), Integer(2), Integer(3)])"),
        ("a0", "Map(Map([]))"),
        ("a201020304", "Map(Map([(Integer(1), Integer(2)), (Integer(3), Integer(4))]))"),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(value), "{text}");
    }
    assert_eq!(parse("1b7fffffffffffffff").unwrap(), format!("Integer({})", i64::MAX));
    assert_eq!(parse("3b7fffffffffffffff").unwrap(), format!("Integer({})", i64::MIN));
}

#[test]
fn g53_numbers_and_lengths_have_their_shortest_form() {
    for text in ["1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3817", "5800", "7801 61"] {
        refused(text, "a length or a number is longer than it needs to be");
    }
    for text in ["1b8000000000000000", "3bffffffffffffffff"] {
        refused(text, "a number is too large");
    }
}

#[test]
fn g53_lengths_are_definite() {
    for text in ["5f4101ff", "7f6161ff", "9f01ff", "bf0102ff", "1c", "1d", "1e", "1f"] {
        refused(text, "a length is indefinite or reserved");
    }
}

#[test]
fn g53_keys_are_sorted_and_occur_once() {
    const WHY: &str = "keys are not sorted, or one occurs twice";
    // {3: 4, 1: 2}, {1: 2, 1: 2}, {-1: 0, 1: 0}, {"b": 0, "a": 0}, {"aa": 0, "b": 0}, {"a": 0, 1: 0}
    for text in [
        "a203040102",
        "a201020102",
        "a220000100",
        "a2616200616100",
        "a262616100616200",
        "a261610001 00",
    ] {
        refused(text, WHY);
    }
    // {1: 0, -1: 0, "b": 0, "aa": 0}: by type, then by length, then by bytes.
    assert!(parse("a4 0100 2000 616200 62616100").is_ok());
    // {24: 0, -1: 0}: a negative number is of a later type, however short it is.
    assert!(parse("a2 181800 2000").is_ok());
    for text in ["a1 4101 00", "a1 80 00", "a1 a0 00", "a1 f6 00"] {
        refused(text, "a key is neither an integer nor a text");
    }
}

#[test]
fn g53_tags_fractions_and_other_simple_values_are_refused() {
    for text in ["c0 61 30", "d8 20 60"] {
        refused(text, "a value has a tag");
    }
    for text in ["f90000", "fa47c35000", "fb3ff199999999999a", "f8ff", "ff"] {
        refused(text, "a simple value is unknown, or a number has a fraction");
    }
    for text in ["e0", "f3", "f7"] {
        refused(text, "a simple value is unknown");
    }
}

#[test]
fn g53_an_input_is_one_whole_value() {
    refused("0000", "bytes follow the value");
    for text in
        ["", "18", "1901", "4401", "6261", "8201", "a1", "a101", "9affffffff", "bbffffffffffffffff"]
    {
        refused(text, "the input ends within a value");
    }
    for text in ["61ff", "62c328"] {
        refused(text, "a text is not UTF-8");
    }
    let (value, rest) = Value::parse_prefix(&[0x01, 0xff, 0x00]).unwrap();
    assert_eq!((value, rest), (Value::Integer(1), &[0xff, 0x00][..]));
    assert_eq!(Value::parse(&vec![0; MAX_LENGTH + 1]), Err(Malformed("the input is too long")));
}

#[test]
fn g53_nesting_ends_at_four_levels() {
    assert!(parse("8181818100").is_ok());
    refused("818181818100", "arrays and maps nest too deep");
    refused("a100a100a100a100a0", "arrays and maps nest too deep");
    // As deep as the input is long: refused without a deep stack.
    assert!(Value::parse(&vec![0x81; MAX_LENGTH]).is_err());
}

/// Writes a value in the canonical form, by another way than the reader: keys are sorted after they
/// were written.
fn write(value: &Value<'_>, into: &mut Vec<u8>) {
    fn head(major: u8, argument: u64, into: &mut Vec<u8>) {
        let bytes = argument.to_be_bytes();
        let (short, length) = match argument {
            0..24 => return into.push((major << 5) | bytes[7]),
            24..0x100 => (24, 1),
            0x100..0x1_0000 => (25, 2),
            0x1_0000..0x1_0000_0000 => (26, 4),
            _ => (27, 8),
        };
        into.push((major << 5) | short);
        into.extend_from_slice(&bytes[8 - length..]);
    }
    match value {
        Value::Integer(number) if *number < 0 => head(1, !number.cast_unsigned(), into),
        Value::Integer(number) => head(0, number.cast_unsigned(), into),
        Value::Bytes(bytes) => {
            head(2, bytes.len() as u64, into);
            into.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            head(3, text.len() as u64, into);
            into.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, into);
            for item in items {
                write(item, into);
            }
        }
        Value::Map(Map(entries)) => {
            head(5, entries.len() as u64, into);
            for (key, value) in entries {
                write(key, into);
                write(value, into);
            }
        }
        Value::Bool(value) => into.push(if *value { 0xf5 } else { 0xf4 }),
        Value::Null => into.push(0xf6),
    }
}

proptest! {
    /// What is read is what is written again: so there is one encoding of each value.
    #[test]
    fn g53_no_bytes_panic_and_what_is_accepted_is_canonical(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        if let Ok(value) = Value::parse(&bytes) {
            let mut written = Vec::new();
            write(&value, &mut written);
            prop_assert_eq!(written, bytes);
        }
    }

    /// As above, from bytes that look like CBOR: each of them begins an item.
    #[test]
    fn g53_items_that_look_like_cbor_are_canonical_or_refused(
        bytes in proptest::collection::vec(
            prop_oneof![
                0_u8..0x19,
                0x20_u8..0x39,
                0x40_u8..0x44,
                0x60_u8..0x64,
                0x80_u8..0x84,
                0xa0_u8..0xa4,
                Just(0xf5_u8),
            ],
            0..48,
        ),
    ) {
        if let Ok((value, rest)) = Value::parse_prefix(&bytes) {
            let mut written = Vec::new();
            write(&value, &mut written);
            prop_assert_eq!(&written[..], &bytes[..bytes.len() - rest.len()]);
        }
    }

    /// A change of any one byte makes another value or none.
    #[test]
    fn g53_two_encodings_are_two_values(at in 0_usize..17, byte in any::<u8>()) {
        // {1: 2, 3: -7, -1: 1, -2: h'01020304', "a": [true]}
        let bytes = [
            0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x44, 1, 2, 3, 4, 0x61, 0x61, 0x81, 0xf5,
        ];
        let value = Value::parse(&bytes).unwrap();
        let mut changed = bytes;
        changed[at] = byte;
        if changed != bytes {
            prop_assert_ne!(Value::parse(&changed), Ok(value));
        }
    }
}
