//! Pooled compute: balances by any dimension, now from the accounts, as of a moment from the
//! postings.

use std::collections::BTreeMap;
use std::str::FromStr;

use chipledger_proof::state::{
    Account, AccountPlace, Balance, EntryKind, Key, Member, ModelNumber, ModelVersions, Stored,
};
use chipledger_schemas::api::Basis;
use chipledger_schemas::catalogue::ModelVersion;
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::jurisdiction::Jurisdiction;
use serde::{Deserialize, Serialize};

use super::{AsOf, Moment, QueryError};
use crate::state::State;
use crate::store::View;

macro_rules! dimensions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// By what compute is summed.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum By { $($(#[$doc])* $name,)* }

        impl By {
            /// Every dimension.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

dimensions! {
    /// Physical jurisdiction; under way is a row of its own.
    Jurisdiction = "jurisdiction",
    /// Site; under way is `FROM->TO`.
    Site = "site",
    /// Custody.
    Holder = "holder",
    /// Title.
    Owner = "owner",
    /// The owner's ultimate parent.
    Parent = "parent",
    /// The country of the owner's headquarters.
    Headquarters = "headquarters",
    /// The country of the owner's ultimate parent.
    ParentCountry = "parent_country",
    /// Use.
    User = "user",
    /// State of life.
    Status = "status",
    /// Model.
    Model = "model",
}

/// No such dimension. Choose one of those named.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{got:?} is no dimension: jurisdiction, site, holder, owner, parent, headquarters, \
     parent_country, user, status, model"
)]
pub struct NotADimension {
    /// What was given.
    pub got: String,
}

impl FromStr for By {
    type Err = NotADimension;
    fn from_str(text: &str) -> Result<Self, NotADimension> {
        let found = Self::ALL
            .iter()
            .copied()
            .find(|by| by.as_str() == text.trim());
        found.ok_or_else(|| NotADimension {
            got: text.to_owned(),
        })
    }
}

/// Only accounts whose key in a dimension is a value: `status=installed`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    /// The dimension.
    pub by: By,
    /// The key.
    pub value: String,
}

/// The text is no filter. Write it as the message shows.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAFilter {
    /// There is no `=` in it.
    #[error("{got:?} is no filter; write dimension=value, such as status=installed")]
    Form {
        /// What was given.
        got: String,
    },
    /// It names no dimension.
    #[error(transparent)]
    Dimension(#[from] NotADimension),
}

impl FromStr for Filter {
    type Err = NotAFilter;
    fn from_str(text: &str) -> Result<Self, NotAFilter> {
        let form = || NotAFilter::Form {
            got: text.to_owned(),
        };
        let (by, value) = text.split_once('=').ok_or_else(form)?;
        Ok(Self {
            by: by.parse()?,
            value: value.trim().to_owned(),
        })
    }
}

/// Amounts of compute. Sums are exact; models without a figure are counted beside it, never as
/// zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Compute {
    /// Accelerators.
    pub chips: u64,
    /// Of which disputed.
    pub disputed: u64,
    /// Of which irregular.
    pub irregular: u64,
    /// Thousandths of TPP.
    pub tpp_milli: u128,
    /// Chips of models without TPP.
    pub chips_without_tpp: u64,
    /// Dense 16-bit performance, MFLOP/s.
    pub fp16_mflops: u128,
    /// Chips of models without that figure.
    pub chips_without_fp16: u64,
    /// Memory, MB.
    pub memory_mb: u128,
    /// Chips of models without that figure.
    pub chips_without_memory: u64,
}

impl Compute {
    /// Adds chips of a model, all of them irregular or none.
    pub fn add(
        &mut self,
        chips: u64,
        disputed: u64,
        irregular: bool,
        model: Option<&ModelVersion>,
    ) {
        self.chips += chips;
        self.disputed += disputed;
        self.irregular += if irregular { chips } else { 0 };
        let count = u128::from(chips);
        match model.and_then(|model| model.tpp_milli) {
            Some(each) => self.tpp_milli += u128::from(each) * count,
            None => self.chips_without_tpp += chips,
        }
        match model.and_then(|model| model.dense_fp16_mflops) {
            Some(each) => self.fp16_mflops += u128::from(each) * count,
            None => self.chips_without_fp16 += chips,
        }
        match model.and_then(|model| model.memory_mb) {
            Some(each) => self.memory_mb += u128::from(each) * count,
            None => self.chips_without_memory += chips,
        }
    }

    /// The sum of two amounts.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            chips: self.chips + other.chips,
            disputed: self.disputed + other.disputed,
            irregular: self.irregular + other.irregular,
            tpp_milli: self.tpp_milli + other.tpp_milli,
            chips_without_tpp: self.chips_without_tpp + other.chips_without_tpp,
            fp16_mflops: self.fp16_mflops + other.fp16_mflops,
            chips_without_fp16: self.chips_without_fp16 + other.chips_without_fp16,
            memory_mb: self.memory_mb + other.memory_mb,
            chips_without_memory: self.chips_without_memory + other.chips_without_memory,
        }
    }
}

/// A question about pooled compute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComputeQuery {
    /// By what.
    pub by: By,
    /// As of when.
    pub as_of: AsOf,
    /// Only accounts whose key in each of these dimensions is this.
    pub filters: Vec<Filter>,
}

/// Its answer: rows by key, and their sum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ComputeAnswer {
    /// The two times of the answer.
    pub moment: Moment,
    /// Whether it is committed by the state root (the present) or derived from committed records.
    pub basis: Basis,
    /// Rows, by key.
    pub rows: BTreeMap<String, Compute>,
    /// Sum of the rows.
    pub total: Compute,
}

impl View<'_> {
    /// Sums pooled compute.
    pub fn compute(&self, query: &ComputeQuery) -> Result<ComputeAnswer, QueryError> {
        let moment = self.moment(query.as_of)?;
        let balances = if query.as_of.is_now() {
            self.balances_now()?
        } else {
            self.balances_at(moment)?
        };
        let models = self.models()?;
        let mut parents = Parents {
            view: self,
            moment,
            known: BTreeMap::new(),
        };
        let mut answer = ComputeAnswer {
            moment,
            basis: query.as_of.basis(),
            rows: BTreeMap::new(),
            total: Compute::default(),
        };
        for ((account, number), (chips, disputed)) in &balances {
            let model = models.get(usize::from(number.0));
            let mut key = |by| key_of(by, account, model, &mut parents);
            let mut holds = true;
            for filter in &query.filters {
                holds &= key(filter.by)?.eq_ignore_ascii_case(&filter.value);
            }
            if !holds {
                continue;
            }
            let row = answer.rows.entry(key(query.by)?).or_default();
            let irregular = account.status == chipledger_schemas::words::Status::Irregular;
            let figures = model.map(|(_, version)| version);
            row.add(*chips, *disputed, irregular, figures);
            answer.total.add(*chips, *disputed, irregular, figures);
        }
        Ok(answer)
    }

    /// Every balance as committed: chips and disputed chips.
    pub fn balances_now(&self) -> Result<Balances, QueryError> {
        let mut balances = Balances::new();
        for (key, entry) in self.entries(EntryKind::Account)? {
            if let (Key::Account(account), Some(balance)) = (key, Balance::of(&entry)) {
                for row in &balance.rows {
                    balances.insert((account.clone(), row.model), (row.count, row.disputed));
                }
            }
        }
        Ok(balances)
    }

    /// Every balance at a moment, from the postings.
    pub fn balances_at(&self, moment: Moment) -> Result<Balances, QueryError> {
        let accounts = self.account_numbers()?;
        let mut balances = Balances::new();
        for ((number, model), amounts) in self.sums(moment)? {
            let account = usize::try_from(number)
                .ok()
                .and_then(|n| accounts.get(n)?.clone());
            if let Some(account) = account {
                balances.insert((account, model), amounts);
            }
        }
        Ok(balances)
    }

    /// Models by number: id and latest version.
    pub fn models(&self) -> Result<Vec<(String, ModelVersion)>, QueryError> {
        let catalogue = self.entry(&Key::Catalogue)?;
        let catalogue = catalogue
            .as_deref()
            .and_then(chipledger_proof::state::Catalogue::of);
        let mut models = Vec::new();
        for model in catalogue
            .map(|catalogue| catalogue.0.as_slice())
            .unwrap_or_default()
        {
            let entry = self.entry(&Key::Model(model.id.clone()))?;
            let versions = entry.as_deref().and_then(ModelVersions::of);
            if let Some(version) = versions.and_then(|versions| versions.0.last()) {
                models.push((model.id.to_string(), version.clone()));
            }
        }
        Ok(models)
    }
}

/// Chips and disputed chips per account and model.
pub type Balances = BTreeMap<(Account, ModelNumber), (u64, u64)>;

/// The key of an account in a dimension.
fn key_of(
    by: By,
    account: &Account,
    model: Option<&(String, ModelVersion)>,
    parents: &mut Parents<'_, '_>,
) -> Result<String, QueryError> {
    Ok(match by {
        By::Jurisdiction => match &account.place {
            AccountPlace::Site { jurisdiction, .. } => jurisdiction.to_string(),
            AccountPlace::Transit { .. } => "in transit".to_owned(),
        },
        By::Site => match &account.place {
            AccountPlace::Site { site, .. } => site.to_string(),
            AccountPlace::Transit { from, to, .. } => format!("{from}->{to}"),
        },
        By::Holder => account.holder.to_string(),
        By::Owner => account.owner.to_string(),
        By::User => account.user.to_string(),
        By::Status => account.status.to_string(),
        By::Model => model.map_or_else(|| "unknown".to_owned(), |(id, _)| id.clone()),
        By::Parent => parents.of(&account.owner)?.to_string(),
        By::Headquarters => parents.seat(&account.owner)?,
        By::ParentCountry => {
            let parent = parents.of(&account.owner)?;
            parents.seat(&parent)?
        }
    })
}

/// Ultimate parents as of a moment.
struct Parents<'a, 'd> {
    view: &'a View<'d>,
    moment: Moment,
    known: BTreeMap<MemberId, MemberId>,
}

impl Parents<'_, '_> {
    /// The country of a member's headquarters.
    fn seat(&self, member: &MemberId) -> Result<String, QueryError> {
        let key = Key::Member(member.clone());
        let found = self.view.version::<Member>(&key, self.moment)?;
        let seat = found.map_or(Jurisdiction::UNKNOWN, |member| member.jurisdiction);
        Ok(seat.to_string())
    }

    fn of(&mut self, member: &MemberId) -> Result<MemberId, QueryError> {
        if let Some(known) = self.known.get(member) {
            return Ok(known.clone());
        }
        let mut at = member.clone();
        // Chains of parents have no cycle; the bound only guards a damaged store.
        for _ in 0..64 {
            let found = self
                .view
                .version::<Member>(&Key::Member(at.clone()), self.moment)?;
            let up = found.and_then(|member| member.successor.or(member.parent));
            match up {
                Some(up) => at = up,
                None => break,
            }
        }
        self.known.insert(member.clone(), at.clone());
        Ok(at)
    }
}
