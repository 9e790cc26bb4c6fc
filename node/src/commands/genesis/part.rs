//! A founder's public part, and the document that the parts make.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chipledger_schemas::catalogue::Catalogue;
use chipledger_schemas::certificate::{ValidatorSeat, ValidatorSet};
use chipledger_schemas::genesis::{Bounds, Clock, Founder, GENESIS_VERSION, Genesis};
use chipledger_schemas::ids::{Issuer, MemberId, PublicKey};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::{SetMember, SetPolicy, SetSite};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Role;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::write_new;

/// What a founder gives to the document. Nothing in it is secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    founder: Founder,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validator: Option<ValidatorSeat>,
    #[serde(default)]
    sites: Vec<SetSite>,
}

/// Which part.
#[derive(clap::Args, Debug)]
pub(super) struct PartArgs {
    /// Folder that `chipledger-node init` made: the public halves of its keys are read.
    #[arg(long, value_name = "DIR", required = true)]
    node: Vec<PathBuf>,
    /// Key file of the founder's admin key, as `chipledger keygen --purpose admin` writes it; only
    /// its public half is read.
    #[arg(long, value_name = "FILE")]
    admin_key: PathBuf,
    /// What people call the member.
    #[arg(long)]
    name: String,
    /// Where it is: ISO 3166-1 alpha-2.
    #[arg(long)]
    jurisdiction: Jurisdiction,
    /// What it may do: customs, regulator, inspector, ... Several with commas.
    #[arg(long, value_delimiter = ',', required = true, value_parser = role)]
    role: Vec<Role>,
    /// Issuer prefixes of its item ids. Several with commas.
    #[arg(long, value_delimiter = ',')]
    issuer: Vec<Issuer>,
    /// Voting power, if one of the nodes votes.
    #[arg(long, default_value_t = 1)]
    power: u64,
    /// A list of its first sites (JSON, as in schemas/json/genesis.json).
    #[arg(long, value_name = "FILE")]
    sites: Option<PathBuf>,
    /// File to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Which document.
#[derive(clap::Args, Debug)]
pub(super) struct AssembleArgs {
    /// What people will call the ledger.
    #[arg(long)]
    name: String,
    /// Time of the genesis block, which all agree on: 2026-03-01T12:00:00Z.
    #[arg(long)]
    time: Time,
    /// Policies in force from the start (JSON, as in schemas/json/genesis.json).
    #[arg(long, value_name = "FILE")]
    policies: Option<PathBuf>,
    /// Other bounds than the usual (JSON, as in schemas/json/genesis.json).
    #[arg(long, value_name = "FILE")]
    bounds: Option<PathBuf>,
    /// The founders' parts, in any order.
    #[arg(required = true)]
    parts: Vec<PathBuf>,
    /// Document to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// A role by its word.
fn role(text: &str) -> Result<Role, String> {
    let quoted = serde_json::Value::String(text.to_owned());
    serde_json::from_value(quoted).map_err(|error| error.to_string())
}

/// The half of a key file that is no secret.
#[derive(Deserialize)]
struct PublicHalf {
    member: MemberId,
    class: String,
    public_key: PublicKey,
}

/// Reads a JSON file.
fn json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = zeroize::Zeroizing::new(
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
    );
    serde_json::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))
}

fn public_half(path: &Path, class: &str) -> anyhow::Result<PublicHalf> {
    let half: PublicHalf = json(path)?;
    anyhow::ensure!(
        half.class == class,
        "{} is a {} key, not a {class} key",
        path.display(),
        half.class
    );
    Ok(half)
}

/// A founder's part from its file.
pub(super) fn read(path: &Path) -> anyhow::Result<Part> {
    json(path)
}

impl PartArgs {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let admin = public_half(&self.admin_key, "admin")?;
        let member = admin.member;
        let mut peer_keys = Vec::new();
        let mut validator = None;
        for dir in &self.node {
            let keys = dir.join("keys");
            let peer = public_half(&keys.join("peer.json"), "peer")?;
            same(&member, &peer, dir)?;
            peer_keys.push(peer.public_key);
            let votes = keys.join("validator.json");
            if !votes.exists() {
                continue;
            }
            let key = public_half(&votes, "validator")?;
            same(&member, &key, dir)?;
            let seat = ValidatorSeat {
                member: member.clone(),
                key: key.public_key,
                power: self.power,
            };
            let before = validator.replace(seat);
            anyhow::ensure!(
                before.is_none(),
                "one node of a member votes; make the other with `init --observer`"
            );
        }
        peer_keys.sort_unstable();
        let mut sites: Vec<SetSite> = match &self.sites {
            Some(path) => json(path)?,
            None => Vec::new(),
        };
        sites.sort_by(|a, b| a.site.cmp(&b.site));
        let founder = Founder {
            member: SetMember {
                member,
                name: self.name.clone(),
                roles: self.role.iter().copied().collect(),
                jurisdiction: self.jurisdiction,
                parent: None,
                lei: None,
                issuers: self.issuer.iter().cloned().collect::<BTreeSet<_>>(),
                encryption_key: None,
            },
            admin_key: admin.public_key,
            peer_keys,
        };
        let part = Part {
            founder,
            validator,
            sites,
        };
        write_new(&self.out, &part)?;
        let founder = &part.founder;
        println!("member      {}", founder.member.member);
        println!("admin key   {}", founder.admin_key);
        for key in &founder.peer_keys {
            println!("peer key    {key}");
        }
        match &part.validator {
            Some(seat) => println!("votes with  {} (power {})", seat.key, seat.power),
            None => println!("votes with  nothing: it only follows"),
        }
        println!(
            "Send {} to whoever assembles the document.",
            self.out.display()
        );
        Ok(())
    }
}

fn same(member: &MemberId, key: &PublicHalf, dir: &Path) -> anyhow::Result<()> {
    let other = &key.member;
    anyhow::ensure!(
        other == member,
        "{} holds keys of {other}, the admin key is {member}'s",
        dir.display()
    );
    Ok(())
}

impl AssembleArgs {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let parts = self.parts.iter().map(|path| read(path));
        let parts = parts.collect::<anyhow::Result<Vec<_>>>()?;
        let mut policies: Vec<SetPolicy> = match &self.policies {
            Some(path) => json(path)?,
            None => Vec::new(),
        };
        policies.sort_by(|a, b| a.policy.cmp(&b.policy));
        let bounds = match &self.bounds {
            Some(path) => json(path)?,
            None => Bounds::default(),
        };
        let genesis = assemble(parts, self.name.clone(), self.time, policies, bounds);
        genesis.check()?;
        write_new(&self.out, &genesis)?;
        for founder in &genesis.founders {
            let member = &founder.member;
            let seat = (genesis.validators.0.iter()).find(|seat| seat.member == member.member);
            let votes = seat.map_or("follows".to_owned(), |seat| {
                format!("votes with power {}", seat.power)
            });
            println!("{:<24} {} {votes}", member.member, member.jurisdiction);
        }
        println!("genesis hash {}", genesis.hash());
        println!(
            "Send {} to every founder; all compare this hash.",
            self.out.display()
        );
        Ok(())
    }
}

/// The document of the parts: sorted, so that their order does not matter.
fn assemble(
    parts: Vec<Part>,
    name: String,
    time: Time,
    policies: Vec<SetPolicy>,
    bounds: Bounds,
) -> Genesis {
    let mut genesis = Genesis {
        version: GENESIS_VERSION,
        name,
        time,
        clock: Clock::Wall,
        bounds,
        catalogue: Catalogue::builtin().edition.number,
        founders: Vec::new(),
        sites: Vec::new(),
        policies,
        validators: ValidatorSet(Vec::new()),
        solo: false,
    };
    for part in parts {
        genesis.founders.push(part.founder);
        genesis.validators.0.extend(part.validator);
        genesis.sites.extend(part.sites);
    }
    let founders = &mut genesis.founders;
    founders.sort_by(|a, b| a.member.member.cmp(&b.member.member));
    genesis.validators.0.sort_by(|a, b| a.member.cmp(&b.member));
    genesis.sites.sort_by(|a, b| a.site.cmp(&b.site));
    genesis
}

impl Part {
    /// Checks that a document holds this part unchanged.
    ///
    /// # Errors
    /// What was changed: do not sign, and ask whoever assembled it.
    pub(super) fn check_in(&self, genesis: &Genesis) -> anyhow::Result<()> {
        let member = &self.founder.member.member;
        let seat = genesis
            .validators
            .0
            .iter()
            .find(|seat| seat.member == *member);
        let sites = |site: &SetSite| genesis.sites.contains(site);
        let held = [
            ("founder", genesis.founders.contains(&self.founder)),
            ("validator", seat == self.validator.as_ref()),
            ("sites", self.sites.iter().all(sites)),
        ];
        for (what, unchanged) in held {
            anyhow::ensure!(
                unchanged,
                "the document does not hold the part of {member} as it was given: {what}"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chipledger_ledger::fixture;

    fn part(member: &str, votes: bool) -> Part {
        let key = |purpose: &str| fixture::key(&format!("{member}-{purpose}")).public();
        let id: MemberId = member.parse().unwrap();
        // No jurisdiction may hold a third of the power.
        let jurisdiction = match member {
            "A" => "AT",
            "B" => "BE",
            "C" => "CA",
            "D" => "DE",
            _ => "NL",
        };
        Part {
            founder: Founder {
                member: SetMember {
                    member: id.clone(),
                    name: member.to_owned(),
                    roles: BTreeSet::from([Role::Customs]),
                    jurisdiction: jurisdiction.parse().unwrap(),
                    parent: None,
                    lei: None,
                    issuers: BTreeSet::new(),
                    encryption_key: None,
                },
                admin_key: key("admin"),
                peer_keys: vec![key("peer")],
            },
            validator: votes.then(|| ValidatorSeat {
                member: id,
                key: key("validator"),
                power: 1,
            }),
            sites: Vec::new(),
        }
    }

    fn document(parts: Vec<Part>) -> Genesis {
        let time = "2026-03-01".parse().unwrap();
        assemble(
            parts,
            "test".to_owned(),
            time,
            Vec::new(),
            Bounds::default(),
        )
    }

    #[test]
    fn the_order_of_the_parts_does_not_matter_and_each_part_is_in_the_document() {
        let members = ["B", "D", "A", "C", "E"];
        let mut parts: Vec<_> = members
            .iter()
            .map(|name| part(name, *name != "E"))
            .collect();
        let genesis = document(parts.clone());
        genesis.check().unwrap();
        for part in &parts {
            part.check_in(&genesis).unwrap();
        }
        parts.reverse();
        assert_eq!(document(parts).hash(), genesis.hash());
    }

    #[test]
    fn a_founder_notices_a_document_that_changes_its_part() {
        let good = part("A", true);
        let changes: [fn(&mut Part); 3] = [
            |part| part.founder.peer_keys.clear(),
            |part| part.founder.member.name.push('x'),
            |part| part.validator = None,
        ];
        for change in changes {
            let mut other = good.clone();
            change(&mut other);
            let error = good.check_in(&document(vec![other])).unwrap_err();
            assert!(error.to_string().contains("part of A"), "{error}");
        }
    }

    #[test]
    fn roles_are_known_by_their_words() {
        assert_eq!(role("customs"), Ok(Role::Customs));
        assert!(role("king").is_err());
    }
}
