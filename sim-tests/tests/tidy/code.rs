//! Reads just enough Rust for the rules: what is a comment or a string, where an item ends.

/// The text with comments and the insides of strings replaced by spaces; lines stay where they
/// are. Knows line comments, nested block comments, plain and raw strings, and character literals.
pub(crate) fn without_comments(text: &str) -> String {
    blank(text, false)
}

/// As [`without_comments`], with the insides of strings blanked too.
pub(crate) fn without_comments_and_strings(text: &str) -> String {
    blank(text, true)
}

/// Blanks every item or statement that follows `attribute`, up to its closing brace or semicolon.
pub(crate) fn without_items_after(code: &str, attribute: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(attribute) {
        let (before, item) = rest.split_at(at);
        kept.push_str(before);
        let end = item_end(item, attribute.len());
        kept.extend(item[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &item[end..];
    }
    kept.push_str(rest);
    kept
}

/// Whether `word` stands in `code` as a whole identifier.
pub(crate) fn has_word(code: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_some_and(inside);
        let after = code[at + word.len()..].chars().next().is_some_and(inside);
        !before && !after
    })
}

fn item_end(item: &str, from: usize) -> usize {
    let mut depth = 0usize;
    for (at, c) in item.char_indices().skip_while(|(at, _)| *at < from) {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                let Some(outer) = depth.checked_sub(1) else { return at };
                depth = outer;
                if depth == 0 && c == '}' {
                    return at + 1;
                }
            }
            ';' | ',' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

fn blank(text: &str, strings_too: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let (end, keep) = token(&chars, at, strings_too);
        for &c in &chars[at..end] {
            out.push(if keep || c == '\n' { c } else { ' ' });
        }
        at = end;
    }
    out
}

/// Where the piece that begins at `at` ends, and whether it is kept.
fn token(chars: &[char], at: usize, strings_too: bool) -> (usize, bool) {
    let next = chars.get(at + 1).copied();
    match (chars[at], next) {
        ('/', Some('/')) => (line_end(chars, at), false),
        ('/', Some('*')) => (block_end(chars, at), false),
        ('r', Some('"' | '#')) if !follows_word(chars, at) => raw_end(chars, at, strings_too),
        ('"', _) => (quoted_end(chars, at, '"'), !strings_too),
        ('\'', Some('\\')) => (quoted_end(chars, at, '\''), !strings_too),
        ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => (at + 3, !strings_too),
        _ => (at + 1, true),
    }
}

fn follows_word(chars: &[char], at: usize) -> bool {
    at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|&c| c == '\n').map_or(chars.len(), |n| at + n)
}

fn block_end(chars: &[char], at: usize) -> usize {
    let (mut end, mut depth) = (at, 0usize);
    while end < chars.len() {
        match (chars[end], chars.get(end + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                end += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                end += 2;
                if depth == 0 {
                    return end;
                }
            }
            _ => end += 1,
        }
    }
    chars.len()
}

fn raw_end(chars: &[char], at: usize, strings_too: bool) -> (usize, bool) {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return (at + 1, true); // a raw identifier
    }
    let mut end = at + 2 + hashes;
    while end < chars.len() {
        let closes = chars[end] == '"'
            && chars[end + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
        end += 1;
        if closes {
            return (end + hashes, !strings_too);
        }
    }
    (chars.len(), !strings_too)
}

fn quoted_end(chars: &[char], at: usize, quote: char) -> usize {
    let mut end = at + 1;
    while end < chars.len() {
        match chars[end] {
            '\\' => end += 2,
            c if c == quote => return end + 1,
            _ => end += 1,
        }
    }
    chars.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_told_from_code() {
        let text = "a /* b /* c */ d */ e // f\n\"g // h\" 'i' r#\"j \" k\"# l";
        let code: Vec<_> = without_comments(text).split_whitespace().map(String::from).collect();
        assert_eq!(code, ["a", "e", "\"g", "//", "h\"", "'i'", "r#\"j", "\"", "k\"#", "l"]);
        let bare: Vec<_> =
            without_comments_and_strings(text).split_whitespace().map(String::from).collect();
        assert_eq!(bare, ["a", "e", "l"]);
    }

    #[test]
    fn lifetimes_and_escapes_do_not_open_a_string() {
        let text = r#"fn f<'a>(x: &'a str) { '\''; "\""; g }"#;
        assert!(without_comments_and_strings(text).contains("g }"));
    }

    #[test]
    fn an_item_ends_with_its_brace_or_semicolon() {
        let code = "#[gate] fn a() { b(); } c; #[gate] use d; e";
        let kept: String = without_items_after(code, "#[gate]").split_whitespace().collect();
        assert_eq!(kept, "c;e");
    }

    #[test]
    fn a_word_is_found_whole_only() {
        assert!(has_word("use a::HashMap;", "HashMap"));
        assert!(!has_word("use a::FastHashMap;", "HashMap"));
        assert!(!has_word("HashMapper", "HashMap"));
    }
}
