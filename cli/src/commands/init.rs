//! `init`: makes a ledger.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chipledger_ledger::store::{Store, StoreError};
use chipledger_schemas::catalogue;
use chipledger_schemas::certificate::{ValidatorSeat, ValidatorSet};
use chipledger_schemas::genesis::{Bounds, Clock, Founder, GENESIS_VERSION, Genesis};
use chipledger_schemas::ids::{Issuer, MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::records::{SetMember, SetSite};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Role;
use clap::ValueEnum;

use crate::error::Failure;
use crate::output::{Answer, Output};
use crate::session::{self, DirectoryArgs};
use crate::signing::{Signer, now};

/// How block time is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum ClockName {
    /// The validator's clock.
    Wall,
    /// The latest signature: for loading history; every answer is labelled.
    Replay,
}

/// Makes a ledger: from a genesis document, or one of your own with --solo.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Genesis document (JSON); every member uses the same file.
    #[arg(required_unless_present = "solo", value_name = "FILE")]
    genesis: Option<PathBuf>,
    #[command(flatten)]
    ledger: DirectoryArgs,
    #[command(flatten)]
    solo: SoloArgs,
}

/// A ledger of one's own.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "With --solo")]
struct SoloArgs {
    /// One validator and one member with every role; their keys go to DIR.keys.
    #[arg(long, conflicts_with = "genesis")]
    solo: bool,
    /// What people call the ledger.
    #[arg(long, default_value = "solo", requires = "solo")]
    name: String,
    /// The member.
    #[arg(long, default_value = "SOLO", requires = "solo")]
    member: MemberId,
    /// Where it is: ISO 3166-1 alpha-2, ZZ if unknown.
    #[arg(long, default_value = "ZZ", requires = "solo")]
    jurisdiction: Jurisdiction,
    /// Its first site [default: MEMBER-1].
    #[arg(long, requires = "solo")]
    site: Option<SiteId>,
    /// How block time is made.
    #[arg(long, value_enum, default_value = "wall", requires = "solo")]
    clock: ClockName,
    /// Time of the genesis block [default: now].
    #[arg(long, value_name = "TIME", requires = "solo")]
    time: Option<Time>,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        if Store::is_in(&self.ledger.ledger) {
            let dir = self.ledger.ledger.clone();
            return Err(StoreError::NotEmpty { dir }.into());
        }
        let Some(path) = &self.genesis else {
            return self.solo(out);
        };
        let text = crate::input::text(path)?;
        let genesis: Genesis = serde_json::from_str(&text).map_err(|error| {
            Failure::usage(
                format!("{} is no genesis document: {error}", path.display()),
                "Correct the place named; its JSON Schema is schemas/json/genesis.json.",
            )
        })?;
        self.create(out, &genesis, Answer::default())
    }

    fn solo(&self, out: &Output) -> Result<(), Failure> {
        let keys = session::keys_dir(&self.ledger.ledger);
        let validator = Signer {
            member: self.solo.member.clone(),
            key: SecretKey::generate()?,
        };
        let signer = Signer {
            member: self.solo.member.clone(),
            key: SecretKey::generate()?,
        };
        let genesis = self.solo.genesis(&signer, &validator)?;
        genesis.check()?;
        let path = keys.join(format!("{}.json", self.solo.member));
        // Keys first: a ledger whose keys were lost is of no use, keys without a ledger harm
        // nobody.
        signer.save(&path, "admin")?;
        validator.save(&keys.join("validator.json"), "validator")?;
        let answer = Answer::default().fact("key", "key file", path.display().to_string());
        self.create(out, &genesis, answer)
    }

    fn create(&self, out: &Output, genesis: &Genesis, answer: Answer) -> Result<(), Failure> {
        let store = Store::create(&self.ledger.ledger, genesis)?;
        let answer = answer
            .fact("ledger", "ledger", self.ledger.ledger.display().to_string())
            .fact("genesis", "genesis", store.genesis_hash().to_string())
            .fact("name", "name", genesis.name.clone())
            .fact("time", "time", genesis.time)
            .fact("members", "members", genesis.founders.len())
            .fact("sites", "sites", genesis.sites.len());
        out.print(&answer)
    }
}

impl SoloArgs {
    fn genesis(&self, signer: &Signer, validator: &Signer) -> Result<Genesis, Failure> {
        let time = self.time.unwrap_or_else(now);
        let wrong = |error: chipledger_schemas::ids::NotAnId| {
            Failure::usage(
                error.to_string(),
                "Choose a shorter --member, or name --site.",
            )
        };
        let issuer: Issuer = self.member.as_str().parse().map_err(wrong)?;
        let site = match &self.site {
            Some(site) => site.clone(),
            None => format!("{}-1", self.member).parse().map_err(wrong)?,
        };
        let member = SetMember {
            member: self.member.clone(),
            name: self.member.to_string(),
            roles: Role::ALL.iter().copied().collect(),
            jurisdiction: self.jurisdiction,
            parent: None,
            lei: None,
            issuers: BTreeSet::from([issuer]),
            encryption_key: None,
        };
        let site = SetSite {
            name: site.to_string(),
            site,
            jurisdiction: self.jurisdiction,
            operator: self.member.clone(),
            position: None,
            power_kw: None,
            valid_from: time,
        };
        let seat = ValidatorSeat {
            member: self.member.clone(),
            key: validator.key.public(),
            power: 1,
        };
        Ok(Genesis {
            version: GENESIS_VERSION,
            name: self.name.clone(),
            time,
            clock: match self.clock {
                ClockName::Wall => Clock::Wall,
                ClockName::Replay => Clock::Replay,
            },
            bounds: Bounds::default(),
            catalogue: catalogue::Catalogue::builtin().edition.number,
            founders: vec![Founder {
                member,
                admin_key: signer.key.public(),
                peer_keys: Vec::new(),
            }],
            sites: vec![site],
            policies: Vec::new(),
            validators: ValidatorSet(vec![seat]),
            solo: true,
        })
    }
}
