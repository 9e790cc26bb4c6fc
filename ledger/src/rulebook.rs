//! The rulebook: per kind of record who signs it, what it does, and which codes it can be rejected
//! with.
//!
//! `docs/records.md` is [`page()`]. A test compares both the page and [`codes::of`] with the
//! sources of the rules, so neither can drift.

use chipledger_schemas::records::{Group, Kind};

use crate::rejection::Code;

pub mod codes;
mod custody;
mod evidence;
mod governance;
mod page;

pub use page::page;

/// What holds of one kind of record, in words.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The kind.
    pub kind: Kind,
    /// Who signs: the roles, or the relation to what the record names.
    pub signer: &'static str,
    /// Who co-signs or approves.
    pub agreement: &'static str,
    /// What the signer is to the items, and what the items must be.
    pub relation: &'static str,
    /// Status of the items before and after.
    pub status: &'static str,
    /// Accounts debited and credited.
    pub accounts: &'static str,
    /// Effect on licences, quotas and other documents.
    pub documents: &'static str,
    /// Evidence that the facts of the items rest on afterwards.
    pub evidence: &'static str,
}

impl Rule {
    /// Its cells with their headings, in the order of the page.
    pub fn cells(&self) -> [(&'static str, &'static str); 7] {
        [
            ("Signed by", self.signer),
            ("Co-signed or approved by", self.agreement),
            ("Relation to the items", self.relation),
            ("Status", self.status),
            ("Accounts", self.accounts),
            ("Licences and documents", self.documents),
            ("Evidence", self.evidence),
        ]
    }
}

/// The rules of every kind, in canonical order.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    governance::RULES
        .iter()
        .chain(custody::RULES)
        .chain(evidence::RULES)
}

/// What every transaction can be rejected with before its records are looked at, in order of
/// precedence.
pub const ENVELOPE: &[Code] = &[
    Code::UnknownVersion,
    Code::WrongChain,
    Code::TransactionTooLarge,
    Code::NoRecords,
    Code::WindowTooLong,
    Code::Malformed,
    Code::TooManyItems,
    Code::BadSignature,
    Code::NotYetValid,
    Code::Expired,
    Code::DuplicateTransaction,
    Code::MemberUnknown,
    Code::MemberSuspended,
    Code::KeyUnknown,
    Code::KeyNotOfMember,
    Code::KeyNotValid,
    Code::PeerKey,
    Code::KeyClassInsufficient,
    Code::ExecutionFailed,
];

/// Heading of a group.
pub(crate) fn heading(group: Group) -> &'static str {
    match group {
        Group::Governance => "Parties and policy",
        Group::Custody => "Custody",
        Group::Evidence => "Evidence",
    }
}
