//! Rules of the kinds that say what happened to items.

use chipledger_schemas::records::Kind;

use super::Rule;

const NOBODY: &str = "nobody";
const NONE: &str = "none";
const DECLARED: &str = "declared";
const SAME: &str = "unchanged";
const TRADERS: &str = "fab, distributor, operator or customs";
const HOLDER: &str = "who has custody, any role";
const HELD: &str = "held by the signer, itself or through its container";

/// A rule by which a holder moves items and touches no document.
const fn rule(kind: Kind, signer: &'static str) -> Rule {
    Rule {
        kind,
        signer,
        agreement: NOBODY,
        relation: HELD,
        status: SAME,
        accounts: NONE,
        documents: NONE,
        evidence: DECLARED,
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        relation: "new chips; made: under an issuer prefix of the signer; of unverified origin: under any \
                   prefix, and marked so",
        status: "none -> stock",
        accounts: "debits nothing (registered), credits (site; held, owned and used by the signer; stock)",
        ..rule(
            Kind::Register,
            "fab; for origin unverified also distributor, operator or customs",
        )
    },
    Rule {
        relation: "names no item",
        documents: "opens an order; shipments under it are counted and never held to it",
        evidence: "none: it names no item",
        ..rule(
            Kind::Order,
            "the fab, distributor, operator or customs member that the order is named after: the buyer",
        )
    },
    Rule {
        relation: "roots held by the signer, at one site with the unit; new units under a prefix of the \
                   signer; a unit is of a larger kind than what goes into it, nests at most 8 deep and \
                   bears no seal",
        status: "unchanged; a new unit has that of its first item",
        ..rule(Kind::Pack, HOLDER)
    },
    Rule {
        relation: "inside a unit that the signer holds, at a site, under no seal",
        status: "unchanged, now its own",
        ..rule(Kind::Unpack, HOLDER)
    },
    Rule {
        relation: "units without a seal so far, inside none that bears one",
        ..rule(
            Kind::Seal,
            "who has custody; an inspector; customs of where the unit is (under way: of either end)",
        )
    },
    Rule {
        relation: "units that bear this seal, inside none that bears another",
        ..rule(
            Kind::BreakSeal,
            "who has custody; an inspector; customs of where the unit is (under way: of either end)",
        )
    },
    Rule {
        relation: "roots held by the signer, all at one site; nothing seized, lost or stolen inside",
        status: "stock, decommissioned or irregular -> in_transit",
        accounts: "debits (from site, signer, stock), credits (transit from -> to; carrier or signer; in_transit)",
        documents: "opens a shipment; where policy demands them at block time: licence, exit clearance, \
                    vetting of the receiver, limits; counts chips and TPP against the licence, chips \
                    against the clearance and the order",
        ..rule(Kind::Ship, TRADERS)
    },
    Rule {
        relation: "every item of the shipment, nothing of it received yet",
        status: "in_transit -> stock",
        accounts: "debits (transit), credits (from site, shipper, stock)",
        documents: "closes the shipment as void; what it counted against licence, clearance and order returns",
        ..rule(Kind::VoidShipment, "the shipper; not of a return leg")
    },
    Rule {
        relation: "every item of the shipment that is still under way, none lost",
        accounts: "debits (transit from -> old destination), credits (transit from -> new destination)",
        documents: "the shipment has another receiver and site; what it counted against licence and \
                    clearance returns, then licence, clearance, vetting and limits are judged and counted anew",
        ..rule(Kind::Redirect, "the shipper; not of a return leg")
    },
    Rule {
        relation: "names no item",
        documents: "stores the clearance; a later record with the same reference and stage replaces the \
                    decision, what was used stays used",
        evidence: "none: it names no item",
        ..rule(
            Kind::Clear,
            "customs: of the jurisdiction left (exit) or entered (entry), any for transit; where the \
             jurisdiction is ZZ, a regulator stands in",
        )
    },
    Rule {
        relation: "found and refused: roots under way in the shipment; missing: under way in it; extra: any \
                   item",
        status: "found: in_transit -> stock; extra, unannounced, or where receiver, site, licence or entry \
                 clearance do not fit: -> irregular; missing and refused: in_transit",
        accounts: "found and extra: debits (transit, or wherever the book has it), credits (site, signer, \
                   stock or irregular); refused: credits (transit back)",
        documents: "closes its part of the shipment; refused goods open a return leg; quota returns when the \
                    shipper has the goods back",
        evidence: "two_sided for what the shipper announced and the receiver found; otherwise declared",
        ..rule(Kind::Receive, TRADERS)
    },
    Rule {
        agreement: "the new owner",
        relation: "owned by the signer; what is inside and has an owner of its own keeps it",
        accounts: "debits (old owner), credits (new owner); totals of both owners and their parents",
        documents: "limits on what one parent owns are judged at block time",
        ..rule(Kind::TransferTitle, "who owns it, any role")
    },
    Rule {
        relation: "owned or held by the signer",
        accounts: "debits (old user), credits (new user, or the owner)",
        ..rule(Kind::SetUse, "who owns it or has custody, any role")
    },
    Rule {
        relation: "held by the signer, at a site",
        status: "stock or irregular -> installed",
        accounts: "debits (stock or irregular), credits (installed)",
        ..rule(Kind::Install, HOLDER)
    },
    Rule {
        status: "installed -> stock",
        accounts: "debits (installed), credits (stock)",
        ..rule(Kind::Remove, HOLDER)
    },
    Rule {
        relation: "held by the signer, at a site",
        status: "stock, installed or irregular -> decommissioned",
        accounts: "debits (status before), credits (decommissioned)",
        ..rule(Kind::Decommission, HOLDER)
    },
    Rule {
        agreement: "the witness: another member, an inspector, customs or regulator",
        relation: "roots held by the signer, neither lost nor stolen; what is inside ends with them",
        status: "any other -> destroyed",
        accounts: "debits (account before), credits nothing (ended: destroyed)",
        ..rule(Kind::Destroy, HOLDER)
    },
    Rule {
        relation: "held or owned by the signer; for customs: under way from or to their jurisdiction and \
                   overdue; a contained item becomes a root where it last was",
        status: "any other -> lost or stolen; recovered: lost or stolen -> stock, or in_transit where it \
                 was lost on the way",
        accounts: "debits (status before), credits (lost, stolen, stock or in_transit)",
        documents: "what is lost on the way no longer counts as outstanding in its shipment",
        ..rule(
            Kind::SetLoss,
            "who has custody or owns it; customs, for overdue shipments",
        )
    },
    Rule {
        relation: "seized: at a site of the jurisdiction, or under way from or to it; a contained item \
                   becomes a root; released: roots held by the signer",
        status: "seized: any other -> seized; released: seized -> stock",
        accounts: "seized: debits (account before), credits (site, customs, seized); released: debits that, \
                   credits (site, new holder, stock)",
        documents: "seized items leave their shipment",
        ..rule(
            Kind::SetSeizure,
            "customs of the jurisdiction where the items are",
        )
    },
    Rule {
        relation: "both chips held by the signer, at one site, of one model; the new one a root, owned by the \
                   signer or by the old one's owner",
        status: "new: stock or irregular -> that of the old one; old: stock, installed or irregular -> \
                 decommissioned",
        accounts: "debits (new: its account), credits (the old one's); debits (the old one's), credits (the \
                   same, decommissioned)",
        ..rule(Kind::Replace, HOLDER)
    },
];
