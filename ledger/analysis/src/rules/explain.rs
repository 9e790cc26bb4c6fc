//! An alert as a case note: who, what, when, which records, why it matters, what else may be behind
//! it, and what to do next.

use chipledger_schemas::records::close_alert::AlertOutcome;

use super::about;
use super::alert::{Alert, Status};
use super::calendar::date;

/// The note: a heading and its sentences.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// What the sentences are about.
    pub heading: &'static str,
    /// The sentences.
    pub sentences: Vec<String>,
}

/// The note on an alert.
pub fn explain(alert: &Alert) -> Vec<Section> {
    let Some(about) = about(alert.rule) else {
        return Vec::new();
    };
    let h100e = alert.tpp_milli / u128::from(chipledger_schemas::catalogue::H100_TPP) / 1_000;
    let stake = match alert.tpp_milli / 1_000 {
        0 => format!("At stake: {} chips.", alert.chips),
        tpp => format!(
            "At stake: {} chips, {tpp} TPP (about {h100e} H100e).",
            alert.chips
        ),
    };
    let mut what = alert.story.clone();
    what.push(stake);
    let records = alert.records.iter().map(|exhibit| {
        format!(
            "{} by {}, {}, height {}: {}",
            exhibit.kind,
            exhibit.member,
            date(exhibit.occurred_at),
            exhibit.height,
            exhibit.record
        )
    });
    let listed = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    vec![
        Section {
            heading: "What happened",
            sentences: what,
        },
        Section {
            heading: "Records",
            sentences: records.collect(),
        },
        Section {
            heading: "Why it matters",
            sentences: vec![about.why.to_owned()],
        },
        Section {
            heading: "Check first whether",
            sentences: listed(about.innocent),
        },
        Section {
            heading: "What to do next",
            sentences: listed(about.next),
        },
        Section {
            heading: "How it stands",
            sentences: standing(alert),
        },
    ]
}

fn standing(alert: &Alert) -> Vec<String> {
    let mut sentences = vec![format!(
        "True since {}, known from height {} on.",
        alert.first_true_at, alert.height
    )];
    if let Some(ended) = alert.ended_at {
        sentences.push(format!(
            "True no longer since {ended}: the ledger learned more."
        ));
    }
    for said in &alert.dispositions {
        let outcome = match said.outcome {
            AlertOutcome::Explained => "harmless",
            AlertOutcome::Confirmed => "a case",
        };
        sentences.push(format!(
            "{} called it {outcome} on {}: {} (record {})",
            said.by,
            date(said.at),
            said.text,
            said.record
        ));
    }
    if alert.status == Status::Open {
        sentences.push(format!(
            "Nobody has answered it. A customs, regulator or inspector member answers with a \
             close_alert record that names {}.",
            alert.id
        ));
    }
    sentences
}
