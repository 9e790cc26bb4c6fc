//! Which transactions must be final before another is sent.
//!
//! Two that name items of one component (items that were ever named together: a chip and the rack
//! that it was packed into) keep their order. What names a member, a site or a document waits for
//! what made it. Everything else may overtake.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chipledger_schemas::ids::{DocumentId, ItemId, MemberId, SiteId};
use chipledger_schemas::items::{ItemSet, Run, Series};
use chipledger_schemas::records::Record;
use chipledger_schemas::transaction::Transaction;

/// Number of a transaction in its stream, from 0.
pub type Number = u64;

/// Something that one transaction makes and others rest on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Subject {
    Member(MemberId),
    Site(SiteId),
    Document(DocumentId),
}

/// What a transaction touches.
#[derive(Default, Debug)]
struct Touched {
    makes: Vec<Subject>,
    needs: Vec<Subject>,
    items: Vec<(Series, Run)>,
}

/// The order so far.
#[derive(Default, Debug)]
pub struct Order {
    last: HashMap<Subject, Number>,
    components: Components,
    /// What a proposal would make, until it is decided.
    proposed: HashMap<DocumentId, Vec<Subject>>,
}

impl Order {
    /// Takes the next transaction of the stream in, and returns those that must be final before it.
    pub fn after(&mut self, number: Number, transaction: &Transaction) -> BTreeSet<Number> {
        let mut touched = Touched::default();
        let body = &transaction.body;
        let cosigners = transaction.cosignatures.iter();
        let signers = cosigners.map(|cosignature| &cosignature.member);
        for signer in signers.chain([&body.member]) {
            touched.needs.push(Subject::Member(signer.clone()));
        }
        for record in &body.records {
            touched.add(record);
            self.vote(record, &mut touched);
        }
        let mut after = BTreeSet::new();
        for subject in touched.needs.iter().chain(&touched.makes) {
            after.extend(self.last.get(subject));
        }
        after.extend(self.components.join(&touched.items, number));
        for subject in touched.makes {
            self.last.insert(subject, number);
        }
        after.remove(&number);
        after
    }

    /// A proposal acts when its last approval comes: each approval makes what it would make.
    fn vote(&mut self, record: &Record, touched: &mut Touched) {
        match record {
            Record::Propose(propose) => {
                let mut inside = Touched::default();
                inside.add(&propose.record);
                touched.makes.extend(inside.makes.iter().cloned());
                touched.needs.extend(inside.needs);
                touched.items.extend(inside.items);
                self.proposed.insert(propose.proposal.clone(), inside.makes);
            }
            Record::Approve(approve) => {
                let makes = self.proposed.get(&approve.proposal);
                touched.makes.extend(makes.into_iter().flatten().cloned());
            }
            _ => {}
        }
    }
}

impl Touched {
    fn add(&mut self, record: &Record) {
        for set in record.items() {
            self.add_items(set);
        }
        match record {
            Record::SetMember(r) => self.makes(Subject::Member(r.member.clone())),
            Record::SetKey(r) => self.makes(Subject::Member(r.member.clone())),
            Record::VetMember(r) => self.makes(Subject::Member(r.member.clone())),
            Record::SetSite(r) => {
                self.makes(Subject::Site(r.site.clone()));
                self.needs(Subject::Member(r.operator.clone()));
            }
            Record::SetLicence(r) => self.makes(Subject::Document(r.licence.clone())),
            Record::Propose(r) => self.makes(Subject::Document(r.proposal.clone())),
            Record::Approve(r) => self.makes(Subject::Document(r.proposal.clone())),
            Record::ReportEnergy(r) => self.needs(Subject::Site(r.site.clone())),
            Record::DeclareInventory(r) => self.needs(Subject::Site(r.site.clone())),
            Record::Inspect(r) => self.needs(Subject::Site(r.site.clone())),
            other => self.add_trade(other),
        }
    }

    fn add_trade(&mut self, record: &Record) {
        match record {
            Record::Order(r) => {
                self.makes(Subject::Document(r.order.clone()));
                self.needs(Subject::Member(r.seller.clone()));
                self.needs(Subject::Site(r.to_site.clone()));
            }
            Record::Ship(r) => {
                self.makes(Subject::Document(r.shipment.clone()));
                self.to(&r.to, &r.to_site);
                self.needs.extend(r.carrier.clone().map(Subject::Member));
                let papers = [&r.order, &r.licence, &r.clearance];
                self.documents(papers.into_iter().flatten());
            }
            Record::Redirect(r) => {
                self.makes(Subject::Document(r.shipment.clone()));
                self.to(&r.to, &r.to_site);
                self.documents([&r.licence, &r.clearance].into_iter().flatten());
            }
            Record::VoidShipment(r) => self.makes(Subject::Document(r.shipment.clone())),
            Record::Receive(r) => {
                self.makes.extend(r.shipment.clone().map(Subject::Document));
                self.needs(Subject::Site(r.site.clone()));
                self.documents(r.clearance.iter());
            }
            Record::Clear(r) => {
                self.makes(Subject::Document(r.clearance.clone()));
                self.needs(Subject::Member(r.declarant.clone()));
                self.documents(r.shipment.iter());
            }
            Record::Register(r) => self.needs(Subject::Site(r.site.clone())),
            Record::TransferTitle(r) => self.needs(Subject::Member(r.to.clone())),
            Record::Destroy(r) => self.needs(Subject::Member(r.witness.clone())),
            Record::Replace(r) => {
                self.add_item(&r.old);
                self.add_item(&r.new);
            }
            Record::Correct(r) => {
                if let Some(replacement) = &r.replacement {
                    self.add(replacement);
                }
            }
            _ => {}
        }
    }

    fn makes(&mut self, subject: Subject) {
        self.makes.push(subject);
    }

    fn needs(&mut self, subject: Subject) {
        self.needs.push(subject);
    }

    fn to(&mut self, member: &MemberId, site: &SiteId) {
        self.needs(Subject::Member(member.clone()));
        self.needs(Subject::Site(site.clone()));
    }

    fn documents<'a>(&mut self, documents: impl Iterator<Item = &'a DocumentId>) {
        self.needs.extend(documents.cloned().map(Subject::Document));
    }

    fn add_items(&mut self, set: &ItemSet) {
        let runs = set.runs().map(|(series, run)| (series.clone(), run));
        self.items.extend(runs);
    }

    fn add_item(&mut self, id: &ItemId) {
        let (series, first) = Series::split(id);
        self.items.push((series, Run { first, count: 1 }));
    }
}

/// Items that were named together, as intervals of serials that point into a forest of sets.
#[derive(Default, Debug)]
struct Components {
    /// Per series: first number to (number after the last, node).
    known: HashMap<Series, BTreeMap<u64, (u64, usize)>>,
    parents: Vec<usize>,
    last: Vec<Number>,
}

impl Components {
    /// Joins everything that the runs name into one component whose last transaction is `number`;
    /// returns the last ones of those that were joined.
    fn join(&mut self, runs: &[(Series, Run)], number: Number) -> BTreeSet<Number> {
        if runs.is_empty() {
            return BTreeSet::new();
        }
        let node = self.parents.len();
        self.parents.push(node);
        self.last.push(number);
        let mut met = BTreeSet::new();
        for (series, run) in runs {
            let intervals = self.known.entry(series.clone()).or_default();
            meet(intervals, *run, node, &mut met);
        }
        let mut before = BTreeSet::new();
        for other in met {
            let root = self.root(other);
            before.insert(self.last[root]);
            self.parents[root] = node;
        }
        before.remove(&number);
        before
    }

    fn root(&mut self, mut node: usize) -> usize {
        while self.parents[node] != node {
            self.parents[node] = self.parents[self.parents[node]];
            node = self.parents[node];
        }
        node
    }
}

/// Notes the nodes of all intervals that overlap a run, and gives its gaps to `node`.
fn meet(
    intervals: &mut BTreeMap<u64, (u64, usize)>,
    run: Run,
    node: usize,
    met: &mut BTreeSet<usize>,
) {
    let (mut at, end) = (run.first, run.end());
    let before = intervals.range(..=at).next_back();
    let first = before.filter(|(_, (until, _))| *until > at);
    let mut overlapping: Vec<(u64, u64)> = Vec::new();
    if let Some((from, (until, other))) = first {
        overlapping.push((*from, *until));
        met.insert(*other);
    }
    for (from, (until, other)) in intervals.range(at.saturating_add(1)..end.max(at + 1)) {
        overlapping.push((*from, *until));
        met.insert(*other);
    }
    for (from, until) in overlapping {
        if from > at {
            intervals.insert(at, (from, node));
        }
        at = at.max(until);
    }
    if at < end {
        intervals.insert(at, (end, node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chipledger_schemas::keys::SecretKey;
    use chipledger_schemas::records::{Pack, Remove};
    use chipledger_schemas::time::Time;
    use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION};
    use chipledger_schemas::words::UnitKind;

    fn said(record: Record) -> Transaction {
        let key = SecretKey::from_seed(&[1; 32]);
        let body = Body {
            version: TRANSACTION_VERSION,
            genesis: chipledger_schemas::ids::GenesisHash::default(),
            member: "A".parse().unwrap(),
            key: key.public(),
            signed_at: Time(1),
            valid_from: Time(1),
            valid_until: Time(2),
            records: vec![record],
        };
        body.sign(&key)
    }

    fn set(text: &str) -> ItemSet {
        text.parse().unwrap()
    }

    fn remove(items: &str) -> Transaction {
        said(Record::Remove(Remove {
            items: set(items),
            occurred_at: Time(1),
        }))
    }

    fn pack(unit: &str, items: &str) -> Transaction {
        said(Record::Pack(Pack {
            units: set(unit),
            unit_kind: UnitKind::Rack,
            items: set(items),
            occurred_at: Time(1),
        }))
    }

    #[test]
    fn what_names_other_items_may_overtake() {
        let mut order = Order::default();
        assert!(order.after(0, &remove("F:001..010")).is_empty());
        assert!(order.after(1, &remove("F:011..020")).is_empty());
        assert!(order.after(2, &remove("G:001..010")).is_empty());
    }

    #[test]
    fn what_names_a_part_of_a_run_follows_the_whole_and_the_whole_follows_its_parts() {
        let mut order = Order::default();
        order.after(0, &remove("F:001..010"));
        assert_eq!(order.after(1, &remove("F:004")), [0].into());
        order.after(2, &remove("F:030..040"));
        // The gap between both belongs to the one that named it first.
        assert_eq!(order.after(3, &remove("F:005..035")), [1, 2].into());
        assert_eq!(order.after(4, &remove("F:020")), [3].into());
    }

    #[test]
    fn a_chip_follows_the_rack_that_it_was_packed_into() {
        let mut order = Order::default();
        order.after(0, &remove("F:001"));
        order.after(1, &remove("R:rack-1"));
        assert_eq!(order.after(2, &pack("R:rack-1", "F:001")), [0, 1].into());
        assert_eq!(order.after(3, &remove("R:rack-1")), [2].into());
        assert_eq!(order.after(4, &remove("F:001")), [3].into());
    }
}
