//! The text of `/metrics`, read back: to describe every metric on a page, and to check the text.

use std::fmt::Write as _;

/// A metric as the text describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Described {
    /// Its name, without the endings that samples have.
    pub name: String,
    /// `counter`, `gauge`, `histogram` or `info`.
    pub kind: String,
    /// What it means.
    pub help: String,
}

/// Every metric that a text describes, in its order, each once.
pub fn metrics(text: &str) -> Vec<Described> {
    let mut found: Vec<Described> = Vec::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(split) {
            if found.iter().all(|known| known.name != name) {
                found.push(Described {
                    name: name.to_owned(),
                    kind: String::new(),
                    help: help.to_owned(),
                });
            }
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(split)
            && let Some(known) = found.iter_mut().find(|known| known.name == name)
        {
            kind.clone_into(&mut known.kind);
        }
    }
    found
}

fn split(line: &str) -> Option<(&str, &str)> {
    line.split_once(' ')
}

/// What is wrong with a text, line by line: a sample that no description announces, a value that
/// is no number, no end.
pub fn faults(text: &str) -> Vec<String> {
    let described = metrics(text);
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            continue;
        }
        let sample = line.split(['{', ' ']).next().unwrap_or_default();
        let known = described.iter().any(|one| names(one, sample));
        // Labels hold no spaces behind their closing brace.
        let value = line.rsplit(' ').next().unwrap_or_default();
        if !known || value.parse::<f64>().is_err() {
            faults.push(format!("line {}: {line}", number + 1));
        }
    }
    if !text.ends_with("# EOF\n") {
        faults.push("the end is missing".to_owned());
    }
    faults
}

/// Whether a sample may be called that.
fn names(described: &Described, sample: &str) -> bool {
    let Some(ending) = sample.strip_prefix(&described.name) else {
        return false;
    };
    let endings: &[&str] = match described.kind.as_str() {
        "counter" => &["_total"],
        "histogram" => &["_bucket", "_sum", "_count"],
        "info" => &["_info"],
        _ => &[""],
    };
    endings.contains(&ending)
}

/// The page `docs/metrics.md`: ours first, then those of the engine.
pub fn page(text: &str) -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         `GET /metrics` serves these, in the OpenMetrics text format. This page is written from \
         the\nprogram's own texts. A counter's sample ends with `_total`, a histogram's with \
         `_bucket`, `_sum` and\n`_count`; every sample has the label `moniker`, the member. What \
         to be woken for is in\n`docs/monitoring/alerts.yml`, what to do then in \
         `docs/operations.md`.\n",
    );
    let (ours, engine): (Vec<_>, Vec<_>) = metrics(text)
        .into_iter()
        .partition(|one| one.name.starts_with("chipledger_"));
    for (title, mut part) in [("Ours", ours), ("The engine's", engine)] {
        let _ = write!(
            page,
            "\n## {title}\n\n| metric | kind | meaning |\n|---|---|---|\n"
        );
        part.sort_by(|a, b| a.name.cmp(&b.name));
        for Described { name, kind, help } in part {
            let help = help.trim_end_matches('.').replace('|', "\\|");
            let _ = writeln!(page, "| `{name}` | {kind} | {help} |");
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP a_b What.\n# TYPE a_b counter\na_b_total{x=\"y z\"} 3\n# EOF\n";

    #[test]
    fn a_good_text_has_no_faults_and_its_metrics_are_listed() {
        assert_eq!(faults(TEXT), Vec::<String>::new());
        assert_eq!(metrics(TEXT)[0].help, "What.");
        assert!(page(TEXT).contains("| `a_b` | counter | What |"));
    }

    #[test]
    fn a_sample_without_description_a_value_that_is_none_and_a_missing_end_are_faults() {
        for (from, to) in [
            ("a_b_total{", "a_c_total{"),
            ("a_b_total{", "a_b{"),
            (" 3\n", " three\n"),
            ("# EOF\n", ""),
        ] {
            assert_eq!(faults(&TEXT.replace(from, to)).len(), 1, "{to}");
        }
    }
}
