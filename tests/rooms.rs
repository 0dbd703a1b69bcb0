//! Holds the borders between the rooms of `src/`, from their text: who may import whom (the table
//! of `docs/design.md`), and who may use which part of the world outside.
//!
//! The text is cut into tokens, so that comments, strings and what is compiled for tests only don't
//! count; paths are followed through `use`, `super` and `self`, so that no other name hides them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Who may import what from the crate. `runner::ports` is that part of a room alone, `all` is all.
const ROOMS: &[(&str, &[&str])] = &[
    ("names", &[]),
    ("snapshot", &["names"]),
    ("yaml", &[]),
    ("manifest", &["snapshot", "yaml"]),
    ("budget", &[]),
    ("event", &["names"]),
    ("wording", &[]),
    ("keyed", &["wording"]),
    ("order", &[]),
    ("files", &["wording"]),
    ("process", &[]),
    ("mask", &[]),
    ("redact", &[]),
    ("output", &["mask", "wording"]),
    ("error", &["output"]),
    (
        "profile",
        &[
            "names", "budget", "files", "order", "process", "wording", "yaml",
        ],
    ),
    ("cli", &["names", "output", "profile::parse_duration"]),
    ("plan", &["names", "budget", "order", "profile"]),
    (
        "check",
        &[
            "names", "snapshot", "manifest", "output", "plan", "profile", "wording",
        ],
    ),
    (
        "verdict",
        &["names", "snapshot", "budget", "event", "wording"],
    ),
    ("state", &["names", "event"]),
    ("lease", &["names", "event"]),
    ("identity", &["names", "event"]),
    ("memory", &["names", "event", "keyed", "plan", "snapshot"]),
    ("recovery", &["names", "snapshot", "wording"]),
    (
        "runner",
        &[
            "names", "plan", "event", "lease", "memory", "recovery", "snapshot", "verdict",
            "budget", "wording",
        ],
    ),
    (
        "helm",
        &[
            "names",
            "snapshot",
            "plan",
            "profile::ChartSource",
            "profile::Fetched",
            "profile::Secret",
            "profile::Values",
            "files",
            "identity",
            "keyed",
            "manifest",
            "mask",
            "process",
            "redact",
            "wording",
            "runner::ports",
        ],
    ),
    (
        "cluster",
        &[
            "names",
            "event",
            "lease",
            "memory",
            "files",
            "snapshot",
            "manifest",
            "redact",
            "wording",
            "runner::ports",
        ],
    ),
    (
        "doctor",
        &[
            "names",
            "output",
            "wording",
            "cluster::Resource",
            "cluster::Right",
        ],
    ),
    (
        "preview",
        &[
            "names",
            "keyed",
            "snapshot",
            "manifest",
            "mask",
            "output",
            "plan",
            "process",
            "recovery",
            "wording",
            "runner::ports",
            "helm",
            "cluster",
        ],
    ),
    (
        "reporter",
        &["names", "event", "memory", "state", "output", "wording"],
    ),
    ("command", &["all"]),
    ("main", &["cli", "command", "process"]),
];

/// What only some may use, and who: rooms, or files as seen from `src/`.
const OUTSIDE: &[(&[&str], &[&str])] = &[
    (&["kube", "k8s_openapi"], &["cluster"]),
    (
        &["clap", "clap_complete", "clap_mangen"],
        &["cli", "command", "main", "output"],
    ),
    (
        &["tokio", "tokio_util"],
        &["cluster", "command", "helm", "process", "runner"],
    ),
    (&["anyhow"], &["command", "error", "main"]),
    (&["console"], &["output", "process", "reporter"]),
    (
        &[
            "std::process::Command",
            "std::os::unix::process",
            "tokio::process",
        ],
        &["process"],
    ),
    (
        &[
            "std::env::var",
            "std::env::var_os",
            "std::env::vars",
            "std::env::vars_os",
        ],
        &["cluster", "helm", "identity", "output", "profile"],
    ),
    (
        &["std::io::stdout", "std::io::stderr"],
        // A verb's beginning hands stderr to the developers' log.
        &["command/mod.rs", "error", "output", "reporter"],
    ),
    (
        &["std::fs", "std::net", "std::os::unix::net"],
        &[
            "cluster", "command", "files", "helm", "identity", "process", "profile",
        ],
    ),
    (
        // What others may have made is read with bounds; `identity` and `process/tree` read what the kernel
        // says.
        &[
            "std::fs::read",
            "std::fs::read_to_string",
            "std::fs::copy",
            "std::fs::File::open",
        ],
        &["files", "identity", "process/tree.rs"],
    ),
    (
        &[
            "jiff::Timestamp::now",
            "jiff::Zoned::now",
            "std::time::Instant::now",
            "std::time::SystemTime::now",
            "tokio::time::Instant::now",
        ],
        &["cluster", "command", "process", "runner"],
    ),
];

/// A verb wires rooms together; what is longer holds an algorithm that belongs in one of them.
const VERB_LINES: usize = 180;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn rooms_keep_their_borders() {
    let files = read_all().unwrap();
    let faults: Vec<String> = files
        .iter()
        .filter(|file| file.name != "lib.rs")
        .flat_map(|file| faults(&file.room, &file.name, &file.text))
        .collect();
    assert!(!files.is_empty());
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_room_is_in_the_table() {
    let mut unknown = BTreeSet::new();
    for file in read_all().unwrap() {
        let at_top = matches!(file.name.as_str(), "lib.rs" | "main.rs");
        let declared = scan(&file.text).modules;
        let inside = declared.into_iter().filter(|_| at_top);
        let rooms = inside.chain((!at_top).then_some(file.room));
        unknown.extend(rooms.filter(|room| allowed(room).is_none()));
    }
    assert!(
        unknown.is_empty(),
        "no rules for {unknown:?}: add each with what it may import to `ROOMS` in tests/rooms.rs \
         and to the table in docs/design.md"
    );
}

#[test]
fn the_design_shows_the_same_table() {
    let design = fs::read_to_string(root().join("docs/design.md")).unwrap();
    let shown = rows(&design);
    let held: BTreeSet<String> = ROOMS
        .iter()
        .map(|(room, imports)| match imports.join(", ").as_str() {
            "" => format!("{room}: -"),
            imports => format!("{room}: {imports}"),
        })
        .collect();
    let unknown: Vec<_> = shown.difference(&held).collect();
    let left_out: Vec<_> = held.difference(&shown).collect();
    assert!(
        unknown.is_empty() && left_out.is_empty(),
        "docs/design.md and tests/rooms.rs differ\nonly in the document: {unknown:#?}\nonly in the test: {left_out:#?}"
    );
}

#[test]
fn the_table_names_rooms_only_and_has_no_cycle() {
    let order: BTreeMap<&str, usize> = (0..)
        .zip(ROOMS)
        .map(|(at, (room, _))| (*room, at))
        .collect();
    assert_eq!(order.len(), ROOMS.len(), "a room is in the table twice");
    for (room, imports) in ROOMS {
        for import in imports.iter().filter(|import| **import != "all") {
            let target = import.split("::").next().unwrap_or(import);
            let at = order.get(target);
            assert!(
                at.is_some(),
                "`{room}` may import `{import}`, which is no room"
            );
            assert!(
                at < order.get(room),
                "`{import}` stands below `{room}`, which may import it: put it above"
            );
        }
    }
}

#[test]
fn verbs_hold_no_algorithm() {
    let files = read_all().unwrap();
    let verbs = files.iter().filter(|file| file.room == "command");
    let long: Vec<String> = verbs
        .map(|file| (&file.name, scan(&file.text).lines))
        .filter(|(_, lines)| *lines > VERB_LINES)
        .map(|(name, lines)| format!("src/{name}: {lines} lines without tests"))
        .collect();
    assert!(
        long.is_empty(),
        "a file of `command` has {VERB_LINES} lines at most; move what is not wiring to the room \
         that it belongs to\n{}\n",
        long.join("\n")
    );
}

struct File {
    /// As seen from `src/`, with `/`.
    name: String,
    room: String,
    text: String,
}

/// Every file of the program that is not for tests only.
fn read_all() -> io::Result<Vec<File>> {
    let src = root().join("src");
    let mut paths = Vec::new();
    collect(&src, &mut paths)?;
    paths.sort();
    let mut files = Vec::new();
    let mut for_tests: Vec<PathBuf> = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path)?;
        let inside = inside(&path);
        for_tests.extend(
            scan(&text)
                .test_modules
                .iter()
                .map(|name| inside.join(name)),
        );
        files.push((path, text));
    }
    files.retain(|(path, _)| {
        let module = path.with_extension("");
        !for_tests.iter().any(|test| module.starts_with(test))
    });
    let named = files.into_iter().filter_map(|(path, text)| {
        let name = path.strip_prefix(&src).ok()?.to_str()?.replace('\\', "/");
        let room = name.split(['/', '.']).next()?.to_owned();
        Some(File { name, room, text })
    });
    Ok(named.collect())
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

/// Where the modules that a file declares are.
fn inside(file: &Path) -> PathBuf {
    match file.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") => file.with_file_name(""),
        _ => file.with_extension(""),
    }
}

/// The rows of the document's table of rooms, each as `room: imports`.
fn rows(design: &str) -> BTreeSet<String> {
    let table = design
        .lines()
        .skip_while(|line| !line.starts_with("| room |"));
    let rows = table.take_while(|line| line.starts_with('|')).skip(2);
    let row = |line: &str| {
        let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`'));
        let room = cells.nth(1).unwrap_or_default();
        format!("{room}: {}", cells.next().unwrap_or_default())
    };
    rows.map(row).collect()
}

fn allowed(room: &str) -> Option<&'static [&'static str]> {
    let found = ROOMS.iter().find(|(name, _)| *name == room);
    found.map(|(_, imports)| *imports)
}

/// What a file does that its room may not, each a line that begins with its place.
fn faults(room: &str, name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut told: Vec<Vec<String>> = Vec::new();
    for (line, path) in resolved(&module_of(name), scan(text).paths) {
        let why = match path.split_first() {
            Some((first, rest)) if first == "crate" => forbidden_import(room, rest),
            _ => forbidden_outside(room, name, &path),
        };
        // An import that is told needs no list of its uses.
        if let Some(why) = why.filter(|_| !told.iter().any(|told| path.starts_with(told))) {
            faults.push(format!("src/{name}:{line}: `{}`: {why}", path.join("::")));
            told.push(path);
        }
    }
    faults
}

fn forbidden_import(room: &str, path: &[String]) -> Option<String> {
    let target = path.first()?;
    let imports = allowed(room).unwrap_or_default();
    let is_allowed = imports
        .iter()
        .any(|import| *import == "all" || reaches(import, path));
    if target == room || is_allowed && target != "*" {
        return None;
    }
    Some(match imports {
        [] => format!("room `{room}` may import no other"),
        _ => format!("room `{room}` may import only {}", imports.join(", ")),
    })
}

fn forbidden_outside(room: &str, file: &str, path: &[String]) -> Option<String> {
    OUTSIDE.iter().find_map(|(things, users)| {
        let thing = things.iter().find(|thing| touches(thing, path))?;
        let may = users.iter().any(|user| *user == room || *user == file);
        (!may).then(|| format!("only {} may use `{thing}`", users.join(", ")))
    })
}

/// `path` is `what` or something in it.
fn reaches(what: &str, path: &[String]) -> bool {
    let mut path = path.iter();
    what.split("::")
        .all(|segment| path.next().is_some_and(|it| it == segment))
}

/// As [`reaches`], also where `path` takes in everything that is beside `what`.
fn touches(what: &str, path: &[String]) -> bool {
    let beside = match path.split_last() {
        Some((last, above)) if last == "*" => what
            .rsplit_once("::")
            .is_some_and(|(outer, _)| outer == above.join("::")),
        _ => false,
    };
    beside || reaches(what, path)
}

/// `runner/up.rs` is `[runner, up]`, `runner/mod.rs` is `[runner]`.
fn module_of(name: &str) -> Vec<String> {
    let segments = name.trim_end_matches(".rs").split('/').map(str::to_owned);
    let mut module: Vec<String> = segments.collect();
    if module
        .last()
        .is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main"))
    {
        module.pop();
    }
    module
}

/// A path as it was written.
struct Written {
    line: usize,
    segments: Vec<String>,
    /// The inline modules around it.
    within: Vec<String>,
    /// The name that it gets, when it is imported.
    alias: Option<String>,
}

/// Every path with its line, from its beginning: `crate`, or the name of a crate.
fn resolved(module: &[String], mut written: Vec<Written>) -> Vec<(usize, Vec<String>)> {
    // Imports hold in the whole file, also above them.
    written.sort_by_key(|path| path.alias.is_none());
    let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut paths = BTreeSet::new();
    for Written {
        line,
        segments,
        within,
        alias,
    } in written
    {
        let around: Vec<String> = module.iter().chain(&within).cloned().collect();
        let path = absolute(&segments, &around, &aliases);
        if let Some(alias) = alias {
            aliases.insert(alias, path.clone());
        }
        paths.insert((line, path));
    }
    paths.into_iter().collect()
}

fn absolute(
    segments: &[String],
    around: &[String],
    aliases: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let Some((first, rest)) = segments.split_first() else {
        return Vec::new();
    };
    let own = |above: &[String], rest: &[String]| {
        let root = std::iter::once("crate".to_owned());
        root.chain(above.iter().chain(rest).cloned()).collect()
    };
    match first.as_str() {
        "crate" | "stackctl" => own(&[], rest),
        "self" => own(around, rest),
        "super" => {
            let ups = segments
                .iter()
                .take_while(|segment| *segment == "super")
                .count();
            own(
                &around[..around.len().saturating_sub(ups)],
                &segments[ups..],
            )
        }
        "" => rest.to_vec(),
        _ => match aliases.get(first) {
            Some(path) => path.iter().chain(rest).cloned().collect(),
            None => segments.to_vec(),
        },
    }
}

/// What there is to know of a file.
#[derive(Default)]
struct Scan {
    paths: Vec<Written>,
    /// Modules that it declares, inline ones too.
    modules: Vec<String>,
    /// Modules in files of their own that are for tests only.
    test_modules: Vec<String>,
    /// Lines that are not for tests only.
    lines: usize,
}

fn scan(text: &str) -> Scan {
    let mut scan = Scan {
        lines: text.lines().count(),
        ..Scan::default()
    };
    let tokens = without_tests(&tokens(text), &mut scan);
    let mut within: Vec<(String, usize)> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let (word, line) = (token.text.as_str(), token.line);
        let next = tokens.get(at + 1).map(|next| next.text.as_str());
        let modules = || within.iter().map(|(name, _)| name.clone()).collect();
        match word {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                within.retain(|(_, outer)| *outer < depth);
            }
            "mod" if next.is_some_and(is_word) => {
                let name = next.unwrap_or_default().to_owned();
                scan.modules.push(name.clone());
                if tokens.get(at + 2).is_some_and(|it| it.text == "{") {
                    within.push((name, depth));
                    depth += 1;
                }
                at += 2;
            }
            // `impl Trait + use<'a>` is none.
            "use" if next != Some("<") => {
                let mut import = Import {
                    tokens: &tokens,
                    at: at + 1,
                    found: Vec::new(),
                };
                import.tree(Vec::new());
                at = import.at;
                scan.paths
                    .extend(import.found.into_iter().map(|(segments, alias)| Written {
                        line,
                        segments,
                        within: modules(),
                        alias: Some(alias),
                    }));
            }
            _ => {
                let (segments, end) = path(&tokens, at);
                // Not what follows a value or a type in brackets: a field, or `<T as Trait>::Item`.
                let begins =
                    before.is_none_or(|it| it.text != "." && (word != "::" || it.text != ">"));
                if begins && segments.len() > 1 {
                    let within = modules();
                    scan.paths.push(Written {
                        line,
                        segments,
                        within,
                        alias: None,
                    });
                }
                at = end.max(at + 1) - 1;
            }
        }
        at += 1;
    }
    scan
}

/// The path that begins here, with an empty first segment for a leading `::`, and where it ends.
fn path(tokens: &[Token], start: usize) -> (Vec<String>, usize) {
    let word = |at: usize| {
        tokens
            .get(at)
            .map(|token| token.text.as_str())
            .filter(|it| is_word(it))
    };
    let is_link = |at: usize| tokens.get(at).is_some_and(|token| token.text == "::");
    let mut segments: Vec<String> = Vec::new();
    let mut at = start;
    if is_link(at) {
        segments.push(String::new());
    } else if let Some(first) = word(at) {
        segments.push(first.to_owned());
        at += 1;
    }
    while let Some(next) = word(at + 1).filter(|_| is_link(at)) {
        segments.push(next.to_owned());
        at += 2;
    }
    (segments, at)
}

/// Reads what stands behind `use`.
struct Import<'a> {
    tokens: &'a [Token],
    at: usize,
    found: Vec<(Vec<String>, String)>,
}

impl Import<'_> {
    fn tree(&mut self, mut path: Vec<String>) {
        while let Some(token) = self.tokens.get(self.at) {
            match token.text.as_str() {
                "::" if path.is_empty() => path.push(String::new()),
                "::" => {}
                "{" => return self.branches(&path),
                "as" => {
                    self.at += 1;
                    let alias = self.tokens.get(self.at).map(|it| it.text.clone());
                    self.at += 1;
                    return self.found.push((path, alias.unwrap_or_default()));
                }
                "*" => path.push("*".to_owned()),
                word if is_word(word) => path.push(word.to_owned()),
                _ => break,
            }
            self.at += 1;
        }
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let alias = path.last().cloned().unwrap_or_default();
        self.found.push((path, alias));
    }

    fn branches(&mut self, path: &[String]) {
        self.at += 1;
        while let Some(token) = self.tokens.get(self.at) {
            match token.text.as_str() {
                "}" => break,
                "," => self.at += 1,
                _ => self.tree(path.to_vec()),
            }
        }
        self.at += 1;
    }
}

/// Leaves out the items under `#[cfg(test)]`, taking note of what they were.
fn without_tests(tokens: &[Token], scan: &mut Scan) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if !is_for_tests(&tokens[at..]) {
            kept.push(token.clone());
            at += 1;
            continue;
        }
        let mut end = at;
        while tokens.get(end).is_some_and(|it| it.text == "#") {
            end = closing(tokens, end + 1) + 1;
        }
        let body = end;
        let ends = |it: &Token| matches!(it.text.as_str(), ";" | "{" | "}");
        while tokens.get(end).is_some_and(|it| !ends(it)) {
            end = closing(tokens, end) + 1;
        }
        let opens = tokens.get(end).is_some_and(|it| it.text == "{");
        let end = if opens { closing(tokens, end) } else { end };
        if let Some(name) = tokens[body..end.min(tokens.len())]
            .last()
            .filter(|_| !opens)
            && tokens[body..]
                .iter()
                .take_while(|it| it.text != ";")
                .any(|it| it.text == "mod")
        {
            scan.test_modules.push(name.text.clone());
        }
        let last = tokens.get(end).map_or(token.line, |it| it.line);
        scan.lines -= (last - token.line + 1).min(scan.lines);
        at = end + 1;
    }
    kept
}

/// `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
fn is_for_tests(tokens: &[Token]) -> bool {
    let begins = |with: &[&str]| {
        let words = tokens
            .iter()
            .take(with.len())
            .map(|token| token.text.as_str());
        words.eq(with.iter().copied())
    };
    begins(&["#", "[", "cfg", "(", "test", ")"])
        || begins(&["#", "[", "cfg", "(", "all", "(", "test"])
}

/// Where the bracket at `open` closes; `open` itself if there is none.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

/// A word, a `::`, or one other character. Literals, lifetimes and comments are left out.
#[derive(Clone)]
struct Token {
    text: String,
    line: usize,
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn tokens(text: &str) -> Vec<Token> {
    let mut rest = text;
    let mut line = 1;
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (length, is_token) = piece(rest, first);
        let (piece, behind) = rest.split_at(length);
        if is_token {
            let text = piece.trim_start_matches("r#").to_owned();
            tokens.push(Token { text, line });
        }
        line += piece.matches('\n').count();
        rest = behind;
    }
    tokens
}

/// How long the first piece of the text is, in bytes, and whether it counts.
fn piece(text: &str, first: char) -> (usize, bool) {
    if first.is_whitespace() {
        return (text.len() - text.trim_start().len(), false);
    }
    let quoted = text.trim_start_matches(['b', 'c']);
    let raw = quoted
        .strip_prefix('r')
        .map(|it| it.trim_start_matches('#'));
    let prefix = text.len() - quoted.len();
    if text.starts_with("//") {
        return (text.find('\n').unwrap_or(text.len()), false);
    }
    if text.starts_with("/*") {
        return (comment(text), false);
    }
    if let Some(behind) = raw
        .and_then(|it| it.strip_prefix('"'))
        .filter(|_| prefix < 2)
    {
        let start = text.len() - behind.len();
        let end = format!("\"{}", "#".repeat(start - prefix - 2));
        let length = behind.find(&end).map_or(behind.len(), |at| at + end.len());
        return (start + length, false);
    }
    if quoted.starts_with('"') && prefix < 2 {
        return (prefix + literal(quoted, '"'), false);
    }
    if quoted.starts_with('\'') && prefix < 2 {
        let is_character =
            quoted[1..].starts_with('\\') || quoted[1..].chars().nth(1) == Some('\'');
        let length = if is_character {
            literal(quoted, '\'')
        } else {
            1 + word(&quoted[1..])
        };
        return (prefix + length, false);
    }
    if text.starts_with("::") {
        return (2, true);
    }
    if text.strip_prefix("r#").is_some_and(is_word) {
        return (2 + word(&text[2..]), true);
    }
    let length = word(text);
    if length > 0 {
        return (length, is_word(text));
    }
    (first.len_utf8(), true)
}

fn word(text: &str) -> usize {
    let ends = |c: char| !c.is_alphanumeric() && c != '_';
    text.find(ends).unwrap_or(text.len())
}

/// The length of a literal between two of these quotes.
fn literal(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

/// The length of a block comment, which may hold others.
fn comment(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, _) in text.match_indices(['*', '/']) {
        if text[at..].starts_with("/*") {
            depth += 1;
        } else if text[..=at].ends_with("*/") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at + 1;
            }
        }
    }
    text.len()
}

#[test]
fn a_forbidden_import_is_found_with_its_place() {
    assert_eq!(
        faults(
            "plan",
            "plan/mod.rs",
            "use crate::names::X;\nuse crate::event::Event;\n"
        ),
        [
            "src/plan/mod.rs:2: `crate::event::Event`: room `plan` may import only names, budget, order, profile"
        ]
    );
    assert_eq!(
        faults("budget", "budget.rs", "fn f() { crate::names::X::new(); }"),
        ["src/budget.rs:1: `crate::names::X::new`: room `budget` may import no other"]
    );
    assert_eq!(
        faults("plan", "plan/mod.rs", "\nuse tokio::time::sleep;"),
        [
            "src/plan/mod.rs:2: `tokio::time::sleep`: only cluster, command, helm, process, runner may use `tokio`"
        ]
    );
}

#[test]
fn no_other_name_hides_an_import() {
    let found = |name: &str, text: &str| {
        let room = name.split(['/', '.']).next().unwrap();
        faults(room, name, text).len()
    };
    let hidden = [
        (
            "plan/mod.rs",
            "use crate::{names::{A, B}, event::{self, Event as E}};",
            1,
        ),
        ("plan/cycle.rs", "use super::super::event::Event;", 1),
        (
            "plan/cycle.rs",
            "mod inner { use super::super::super::event::Event; }",
            1,
        ),
        ("plan/mod.rs", "pub use super::event;", 1),
        ("plan/mod.rs", "fn f(e: &super::event::Event) {}", 1),
        (
            "plan/mod.rs",
            "macro_rules! m { () => { $crate::event::SCHEMA } }",
            1,
        ),
        ("plan/mod.rs", "use super::*;", 1),
        ("plan/mod.rs", "use stackctl::event::Event;", 1),
        ("plan/mod.rs", "use ::tokio::time;", 1),
        ("plan/mod.rs", "#[tokio::main]\nasync fn f() {}", 1),
        (
            "plan/mod.rs",
            "fn f() { p::exit(); p::Command::new(\"ls\"); } use std::process as p;",
            1,
        ),
        (
            "plan/mod.rs",
            "use std::env; fn f() { env::temp_dir(); env::var(\"A\"); }",
            1,
        ),
        (
            "plan/mod.rs",
            "use std::io::{self, Write}; fn f() { io::stderr(); }",
            1,
        ),
        ("plan/mod.rs", "use std::process::*;", 1),
        (
            "plan/mod.rs",
            "use std::time::Instant; fn f() { let a = Vec::<u8>::new(); Instant::now(); }",
            1,
        ),
        (
            "helm/deploy.rs",
            "use crate::runner; fn f() { runner::up(); }",
            1,
        ),
        (
            "helm/deploy.rs",
            "use crate::runner::{ports::Deployer, Settings};",
            1,
        ),
        ("command/up.rs", "fn f() { std::io::stderr(); }", 1),
    ];
    for (name, text, faults) in hidden {
        assert_eq!(found(name, text), faults, "{name}: {text}");
    }
}

#[test]
fn what_is_no_import_does_not_count() {
    let text = r##"
        //! Says [`crate::event::Event`] // and kube::Api.
        /* use crate::event; /* nested */ use crate::helm; */
        use crate::names::ReleaseId;
        use self::inner::X;
        use std::process::{ExitCode, id};
        const A: &str = "use crate::event;\" crate::helm";
        const B: &str = r#"crate::event " crate::helm"#;
        const C: &[u8] = b"crate::event";
        const D: [char; 3] = ['"', '\'', '\\'];
        pub(in crate::plan) fn f<'a>(a: &'a str) -> impl Iterator + use<'a> { a.tokio::<u8>() }
        fn g() { <Vec<u8>>::tokio::new(); let kube = 1; env!("HOME"); r#use::x(); }
        #[cfg(test)]
        use crate::event::{Event, Verdict};
        #[cfg(test)]
        #[allow(dead_code)]
        fn h() { let a = [crate::helm::X; 2]; }
        #[cfg(all(test, unix))]
        mod build;
        #[cfg(test)]
        mod tests { use crate::event; mod deep { use crate::helm; } }
    "##;
    assert_eq!(faults("plan", "plan/mod.rs", text), Vec::<String>::new());
    let scan = scan(text);
    assert_eq!(scan.test_modules, ["build"]);
    assert_eq!(scan.modules, Vec::<String>::new());
    assert_eq!(scan.lines, text.lines().count() - 9);
    assert_eq!(
        faults("plan", "plan/mod.rs", &format!("{text}use crate::event;")).len(),
        1
    );
}

#[test]
fn what_a_room_may_use_is_let_be() {
    let fine = [
        (
            "command/mod.rs",
            "fn f() { std::io::stderr(); crate::helm::x(); clap::x(); }",
        ),
        (
            "helm/deploy.rs",
            "use crate::runner::ports::Deployer; use std::env; fn f() { env::vars_os(); }",
        ),
        (
            "cluster/convert/meta.rs",
            "use kube::Api; use super::super::watch::Watches;",
        ),
        (
            "main.rs",
            "use stackctl::{command, process}; use stackctl::cli::Cli;",
        ),
    ];
    for (name, text) in fine {
        let room = name.split(['/', '.']).next().unwrap();
        assert_eq!(faults(room, name, text), Vec::<String>::new(), "{name}");
    }
}
