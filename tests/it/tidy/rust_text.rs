//! Rust source as text whose comments and literals are blanked, so that a word found in it is code.
//! Not a parser: just enough of the lexer to know where comments and literals end.

use super::workspace;

/// One Rust file.
pub(super) struct RustFile {
    /// Path from the root of the checkout.
    pub path: String,
    /// As written.
    pub text: String,
    /// Comments and the inside of literals replaced by spaces; lines stay where they are.
    pub code: String,
    /// `code` without test modules; empty for a file that is only tests or benchmarks.
    pub shipped: String,
}

impl RustFile {
    /// `path:line` for a byte offset, for messages.
    pub(super) fn at(&self, offset: usize) -> String {
        let line = self.text[..offset].matches('\n').count();
        format!("{}:{}", self.path, line + 1)
    }
}

/// Every Rust file of the project.
pub(super) fn files() -> Vec<RustFile> {
    let paths = workspace::files()
        .into_iter()
        .filter(|path| has_extension(path, "rs"));
    paths
        .map(|path| {
            let text = workspace::text(&path).unwrap_or_else(|| panic!("{path} is not UTF-8"));
            let code = blank_words(&text);
            let only_tests = is_test(&path) || code.contains("#![cfg(test)]");
            let shipped = if only_tests {
                String::new()
            } else {
                blank_tests(&code)
            };
            RustFile {
                path,
                text,
                code,
                shipped,
            }
        })
        .collect()
}

/// Whether the path ends in `.extension`.
pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}

fn is_test(path: &str) -> bool {
    let folders = ["tests", "benches", "examples"];
    path.ends_with("/tests.rs") || path.split('/').any(|part| folders.contains(&part))
}

/// Offsets at which `word` stands in `code` as a whole: no identifier goes on at either end.
pub(super) fn words(code: &str, word: &str) -> Vec<usize> {
    let identifier = |c: char| c.is_alphanumeric() || c == '_';
    let whole = |offset: &usize| {
        let before = code[..*offset].chars().next_back();
        let after = code[offset + word.len()..].chars().next();
        let opens = word.starts_with(identifier) && before.is_some_and(identifier);
        let goes_on = word.ends_with(identifier) && after.is_some_and(identifier);
        !opens && !goes_on
    };
    code.match_indices(word)
        .map(|(offset, _)| offset)
        .filter(whole)
        .collect()
}

/// Replaces comments and the inside of string and character literals by spaces.
fn blank_words(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = end_of_words(bytes, at);
        if end == at {
            at += 1;
            continue;
        }
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(code).expect("whole characters were blanked")
}

/// Where the comment or literal that starts at `at` ends; `at` itself if none starts there.
fn end_of_words(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let inside_name = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if rest.starts_with(b"//") {
        return at
            + rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return at + end_of_block(rest);
    }
    let prefix = [&b"br"[..], b"cr", b"r"]
        .into_iter()
        .find(|prefix| rest.starts_with(prefix));
    if let Some(prefix) = prefix.filter(|_| !inside_name) {
        let hashes = rest[prefix.len()..]
            .iter()
            .take_while(|byte| **byte == b'#')
            .count();
        if rest.get(prefix.len() + hashes) == Some(&b'"') {
            return at + end_of_raw(rest, prefix.len() + hashes + 1, hashes);
        }
    }
    match rest[0] {
        b'"' => at + end_of_quoted(rest, b'"'),
        b'\'' if is_character(rest) => at + end_of_quoted(rest, b'\''),
        _ => at,
    }
}

fn end_of_block(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let (step, change) = match &rest[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth = depth.saturating_add_signed(change);
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn end_of_raw(rest: &[u8], start: usize, hashes: usize) -> usize {
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let found = rest[start..]
        .windows(close.len())
        .position(|window| window == close);
    found.map_or(rest.len(), |offset| start + offset + close.len())
}

fn end_of_quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `'a'` and `'\n'` are characters; `'a` before anything else is a lifetime.
fn is_character(rest: &[u8]) -> bool {
    match rest.get(1) {
        Some(b'\\') => true,
        Some(byte) if byte.is_ascii() => rest.get(2) == Some(&b'\''),
        Some(_) => rest[1..].iter().take(5).any(|byte| *byte == b'\''),
        None => false,
    }
}

/// Blanks every item that is compiled for tests only.
fn blank_tests(code: &str) -> String {
    let mut shipped = code.as_bytes().to_vec();
    for (start, marker) in code.match_indices("#[cfg(test)]") {
        let body = start + marker.len();
        let end = body + end_of_item(&code.as_bytes()[body..]);
        for byte in &mut shipped[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    String::from_utf8(shipped).expect("whole items were blanked")
}

/// An item ends at its first `;` outside braces, or where its first brace closes.
fn end_of_item(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[test]
fn words_in_comments_and_literals_are_not_code() {
    let text = concat!(
        "// thread\n/* a /* thread */ b */ let s = r#\"thread \"x\"#; ",
        "let c = '\"'; f(\"a\\\"thread\");"
    );
    let code = blank_words(text);
    assert_eq!(code.len(), text.len());
    assert!(words(&code, "thread").is_empty(), "{code}");
    assert_eq!(words(&code, "f").len(), 1, "{code}");
}

#[test]
fn lifetimes_do_not_hide_code() {
    let code = blank_words("fn f<'a>(x: &'a str) -> &'a str { thread(x, 'y', '\\'') }");
    assert_eq!(words(&code, "thread").len(), 1, "{code}");
}

#[test]
fn test_modules_are_not_shipped() {
    let code =
        "fn a() { x.unwrap() }\n#[cfg(test)]\nmod tests { fn b() { y.unwrap() } }\nfn c() {}";
    let shipped = blank_tests(code);
    assert_eq!(words(&shipped, ".unwrap()").len(), 1, "{shipped}");
    assert_eq!(words(&shipped, "c").len(), 1, "{shipped}");
}

#[test]
fn a_word_is_found_only_whole() {
    assert_eq!(words("rand random rand::x my_rand", "rand").len(), 2);
    assert_eq!(words("a.unwrap() b.unwrap_or(1)", ".unwrap()").len(), 1);
}
