//! Tests of passwords: how they are judged, hashed and verified.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::pbkdf2::{PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512, derive};

use super::*;
use crate::texts::{Locale, Texts};

const GOOD: &str = "wagon lemon orbit thirteen";

fn tenant() -> TenantId {
    "acme-insurance".parse().unwrap()
}

/// The settings of a tenant whose passwords have at least so many characters.
fn settings(minimum_password_length: u16) -> SignInSettings {
    SignInSettings { minimum_password_length, ..SignInSettings::default() }
}

fn judge(password: &str) -> Result<String, Refusal> {
    judge_by(15, password)
}

fn judge_by(least: u16, password: &str) -> Result<String, Refusal> {
    let tenant = tenant();
    let context = Context {
        username: "jan.janssens",
        address: Some("j.janssens@wonderland.example"),
        names: [Some("Jan"), Some("Janssens")],
        tenant: &tenant,
    };
    policy::judge(password, least, &context.words()).map(|Prepared(text)| text)
}

async fn verified(password: &str, stored: Option<&str>) -> Verified {
    verify(password, stored, &Env::default()).await.unwrap()
}

#[test]
fn g27_a_password_has_15_to_256_characters_and_no_other_rule() {
    assert_eq!(SignInSettings::default().minimum_password_length, 15);
    assert_eq!(judge(""), Err(Refusal::TooShort(15)));
    assert_eq!(judge("vq8#kd-Zo2,lxp"), Err(Refusal::TooShort(15)));
    assert_eq!(judge("vq8#kd-Zo2,lxpt"), Ok("vq8#kd-Zo2,lxpt".to_owned()));
    // No digits, no capitals, no signs.
    assert!(judge("wagonlemonorbitthirteen").is_ok());
    assert!(judge("7409261835507193").is_ok(), "digits alone, but random");
    let long = |length| format!("{GOOD} é").chars().cycle().take(length).collect::<String>();
    assert!(judge(&long(256)).is_ok());
    assert_eq!(judge(&long(257)), Err(Refusal::TooLong));
    assert_eq!(judge(&"x".repeat(1_000_000)), Err(Refusal::TooLong));
}

#[test]
fn g27_a_tenant_asks_for_more_characters_and_refusals_name_its_number() {
    assert_eq!(GOOD.chars().count(), 26);
    assert!(judge_by(26, GOOD).is_ok());
    assert_eq!(judge_by(27, GOOD), Err(Refusal::TooShort(27)));
    assert_eq!(judge_by(64, ""), Err(Refusal::TooShort(64)));
    assert_eq!(Refusal::TooShort(27).for_clients(), "use at least 27 characters");
    for locale in Locale::ALL {
        let texts = Texts::of(locale);
        let refusal = Refusal::TooShort(27).text(&texts.refusals);
        for text in [refusal, (texts.password.rules)("27").into()] {
            assert!(text.contains("27") && !text.contains("15"), "{text}");
        }
    }
}

#[test]
fn g28_unicode_is_taken_prepared_and_counted_in_code_points() {
    // 15 code points, 45 bytes and more.
    assert!(judge("снеговик летает").is_ok());
    assert_eq!(judge("снеговик летае"), Err(Refusal::TooShort(15)));
    assert!(judge("🐒🍋🛰🚃🎲🧩🪐🪁🧭🥨🦑🌵🎷🏺🧵").is_ok());
    // A composed and a decomposed letter, and a wide space, are the same password.
    let composed = judge("brûlée wagon orbit").unwrap();
    assert_eq!(judge("bru\u{302}le\u{301}e wagon orbit").unwrap(), composed);
    assert_eq!(judge("brûlée\u{3000}wagon\u{a0}orbit").unwrap(), composed);
    // Neither case nor spaces at the ends are changed.
    assert_eq!(judge(" Wagon Lemon Orbit ").unwrap(), " Wagon Lemon Orbit ");
    for control in ["wagon\tlemon orbit ten", "wagon lemon orbit\n", "wagon lemon\u{0}orbit ten"] {
        assert_eq!(judge(control), Err(Refusal::Characters), "{control:?}");
    }
}

#[test]
fn g29_easy_passwords_are_refused_with_their_reason() {
    let cases = [
        ("janssensjanssens", Refusal::Personal),
        ("Jan.Janssens@Wonderland", Refusal::Personal),
        ("acme-insurance-kith", Refusal::Personal),
        ("jan janssens acme!", Refusal::Personal),
        ("aaaaaaaaaaaaaaaaa", Refusal::Repeats),
        ("abcabcabcabcabcabc", Refusal::Repeats),
        ("passwordpassword", Refusal::Repeats),
        ("abcdefghijklmnop", Refusal::Sequences),
    ];
    for (password, due) in cases {
        assert_eq!(judge(password), Err(due), "{password}");
    }
    for password in ["qwertyuiopasdfgh", "password123456789", "iloveyouiloveyou1"] {
        assert!(judge(password).is_err(), "{password}");
    }
    // A name of the person is no fault in a password that has more.
    assert!(judge("janssens wagon lemon orbit").is_ok());
    // Every reason has words of its own in each language.
    for locale in Locale::ALL {
        let texts = &Texts::of(locale).refusals;
        for why in [Refusal::Common, Refusal::Personal, Refusal::Repeats, Refusal::Guessable] {
            assert!(why.text(texts).len() > 20 && why.needs_advice());
        }
        assert!(texts.too_long.contains("256"));
        assert_eq!(policy::LONGEST, 256);
    }
}

#[tokio::test]
async fn g31_a_password_is_hashed_by_argon2id_and_verified() {
    let env = Env::default();
    let Ok(prepared) = policy::judge(GOOD, 15, &[]) else { panic!("a good password") };
    let phc = hash(&prepared, &env).await.unwrap();
    assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
    assert_ne!(phc, hash(&prepared, &env).await.unwrap(), "two salts");
    assert_eq!(verified(GOOD, Some(&phc)).await, Verified::Yes { rehash: None });
    assert_eq!(verified("wagon lemon orbit fourteen", Some(&phc)).await, Verified::No);
    assert_eq!(verified("", Some(&phc)).await, Verified::No);
    assert_eq!(verified(&GOOD.repeat(1000), Some(&phc)).await, Verified::No);
    assert_eq!(format!("{prepared:?}"), "Prepared(…)");
}

#[tokio::test]
async fn g31_weaker_and_foreign_hashes_are_taken_once_and_replaced() {
    let params = argon2::Params::new(8192, 1, 1, Some(32)).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut made = [0; 32];
    argon2.hash_password_into(GOOD.as_bytes(), b"0123456789abcdef", &mut made).unwrap();
    let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    let weak =
        format!("$argon2id$v=19$m=8192,t=1,p=1${}${}", encode(b"0123456789abcdef"), encode(&made));
    let salt = [7; 16];
    let pbkdf2 = |algorithm, name: &str, length: usize| {
        let mut made = vec![0; length];
        let rounds = 100_000.try_into().unwrap();
        derive(algorithm, rounds, &salt, GOOD.as_bytes(), &mut made);
        format!("$pbkdf2-{name}$i=100000,l={length}${}${}", encode(&salt), encode(&made))
    };
    let bcrypt = |version| {
        let parts = bcrypt::hash_with_salt(GOOD, 10, salt).unwrap();
        parts.format_for_version(version)
    };
    let hashes = [
        weak,
        bcrypt(bcrypt::Version::TwoA),
        bcrypt(bcrypt::Version::TwoB),
        bcrypt(bcrypt::Version::TwoY),
        pbkdf2(PBKDF2_HMAC_SHA256, "sha256", 32),
        // Keycloak derives 64 bytes with either function.
        pbkdf2(PBKDF2_HMAC_SHA256, "sha256", 64),
        pbkdf2(PBKDF2_HMAC_SHA512, "sha512", 64),
    ];
    for stored in hashes {
        let Verified::Yes { rehash: Some(next) } = verified(GOOD, Some(&stored)).await else {
            panic!("{stored}")
        };
        assert!(next.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{next}");
        assert_eq!(verified(GOOD, Some(&next)).await, Verified::Yes { rehash: None });
        assert_eq!(verified("another", Some(&stored)).await, Verified::No, "{stored}");
    }
}

#[tokio::test]
async fn g31_a_password_of_another_system_is_compared_as_it_was_typed() {
    // Other systems hash what is typed; here the letter is decomposed.
    let typed = "bru\u{302}le\u{301}e";
    let stored = bcrypt::hash_with_salt(typed, 10, [1; 16]).unwrap();
    let stored = stored.format_for_version(bcrypt::Version::TwoB);
    let Verified::Yes { rehash: Some(next) } = verified(typed, Some(&stored)).await else {
        panic!("as typed")
    };
    // From now on both spellings are the password.
    assert_eq!(verified(typed, Some(&next)).await, Verified::Yes { rehash: None });
    assert_eq!(verified("brûlée", Some(&next)).await, Verified::Yes { rehash: None });
    // A vector of py-bcrypt.
    let reference = "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga";
    assert!(matches!(verified("allmine", Some(reference)).await, Verified::Yes { .. }));
}

#[tokio::test]
async fn g31_hashes_that_are_too_weak_or_too_costly_verify_nothing() {
    let encoded = STANDARD_NO_PAD.encode([0; 32]);
    for stored in [
        "$2b$09$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga".to_owned(),
        "$2b$31$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga".to_owned(),
        format!("$pbkdf2-sha256$i=4000000000,l=32${encoded}${encoded}"),
        format!("$argon2id$v=19$m=4194304,t=2,p=1${encoded}${encoded}"),
        format!("$argon2id$v=19$m=19456,t=4000000,p=1${encoded}${encoded}"),
        "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=".to_owned(),
        String::new(),
    ] {
        assert_eq!(verified("allmine", Some(&stored)).await, Verified::No, "{stored}");
    }
}

#[tokio::test]
async fn g39_without_a_stored_hash_the_work_is_that_of_a_new_hash() {
    let dummy = Argon2idHash::dummy();
    assert!(dummy.is_present());
    for password in ["", GOOD, "wrong"] {
        assert!(!dummy.is_of(password.as_bytes()));
        assert_eq!(verified(password, None).await, Verified::No);
    }
}

#[test]
fn g33_a_password_that_the_service_makes_is_long_and_passes_the_rules() {
    let env = Env::default();
    let (one, other) = (random(settings(15), &env), random(settings(15), &env));
    assert_ne!(one, other);
    for (least, length) in [(15, 23), (23, 23), (24, 29), (64, 65)] {
        let password = random(settings(least), &env);
        assert_eq!(password.len(), length, "{password}");
        assert!(judge_by(least, &password).is_ok(), "{password}");
    }
}
