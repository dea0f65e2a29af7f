//! A scanner for Rust that knows comments, strings, characters and braces, and nothing else.
//!
//! It splits a file into two views of the same shape: `code`, where comments and the insides of literals are blank,
//! and `comments`, where everything but comments is blank. Lines keep their numbers in both.

/// Two views of one file, and its functions.
pub(super) struct Scan {
    /// The text without comments and without the insides of string and character literals.
    pub(super) code: String,
    /// The comments alone.
    pub(super) comments: String,
    /// Functions with a body, in the order of their first lines.
    pub(super) functions: Vec<Function>,
}

/// A function with a body.
pub(super) struct Function {
    pub(super) name: String,
    /// Line of the `fn`, counted from 1.
    pub(super) line: usize,
    /// Lines from the `fn` to the closing brace, both included.
    pub(super) lines: usize,
}

impl Scan {
    /// The lines of the code view that hold `needle` with no identifier character before it, counted from 1.
    pub(super) fn code_lines_with(&self, needle: &str) -> Vec<usize> {
        lines_with(&self.code, needle)
    }

    /// As [`Self::code_lines_with`], of the comments.
    pub(super) fn comment_lines_with(&self, needle: &str) -> Vec<usize> {
        lines_with(&self.comments, needle)
    }
}

/// Whether a character may stand inside an identifier.
pub(super) fn is_identifier(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn lines_with(text: &str, needle: &str) -> Vec<usize> {
    let needs_edge = needle.starts_with(is_identifier);
    let is_hit = |line: &str| {
        line.match_indices(needle)
            .any(|(at, _)| !needs_edge || !line[..at].chars().next_back().is_some_and(is_identifier))
    };
    text.lines().enumerate().filter(|(_, line)| is_hit(line)).map(|(index, _)| index + 1).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// Scans a file.
pub(super) fn scan(text: &str) -> Scan {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut comments = String::new();
    let mut at = 0;
    while at < characters.len() {
        let (kind, end) = token(&characters, at);
        for &character in &characters[at..end] {
            let is_break = character == '\n';
            code.push(if is_break || kind == Kind::Code { character } else { ' ' });
            comments.push(if is_break || kind == Kind::Comment { character } else { ' ' });
        }
        at = end;
    }
    let functions = functions(&code);
    Scan { code, comments, functions }
}

/// The kind of what begins at `at`, and where it ends. Code is taken one character, or one word, at a time.
fn token(characters: &[char], at: usize) -> (Kind, usize) {
    let peek = |offset: usize| characters.get(at + offset).copied().unwrap_or('\0');
    match peek(0) {
        '/' if peek(1) == '/' => (Kind::Comment, find(characters, at, '\n')),
        '/' if peek(1) == '*' => (Kind::Comment, block_comment_end(characters, at)),
        '"' => (Kind::Literal, string_end(characters, at + 1)),
        '\'' if peek(1) == '\\' => (Kind::Literal, (find(characters, at + 3, '\'') + 1).min(characters.len())),
        '\'' if peek(2) == '\'' => (Kind::Literal, at + 3),
        first if is_identifier(first) => {
            let mut end = at;
            while characters.get(end).is_some_and(|&character| is_identifier(character)) {
                end += 1;
            }
            let prefix: String = characters[at..end].iter().collect();
            match raw_string_end(characters, end) {
                Some(literal_end) if ["r", "br", "cr"].contains(&prefix.as_str()) => (Kind::Literal, literal_end),
                _ => (Kind::Code, end),
            }
        }
        _ => (Kind::Code, at + 1),
    }
}

fn find(characters: &[char], from: usize, wanted: char) -> usize {
    let from = from.min(characters.len());
    characters[from..]
        .iter()
        .position(|&character| character == wanted)
        .map_or(characters.len(), |offset| from + offset)
}

fn block_comment_end(characters: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut end = at;
    while end < characters.len() {
        match (characters[end], characters.get(end + 1)) {
            ('/', Some('*')) => (depth, end) = (depth + 1, end + 2),
            ('*', Some('/')) => (depth, end) = (depth - 1, end + 2),
            _ => end += 1,
        }
        if depth == 0 {
            break;
        }
    }
    end.min(characters.len())
}

fn string_end(characters: &[char], from: usize) -> usize {
    let mut end = from;
    while end < characters.len() && characters[end] != '"' {
        end += if characters[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(characters.len())
}

/// Where the raw string ends whose hashes, or quote, begin at `from`.
fn raw_string_end(characters: &[char], from: usize) -> Option<usize> {
    let hashes = characters[from..].iter().take_while(|&&character| character == '#').count();
    if characters.get(from + hashes) != Some(&'"') {
        return None;
    }
    let mut end = from + hashes + 1;
    while end < characters.len() {
        let is_closed = characters[end] == '"'
            && characters[end + 1..].iter().take(hashes).filter(|&&character| character == '#').count() == hashes;
        if is_closed {
            return Some(end + 1 + hashes);
        }
        end += 1;
    }
    Some(characters.len())
}

fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let name: String = code[at + 3..].chars().take_while(|&character| is_identifier(character)).collect();
        // "often " is no `fn`, and `fn (u8)` is a type.
        if name.is_empty() || code[..at].chars().next_back().is_some_and(is_identifier) {
            continue;
        }
        let Some(end) = body_end(&code[at..]) else { continue };
        let line = code[..at].matches('\n').count() + 1;
        let lines = code[at..at + end].matches('\n').count() + 1;
        found.push(Function { name, line, lines });
    }
    found
}

/// Where the body of the function ends that begins at the start of `code`; none if it only declares one.
fn body_end(code: &str) -> Option<usize> {
    let mut braces = 0_usize;
    let mut brackets = 0_usize;
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 && brackets == 0 {
                    return Some(at);
                }
            }
            ';' if braces == 0 && brackets == 0 => return None,
            _ => {}
        }
    }
    None
}
