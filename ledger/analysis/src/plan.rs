//! An inspection plan on the ledger: what is to be inspected, and a commitment to the secret that,
//! with the next block's hash, will draw the sample.
//!
//! The plan is the text of an `annotate` record, and names itself by its own digest there (decision
//! 015): no kind of record has a field for a commitment, and a note binds its signer as any record
//! does. Who signs it is the inspector; the block that holds it is the notice.

use std::fmt;
use std::str::FromStr;

use chipledger_schemas::hash::{Hash, SAMPLE_PLAN, SAMPLE_SECRET, SAMPLE_SEED};
use chipledger_schemas::ids::{BlockHash, RecordId, Reference, SiteId};
use chipledger_schemas::records::Annotate;
use serde::{Deserialize, Serialize};

use crate::hypergeometric::Probability;

/// First word of a plan, with the version of its form.
const FORM: &str = "inspection-plan/1";

/// What an inspection shall find out, if it is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// So many chips, whatever they can do.
    Chips(u32),
    /// Chips that together have so many thousandths of TPP: a significant quantity.
    TppMilli(u64),
}

/// What an inspection shall find out, of which site, with what probability.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Aim {
    /// Where.
    pub site: SiteId,
    /// What would be missing.
    pub goal: Goal,
    /// With what probability the sample shows it.
    #[serde(rename = "probability_ppm")]
    pub probability: Probability,
}

/// An aim with a commitment to the secret that will draw its sample.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// What it is for.
    #[serde(flatten)]
    pub aim: Aim,
    /// Digest of the secret.
    pub commitment: Hash,
}

/// The secret of a plan: 32 random bytes that only the inspector knows until the draw.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// What a plan says of it before it is told.
    pub fn commitment(&self) -> Hash {
        SAMPLE_SECRET.hash(&self.0)
    }
}

/// The text is no inspection plan in the form that this version reads. Name a transaction that
/// `sample-plan` wrote.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{got:?} is no inspection plan: {why}")]
pub struct NotAPlan {
    /// The text.
    pub got: String,
    /// What is wrong.
    pub why: &'static str,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let aim = &self.aim;
        write!(f, "{FORM} site={}", aim.site)?;
        match aim.goal {
            Goal::Chips(chips) => write!(f, " missing_chips={chips}")?,
            Goal::TppMilli(tpp) => write!(f, " missing_tpp_milli={tpp}")?,
        }
        let ppm = aim.probability.ppm();
        write!(f, " probability_ppm={ppm} commitment={}", self.commitment)
    }
}

impl FromStr for Plan {
    type Err = NotAPlan;
    fn from_str(text: &str) -> Result<Self, NotAPlan> {
        let wrong = |why| NotAPlan {
            got: text.chars().take(200).collect(),
            why,
        };
        let words: Vec<&str> = text.split(' ').collect();
        let &[FORM, site, missing, probability, commitment] = words.as_slice() else {
            return Err(wrong("it does not have the parts of one"));
        };
        let site = site.strip_prefix("site=").and_then(|id| id.parse().ok());
        let goal = match missing.split_once('=') {
            Some(("missing_chips", chips)) => chips.parse().ok().map(Goal::Chips),
            Some(("missing_tpp_milli", tpp)) => tpp.parse().ok().map(Goal::TppMilli),
            _ => None,
        };
        let ppm = probability.strip_prefix("probability_ppm=");
        let probability = ppm.and_then(|ppm| Probability::from_ppm(ppm.parse().ok()?));
        let digest = commitment.strip_prefix("commitment=");
        let plan = Self {
            aim: Aim {
                site: site.ok_or_else(|| wrong("it names no site"))?,
                goal: goal.ok_or_else(|| wrong("it does not say what would be missing"))?,
                probability: probability.ok_or_else(|| wrong("it has no probability"))?,
            },
            commitment: digest
                .and_then(|digest| digest.parse().ok())
                .ok_or_else(|| wrong("it has no commitment"))?,
        };
        // One plan has one text, and so one name.
        if plan.to_string() == text {
            Ok(plan)
        } else {
            Err(wrong("it is not in the one form of a plan"))
        }
    }
}

impl Plan {
    /// Its digest: what the note that carries it is about.
    pub fn digest(&self) -> Hash {
        SAMPLE_PLAN.hash(self.to_string().as_bytes())
    }

    /// The name under which an `inspect` record refers to it.
    pub fn reference(&self) -> Result<Reference, chipledger_schemas::ids::NotAnId> {
        let digest = self.digest().to_string();
        let short = digest.get(..24).unwrap_or(&digest);
        format!("PLAN-{short}").parse()
    }

    /// The record that puts it on the ledger.
    pub fn record(&self) -> Annotate {
        Annotate {
            record: RecordId(self.digest()),
            text: self.to_string(),
        }
    }

    /// The plan that a note carries.
    pub fn of(note: &Annotate) -> Result<Self, NotAPlan> {
        let plan: Self = note.text.parse()?;
        if plan.digest() == note.record.0 {
            return Ok(plan);
        }
        Err(NotAPlan {
            got: note.text.clone(),
            why: "the note does not name it by its digest",
        })
    }

    /// The seed of its sample.
    pub fn seed(&self, next_block: BlockHash, secret: &Secret) -> Hash {
        let mut bytes = [0; 96];
        bytes[..32].copy_from_slice(self.digest().as_bytes());
        bytes[32..64].copy_from_slice(next_block.0.as_bytes());
        bytes[64..].copy_from_slice(&secret.0);
        SAMPLE_SEED.hash(&bytes)
    }
}
