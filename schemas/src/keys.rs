//! Ed25519 keys: one signature rule everywhere, `verify_strict`, never the batch verifier (batch
//! and single verification may disagree on crafted signatures, and then honest peers fork).

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::ids::{PublicKey, Signature};

/// A secret signing key; wiped from memory when dropped.
pub struct SecretKey(SigningKey);

/// The text is no secret key. Give the 64 hexadecimal digits of a key file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a secret key is 64 hexadecimal digits")]
pub struct NotASecretKey;

/// The operating system gave no randomness. Try again; if it persists, the system is broken.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness: {0}")]
pub struct NoRandomness(pub getrandom::Error);

impl SecretKey {
    /// A new key from the operating system's randomness.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(NoRandomness)?;
        Ok(Self::from_seed(&seed))
    }

    /// The key of a 32-byte seed (RFC 8032's secret key).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads the hexadecimal seed of a key file.
    pub fn from_hex(text: &str) -> Result<Self, NotASecretKey> {
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), seed.as_mut_slice()).map_err(|_| NotASecretKey)?;
        Ok(Self::from_seed(&seed))
    }

    /// The hexadecimal seed, for the key file.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_bytes()))
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a preimage (a digest, everywhere in this project).
    pub fn sign(&self, preimage: &[u8; 32]) -> Signature {
        Signature(self.0.sign(preimage).to_bytes())
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({})", self.public())
    }
}

/// Whether `signature` is `key`'s over `preimage`: small-order keys and points, and any
/// non-canonical encoding, are refused (RFC 8032 section 5.1.7 with the checks of `ed25519-dalek`'s
/// `verify_strict`).
pub fn verify_strict(key: &PublicKey, preimage: &[u8; 32], signature: &Signature) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(&key.0) else {
        return false;
    };
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    key.verify_strict(preimage, &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_verifies_under_its_key_and_preimage_only() {
        let key = SecretKey::from_seed(&[7; 32]);
        let signature = key.sign(&[1; 32]);
        assert!(verify_strict(&key.public(), &[1; 32], &signature));
        assert!(!verify_strict(&key.public(), &[2; 32], &signature));
        let other = SecretKey::from_seed(&[8; 32]);
        assert!(!verify_strict(&other.public(), &[1; 32], &signature));
    }

    #[test]
    fn refuses_a_small_order_key_that_verifies_anything() {
        // The identity point as key, with R = identity and S = 0, satisfies the lax equation for
        // every message.
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!verify_strict(
            &PublicKey(identity),
            &[1; 32],
            &Signature(signature)
        ));
    }

    #[test]
    fn refuses_a_signature_whose_scalar_is_not_reduced() {
        // S + L is the same scalar in another encoding: malleability (RFC 8032 section 8.4).
        const L: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
            0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let key = SecretKey::from_seed(&[7; 32]);
        let mut bytes = key.sign(&[1; 32]).0;
        let mut carry = 0_u16;
        for (byte, l) in bytes[32..].iter_mut().zip(L) {
            let sum = u16::from(*byte) + u16::from(l) + carry;
            *byte = (sum & 0xff) as u8;
            carry = sum >> 8;
        }
        assert!(!verify_strict(&key.public(), &[1; 32], &Signature(bytes)));
    }
}
