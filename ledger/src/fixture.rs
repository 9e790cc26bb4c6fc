//! A small world for tests: members of every role with keys, sites in three countries, and a way to
//! submit records and look at what became true.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_proof::state::{Chain, Key, Stored};
use chipledger_schemas::certificate::{ValidatorSeat, ValidatorSet};
use chipledger_schemas::genesis::{Bounds, Clock, Founder, GENESIS_VERSION, Genesis};
use chipledger_schemas::ids::{Height, ItemId, MemberId};
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::records::{Record, SetMember, SetSite};
use chipledger_schemas::time::{DAY_MS, HOUR_MS, Time};
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION, Transaction};
use chipledger_schemas::words::Role;

use crate::execute;
use crate::rejection::{Fault, Rejection};
#[cfg(test)]
use crate::state::Effective;
use crate::state::memory::MemoryState;
use crate::state::{Changes, Draft, State};
use crate::verify::VerifiedTransaction;

/// Members of the fixture: id, roles, seat, parent, issuer prefix.
const MEMBERS: &[(&str, &[Role], &str, Option<&str>, &str)] = &[
    ("FAB", &[Role::Fab], "TW", None, "FAB"),
    ("FAB-2", &[Role::Fab], "KR", None, "FAB2"),
    ("DIST", &[Role::Distributor], "SG", None, "DIST"),
    ("OP", &[Role::Operator], "US", None, "OP"),
    ("OP-2", &[Role::Operator], "DE", Some("GROUP"), "OP2"),
    ("GROUP", &[Role::Operator], "FR", None, "GRP"),
    ("CARRIER", &[Role::Carrier], "DE", None, "CAR"),
    ("CUSTOMS-TW", &[Role::Customs], "TW", None, "CTW"),
    ("CUSTOMS-US", &[Role::Customs], "US", None, "CUS"),
    ("CUSTOMS-DE", &[Role::Customs], "DE", None, "CDE"),
    ("INSPECTOR", &[Role::Inspector], "FR", None, "INS"),
    ("ANALYST", &[Role::Analyst], "FR", None, "ANA"),
    ("REG-1", &[Role::Regulator], "US", None, "R1"),
    ("REG-2", &[Role::Regulator], "DE", None, "R2"),
    ("REG-3", &[Role::Regulator], "TW", None, "R3"),
];

/// Sites of the fixture: id, jurisdiction, operator.
const SITES: &[(&str, &str, &str)] = &[
    ("TW-FAB", "TW", "FAB"),
    ("SG-HUB", "SG", "DIST"),
    ("US-DC", "US", "OP"),
    ("US-BOND", "US", "CUSTOMS-US"),
    ("DE-DC", "DE", "OP-2"),
];

/// The model that fixture chips are of.
pub const MODEL: &str = "NVIDIA/H100-SXM5-80GB";

/// The world: state in memory, one block per submission.
pub struct World {
    /// What is true.
    pub state: MemoryState,
    /// The genesis document.
    pub genesis: Genesis,
    /// Height of the last block.
    pub height: Height,
    /// Time of the last block; a submission's block comes one hour later.
    pub time: Time,
    /// Changes of the last block.
    pub last: Changes,
    sequence: u64,
}

/// The admin key of a fixture member: its seed is the digest of its id.
pub fn key(member: &str) -> SecretKey {
    SecretKey::from_seed(&blake3::derive_key(
        "chipledger fixture key",
        member.as_bytes(),
    ))
}

/// Parses an id, a set or any other word in a test.
///
/// # Panics
/// When the text is not one.
pub fn id<T: std::str::FromStr>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|_| panic!("{text:?} is no {}", std::any::type_name::<T>()))
}

/// The genesis document of the fixture.
pub fn genesis() -> Genesis {
    let founder =
        |(member, roles, seat, parent, issuer): &(&str, &[Role], &str, Option<&str>, &str)| {
            Founder {
                member: SetMember {
                    member: id(member),
                    name: (*member).to_owned(),
                    roles: roles.iter().copied().collect(),
                    jurisdiction: id(seat),
                    parent: parent.map(id),
                    lei: None,
                    issuers: BTreeSet::from([id(issuer)]),
                    encryption_key: None,
                },
                admin_key: key(member).public(),
                peer_keys: vec![key(&format!("{member}'s peer")).public()],
            }
        };
    let time = id("2026-01-01");
    let site = |(site, jurisdiction, operator): &(&str, &str, &str)| SetSite {
        site: id(site),
        name: (*site).to_owned(),
        jurisdiction: id(jurisdiction),
        operator: id(operator),
        position: None,
        power_kw: None,
        valid_from: time,
    };
    let mut founders: Vec<_> = MEMBERS.iter().map(founder).collect();
    founders.sort_by(|a, b| a.member.member.cmp(&b.member.member));
    let mut sites: Vec<_> = SITES.iter().map(site).collect();
    sites.sort_by(|a, b| a.site.cmp(&b.site));
    let seat = ValidatorSeat {
        member: id("REG-1"),
        key: key("REG-1").public(),
        power: 1,
    };
    Genesis {
        version: GENESIS_VERSION,
        name: "fixture".to_owned(),
        time,
        clock: Clock::Replay,
        bounds: Bounds::default(),
        catalogue: 1,
        founders,
        sites,
        policies: Vec::new(),
        validators: ValidatorSet(vec![seat]),
        solo: true,
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// The world after genesis.
    ///
    /// # Panics
    /// When the fixture's genesis is wrong.
    pub fn new() -> Self {
        let genesis = genesis();
        genesis
            .check()
            .expect("the fixture's genesis is well formed");
        let last =
            execute::genesis::genesis_changes(&genesis).expect("the fixture's genesis applies");
        let mut state = MemoryState::default();
        state.apply(&last);
        let time = genesis.time;
        Self {
            state,
            genesis,
            height: Height(0),
            time,
            last,
            sequence: 0,
        }
    }

    /// An event time: so many hours after the last block, minus one, so that it lies before the
    /// next one.
    pub fn now(&self) -> Time {
        self.time.plus_ms(HOUR_MS)
    }

    /// A transaction of `author` with co-signers, valid now.
    pub fn transaction(
        &mut self,
        author: &str,
        cosigners: &[&str],
        records: Vec<Record>,
    ) -> Transaction {
        self.sequence += 1;
        // The sequence keeps transactions with the same records apart.
        let signed_at = Time(self.now().0 + self.sequence);
        let body = Body {
            version: TRANSACTION_VERSION,
            genesis: self.genesis.hash(),
            member: id(author),
            key: key(author).public(),
            signed_at,
            valid_from: self.time,
            valid_until: self.time.plus_ms(6 * DAY_MS),
            records,
        };
        let signed = body.sign(&key(author));
        cosigners
            .iter()
            .fold(signed, |tx, member| tx.cosign(id(member), &key(member)))
    }

    /// Submits records in a block of their own, one hour later.
    ///
    /// # Errors
    /// The rejection; nothing has changed then.
    pub fn submit(&mut self, author: &str, records: Vec<Record>) -> Result<(), Rejection> {
        self.submit_with(author, &[], records)
    }

    /// As [`Self::submit`], with co-signers.
    pub fn submit_with(
        &mut self,
        author: &str,
        cosigners: &[&str],
        records: Vec<Record>,
    ) -> Result<(), Rejection> {
        let transaction = self.transaction(author, cosigners, records);
        self.submit_transaction(transaction)
    }

    /// Submits a signed transaction in a block of its own, one hour later.
    ///
    /// # Errors
    /// The rejection; there is no block then.
    ///
    /// # Panics
    /// When the state cannot be read, which memory always can.
    pub fn submit_transaction(&mut self, transaction: Transaction) -> Result<(), Rejection> {
        let (changes, mut results) = self.try_block(vec![transaction]);
        let result = results.remove(0);
        if result.is_ok() {
            self.commit(changes);
        }
        result
    }

    /// Puts signed transactions into one block, one hour later, whatever becomes of each.
    ///
    /// # Panics
    /// When the state cannot be read, which memory always can.
    pub fn submit_block(&mut self, transactions: Vec<Transaction>) -> Vec<Result<(), Rejection>> {
        let (changes, results) = self.try_block(transactions);
        self.commit(changes);
        results
    }

    fn try_block(&self, transactions: Vec<Transaction>) -> (Changes, Vec<Result<(), Rejection>>) {
        let mut draft = Draft::new(&self.state, self.height.next(), self.now());
        let mut chain = draft
            .get::<Chain>(&Key::Chain)
            .ok()
            .flatten()
            .expect("the chain entry");
        execute::begin(&mut draft, &mut chain).expect("a block begins");
        let mut results = Vec::new();
        for (index, transaction) in (0..).zip(transactions) {
            results.push(self.try_transaction(&mut draft, index, transaction));
        }
        draft.end();
        (draft.into_changes(), results)
    }

    fn try_transaction(
        &self,
        draft: &mut Draft<'_, MemoryState>,
        index: u32,
        transaction: Transaction,
    ) -> Result<(), Rejection> {
        let genesis = self.genesis.hash();
        let verified = VerifiedTransaction::verify(transaction, &genesis, &self.genesis.bounds)?;
        match execute::transaction(draft, index, &verified) {
            Ok(()) => Ok(()),
            Err(Fault::Rejected(rejection)) => Err(rejection),
            Err(Fault::Fatal(error)) => panic!("{error}"),
        }
    }

    fn commit(&mut self, changes: Changes) {
        self.last = changes;
        self.state.apply(&self.last);
        (self.height, self.time) = (self.height.next(), self.now());
        self.check_conservation();
    }

    #[cfg(test)]
    /// What holds of an item.
    ///
    /// # Panics
    /// When it is not registered.
    pub(crate) fn effective(&self, item: &str) -> Effective {
        let draft = Draft::new(&self.state, self.height, self.time);
        let number = draft
            .number(&id::<ItemId>(item))
            .expect("a registered item");
        draft.effective(number).expect("an item that can be read")
    }

    /// The leaf of an item.
    ///
    /// # Panics
    /// When it is not registered.
    pub fn item(&self, item: &str) -> chipledger_proof::state::Item {
        let draft = Draft::new(&self.state, self.height, self.time);
        let number = draft
            .number(&id::<ItemId>(item))
            .expect("a registered item");
        self.state.items[&number].clone()
    }

    /// The value under a key.
    pub fn get<T: Stored>(&self, key: &Key) -> Option<T> {
        self.state
            .entry(key)
            .ok()
            .flatten()
            .and_then(|entry| T::of(&entry).cloned())
    }

    /// Chips per account, re-derived from every item: what accounts and totals must equal.
    pub fn check_conservation(&self) {
        crate::audit::check_books(&self.state).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Members by id, for loops over all of them.
    pub fn members() -> BTreeMap<MemberId, &'static [Role]> {
        MEMBERS
            .iter()
            .map(|(member, roles, ..)| (id(member), *roles))
            .collect()
    }
}
