//! The authenticator data (`WebAuthn` Level 3 §6.1): what the authenticator signs of itself.

use ring::digest::{SHA256, digest};

use super::RelyingParty;
use super::cbor::Value;
use super::refusal::Refusal;

/// The bits of the flags.
mod bit {
    pub(super) const USER_PRESENT: u8 = 0x01;
    pub(super) const USER_VERIFIED: u8 = 0x04;
    pub(super) const BACKUP_ELIGIBLE: u8 = 0x08;
    pub(super) const BACKED_UP: u8 = 0x10;
    pub(super) const ATTESTED: u8 = 0x40;
    pub(super) const EXTENSIONS: u8 = 0x80;
}

/// The lengths that a credential id may have, in bytes.
const CREDENTIAL_ID: std::ops::RangeInclusive<usize> = 16..=1023;

/// What an authenticator says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AuthenticatorData<'b> {
    rp_id_hash: &'b [u8; 32],
    flags: u8,
    /// How often the passkey was used, or 0 if the authenticator does not count.
    pub(super) counter: u32,
    /// The passkey that was made; of a registration alone.
    pub(super) credential: Option<Credential<'b>>,
}

/// A passkey that was made (§6.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Credential<'b> {
    /// Its id.
    pub(super) id: &'b [u8],
    /// Its public key, as CBOR.
    pub(super) key: &'b [u8],
}

impl<'b> AuthenticatorData<'b> {
    /// Reads authenticator data. Extensions are read and ignored, since none were asked for.
    pub(super) fn parse(bytes: &'b [u8]) -> Result<Self, Refusal> {
        const SHORT: Refusal = Refusal::Malformed("the authenticator data are too short");
        let (rp_id_hash, rest) = bytes.split_first_chunk().ok_or(SHORT)?;
        let (&[flags], rest) = rest.split_first_chunk().ok_or(SHORT)?;
        let (counter, mut rest) = rest.split_first_chunk().ok_or(SHORT)?;
        let mut credential = None;
        if flags & bit::ATTESTED != 0 {
            let (read, after) = Credential::parse(rest)?;
            (credential, rest) = (Some(read), after);
        }
        if flags & bit::EXTENSIONS != 0 {
            let (extensions, after) = Value::parse_prefix(rest)?;
            extensions.into_map().ok_or(Refusal::Malformed("the extensions are no map"))?;
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Refusal::Malformed("bytes follow the authenticator data"));
        }
        Ok(Self { rp_id_hash, flags, counter: u32::from_be_bytes(*counter), credential })
    }

    const fn has(&self, bit: u8) -> bool {
        self.flags & bit != 0
    }

    /// Whether the passkey can be copied to other devices of the person.
    pub(super) const fn is_backup_eligible(&self) -> bool {
        self.has(bit::BACKUP_ELIGIBLE)
    }

    /// Whether the passkey is backed up now.
    pub(super) const fn is_backed_up(&self) -> bool {
        self.has(bit::BACKED_UP)
    }

    /// Checks what is the same for both ceremonies: the relying party, that a person was present and
    /// verified, and that a passkey that cannot be backed up is not.
    pub(super) fn check(&self, party: &RelyingParty) -> Result<(), Refusal> {
        if digest(&SHA256, party.id.as_bytes()).as_ref() != self.rp_id_hash {
            return Err(Refusal::RelyingParty);
        }
        if !self.has(bit::USER_PRESENT) {
            return Err(Refusal::UserPresence);
        }
        if !self.has(bit::USER_VERIFIED) {
            return Err(Refusal::UserVerification);
        }
        if self.is_backed_up() && !self.is_backup_eligible() {
            return Err(Refusal::Backup);
        }
        Ok(())
    }
}

impl<'b> Credential<'b> {
    /// Reads the passkey at the start of some bytes; returns it and the bytes that follow.
    fn parse(bytes: &'b [u8]) -> Result<(Self, &'b [u8]), Refusal> {
        const SHORT: Refusal = Refusal::Malformed("the attested credential data are too short");
        // The model of the authenticator, which `none` does not attest.
        let (_, rest) = bytes.split_first_chunk::<16>().ok_or(SHORT)?;
        let (length, rest) = rest.split_first_chunk().ok_or(SHORT)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if !CREDENTIAL_ID.contains(&length) {
            return Err(Refusal::CredentialId);
        }
        let (id, start) = rest.split_at_checked(length).ok_or(SHORT)?;
        let (_, after) = Value::parse_prefix(start)?;
        let key = start.get(..start.len() - after.len()).unwrap_or_default();
        Ok((Self { id, key }, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party() -> RelyingParty {
        RelyingParty::of("https://kith.example").unwrap()
    }

    fn data(flags: u8, more: &[u8]) -> Vec<u8> {
        let mut bytes = digest(&SHA256, b"kith.example").as_ref().to_vec();
        bytes.push(flags);
        bytes.extend_from_slice(&7_u32.to_be_bytes());
        bytes.extend_from_slice(more);
        bytes
    }

    fn check(flags: u8) -> Result<(), Refusal> {
        AuthenticatorData::parse(&data(flags, &[])).unwrap().check(&party())
    }

    fn credential(id: &[u8]) -> Vec<u8> {
        let length = u16::try_from(id.len()).unwrap().to_be_bytes();
        [&[0; 16][..], &length, id, &[0xa1, 0x01, 0x02]].concat()
    }

    #[test]
    fn g53_the_person_is_present_and_verified() {
        assert_eq!(check(0x05), Ok(()));
        assert_eq!(check(0x04), Err(Refusal::UserPresence));
        assert_eq!(check(0x01), Err(Refusal::UserVerification));
        assert_eq!(check(0x00), Err(Refusal::UserPresence));
        // Bits that are reserved say nothing yet.
        assert_eq!(check(0x05 | 0x22), Ok(()));
    }

    #[test]
    fn g53_what_cannot_be_backed_up_is_not() {
        assert_eq!(check(0x05 | 0x08), Ok(()));
        assert_eq!(check(0x05 | 0x18), Ok(()));
        assert_eq!(check(0x05 | 0x10), Err(Refusal::Backup));
    }

    #[test]
    fn g53_the_relying_party_is_that_of_the_base_url() {
        let bytes = data(0x05, &[]);
        let read = AuthenticatorData::parse(&bytes).unwrap();
        assert_eq!(read.counter, 7);
        for other in ["https://kith.example.evil", "https://sub.kith.example", "https://example"] {
            let other = RelyingParty::of(other).unwrap();
            assert_eq!(read.check(&other), Err(Refusal::RelyingParty), "{other:?}");
        }
    }

    #[test]
    fn g53_a_credential_id_has_16_to_1023_bytes() {
        for length in [16, 64, 1023] {
            let id = vec![7; length];
            let bytes = data(0x45, &credential(&id));
            let read = AuthenticatorData::parse(&bytes).unwrap().credential.unwrap();
            assert_eq!((read.id, read.key), (&id[..], &[0xa1, 0x01, 0x02][..]));
        }
        for length in [0, 15, 1024, 0xffff] {
            let bytes = data(0x45, &credential(&vec![7; length]));
            assert_eq!(AuthenticatorData::parse(&bytes), Err(Refusal::CredentialId), "{length}");
        }
    }

    #[test]
    fn g53_authenticator_data_end_where_their_flags_say() {
        let credential = credential(&[7; 16]);
        let extensions = [&credential[..], &[0xa0]].concat();
        assert!(AuthenticatorData::parse(&data(0x85, &[0xa0])).is_ok());
        assert!(AuthenticatorData::parse(&data(0xc5, &extensions)).is_ok());
        for (flags, more) in [
            (0x05, &[0xa0][..]),
            (0x05, &credential),
            (0x45, &extensions),
            (0x85, &[]),
            (0x85, &[0x80]),
            (0x85, &[0xa0, 0xa0]),
            (0xc5, &credential),
            (0x45, &[]),
            (0x45, &credential[..credential.len() - 1]),
        ] {
            let bytes = data(flags, more);
            let read = AuthenticatorData::parse(&bytes);
            assert!(matches!(read, Err(Refusal::Malformed(_))), "{flags:x} {more:x?} {read:?}");
        }
        let whole = data(0xc5, &extensions);
        for length in 0..whole.len() {
            assert!(AuthenticatorData::parse(&whole[..length]).is_err(), "{length}");
        }
    }
}
