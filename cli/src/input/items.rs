//! Lists of items on the command line: ids, ranges, and files of them.

use std::path::Path;

use chipledger_schemas::ids::{Issuer, ItemId};
use chipledger_schemas::items::{ItemSet, Run, Series};

use crate::error::Failure;

/// Items as people name them: `NVIDIA:0001..0100`, `ACME:rack-1`, or a file of such names.
#[derive(clap::Args, Clone, Debug)]
pub struct ItemArgs {
    /// Items: ids and ranges such as NVIDIA:0001..0100, or a CSV or text file of them.
    #[arg(required = true, value_name = "ITEMS|FILE")]
    pub items: Vec<String>,
}

impl ItemArgs {
    /// The set that they name.
    ///
    /// # Errors
    /// Which name cannot be read.
    pub fn set(&self) -> Result<ItemSet, Failure> {
        set(&self.items, None)
    }
}

/// The set that words and files name; bare serials get the issuer prefix, if there is one.
///
/// # Errors
/// Which name cannot be read, on which line.
pub fn set(words: &[String], issuer: Option<&Issuer>) -> Result<ItemSet, Failure> {
    let mut all = ItemSet::new();
    for word in words {
        let is_file = !word.contains(':') && Path::new(word).is_file();
        let set = if is_file {
            of_file(Path::new(word), issuer)?
        } else {
            of_text(word, issuer).map_err(|what| Failure::usage(what, FORM))?
        };
        all = all
            .union(&set)
            .map_err(|error| Failure::usage(error.to_string(), "Name every item once."))?;
    }
    Ok(all)
}

const FORM: &str =
    "Write issuer:serial, a range such as NVIDIA:0001..0100, or the name of a file of them.";

fn of_text(text: &str, issuer: Option<&Issuer>) -> Result<ItemSet, String> {
    let word = |word: &str| match issuer {
        Some(issuer) if !word.contains(':') => format!("{issuer}:{word}"),
        _ => word.to_owned(),
    };
    let words: Vec<_> = text
        .split([',', ' ', ';'])
        .filter(|w| !w.is_empty())
        .map(word)
        .collect();
    if words.is_empty() {
        return Err("no item is named".to_owned());
    }
    if let [single] = &words[..]
        && chipledger_schemas::gs1::is_gs1(single)
    {
        let id: ItemId = crate::session::item_id(single)?;
        return ItemSet::of([&id]).map_err(|error| error.to_string());
    }
    words
        .join(" ")
        .parse()
        .map_err(|error: chipledger_schemas::items::ItemSetError| error.to_string())
}

/// Items of a file: one per line, or the column `id`, `item` or `serial` of a CSV.
fn of_file(path: &Path, issuer: Option<&Issuer>) -> Result<ItemSet, Failure> {
    let text = super::text(path)?;
    let wrong = |line: u64, what: String| {
        Failure::usage(format!("{} line {line}: {what}", path.display()), FORM)
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut column = 0;
    let mut runs = Vec::new();
    for (number, row) in (1_u64..).zip(reader.records()) {
        let row = row.map_err(|error| wrong(number, error.to_string()))?;
        let line = row.position().map_or(number, csv::Position::line);
        if number == 1
            && let Some(named) = row.iter().position(|name| {
                matches!(
                    name.trim().to_ascii_lowercase().as_str(),
                    "id" | "item" | "items" | "serial"
                )
            })
        {
            column = named;
            continue;
        }
        let cell = row.get(column).map(str::trim).unwrap_or_default();
        if cell.is_empty() {
            return Err(wrong(line, format!("column {} is empty", column + 1)));
        }
        let set = of_text(cell, issuer).map_err(|what| wrong(line, what))?;
        runs.extend(set.runs().map(|(series, run)| (series.clone(), run)));
    }
    ItemSet::of_runs(runs).map_err(|error| {
        Failure::usage(
            format!("{}: {error}", path.display()),
            "Name every item once.",
        )
    })
}

/// Parts of a set of at most `max` items each, in order.
pub fn parts(set: &ItemSet, max: u64) -> Vec<ItemSet> {
    let max = max.max(1);
    let mut parts: Vec<Vec<(Series, Run)>> = Vec::new();
    let mut room = 0;
    for (series, run) in set.runs() {
        let (mut first, end) = (run.first, run.end());
        while first < end {
            if room == 0 {
                parts.push(Vec::new());
                room = max;
            }
            let count = room.min(end - first);
            if let Some(part) = parts.last_mut() {
                part.push((series.clone(), Run { first, count }));
            }
            room -= count;
            first += count;
        }
    }
    // Runs of a set are well formed and disjoint, and so are their pieces.
    parts
        .into_iter()
        .filter_map(|runs| ItemSet::of_runs(runs).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_set_falls_into_parts_that_together_name_every_item_once() {
        let set: ItemSet = "A:0001..0025, B:x-1..x-3".parse().expect("a set");
        let parts = parts(&set, 10);
        assert_eq!(
            parts.iter().map(ItemSet::len).collect::<Vec<_>>(),
            [10, 10, 8]
        );
        let whole = parts
            .iter()
            .try_fold(ItemSet::new(), |all, part| all.union(part));
        assert_eq!(whole.expect("disjoint"), set);
    }

    #[test]
    fn bare_serials_take_the_issuer_named() {
        let issuer: Issuer = "NVIDIA".parse().expect("an issuer");
        let set = of_text("0001..0004", Some(&issuer)).expect("a set");
        assert_eq!(set.to_string(), "NVIDIA:0001..0004");
        assert!(of_text("0001..0004", None).is_err());
    }
}
