//! Codes that each kind can give. Read from the rules' sources by the test `rulebook`; do not edit.

use chipledger_schemas::records::Kind;

use crate::rejection::Code;

/// Codes that a kind can give, in the order in which its rule checks.
#[rustfmt::skip]
#[allow(clippy::too_many_lines, clippy::match_same_arms, reason = "a table, one row per kind")]
pub const fn of(kind: Kind) -> &'static [Code] {
    match kind {
        Kind::SetMember => &[
            Code::MemberUnknown, Code::MemberSuspended, Code::IssuerTaken, Code::ParentCycle,
            Code::QuorumMissing, Code::ValidatorsInvalid, Code::LastRegulator,
        ],
        Kind::VetMember => &[
            Code::MemberUnknown, Code::RoleMissing, Code::NotAuthority,
        ],
        Kind::SuspendMember => &[
            Code::MemberUnknown, Code::QuorumMissing, Code::ValidatorsInvalid,
            Code::LastRegulator,
        ],
        Kind::SucceedMember => &[
            Code::InFuture, Code::MemberUnknown, Code::MemberSuspended, Code::QuorumMissing,
            Code::ParentCycle, Code::ValidatorsInvalid, Code::LastRegulator,
        ],
        Kind::SetKey => &[
            Code::MemberUnknown, Code::KeyUnknown, Code::KeyNotOfMember, Code::QuorumMissing,
            Code::KeyTaken,
        ],
        Kind::SetSite => &[
            Code::MemberUnknown, Code::MemberSuspended, Code::CosignatureMissing, Code::InFuture,
            Code::OutOfOrder,
        ],
        Kind::SetModel => &[
            Code::QuorumMissing, Code::ModelVersionMismatch, Code::ContentTooLarge,
        ],
        Kind::SetLicence => &[
            Code::MemberUnknown, Code::RoleMissing, Code::NotAuthority, Code::ModelUnknown,
            Code::DocumentClosed, Code::DocumentUnknown,
        ],
        Kind::SetLimit => &[
            Code::MemberUnknown, Code::QuorumMissing, Code::SiteUnknown,
        ],
        Kind::SetPolicy => &[
            Code::MemberUnknown, Code::QuorumMissing,
        ],
        Kind::SetValidators => &[
            Code::MemberUnknown, Code::MemberSuspended, Code::QuorumMissing,
            Code::ValidatorsInvalid,
        ],
        Kind::ScheduleUpgrade => &[
            Code::QuorumMissing, Code::UpgradeInvalid,
        ],
        Kind::Propose => &[
            Code::Malformed, Code::DocumentTaken, Code::DocumentMismatch,
        ],
        Kind::Approve => &[
            Code::RoleMissing, Code::DocumentUnknown, Code::DocumentClosed,
        ],
        Kind::Withdraw => &[
            Code::NotAuthority, Code::DocumentUnknown, Code::DocumentClosed,
        ],
        Kind::Register => &[
            Code::InFuture, Code::RoleMissing, Code::SiteUnknown, Code::ModelUnknown,
            Code::IssuerNotOwned, Code::SerialTaken, Code::DeviceKeyTaken,
        ],
        Kind::Order => &[
            Code::InFuture, Code::RoleMissing, Code::MemberUnknown, Code::MemberSuspended,
            Code::SiteUnknown, Code::ModelUnknown, Code::DocumentTaken, Code::DocumentMismatch,
        ],
        Kind::Pack => &[
            Code::InFuture, Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder,
            Code::ItemNotHeld, Code::ItemContained, Code::ItemInTransit, Code::StatusForbids,
            Code::IssuerNotOwned, Code::Sealed, Code::UnitKindMismatch, Code::ContentTooMixed,
            Code::WrongSite, Code::UnitTooSmall, Code::NotAUnit, Code::TooDeep,
        ],
        Kind::Unpack => &[
            Code::InFuture, Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder,
            Code::ItemNotHeld, Code::ItemNotContained, Code::ItemInTransit, Code::Sealed,
        ],
        Kind::Seal => &[
            Code::InFuture, Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder, Code::NotAUnit,
            Code::ItemNotHeld, Code::Sealed,
        ],
        Kind::BreakSeal => &[
            Code::InFuture, Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder,
            Code::ItemNotHeld, Code::Sealed, Code::SealMismatch,
        ],
        Kind::Ship => &[
            Code::InFuture, Code::RoleMissing, Code::DocumentMismatch, Code::DocumentTaken,
            Code::MemberUnknown, Code::MemberSuspended, Code::SiteUnknown, Code::ItemUnknown,
            Code::ItemEnded, Code::OutOfOrder, Code::ItemNotHeld, Code::ItemContained,
            Code::ItemInTransit, Code::NotOneSite, Code::StatusForbids, Code::DocumentUnknown,
            Code::LicenceRequired, Code::LicenceMismatch, Code::ClearanceRequired,
            Code::VettingRequired, Code::DocumentClosed, Code::LicenceExhausted,
            Code::ClearanceMismatch, Code::LimitExceeded,
        ],
        Kind::VoidShipment => &[
            Code::InFuture, Code::DocumentUnknown, Code::DocumentClosed, Code::DocumentMismatch,
            Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder, Code::ItemContained,
            Code::ItemNotInShipment, Code::NotAllNamed,
        ],
        Kind::Redirect => &[
            Code::InFuture, Code::MemberUnknown, Code::MemberSuspended, Code::SiteUnknown,
            Code::DocumentUnknown, Code::DocumentClosed, Code::DocumentMismatch,
            Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder, Code::ItemContained,
            Code::ItemNotInShipment, Code::NotAllNamed, Code::StatusForbids,
            Code::LicenceRequired, Code::LicenceMismatch, Code::ClearanceRequired,
            Code::VettingRequired, Code::LicenceExhausted, Code::ClearanceMismatch,
            Code::LimitExceeded,
        ],
        Kind::Clear => &[
            Code::InFuture, Code::MemberUnknown, Code::RoleMissing, Code::JurisdictionMismatch,
            Code::DocumentUnknown, Code::DocumentMismatch,
        ],
        Kind::Receive => &[
            Code::InFuture, Code::RoleMissing, Code::SiteUnknown, Code::DocumentUnknown,
            Code::DocumentClosed, Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder,
            Code::ItemNotInShipment, Code::ItemContained, Code::StatusForbids, Code::ItemTwice,
            Code::DocumentTaken,
        ],
        Kind::TransferTitle => &[
            Code::InFuture, Code::MemberUnknown, Code::MemberSuspended, Code::CosignatureMissing,
            Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder, Code::ItemNotOwned,
            Code::ItemTwice, Code::LimitExceeded, Code::ContentTooMixed,
        ],
        Kind::SetUse => &[
            Code::InFuture, Code::MemberUnknown, Code::MemberSuspended, Code::ItemUnknown,
            Code::ItemEnded, Code::OutOfOrder, Code::ItemNotHeld, Code::ItemTwice,
            Code::ContentTooMixed,
        ],
        Kind::Install => &[
            Code::InFuture, Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder,
            Code::ItemNotHeld, Code::ItemInTransit, Code::StatusForbids, Code::ItemTwice,
            Code::ContentTooMixed,
        ],
        Kind::Remove => &[
            Code::InFuture, Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder,
            Code::ItemNotHeld, Code::ItemTwice, Code::StatusForbids, Code::ContentTooMixed,
        ],
        Kind::Decommission => &[
            Code::InFuture, Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder,
            Code::ItemNotHeld, Code::ItemTwice, Code::ItemInTransit, Code::StatusForbids,
            Code::ContentTooMixed,
        ],
        Kind::Destroy => &[
            Code::InFuture, Code::MemberUnknown, Code::MemberSuspended, Code::RoleMissing,
            Code::CosignatureMissing, Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder,
            Code::ItemNotHeld, Code::ItemContained, Code::StatusForbids,
        ],
        Kind::SetLoss => &[
            Code::InFuture, Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder,
            Code::ItemNotHeld, Code::ItemTwice, Code::StatusForbids,
        ],
        Kind::SetSeizure => &[
            Code::InFuture, Code::SiteUnknown, Code::RoleMissing, Code::JurisdictionMismatch,
            Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder, Code::ItemTwice,
            Code::StatusForbids, Code::MemberUnknown, Code::MemberSuspended, Code::ItemNotHeld,
            Code::ItemContained, Code::ItemInTransit,
        ],
        Kind::Replace => &[
            Code::InFuture, Code::ItemUnknown, Code::ItemEnded, Code::OutOfOrder, Code::NotAChip,
            Code::ModelMismatch, Code::ItemNotHeld, Code::ItemNotOwned, Code::ItemContained,
            Code::ItemInTransit, Code::WrongSite, Code::Sealed, Code::StatusForbids,
            Code::ContentTooMixed,
        ],
        Kind::DeclareInventory => &[
            Code::InFuture, Code::SiteUnknown, Code::ItemUnknown, Code::ItemEnded,
            Code::ItemNotHeld,
        ],
        Kind::Inspect => &[
            Code::InFuture, Code::RoleMissing, Code::SiteUnknown, Code::ItemUnknown,
        ],
        Kind::Sighting => &[
            Code::InFuture, Code::RoleMissing, Code::SiteUnknown,
        ],
        Kind::AttestLocation => &[
            Code::InFuture, Code::RoleMissing, Code::ItemUnknown,
        ],
        Kind::DeviceReport => &[
            Code::InFuture, Code::ItemUnknown, Code::NotAChip, Code::DeviceKeyUnknown,
            Code::BadSignature,
        ],
        Kind::ReportEnergy => &[
            Code::SiteUnknown, Code::NotAuthority, Code::InFuture,
        ],
        Kind::DeclareProduction => &[
            Code::RoleMissing, Code::ModelUnknown, Code::InFuture,
        ],
        Kind::DeclareRun => &[
            Code::RoleMissing, Code::SiteUnknown, Code::DocumentTaken, Code::DocumentMismatch,
        ],
        Kind::ApproveRun => &[
            Code::RoleMissing, Code::DocumentUnknown,
        ],
        Kind::DeclarePayment => &[
            Code::RoleMissing, Code::MemberUnknown, Code::NotAuthority, Code::DocumentUnknown,
            Code::InFuture,
        ],
        Kind::Tip => &[
            Code::RoleMissing,
        ],
        Kind::Dispute => &[
            Code::InFuture, Code::ItemUnknown, Code::ItemEnded, Code::NotAuthority,
            Code::StatusForbids, Code::ContentTooMixed,
        ],
        Kind::Correct => &[
            Code::ItemUnknown, Code::NotLatest, Code::CarriedMismatch, Code::NotAuthority,
            Code::CosignatureMissing, Code::ItemEnded, Code::NotAllNamed, Code::LicenceRequired,
            Code::LicenceMismatch, Code::ClearanceRequired, Code::VettingRequired,
            Code::DocumentUnknown, Code::DocumentClosed, Code::LicenceExhausted,
            Code::ClearanceMismatch, Code::LimitExceeded, Code::ContentTooMixed,
        ],
        Kind::Annotate => &[
        ],
        Kind::CloseAlert => &[
            Code::RoleMissing,
        ],
        Kind::ReportEquivocation => &[
            Code::RoleMissing, Code::EquivocationSame, Code::EquivocationUnsigned,
            Code::SeatUnknown, Code::EquivocationKnown,
        ],
    }
}
