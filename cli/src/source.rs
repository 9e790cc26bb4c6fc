//! Where answers come from: a directory, or a node. The one place that knows which; commands show
//! both alike.

use std::ops::ControlFlow;

use chipledger_analysis::compute::Pooled;
use chipledger_analysis::concentration::Measured;
use chipledger_analysis::flows::Flows;
use chipledger_analysis::{Shelf, compute, concentration, flows};
use chipledger_ledger::answers::{self, Export, Found, OpenShipments, Row, Shipments};
use chipledger_ledger::prove::{Question, Since, dimension_text, prove};
use chipledger_ledger::read::AsOf;
use chipledger_ledger::read::balances::Filter;
use chipledger_ledger::read::items::{ItemFilter, ItemPage, Listed, Which};
use chipledger_ledger::read::trace::Step;
use chipledger_ledger::store::Store;
use chipledger_proof::file::ProofFile;
use chipledger_proof::state::Member;
use chipledger_schemas::api::{
    Answer, CheckAnswer, CheckpointAnswer, ErrorCode, LedgerStatus, NodeStatus, PAGE_ITEMS_MAX,
    RuleRejection, StatusAnswer,
};
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::{GenesisHash, Height, ItemId, ItemNumber, MemberId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::movement::Movement;
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;

use crate::client::{Client, NoAnswer, query, segment};
use crate::error::{self, Class, Failure};
use crate::signing::now;

/// Transactions that are checked in one request.
const CHECKED_AT_ONCE: usize = 200;

/// Where answers come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A directory of this machine.
    Store(Store),
    /// A node.
    Node(Client),
}

impl Source {
    /// The genesis document.
    pub fn genesis(&self) -> &Genesis {
        match self {
            Self::Store(store) => store.genesis(),
            Self::Node(node) => node.genesis(),
        }
    }

    /// Names the ledger.
    pub fn genesis_hash(&self) -> GenesisHash {
        match self {
            Self::Store(store) => store.genesis_hash(),
            Self::Node(node) => node.genesis_hash(),
        }
    }

    /// Time of the last block.
    pub fn last_time(&self) -> Result<Time, Failure> {
        Ok(match self {
            Self::Store(store) => store.head().header.time,
            Self::Node(node) => node.get::<CheckpointAnswer>("/v1/checkpoint")?.header.time,
        })
    }

    /// Where an item is, or was.
    pub fn whereabouts(&self, id: &ItemId, as_of: AsOf) -> Result<Answer<Found>, Failure> {
        match self {
            Self::Store(store) => Ok(answers::whereabouts(store, id, as_of)?),
            Self::Node(node) => {
                let id = segment(&id.to_string());
                Ok(node.get(&format!("/v1/items/{id}{}", query(&times(as_of))))?)
            }
        }
    }

    /// The movements that a correction must carry. A node that tells wrong ones is not believed:
    /// the rules compare them with the leaves.
    pub fn carried(&self, items: &ItemSet) -> Result<Vec<Movement>, Failure> {
        match self {
            Self::Store(store) => Ok(answers::carried(store, items)?.answer),
            Self::Node(node) => {
                let told: Answer<Vec<Movement>> = node.post_json("/v1/carried", items)?;
                Ok(told.answer)
            }
        }
    }

    /// The journey of an item.
    pub fn history(&self, id: &ItemId, as_of: AsOf) -> Result<Answer<Vec<Step>>, Failure> {
        match self {
            Self::Store(store) => Ok(answers::history(store, id, as_of)?),
            Self::Node(node) => {
                let id = segment(&id.to_string());
                Ok(node.get(&format!("/v1/items/{id}/history{}", query(&times(as_of))))?)
            }
        }
    }

    /// Items that fit a filter.
    pub fn items(&self, filter: &ItemFilter) -> Result<Answer<Vec<Listed>>, Failure> {
        match self {
            Self::Store(store) => {
                let page = answers::items(store, filter, ItemNumber(0), u64::MAX)?;
                Ok(listed(page))
            }
            Self::Node(node) => pages(node, filter),
        }
    }

    /// Pooled compute by one dimension, or two crossed.
    pub fn compute(&self, asked: &compute::Question) -> Result<Answer<Pooled>, Failure> {
        match self {
            Self::Store(store) => Ok(Shelf::new(store.clone()).compute(asked)?),
            Self::Node(node) => {
                let mut parameters = times(asked.as_of);
                parameters.push(("by", Some(asked.rows.to_string())));
                parameters.push(("metric", Some(asked.metric.as_str().to_owned())));
                parameters.extend(filters(&asked.filters));
                Ok(node.get(&format!("/v1/compute{}", query(&parameters)))?)
            }
        }
    }

    /// How concentrated compute is, and how that changed since an earlier event time.
    pub fn concentration(
        &self,
        asked: &concentration::Question,
        since: Option<Time>,
    ) -> Result<Answer<Measured>, Failure> {
        match self {
            Self::Store(store) => Ok(Shelf::new(store.clone()).concentration(asked, since)?),
            Self::Node(node) => {
                let mut parameters = times(asked.as_of);
                parameters.push(("by", Some(asked.by.as_str().to_owned())));
                parameters.push(("metric", Some(asked.metric.as_str().to_owned())));
                parameters.push(("since", since.map(|since| since.to_string())));
                parameters.extend(filters(&asked.filters));
                Ok(node.get(&format!("/v1/concentration{}", query(&parameters)))?)
            }
        }
    }

    /// Flows of a period.
    pub fn flows(&self, asked: &flows::Question) -> Result<Answer<Flows>, Failure> {
        match self {
            Self::Store(store) => Ok(Shelf::new(store.clone()).flows(asked)?),
            Self::Node(node) => {
                let mut parameters = times(AsOf {
                    at: asked.until,
                    known_at: asked.known_at,
                });
                parameters.push(("by", Some(asked.by.as_str().to_owned())));
                parameters.push(("since", Some(asked.since.to_string())));
                parameters.extend(filters(&asked.filters));
                Ok(node.get(&format!("/v1/flows{}", query(&parameters)))?)
            }
        }
    }

    /// Shipments, or only the overdue ones.
    pub fn shipments(&self, at: Option<Time>, overdue: bool) -> Result<Answer<Shipments>, Failure> {
        match self {
            Self::Store(store) => Ok(answers::shipments(store, at, now(), overdue)?),
            Self::Node(node) => {
                let parameters = [
                    ("overdue", Some(overdue.to_string())),
                    ("now", at.map(|at| at.to_string())),
                ];
                Ok(node.get(&format!("/v1/shipments{}", query(&parameters)))?)
            }
        }
    }

    /// Shipments that were open at a moment, or only those overdue then.
    pub fn open_shipments(
        &self,
        as_of: AsOf,
        overdue: bool,
    ) -> Result<Answer<OpenShipments>, Failure> {
        match self {
            Self::Store(store) => Ok(answers::open_shipments(store, as_of, overdue)?),
            Self::Node(node) => {
                let mut parameters = times(as_of);
                parameters.push(("overdue", Some(overdue.to_string())));
                Ok(node.get(&format!("/v1/shipments/open{}", query(&parameters)))?)
            }
        }
    }

    /// What is true of a member; `None` if there is no such.
    pub fn member(&self, id: &MemberId) -> Result<Option<Member>, Failure> {
        match self {
            Self::Store(store) => Ok(answers::member(store, id)?.answer),
            Self::Node(node) => {
                let path = format!("/v1/members/{}", segment(id.as_str()));
                match node.get::<Answer<Member>>(&path) {
                    Ok(found) => Ok(Some(found.answer)),
                    Err(error) if error.is(ErrorCode::MemberUnknown) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// What the ledger is and where it stands; of a node also how that is.
    pub fn status(&self) -> Result<(LedgerStatus, Option<NodeStatus>), Failure> {
        match self {
            Self::Store(store) => Ok((answers::status(store)?, None)),
            Self::Node(node) => {
                let status: StatusAnswer = node.get("/v1/status")?;
                Ok((status.ledger, Some(status.node)))
            }
        }
    }

    /// A proof file. Of a node it is checked to be one; what it proves is for `check`.
    pub fn prove(&self, question: &Question, since: Since) -> Result<ProofFile, Failure> {
        let node = match self {
            Self::Store(store) => return Ok(prove(store, question, since)?),
            Self::Node(node) => node,
        };
        let what = match question {
            Question::Item(id) => format!("item/{}", segment(&id.to_string())),
            Question::Absent(id) => format!("absent/{}", segment(&id.to_string())),
            Question::Journey(id) => format!("journey/{}", segment(&id.to_string())),
            Question::Totals(of) => format!("totals/{}", segment(&dimension_text(of))),
            Question::Equivocation(id) => format!("equivocation/{id}"),
            Question::Book => "book".to_owned(),
        };
        let checkpoint = match since {
            Since::Genesis => None,
            Since::Checkpoint(height) => Some(height.to_string()),
        };
        let path = format!("/v1/proofs/{what}{}", query(&[("checkpoint", checkpoint)]));
        let bytes = node.bytes(&path).map_err(|error| {
            let unknown = error.is(ErrorCode::ItemUnknown);
            let failure = Failure::from(error);
            if unknown {
                return failure.with_hint(error::ABSENCE_CAN_BE_PROVEN);
            }
            failure
        })?;
        ProofFile::from_bytes(&bytes).map_err(|error| {
            Failure::new(
                Class::Unproven,
                format!("{} sent no proof: {error}", node.url()),
                "Ask another node.",
            )
        })
    }

    /// What the rules would say to each transaction, one after the other.
    pub fn check(
        &self,
        transactions: Vec<Transaction>,
    ) -> Result<Vec<Option<RuleRejection>>, Failure> {
        let node = match self {
            Self::Store(store) => {
                let told = answers::trial(store, transactions, now())?;
                return Ok(told
                    .into_iter()
                    .map(|told| told.err().map(|no| no.told()))
                    .collect());
            }
            Self::Node(node) => node,
        };
        if transactions.len() > CHECKED_AT_ONCE {
            return Err(Failure::usage(
                format!("a node checks at most {CHECKED_AT_ONCE} records at once"),
                "Check a part of the file, or check it against a directory with --ledger.",
            ));
        }
        let told: Vec<CheckAnswer> = node.post_json("/v1/check", &transactions)?;
        Ok(told.into_iter().map(|told| told.rejection).collect())
    }

    /// Hands every row of an export to `put`; records from a height on, if one is named.
    pub fn export(
        &self,
        what: Export,
        from: Option<Height>,
        mut put: impl FnMut(Row) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Self::Store(store) => {
                let mut failed = None;
                let row = |row| match put(row) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(failure) => {
                        failed = Some(failure);
                        ControlFlow::Break(())
                    }
                };
                answers::export(store, what, from, |_| (), row)?;
                failed.map_or(Ok(()), Err)
            }
            Self::Node(node) => exported(node, what, from, put),
        }
    }
}

fn times(as_of: AsOf) -> Vec<(&'static str, Option<String>)> {
    vec![
        ("at", as_of.at.map(|at| at.to_string())),
        ("known_at", as_of.known_at.map(|known| known.to_string())),
    ]
}

fn filters(filters: &[Filter]) -> impl Iterator<Item = (&'static str, Option<String>)> + '_ {
    let text = |filter: &Filter| format!("{}={}", filter.by.as_str(), filter.value);
    filters
        .iter()
        .map(move |filter| ("where", Some(text(filter))))
}

fn listed(page: Answer<ItemPage>) -> Answer<Vec<Listed>> {
    Answer {
        height: page.height,
        block_time: page.block_time,
        at: page.at,
        basis: page.basis,
        clock: page.clock,
        answer: page.answer.items,
    }
}

/// All pages of a list; the answer is labelled with the height of the last one.
fn pages(node: &Client, filter: &ItemFilter) -> Result<Answer<Vec<Listed>>, Failure> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let wanted = filter
            .limit
            .map_or(PAGE_ITEMS_MAX, |limit| limit - all.len());
        let kind = filter.which.map(|which| match which {
            Which::Chips => "chip".to_owned(),
            Which::Units => "unit".to_owned(),
        });
        let parameters = [
            ("kind", kind),
            ("model", filter.model.clone()),
            ("site", filter.site.clone()),
            ("holder", filter.holder.clone()),
            ("status", filter.status.map(|status| status.to_string())),
            ("limit", Some(wanted.clamp(1, PAGE_ITEMS_MAX).to_string())),
            (
                "cursor",
                cursor.map(|ItemNumber(next): ItemNumber| next.to_string()),
            ),
        ];
        let mut page: Answer<ItemPage> = node.get(&format!("/v1/items{}", query(&parameters)))?;
        all.append(&mut page.answer.items);
        if let Some(limit) = filter.limit {
            all.truncate(limit);
        }
        cursor = page.answer.next;
        if cursor.is_none() || filter.limit.is_some_and(|limit| all.len() >= limit) {
            let mut whole = listed(page);
            whole.answer = all;
            return Ok(whole);
        }
    }
}

fn exported(
    node: &Client,
    what: Export,
    from: Option<Height>,
    mut put: impl FnMut(Row) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let broken = |what: &str| {
        let message = format!("{} broke off: {what}", node.url());
        Failure::new(
            Class::Unreachable,
            message,
            "What was written is not whole: export again.",
        )
    };
    let parameters = [("from", from.map(|from| from.to_string()))];
    let path = format!("/v1/export/{}{}", what.as_str(), query(&parameters));
    let mut lines = node.lines(&path)?;
    let columns = lines.next().ok_or_else(|| broken("no line came"))?;
    let columns = columns.map_err(|error| broken(&error.to_string()))?;
    let columns: Answer<Vec<String>> =
        serde_json::from_str(&columns).map_err(|error| broken(&error.to_string()))?;
    if columns.answer != what.columns() {
        return Err(broken(
            "its columns are those of another version of the program",
        ));
    }
    for line in lines {
        let line = line.map_err(|error| broken(&error.to_string()))?;
        match serde_json::from_str(&line) {
            Ok(serde_json::Value::Array(row)) if row.len() == what.columns().len() => put(row)?,
            Ok(serde_json::Value::Object(_)) => return Ok(()),
            _ => return Err(broken("a line is no row")),
        }
    }
    Err(broken("the last line is missing"))
}

impl From<NoAnswer> for Failure {
    fn from(error: NoAnswer) -> Self {
        if let Some(rejection) = error.rule() {
            return rejection.into();
        }
        match error {
            NoAnswer::Lost(failure) | NoAnswer::Strange(failure) => failure,
            NoAnswer::Told { body, .. } => Self::told(body),
        }
    }
}
