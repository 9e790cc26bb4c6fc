//! What accounts are about: which key each of them has in every dimension, and what is known of
//! models and members.
//!
//! Keys that an account has for ever are columns, extended as accounts appear; keys that follow
//! from who owned whom at a moment are made for each question from the column of owners.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chipledger_ledger::read::balances::By;
use chipledger_ledger::read::versions::MemberVersion;
use chipledger_ledger::read::{Moment, QueryError};
use chipledger_ledger::store::View;
use chipledger_proof::state::{Account, AccountPlace, Member, ModelNumber};
use chipledger_schemas::catalogue::ModelVersion;
use chipledger_schemas::ids::{Height, MemberId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::words::Status;

/// Members that a chain of parents is followed through; chains have no cycle, the bound only guards
/// a damaged store.
const PARENTS_MAX: usize = 64;

/// The row of what is under way, where rows are jurisdictions.
pub const IN_TRANSIT: &str = "in transit";

/// Accounts, models and members.
#[derive(Default, Debug)]
pub struct Names {
    accounts: Vec<Account>,
    models: Vec<(String, ModelVersion)>,
    members: BTreeMap<MemberId, Vec<MemberVersion>>,
    jurisdictions: Column,
    sites: Column,
    holders: Column,
    owners: Column,
    users: Column,
    statuses: Column,
    /// Code of the jurisdiction, and of the site, that what is under way on an account had left;
    /// of its own for others.
    left_jurisdictions: Vec<u32>,
    left_sites: Vec<u32>,
    under_way: Vec<bool>,
    irregular: Vec<bool>,
}

/// A key for each account: a code, and the text that it stands for.
#[derive(Default, Debug)]
struct Column {
    codes: Vec<u32>,
    texts: Vec<String>,
    known: BTreeMap<String, u32>,
}

impl Column {
    fn push(&mut self, text: String) {
        let code = self.code(text);
        self.codes.push(code);
    }

    fn code(&mut self, text: String) -> u32 {
        *self.known.entry(text).or_insert_with_key(|text| {
            self.texts.push(text.clone());
            u32::try_from(self.texts.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

/// The keys of accounts, or of models, in one dimension.
pub(crate) struct Keys<'n> {
    /// By account number, counted from 0; absent where models are the dimension.
    codes: Option<Cow<'n, [u32]>>,
    /// By code.
    pub(crate) texts: Cow<'n, [String]>,
}

impl Keys<'_> {
    /// The code of chips of a model on an account.
    pub(crate) fn code(&self, account: u32, model: ModelNumber) -> u32 {
        match &self.codes {
            Some(codes) => codes[account as usize - 1],
            None => u32::from(model.0),
        }
    }
}

impl Names {
    /// Takes accounts that follow those known.
    pub(crate) fn push_accounts(&mut self, accounts: impl IntoIterator<Item = Account>) {
        for account in accounts {
            let (jurisdiction, site) = match &account.place {
                AccountPlace::Site { site, jurisdiction } => {
                    (jurisdiction.to_string(), site.to_string())
                }
                AccountPlace::Transit { from, to, .. } => {
                    (IN_TRANSIT.to_owned(), format!("{from}->{to}"))
                }
            };
            let (left_jurisdiction, left_site) = match &account.place {
                AccountPlace::Site { .. } => (jurisdiction.clone(), site.clone()),
                AccountPlace::Transit {
                    from,
                    from_jurisdiction,
                    ..
                } => (from_jurisdiction.to_string(), from.to_string()),
            };
            self.jurisdictions.push(jurisdiction);
            self.sites.push(site);
            let left_jurisdiction = self.jurisdictions.code(left_jurisdiction);
            self.left_jurisdictions.push(left_jurisdiction);
            let left_site = self.sites.code(left_site);
            self.left_sites.push(left_site);
            self.holders.push(account.holder.to_string());
            self.owners.push(account.owner.to_string());
            self.users.push(account.user.to_string());
            self.statuses.push(account.status.to_string());
            let under_way = matches!(account.place, AccountPlace::Transit { .. });
            self.under_way.push(under_way);
            self.irregular.push(account.status == Status::Irregular);
            self.accounts.push(account);
        }
    }

    /// Reads models, and the versions of members that heights after `after` wrote.
    pub(crate) fn read(
        &mut self,
        view: &View<'_>,
        after: Option<Height>,
    ) -> Result<(), QueryError> {
        self.models = view.models()?;
        for (id, version) in view.member_versions(after)? {
            self.members.entry(id).or_default().push(version);
        }
        Ok(())
    }

    pub(crate) fn set_models(&mut self, models: Vec<(String, ModelVersion)>) {
        self.models = models;
    }

    /// Accounts, by number less one.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// The account of a number; numbers count from 1.
    pub fn account(&self, number: u32) -> Option<&Account> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.accounts.get(at)
    }

    /// Models by number: id and latest version.
    pub fn models(&self) -> &[(String, ModelVersion)] {
        &self.models
    }

    /// The figures of a model.
    pub fn model(&self, number: ModelNumber) -> Option<&ModelVersion> {
        let model = self.models.get(usize::from(number.0));
        model.map(|(_, version)| version)
    }

    /// Members that the ledger knew at any time, with all their versions, oldest first.
    pub fn members(&self) -> &BTreeMap<MemberId, Vec<MemberVersion>> {
        &self.members
    }

    /// What was true of a member at a moment: the last version that was known by then, in a block
    /// not after the event time asked for.
    pub fn member(&self, id: &MemberId, moment: Moment) -> Option<&Member> {
        let known = |version: &&MemberVersion| {
            version.height <= moment.known && moment.includes(version.since)
        };
        let versions = self.members.get(id)?;
        versions.iter().rfind(known).map(|version| &version.member)
    }

    /// The member at the top of a member's chain of parents and successors at a moment.
    pub fn parent<'n>(&'n self, id: &'n MemberId, moment: Moment) -> &'n MemberId {
        let mut at = id;
        for _ in 0..PARENTS_MAX {
            let member = self.member(at, moment);
            match member.and_then(|member| member.successor.as_ref().or(member.parent.as_ref())) {
                Some(up) => at = up,
                None => break,
            }
        }
        at
    }

    /// The country of a member's headquarters at a moment.
    pub fn seat(&self, id: &MemberId, moment: Moment) -> Jurisdiction {
        let member = self.member(id, moment);
        member.map_or(Jurisdiction::UNKNOWN, |member| member.jurisdiction)
    }

    /// Whether chips on an account are irregular.
    pub(crate) fn is_irregular(&self, account: u32) -> bool {
        self.irregular[account as usize - 1]
    }

    /// Whether chips on an account are under way.
    pub(crate) fn is_under_way(&self, account: u32) -> bool {
        self.under_way[account as usize - 1]
    }

    /// The code of the row that what is under way on an account had left, by account number less
    /// one; nothing where rows are no places.
    pub(crate) fn origins(&self, by: By) -> Option<&[u32]> {
        match by {
            By::Jurisdiction => Some(&self.left_jurisdictions),
            By::Site => Some(&self.left_sites),
            _ => None,
        }
    }

    /// The keys of a dimension as of a moment.
    pub(crate) fn keys(&self, by: By, moment: Moment) -> Keys<'_> {
        let column = match by {
            By::Jurisdiction => &self.jurisdictions,
            By::Site => &self.sites,
            By::Holder => &self.holders,
            By::Owner => &self.owners,
            By::User => &self.users,
            By::Status => &self.statuses,
            By::Parent => return self.of_owners(|owner| self.parent(owner, moment).to_string()),
            By::Headquarters => {
                return self.of_owners(|owner| self.seat(owner, moment).to_string());
            }
            By::ParentCountry => {
                let country = |owner: &MemberId| {
                    let parent = self.parent(owner, moment);
                    self.seat(parent, moment).to_string()
                };
                return self.of_owners(country);
            }
            By::Model => {
                let texts = self.models.iter().map(|(id, _)| id.clone()).collect();
                return Keys {
                    codes: None,
                    texts: Cow::Owned(texts),
                };
            }
        };
        Keys {
            codes: Some(Cow::Borrowed(&column.codes)),
            texts: Cow::Borrowed(&column.texts),
        }
    }

    /// Keys that follow from the owner.
    fn of_owners(&self, key: impl Fn(&MemberId) -> String) -> Keys<'_> {
        let mut of_owner: Vec<Option<u32>> = vec![None; self.owners.texts.len()];
        let mut made = Column::default();
        for (account, owner) in self.accounts.iter().zip(&self.owners.codes) {
            let known = &mut of_owner[*owner as usize];
            if let Some(code) = *known {
                made.codes.push(code);
                continue;
            }
            made.push(key(&account.owner));
            *known = made.codes.last().copied();
        }
        Keys {
            codes: Some(Cow::Owned(made.codes)),
            texts: Cow::Owned(made.texts),
        }
    }
}
