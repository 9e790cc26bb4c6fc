//! Names of people's language as identifiers: capitals, digits and single hyphens, each used once.

use std::collections::BTreeSet;

/// Hands out slugs of at most `bytes_max` bytes, no two alike.
#[derive(Debug)]
pub(super) struct Slugs {
    bytes_max: usize,
    taken: BTreeSet<String>,
}

impl Slugs {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            taken: BTreeSet::new(),
        }
    }

    /// The slug of `name`; with a number at its end if another name has it already.
    pub(super) fn unique(&mut self, name: &str) -> String {
        let base = slug(name, self.bytes_max);
        let numbered = (2_u32..).map(|n| {
            let tail = format!("-{n}");
            let stem = slug(&base, self.bytes_max - tail.len());
            stem + &tail
        });
        let free = std::iter::once(base.clone())
            .chain(numbered)
            .find(|slug| !self.taken.contains(slug))
            .unwrap_or(base);
        self.taken.insert(free.clone());
        free
    }
}

/// `name` in `A-Z`, `0-9` and single hyphens; Latin letters lose their accents, the rest becomes a
/// hyphen.
pub(super) fn slug(name: &str, bytes_max: usize) -> String {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_uppercase) {
        match plain(letter) {
            Some(plain) => slug.push(plain),
            None if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            None => {}
        }
    }
    slug.truncate(bytes_max);
    let kept = slug.trim_end_matches('-').len();
    slug.truncate(kept);
    if slug.is_empty() {
        slug.push('X');
    }
    slug
}

/// The letter without its accent, or `None` if it is neither letter nor digit.
fn plain(letter: char) -> Option<char> {
    Some(match letter {
        'A'..='Z' | '0'..='9' => letter,
        'À'..='Å' => 'A',
        'Ç' => 'C',
        'È'..='Ë' => 'E',
        'Ì'..='Ï' => 'I',
        'Ł' => 'L',
        'Ñ' => 'N',
        'Ò'..='Ö' | 'Ø' => 'O',
        'Ù'..='Ü' => 'U',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_go_and_everything_else_is_one_hyphen() {
        assert_eq!(
            slug("Petrobras Pegasus (Pégaso)", 40),
            "PETROBRAS-PEGASUS-PEGASO"
        );
        assert_eq!(slug("CSC – IT Center", 40), "CSC-IT-CENTER");
        assert_eq!(slug("\"Jupiter, Jülich\"", 40), "JUPITER-JULICH");
        assert_eq!(slug("名", 40), "X");
        assert_eq!(slug("AB CD", 3), "AB");
    }

    #[test]
    fn two_names_with_one_slug_get_two() {
        let mut slugs = Slugs::new(8);
        let given: Vec<String> = ["Joint Centre A", "Joint Centre B", "joint-ce", "J"]
            .map(|name| slugs.unique(name))
            .into();
        assert_eq!(given, ["JOINT-CE", "JOINT-2", "JOINT-3", "J"]);
    }
}
