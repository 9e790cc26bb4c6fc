//! Detection rules: what in the book does not add up.
//!
//! All rules are one fold over the blocks. [`Watch`] holds the facts that several of them need and
//! takes in each record with what it did; then each rule looks at the record, with a small state of
//! its own. What becomes true by waiting alone is told to a rule by the time of the next block, or
//! by the time that is asked for. So an alert is a function of the ledger at a height, a time and
//! the [`Parameters`]: whoever folds block by block has, after each, the same alerts as one who
//! begins anew. Nothing of it is part of the state, and no block depends on it.
//!
//! An alert does not vanish. What the ledger learns later, such as a receipt that comes in weeks
//! after the goods, ends it: it then has an `ended_at` beside its `first_true_at`. What people make
//! of it stands in `close_alert` records.
//!
//! Which rules there are, and which are left out because nothing recorded could support them, is in
//! decision 016.

use std::collections::BTreeMap;

use chipledger_ledger::read::postings::PostingRow;
use chipledger_ledger::read::{QueryError, Spot};
use chipledger_ledger::store::{Store, View};
use chipledger_schemas::genesis::Clock;
use chipledger_schemas::ids::{Height, MemberId};
use chipledger_schemas::records::Record;
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;

pub mod alert;
mod calendar;
pub mod explain;
mod globe;
pub mod id;
pub mod parameters;
mod seen;
mod shares;
mod sink;
pub mod watch;

pub use alert::{Alert, Status};
pub use id::RuleId;
pub use parameters::{Name, Parameters};
use shares::Stake;
use sink::{Finding, Sink};
pub use watch::Watch;

/// What people must know of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct About {
    /// Its id.
    pub id: RuleId,
    /// Rises with every change of what it finds: alerts of two versions have two ids.
    pub version: u32,
    /// What it finds, in a few words.
    pub name: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// What else may be behind it, to be checked first.
    pub innocent: &'static [&'static str],
    /// What to do next.
    pub next: &'static [&'static str],
}

/// One record as rules see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'b> {
    /// Where it stands.
    spot: Spot,
    /// Ledger time: block time, in a replay that of the transaction.
    time: Time,
    /// The transaction that it is in.
    transaction: &'b Transaction,
    /// The record; what a correction puts in place is told after the correction.
    record: &'b Record,
    /// What it moved between accounts.
    postings: &'b [PostingRow],
}

impl Told<'_> {
    /// Who signed it.
    fn author(&self) -> &MemberId {
        &self.transaction.body.member
    }

    /// When it happened; block time, if the kind does not say.
    fn occurred_at(&self) -> Time {
        self.record.occurred_at().unwrap_or(self.time)
    }
}

/// What a rule is asked with: the shared facts, the rows of the store, and where alerts go.
pub(crate) struct Scene<'a, 'd> {
    watch: &'a Watch,
    view: &'a View<'d>,
    sink: &'a mut Sink,
}

impl Scene<'_, '_> {
    /// Raises an alert on a subject as of now, for the record told and others.
    fn raise(
        &mut self,
        (kind, id): (&str, &impl ToString),
        records: Vec<Spot>,
        (stake, story): (Stake, Vec<String>),
    ) {
        let first_true_at = self.watch.told_at;
        self.raise_at(first_true_at, (kind, id), records, (stake, story));
    }

    /// As [`Self::raise`], true since a time that passed between two blocks.
    fn raise_at(
        &mut self,
        first_true_at: Time,
        (kind, id): (&str, &impl ToString),
        mut records: Vec<Spot>,
        (stake, story): (Stake, Vec<String>),
    ) {
        records.truncate(RECORDS_MAX);
        let finding = Finding {
            subject: alert::Subject::new(kind, id),
            records,
            first_true_at,
            stake,
            story,
        };
        self.sink.raise(self.watch, finding);
    }
}

/// Records that one alert names.
const RECORDS_MAX: usize = 50;

/// A rule: its state, and what it does when a record is told or time passes.
pub(crate) trait Rule {
    /// What it is.
    const ABOUT: About;

    /// A record was told; the watch has taken it in.
    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError>;

    /// It is that time, and nothing was told since the last record.
    fn at(&mut self, _scene: &mut Scene<'_, '_>, _time: Time) {}
}

macro_rules! rules {
    ($($module:ident::$name:ident,)*) => {
        $(mod $module;)*

        /// Every rule, in order.
        pub const RULES: &[About] = &[$($module::$name::ABOUT,)*];

        /// The state of every rule.
        #[derive(Clone, Debug, Default)]
        #[allow(non_snake_case, reason = "fields are named after the rules' types")]
        struct States { $($module: $module::$name,)* }

        impl States {
            fn told(
                &mut self,
                scene: &mut Scene<'_, '_>,
                told: &Told<'_>,
            ) -> Result<(), QueryError> {
                $(
                    scene.sink.speaks($module::$name::ABOUT.id);
                    self.$module.told(scene, told)?;
                )*
                Ok(())
            }

            fn at(&mut self, scene: &mut Scene<'_, '_>, time: Time) {
                $(
                    scene.sink.speaks($module::$name::ABOUT.id);
                    self.$module.at(scene, time);
                )*
            }
        }
    };
}

rules! {
    overdue::Overdue,
    short_delivery::ShortDelivery,
    two_places::TwoPlaces,
    orphan_receipt::OrphanReceipt,
    declaration::Declaration,
    stripped::Stripped,
    dummy::Dummy,
    new_buyer::NewBuyer,
    structured::Structured,
    hub::Hub,
    capacity::Capacity,
    surge::Surge,
    tenant::Tenant,
    drift::Drift,
    seen_again::SeenAgain,
    repairs::Repairs,
    licence::Licence,
    location::Location,
    energy::Energy,
    mirror::Mirror,
    production::Production,
    backdated::Backdated,
    split::Split,
    same_party::SameParty,
    equivocation::Equivocation,
}

/// The rule of an id.
pub fn about(id: RuleId) -> Option<&'static About> {
    RULES.iter().find(|about| about.id == id)
}

/// All rules over a ledger, up to a height and a time.
#[derive(Clone, Debug)]
pub struct Rules {
    clock: Clock,
    watch: Watch,
    states: States,
    sink: Sink,
}

impl Rules {
    /// Before the first block.
    ///
    /// # Errors
    /// When the ledger does not hold its history from the start: ask one that does.
    pub fn new(store: &Store, view: &View<'_>, parameters: Parameters) -> Result<Self, QueryError> {
        let first = view.first_height()?;
        if first > Height(0) {
            return Err(QueryError::BeforeHistory { first });
        }
        Ok(Self {
            clock: store.genesis().clock,
            watch: Watch::new(store.genesis(), view, parameters)?,
            states: States::default(),
            sink: Sink::default(),
        })
    }

    /// The last height taken in.
    pub fn height(&self) -> Height {
        self.watch.height
    }

    /// Shared facts as of that height.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Takes in the next block.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn block(&mut self, view: &View<'_>) -> Result<(), QueryError> {
        let height = self.watch.height.next();
        let missing = || chipledger_ledger::state::StateError {
            reason: format!("block {height} is not held"),
        };
        let block = view.block(height)?.ok_or_else(missing)?.block;
        let mut postings: BTreeMap<Spot, Vec<PostingRow>> = BTreeMap::new();
        view.postings_of(height, |spot, row| {
            postings.entry(spot).or_default().push(*row);
        })?;
        for (transaction, index) in block.transactions.iter().zip(0..) {
            // In a replay, block time is the highest `signed_at` so far: within a block too, so
            // that it does not matter how many months of history share one.
            let time = match self.clock {
                Clock::Replay => transaction.body.signed_at.max(self.watch.time),
                Clock::Wall => block.header.time,
            };
            self.pass(view, time);
            self.watch.height = height;
            for (record, place) in transaction.body.records.iter().zip(0..) {
                let spot = Spot {
                    height,
                    transaction: index,
                    record: place,
                };
                let told = Told {
                    spot,
                    time,
                    transaction,
                    record,
                    postings: postings.get(&spot).map_or(&[], Vec::as_slice),
                };
                self.record(view, &told)?;
            }
        }
        self.pass(view, block.header.time);
        self.watch.height = height;
        Ok(())
    }

    fn record(&mut self, view: &View<'_>, told: &Told<'_>) -> Result<(), QueryError> {
        self.watch.take(view, told)?;
        self.states.told(
            &mut Scene {
                watch: &self.watch,
                view,
                sink: &mut self.sink,
            },
            told,
        )?;
        // What a correction puts in place is a record of its own to the rules; its postings were
        // told with the correction.
        if let Record::Correct(correct) = told.record
            && let Some(replacement) = &correct.replacement
        {
            let told = Told {
                record: replacement,
                postings: &[],
                ..*told
            };
            self.record(view, &told)?;
        }
        Ok(())
    }

    /// Takes in every block up to a height.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn up_to(&mut self, view: &View<'_>, height: Height) -> Result<(), QueryError> {
        while self.watch.height < height {
            self.block(view)?;
        }
        Ok(())
    }

    /// Lets time pass after the last block; earlier times change nothing.
    pub fn pass(&mut self, view: &View<'_>, time: Time) {
        if time <= self.watch.time {
            return;
        }
        let scene = &mut Scene {
            watch: &self.watch,
            view,
            sink: &mut self.sink,
        };
        self.states.at(scene, time);
        self.watch.time = time;
    }

    /// Every alert so far, by first-true time, rule and id.
    ///
    /// # Errors
    /// When the records behind one cannot be read.
    pub fn alerts(&self, view: &View<'_>) -> Result<Vec<Alert>, QueryError> {
        self.sink.alerts(view, &self.watch)
    }
}

/// The alerts of a ledger at a time: its blocks up to then, and what waiting alone made true.
///
/// # Errors
/// When the ledger does not hold its history from the start.
pub fn alerts_at(
    store: &Store,
    parameters: Parameters,
    at: Option<Time>,
) -> Result<(Vec<Alert>, Rules), QueryError> {
    let view = store.view();
    let head = view.head()?.header;
    let height = match at {
        Some(at) if at < head.time => {
            let as_of = chipledger_ledger::read::AsOf {
                at: None,
                known_at: Some(chipledger_ledger::read::Known::Time(at)),
            };
            view.moment(as_of)?.known
        }
        _ => head.height,
    };
    let mut rules = Rules::new(store, &view, parameters)?;
    rules.up_to(&view, height)?;
    rules.pass(&view, at.unwrap_or(head.time));
    Ok((rules.alerts(&view)?, rules))
}
