//! What a proof proves, as facts and rows.

use chipledger_proof::check::Statement;
use chipledger_proof::check::book::BookStatement;
use chipledger_proof::check::equivocation::EquivocationStatement;
use chipledger_proof::check::item::{ItemStatement, Kind, PlaceStatement};
use chipledger_proof::check::journey::JourneyStatement;
use chipledger_proof::check::totals::{Compute, TotalsStatement};
use chipledger_proof::state::Dimension;
use chipledger_schemas::catalogue::H100e;
use chipledger_schemas::ids::BlockHash;

use crate::output::{Answer, Table, Value};

/// Adds what is proven to the facts of the verdict.
pub(super) fn tell(answer: Answer, statement: &Statement) -> Answer {
    match statement {
        Statement::Item(item) => tell_item(answer, item),
        Statement::Absent { id } => answer.fact("absent", "not registered", id.to_string()),
        Statement::Totals(totals) => tell_totals(answer, totals),
        Statement::Journey(journey) => tell_journey(answer, journey),
        Statement::Book(book) => tell_book(answer, book),
        Statement::Equivocation(found) => tell_equivocation(answer, found),
    }
}

fn tell_equivocation(answer: Answer, found: &EquivocationStatement) -> Answer {
    let says = |(value, pol_round): &(Option<BlockHash>, Option<u32>)| {
        let value = value.map_or_else(|| "nil".to_owned(), |block| block.to_string());
        match pol_round {
            Some(round) => format!("{value}, prevoted in round {round}"),
            None => value,
        }
    };
    answer
        .fact("id", "equivocation", found.id.to_string())
        .fact("member", "validator of", found.member.to_string())
        .fact("key", "key", found.key.to_string())
        .fact("voted_height", "at height", found.height.0)
        .fact("round", "round", u64::from(found.round))
        .fact("step", "step", found.step.to_string())
        .fact("first", "it signed", says(&found.values[0]))
        .fact("second", "and also", says(&found.values[1]))
        .fact("reported_by", "reported by", found.reported_by.to_string())
        .fact("record", "record", found.record.to_string())
}

fn tell_item(answer: Answer, item: &ItemStatement) -> Answer {
    let answer = answer
        .fact("id", "item", item.id.to_string())
        .fact("kind", "kind", kind(&item.kind))
        .fact("chips", "chips", item.chips)
        .fact(
            "containers",
            "inside",
            item.containers
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
        );
    let answer = match &item.place {
        PlaceStatement::Site(site) => answer.fact("place", "place", site.site.to_string()).fact(
            "jurisdiction",
            "jurisdiction",
            site.jurisdiction.to_string(),
        ),
        PlaceStatement::Transit {
            shipment,
            from,
            to,
            receiver,
            expected_at,
        } => answer
            .fact("place", "place", format!("{}->{}", from.site, to.site))
            .fact(
                "jurisdiction",
                "jurisdiction",
                format!("{}->{}", from.jurisdiction, to.jurisdiction),
            )
            .fact("shipment", "shipment", shipment.to_string())
            .fact("receiver", "receiver", receiver.to_string())
            .fact("expected_at", "expected at", *expected_at),
    };
    answer
        .fact("holder", "holder", item.holder.to_string())
        .fact("owner", "owner", item.owner.to_string())
        .fact("user", "user", item.user.to_string())
        .fact("status", "status", item.status.to_string())
        .fact("irregularity", "irregularity", Value::of(item.irregularity))
        .fact("disputed", "disputed", yes_or_no(item.disputed))
        .fact(
            "unverified",
            "origin unverified",
            yes_or_no(item.unverified),
        )
        .fact("moved_at", "last moved", item.moved_at)
        .fact("records", "records that named it", u64::from(item.events))
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Chip(model) => model.to_string(),
        Kind::Unit(kind) => kind.to_string(),
    }
}

fn yes_or_no(holds: bool) -> &'static str {
    if holds { "yes" } else { "no" }
}

fn tell_totals(answer: Answer, totals: &TotalsStatement) -> Answer {
    let of = match &totals.dimension {
        Dimension::World => "world".to_owned(),
        Dimension::Jurisdiction(at) => format!("{at} ({})", at.name()),
        Dimension::Site(site) => format!("site {site}"),
        Dimension::Owner(member) => format!("owner {member}"),
        Dimension::Parent(member) => format!("parent {member}"),
    };
    let rows = totals.rows.iter().map(|row| {
        vec![
            row.model.to_string().into(),
            row.status.to_string().into(),
            row.amount.here.into(),
            row.amount.inbound.into(),
            row.amount.outbound.into(),
            row.amount.disputed.into(),
        ]
    });
    let columns = vec![
        ("model", "model"),
        ("status", "status"),
        ("here", "chips here"),
        ("inbound", "inbound"),
        ("outbound", "outbound"),
        ("disputed", "disputed"),
    ];
    let table = Table {
        columns,
        rows: rows.collect(),
        total: None,
    };
    let here = &totals.here;
    answer
        .fact("of", "of", of)
        .fact("chips", "chips here", here.chips)
        .fact("tpp_milli", "TPP here", Value::milli(here.tpp_milli))
        .fact("h100e_milli", "H100e here", h100e(here))
        .fact(
            "chips_without_tpp",
            "chips here without TPP",
            here.chips_without_tpp,
        )
        .fact("inbound", "chips inbound", totals.inbound.chips)
        .fact(
            "inbound_tpp_milli",
            "TPP inbound",
            Value::milli(totals.inbound.tpp_milli),
        )
        .fact("outbound", "chips outbound", totals.outbound.chips)
        .fact(
            "outbound_tpp_milli",
            "TPP outbound",
            Value::milli(totals.outbound.tpp_milli),
        )
        .fact("disputed", "chips disputed", totals.disputed)
        .table(table)
}

fn h100e(compute: &Compute) -> Value {
    Value::milli(
        H100e {
            tpp_milli: compute.tpp_milli,
        }
        .milli(),
    )
}

fn tell_journey(answer: Answer, journey: &JourneyStatement) -> Answer {
    let rows = journey.steps.iter().map(|step| {
        vec![
            step.height.0.into(),
            step.occurred_at.map_or(Value::Absent, Value::from),
            step.content.kind().to_string().into(),
            step.member.to_string().into(),
            step.item.to_string().into(),
            step.record.to_string().into(),
        ]
    });
    let columns = vec![
        ("height", "height"),
        ("occurred_at", "occurred at"),
        ("kind", "record"),
        ("member", "signed by"),
        ("item", "names"),
        ("record_id", "record id"),
    ];
    let stay = |stay: &chipledger_proof::check::journey::StayStatement| {
        let until = stay
            .span
            .until
            .map_or_else(|| "now".to_owned(), |height| height.to_string());
        format!("{} ({} to {until})", stay.container, stay.span.from)
    };
    let table = Table {
        columns,
        rows: rows.collect(),
        total: None,
    };
    answer
        .fact("id", "item", journey.id.to_string())
        .fact("kind", "kind", kind(&journey.kind))
        .fact("records", "records", journey.steps.len())
        .fact(
            "containers",
            "was inside, by height",
            journey.stays.iter().map(stay).collect::<Vec<_>>(),
        )
        .table(table)
}

fn tell_book(answer: Answer, book: &BookStatement) -> Answer {
    let rows = book.jurisdictions.iter().map(|(jurisdiction, part)| {
        vec![
            format!("{jurisdiction} ({})", jurisdiction.name()).into(),
            part.here.chips.into(),
            Value::milli(part.here.tpp_milli),
            h100e(&part.here),
            part.here.chips_without_tpp.into(),
            part.inbound.chips.into(),
            part.outbound.chips.into(),
            part.disputed.into(),
        ]
    });
    let columns = vec![
        ("jurisdiction", "jurisdiction"),
        ("chips", "chips here"),
        ("tpp_milli", "TPP"),
        ("h100e_milli", "H100e"),
        ("chips_without_tpp", "chips without TPP"),
        ("inbound", "inbound"),
        ("outbound", "outbound"),
        ("disputed", "disputed"),
    ];
    let table = Table {
        columns,
        rows: rows.collect(),
        total: None,
    };
    answer
        .fact("accounts", "accounts", book.accounts.len())
        .fact("chips", "chips at sites", book.here.chips)
        .fact("in_transit", "chips under way", book.in_transit.chips)
        .fact("ended", "chips ended", book.ended)
        .table(table)
}
