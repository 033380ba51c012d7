//! Tests of hashes of secret values.

use super::*;

/// Hashes of other systems.
const OTHERS: [&str; 14] = [
    "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
    "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
    "pbkdf2_sha256$600000$c2FsdHNhbHQ$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdHNhbHRzYWx0$AAECAwQFBgcICQoLDA0ODw",
    "bcrypt_sha256$$2b$12$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "scrypt$c2FsdHNhbHQ$16384$8$1$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "scrypt:32768:8:1$saltsaltsaltsalt$00010203040506070809",
    "pbkdf2:sha256:600000$saltsalt$000102030405060708090a0b0c0d0e0f",
    "$P$Baaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "$S$Daaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "{PBKDF2_SHA256}AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "{x-issha, 1024}AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
    "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
    "AQAAAAEAACcQAAAAEAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
];

#[test]
fn dt3_an_import_says_what_it_brings_and_nothing_is_hashed_twice() {
    let kept = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ";
    let decide = |hashes, value: &str| match Hashes::imported(hashes).decide(value) {
        HashDecision::Hash => "hash",
        HashDecision::Keep => "keep",
        HashDecision::Refuse(Code::Required, _) => "say",
        HashDecision::Refuse(..) => "refuse",
    };
    for value in OTHERS.into_iter().chain([kept, "hunter2"]) {
        assert_eq!(decide(None, value), "say", "{value}");
    }
    for value in OTHERS.into_iter().chain([kept]) {
        assert_eq!(decide(Some(HashedValues::Plain), value), "refuse", "{value}");
    }
    assert_eq!(decide(Some(HashedValues::Plain), "hunter2"), "hash");
    for value in OTHERS.into_iter().chain(["hunter2"]) {
        assert_eq!(decide(Some(HashedValues::Argon2id), value), "refuse", "{value}");
    }
    assert_eq!(decide(Some(HashedValues::Argon2id), kept), "keep");
    assert!(matches!(Hashes::default().decide(kept), HashDecision::Hash));
}

#[test]
fn a2_a_hash_that_is_brought_along_has_the_form_of_one() {
    assert!(is_hash(&salted("secret", b"0123456789abcdef")));
    assert!(is_hash("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ"));
    let wrong = [
        "$argon2i$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ",
        "$argon2id$v=16$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ",
        "$argon2id$v=19$m=8,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ",
        "$argon2id$v=19$m=4294967295,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ",
        "$argon2id$v=19$m=65536,t=0,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ",
        "$argon2id$v=19$m=65536,t=3,p=4,keyid=a$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ",
        "$argon2id$v=19$t=3,m=65536,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ",
        "$argon2id$v=19$m=65536,t=3,p=4$c2$RdescudvJCsgt3ub+b6dWRWJTmaasmZZ",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$plain text",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ",
    ];
    for text in wrong {
        assert!(!is_hash(text) && looks_hashed(text), "{text}");
    }
    for other in OTHERS {
        assert!(looks_hashed(other) && !is_hash(other), "{other}");
    }
    for plain in [
        "$ecret",
        "pa$$word",
        "$a$b",
        "{x",
        "{x}y",
        "hunter2",
        "*hunter2",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "correct horse$battery$staple and more words",
    ] {
        assert!(!looks_hashed(plain), "{plain}");
    }
}

#[test]
fn a2_a_salted_hash_is_a_phc_string_of_argon2id() {
    // As the reference implementation makes it: argon2-cffi, hash_secret(b"secret",
    // b"0123456789abcdef", 2, 19456, 1, 32, ID).
    let due = "$argon2id$v=19$m=19456,t=2,\
               p=1$MDEyMzQ1Njc4OWFiY2RlZg$8qPpaWig0H31wvibKAgpght2Ry2M8rtRQYtZ93ooMus";
    assert_eq!(salted("secret", b"0123456789abcdef"), due);
    assert_ne!(salted("secret", b"0123456789abcdeg"), salted("secret", b"0123456789abcdef"));
}
