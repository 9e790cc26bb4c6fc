//! Drafts: what the world's transactions will say, before anybody signs.

use chipledger_schemas::ids::{GenesisHash, MemberId, TransactionId};
use chipledger_schemas::records::Record;
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION, Transaction, WINDOW_MS_MAX};
use chipledger_schemas::words::KeyClass;

use super::keys::Keyring;

/// A member and the class of key that it signs with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Signer {
    pub(super) member: MemberId,
    pub(super) class: KeyClass,
}

/// A transaction to be: it becomes bytes when its turn comes, so that the whole world need not be
/// in memory signed.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) signed_at: Time,
    pub(super) author: Signer,
    pub(super) cosigners: Vec<Signer>,
    pub(super) records: Vec<Record>,
}

impl Draft {
    fn body(&self, genesis: GenesisHash, keys: &mut Keyring) -> Body {
        let author = &self.author;
        let key = keys.signing(&author.member, author.class, self.signed_at);
        Body {
            version: TRANSACTION_VERSION,
            genesis,
            member: author.member.clone(),
            key: key.public(),
            signed_at: self.signed_at,
            valid_from: self.signed_at,
            valid_until: self.signed_at.plus_ms(WINDOW_MS_MAX),
            records: self.records.clone(),
        }
    }

    /// The id that the transaction will have.
    pub(super) fn id(&self, genesis: GenesisHash, keys: &mut Keyring) -> TransactionId {
        self.body(genesis, keys).id()
    }

    /// The transaction, signed by everybody whom it needs.
    pub(super) fn sign(&self, genesis: GenesisHash, keys: &mut Keyring) -> Transaction {
        let body = self.body(genesis, keys);
        let author = &self.author;
        let signed = body.sign(keys.signing(&author.member, author.class, self.signed_at));
        self.cosigners.iter().fold(signed, |transaction, cosigner| {
            let key = keys.signing(&cosigner.member, cosigner.class, self.signed_at);
            transaction.cosign(cosigner.member.clone(), key)
        })
    }
}
