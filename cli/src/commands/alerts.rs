//! `alerts`: what the detection rules find in a ledger, and why.

use chipledger_analysis::rules::alert::{Alert, Status};
use chipledger_analysis::rules::explain::explain;
use chipledger_analysis::rules::parameters::{Parameters, TABLE};
use chipledger_analysis::rules::{RULES, RuleId, about, alerts_at};
use chipledger_ledger::store::Store;
use chipledger_schemas::genesis::Clock;
use chipledger_schemas::time::Time;
use clap::Subcommand;

use crate::error::{Class, Failure};
use crate::output::{Answer, Format, Output, Table, Value};
use crate::session::{LedgerArgs, Place};

/// Fewest digits of an alert's id that name it.
const ID_DIGITS_MIN: usize = 6;

/// Lists what the detection rules find, or explains one alert.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only this rule, D1 to D25; may be repeated. `alerts rules` lists them.
    #[arg(long = "rule", value_name = "RULE")]
    rules: Vec<RuleId>,
    /// Only open, ended, explained or confirmed ones.
    #[arg(long)]
    status: Option<Status>,
    /// Only those that fired after this height.
    #[arg(long, value_name = "HEIGHT")]
    since: Option<u64>,
    #[command(flatten)]
    asked: Asked,
}

/// Which ledger, and when.
#[derive(clap::Args, Debug)]
struct Asked {
    /// As of this ledger time: its blocks up to then, and what waiting made true [default: the
    /// last block's time].
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// One alert with its records.
    Show(One),
    /// One alert as a case note: who, what, when, on what evidence, and what to do.
    Explain(One),
    /// The rules, and the numbers by which they judge.
    Rules,
}

#[derive(clap::Args, Debug)]
struct One {
    /// The alert's id, or its first six digits or more.
    id: String,
    #[command(flatten)]
    asked: Asked,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        match &self.action {
            Some(Action::Rules) => out.print(&rules()),
            Some(Action::Show(one)) => {
                let (head, alert) = one.find()?;
                out.print(&shown(head, &alert))
            }
            Some(Action::Explain(one)) => {
                let (head, alert) = one.find()?;
                explained(head, &alert, out)
            }
            None => self.list(out),
        }
    }

    fn list(&self, out: &Output) -> Result<(), Failure> {
        let (head, mut alerts) = self.asked.alerts()?;
        alerts.retain(|alert| {
            (self.rules.is_empty() || self.rules.contains(&alert.rule))
                && self.status.is_none_or(|status| alert.status == status)
                && self.since.is_none_or(|since| alert.height.0 > since)
        });
        let whole = out.format() != Format::Table;
        let table = Table {
            columns: vec![
                ("id", "alert"),
                ("rule", "rule"),
                ("name", "what"),
                ("subject_kind", "about"),
                ("subject", "which"),
                ("first_true_at", "first true at"),
                ("height", "height"),
                ("chips", "chips"),
                ("tpp_milli", "TPP at stake"),
                ("status", "status"),
            ],
            rows: alerts.iter().map(|alert| row(alert, whole)).collect(),
            total: None,
        };
        out.print(&head.fact("alerts", "alerts", alerts.len()).table(table))
    }
}

impl Asked {
    /// Every alert, and the facts about the answer.
    fn alerts(&self) -> Result<(Answer, Vec<Alert>), Failure> {
        let dir = match self.ledger.place()? {
            Place::Directory(dir) => dir,
            Place::Node(_) => {
                return Err(Failure::usage(
                    "a node does not serve alerts: they are computed from a directory",
                    "Copy the node's ledger with `chipledger backup`, restore it, and ask with \
                     --ledger.",
                ));
            }
        };
        let store = Store::open_read_only(&dir)?;
        let (alerts, rules) = alerts_at(&store, Parameters::default(), self.at)?;
        let head = Answer::default()
            .fact("height", "height", rules.height().0)
            .fact("at", "ledger time", rules.watch().time)
            .fact("basis", "basis", "derived");
        let head = match store.genesis().clock {
            Clock::Replay => head.fact("clock", "clock", "replay"),
            Clock::Wall => head,
        };
        Ok((head, alerts))
    }
}

impl One {
    fn find(&self) -> Result<(Answer, Alert), Failure> {
        let wanted = self.id.trim().to_ascii_lowercase();
        if wanted.len() < ID_DIGITS_MIN || !wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Failure::usage(
                format!("{:?} is no id of an alert", self.id),
                "Give its first six hexadecimal digits or more; `alerts` lists them.",
            ));
        }
        let (head, alerts) = self.asked.alerts()?;
        let mut fit = alerts
            .into_iter()
            .filter(|alert| alert.id.to_string().starts_with(&wanted));
        match (fit.next(), fit.next()) {
            (Some(alert), None) => Ok((head, alert)),
            (Some(_), Some(_)) => Err(Failure::usage(
                format!("more than one alert begins with {wanted}"),
                "Give more digits.",
            )),
            (None, _) => Err(Failure::new(
                Class::NotFound,
                format!("no alert has the id {wanted}"),
                "`alerts` lists them; with --at, whether it was true by then.",
            )),
        }
    }
}

fn row(alert: &Alert, whole: bool) -> Vec<Value> {
    let id = if whole {
        alert.id.to_string()
    } else {
        alert.id.short()
    };
    vec![
        id.into(),
        Value::text(&alert.rule),
        about(alert.rule).map_or("", |about| about.name).into(),
        alert.subject.kind.as_str().into(),
        alert.subject.id.as_str().into(),
        alert.first_true_at.into(),
        alert.height.0.into(),
        alert.chips.into(),
        Value::milli(alert.tpp_milli),
        alert.status.as_str().into(),
    ]
}

fn facts(head: Answer, alert: &Alert) -> Answer {
    head.fact("id", "alert", alert.id.to_string())
        .fact("rule", "rule", alert.rule.to_string())
        .fact("version", "version", u64::from(alert.version))
        .fact(
            "name",
            "what",
            about(alert.rule).map_or("", |about| about.name),
        )
        .fact("subject_kind", "about", alert.subject.kind.as_str())
        .fact("subject", "which", alert.subject.id.as_str())
        .fact("first_true_at", "first true at", alert.first_true_at)
        .fact("ended_at", "ended at", Value::of(alert.ended_at))
        .fact("chips", "chips", alert.chips)
        .fact("tpp_milli", "TPP at stake", Value::milli(alert.tpp_milli))
        .fact("status", "status", alert.status.as_str())
}

fn shown(head: Answer, alert: &Alert) -> Answer {
    let row = |exhibit: &chipledger_analysis::rules::alert::Exhibit| -> Vec<Value> {
        vec![
            exhibit.occurred_at.into(),
            exhibit.kind.as_str().into(),
            Value::text(&exhibit.member),
            exhibit.height.0.into(),
            Value::text(&exhibit.record),
        ]
    };
    let table = Table {
        columns: vec![
            ("occurred_at", "occurred at"),
            ("kind", "record"),
            ("member", "signed by"),
            ("height", "height"),
            ("record_id", "record id"),
        ],
        rows: alert.records.iter().map(row).collect(),
        total: None,
    };
    facts(head, alert)
        .fact("story", "story", alert.story.join(" "))
        .table(table)
}

/// People get the note as text, programs its sentences as rows.
fn explained(head: Answer, alert: &Alert, out: &Output) -> Result<(), Failure> {
    let note = explain(alert);
    if out.format() == Format::Table {
        let name = about(alert.rule).map_or("", |about| about.name);
        let mut text = format!(
            "{} {name}: {}\nAlert {}, rule version {}\n",
            alert.rule, alert.subject, alert.id, alert.version
        );
        for section in &note {
            text.extend(["\n", section.heading, "\n"]);
            for sentence in &section.sentences {
                text.extend(["  - ", sentence.as_str(), "\n"]);
            }
        }
        return out.raw(&text);
    }
    let rows = note.iter().flat_map(|section| {
        let row = |sentence: &String| -> Vec<Value> {
            vec![section.heading.into(), sentence.as_str().into()]
        };
        section.sentences.iter().map(row).collect::<Vec<_>>()
    });
    let table = Table {
        columns: vec![("section", "section"), ("sentence", "sentence")],
        rows: rows.collect(),
        total: None,
    };
    out.print(&facts(head, alert).table(table))
}

fn rules() -> Answer {
    let rule = |about: &chipledger_analysis::rules::About| -> Vec<Value> {
        vec![
            Value::text(&about.id),
            about.name.into(),
            u64::from(about.version).into(),
            Value::Absent,
            Value::Absent,
            about.why.into(),
        ]
    };
    let number = |row: &chipledger_analysis::rules::parameters::Row| -> Vec<Value> {
        vec![
            "parameter".into(),
            row.name.as_str().into(),
            row.value.into(),
            row.valid_from.into(),
            Value::of(row.valid_until),
            row.source.into(),
        ]
    };
    let rows = RULES.iter().map(rule).chain(TABLE.iter().map(number));
    Answer::default().table(Table {
        columns: vec![
            ("rule", "rule"),
            ("name", "name"),
            ("value", "version or value"),
            ("valid_from", "from"),
            ("valid_until", "until"),
            ("source", "why, or source"),
        ],
        rows: rows.collect(),
        total: None,
    })
}
