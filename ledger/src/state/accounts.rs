//! Double entry: what leaves one account enters another, and every total follows.

use std::collections::BTreeMap;

use chipledger_proof::state::{
    Account, AccountPlace, Amount, Balance, BalanceRow, ContentRow, Dimension, Key, Member,
    ModelNumber, Shipment, Site, Totals, TotalsRow,
};
use chipledger_schemas::ids::{DocumentId, MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::movement::Place;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Status;

use super::clocks::{Cause, Clock, Clocks};
use super::draft::Position;
use super::{Draft, Keep, Posting, State};
use crate::rejection::{Code, Fault, reject};

/// A signed amount: chips and, of these, disputed ones.
#[derive(Clone, Copy, Default)]
struct Delta {
    count: i128,
    disputed: i128,
}

/// The change of every amount of one total row.
#[derive(Clone, Copy, Default)]
struct AmountDelta {
    here: i128,
    inbound: i128,
    outbound: i128,
    disputed: i128,
}

/// Postings and marks of the record under execution, before they reach accounts and totals.
#[derive(Default, Debug)]
pub(crate) struct Journal {
    /// Roots that entered or left shipments.
    pub(super) shipments: BTreeMap<DocumentId, super::shipments::RootsDelta>,
    postings: Vec<Draught>,
    marks: Vec<Mark>,
}

/// Chips of an account that became disputed, or are no longer.
#[derive(Debug)]
struct Mark {
    account: Account,
    model: ModelNumber,
    count: u64,
    disputed: bool,
    occurred_at: Time,
}

/// A posting with the ended statuses at its open ends.
#[derive(Debug)]
struct Draught {
    cause: Cause,
    posting: Posting,
    from_ended: Option<Status>,
    to_ended: Option<Status>,
}

impl Draught {
    /// Whether another posting differs in its amounts alone.
    fn joins(&self, other: &Self) -> bool {
        let (a, b) = (&self.posting, &other.posting);
        a.model == b.model
            && self.cause == other.cause
            && a.occurred_at == b.occurred_at
            && a.from == b.from
            && a.to == b.to
            && self.from_ended == other.from_ended
            && self.to_ended == other.to_ended
    }
}

/// One side of a posting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// Nothing: chips that are registered.
    Origin,
    /// An account.
    Account(Account),
    /// Ended items, in this status.
    Ended(Status),
}

impl Side {
    fn split(self) -> (Option<Account>, Option<Status>) {
        match self {
            Self::Origin => (None, None),
            Self::Account(account) => (Some(account), None),
            Self::Ended(status) => (None, Some(status)),
        }
    }
}

impl<S: State> Draft<'_, S> {
    /// The jurisdiction of a site.
    pub(crate) fn jurisdiction_of(&self, site: &SiteId) -> Result<Jurisdiction, Fault> {
        match self.look::<Site, _>(&Key::Site(site.clone()), |site| site.jurisdiction)? {
            Some(jurisdiction) => Ok(jurisdiction),
            None => reject(Code::SiteUnknown, format!("{site} is not declared")),
        }
    }

    /// The place of an account.
    pub(crate) fn account_place(&self, place: &Place) -> Result<AccountPlace, Fault> {
        let ends = match place {
            Place::Site(site) => {
                let jurisdiction = self.jurisdiction_of(site)?;
                return Ok(AccountPlace::Site {
                    site: site.clone(),
                    jurisdiction,
                });
            }
            Place::Transit(shipment) => self
                .look::<Shipment, _>(&Key::Shipment(shipment.clone()), |shipment| {
                    (shipment.from_site.clone(), shipment.to_site.clone())
                })?,
        };
        let (from, to) = ends.expect("an item is under way in a shipment that exists");
        Ok(AccountPlace::Transit {
            from_jurisdiction: self.jurisdiction_of(&from)?,
            to_jurisdiction: self.jurisdiction_of(&to)?,
            from,
            to,
        })
    }

    /// Moves the chips of a row from one side to another.
    pub(crate) fn post(
        &mut self,
        cause: Cause,
        occurred_at: Time,
        row: &ContentRow,
        from: Side,
        to: Side,
    ) {
        if from == to {
            return;
        }
        let ((from, from_ended), (to, to_ended)) = (from.split(), to.split());
        let disputed = if row.disputed { row.count } else { 0 };
        let Position {
            transaction,
            record,
            ..
        } = self.at;
        let (model, count) = (row.model, row.count);
        let posting = Posting {
            transaction,
            record,
            occurred_at,
            model,
            count,
            disputed,
            from,
            to,
        };
        let draught = Draught {
            cause,
            posting,
            from_ended,
            to_ended,
        };
        let postings = &mut self.journal_mut().postings;
        match postings.last_mut() {
            Some(last) if last.joins(&draught) => {
                last.posting.count += count;
                last.posting.disputed += disputed;
            }
            _ => postings.push(draught),
        }
    }

    /// Moves all that an account holds to another one: at the time claimed, or once the last of it
    /// has come.
    pub(crate) fn post_balance(
        &mut self,
        occurred_at: Time,
        from: &Account,
        to: &Account,
    ) -> Result<(), Fault> {
        let Some(balance) = self.get::<Balance>(&Key::Account(from.clone()))? else {
            return Ok(());
        };
        for row in balance.rows {
            for (count, disputed) in [(row.count - row.disputed, false), (row.disputed, true)] {
                if count > 0 {
                    let (owner, user, status) = (None, None, None);
                    let row = ContentRow {
                        model: row.model,
                        owner,
                        user,
                        status,
                        disputed,
                        count,
                    };
                    let (from, to) = (Side::Account(from.clone()), Side::Account(to.clone()));
                    self.post(Cause::Reposted, occurred_at, &row, from, to);
                }
            }
        }
        Ok(())
    }

    /// Marks chips of an account as disputed, or takes the mark off.
    pub(crate) fn mark_disputed(
        &mut self,
        account: &Account,
        model: ModelNumber,
        count: u64,
        disputed: bool,
        occurred_at: Time,
    ) {
        self.journal_mut().marks.push(Mark {
            account: account.clone(),
            model,
            count,
            disputed,
            occurred_at,
        });
    }

    /// Brings the record's postings into accounts and totals, and counts what is under way.
    pub(crate) fn settle(&mut self) -> Result<(), Fault> {
        self.settle_shipments()?;
        let mut journal = std::mem::take(self.journal_mut());
        let mut clocks = Clocks::new();
        for Draught { cause, posting, .. } in &mut journal.postings {
            let (from, to) = (posting.from.as_ref(), posting.to.as_ref());
            posting.occurred_at =
                self.posted_at(&mut clocks, *cause, posting.occurred_at, from, to)?;
        }
        let mut accounts: BTreeMap<(Account, ModelNumber), Delta> = BTreeMap::new();
        let mut ended: BTreeMap<(ModelNumber, Status), i128> = BTreeMap::new();
        for Draught {
            posting,
            from_ended,
            to_ended,
            ..
        } in &journal.postings
        {
            let count = i128::from(posting.count);
            for (account, sign) in [(&posting.from, -1_i128), (&posting.to, 1)] {
                if let Some(account) = account {
                    let delta = accounts
                        .entry((account.clone(), posting.model))
                        .or_default();
                    delta.count += sign * count;
                    delta.disputed += sign * i128::from(posting.disputed);
                }
            }
            for (status, sign) in [(from_ended, -1_i128), (to_ended, 1)] {
                if let Some(status) = status {
                    *ended.entry((posting.model, *status)).or_default() += sign * count;
                }
            }
        }
        for mark in &journal.marks {
            let change = i128::from(mark.count) * if mark.disputed { 1 } else { -1 };
            let key = (mark.account.clone(), mark.model);
            accounts.entry(key).or_default().disputed += change;
        }
        let mut totals: BTreeMap<(Dimension, ModelNumber, Status), AmountDelta> = BTreeMap::new();
        for ((account, model), delta) in accounts {
            self.total(&mut totals, &account, model, delta)?;
            let clock = clocks.get(&account).copied();
            self.change_balance(account, model, delta, clock)?;
        }
        for ((model, status), count) in ended {
            totals
                .entry((Dimension::World, model, status))
                .or_default()
                .here += count;
        }
        self.change_totals(totals)?;
        for draught in journal.postings {
            self.push_posting(draught.posting);
        }
        for mark in journal.marks {
            self.push_mark(mark);
        }
        Ok(())
    }

    /// A mark as a posting that moves no chip: what was disputed when can be summed like the rest.
    fn push_mark(&mut self, mark: Mark) {
        let Position {
            transaction,
            record,
            ..
        } = self.at;
        let account = Some(mark.account);
        let (from, to) = if mark.disputed {
            (None, account)
        } else {
            (account, None)
        };
        self.push_posting(Posting {
            transaction,
            record,
            occurred_at: mark.occurred_at,
            model: mark.model,
            count: 0,
            disputed: mark.count,
            from,
            to,
        });
    }

    fn change_balance(
        &mut self,
        account: Account,
        model: ModelNumber,
        delta: Delta,
        clock: Option<Clock>,
    ) -> Result<(), Fault> {
        self.update::<Balance>(Key::Account(account), |balance| {
            if let Some(clock) = clock {
                balance.credited_at = clock.credited_at;
                balance.settled_at = clock.settled_at;
            }
            let rows = &mut balance.rows;
            let at = match rows.binary_search_by_key(&model, |row| row.model) {
                Ok(at) => at,
                Err(at) => {
                    rows.insert(
                        at,
                        BalanceRow {
                            model,
                            count: 0,
                            disputed: 0,
                        },
                    );
                    at
                }
            };
            rows[at].count = shifted(rows[at].count, delta.count);
            rows[at].disputed = shifted(rows[at].disputed, delta.disputed);
            if rows[at].count == 0 {
                rows.remove(at);
            }
            Ok(if rows.is_empty() { Keep::No } else { Keep::Yes })
        })
    }

    /// Spreads one account's change over the totals that it is part of.
    fn total(
        &self,
        totals: &mut BTreeMap<(Dimension, ModelNumber, Status), AmountDelta>,
        account: &Account,
        model: ModelNumber,
        delta: Delta,
    ) -> Result<(), Fault> {
        let parent = self.ultimate_parent(&account.owner)?;
        let parties = [
            Dimension::World,
            Dimension::Owner(account.owner.clone()),
            Dimension::Parent(parent),
        ];
        let mut change = |dimension: Dimension, leg: Leg| {
            let amount = totals
                .entry((dimension, model, account.status))
                .or_default();
            match leg {
                Leg::Here => amount.here += delta.count,
                Leg::Inbound => amount.inbound += delta.count,
                Leg::Outbound => amount.outbound += delta.count,
            }
            amount.disputed += delta.disputed;
        };
        match &account.place {
            AccountPlace::Site { site, jurisdiction } => {
                parties
                    .into_iter()
                    .for_each(|party| change(party, Leg::Here));
                change(Dimension::Site(site.clone()), Leg::Here);
                change(Dimension::Jurisdiction(*jurisdiction), Leg::Here);
            }
            AccountPlace::Transit {
                from,
                to,
                from_jurisdiction,
                to_jurisdiction,
            } => {
                parties
                    .into_iter()
                    .for_each(|party| change(party, Leg::Outbound));
                change(Dimension::Site(from.clone()), Leg::Outbound);
                change(Dimension::Site(to.clone()), Leg::Inbound);
                change(Dimension::Jurisdiction(*from_jurisdiction), Leg::Outbound);
                change(Dimension::Jurisdiction(*to_jurisdiction), Leg::Inbound);
            }
        }
        Ok(())
    }

    fn change_totals(
        &mut self,
        totals: BTreeMap<(Dimension, ModelNumber, Status), AmountDelta>,
    ) -> Result<(), Fault> {
        let mut by_dimension: BTreeMap<Dimension, Vec<(ModelNumber, Status, AmountDelta)>> =
            BTreeMap::new();
        for ((dimension, model, status), delta) in totals {
            by_dimension
                .entry(dimension)
                .or_default()
                .push((model, status, delta));
        }
        for (dimension, deltas) in by_dimension {
            self.update::<Totals>(Key::Totals(dimension), |totals| {
                for (model, status, delta) in deltas {
                    change_row(&mut totals.0, model, status, delta);
                }
                Ok(if totals.0.is_empty() {
                    Keep::No
                } else {
                    Keep::Yes
                })
            })?;
        }
        Ok(())
    }

    /// The member at the top of a member's chain of parents.
    pub(crate) fn ultimate_parent(&self, member: &MemberId) -> Result<MemberId, Fault> {
        let mut at = self.successor_of(member)?;
        loop {
            let parent =
                self.look::<Member, _>(&Key::Member(at.clone()), |member| member.parent.clone())?;
            match parent.flatten() {
                Some(parent) => at = self.successor_of(&parent)?,
                None => return Ok(at),
            }
        }
    }

    /// Moves an owner's total from one ultimate parent to another.
    pub(crate) fn change_parent_total(
        &mut self,
        owner: &MemberId,
        from: &MemberId,
        to: &MemberId,
    ) -> Result<(), Fault> {
        if from == to {
            return Ok(());
        }
        let owned = self
            .get::<Totals>(&Key::Totals(Dimension::Owner(owner.clone())))?
            .unwrap_or_default();
        let mut totals = BTreeMap::new();
        for row in owned.0 {
            for (parent, sign) in [(from, -1_i128), (to, 1)] {
                let delta = AmountDelta {
                    here: sign * i128::from(row.amount.here),
                    inbound: sign * i128::from(row.amount.inbound),
                    outbound: sign * i128::from(row.amount.outbound),
                    disputed: sign * i128::from(row.amount.disputed),
                };
                totals.insert(
                    (Dimension::Parent(parent.clone()), row.model, row.status),
                    delta,
                );
            }
        }
        self.change_totals(totals)
    }
}

/// Which amount of a total a chip counts in.
#[derive(Clone, Copy)]
enum Leg {
    Here,
    Inbound,
    Outbound,
}

fn change_row(rows: &mut Vec<TotalsRow>, model: ModelNumber, status: Status, delta: AmountDelta) {
    let at = match rows.binary_search_by_key(&(model, status), |row| (row.model, row.status)) {
        Ok(at) => at,
        Err(at) => {
            rows.insert(
                at,
                TotalsRow {
                    model,
                    status,
                    amount: Amount::default(),
                },
            );
            at
        }
    };
    let amount = &mut rows[at].amount;
    amount.here = shifted(amount.here, delta.here);
    amount.inbound = shifted(amount.inbound, delta.inbound);
    amount.outbound = shifted(amount.outbound, delta.outbound);
    amount.disputed = shifted(amount.disputed, delta.disputed);
    if amount.is_zero() {
        rows.remove(at);
    }
}

fn shifted(amount: u64, change: i128) -> u64 {
    u64::try_from(i128::from(amount) + change).expect("an account never goes below zero")
}
