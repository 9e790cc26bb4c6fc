//! Rejections: what the ledger's rules say no to, with a stable code and what the submitter should
//! do.
//!
//! The order of the codes is their precedence: where several apply, the first is given.

use std::fmt;

use chipledger_schemas::api::RuleRejection;
use serde::Serialize;

macro_rules! codes {
    ($($variant:ident = $code:literal, $hint:literal;)*) => {
        /// A stable rejection code.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $(#[doc = $hint] $variant,)*
        }

        impl Code {
            /// Every code, in order of precedence.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as members see it; never changes.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What the submitter should do.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }
        }
    };
}

codes! {
    UnknownVersion = "unknown_version", "Sign the transaction with a program of the ledger's version.";
    WrongChain = "wrong_chain", "The transaction is for another ledger; sign it with this ledger's genesis hash.";
    TransactionTooLarge = "transaction_too_large", "Split the records over several transactions.";
    NoRecords = "no_records", "A transaction has 1 to 1,000 records.";
    WindowTooLong = "window_too_long", "valid_until must be after valid_from, by at most 7 days.";
    NotYetValid = "not_yet_valid", "Submit again once block time has reached valid_from.";
    Expired = "expired", "The window is over; sign it anew.";
    DuplicateTransaction = "duplicate_transaction", "It is on the ledger already; look it up by its id.";
    Malformed = "malformed", "Correct the field that the message names.";
    TooManyItems = "too_many_items", "Split the items over several records.";
    BadSignature = "bad_signature", "Sign with the key that the transaction names, over this ledger.";
    MemberUnknown = "member_unknown", "The member must be admitted first (set_member).";
    MemberSuspended = "member_suspended", "A suspended or succeeded member signs nothing; ask a regulator.";
    KeyUnknown = "key_unknown", "Register the key first (set_key).";
    KeyNotOfMember = "key_not_of_member", "The key belongs to another member; sign with your own.";
    KeyNotValid = "key_not_valid", "The key is not yet valid, has lapsed or was revoked; sign with another.";
    PeerKey = "peer_key", "A peer's key is its identity and signs nothing; sign with a clerk or admin key.";
    KeyClassInsufficient = "key_class_insufficient", "Governance needs an admin key.";
    RoleMissing = "role_missing", "The member's roles do not include the one this kind needs.";
    CosignatureMissing = "cosignature_missing", "Have the member named in the message co-sign.";
    QuorumMissing = "quorum_missing", "Propose it, or have more than two thirds of the regulators co-sign.";
    NotAuthority = "not_authority", "Only the authority named in the message may do this.";
    SiteUnknown = "site_unknown", "Declare the site first (set_site).";
    ModelUnknown = "model_unknown", "Add the model to the catalogue first (set_model).";
    JurisdictionMismatch = "jurisdiction_mismatch", "The customs member is not of the jurisdiction concerned.";
    DocumentTaken = "document_taken", "The reference is in use; choose another.";
    DocumentUnknown = "document_unknown", "No such document; check the reference.";
    DocumentClosed = "document_closed", "The document is closed, withdrawn, revoked or expired.";
    DocumentMismatch = "document_mismatch", "The document does not fit this record; the message says where.";
    IssuerTaken = "issuer_taken", "The issuer prefix belongs to another member.";
    IssuerNotOwned = "issuer_not_owned", "Name new items under an issuer prefix of your own.";
    ParentCycle = "parent_cycle", "A member cannot control itself through others.";
    KeyTaken = "key_taken", "The key is registered already; make a new one.";
    ItemUnknown = "item_unknown", "The item is not registered; check the id, or report a sighting.";
    SerialTaken = "serial_taken", "The serial is registered already, whatever the model.";
    DeviceKeyTaken = "device_key_taken", "The attestation key is registered with another chip.";
    DeviceKeyUnknown = "device_key_unknown", "A chip reports with the attestation key that it was registered with.";
    ItemEnded = "item_ended", "The item was destroyed or voided; nothing can happen to it.";
    NotAChip = "not_a_chip", "Only a chip can be named here.";
    NotAUnit = "not_a_unit", "Only a unit can be named here.";
    ModelMismatch = "model_mismatch", "The new chip must be of the old one's model.";
    ItemNotHeld = "item_not_held", "Only who holds the item may do this.";
    ItemNotOwned = "item_not_owned", "Only who owns the item may do this.";
    ItemContained = "item_contained", "Unpack the item first, or name its outermost unit.";
    ItemNotContained = "item_not_contained", "The item is in no unit.";
    ItemTwice = "item_twice", "An item is named both itself and through its container; name one of them.";
    ItemInTransit = "item_in_transit", "Receive the item first.";
    ItemNotInShipment = "item_not_in_shipment", "The item is not under way in this shipment.";
    NotAllNamed = "not_all_named", "Name every item of the shipment that is still under way.";
    NotOneSite = "not_one_site", "All items must be at one site; split the record.";
    WrongSite = "wrong_site", "The item is at another site.";
    UnitTooSmall = "unit_too_small", "A unit holds smaller kinds only: module, board, server, rack, case, pallet.";
    UnitKindMismatch = "unit_kind_mismatch", "The unit exists and is of another kind.";
    TooDeep = "too_deep", "Units nest at most 8 deep.";
    ContentTooMixed = "content_too_mixed", "A unit holds at most 32 combinations of model, owner, user and status.";
    ContentTooLarge = "content_too_large", "The ledger counts no further; split the unit.";
    Sealed = "sealed", "Break the seal first (break_seal).";
    SealMismatch = "seal_mismatch", "The item bears another seal, or none.";
    StatusForbids = "status_forbids", "The item's status does not allow this; the message says which would.";
    InFuture = "in_future", "occurred_at lies more than two minutes after block time; check the clock.";
    OutOfOrder = "out_of_order", "occurred_at lies before the item's last movement; correct that one first.";
    LicenceRequired = "licence_required", "Policy demands a licence for this shipment.";
    LicenceMismatch = "licence_mismatch", "The licence does not cover this shipment; the message says where.";
    LicenceExhausted = "licence_exhausted", "The licence's quota is used up.";
    ClearanceRequired = "clearance_required", "Policy demands an exit clearance for this shipment.";
    ClearanceMismatch = "clearance_mismatch", "The clearance does not cover this shipment; the message says where.";
    VettingRequired = "vetting_required", "Policy demands that the receiver is vetted.";
    LimitExceeded = "limit_exceeded", "The shipment would exceed a limit that is enforced.";
    NotLatest = "not_latest", "Correct the item's later movements first, newest first.";
    CarriedMismatch = "carried_mismatch", "The movement carried is not the one that the item's leaf commits to.";
    ModelVersionMismatch = "model_version_mismatch", "The new version must be numbered one above the latest.";
    ValidatorsInvalid = "validators_invalid", "The message says which rule the validator set breaks.";
    LastRegulator = "last_regulator", "One regulator at least must keep its seat; admit another first.";
    UpgradeInvalid = "upgrade_invalid", "The version must be the next one and the height at least two ahead.";
    EquivocationSame = "equivocation_same", "Both statements say the same; report two that differ.";
    EquivocationUnsigned = "equivocation_unsigned", "Report statements as the key named signed them.";
    SeatUnknown = "seat_unknown", "The key had no such seat at that height; check key, member and height.";
    EquivocationKnown = "equivocation_known", "It is on the ledger already; look it up by its id.";
    ExecutionFailed = "execution_failed", "The record could not be executed and was set aside; report it with its id.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A transaction that the rules say no to. Nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Rejection {
    /// The stable code.
    pub code: Code,
    /// The facts of this case.
    pub detail: String,
    /// Which record of the transaction, from 0, if one of them.
    pub record: Option<u32>,
}

impl Rejection {
    /// A rejection of a whole transaction.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            record: None,
        }
    }

    /// The rejection as it is told over HTTP.
    pub fn told(&self) -> RuleRejection {
        RuleRejection {
            code: self.code.as_str().to_owned(),
            message: self.detail.clone(),
            hint: self.code.hint().to_owned(),
            record: self.record,
        }
    }
}

/// Why a record does not go through: the rules say no, or the state cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The rules say no: nothing changes, the submitter is told.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The state cannot be read: stop.
    #[error(transparent)]
    Fatal(#[from] crate::state::StateError),
}

/// Rejects with a code and the facts of the case.
pub(crate) fn reject<T>(code: Code, detail: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Rejected(Rejection::new(code, detail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_its_variant_in_snake_case_and_says_what_to_do() {
        for code in Code::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
            assert!(code.hint().len() > 20, "{code}");
        }
    }
}
