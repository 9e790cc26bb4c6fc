//! Item sets: how a record names its items.
//!
//! A serial is a prefix and a fixed-width decimal (`h100-007` is `h100-` and 007; 007 is not 7). A
//! set is a sorted list of series, one per (issuer, prefix, width), each with its runs of
//! consecutive numbers, disjoint and merged as far as they go: one set has one form, 1,000
//! consecutive serials take about 20 bytes, and the number of items is known before anything is
//! expanded.

use std::fmt;
use std::str::FromStr;

use compact_str::{CompactString, format_compact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Issuer, ItemId, NotAnId};

/// The most decimal digits that count as a serial's number; further digits belong to the prefix.
pub const NUMBER_WIDTH_MAX: u8 = 18;

/// Serials that differ in their number alone: an issuer, a prefix and a width.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Series {
    /// The issuer prefix.
    pub issuer: Issuer,
    /// What stands before the number; does not end in a digit unless the width is the maximum.
    pub prefix: CompactString,
    /// Digits of the number, leading zeros included; 0 for a serial that has none.
    pub width: u8,
}

impl Series {
    /// Splits an id into its series and number.
    pub fn split(id: &ItemId) -> (Self, u64) {
        let serial = id.serial();
        let digits = serial.bytes().rev().take_while(u8::is_ascii_digit).count();
        let width = digits.min(usize::from(NUMBER_WIDTH_MAX));
        let (prefix, number) = serial.split_at(serial.len() - width);
        let series = Self {
            issuer: id.issuer().clone(),
            prefix: prefix.into(),
            width: u8::try_from(width).unwrap_or(NUMBER_WIDTH_MAX),
        };
        (series, number.parse().unwrap_or(0))
    }

    /// The id of `number` in this series.
    pub fn id(&self, number: u64) -> Result<ItemId, NotAnId> {
        ItemId::new(self.issuer.clone(), &self.serial(number))
    }

    fn serial(&self, number: u64) -> CompactString {
        if self.width == 0 {
            return self.prefix.clone();
        }
        format_compact!(
            "{}{:0width$}",
            self.prefix,
            number,
            width = usize::from(self.width)
        )
    }

    /// The first number that this series cannot hold.
    fn end(&self) -> u64 {
        10_u64.pow(u32::from(self.width.min(NUMBER_WIDTH_MAX)))
    }

    fn is_canonical(&self) -> bool {
        // The way back covers case, white space and digits that belong to the number at once: an
        // item must not have a second series, or one record could name it twice.
        self.width <= NUMBER_WIDTH_MAX && self.id(0).is_ok_and(|id| Self::split(&id).0 == *self)
    }
}

/// Consecutive numbers of a series.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The first number.
    pub first: u64,
    /// How many; never 0.
    pub count: u64,
}

impl Run {
    /// The number after the last; saturates.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }
}

/// A series with its runs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
struct Group {
    series: Series,
    runs: Vec<Run>,
}

/// A set of items in its one canonical form. JSON: `["ACME:rack-1", "NVIDIA:000100..000199"]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ItemSet {
    groups: Vec<Group>,
}

/// The set is not well formed. Correct the entry that the message names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemSetError {
    /// An entry is no item id. Write `issuer:serial`.
    #[error(transparent)]
    Id(#[from] NotAnId),
    /// A range's ends differ in more than their number. Write both ends in full, lower first.
    #[error("{text:?} is not a range; write both serials in full, such as NVIDIA:0001..0100")]
    Range {
        /// What was given.
        text: String,
    },
    /// One item is named twice. Name it once.
    #[error("{id} is named twice")]
    Twice {
        /// The item.
        id: String,
    },
    /// The bytes name the set in another than its canonical form. Encode it with the project's
    /// encoder.
    #[error("item set is not in canonical form")]
    NotCanonical,
}

impl ItemSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self { groups: Vec::new() }
    }

    /// The set of the given ids.
    ///
    /// # Errors
    /// [`ItemSetError::Twice`] if one occurs twice.
    pub fn of<'a>(ids: impl IntoIterator<Item = &'a ItemId>) -> Result<Self, ItemSetError> {
        let one = |id| {
            let (series, first) = Series::split(id);
            (series, Run { first, count: 1 })
        };
        Self::of_runs(ids.into_iter().map(one).collect())
    }

    /// The set of the given runs, in any order.
    ///
    /// # Errors
    /// [`ItemSetError::Twice`] if two overlap; [`ItemSetError::NotCanonical`] if a run does not fit
    /// its series.
    pub fn of_runs(mut runs: Vec<(Series, Run)>) -> Result<Self, ItemSetError> {
        runs.sort_unstable();
        let mut groups: Vec<Group> = Vec::new();
        for (series, run) in runs {
            if run.count == 0 || run.end() > series.end() || !series.is_canonical() {
                return Err(ItemSetError::NotCanonical);
            }
            match groups.last_mut() {
                Some(group) if group.series == series => append(group, run)?,
                _ => groups.push(Group {
                    series,
                    runs: vec![run],
                }),
            }
        }
        Ok(Self { groups })
    }

    /// `count` consecutive items from `first` on.
    pub fn consecutive(first: &ItemId, count: u64) -> Result<Self, ItemSetError> {
        let (series, number) = Series::split(first);
        Self::of_runs(vec![(
            series,
            Run {
                first: number,
                count,
            },
        )])
    }

    /// How many items are named; saturates, and is known without expanding anything.
    pub fn len(&self) -> u64 {
        self.runs()
            .fold(0_u64, |sum, (_, run)| sum.saturating_add(run.count))
    }

    /// Whether no item is named.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The runs with their series, in order.
    pub fn runs(&self) -> impl Iterator<Item = (&Series, Run)> {
        self.groups
            .iter()
            .flat_map(|group| group.runs.iter().map(move |run| (&group.series, *run)))
    }

    /// Every id, in order. Check [`Self::len`] first: a few bytes can name 10^18 items.
    pub fn ids(&self) -> impl Iterator<Item = ItemId> {
        self.runs().flat_map(|(series, run)| {
            (run.first..run.end()).filter_map(move |number| series.id(number).ok())
        })
    }

    /// Whether the set names this item.
    pub fn contains(&self, id: &ItemId) -> bool {
        let (series, number) = Series::split(id);
        let group = self.groups.binary_search_by(|g| g.series.cmp(&series));
        group.is_ok_and(|i| {
            let runs = &self.groups[i].runs;
            let after = runs.partition_point(|run| run.first <= number);
            after > 0 && number < runs[after - 1].end()
        })
    }

    /// The first item that both sets name.
    pub fn first_common(&self, other: &Self) -> Option<ItemId> {
        let both = self
            .runs()
            .chain(other.runs())
            .map(|(s, r)| (s.clone(), r))
            .collect();
        match Self::of_runs(both) {
            Err(ItemSetError::Twice { id }) => id.parse().ok(),
            _ => None,
        }
    }

    /// The union of two disjoint sets.
    ///
    /// # Errors
    /// [`ItemSetError::Twice`] if an item is in both.
    pub fn union(&self, other: &Self) -> Result<Self, ItemSetError> {
        Self::of_runs(
            self.runs()
                .chain(other.runs())
                .map(|(s, r)| (s.clone(), r))
                .collect(),
        )
    }

    /// Checks what decoding alone cannot: sorted, disjoint, merged, every number within its width.
    fn is_canonical(&self) -> bool {
        let sorted = self
            .groups
            .windows(2)
            .all(|pair| pair[0].series < pair[1].series);
        sorted
            && self.groups.iter().all(|group| {
                !group.runs.is_empty()
                    && group.series.is_canonical()
                    && group
                        .runs
                        .iter()
                        .all(|r| r.count > 0 && r.end() <= group.series.end())
                    && group
                        .runs
                        .windows(2)
                        .all(|pair| pair[0].end() < pair[1].first)
            })
    }
}

fn append(group: &mut Group, run: Run) -> Result<(), ItemSetError> {
    if let Some(last) = group.runs.last_mut() {
        if last.end() > run.first {
            let id = group
                .series
                .id(run.first)
                .map(|id| id.to_string())
                .unwrap_or_default();
            return Err(ItemSetError::Twice { id });
        }
        if last.end() == run.first {
            last.count += run.count;
            return Ok(());
        }
    }
    group.runs.push(run);
    Ok(())
}

fn run_text(series: &Series, run: Run) -> String {
    let first = series.serial(run.first);
    if run.count == 1 {
        return format!("{}:{first}", series.issuer);
    }
    format!(
        "{}:{first}..{}",
        series.issuer,
        series.serial(run.end() - 1)
    )
}

fn parse_run(text: &str) -> Result<(Series, Run), ItemSetError> {
    let Some((first, last)) = text.split_once("..") else {
        let (series, first) = Series::split(&text.parse()?);
        return Ok((series, Run { first, count: 1 }));
    };
    let first: ItemId = first.parse()?;
    let last = if last.contains(':') {
        last.parse()?
    } else {
        ItemId::new(first.issuer().clone(), last)?
    };
    let ((series, from), (other, to)) = (Series::split(&first), Series::split(&last));
    if series != other || to < from || series.width == 0 {
        return Err(ItemSetError::Range {
            text: text.to_owned(),
        });
    }
    Ok((
        series,
        Run {
            first: from,
            count: to - from + 1,
        },
    ))
}

impl FromStr for ItemSet {
    type Err = ItemSetError;
    /// Ids and ranges separated by commas or white space.
    fn from_str(text: &str) -> Result<Self, ItemSetError> {
        let words = text
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|w| !w.is_empty());
        Self::of_runs(words.map(parse_run).collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for ItemSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (series, run)) in self.runs().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{}", run_text(series, run))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ItemSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemSet[{self}]")
    }
}

impl Serialize for ItemSet {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            return s.collect_seq(self.runs().map(|(series, run)| run_text(series, run)));
        }
        self.groups.serialize(s)
    }
}

impl<'de> Deserialize<'de> for ItemSet {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        if d.is_human_readable() {
            let texts = Vec::<String>::deserialize(d)?;
            let runs = texts.iter().map(|t| parse_run(t)).collect::<Result<_, _>>();
            return runs.and_then(Self::of_runs).map_err(D::Error::custom);
        }
        let set = Self {
            groups: Vec::deserialize(d)?,
        };
        if set.is_canonical() {
            Ok(set)
        } else {
            Err(D::Error::custom(ItemSetError::NotCanonical))
        }
    }
}

impl JsonSchema for ItemSet {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ItemSet".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "array", "items": {"type": "string"},
            "description": "item ids and ranges: [\"ACME:rack-1\", \"NVIDIA:000100..000199\"]"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encode::{decode, encode};

    fn set(text: &str) -> ItemSet {
        text.parse().unwrap()
    }

    #[test]
    fn a_thousand_consecutive_serials_take_about_twenty_bytes() {
        let run = set("NVIDIA:1654322001000..1654322001999");
        assert_eq!(run.len(), 1_000);
        assert!(encode(&run).len() <= 26, "{}", encode(&run).len());
    }

    #[test]
    fn one_set_has_one_form_whatever_the_order_of_its_parts() {
        let whole = set("A:001..010");
        assert_eq!(set("A:006..010, A:001..004, A:005"), whole);
        assert_ne!(set("A:1"), set("A:001"));
        assert_eq!(whole.to_string(), "A:001..010");
    }

    #[test]
    fn a_few_bytes_that_name_a_million_million_items_are_counted_and_not_expanded() {
        assert_eq!(
            set("A:1000000000000..1999999999999").len(),
            1_000_000_000_000
        );
    }

    #[test]
    fn refuses_an_item_named_twice_and_a_range_of_two_series() {
        assert!(matches!(
            "A:1..5, A:3".parse::<ItemSet>(),
            Err(ItemSetError::Twice { .. })
        ));
        for text in ["A:1..10", "A:5..3", "A:a1..b2", "A:x..y"] {
            assert!(
                matches!(text.parse::<ItemSet>(), Err(ItemSetError::Range { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_bytes_of_unsorted_overlapping_empty_or_split_runs() {
        let series = Series {
            issuer: "A".parse().unwrap(),
            prefix: "".into(),
            width: 3,
        };
        let run = |first, count| Run { first, count };
        for runs in [
            vec![],
            vec![run(1, 0)],
            vec![run(5, 1), run(1, 1)],
            vec![run(1, 2), run(2, 1)],
            vec![run(1, 1), run(2, 1)],
            vec![run(999, 2)],
            vec![run(1, u64::MAX)],
        ] {
            let bytes = encode(&vec![Group {
                series: series.clone(),
                runs: runs.clone(),
            }]);
            assert!(decode::<ItemSet>(&bytes).is_err(), "{runs:?}");
        }
    }

    #[test]
    fn refuses_bytes_that_name_an_item_by_a_second_series() {
        // Each of these would name an item that has a canonical series already: in capitals, with
        // white space, with a digit of the number in the prefix, or without a number where there is
        // one.
        for (prefix, width) in [
            ("H", 3),
            (" h", 3),
            ("h1", 3),
            ("h1", 0),
            ("", 0),
            ("h", 19),
        ] {
            let series = Series {
                issuer: "A".parse().unwrap(),
                prefix: prefix.into(),
                width,
            };
            let bytes = encode(&vec![Group {
                series,
                runs: vec![Run { first: 0, count: 1 }],
            }]);
            assert!(decode::<ItemSet>(&bytes).is_err(), "{prefix:?} {width}");
        }
    }

    #[test]
    fn contains_what_it_names_and_nothing_beside() {
        let set = set("A:001..003, A:007, A:b, B:001");
        for id in set.ids() {
            assert!(set.contains(&id), "{id}");
        }
        for id in [
            "A:000", "A:004", "A:006", "A:008", "A:1", "A:c", "B:002", "C:001",
        ] {
            assert!(!set.contains(&id.parse().unwrap()), "{id}");
        }
    }

    proptest! {
        #[test]
        fn survives_bytes_and_text(
            numbers in proptest::collection::btree_set(0_u64..2_000, 0..200),
        ) {
            let ids: Vec<ItemId> =
                numbers.iter().map(|n| format!("A:s{n:04}").parse().unwrap()).collect();
            let set = ItemSet::of(&ids).unwrap();
            prop_assert_eq!(set.ids().collect::<Vec<_>>(), ids.clone());
            prop_assert_eq!(decode::<ItemSet>(&encode(&set)).unwrap(), set.clone());
            prop_assert_eq!(set.to_string().parse::<ItemSet>().unwrap(), set.clone());
            let json = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<ItemSet>(&json).unwrap(), set);
        }

        #[test]
        fn any_serial_splits_and_joins_to_itself(serial in "[a-z0-9./#-]{1,30}") {
            if let Ok(id) = ItemId::new("A".parse().unwrap(), &serial) {
                let (series, number) = Series::split(&id);
                prop_assert!(series.is_canonical());
                prop_assert_eq!(series.id(number).unwrap(), id);
            }
        }
    }
}
