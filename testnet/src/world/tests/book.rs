//! A small book of who holds what where, written from the rules and not from the generator: it
//! panics at the first thing that a ledger would reject.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::{DocumentId, ItemId, MemberId, PublicKey, RecordId, SiteId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::set_key::KeyAction;
use chipledger_schemas::records::set_loss::Loss;
use chipledger_schemas::records::set_seizure::SeizureAction;
use chipledger_schemas::records::{
    Correct, Pack, Receive, Record, Register, SetSeizure, Ship, Unpack,
};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;
use chipledger_schemas::words::{KeyClass, Role, Status};

#[derive(Clone, PartialEq, Debug)]
enum Place {
    Site(SiteId),
    Transit(DocumentId),
    In(ItemId),
}

/// What is true of a root; of a contained item, what was true when it went in.
#[derive(Clone, Debug)]
struct Facts {
    place: Place,
    holder: MemberId,
    owner: MemberId,
    status: Status,
    moved_at: Time,
}

#[derive(Debug)]
struct Item {
    model: Option<ModelId>,
    sealed: bool,
    facts: Facts,
    latest: RecordId,
    before: Option<Facts>,
}

#[derive(Debug)]
struct Shipment {
    from: (MemberId, SiteId),
    to: (MemberId, SiteId),
    outstanding: BTreeSet<ItemId>,
}

struct Key {
    class: KeyClass,
    from: Time,
    until: Time,
}

/// The book.
pub(super) struct Book {
    members: BTreeMap<MemberId, BTreeSet<Role>>,
    keys: BTreeMap<(MemberId, PublicKey), Key>,
    sites: BTreeMap<SiteId, Jurisdiction>,
    items: BTreeMap<ItemId, Item>,
    shipments: BTreeMap<DocumentId, Shipment>,
    documents: BTreeSet<DocumentId>,
}

/// Who says it, when, and under which id.
struct Said<'a> {
    by: &'a MemberId,
    cosigners: BTreeSet<&'a MemberId>,
    at: Time,
    id: RecordId,
}

impl Book {
    pub(super) fn new(genesis: &Genesis) -> Self {
        let founders = genesis.founders.iter();
        let admin = || Key {
            class: KeyClass::Admin,
            from: Time(0),
            until: Time(u64::MAX),
        };
        Self {
            members: founders
                .clone()
                .map(|f| (f.member.member.clone(), f.member.roles.clone()))
                .collect(),
            keys: founders
                .map(|f| ((f.member.member.clone(), f.admin_key), admin()))
                .collect(),
            sites: genesis
                .sites
                .iter()
                .map(|s| (s.site.clone(), s.jurisdiction))
                .collect(),
            items: BTreeMap::new(),
            shipments: BTreeMap::new(),
            documents: BTreeSet::new(),
        }
    }

    pub(super) fn apply(&mut self, transaction: &Transaction) {
        let body = &transaction.body;
        let clerks_may = body
            .records
            .iter()
            .all(|record| !record.kind().is_governance());
        let cosigners = transaction.cosignatures.iter().map(|c| (&c.member, c.key));
        for (member, key) in cosigners.chain([(&body.member, body.key)]) {
            let known = self.keys.get(&(member.clone(), key));
            let key = known.unwrap_or_else(|| panic!("{member} signs with an unknown key"));
            assert!(
                key.from <= body.signed_at && body.valid_until <= key.until,
                "{member}"
            );
            assert!(
                key.class == KeyClass::Admin || clerks_may,
                "{member}: {:?}",
                body.records
            );
        }
        for (index, record) in (0..).zip(&body.records) {
            let said = Said {
                by: &body.member,
                cosigners: transaction.cosignatures.iter().map(|c| &c.member).collect(),
                at: record.occurred_at().unwrap_or(body.signed_at),
                id: transaction.record_id(index),
            };
            self.record(record, &said);
        }
    }

    fn record(&mut self, record: &Record, said: &Said) {
        match record {
            Record::SetMember(_)
            | Record::SetKey(_)
            | Record::SetSite(_)
            | Record::Propose(_)
            | Record::Clear(_)
            | Record::Order(_) => self.note(record, said),
            Record::Register(register) => self.register(register, said),
            Record::Pack(pack) => self.pack(pack, said),
            Record::Unpack(unpack) => self.unpack(unpack, said),
            Record::Ship(ship) => self.ship(ship, said),
            Record::VoidShipment(r) => {
                let shipment = self
                    .shipments
                    .remove(&r.shipment)
                    .expect("an open shipment");
                assert_eq!(shipment.outstanding, r.items.ids().collect());
                self.arrive(&r.items, &shipment.from, said);
            }
            Record::Redirect(r) => {
                let shipment = self
                    .shipments
                    .get_mut(&r.shipment)
                    .expect("an open shipment");
                assert_eq!(shipment.outstanding, r.items.ids().collect());
                assert_eq!(&shipment.from.0, said.by);
                shipment.to = (r.to.clone(), r.to_site.clone());
            }
            Record::Receive(receive) => self.receive(receive, said),
            Record::TransferTitle(r) => self.each(&r.items, said, |facts, said| {
                assert_eq!(&facts.owner, said.by);
                assert!(said.cosigners.contains(&r.to));
                facts.owner = r.to.clone();
            }),
            Record::Install(r) => self.change(&r.items, said, &[Status::Stock], Status::Installed),
            Record::Decommission(r) => {
                self.change(&r.items, said, &[Status::Stock], Status::Decommissioned);
            }
            Record::SetLoss(r) => match r.loss {
                Loss::Lost => self.change(&r.items, said, &[Status::Stock], Status::Lost),
                Loss::Stolen => self.change(&r.items, said, &[Status::Stock], Status::Stolen),
                Loss::Recovered => {
                    self.change(
                        &r.items,
                        said,
                        &[Status::Lost, Status::Stolen],
                        Status::Stock,
                    );
                }
            },
            Record::SetSeizure(seizure) => self.seize(seizure, said),
            Record::Destroy(r) => {
                assert!(said.cosigners.contains(&r.witness) && r.witness != *said.by);
                let alive = [Status::Stock, Status::Decommissioned, Status::Seized];
                self.change(&r.items, said, &alive, Status::Destroyed);
            }
            Record::Replace(r) => self.replace(&r.old, &r.new, said),
            Record::Correct(correct) => self.correct(correct, said),
            Record::Seal(r) => self.seal(&r.items, true),
            Record::BreakSeal(r) => self.seal(&r.items, false),
            other => assert!(
                !other.kind().is_custody(),
                "the book does not know {}",
                other.kind()
            ),
        }
    }

    fn register(&mut self, register: &Register, said: &Said) {
        assert!(self.members[said.by].contains(&Role::Fab));
        assert!(self.sites.contains_key(&register.site));
        for id in register.items.ids() {
            let facts = Facts {
                place: Place::Site(register.site.clone()),
                holder: said.by.clone(),
                owner: said.by.clone(),
                status: Status::Stock,
                moved_at: said.at,
            };
            self.create(&id, Some(register.model.clone()), facts, said);
        }
    }

    fn unpack(&mut self, unpack: &Unpack, said: &Said) {
        for id in unpack.items.ids() {
            let mut facts = self.root(&id).clone();
            let inside = matches!(self.items[&id].facts.place, Place::In(_));
            assert!(inside, "{id} is a root");
            assert!(matches!(facts.place, Place::Site(_)), "{id} is under way");
            assert_eq!(&facts.holder, said.by, "{id}");
            facts.moved_at = said.at;
            self.set(&id, facts, said);
        }
    }

    fn seize(&mut self, seizure: &SetSeizure, said: &Said) {
        self.each(&seizure.items, said, |facts, said| match &seizure.action {
            SeizureAction::Seize { site } => {
                facts.place = Place::Site(site.clone());
                facts.holder = said.by.clone();
                facts.status = Status::Seized;
            }
            SeizureAction::Release { to } => {
                assert_eq!((&facts.holder, facts.status), (said.by, Status::Seized));
                facts.holder = to.clone();
                facts.status = Status::Stock;
            }
        });
    }

    fn correct(&mut self, correct: &Correct, said: &Said) {
        for id in correct.items.ids() {
            let item = self.items.get_mut(&id).expect("a known item");
            assert_eq!(item.latest, correct.record, "{id} has moved since");
            match item.before.take() {
                Some(before) => item.facts = before,
                None => item.facts.status = Status::Void,
            }
        }
        if let Some(replacement) = &correct.replacement {
            let at = replacement.occurred_at().expect("custody has a time");
            let cosigners = said.cosigners.clone();
            self.record(
                replacement,
                &Said {
                    cosigners,
                    at,
                    ..*said
                },
            );
        }
    }

    fn note(&mut self, record: &Record, said: &Said) {
        match record {
            Record::SetMember(r) => drop(self.members.insert(r.member.clone(), r.roles.clone())),
            // The book trusts that three regulators approve.
            Record::Propose(r) => self.note(&r.record, said),
            Record::SetKey(r) => {
                assert!(self.members.contains_key(&r.member), "{}", r.member);
                if let KeyAction::Add {
                    class,
                    valid_from,
                    valid_until,
                } = r.action
                {
                    let key = Key {
                        class,
                        from: valid_from,
                        until: valid_until,
                    };
                    self.keys.insert((r.member.clone(), r.key), key);
                }
            }
            Record::SetSite(r) => {
                let customs = |member: &&&MemberId| {
                    let roles = &self.members[**member];
                    roles.contains(&Role::Customs) || roles.contains(&Role::Regulator)
                };
                assert!(said.cosigners.iter().any(|member| customs(&member)));
                assert_eq!(&r.operator, said.by);
                self.sites.insert(r.site.clone(), r.jurisdiction);
            }
            Record::Clear(r) => {
                assert_eq!(&r.clearance.member, said.by);
                assert!(self.members.contains_key(&r.declarant));
                assert!(self.documents.insert(r.clearance.clone()));
            }
            Record::Order(r) => {
                assert!(
                    self.members.contains_key(&r.seller) && self.sites.contains_key(&r.to_site)
                );
                assert!(self.documents.insert(r.order.clone()));
            }
            _ => {}
        }
    }

    fn create(&mut self, id: &ItemId, model: Option<ModelId>, facts: Facts, said: &Said) {
        let item = Item {
            model,
            sealed: false,
            facts,
            latest: said.id,
            before: None,
        };
        assert!(
            self.items.insert(id.clone(), item).is_none(),
            "{id} is registered twice"
        );
    }

    fn root(&self, id: &ItemId) -> &Facts {
        let item = self
            .items
            .get(id)
            .unwrap_or_else(|| panic!("{id} is unknown"));
        match &item.facts.place {
            Place::In(unit) => {
                let root = self.root(unit);
                assert!(!self.items[unit].sealed, "{unit} is sealed");
                root
            }
            _ => &item.facts,
        }
    }

    fn set(&mut self, id: &ItemId, facts: Facts, said: &Said) {
        let mut above = Some(id.clone());
        while let Some(at) = above {
            let known = &self.items[&at].facts;
            assert!(known.moved_at <= facts.moved_at, "{id} out of order");
            above = if let Place::In(unit) = &known.place {
                Some(unit.clone())
            } else {
                None
            };
        }
        let item = self.items.get_mut(id).expect("a known item");
        assert!(!item.facts.status.is_ended(), "{id} has ended");
        item.before = Some(std::mem::replace(&mut item.facts, facts));
        item.latest = said.id;
    }

    /// Changes roots.
    fn each(&mut self, items: &ItemSet, said: &Said, change: impl Fn(&mut Facts, &Said)) {
        for id in items.ids() {
            let item = self
                .items
                .get(&id)
                .unwrap_or_else(|| panic!("{id} is unknown"));
            assert!(
                !matches!(item.facts.place, Place::In(_)),
                "{id} is contained"
            );
            let mut facts = item.facts.clone();
            change(&mut facts, said);
            facts.moved_at = said.at;
            self.set(&id, facts, said);
        }
    }

    fn change(&mut self, items: &ItemSet, said: &Said, from: &[Status], to: Status) {
        self.each(items, said, |facts, said| {
            assert_eq!(&facts.holder, said.by);
            assert!(
                matches!(facts.place, Place::Site(_)) && from.contains(&facts.status),
                "{facts:?}"
            );
            facts.status = to;
        });
    }

    fn pack(&mut self, pack: &Pack, said: &Said) {
        let per_unit = pack.items.len() / pack.units.len();
        let first = pack.items.ids().next().expect("an item");
        let unit_facts = Facts {
            moved_at: said.at,
            ..self.root(&first).clone()
        };
        let mut items = pack.items.ids();
        for unit in pack.units.ids() {
            self.create(&unit, None, unit_facts.clone(), said);
            for _ in 0..per_unit {
                let id = items.next().expect("as many as the record says");
                let facts = self.items[&id].facts.clone();
                assert_eq!(facts.place, unit_facts.place, "{id}");
                assert_eq!(&facts.holder, said.by, "{id}");
                let place = Place::In(unit.clone());
                self.set(
                    &id,
                    Facts {
                        place,
                        moved_at: said.at,
                        ..facts
                    },
                    said,
                );
            }
        }
    }

    fn ship(&mut self, ship: &Ship, said: &Said) {
        assert!(self.members.contains_key(&ship.to) && self.sites.contains_key(&ship.to_site));
        assert_eq!(&ship.shipment.member, said.by);
        let first = ship.items.ids().next().expect("an item");
        let Place::Site(from) = self.root(&first).place.clone() else {
            panic!("{first} is under way")
        };
        if self.sites[&from] != self.sites[&ship.to_site] {
            let clearance = ship.clearance.as_ref().expect("an exit clearance");
            assert!(self.documents.contains(clearance));
        }
        self.each(&ship.items, said, |facts, said| {
            assert_eq!(
                (&facts.holder, &facts.place),
                (said.by, &Place::Site(from.clone()))
            );
            assert_eq!(facts.status, Status::Stock);
            facts.place = Place::Transit(ship.shipment.clone());
            facts.status = Status::InTransit;
        });
        let shipment = Shipment {
            from: (said.by.clone(), from),
            to: (ship.to.clone(), ship.to_site.clone()),
            outstanding: ship.items.ids().collect(),
        };
        assert!(
            self.shipments
                .insert(ship.shipment.clone(), shipment)
                .is_none()
        );
    }

    fn arrive(&mut self, items: &ItemSet, at: &(MemberId, SiteId), said: &Said) {
        assert_eq!(&at.0, said.by);
        self.each(items, said, |facts, _| {
            facts.holder = at.0.clone();
            facts.place = Place::Site(at.1.clone());
            facts.status = Status::Stock;
        });
    }

    fn receive(&mut self, receive: &Receive, said: &Said) {
        let id = receive.shipment.as_ref().expect("announced");
        let mut shipment = self.shipments.remove(id).expect("an open shipment");
        assert_eq!(shipment.to, (said.by.clone(), receive.site.clone()));
        if self.sites[&shipment.from.1] != self.sites[&shipment.to.1] {
            let clearance = receive.clearance.as_ref().expect("an entry clearance");
            assert!(self.documents.contains(clearance));
        }
        assert!(
            receive
                .missing
                .ids()
                .all(|id| shipment.outstanding.contains(&id))
        );
        for found in receive.found.ids().chain(receive.refused.ids()) {
            assert!(
                shipment.outstanding.remove(&found),
                "{found} was not shipped"
            );
        }
        self.arrive(&receive.found, &shipment.to, said);
        if !receive.refused.is_empty() {
            let reference = format!("{}.R", id.reference).parse().expect("a reference");
            let back = DocumentId::new(said.by.clone(), reference);
            self.each(&receive.refused, said, |facts, _| {
                facts.place = Place::Transit(back.clone());
            });
            let outstanding = receive.refused.ids().collect();
            let (from, to) = (shipment.to.clone(), shipment.from.clone());
            self.shipments.insert(
                back,
                Shipment {
                    from,
                    to,
                    outstanding,
                },
            );
        }
        if !shipment.outstanding.is_empty() {
            self.shipments.insert(id.clone(), shipment);
        }
    }

    fn replace(&mut self, old: &ItemId, new: &ItemId, said: &Said) {
        let root = self.root(old).clone();
        let spare = self.items[new].facts.clone();
        assert_eq!((&root.holder, &spare.holder), (said.by, said.by));
        assert_eq!(spare.place, root.place, "the spare is elsewhere");
        assert_eq!(self.items[old].model, self.items[new].model);
        let inside = Facts {
            moved_at: said.at,
            ..self.items[old].facts.clone()
        };
        let outside = Facts {
            status: Status::Decommissioned,
            moved_at: said.at,
            ..root
        };
        self.set(old, outside, said);
        self.set(new, inside, said);
    }

    fn seal(&mut self, items: &ItemSet, sealed: bool) {
        for id in items.ids() {
            let item = self.items.get_mut(&id).expect("a known item");
            assert_ne!(std::mem::replace(&mut item.sealed, sealed), sealed);
        }
    }

    fn alive(&self, id: &ItemId) -> bool {
        let facts = &self.items[id].facts;
        !facts.status.is_ended()
            && if let Place::In(unit) = &facts.place {
                self.alive(unit)
            } else {
                true
            }
    }

    /// Chips by model at every site; everything must have arrived.
    pub(super) fn held(&self) -> BTreeMap<SiteId, BTreeMap<ModelId, u64>> {
        let mut held: BTreeMap<SiteId, BTreeMap<ModelId, u64>> = BTreeMap::new();
        for (id, item) in &self.items {
            let Some(model) = item.model.as_ref().filter(|_| self.alive(id)) else {
                continue;
            };
            let root = self.root(id);
            let Place::Site(site) = &root.place else {
                panic!("{id} is still under way")
            };
            assert_eq!(
                (root.status, &root.owner),
                (Status::Installed, &root.holder),
                "{id}"
            );
            *held
                .entry(site.clone())
                .or_default()
                .entry(model.clone())
                .or_default() += 1;
        }
        held
    }

    pub(super) fn held_by_jurisdiction(&self) -> BTreeMap<Jurisdiction, u64> {
        let mut held = BTreeMap::new();
        for (site, models) in self.held() {
            *held.entry(self.sites[&site]).or_default() += models.values().sum::<u64>();
        }
        held
    }

    /// Chips that have ended.
    pub(super) fn ended(&self) -> usize {
        let chips = self.items.iter().filter(|(_, item)| item.model.is_some());
        chips.filter(|(id, _)| !self.alive(id)).count()
    }
}
