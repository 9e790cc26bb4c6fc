//! Moving items: one primitive for every kind of record, so that chips are conserved by
//! construction.

use chipledger_proof::state::{
    Account, ContentRow, Evidence, EvidenceKind, Item, LastMovement, Member, next_history,
};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{ItemId, ItemNumber, MemberId};
use chipledger_schemas::movement::{Facts, Location, Movement, Place};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{Irregularity, Status};

use super::accounts::Side;
use super::containment::contribution;
use super::{Cause, Change, Draft, State};
use crate::rejection::{Code, Fault, reject};

/// What holds of an item once its containers are taken into account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Effective {
    /// Its id.
    pub id: ItemId,
    /// The outermost unit; itself, if it is a root.
    pub root: ItemNumber,
    /// Where.
    pub place: Place,
    /// Custody.
    pub holder: MemberId,
    /// Title.
    pub owner: MemberId,
    /// Use, if anybody but the owner.
    pub user: Option<MemberId>,
    /// State of life; that of an ended container, if one ended.
    pub status: Status,
    /// Why it is irregular, if it is.
    pub irregularity: Option<Irregularity>,
    /// Its containers, innermost first.
    pub containers: Vec<ItemNumber>,
    /// The latest movement of it, of a container or of something inside it.
    pub moved_at: Time,
    /// The innermost container that bears a seal.
    pub sealed_in: Option<ItemId>,
    /// Whether a dispute is open on a container: it covers what is inside.
    pub container_disputed: bool,
}

impl Effective {
    /// Whether it is a root.
    pub(crate) fn is_root(&self) -> bool {
        self.containers.is_empty()
    }
}

/// A new item.
pub(crate) struct NewItem {
    pub id: ItemId,
    pub kind: chipledger_proof::state::ItemKind,
    pub facts: Facts,
    pub unverified: bool,
    pub device_key: Option<chipledger_schemas::ids::PublicKey>,
}

impl<S: State> Draft<'_, S> {
    /// What holds of an item.
    pub(crate) fn effective(&self, number: ItemNumber) -> Result<Effective, Fault> {
        struct Climb {
            owner: Option<MemberId>,
            user: Option<MemberId>,
            status: Option<(Status, Option<Irregularity>)>,
            moved_at: Time,
        }
        let mut climb = Climb {
            owner: None,
            user: None,
            status: None,
            moved_at: Time::default(),
        };
        let mut id = None;
        let mut containers = Vec::new();
        let mut sealed_in = None;
        let mut container_disputed = false;
        let mut at = number;
        loop {
            let location = self.with_item(at, |item| {
                let facts = &item.facts;
                climb.owner = climb.owner.take().or_else(|| facts.owner.clone());
                climb.user = climb.user.take().or_else(|| facts.user.clone());
                let status = facts.status.map(|status| (status, facts.irregularity));
                match status {
                    Some((ended, _)) if ended.is_ended() => climb.status = status,
                    _ => climb.status = climb.status.or(status),
                }
                climb.moved_at = climb.moved_at.max(item.movement.occurred_at());
                if at == number {
                    climb.moved_at = climb.moved_at.max(item.content_at);
                }
                if at != number && facts.seal.is_some() && sealed_in.is_none() {
                    sealed_in = Some(item.id.clone());
                }
                container_disputed |= at != number && item.is_disputed();
                id.get_or_insert_with(|| item.id.clone());
                facts.location.clone()
            })?;
            match location {
                Location::In(parent) => {
                    containers.push(parent);
                    at = parent;
                }
                Location::At { place, holder } => {
                    let (status, irregularity) = climb.status.expect("a root has a status");
                    return Ok(Effective {
                        id: id.expect("the climb starts at the item"),
                        root: at,
                        status: status_at(&place, status),
                        irregularity,
                        place,
                        holder,
                        owner: climb.owner.expect("a root has an owner"),
                        user: climb.user,
                        containers,
                        moved_at: climb.moved_at,
                        sealed_in,
                        container_disputed,
                    });
                }
            }
        }
    }

    /// The accounts of what an item stands for, one per row of it.
    fn accounts_of(
        &self,
        item: &Item,
        effective: &Effective,
    ) -> Result<Vec<(Side, ContentRow)>, Fault> {
        let place = self.account_place(&effective.place)?;
        let holder = self.successor_of(&effective.holder)?;
        let mut accounts = Vec::new();
        for mut row in item.rows() {
            row.disputed |= effective.container_disputed;
            let owner = row.owner.as_ref().unwrap_or(&effective.owner);
            let user = row
                .user
                .as_ref()
                .or(effective.user.as_ref())
                .unwrap_or(owner);
            let status = match row.status {
                Some(status) if !effective.status.is_ended() => status_at(&effective.place, status),
                _ => effective.status,
            };
            if status.is_ended() {
                accounts.push((Side::Ended(status), row));
                continue;
            }
            let account = Account {
                place: place.clone(),
                holder: holder.clone(),
                owner: self.successor_of(owner)?,
                user: self.successor_of(user)?,
                status,
            };
            accounts.push((Side::Account(account), row));
        }
        Ok(accounts)
    }

    /// The accounts of what an item stands for now.
    pub(crate) fn account_rows(
        &self,
        number: ItemNumber,
    ) -> Result<Vec<(Side, ContentRow)>, Fault> {
        self.accounts_of(&self.item(number)?, &self.effective(number)?)
    }

    /// The account of one chip.
    pub(crate) fn account_of_chip(&self, effective: &Effective) -> Result<Side, Fault> {
        if effective.status.is_ended() {
            return Ok(Side::Ended(effective.status));
        }
        let owner = self.successor_of(&effective.owner)?;
        let user = effective.user.as_ref().unwrap_or(&effective.owner);
        Ok(Side::Account(Account {
            place: self.account_place(&effective.place)?,
            holder: self.successor_of(&effective.holder)?,
            user: self.successor_of(user)?,
            owner,
            status: effective.status,
        }))
    }

    /// The member that acts for `member` now: itself, or who took it over.
    pub(crate) fn successor_of(&self, member: &MemberId) -> Result<MemberId, Fault> {
        let mut at = member.clone();
        loop {
            let key = chipledger_proof::state::Key::Member(at.clone());
            match self
                .look::<Member, _>(&key, |m| m.successor.clone())?
                .flatten()
            {
                Some(successor) => at = successor,
                None => return Ok(at),
            }
        }
    }

    /// Gives an item new facts: postings, content of its containers, history and the stack of
    /// movements follow.
    pub(crate) fn move_item(
        &mut self,
        number: ItemNumber,
        facts: Facts,
        occurred_at: Time,
    ) -> Result<(), Fault> {
        let item = self.item(number)?;
        let movement = Movement {
            record: self.at.id,
            occurred_at,
            before: Some(item.facts.clone()),
            previous_at: item.movement.occurred_at(),
            below: item.movement.digest(),
        };
        self.change_facts(
            number,
            item,
            facts.clone(),
            LastMovement::Known(movement),
            (Cause::Moved, occurred_at),
        )?;
        self.push_change(number, occurred_at, Change::Moved(facts));
        Ok(())
    }

    /// Puts an item's earlier facts back; `below` is the movement that is the latest again.
    pub(crate) fn undo_item(
        &mut self,
        number: ItemNumber,
        undone: &Movement,
        facts: Facts,
    ) -> Result<(), Fault> {
        let item = self.item(number)?;
        let below = LastMovement::Below {
            digest: undone.below,
            occurred_at: undone.previous_at,
        };
        let when = (Cause::Undone, undone.occurred_at);
        self.change_facts(number, item, facts.clone(), below, when)?;
        self.push_change(number, undone.occurred_at, Change::Undone(facts));
        Ok(())
    }

    fn change_facts(
        &mut self,
        number: ItemNumber,
        mut item: Item,
        facts: Facts,
        movement: LastMovement,
        (cause, occurred_at): (Cause, Time),
    ) -> Result<(), Fault> {
        let before = self.accounts_of(&item, &self.effective(number)?)?;
        let (old_parent, new_parent) = (parent_of(&item.facts), parent_of(&facts));
        let is_inside = old_parent.is_some() || new_parent.is_some();
        let of_content = |item: &Item| {
            if is_inside {
                contribution(item)
            } else {
                Vec::new()
            }
        };
        let removed = of_content(&item);
        self.count_under_way(&item.facts, &facts);
        item.facts = facts;
        item.movement = movement;
        self.count_event(&mut item, occurred_at, EvidenceKind::Declared);
        let added = of_content(&item);
        let item = self.put_item(number, item);
        match (old_parent, new_parent) {
            (Some(old), Some(new)) if old == new => {
                if removed != added {
                    self.change_content(old, removed, added, occurred_at)?;
                }
            }
            (old, new) => {
                if let Some(old) = old {
                    self.change_content(old, removed, Vec::new(), occurred_at)?;
                }
                if let Some(new) = new {
                    self.change_content(new, Vec::new(), added, occurred_at)?;
                }
            }
        }
        let after = self.accounts_of(&item, &self.effective(number)?)?;
        for ((from, row), (to, row_after)) in before.into_iter().zip(after) {
            self.post(cause, occurred_at, &row, from, to.clone());
            self.change_mark(&to, &row, &row_after, occurred_at);
        }
        Ok(())
    }

    /// Brings an item into the ledger.
    pub(crate) fn create_item(
        &mut self,
        number: ItemNumber,
        new: NewItem,
        occurred_at: Time,
    ) -> Result<(), Fault> {
        let movement = Movement {
            record: self.at.id,
            occurred_at,
            before: None,
            previous_at: Time::default(),
            below: Hash::ZERO,
        };
        let mut item = Item {
            id: new.id,
            kind: new.kind,
            facts: new.facts.clone(),
            content: Vec::new(),
            content_at: Time::default(),
            movement: LastMovement::Known(movement),
            events: 0,
            history: Hash::ZERO,
            disputes: Vec::new(),
            unverified: new.unverified,
            device_key: new.device_key,
            evidence: Evidence {
                kind: EvidenceKind::Declared,
                at: occurred_at,
            },
        };
        self.count_event(&mut item, occurred_at, EvidenceKind::Declared);
        let item = self.put_item(number, item);
        if let Some(parent) = parent_of(&item.facts) {
            self.change_content(parent, Vec::new(), contribution(&item), occurred_at)?;
        }
        for (to, row) in self.accounts_of(&item, &self.effective(number)?)? {
            self.post(Cause::Moved, occurred_at, &row, Side::Origin, to);
        }
        self.push_change(number, occurred_at, Change::Moved(new.facts));
        Ok(())
    }

    /// Names an item without moving it.
    pub(crate) fn note_item(
        &mut self,
        number: ItemNumber,
        occurred_at: Time,
        evidence: Option<EvidenceKind>,
    ) -> Result<(), Fault> {
        let mut item = self.item(number)?;
        let kind = evidence.unwrap_or(item.evidence.kind);
        let at = if evidence.is_some() {
            occurred_at
        } else {
            item.evidence.at
        };
        self.count_event(&mut item, at, kind);
        self.put_item(number, item);
        self.push_change(number, occurred_at, Change::Noted);
        Ok(())
    }

    /// Says on what evidence the facts of an item rest now.
    pub(crate) fn set_evidence(
        &mut self,
        number: ItemNumber,
        kind: EvidenceKind,
        at: Time,
    ) -> Result<(), Fault> {
        let mut item = self.item(number)?;
        item.evidence = Evidence { kind, at };
        self.put_item(number, item);
        Ok(())
    }

    /// Changes who has a dispute open on an item; the account stays, the mark on it follows.
    pub(crate) fn change_disputes(
        &mut self,
        number: ItemNumber,
        disputes: Vec<MemberId>,
        occurred_at: Time,
    ) -> Result<(), Fault> {
        let mut item = self.item(number)?;
        let effective = self.effective(number)?;
        let before = self.accounts_of(&item, &effective)?;
        let removed = contribution(&item);
        item.disputes = disputes;
        let Evidence { kind, at } = item.evidence;
        self.count_event(&mut item, at, kind);
        let added = contribution(&item);
        self.put_item(number, item.clone());
        if let Some(parent) = parent_of(&item.facts)
            && removed != added
        {
            self.change_content(parent, removed, added, Time::default())?;
        }
        let after = self.accounts_of(&item, &effective)?;
        for ((account, row), (_, row_after)) in before.iter().zip(&after) {
            self.change_mark(account, row, row_after, occurred_at);
        }
        self.push_change(number, occurred_at, Change::Noted);
        Ok(())
    }

    /// Marks chips of an account, or takes the mark off, where a row's mark has changed.
    fn change_mark(
        &mut self,
        side: &Side,
        before: &ContentRow,
        after: &ContentRow,
        occurred_at: Time,
    ) {
        if let Side::Account(account) = side
            && before.disputed != after.disputed
        {
            let (model, count) = (before.model, before.count);
            self.mark_disputed(account, model, count, after.disputed, occurred_at);
        }
    }

    fn count_event(&self, item: &mut Item, at: Time, kind: EvidenceKind) {
        item.events = item.events.saturating_add(1);
        item.history = next_history(&item.history, self.at.id, self.at.height);
        item.evidence = Evidence { kind, at };
    }

    /// Rejects an item that ended, or a record that lies before the item's last movement.
    pub(crate) fn check_movable(
        &self,
        effective: &Effective,
        occurred_at: Time,
    ) -> Result<(), Fault> {
        if effective.status.is_ended() {
            return reject(
                Code::ItemEnded,
                format!("{} is {}", effective.id, effective.status),
            );
        }
        if occurred_at < effective.moved_at {
            return reject(
                Code::OutOfOrder,
                format!("{} last moved at {}", effective.id, effective.moved_at),
            );
        }
        Ok(())
    }
}

/// The status of what is at a place: stock inside something under way is under way too.
fn status_at(place: &Place, status: Status) -> Status {
    match (place, status) {
        (Place::Transit(_), Status::Stock) => Status::InTransit,
        _ => status,
    }
}

/// The container that facts name.
pub(crate) fn parent_of(facts: &Facts) -> Option<ItemNumber> {
    match facts.location {
        Location::In(parent) => Some(parent),
        Location::At { .. } => None,
    }
}
