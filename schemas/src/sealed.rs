//! Fields that only some members may read: price, personal and case data.
//!
//! The ledger holds a ciphertext per recipient (HPKE, RFC 9180, to the members' X25519 keys) and a
//! salted commitment: whoever can read the field can show it to a judge, and nobody can guess a
//! small amount from its digest. No personal data in clear, ever: nothing can be erased.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::encode::encode;
use crate::hash::{self, Hash};
use crate::ids::MemberId;
use crate::keys::NoRandomness;

/// The most bytes of a sealed text.
pub const SEALED_BYTES_MAX: usize = 2_048;
/// The most recipients of a sealed field.
pub const RECIPIENTS_MAX: usize = 32;

/// A member's X25519 public key, hexadecimal in JSON.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct EncryptionKey(
    #[serde(with = "hash::bytes_or_hex")]
    #[schemars(with = "String")]
    pub [u8; 32],
);

/// The ciphertext for one recipient.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// Who can open it.
    pub member: MemberId,
    /// HPKE encapsulated key.
    #[serde(with = "hash::bytes_or_hex")]
    #[schemars(with = "String")]
    pub encapsulated: [u8; 32],
    /// Salt and text, encrypted.
    #[serde(with = "hash::byte_list_or_hex")]
    #[schemars(with = "String")]
    pub ciphertext: Vec<u8>,
}

/// A sealed field.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Digest of salt and text: what the signer is bound to.
    pub commitment: Hash,
    /// One copy per recipient, sorted by member.
    pub copies: Vec<Copy>,
}

/// Why a field cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Shorten the text.
    #[error("{got} bytes are more than the {SEALED_BYTES_MAX} that a sealed field may have")]
    TooLong {
        /// Bytes given.
        got: usize,
    },
    /// Name 1 to 32 recipients, each once.
    #[error("name 1 to {RECIPIENTS_MAX} recipients, each once")]
    Recipients,
    /// The recipient's encryption key is not valid: ask for another.
    #[error("the encryption key of {member} is not valid")]
    BadKey {
        /// The recipient.
        member: MemberId,
    },
    /// No copy is for this member: it was not meant to read the field.
    #[error("no copy is addressed to {member}")]
    NotAddressed {
        /// The reader.
        member: MemberId,
    },
    /// The ciphertext does not open with this key, or not to what the commitment says: its author
    /// lied.
    #[error("the field does not open to what its author committed to")]
    Corrupt,
    /// See [`NoRandomness`].
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

const INFO: &[u8] = b"chipledger v1 sealed field";

fn commitment(salt: &[u8; 32], text: &str) -> Hash {
    hash::SEALED.hash(&encode(&(salt, text)))
}

impl Sealed {
    /// Seals `text` to `recipients`.
    pub fn seal(text: &str, recipients: &[(MemberId, EncryptionKey)]) -> Result<Self, SealError> {
        if text.len() > SEALED_BYTES_MAX {
            return Err(SealError::TooLong { got: text.len() });
        }
        let mut recipients = recipients.to_vec();
        recipients.sort_unstable();
        let distinct = recipients.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if recipients.is_empty() || recipients.len() > RECIPIENTS_MAX || !distinct {
            return Err(SealError::Recipients);
        }
        let mut salt = Zeroizing::new([0; 32]);
        getrandom::fill(salt.as_mut_slice()).map_err(NoRandomness)?;
        let commitment = commitment(&salt, text);
        let plain = Zeroizing::new(encode(&(&*salt, text)));
        let copies = recipients
            .into_iter()
            .map(|(member, key)| seal_copy(member, &key, &commitment, &plain))
            .collect::<Result<_, _>>()?;
        Ok(Self { commitment, copies })
    }

    /// Opens `member`'s copy with its secret X25519 key and checks the commitment.
    pub fn open(&self, member: &MemberId, secret: &[u8; 32]) -> Result<String, SealError> {
        let copy = self
            .copies
            .iter()
            .find(|copy| copy.member == *member)
            .ok_or_else(|| SealError::NotAddressed {
                member: member.clone(),
            })?;
        let corrupt = |_| SealError::Corrupt;
        let key = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(secret).map_err(corrupt)?;
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&copy.encapsulated)
            .map_err(corrupt)?;
        let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &key,
            &encapsulated,
            INFO,
            &copy.ciphertext,
            self.commitment.as_bytes(),
        )
        .map_err(corrupt)?;
        let (salt, text): ([u8; 32], String) =
            crate::encode::decode(&plain).map_err(|_| SealError::Corrupt)?;
        if commitment(&salt, &text) != self.commitment {
            return Err(SealError::Corrupt);
        }
        Ok(text)
    }

    /// Bounds that the ledger holds every sealed field to.
    pub fn is_well_formed(&self) -> bool {
        let sorted = self
            .copies
            .windows(2)
            .all(|pair| pair[0].member < pair[1].member);
        let short = |copy: &Copy| copy.ciphertext.len() <= SEALED_BYTES_MAX + 64;
        (1..=RECIPIENTS_MAX).contains(&self.copies.len()) && sorted && self.copies.iter().all(short)
    }
}

fn seal_copy(
    member: MemberId,
    key: &EncryptionKey,
    commitment: &Hash,
    plain: &[u8],
) -> Result<Copy, SealError> {
    let bad = |_| SealError::BadKey {
        member: member.clone(),
    };
    let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&key.0).map_err(bad)?;
    let (encapsulated, ciphertext) = hpke::single_shot_seal::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
    >(
        &OpModeS::Base, &public, INFO, plain, commitment.as_bytes()
    )
    .map_err(bad)?;
    let encapsulated = encapsulated.to_bytes().into();
    Ok(Copy {
        member,
        encapsulated,
        ciphertext,
    })
}

/// A new X25519 pair: (secret, public).
pub fn generate_encryption_key() -> Result<(Zeroizing<[u8; 32]>, EncryptionKey), NoRandomness> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(NoRandomness)?;
    let (secret, public) = X25519HkdfSha256::derive_keypair(&*seed);
    Ok((
        Zeroizing::new(secret.to_bytes().into()),
        EncryptionKey(public.to_bytes().into()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Reader {
        member: MemberId,
        secret: Zeroizing<[u8; 32]>,
        key: EncryptionKey,
    }

    fn reader(member: &str) -> Reader {
        let (secret, key) = generate_encryption_key().unwrap();
        let member = member.parse().unwrap();
        Reader {
            member,
            secret,
            key,
        }
    }

    fn seal(text: &str, readers: &[&Reader]) -> Result<Sealed, SealError> {
        let recipients: Vec<_> = readers.iter().map(|r| (r.member.clone(), r.key)).collect();
        Sealed::seal(text, &recipients)
    }

    #[test]
    fn every_recipient_opens_the_field_and_nobody_else_does() {
        let (buyer, customs, other) = (reader("BUYER"), reader("CUSTOMS"), reader("OTHER"));
        // Recipients in any order; the copies are sorted.
        let sealed = seal("USD 1,000,000", &[&customs, &buyer]).unwrap();
        assert!(sealed.is_well_formed());
        for reader in [&buyer, &customs] {
            let text = sealed.open(&reader.member, &reader.secret).unwrap();
            assert_eq!(text, "USD 1,000,000");
        }
        let refused = sealed.open(&other.member, &other.secret);
        assert!(matches!(refused, Err(SealError::NotAddressed { .. })));
        let wrong_key = sealed.open(&buyer.member, &other.secret);
        assert!(matches!(wrong_key, Err(SealError::Corrupt)));
    }

    #[test]
    fn equal_texts_have_commitments_that_nobody_can_compare() {
        let reader = reader("A");
        let (one, other) = (
            seal("1", &[&reader]).unwrap(),
            seal("1", &[&reader]).unwrap(),
        );
        assert_ne!(one.commitment, other.commitment);
        assert_ne!(one.copies[0].ciphertext, other.copies[0].ciphertext);
    }

    #[test]
    fn a_changed_commitment_ciphertext_or_encapsulated_key_does_not_open() {
        let reader = reader("A");
        let sealed = seal("500 units", &[&reader]).unwrap();
        let changes: [fn(&mut Sealed); 4] = [
            |s| s.commitment.0[0] ^= 1,
            |s| s.copies[0].ciphertext[0] ^= 1,
            |s| s.copies[0].encapsulated[0] ^= 1,
            |s| s.copies[0].ciphertext.clear(),
        ];
        for change in changes {
            let mut forged = sealed.clone();
            change(&mut forged);
            let refused = forged.open(&reader.member, &reader.secret);
            assert!(matches!(refused, Err(SealError::Corrupt)));
        }
    }

    #[test]
    fn an_author_who_seals_another_text_than_it_committed_to_is_found_out() {
        let reader = reader("A");
        let lie = commitment(&[7; 32], "500 units");
        let plain = encode(&([7_u8; 32], "5 units"));
        let copy = seal_copy(reader.member.clone(), &reader.key, &lie, &plain).unwrap();
        let sealed = Sealed {
            commitment: lie,
            copies: vec![copy],
        };
        let refused = sealed.open(&reader.member, &reader.secret);
        assert!(matches!(refused, Err(SealError::Corrupt)));
    }

    #[test]
    fn bounds_hold_when_sealing_and_when_reading() {
        let one = reader("A");
        let long = "x".repeat(SEALED_BYTES_MAX + 1);
        assert!(matches!(
            seal(&long, &[&one]),
            Err(SealError::TooLong { got: 2_049 })
        ));
        assert!(matches!(seal("x", &[]), Err(SealError::Recipients)));
        assert!(matches!(
            seal("x", &[&one, &one]),
            Err(SealError::Recipients)
        ));
        let longest = seal(&long[1..], &[&one]).unwrap();
        assert!(longest.is_well_formed());
        let mut too_long = longest.clone();
        too_long.copies[0]
            .ciphertext
            .resize(SEALED_BYTES_MAX + 65, 0);
        assert!(!too_long.is_well_formed());
        let mut twice = longest.clone();
        twice.copies.push(longest.copies[0].clone());
        assert!(!twice.is_well_formed());
        assert!(
            !Sealed {
                copies: vec![],
                ..longest
            }
            .is_well_formed()
        );
    }

    #[test]
    fn an_encryption_key_of_small_order_is_refused() {
        let sealed = Sealed::seal("x", &[("A".parse().unwrap(), EncryptionKey([0; 32]))]);
        assert!(matches!(sealed, Err(SealError::BadKey { .. })));
    }
}
