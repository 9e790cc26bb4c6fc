//! `ever-at`: which chips were ever at a place or with a member, and when.

use chipledger_analysis::ever_at::{self, EverAt, Interval, Somewhere};
use chipledger_ledger::answers;
use chipledger_schemas::api::Basis;
use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;

use crate::error::Failure;
use crate::output::{Output, Table, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// Lists the chips that were ever at a site, in a jurisdiction, or held, owned or used by a member,
/// with the times.
#[derive(clap::Args, Debug)]
#[command(group(clap::ArgGroup::new("somewhere").required(true)))]
pub struct Args {
    /// A site.
    #[arg(long, group = "somewhere")]
    site: Option<SiteId>,
    /// A jurisdiction; under way is in none.
    #[arg(long, group = "somewhere")]
    jurisdiction: Option<Jurisdiction>,
    /// A member.
    #[arg(long, group = "somewhere")]
    member: Option<MemberId>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let store = self.ledger.read_directory()?;
        let view = store.view();
        let moment = view.moment(self.moment.as_of())?;
        let site = self.site.map(Somewhere::Site);
        let jurisdiction = self.jurisdiction.map(Somewhere::Jurisdiction);
        let member = self.member.map(Somewhere::Member);
        let named = site.or(jurisdiction).or(member);
        let somewhere = named.ok_or_else(|| {
            Failure::usage(
                "no place or member is named",
                "Name one with --site, --jurisdiction or --member.",
            )
        })?;
        let found = ever_at::ever_at(&view, &somewhere, moment)?;
        let told = answers::answer(&store, moment, Basis::Derived, found);
        let found = &told.answer;
        let head = session::answer(&told)
            .fact("chips", "chips", found.chips)
            .fact("still_chips", "still so", found.still)
            .fact("disputed_chips", "disputed", found.disputed)
            .fact("irregular_chips", "irregular", found.irregular);
        out.print(&head.table(table(found)))
    }
}

fn table(found: &EverAt) -> Table {
    let row = |interval: &Interval| {
        vec![
            interval.id.to_string().into(),
            interval.model.as_str().into(),
            interval.relation.as_str().into(),
            interval.from.into(),
            Value::of(interval.until),
            interval.status.to_string().into(),
            interval.record.height.0.into(),
            Value::yes(interval.disputed),
        ]
    };
    Table {
        columns: vec![
            ("id", "chip"),
            ("model", "model"),
            ("relation", "as"),
            ("from", "from"),
            ("until", "until"),
            ("status", "status at its end"),
            ("record_height", "record's height"),
            ("disputed", "disputed"),
        ],
        rows: found.rows.iter().map(row).collect(),
        total: None,
    }
}
