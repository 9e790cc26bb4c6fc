//! Rules of the kinds about parties and policy. Every one of them needs an admin key.

use chipledger_schemas::records::Kind;

use super::Rule;

const QUORUM: &str = "regulators with more than two thirds of the seats, as author and co-signers with \
                      admin keys or through a proposal";
const NO_ITEM: &str = "names no item";
const NO_STATUS: &str = "unchanged";
const NO_POSTING: &str = "none";
const NO_DOCUMENT: &str = "none";
const NO_EVIDENCE: &str = "none: it names no item";

/// A rule about parties and policy that touches no item and no account.
const fn rule(kind: Kind, signer: &'static str, agreement: &'static str) -> Rule {
    Rule {
        kind,
        signer,
        agreement,
        relation: NO_ITEM,
        status: NO_STATUS,
        accounts: NO_POSTING,
        documents: NO_DOCUMENT,
        evidence: NO_EVIDENCE,
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        accounts: "none; when the parent changes, totals move from the old ultimate parent to the new one",
        ..rule(
            Kind::SetMember,
            "a regulator; the member itself may change its name and its encryption key",
            QUORUM,
        )
    },
    Rule {
        documents: "departures under a policy that demands vetting are judged by the latest outcome",
        ..rule(
            Kind::VetMember,
            "customs or regulator, another member than the one checked",
            "nobody",
        )
    },
    Rule {
        documents: "none; the member's validator leaves the set in the same act",
        ..rule(Kind::SuspendMember, "a regulator", QUORUM)
    },
    Rule {
        accounts: "every account in which the member holds, owns or uses: debited, and credited to the same \
                   account with the successor in its place; totals of owner and parent follow",
        documents: "its documents, sites and prefixes are the successor's; its validator leaves the set",
        ..rule(Kind::SucceedMember, "a regulator", QUORUM)
    },
    rule(
        Kind::SetKey,
        "the member itself with an admin key; any key may revoke itself; for another member a regulator",
        "nobody for one's own keys; otherwise regulators with more than two thirds of the seats",
    ),
    Rule {
        relation: "names no item; what stands at the site goes with it",
        accounts: "when the jurisdiction changes: every account at the site, or on the way from or to it, is \
                   debited, and credited with the new jurisdiction",
        ..rule(
            Kind::SetSite,
            "the site's operator, or customs of the claimed jurisdiction",
            "the other of the two; a new operator too; where the jurisdiction is ZZ, a regulator stands in \
             for customs",
        )
    },
    Rule {
        documents: "licences, limits and policies weigh by the latest version from then on",
        ..rule(Kind::SetModel, "a regulator", QUORUM)
    },
    Rule {
        documents: "grants the licence or changes its terms, what was used stays used; or ends it: \
                    shipments under way arrive irregular (licence_ended)",
        ..rule(
            Kind::SetLicence,
            "the regulator or customs member that the licence is named after",
            "nobody; in the authority's stead, regulators with more than two thirds of the seats",
        )
    },
    Rule {
        documents: "departures at or after block time are judged by it, if it is to be enforced",
        ..rule(
            Kind::SetLimit,
            "the regulator or customs member that the limit is named after",
            "nobody if it concerns that member's own jurisdiction only; otherwise regulators with more \
             than two thirds of the seats",
        )
    },
    Rule {
        documents: "departures and arrivals at or after block time are judged by it",
        ..rule(
            Kind::SetPolicy,
            "the regulator or customs member that the policy is named after",
            "nobody if it concerns that member's own jurisdiction only; otherwise regulators with more \
             than two thirds of the seats",
        )
    },
    rule(Kind::SetValidators, "a regulator", QUORUM),
    rule(Kind::ScheduleUpgrade, "a regulator", QUORUM),
    Rule {
        documents: "opens a proposal for at most 90 days; if the regulators who sign it are a quorum, it \
                    acts at once",
        ..rule(
            Kind::Propose,
            "any member that the proposal is named after",
            "nobody; regulators who sign it have voted for it",
        )
    },
    Rule {
        relation: "that of the record proposed",
        status: "as the record proposed says",
        accounts: "as the record proposed says",
        documents: "counts the vote; with more than two thirds of the seats, as they are then, the proposal \
                    acts and closes",
        ..rule(Kind::Approve, "a regulator", "nobody")
    },
    Rule {
        documents: "closes the proposal",
        ..rule(Kind::Withdraw, "the proposer", "nobody")
    },
];
