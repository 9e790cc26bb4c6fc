//! How the dimension of a total is written: `US`, `world`, `site=S`, `owner=M` or `parent=M`.

use chipledger_proof::state::Dimension;

/// The text names nothing that totals are taken over. Write one of the forms named.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{got:?} is nothing that totals are taken over: {reason}")]
pub struct NotADimension {
    /// What was given.
    pub got: String,
    /// What is wrong about it.
    pub reason: String,
}

/// Reads a dimension.
pub fn dimension(text: &str) -> Result<Dimension, NotADimension> {
    let wrong = |reason: String| NotADimension {
        got: text.to_owned(),
        reason,
    };
    let id = |error: chipledger_schemas::ids::NotAnId| wrong(error.to_string());
    let (name, value) = text.split_once('=').unwrap_or(("jurisdiction", text));
    match name {
        _ if text.eq_ignore_ascii_case("world") => Ok(Dimension::World),
        "jurisdiction" => {
            let code = value.to_ascii_uppercase().parse();
            let code = code.map_err(|error| wrong(format!("{error}")))?;
            Ok(Dimension::Jurisdiction(code))
        }
        "site" => Ok(Dimension::Site(value.parse().map_err(id)?)),
        "owner" => Ok(Dimension::Owner(value.parse().map_err(id)?)),
        "parent" => Ok(Dimension::Parent(value.parse().map_err(id)?)),
        _ => Err(wrong("write US, world, site=S, owner=M or parent=M".into())),
    }
}

/// Writes a dimension as [`dimension`] reads it.
pub fn dimension_text(dimension: &Dimension) -> String {
    match dimension {
        Dimension::World => "world".to_owned(),
        Dimension::Jurisdiction(code) => code.to_string(),
        Dimension::Site(site) => format!("site={site}"),
        Dimension::Owner(member) => format!("owner={member}"),
        Dimension::Parent(member) => format!("parent={member}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_named_by_a_jurisdiction_or_a_dimension_with_its_value() {
        let us = Dimension::Jurisdiction("US".parse().unwrap());
        assert_eq!(dimension("us"), Ok(us));
        assert_eq!(dimension("World"), Ok(Dimension::World));
        for text in ["world", "US", "site=US-DC", "owner=ACME", "parent=ACME"] {
            assert_eq!(dimension_text(&dimension(text).unwrap()), text);
        }
        assert!(dimension("model=H100").is_err());
        assert!(dimension("United States").is_err());
    }
}
