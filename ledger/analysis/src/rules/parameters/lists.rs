//! Dated lists: jurisdictions whose companies are restricted, and days on which rules began.

/// A jurisdiction whose companies are restricted, from when on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Restricted {
    /// ISO 3166-1 alpha-2.
    pub jurisdiction: &'static str,
    /// First day.
    pub valid_from: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

const fn restricted(jurisdiction: &'static str) -> Restricted {
    Restricted {
        jurisdiction,
        valid_from: "2022-10-07",
        source: "EAR country group D:5 and Macau, as the rule of October 2022 names them; \
            a plain form for detection, not legal advice",
    }
}

/// Members seated there, or controlled from there, are restricted.
pub const RESTRICTED: &[Restricted] = &[
    restricted("BY"),
    restricted("CN"),
    restricted("CU"),
    restricted("IR"),
    restricted("KP"),
    restricted("MO"),
    restricted("RU"),
    restricted("SY"),
    restricted("VE"),
];

/// A day on which a rule begins, and the destinations that it concerns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RuleDate {
    /// The day.
    pub effective: &'static str,
    /// Destinations concerned.
    pub to: &'static [&'static str],
    /// Which rule.
    pub source: &'static str,
}

/// Days before which a surge of orders is worth a look.
pub const RULE_DATES: &[RuleDate] = &[
    RuleDate {
        effective: "2022-10-21",
        to: &["CN", "HK", "MO", "RU"],
        source: "BIS rule of October 2022",
    },
    RuleDate {
        effective: "2023-11-17",
        to: &["AE", "CN", "HK", "MO", "RU", "SA", "VN"],
        source: "BIS rule of October 2023",
    },
    RuleDate {
        effective: "2025-05-15",
        to: &[
            "AE", "BR", "CH", "CZ", "IL", "IN", "IS", "LU", "MX", "MY", "PL", "SA", "SG", "SI",
            "TH", "VN",
        ],
        source: "compliance date of the diffusion rule of January 2025, rescinded two days before",
    },
];
