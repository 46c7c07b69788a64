//! Passwords made comparable without being kept.

use std::fmt;

use ring::hmac::{self, HMAC_SHA256};
use ring::rand::SystemRandom;
use subtle::ConstantTimeEq as _;

/// A key that only this process knows.
pub(super) struct ProofKey(hmac::Key);

/// A digest of secrets, worthless without the [`ProofKey`] and of one length whatever they were.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(super) struct Proof([u8; 32]);

impl ProofKey {
    pub(super) fn random() -> Self {
        let key = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new());
        Self(key.expect("the system's random source, once seeded, never fails"))
    }

    /// Digests `parts`; each counts with its length, so that no two lists of them are the same.
    pub(super) fn prove(&self, parts: &[&[u8]]) -> Proof {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        let mut proof = [0; 32];
        proof.copy_from_slice(context.sign().as_ref());
        Proof(proof)
    }
}

impl Proof {
    /// Whether both are of the same secrets, in a time that does not depend on where they differ.
    pub(super) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<key>")
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<proof>")
    }
}
