//! Rules of the kinds that say what somebody saw. They move nothing but the mark of a dispute.

use chipledger_schemas::records::Kind;

use super::Rule;

const NOBODY: &str = "nobody";
const NONE: &str = "none";
const UNCHANGED: &str = "unchanged";
const NO_ITEM: &str = "names no item";
const NO_EVIDENCE: &str = "none: it names no item";

/// A rule about what somebody saw that touches no document.
const fn rule(
    kind: Kind,
    signer: &'static str,
    relation: &'static str,
    evidence: &'static str,
) -> Rule {
    Rule {
        kind,
        signer,
        agreement: NOBODY,
        relation,
        status: UNCHANGED,
        accounts: NONE,
        documents: NONE,
        evidence,
    }
}

pub(super) const RULES: &[Rule] = &[
    rule(
        Kind::DeclareInventory,
        "the site's operator; anyone else for what it holds",
        "any item that exists, at the operator's site; otherwise held by the signer",
        "declared",
    ),
    rule(
        Kind::Inspect,
        "inspector, customs or regulator",
        "found, absent and tampered: registered; extra: any label; ended items too",
        "inspected, or customs where customs inspect; unchanged for what is absent",
    ),
    rule(
        Kind::Sighting,
        "inspector, customs, regulator, carrier or operator",
        "any label; ended items too",
        "unchanged: the book does not have it there",
    ),
    rule(
        Kind::AttestLocation,
        "inspector, operator, fab or customs",
        "registered; ended items too",
        "attested if consistent with the book; otherwise unchanged",
    ),
    rule(
        Kind::DeviceReport,
        "any member; the chip's registered key signs the report itself",
        "a chip with that key; ended chips too",
        "attested",
    ),
    rule(
        Kind::ReportEnergy,
        "the site's operator",
        NO_ITEM,
        NO_EVIDENCE,
    ),
    rule(Kind::DeclareProduction, "fab", NO_ITEM, NO_EVIDENCE),
    Rule {
        documents: "opens a run, for regulators to decide on",
        ..rule(
            Kind::DeclareRun,
            "the operator that the run is named after",
            NO_ITEM,
            NO_EVIDENCE,
        )
    },
    Rule {
        documents: "puts the regulator's decision on the run; its later decision replaces its earlier one",
        ..rule(Kind::ApproveRun, "regulator", NO_ITEM, NO_EVIDENCE)
    },
    rule(
        Kind::DeclarePayment,
        "regulator or customs; a distributor, operator or fab for what it paid or was paid",
        NO_ITEM,
        NO_EVIDENCE,
    ),
    rule(
        Kind::Tip,
        "regulator",
        "any label; ended items too",
        "unchanged",
    ),
    Rule {
        accounts: "none; the items' amounts are marked disputed in their account and in every total",
        ..rule(
            Kind::Dispute,
            "open: who holds or owns the item, customs, regulator or inspector; resolve: who opened it, or a \
             regulator, who settles all",
            "any item that exists; the dispute covers what is inside",
            "unchanged",
        )
    },
    Rule {
        agreement: "who had to agree to the statement: the owner for a title, a witness for a destruction \
                    or a broken seal",
        status: "that before the record corrected; a registration or a new unit: -> void",
        accounts: "the postings of the record corrected, the other way round; then those of the replacement",
        documents: "what shipments, licences, clearances and orders counted is taken back; goods voided or \
                    redirected are on their way as before, where policy lets them leave now; a device key \
                    of a voided chip is free again",
        ..rule(
            Kind::Correct,
            "whoever made the statement, as the facts before and after it tell; or regulators with more than \
             two thirds of the seats",
            "items whose latest movement is the record corrected; what contains them has not moved since",
            "declared",
        )
    },
    rule(
        Kind::Annotate,
        "any member",
        "names no item; that the record exists is not checked, for execution reads committed state only",
        NO_EVIDENCE,
    ),
    Rule {
        documents: "stores how the alert was closed; a later record on it replaces that",
        ..rule(
            Kind::CloseAlert,
            "customs, regulator or inspector",
            NO_ITEM,
            NO_EVIDENCE,
        )
    },
    Rule {
        documents: "enters what was signed under its id, to be proven; nobody loses a seat by it",
        ..rule(
            Kind::ReportEquivocation,
            "customs, regulator or inspector",
            NO_ITEM,
            NO_EVIDENCE,
        )
    },
];
