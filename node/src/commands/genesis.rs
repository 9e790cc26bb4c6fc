//! `genesis`: the ceremony: everybody signs the same document.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use chipledger_schemas::encode::encode;
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::hash;
use chipledger_schemas::ids::{GenesisHash, MemberId, PublicKey, Signature};
use chipledger_schemas::keys::{SecretKey, verify_strict};
use serde::{Deserialize, Serialize};

mod part;

/// The genesis ceremony: every founder gives its public part, one puts the document together, all
/// compare its hash, sign it, and verify that everybody has.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    step: Step,
}

#[derive(clap::Subcommand, Debug)]
enum Step {
    /// Writes a founder's public part, from its key files: nothing secret is in it.
    Part(Box<part::PartArgs>),
    /// Puts the founders' parts together into one document; the same parts and settings give the
    /// same bytes, whoever does it.
    Assemble(part::AssembleArgs),
    /// Checks the document and prints the hash that all members compare, by telephone.
    Hash {
        /// The genesis document.
        genesis: PathBuf,
    },
    /// Signs the document with a founder's admin key.
    Sign {
        /// The genesis document.
        genesis: PathBuf,
        /// Key file of the founder's admin key, as `chipledger keygen` writes it.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The founder's own part: the document must hold it unchanged.
        #[arg(long, value_name = "FILE")]
        part: Option<PathBuf>,
        /// Signature file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Verifies that every founder has signed exactly this document.
    #[command(alias = "check")]
    Verify {
        /// The genesis document.
        genesis: PathBuf,
        /// The signature files.
        #[arg(required = true)]
        signatures: Vec<PathBuf>,
    },
}

/// A founder's signature under the document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    genesis: GenesisHash,
    member: MemberId,
    key: PublicKey,
    signature: Signature,
}

#[derive(Deserialize)]
struct AdminKey {
    member: MemberId,
    class: String,
    secret_key: String,
}

fn preimage(genesis: &GenesisHash, member: &MemberId) -> [u8; 32] {
    *hash::GENESIS_SIGNATURE
        .hash(&encode(&(genesis, member)))
        .as_bytes()
}

fn read(path: &Path) -> anyhow::Result<Genesis> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let genesis: Genesis = serde_json::from_str(&text)
        .with_context(|| format!("{} is no genesis document", path.display()))?;
    genesis.check()?;
    Ok(genesis)
}

/// Writes a JSON file that must not exist.
fn write_new(path: &Path, content: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(content)? + "\n";
    let written = std::fs::File::create_new(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.with_context(|| format!("cannot write {}", path.display()))
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.step {
            Step::Part(args) => args.run()?,
            Step::Assemble(args) => args.run()?,
            Step::Hash { genesis } => println!("{}", read(&genesis)?.hash()),
            Step::Sign {
                genesis,
                key,
                part,
                out,
            } => sign(&genesis, &key, part.as_deref(), &out)?,
            Step::Verify {
                genesis,
                signatures,
            } => verify(&genesis, &signatures)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn sign(genesis: &Path, key: &Path, part: Option<&Path>, out: &Path) -> anyhow::Result<()> {
    let genesis = read(genesis)?;
    if let Some(part) = part {
        part::read(part)?.check_in(&genesis)?;
    }
    let text = zeroize::Zeroizing::new(
        std::fs::read_to_string(key).with_context(|| format!("cannot read {}", key.display()))?,
    );
    let file: AdminKey =
        serde_json::from_str(&text).with_context(|| format!("{} is no key file", key.display()))?;
    anyhow::ensure!(file.class == "admin", "{} is no admin key", key.display());
    let secret = SecretKey::from_hex(&file.secret_key)?;
    let founder = genesis
        .founders
        .iter()
        .find(|founder| founder.member.member == file.member);
    let founder = founder.with_context(|| format!("{} is no founder", file.member))?;
    anyhow::ensure!(
        founder.admin_key == secret.public(),
        "the document names another admin key for {}",
        file.member
    );
    let hash = genesis.hash();
    let signed = Signed {
        genesis: hash,
        signature: secret.sign(&preimage(&hash, &file.member)),
        key: secret.public(),
        member: file.member,
    };
    write_new(out, &signed)?;
    println!("signed {hash} as {}", signed.member);
    Ok(())
}

fn verify(genesis: &Path, signatures: &[PathBuf]) -> anyhow::Result<()> {
    let genesis = read(genesis)?;
    let hash = genesis.hash();
    let mut missing: BTreeMap<_, _> = genesis
        .founders
        .iter()
        .map(|founder| (&founder.member.member, founder.admin_key))
        .collect();
    for path in signatures {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let signed: Signed = serde_json::from_str(&text)
            .with_context(|| format!("{} is no signature file", path.display()))?;
        anyhow::ensure!(
            signed.genesis == hash,
            "{} signs another document: {}",
            path.display(),
            signed.genesis
        );
        let key = missing.remove(&signed.member);
        let key =
            key.with_context(|| format!("{} is no founder, or signed twice", signed.member))?;
        let preimage = preimage(&hash, &signed.member);
        anyhow::ensure!(
            verify_strict(&key, &preimage, &signed.signature),
            "the signature of {} does not verify",
            signed.member
        );
    }
    let names: Vec<_> = missing.keys().map(ToString::to_string).collect();
    anyhow::ensure!(names.is_empty(), "not signed by: {}", names.join(", "));
    println!(
        "{hash} is signed by all {} founders",
        genesis.founders.len()
    );
    Ok(())
}
