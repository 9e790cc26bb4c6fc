//! `accountancy`: what came to a site and went, and what of it is not there.

use chipledger_analysis::accountancy::{
    self, AGES_DAYS, Accountancy, Booked, Difference, Extra, Material, Observation,
    PartyDifference, Verdict,
};
use chipledger_ledger::answers;
use chipledger_schemas::api::Basis;
use chipledger_schemas::ids::SiteId;
use chipledger_schemas::time::{DAY_MS, Time};
use clap::ValueEnum;

use crate::error::Failure;
use crate::output::{Answer, Output, Table, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// Balances the material of a site over a period, and lists what does not add up.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The site.
    #[arg(value_name = "SITE")]
    site: SiteId,
    /// Beginning of the period; its end is --at.
    #[arg(long, value_name = "TIME")]
    from: Time,
    /// Which part of the accounts.
    #[arg(long, value_enum, default_value = "balance")]
    show: Part,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// A part of the accounts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Part {
    /// Beginning, increases, decreases, ending book and what was seen of it, by model.
    Balance,
    /// Chips in the book, last looked for and not seen.
    Unaccounted,
    /// What was seen there and not booked there.
    Extra,
    /// Every chip in the book at the end, with its last evidence.
    Book,
    /// Listings and inspections of the period.
    Observations,
    /// Shipments that left in the period, and what came out of them.
    Shipments,
    /// Shipper-receiver differences so far, by party.
    Parties,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let store = self.ledger.read_directory()?;
        let view = store.view();
        let moment = view.moment(self.moment.as_of())?;
        let accounts = accountancy::accountancy(&view, &self.site, self.from, moment)?;
        let told = answers::answer(&store, moment, Basis::Derived, accounts);
        let accounts = &told.answer;
        let table = match self.show {
            Part::Balance => balance(accounts),
            Part::Unaccounted => book(accounts.unaccounted()),
            Part::Book => book(accounts.booked.iter()),
            Part::Extra => extra(&accounts.extra),
            Part::Observations => observations(&accounts.observations),
            Part::Shipments => shipments(&accounts.shipments),
            Part::Parties => parties(&accounts.parties),
        };
        out.print(&head(session::answer(&told), accounts).table(table))
    }
}

fn head(head: Answer, accounts: &Accountancy) -> Answer {
    let total = &accounts.total;
    let difference: u64 = accounts.shipments.iter().map(|s| s.difference).sum();
    let [young, middle, old, older] = accounts.ages;
    let [first, second, third] = AGES_DAYS;
    head.fact("site", "site", accounts.site.to_string())
        .fact("from", "period from", accounts.from)
        .fact("until", "period until", accounts.until)
        .fact("ending_chips", "chips in the book", total.ending)
        .fact("unaccounted_chips", "unaccounted for", total.unaccounted)
        .fact("extra_items", "seen and not booked", accounts.extra.len())
        .fact("difference_chips", "shipper-receiver difference", difference)
        .fact("disputed_chips", "disputed", total.disputed)
        .fact("irregular_chips", "irregular", total.irregular)
        .fact(
            "evidence_ages_chips",
            "chips by age of evidence",
            vec![
                format!("up to {first} d: {young}"),
                format!("{second} d: {middle}"),
                format!("{third} d: {old}"),
                format!("beyond: {older}"),
            ],
        )
}

const BALANCE: [(&str, &str); 17] = [
    ("beginning_chips", "beginning"),
    ("registered_chips", "+ registered"),
    ("received_chips", "+ received"),
    ("recovered_chips", "+ recovered"),
    ("other_increases_chips", "+ other"),
    ("shipped_chips", "- shipped"),
    ("lost_chips", "- lost"),
    ("ended_chips", "- ended"),
    ("other_decreases_chips", "- other"),
    ("ending_chips", "ending"),
    ("verified_chips", "seen"),
    ("unaccounted_chips", "unaccounted"),
    ("unverified_chips", "not looked for"),
    ("disputed_chips", "disputed"),
    ("irregular_chips", "irregular"),
    ("stale_chips", "stale evidence"),
    ("ending_tpp_milli", "ending TPP"),
];

fn balance(accounts: &Accountancy) -> Table {
    let mut columns = vec![("model", "model")];
    columns.extend(BALANCE);
    let tpp = |each: Option<u64>, chips: u64| {
        each.map_or(0, |each| u128::from(each) * u128::from(chips))
    };
    let mut sum = 0;
    let rows = accounts.rows.iter().map(|row| {
        let tpp_milli = tpp(row.tpp_milli_each, row.material.ending);
        sum += tpp_milli;
        material(&row.model, &row.material, tpp_milli)
    });
    let rows = rows.collect();
    Table {
        columns,
        rows,
        total: Some(material("total", &accounts.total, sum)),
    }
}

fn material(model: &str, material: &Material, tpp_milli: u128) -> Vec<Value> {
    let mut row: Vec<Value> = vec![model.into()];
    let counts = [
        material.beginning,
        material.registered,
        material.received,
        material.recovered,
        material.other_increases,
        material.shipped,
        material.lost,
        material.ended,
        material.other_decreases,
        material.ending,
        material.verified,
        material.unaccounted,
        material.unverified,
        material.disputed,
        material.irregular,
        material.stale,
    ];
    row.extend(counts.map(Value::from));
    row.push(Value::milli(tpp_milli));
    row
}

fn book<'a>(chips: impl Iterator<Item = &'a Booked>) -> Table {
    let row = |chip: &Booked| {
        let seen = chip.seen.as_ref();
        let containers: Vec<_> = chip.containers.iter().map(ToString::to_string).collect();
        let verdict = seen.map_or("not looked for", |seen| match seen.verdict {
            Verdict::Seen => "seen",
            Verdict::NotSeen => "not seen",
        });
        vec![
            chip.id.to_string().into(),
            chip.model.as_str().into(),
            containers.into(),
            chip.holder.to_string().into(),
            chip.status.to_string().into(),
            verdict.into(),
            Value::of(seen.map(|seen| seen.at)),
            Value::of(seen.map(|seen| &seen.member)),
            chip.evidence_at.into(),
            Value::Span {
                ms: chip.evidence_age_ms,
                unit_ms: DAY_MS,
            },
            Value::yes(chip.stale),
            Value::yes(chip.disputed),
        ]
    };
    Table {
        columns: vec![
            ("id", "chip"),
            ("model", "model"),
            ("containers", "in"),
            ("holder", "holder"),
            ("status", "status"),
            ("verdict", "in the period"),
            ("looked_at", "looked for at"),
            ("looked_by", "by"),
            ("evidence_at", "last named at"),
            ("evidence_age_ms", "age d"),
            ("stale", "stale"),
            ("disputed", "disputed"),
        ],
        rows: chips.map(row).collect(),
        total: None,
    }
}

fn extra(extra: &[Extra]) -> Table {
    let row = |extra: &Extra| {
        let booked = extra.booked.clone();
        vec![
            extra.id.to_string().into(),
            extra.at.into(),
            extra.member.to_string().into(),
            booked.map_or_else(|| "not registered".into(), Value::from),
            extra.record.height.0.into(),
        ]
    };
    Table {
        columns: vec![
            ("id", "label"),
            ("seen_at", "seen at"),
            ("seen_by", "by"),
            ("booked", "booked then"),
            ("record_height", "record's height"),
        ],
        rows: extra.iter().map(row).collect(),
        total: None,
    }
}

fn observations(observations: &[Observation]) -> Table {
    let row = |look: &Observation| {
        let words = |complete| if complete { "complete" } else { "in parts" };
        let complete = look.complete.map(words);
        vec![
            look.at.into(),
            look.kind.as_str().into(),
            look.member.to_string().into(),
            Value::of(complete),
            Value::of(look.plan.as_ref()),
            look.seen.into(),
            look.absent.into(),
            look.tampered.into(),
            look.records.len().into(),
        ]
    };
    Table {
        columns: vec![
            ("at", "at"),
            ("kind", "kind"),
            ("member", "by"),
            ("complete", "listing"),
            ("plan", "plan"),
            ("seen_items", "items seen"),
            ("absent_items", "absent"),
            ("tampered_items", "tampered"),
            ("records", "records"),
        ],
        rows: observations.iter().map(row).collect(),
        total: None,
    }
}

fn shipments(shipments: &[Difference]) -> Table {
    let row = |way: &Difference| {
        let missing: Vec<_> = way.missing.iter().map(ToString::to_string).collect();
        vec![
            way.shipment.to_string().into(),
            way.from_site.to_string().into(),
            way.to_site.to_string().into(),
            way.receiver.to_string().into(),
            way.shipped_at.into(),
            way.expected_at.into(),
            way.shipped.into(),
            way.received.into(),
            way.returned.into(),
            way.lost.into(),
            way.outstanding.into(),
            Value::yes(way.overdue),
            way.difference.into(),
            missing.into(),
        ]
    };
    Table {
        columns: vec![
            ("shipment", "shipment"),
            ("from_site", "from"),
            ("to_site", "to"),
            ("receiver", "receiver"),
            ("shipped_at", "shipped"),
            ("expected_at", "expected"),
            ("shipped_chips", "chips shipped"),
            ("received_chips", "received"),
            ("returned_chips", "returned"),
            ("lost_chips", "lost"),
            ("outstanding_chips", "under way"),
            ("overdue", "overdue"),
            ("difference_chips", "difference"),
            ("missing", "missing chips"),
        ],
        rows: shipments.iter().map(row).collect(),
        total: None,
    }
}

fn parties(parties: &[PartyDifference]) -> Table {
    let row = |party: &PartyDifference| {
        vec![
            Value::of(party.member.as_ref()),
            party.shipments.into(),
            party.sent.into(),
            party.sent_difference.into(),
            party.addressed.into(),
            party.addressed_difference.into(),
        ]
    };
    Table {
        columns: vec![
            ("member", "party"),
            ("shipments", "shipments"),
            ("sent_chips", "chips sent"),
            ("sent_difference_chips", "of which missing"),
            ("addressed_chips", "chips sent to it"),
            ("addressed_difference_chips", "of which missing"),
        ],
        rows: parties.iter().map(row).collect(),
        total: None,
    }
}
