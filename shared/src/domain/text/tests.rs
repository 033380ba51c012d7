//! Tests of the forms of texts.

use precis_core::profile::PrecisFastInvocation as _;
use precis_profiles::{Nickname, UsernameCaseMapped};

use super::*;

#[test]
fn p1_numbers_are_in_order_by_all_their_digits() {
    let ascending = [
        "-12345678901234567890123456789012345678",
        "-12345678901234567890123456789012345677.9",
        "-10",
        "-9.5",
        "-0.01",
        "-0.001",
        "0",
        "0.001",
        "0.01",
        "0.1",
        "9",
        "9.05",
        "9.5",
        "10",
        "12345678901234567890123456789012345677",
        "12345678901234567890123456789012345678",
    ];
    for (i, one) in ascending.iter().enumerate() {
        for (j, other) in ascending.iter().enumerate() {
            assert_eq!(decimal_order(one, other), i.cmp(&j), "{one} {other}");
        }
    }
    assert_eq!(decimal_order("1.50", "1.5"), Ordering::Equal);
    assert_eq!(decimal_order("-2.0", "-2"), Ordering::Equal);
}

#[test]
fn parts_of_addresses_compare_as_addresses_do() {
    assert_eq!(email_part("Jan@B\u{fc}cher.Example"), "jan@xn--bcher-kva.example");
    assert_eq!(email_part("@EXAMPLE.org"), "@example.org");
    assert_eq!(email_part("Jan@"), "jan@");
    assert_eq!(email_part("JAN"), "jan");
    assert_eq!(email_part("\u{212a}elvin"), "\u{212a}elvin");
}

#[test]
fn a_mailbox_that_only_looks_like_another_is_another() {
    assert_eq!(email("KELVIN@X.org").as_deref(), Some("kelvin@x.org"));
    assert_eq!(email("\u{c9}lise@x.org"), email("\u{e9}lise@x.org"));
    assert_ne!(email("\u{212a}elvin@x.org"), email("kelvin@x.org"));
}

#[test]
fn d3_usernames_compare_case_mapped() {
    assert_eq!(username("Jan.Janssen"), username("JAN.JANSSEN"));
    assert_eq!(username("JOSÉ"), username("jose\u{301}"));
    assert_eq!(username("ｊａｎ"), username("jan"));
    for wrong in ["jan janssen", "a\u{7f}", "a\u{200b}b", "♚", ""] {
        assert!(username(wrong).is_none_or(|name| name.is_empty()), "{wrong:?}");
    }
}

#[test]
fn the_ascii_short_cuts_agree_with_the_profiles() {
    for c in ' '..='~' {
        let text = format!("A{c}b");
        assert_eq!(
            username(&text),
            UsernameCaseMapped::enforce(&*text).ok().map(std::borrow::Cow::into_owned),
            "{text}"
        );
        let folded_slowly =
            Nickname::enforce(text.to_lowercase()).ok().map(std::borrow::Cow::into_owned);
        assert_eq!(Some(folded(&text)), folded_slowly, "{text}");
    }
}

#[test]
fn names_compare_folded() {
    assert_eq!(folded("  Van  den  BERG "), folded("van den berg"));
    assert_eq!(folded("ÅSTRÖM"), "åström");
    assert!(folded("ΟΔΥΣΣΕΑΣ").starts_with(&folded("ΟΔΥΣ")));
    assert_eq!(folded("Οδυσσέας"), folded("ΟΔΥΣΣΈΑΣ"));
    assert_eq!(folded("O'Brien #1"), "o'brien #1");
}

#[test]
fn a1_email_addresses() {
    assert_eq!(email("Jan@Example.ORG").unwrap(), "jan@example.org");
    assert_eq!(email("jan@bücher.example").unwrap(), "jan@xn--bcher-kva.example");
    let long = format!("{}@example.org", "a".repeat(250));
    for wrong in [
        "jan",
        "@x.org",
        "jan@",
        "jan@localhost",
        "a b@x.org",
        "Jan <jan@x.org>",
        "\"a b\"@x.org",
        "a@b@c.org",
        &long,
    ] {
        assert_eq!(email(wrong), None, "{wrong}");
    }
}

#[test]
fn a1_telephone_numbers_in_the_form_of_e_164() {
    for right in ["+3225550123", "+32475123456", "+14155552671", "+442071838750", "+31612345678"] {
        assert_eq!(phone(right).as_deref(), Some(right));
    }
    let long = format!("+{}", "1".repeat(70_000));
    for wrong in [
        "",
        "+",
        "32475123456",
        "0475123456",
        "+32 475 12 34 56",
        "+32-475123456",
        "+(32)475123456",
        "+0475123456",
        "+999123456789",
        "+1415555",
        "+141555526711",
        "+4946139326740203",
        "+３２４７５１２３４５６",
        "tel:+3225550123",
        "+3225550123;ext=4",
        "+32475123456 ",
        "+324751x23456",
        &long,
    ] {
        assert_eq!(phone(wrong), None, "{}", wrong.get(..40).unwrap_or(wrong));
    }
}

#[test]
fn a1_language_tags_have_their_canonical_case() {
    assert_eq!(locales("fr-be,NL-be").unwrap(), "fr-BE nl-BE");
    assert_eq!(locales("zh-hant-tw").unwrap(), "zh-Hant-TW");
    assert_eq!(locales("not_a_tag"), None);
    assert_eq!(locales(" , "), None);
}

#[test]
fn p1_numbers_keep_their_digits_or_are_refused() {
    for (text, due) in [
        ("42", "42"),
        ("-0", "0"),
        ("1.50", "1.50"),
        ("1e3", "1000"),
        ("12.345e1", "123.45"),
        ("-5E-3", "-0.005"),
        ("0.0", "0.0"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ] {
        assert_eq!(decimal(text).as_deref(), Some(due), "{text}");
    }
    for wrong in [
        "",
        "+1",
        "01",
        ".5",
        "1.",
        "1e",
        "0x1",
        "NaN",
        "1e99",
        "123456789012345678901234567890123456789",
        "１",
    ] {
        assert_eq!(decimal(wrong), None, "{wrong}");
    }
    assert_eq!(plain_decimal("1.50"), "1.5");
    assert_eq!(plain_decimal("100"), "100");
}

/// All characters but surrogates.
fn characters() -> impl Iterator<Item = char> {
    (0..=u32::from(char::MAX)).filter_map(char::from_u32)
}

#[test]
fn dt2_a_text_that_the_profile_takes_keeps_its_form() {
    for c in characters() {
        for text in [c.to_string(), format!("a{c}b"), format!("{c} {c}")] {
            if let Some(form) = folding::nickname(&text) {
                assert_eq!(folded(&text), form, "{text:?}");
            }
        }
        let text = format!("a{c}");
        if let Ok(form) = UsernameCaseMapped::enforce(&*text) {
            assert_eq!(username(&text).unwrap(), form, "{text:?}");
        }
    }
}

#[test]
fn dt2_names_fold_by_current_tables() {
    for (one, other) in [
        // Texts that the profile accepts and equal texts that it refuses are folded alike.
        ("\u{1107}\u{1161}\u{11a8}", "\u{bc15}"),
        ("COL\u{b7}LELL", "col\u{b7}lell"),
        ("\u{1c9c}\u{1c98}", "\u{10dc}\u{10d8}"),
        ("\u{1e921}\u{1e900}", "\u{1e943}\u{1e922}"),
        ("\u{13a0}", "\u{ab70}"),
        ("\u{845b}\u{e0100}", "\u{845b}"),
        ("\u{200f}\u{5db}\u{5d4}\u{5df}", "\u{5db}\u{5d4}\u{5df}"),
        ("Zo\u{eb}\n7", "zoe\u{308}  7"),
        ("\u{963f}\u{b7}Zo\u{eb} 7", "\u{963f}\u{b7}zoe\u{308} 7"),
    ] {
        assert_eq!(folded(one), folded(other), "{one:?} {other:?}");
        assert_eq!(folded(&folded(one)), folded(one), "{one:?}");
    }
    for text in ["\u{4f50}\u{303b}\u{6728}", "\u{9feb}", "\u{2ceb0}", "\u{31350}", "\u{200b}"] {
        assert!(!folded(text).is_empty(), "{text:?}");
    }
}

#[test]
fn dt2_usernames_are_composed_and_know_letters_of_current_unicode() {
    assert_eq!(username("\u{1107}\u{1161}\u{11a8}.kim"), username("\u{bc15}.KIM"));
    for (text, due) in [
        ("\u{1e921}\u{1e900}", "\u{1e943}\u{1e922}"),
        ("\u{ab70}.\u{13a1}", "\u{ab70}.\u{ab71}"),
        ("\u{c5d}\u{c15}", "\u{c5d}\u{c15}"),
        ("\u{2ceb0}\u{ff21}", "\u{2ceb0}a"),
    ] {
        assert_eq!(username(text).as_deref(), Some(due), "{text:?}");
    }
    for wrong in ["a\u{1f9d1}", "a\u{1e921}", "a b\u{ab70}", "\u{3164}", "a\u{200d}b", "\u{fdd0}"] {
        assert_eq!(username(wrong), None, "{wrong:?}");
    }
}

#[test]
fn dt4_an_address_is_composed_before_it_is_compared() {
    for (one, other) in [
        (
            "\u{bc15}\u{c11c}\u{c900}",
            "\u{1107}\u{1161}\u{11a8}\u{1109}\u{1165}\u{110c}\u{116e}\u{11ab}",
        ),
        ("\u{622}\u{645}", "\u{627}\u{653}\u{645}"),
        ("\u{995}\u{9cb}\u{9b2}", "\u{995}\u{9c7}\u{9be}\u{9b2}"),
        ("\u{30ac}", "\u{30ab}\u{3099}"),
        ("J\u{30c}an", "\u{1f0}an"),
        ("\u{c9}lise", "e\u{301}lise"),
    ] {
        let [one, other] = [one, other].map(|local| email(&format!("{local}@Example.org")));
        assert!(one.is_some());
        assert_eq!(one, other);
    }
    assert_eq!(email_part("e\u{301}lise"), email_part("\u{c9}lise"));
    // A known address in the earlier form equals the address.
    let earlier = earlier::email("\u{30ab}\u{3099}@x.org").unwrap();
    assert_eq!(stored_email(&earlier), email("\u{30ac}@x.org"));
}

#[test]
fn dt6_local_parts_of_all_scripts_are_taken() {
    for local in [
        "\u{938}\u{942}\u{930}\u{94d}\u{92f}",
        "\u{b95}\u{bae}\u{bb2}\u{bcd}",
        "\u{1007}\u{1031}\u{102c}\u{103a}",
        "tua\u{302}\u{301}n",
        "\u{dc1}\u{dca}\u{200d}\u{dbb}\u{dd3}",
        "\u{646}\u{627}\u{645}\u{200c}\u{647}\u{627}",
        "\u{915}\u{93c}",
        "\u{4e2d}.\u{4e2d}",
        "!#$%&'*+-/=?^_`{|}~",
    ] {
        assert!(email(&format!("{local}@example.org")).is_some(), "{local:?}");
    }
    assert!(
        email("jan@\u{938}\u{902}\u{938}\u{94d}\u{915}\u{943}\u{924}\u{93f}.example").is_some()
    );
    for local in [
        "a\u{200d}b",
        "\u{94d}a",
        "a..b",
        ".a",
        "a.",
        "a\u{200e}b",
        "a\u{a0}b",
        "\u{2603}",
        "a,b",
        "a\u{ff20}b",
        "\"a\"",
        "a\u{0}b",
        "a\u{202e}b",
        "\u{200c}a",
    ] {
        assert_eq!(email(&format!("{local}@example.org")), None, "{local:?}");
    }
    assert_eq!(email(&format!("{}@example.org", "a".repeat(65))), None);
}

#[test]
fn dt9_domains_have_hyphens_and_a_letter_in_the_last_label() {
    for right in
        ["my--app.example.org", "r3---sn-x.example.org", "x.xn--p1ai", "a.b.c1", "3com.com"]
    {
        assert!(email(&format!("jan@{right}")).is_some(), "{right}");
    }
    for wrong in [
        "10.0.0.1",
        "example.1",
        "[10.0.0.1]",
        "-a.org",
        "a-.org",
        "xn--a.org",
        "a_b.org",
        "a..org",
        "example.org.",
        "example\u{3002}org",
        "ex\u{ad}ample.org",
        "\u{e9}x--a.org",
    ] {
        assert_eq!(email(&format!("jan@{wrong}")), None, "{wrong}");
    }
    // An address that was accepted by earlier rules keeps its form.
    assert_eq!(stored_email("Jan@10.0.0.1").as_deref(), Some("jan@10.0.0.1"));
}
