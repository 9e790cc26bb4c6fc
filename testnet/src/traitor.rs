//! `chipledger-traitor`: a node that lies, or is broken on purpose. For chaos runs only.
//!
//! It is the whole node with something between its engine and its network that drops and doubles
//! what it says, with a key that signs whatever it likes. Never run it with a key of value.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use arc_malachitebft_core_types::{
    NilOrVal, SignedMessage, ValidatorProof, VoteExtensionScope, VoteType,
};
use arc_malachitebft_engine::network::NetworkRef;
use arc_malachitebft_engine_byzantine::{ByzantineConfig, ByzantineNetworkProxy, Trigger};
use arc_malachitebft_signing::{Error, Signer};
use async_trait::async_trait;
use chipledger_ledger::chain::Sabotage;
use chipledger_node::config::Config;
use chipledger_node::consensus::context::{BlockValue, LedgerContext, Proposal, Seat, Vote};
use chipledger_node::consensus::signing::REFUSED;
use chipledger_node::guard::{Guard, guard_path};
use chipledger_node::keys::{MemberKey, Purpose};
use chipledger_node::node::{Hooks, read_genesis};
use chipledger_schemas::certificate::{Step, consensus_preimage};
use chipledger_schemas::ids::{BlockHash, GenesisHash, Height, MemberId};
use chipledger_schemas::keys::SecretKey;
use clap::Parser;

/// A node that lies, or is broken on purpose. For chaos runs only.
#[derive(Parser)]
struct Arguments {
    /// The node's configuration.
    #[arg(long)]
    config: PathBuf,
    /// What it does when follows from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// In so many of 1,000 cases it votes and proposes two things.
    #[arg(long, default_value_t = 0)]
    equivocate: u32,
    /// So many of 1,000 votes and proposals it keeps to itself.
    #[arg(long, default_value_t = 0)]
    drop: u32,
    /// It forgets what it signed whenever it starts.
    #[arg(long)]
    no_guard: bool,
    /// It executes transactions again that it has seen.
    #[arg(long)]
    skip_seen: bool,
    /// It executes differently from this height on.
    #[arg(long, value_name = "HEIGHT")]
    diverge_from: Option<u64>,
    /// Its rules panic over annotations of this text.
    #[arg(long, value_name = "TEXT")]
    panic_over: Option<String>,
}

fn main() -> anyhow::Result<std::process::ExitCode> {
    let arguments = Arguments::parse();
    let config = Config::load(&arguments.config)?;
    if arguments.no_guard {
        forget(&config)?;
    }
    let hooks = Hooks {
        network: proxy(&arguments, &config)?,
        sabotage: sabotage(&arguments),
    };
    // All of the node that is compiled stays in its library: this program is small.
    chipledger_node::commands::run::run(config, hooks)
}

/// A new guard in place of the one that remembers.
fn forget(config: &Config) -> anyhow::Result<()> {
    let validator = config.validator.as_ref().context("a traitor votes")?;
    let path = Config::guard_path(validator);
    debug_assert!(validator.guard.is_some() || path == guard_path(&validator.key));
    if path.exists() {
        std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
    }
    let key = MemberKey::load(&validator.key, Purpose::Validator)?;
    Guard::create(&key, &path)?;
    Ok(())
}

fn sabotage(arguments: &Arguments) -> Option<Sabotage> {
    if arguments.skip_seen {
        return Some(Sabotage::SkipSeen);
    }
    if let Some(text) = arguments.panic_over.clone() {
        return Some(Sabotage::Panic { text });
    }
    arguments
        .diverge_from
        .map(|from| Sabotage::Diverge { from: Height(from) })
}

type Wrap = Box<
    dyn FnOnce(
            NetworkRef<LedgerContext>,
            Option<chipledger_node::consensus::signing::SharedGuard>,
        ) -> NetworkRef<LedgerContext>
        + Send,
>;

#[allow(
    clippy::float_arithmetic,
    reason = "the library of lies takes its odds as a float"
)]
fn proxy(arguments: &Arguments, config: &Config) -> anyhow::Result<Option<Wrap>> {
    let random = |permille: u32| match permille {
        0 => Trigger::Never,
        some => Trigger::Random {
            probability: f64::from(some.min(1_000)) / 1_000.0,
        },
    };
    let lies = ByzantineConfig::new(Some(arguments.seed))
        .with_equivocate_votes(random(arguments.equivocate))
        .with_equivocate_proposals(random(arguments.equivocate))
        .with_drop_votes(random(arguments.drop))
        .with_drop_proposals(random(arguments.drop));
    if !lies.is_active() {
        return Ok(None);
    }
    lies.validate()
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let signer = signer(config)?;
    Ok(Some(Box::new(move |network, _| {
        let seat = Seat(signer.member.clone());
        let spawned = ByzantineNetworkProxy::spawn(
            lies,
            network,
            Box::new(signer),
            LedgerContext,
            seat,
            tracing::Span::none(),
            Some(Box::new(|value: &BlockValue| {
                BlockValue(other(Some(&value.0)))
            })),
            Some(Box::new(other)),
        );
        let wait = || tokio::runtime::Handle::current().block_on(spawned);
        tokio::task::block_in_place(wait).expect("the settings were validated")
    })))
}

/// Another block than that one; it does not exist.
fn other(block: Option<&BlockHash>) -> BlockHash {
    let mut other = block.copied().unwrap_or_default();
    other.0.0[0] ^= 1;
    other
}

fn signer(config: &Config) -> anyhow::Result<Faithless> {
    let validator = config.validator.as_ref().context("a traitor votes")?;
    let key = MemberKey::load(Path::new(&validator.key), Purpose::Validator)?;
    Ok(Faithless {
        genesis: read_genesis(config)?.hash(),
        member: key.member,
        key: key.key,
    })
}

/// Signs whatever it is asked to.
struct Faithless {
    genesis: GenesisHash,
    member: MemberId,
    key: SecretKey,
}

#[async_trait]
impl Signer<LedgerContext> for Faithless {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<LedgerContext, Vote>, Error> {
        let step = match vote.step {
            VoteType::Prevote => Step::Prevote,
            VoteType::Precommit => Step::Precommit,
        };
        let block = match &vote.value {
            NilOrVal::Nil => None,
            NilOrVal::Val(block) => Some(block),
        };
        let (height, round) = (vote.height.height(), vote.round.as_u32().unwrap_or(0));
        let preimage = consensus_preimage(&self.genesis, height, round, step, block, None);
        let signature = self.key.sign(&preimage);
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(
        &self,
        proposal: Proposal,
    ) -> Result<SignedMessage<LedgerContext, Proposal>, Error> {
        let (height, round) = (
            proposal.height.height(),
            proposal.round.as_u32().unwrap_or(0),
        );
        let pol_round = proposal.pol_round.as_u32();
        let (genesis, block) = (&self.genesis, Some(&proposal.value.0));
        let step = Step::Proposal;
        let preimage = consensus_preimage(genesis, height, round, step, block, pol_round);
        let signature = self.key.sign(&preimage);
        Ok(SignedMessage::new(proposal, signature))
    }

    async fn sign_vote_extension(
        &self,
        _: VoteExtensionScope<LedgerContext>,
        extension: (),
    ) -> Result<SignedMessage<LedgerContext, ()>, Error> {
        Ok(SignedMessage::new(extension, REFUSED))
    }

    async fn sign_validator_proof(
        &self,
        public_key: Vec<u8>,
        peer_id: Vec<u8>,
    ) -> Result<ValidatorProof<LedgerContext>, Error> {
        Ok(ValidatorProof::new(public_key, peer_id, REFUSED))
    }
}
