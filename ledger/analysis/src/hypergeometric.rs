//! How many of how many must be looked at: the hypergeometric distribution, exactly.
//!
//! Of `held` chips `missing` are not there. A sample of `n`, drawn without replacement, sees
//! none of
//! them with probability `C(held - missing, n) / C(held, n)`: a product of ratios. Products are
//! kept as bounds from below and above in fixed point, and where the bounds do not decide, as whole
//! numbers of any length: no answer depends on rounding. (IAEA's `n = N (1 - b^(1/d))` approximates
//! it.)

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Parts of one: 10^6.
const ONE_PPM: u32 = 1_000_000;
/// Binary digits after the point.
const FRACTION: u32 = 95;
/// One in fixed point.
const ONE: u128 = 1 << FRACTION;

/// A probability of detection, above 0 and below 1, in parts per million.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(transparent)]
pub struct Probability(u32);

/// The text is no probability that a sample can have. Write `90%`, or `0.9`, with at most six
/// decimals.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{got:?} is no probability; write 90% or 0.9: above 0, below 1, at most 6 decimals")]
pub struct NotAProbability {
    /// What was given.
    pub got: String,
}

impl Probability {
    /// The probability of so many parts per million; `None` unless 1 to 999,999.
    pub fn from_ppm(ppm: u32) -> Option<Self> {
        (1..ONE_PPM).contains(&ppm).then_some(Self(ppm))
    }

    /// Parts per million.
    pub fn ppm(self) -> u32 {
        self.0
    }

    /// The probability that a sample may miss: its complement, parts per million.
    fn missed_ppm(self) -> u32 {
        ONE_PPM - self.0
    }
}

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let found = Self::from_ppm(u32::deserialize(d)?);
        found.ok_or_else(|| serde::de::Error::custom("a probability is 1 to 999,999 ppm"))
    }
}

impl FromStr for Probability {
    type Err = NotAProbability;
    fn from_str(text: &str) -> Result<Self, NotAProbability> {
        let wrong = || NotAProbability {
            got: text.chars().take(40).collect(),
        };
        let (number, digits_max) = match text.trim().strip_suffix('%') {
            Some(percent) => (percent.trim(), 4),
            None => (text.trim(), 6),
        };
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 3 || decimals.len() > digits_max {
            return Err(wrong());
        }
        if !digits(whole) || !digits(decimals) {
            return Err(wrong());
        }
        let padded = format!("{whole}{decimals:0<digits_max$}");
        let ppm = padded.parse().map_err(|_| wrong())?;
        Self::from_ppm(ppm).ok_or_else(wrong)
    }
}

/// Chips of one sort, and how many of them are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drawn {
    /// How many there are in the book.
    pub held: u32,
    /// How many are drawn.
    pub sample: u32,
}

/// A product of ratios below or at one, as bounds and, when they do not decide, exactly.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Chance {
    ratios: Vec<(u32, u32)>,
}

impl Chance {
    /// The chance that none of `missing` chips is among those drawn.
    pub fn of_missing_all(drawn: Drawn, missing: u32) -> Self {
        let (few, many) = (missing.min(drawn.sample), missing.max(drawn.sample));
        let ratio = |i| {
            (
                drawn.held.saturating_sub(many).saturating_sub(i),
                drawn.held - i,
            )
        };
        Self {
            ratios: (0..few.min(drawn.held)).map(ratio).collect(),
        }
    }

    /// The chance that none of `missing` chips is among those drawn, wherever they are missing: in
    /// the worst way to spread them over the sorts.
    ///
    /// Taking one more chip of a sort multiplies the chance by a ratio that falls with every chip
    /// taken of it before, so the worst way takes the largest ratio each time.
    pub fn of_missing_all_anywhere(sorts: &[Drawn], missing: u32) -> Self {
        let mut taken = vec![0_u32; sorts.len()];
        let mut ratios = Vec::new();
        for _ in 0..missing {
            let next = |place: usize| {
                let (sort, taken): (&Drawn, u32) = (&sorts[place], taken[place]);
                let left = sort.held - taken;
                (left > 0).then(|| ((sort.held - sort.sample).saturating_sub(taken), left, place))
            };
            let larger = |a: &(u32, u32, usize), b: &(u32, u32, usize)| {
                let (a, b) = (cross(a.0, b.1), cross(b.0, a.1));
                a.cmp(&b)
            };
            let best = (0..sorts.len()).filter_map(next).max_by(larger);
            let Some((there, of, place)) = best else {
                break;
            };
            taken[place] += 1;
            ratios.push((there, of));
        }
        Self { ratios }
    }

    /// The chance that none of `times` draws, each with the same share, sees anything.
    pub fn of_share_left(drawn: Drawn, times: u32) -> Self {
        let left = drawn.held - drawn.sample;
        Self {
            ratios: vec![(left, drawn.held); times as usize],
        }
    }

    /// Whether it is at most what the probability of detection leaves.
    pub fn detects(&self, probability: Probability) -> bool {
        let missed = u128::from(probability.missed_ppm());
        let (low, high) = self.bounds();
        if high * u128::from(ONE_PPM) <= missed * ONE {
            return true;
        }
        if low * u128::from(ONE_PPM) > missed * ONE {
            return false;
        }
        let (mut there, mut of) = (Whole::one(), Whole::one());
        for (numerator, denominator) in &self.ratios {
            there.times(*numerator);
            of.times(*denominator);
        }
        there.times(ONE_PPM);
        of.times(probability.missed_ppm());
        there <= of
    }

    /// The probability of detection that it leaves, in parts per million, rounded down.
    pub fn detection_ppm(&self) -> u32 {
        let (_, high) = self.bounds();
        let missed = (high * u128::from(ONE_PPM)).div_ceil(ONE);
        ONE_PPM - u32::try_from(missed).unwrap_or(ONE_PPM).min(ONE_PPM)
    }

    /// Bounds in fixed point.
    fn bounds(&self) -> (u128, u128) {
        let (mut low, mut high) = (ONE, ONE);
        for (numerator, denominator) in &self.ratios {
            let (numerator, denominator) = (u128::from(*numerator), u128::from(*denominator));
            // At most 95 + 32 binary digits.
            low = low * numerator / denominator;
            high = (high * numerator).div_ceil(denominator);
        }
        (low, high)
    }
}

fn cross(a: u32, b: u32) -> u64 {
    u64::from(a) * u64::from(b)
}

/// The smallest sample of `held` chips that sees one of `missing` with a probability. `None` if
/// none is missing, or more than there are.
pub fn sample_size(held: u32, missing: u32, probability: Probability) -> Option<u32> {
    if missing == 0 || missing > held {
        return None;
    }
    let detects =
        |sample| Chance::of_missing_all(Drawn { held, sample }, missing).detects(probability);
    Some(smallest(held, detects))
}

/// Smallest samples per sort that together see one of `missing` chips with a probability, wherever
/// those are missing: shares as equal as whole chips allow, and none of them could be smaller by
/// one. `None` as for [`sample_size`].
pub fn sample_sizes(held: &[u32], missing: u32, probability: Probability) -> Option<Vec<u32>> {
    let all = held
        .iter()
        .try_fold(0_u32, |sum, held| sum.checked_add(*held))?;
    if missing == 0 || missing > all {
        return None;
    }
    let share = |sample: u32| {
        let part = |held: &u32| cross(sample, *held).div_ceil(u64::from(all));
        let part = |held: &u32| u32::try_from(part(held)).unwrap_or(*held).min(*held);
        held.iter().map(part).collect::<Vec<u32>>()
    };
    let sorts = |samples: &[u32]| {
        let pairs = held.iter().zip(samples);
        pairs
            .map(|(held, sample)| Drawn {
                held: *held,
                sample: *sample,
            })
            .collect::<Vec<_>>()
    };
    let detects = |samples: &[u32]| {
        Chance::of_missing_all_anywhere(&sorts(samples), missing).detects(probability)
    };
    let mut samples = share(smallest(all, |sample| detects(&share(sample))));
    let mut place = 0;
    while place < samples.len() {
        let mut fewer = samples.clone();
        fewer[place] = fewer[place].saturating_sub(1);
        if fewer[place] < samples[place] && detects(&fewer) {
            // What was too few before stays too few: a sample that shrinks detects no more.
            samples = fewer;
        } else {
            place += 1;
        }
    }
    Some(samples)
}

/// The smallest sample of `held` chips whose share alone, drawn `times` times, sees something with
/// a probability.
pub fn sample_of_share(held: u32, times: u32, probability: Probability) -> u32 {
    smallest(held, |sample| {
        Chance::of_share_left(Drawn { held, sample }, times).detects(probability)
    })
}

/// The smallest number up to `most` that fits; what fits stays fitting when it grows.
fn smallest(most: u32, fits: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low) / 2;
        if fits(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// A whole number of any length: its digits by 2^32, lowest first.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Whole(Vec<u32>);

impl Whole {
    fn one() -> Self {
        Self(vec![1])
    }

    fn times(&mut self, factor: u32) {
        let mut carry = 0_u64;
        for digit in &mut self.0 {
            let product = cross(*digit, factor) + carry;
            *digit = low_half(product);
            carry = product >> 32;
        }
        if carry > 0 {
            self.0.push(low_half(carry));
        }
        while self.0.len() > 1 && self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

fn low_half(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

impl PartialOrd for Whole {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Whole {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let digits = |whole: &Self| whole.0.iter().rev().copied().collect::<Vec<_>>();
        let by_length = self.0.len().cmp(&other.0.len());
        by_length.then_with(|| digits(self).cmp(&digits(other)))
    }
}
