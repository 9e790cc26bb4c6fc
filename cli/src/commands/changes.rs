//! `changes`: what changed in the book since a height, to be continued where it ended.

use chipledger_analysis::changes::{self, ChangeRow, Cursor, Side, Whose};
use chipledger_ledger::answers;
use chipledger_ledger::read::{AsOf, Known};
use chipledger_schemas::api::Basis;
use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;

use crate::error::Failure;
use crate::output::{Output, Table, Value};
use crate::session::{self, LedgerArgs};

/// Most rows of a page that one may ask for.
const ROWS_MAX: usize = 1_000_000;

/// Lists what changed in the book since a height, in the order decided. Go on with --since and the
/// `next` of the answer.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Height that was seen last, or the `next` of the last answer.
    #[arg(long, value_name = "HEIGHT|NEXT")]
    since: Cursor,
    /// Only what concerns this jurisdiction.
    #[arg(long, conflicts_with_all = ["member", "site"])]
    jurisdiction: Option<Jurisdiction>,
    /// Only what this member holds, owns or uses.
    #[arg(long, conflicts_with = "site")]
    member: Option<MemberId>,
    /// Only what concerns this site.
    #[arg(long)]
    site: Option<SiteId>,
    /// Only what the ledger knew at this block time or height [default: the last height].
    #[arg(long, value_name = "TIME|HEIGHT")]
    known_at: Option<Known>,
    /// Rows after which the answer ends with the record that they are of.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: usize,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let store = self.ledger.read_directory()?;
        let view = store.view();
        let moment = view.moment(AsOf {
            at: None,
            known_at: self.known_at,
        })?;
        let jurisdiction = self.jurisdiction.map(Whose::Jurisdiction);
        let member = self.member.map(Whose::Member);
        let site = self.site.map(Whose::Site);
        let whose = jurisdiction.or(member).or(site).unwrap_or(Whose::All);
        let most = self.limit.clamp(1, ROWS_MAX);
        let page = changes::changes(&view, &whose, self.since, most, moment)?;
        let told = answers::answer(&store, moment, Basis::Derived, page);
        let page = &told.answer;
        let sum = |count: fn(&ChangeRow) -> u64| page.rows.iter().map(count).sum::<u64>();
        let head = session::answer(&told)
            .fact("since", "since", self.since.to_string())
            .fact("next", "next", page.next.as_str())
            .fact("more", "more", Value::yes(page.more))
            .fact("disputed_chips", "chips disputed", sum(|row| row.disputed));
        out.print(&head.table(table(&page.rows)))
    }
}

fn table(rows: &[ChangeRow]) -> Table {
    let side = |side: &Option<Side>| -> [Value; 4] {
        match side {
            None => [const { Value::Absent }; 4],
            Some(side) => [
                side.place.as_str().into(),
                side.holder.to_string().into(),
                side.owner.to_string().into(),
                side.status.to_string().into(),
            ],
        }
    };
    let row = |row: &ChangeRow| {
        let mut values: Vec<Value> = vec![
            row.spot.height.0.into(),
            row.known_at.into(),
            row.occurred_at.into(),
            Value::of(row.kind.map(chipledger_schemas::records::Kind::name)),
            Value::of(row.member.as_ref()),
            row.direction.as_str().into(),
            row.model.as_str().into(),
            row.chips.into(),
            row.disputed.into(),
            row.tpp_milli.map_or(Value::Absent, Value::milli),
        ];
        values.extend(side(&row.from));
        values.extend(side(&row.to));
        values.push(Value::of(row.record_id));
        values
    };
    Table {
        columns: vec![
            ("height", "height"),
            ("known_at", "known at"),
            ("occurred_at", "occurred at"),
            ("kind", "kind"),
            ("member", "by"),
            ("direction", "direction"),
            ("model", "model"),
            ("chips", "chips"),
            ("disputed", "disputed"),
            ("tpp_milli", "TPP"),
            ("from_place", "from"),
            ("from_holder", "held by"),
            ("from_owner", "owned by"),
            ("from_status", "as"),
            ("to_place", "to"),
            ("to_holder", "held by"),
            ("to_owner", "owned by"),
            ("to_status", "as"),
            ("record", "record"),
        ],
        rows: rows.iter().map(row).collect(),
        total: None,
    }
}
