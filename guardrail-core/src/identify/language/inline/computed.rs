//! JavaScript's `x[k]`, where only running the text tells what `k` is: it may be `constructor`, and
//! so what it gives may be what makes code of text. That does no harm as long as nothing calls it.
//!
//! So a text that has such keys must keep rules as a whole. What is called is global and listed, a
//! listed method, or a function that the text writes out under a name that never means another.
//! What is handed to those who call it back is written out as well. And what a computed key gives
//! never becomes a property under a name that something calls, nor a part of what all objects share.

use super::dialect::{Dialect, lists};
use super::lex::{Token, Unreadable};
use super::names::Names;
use super::own::Own;
use super::whole::{Whole, is_keyword, is_operand};

/// What the language and its library call by its name, if an object has it.
const CALLED_BY_OTHERS: &[&str] = &[
    "compare",
    "constructor",
    "exec",
    "get",
    "has",
    "join",
    "keys",
    "next",
    "return",
    "set",
    "sorted",
    "stylize",
    "then",
    "throw",
    "toISOString",
    "toJSON",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// Global functions that only compute, and call nothing that they are given.
const FUNCTIONS: &[&str] = &[
    "Array",
    "BigInt",
    "Boolean",
    "Date",
    "Error",
    "Number",
    "RangeError",
    "RegExp",
    "String",
    "TypeError",
    "atob",
    "btoa",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "isFinite",
    "isNaN",
    "parseFloat",
    "parseInt",
    "structuredClone",
];

/// What may stand behind `new`.
const CLASSES: &[&str] = &[
    "Array",
    "Date",
    "Error",
    "Map",
    "RangeError",
    "RegExp",
    "Set",
    "TypeError",
    "URL",
    "URLSearchParams",
    "Uint8Array",
];

/// Methods and functions of modules that call nothing that they are given.
#[rustfmt::skip]
const CALL_NOTHING: &[&str] = &[
    "UTC", "abs", "accessSync", "add", "alloc", "at", "basename", "byteLength", "charAt", "charCodeAt", "clear",
    "codePointAt", "concat", "copyWithin", "cpus", "cwd", "delete", "difference", "digest", "dirname",
    "endsWith", "entries", "equals", "exec", "existsSync", "exit", "extname", "fill", "flat", "format",
    "freeze", "fromCharCode", "fromCodePoint", "get", "getAll", "getDate", "getDay", "getFullYear", "getHours",
    "getMilliseconds", "getMinutes", "getMonth", "getSeconds", "getTime", "getTimezoneOffset", "getUTCDate",
    "getUTCDay", "getUTCFullYear", "getUTCHours", "getUTCMinutes", "getUTCMonth", "has", "hasOwn",
    "hasOwnProperty", "homedir", "hrtime", "includes", "indexOf", "intersection", "is", "isArray",
    "isDirectory", "isFile", "isFinite", "isInteger", "isNaN", "isSafeInteger", "isSubsetOf", "isSymbolicLink",
    "join", "keys", "lastIndexOf", "localeCompare", "lstatSync", "match", "matchAll", "networkInterfaces",
    "normalize", "now", "of", "padEnd", "padStart", "parseFloat", "parseInt", "pop", "push", "readFileSync",
    "readdirSync", "readlinkSync", "realpathSync", "relative", "repeat", "resolve", "resume", "reverse",
    "search", "set", "setDate", "setEncoding", "setFullYear", "setHours", "setMinutes", "setMonth", "setTime",
    "shift", "slice", "splice", "split", "startsWith", "statSync", "subarray", "substr", "substring", "test",
    "toDateString", "toExponential", "toFixed", "toISOString", "toJSON", "toLocaleDateString",
    "toLocaleLowerCase", "toLocaleString", "toLocaleTimeString", "toLocaleUpperCase", "toLowerCase",
    "toPrecision", "toReversed", "toString", "toUTCString", "toUpperCase", "trim", "trimEnd", "trimStart",
    "union", "unshift", "update", "valueOf", "values", "with",
];

/// Methods that call whatever they are given.
const CALL_ALL: &[&str] = &[
    "catch",
    "every",
    "filter",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "flatMap",
    "forEach",
    "map",
    "some",
    "sort",
    "then",
    "toSorted",
];

pub(super) fn keeps_rules(dialect: &Dialect, names: &Names<'_>, text: &[u8]) -> Result<(), Unreadable> {
    let mut whole = Whole::of(text)?;
    let called = (0..whole.len())
        .filter(|at| whole.is_member(*at) && whole.is(at + 1, b'('))
        .filter_map(|at| whole.name(at));
    let called = called.collect();
    // At first each key may hold a function; what is made of no such one is data for sure.
    let all: Vec<_> = keys(&whole).collect();
    whole.keys = all.iter().map(|(name, _)| *name).collect();
    let filled = all.iter().filter(|(_, value)| !value.is_some_and(|(from, end)| whole.is_data(from, end)));
    whole.keys = filled.map(|(name, _)| *name).collect();
    let mut rules = Rules { dialect, names, whole: &whole, called, functions: Vec::new() };
    rules.functions = rules.functions();
    if (0..whole.len()).all(|at| rules.fits(at)) { Ok(()) } else { Err(Unreadable) }
}

/// A name of a property, and where its value stands if it is said.
type Key<'t> = (&'t [u8], Option<(usize, usize)>);

/// The keys of the objects that are written out.
fn keys<'w, 't>(whole: &'w Whole<'t>) -> impl Iterator<Item = Key<'t>> + 'w {
    (0..whole.len()).filter_map(|at| key(whole, at))
}

fn key<'t>(whole: &Whole<'t>, at: usize) -> Option<Key<'t>> {
    let (Some(Token::Name(name)) | Some(Token::Text(name))) = whole.token(at) else { return None };
    let open = whole.outer(at).filter(|open| whole.is(*open, b'{'))?;
    if !whole.was(at, b'{') && !whole.was(at, b',') {
        return None;
    }
    match whole.token(at + 1) {
        Some(Token::Mark(b':')) => {
            let end = whole.top(at + 2, whole.partner(open)).find(|at| whole.is(*at, b','));
            Some((name, Some((at + 2, end.unwrap_or_else(|| whole.partner(open))))))
        }
        Some(Token::Mark(b',' | b'}')) => Some((name, None)),
        _ => None,
    }
}

pub(super) struct Rules<'w, 't> {
    dialect: &'w Dialect,
    names: &'w Names<'t>,
    pub(super) whole: &'w Whole<'t>,
    /// Methods that the text calls.
    called: Vec<&'t [u8]>,
    /// Names that always mean one function, which the text writes out.
    functions: Vec<&'t [u8]>,
}

impl<'t> Rules<'_, 't> {
    fn fits(&self, at: usize) -> bool {
        let whole = self.whole;
        if let Some((name, value)) = key(whole, at)
            && (self.called.contains(&name) || lists(CALLED_BY_OTHERS, name))
            && !value.is_some_and(|(from, end)| self.is_harmless(from, end))
        {
            return false;
        }
        match whole.token(at) {
            Some(Token::Name(name)) => self.name(at, name),
            // A template behind a value is an argument of it.
            Some(Token::Template(_)) => !whole.back(at, 1).is_some_and(is_operand),
            // `{...x}` takes over all that `x` has.
            Some(Token::Operator) if whole.is_spread(at) => {
                !whole.outer(at).is_some_and(|open| whole.is(open, b'{'))
            }
            // `**=`, `>>=`
            Some(Token::Operator)
                if whole.is_glued(at)
                    && matches!(whole.back(at, 1), Some(Token::Mark(b'*' | b'<' | b'>'))) =>
            {
                whole.source(at) == b"/"
            }
            Some(Token::Operator) => !whole.assigns(at) || self.assigned(at),
            Some(Token::Mark(b'=')) => self.assigned(at),
            Some(Token::Mark(b'(')) => self.call(at),
            Some(Token::Mark(b'[')) => self.index(at),
            Some(Token::Mark(b'{')) => !whole.was(at, b')') || self.opens_block(at),
            _ => true,
        }
    }

    fn name(&self, at: usize, name: &[u8]) -> bool {
        let whole = self.whole;
        let next = whole.token(at + 1);
        if whole.is_member(at) {
            // What these give holds more than data.
            return !matches!(name, b"inspect" | b"createHash" | b"createHmac") || whole.is(at + 1, b'(');
        }
        if self.is_key(at) {
            return true;
        }
        match name {
            // Under other keys than text, an object may hold what is called.
            b"Symbol" => false,
            // Where these are names, they may mean anything.
            b"await" | b"yield" | b"async" => {
                let starts = match next {
                    Some(Token::Name(name)) => !matches!(name, b"in" | b"of" | b"instanceof"),
                    Some(Token::Mark(b'(')) => {
                        name != b"async" || whole.token(whole.partner(at + 1) + 1) == Some(Token::Arrow)
                    }
                    Some(Token::Mark(b'[' | b'{' | b'*') | Token::Text(_) | Token::Template(_)) => {
                        name != b"async"
                    }
                    _ => false,
                };
                let declared = matches!(
                    whole.back(at, 1),
                    Some(Token::Name(b"function" | b"const" | b"let" | b"var") | Token::Mark(b'*'))
                );
                starts && !declared
            }
            b"new" => whole.name(at + 1).is_some_and(|class| {
                let listed = lists(CLASSES, class) && !whole.is(at + 2, b'.');
                (listed || class == b"Intl") && self.only_used(class, None)
            }),
            b"for" => {
                let open = at + 1 + usize::from(whole.name(at + 1) == Some(b"await"));
                let loops = |at: &usize| matches!(whole.name(*at), Some(b"of" | b"in"));
                matches!(whole.name(open + 1), Some(b"const" | b"let" | b"var"))
                    || whole.top(open + 1, whole.partner(open)).find(loops).is_none_or(|of| of == open + 2)
            }
            b"delete" => self.deletes(at + 1),
            _ => true,
        }
    }

    pub(super) fn is_key(&self, at: usize) -> bool {
        self.whole.is(at + 1, b':') && key(self.whole, at).is_some()
    }

    /// `delete own[k]`
    fn deletes(&self, target: usize) -> bool {
        let whole = self.whole;
        let end = match whole.token(target + 1) {
            Some(Token::Mark(b'[')) => whole.partner(target + 1) + 1,
            Some(Token::Mark(b'.')) => target + 3,
            _ => return false,
        };
        let ends = !matches!(whole.token(end), Some(Token::Mark(b'.' | b'[' | b'(' | b'?')));
        ends && self.own(target).is_some()
    }

    /// No method: those are made with `name() {`, and so are accessors.
    fn opens_block(&self, at: usize) -> bool {
        let whole = self.whole;
        let open = whole.partner(at - 1);
        let before = |by: usize| open.checked_sub(by).and_then(|at| whole.name(at));
        let star = whole.was(open, b'*') || open > 1 && whole.is(open - 2, b'*');
        match before(1) {
            _ if open > 1 && whole.is_member(open - 1) => false,
            Some(b"if" | b"for" | b"while" | b"switch" | b"catch" | b"function") => true,
            Some(b"await") => before(2) == Some(b"for"),
            Some(_) => before(2) == Some(b"function") || star && before(3) == Some(b"function"),
            None => star && before(2) == Some(b"function"),
        }
    }

    fn index(&self, at: usize) -> bool {
        let whole = self.whole;
        let dot = usize::from(whole.was(at, b'.'));
        let base = if dot == 1 { at.checked_sub(3) } else { at.checked_sub(1) };
        let Some(base) = base else { return true };
        match whole.name(base) {
            Some(name) if !whole.is_member(base) && !is_keyword(name) => {
                self.names.bound.contains(&name)
                    && !self.names.is_taken(name)
                    && ![self.dialect.words, self.dialect.roots].iter().any(|table| lists(table, name))
            }
            _ => true,
        }
    }

    /// The `(` there opens no call, or a call of what is known.
    fn call(&self, at: usize) -> bool {
        let whole = self.whole;
        let Some(before) = at.checked_sub(1) else { return true };
        match whole.token(before) {
            Some(Token::Name(name)) if whole.is_member(before) => self.calls(name, before, at),
            Some(Token::Name(b"new")) => false,
            Some(Token::Name(name)) if is_keyword(name) => true,
            Some(Token::Name(b"require" | b"setTimeout" | b"setInterval" | b"fetch")) => true,
            Some(Token::Name(name)) => {
                let declared = matches!(whole.back(before, 1), Some(Token::Name(b"function")))
                    || whole.was(before, b'*')
                        && matches!(whole.back(before, 2), Some(Token::Name(b"function")));
                declared
                    || self.functions.contains(&name)
                    || matches!(whole.back(before, 1), Some(Token::Name(b"new")))
                    || lists(FUNCTIONS, name) && self.only_used(name, None)
                    || self.taken(name).is_some_and(|(path, binding)| {
                        let part = path.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
                        self.only_used(name, binding) && self.calls(part, before, at)
                    })
            }
            Some(Token::Mark(b')')) => {
                let open = whole.partner(before);
                let condition =
                    open.checked_sub(1).filter(|at| !whole.is_member(*at)).and_then(|at| whole.name(at));
                matches!(condition, Some(b"if" | b"while" | b"for" | b"switch"))
                    || whole.is_function(open + 1, before)
                        && !open.checked_sub(1).and_then(|at| whole.token(at)).is_some_and(is_operand)
            }
            Some(Token::Mark(b']' | b'.')) => false,
            Some(Token::Number | Token::Text(_) | Token::Template(_) | Token::Regex) => false,
            _ => true,
        }
    }

    /// The path of something that was taken out of a module, if it is listed.
    fn taken(&self, name: &[u8]) -> Option<(Vec<u8>, Option<usize>)> {
        let whole = self.whole;
        let path = self.names.path(self.dialect, name).filter(|_| self.names.is_taken(name))?;
        let binds = |at: &usize| {
            let Some(open) = whole.outer(*at).filter(|open| whole.is(*open, b'{')) else { return false };
            let behind = whole.partner(open) + 1;
            whole.name(*at) == Some(name)
                && match open.checked_sub(1).and_then(|at| whole.name(at)) {
                    Some(b"const") => whole.is(behind, b'=') && whole.name(behind + 1) == Some(b"require"),
                    Some(b"import") => whole.name(behind) == Some(b"from"),
                    _ => false,
                }
        };
        Some((path, (0..whole.len()).rfind(binds)))
    }

    /// Whether a listed function or method may be called so.
    fn calls(&self, name: &[u8], at: usize, open: usize) -> bool {
        let whole = self.whole;
        let arguments = whole.inside(open);
        let back =
            |from: usize| arguments.iter().skip(from).all(|(from, end)| self.called_back(name, *from, *end));
        let plain = !arguments.iter().any(|(from, _)| whole.is_spread(*from));
        let root = if whole.is_member(at) { at.checked_sub(2) } else { None };
        let root = root.filter(|root| !whole.is_member(*root)).and_then(|root| whole.name(root));
        match name {
            // Reads its arguments as a method does.
            b"dir" | b"inspect" => {
                plain && arguments.get(1).is_none_or(|(from, end)| whole.is_data(*from, *end))
            }
            b"reduce" | b"reduceRight" => {
                let first = arguments.first();
                plain && first.is_some_and(|(from, end)| self.called_back(name, *from, *end))
            }
            b"replace" | b"replaceAll" | b"groupBy" | b"on" | b"once" | b"from" if !plain => false,
            b"replace" | b"replaceAll" | b"groupBy" | b"from" => back(1),
            b"on" | b"once" => back(1) && self.discards(at, open),
            b"stringify" => plain && arguments.len() < 4 && back(1),
            // The second tells how to make values of text.
            b"parse" | b"write" | b"randomBytes" => plain && arguments.len() < 2,
            b"createHash" | b"createHmac" => {
                plain
                    && arguments.len() < 3
                    && self.digests(open)
                    && (name == b"createHmac" || arguments.len() < 2)
            }
            b"fromEntries" => {
                self.is_shown(at.saturating_sub(2), whole.partner(open)) || self.is_kept(at, open)
            }
            _ if lists(CALL_ALL, name) => plain && back(0),
            _ if lists(CALL_NOTHING, name) => true,
            _ => match root {
                Some(b"Math" | b"path" | b"os" | b"console" | b"Intl") => true,
                Some(b"Object") => matches!(name, b"create") && self.is_bare(open),
                _ => matches!(root, Some(b"process")) && matches!(name, b"uptime" | b"memoryUsage"),
            },
        }
    }

    /// `(null)`
    pub(super) fn is_bare(&self, open: usize) -> bool {
        self.whole.name(open + 1) == Some(b"null") && self.whole.is(open + 2, b')')
    }

    /// `process.stdin.on(...)` as a statement: what it gives is a stream, which holds more than data.
    fn discards(&self, at: usize, open: usize) -> bool {
        let whole = self.whole;
        let behind = whole.partner(open) + 1;
        let goes_on = whole.is(behind, b'.') && matches!(whole.name(behind + 1), Some(b"on" | b"once"));
        let ends = match whole.token(behind) {
            None | Some(Token::Mark(b';' | b'}' | b')')) => true,
            Some(Token::Name(_)) => whole.is_fresh(behind),
            _ => goes_on,
        };
        let mut start = at;
        while whole.is_member(start) {
            let Some(before) = start.checked_sub(2) else { return false };
            start = match whole.token(before) {
                Some(Token::Mark(b')')) => whole.partner(before).saturating_sub(1),
                Some(Token::Name(_)) => before,
                _ => return false,
            };
        }
        let starts = match start.checked_sub(1).and_then(|at| whole.token(at)) {
            None | Some(Token::Mark(b';' | b'{' | b'}')) => true,
            Some(before) => whole.is_fresh(start) && is_operand(before),
        };
        whole.name(start) == Some(b"process") && starts && ends
    }

    /// `.update(x).digest('hex')` behind that call.
    fn digests(&self, open: usize) -> bool {
        let whole = self.whole;
        let mut behind = whole.partner(open) + 1;
        while whole.is(behind, b'.')
            && whole.name(behind + 1) == Some(b"update")
            && whole.is(behind + 2, b'(')
        {
            behind = whole.partner(behind + 2) + 1;
        }
        whole.is(behind, b'.') && whole.name(behind + 1) == Some(b"digest") && whole.is(behind + 2, b'(')
    }

    /// What may be handed to something that calls it.
    fn called_back(&self, by: &[u8], from: usize, end: usize) -> bool {
        let whole = self.whole;
        if whole.is_function(from, end) {
            return true;
        }
        let name = whole.name(from).unwrap_or_default();
        if end == from + 1 && !name.is_empty() {
            let listed = lists(FUNCTIONS, name) && !matches!(name, b"structuredClone" | b"Array");
            let path =
                |(path, binding): (Vec<u8>, _)| path.starts_with(b"path.") && self.only_used(name, binding);
            return self.functions.contains(&name)
                || matches!(name, b"null" | b"undefined")
                || listed && self.only_used(name, None)
                || self.taken(name).is_some_and(path);
        }
        if end == from + 3 && whole.is(from + 1, b'.') {
            let part = whole.name(from + 2).unwrap_or_default();
            match name {
                b"Math" | b"path" => return true,
                b"console" => return part != b"dir",
                b"fs" => return part == b"existsSync",
                b"Object" => return matches!(part, b"keys" | b"values" | b"entries"),
                // It would be told how to make values of text, were it handed more than text and a number.
                b"JSON" => return part == b"parse" && matches!(by, b"map" | b"flatMap"),
                b"Number" | b"Array" | b"String" if lists(CALL_NOTHING, part) => {
                    return part != b"of" && self.only_used(name, None);
                }
                _ => {}
            }
        }
        !whole.is(from, b'{') && whole.is_data(from, end)
    }

    /// Data, or a function that is written out.
    fn is_harmless(&self, from: usize, end: usize) -> bool {
        let whole = self.whole;
        let known = whole.name(from).is_some_and(|name| end == from + 1 && self.functions.contains(&name));
        known || whole.is_function(from, end) || whole.is_data(from, end)
    }

    /// Whether something other than a name may be given a value there.
    fn assigned(&self, at: usize) -> bool {
        let whole = self.whole;
        let Some(last) = at.checked_sub(1) else { return false };
        let (from, end) = (at + 1, whole.value_end(at + 1));
        let (target, index) = match whole.token(last) {
            Some(Token::Name(_)) if !whole.is_member(last) => return true,
            // `process.exitCode = 1`
            Some(Token::Name(b"exitCode"))
                if last.checked_sub(2).is_some_and(|root| whole.name(root) == Some(b"process")) =>
            {
                return true;
            }
            Some(Token::Name(_)) => (last.checked_sub(2), true),
            Some(Token::Mark(b']' | b'}')) => {
                let open = whole.partner(last);
                let before = open.checked_sub(1);
                let declares = before.and_then(|at| whole.name(at));
                if matches!(declares, Some(b"const" | b"let" | b"var")) {
                    return true;
                }
                let index = before.and_then(|at| whole.token(at)).is_some_and(is_operand);
                (before, index && whole.is(last, b']'))
            }
            _ => return false,
        };
        let Some(target) = target.filter(|_| index) else { return false };
        // What was no number stays none, so that nothing can be said with it.
        if whole.source(at) == b"-=" || whole.source(at) == b"+=" && whole.is_number(from, end) {
            return true;
        }
        let computes =
            whole.token(at) == Some(Token::Operator) && !matches!(whole.source(at), b"??=" | b"||=" | b"&&=");
        let data = computes || whole.is_data(from, end);
        match self.own(target) {
            Some(Own { dynamic: false, .. }) if data => true,
            Some(Own { binding, .. }) => self.name_is_closed(target, binding),
            None => data && self.accumulates(target),
        }
    }

    /// Names that are bound once, to a function.
    fn functions(&self) -> Vec<&'t [u8]> {
        let whole = self.whole;
        let declares = |at: &usize| {
            let value = at + 2;
            match whole.back(*at, 1) {
                Some(Token::Name(b"function")) => true,
                Some(Token::Mark(b'*')) => whole.back(*at, 2) == Some(Token::Name(b"function")),
                Some(Token::Name(b"const" | b"let" | b"var")) => {
                    whole.is(at + 1, b'=') && whole.is_function(value, whole.value_end(value))
                }
                _ => false,
            }
        };
        let known = |at: usize| whole.name(at).filter(|name| self.only_used(name, Some(at)));
        (0..whole.len()).filter(declares).filter_map(known).collect()
    }

    /// Whether a name is nowhere given a meaning but in one place.
    fn only_used(&self, name: &[u8], binding: Option<usize>) -> bool {
        self.each_use(name, binding, |at| self.is_use(at))
    }

    pub(super) fn each_use(&self, name: &[u8], binding: Option<usize>, fits: impl Fn(usize) -> bool) -> bool {
        let whole = self.whole;
        (0..whole.len()).all(|at| {
            whole.name(at) != Some(name)
                || Some(at) == binding
                || whole.is_member(at)
                || self.is_key(at)
                || fits(at)
        })
    }

    /// No place that binds a name: `name(`, `name.x`, `name[x]`, `f(name)`.
    pub(super) fn is_use(&self, at: usize) -> bool {
        let whole = self.whole;
        let declared = matches!(whole.back(at, 1), Some(Token::Name(b"function")))
            || whole.was(at, b'*') && matches!(whole.back(at, 2), Some(Token::Name(b"function")));
        match whole.token(at + 1) {
            Some(Token::Mark(b'(' | b'.' | b'[')) => !declared,
            _ if whole.opens_chain(at + 1) => true,
            _ => {
                matches!(whole.back(at, 1), Some(Token::Name(b"new" | b"instanceof")))
                    || self.is_argument(at, at)
            }
        }
    }

    /// Behind a word or a mark that no binding stands behind.
    pub(super) fn is_value(&self, at: usize) -> bool {
        let whole = self.whole;
        let behind = matches!(
            whole.back(at, 1),
            Some(Token::Name(b"in" | b"of" | b"return" | b"typeof") | Token::Arrow)
        );
        behind && !whole.assigns(at + 1) && whole.token(at + 1) != Some(Token::Arrow)
    }
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::JavaScript;

    use super::super::super::testing::acts;
    use super::*;

    #[test]
    fn tables_are_sorted() {
        for table in [CALLED_BY_OTHERS, FUNCTIONS, CLASSES, CALL_NOTHING, CALL_ALL] {
            assert!(table.windows(2).all(|pair| pair[0] < pair[1]), "{table:?}");
        }
    }

    fn is_opaque(text: &str) -> bool {
        acts(JavaScript, text).iter().any(|act| act == "opaque")
    }

    #[test]
    fn computed_keys_of_honest_texts_are_harmless() {
        #[rustfmt::skip]
        let texts = [
            r#"const d=JSON.parse(require('fs').readFileSync('a.json'));const by={}; for (const p of d.items) by[p.category]=(by[p.category]||0)+1; console.table(by)"#,
            r#"const p=require('./package.json');for (const k of ['dependencies','devDependencies']) for (const [n,v] of Object.entries(p[k]||{})) console.log(n,v)"#,
            r#"const l=require('./package-lock.json');const m={}; for (const k in l.packages){const n=k.split("node_modules/").pop(); (m[n]??=new Set()).add(l.packages[k].version)}; for (const n in m) if (m[n].size>1) console.log(n,[...m[n]].join(" "))"#,
            r#"const fs=require('fs'),path=require('path');const by={};function walk(d){return fs.readdirSync(d,{withFileTypes:true}).flatMap(e=>e.isDirectory()?walk(path.join(d,e.name)):[path.join(d,e.name)])}; for(const f of walk("src")){const x=path.extname(f); by[x]=(by[x]||0)+fs.statSync(f).size;} console.log(by)"#,
            r#"const a={};for (const [k,v] of [['x',1]]) {a[k]??=[];a[k].push(v)};console.log(a)"#,
            r#"const m={};for(const k of ['a','b'])m[k]++;console.log(m)"#,
            r#"const rows=[{a:1}];const key='a';console.log(rows.map(r => r[key]))"#,
            r#"const a=[[1]];for(let i=0;i<1;i++)for(let j=0;j<1;j++)console.log(a[i][j],a[a.length-1],a[i+1],a[Math.floor(a.length/2)])"#,
            r#"const o={a:1,b:2};console.log(Object.keys(o).sort((a,b)=>o[b]-o[a]))"#,
            r#"const fs=require('fs');fs.readdirSync('locales').forEach(f=>console.log(f,Object.keys(JSON.parse(fs.readFileSync('locales/'+f))).length))"#,
            r#"const en=require('./en/package.json'),de=require('./de/package.json');console.log(Object.keys(en).filter(k=>!de[k]).join('\n'))"#,
            r#"const l=['a'];console.log(Object.entries(l.reduce((a,x)=>{a[x]=(a[x]||0)+1;return a},{})).sort((a,b)=>b[1]-a[1]))"#,
            r#"const l=['a'];console.log(l.reduce((a,x)=>(a[x]=(a[x]||0)+1,a),{}))"#,
            r#"let s='';process.stdin.on('data',d=>s+=d).on('end',()=>{const j=JSON.parse(s);for(const k of Object.keys(j))console.log(k,j[k].version)})"#,
            r#"let s=''
process.stdin.setEncoding('utf8')
process.stdin.on('data',d=>s+=d)
process.stdin.on('end',()=>{const j=JSON.parse(s);for(const k of Object.keys(j))console.log(k,j[k].version)})"#,
            r#"const r=[{id:1,n:2}];const byId={};for(const x of r)byId[x.id]=x;console.log(byId)"#,
            r#"const r=[{id:1,n:2}];const o={};for(const x of r)o[x.id]=x.n;console.log(JSON.stringify(o,null,2))"#,
            r#"const get=(o,p)=>p.split('.').reduce((a,k)=>a?.[k],o);console.log(get({a:{b:1}},'a.b'))"#,
            r#"const a={x:1},b={x:2};for(const k of Object.keys(a))if(a[k]!==b[k])console.log(`${k}: ${a[k]} -> ${b[k]}`)"#,
            r#"const d=JSON.parse(require('fs').readFileSync('c.json','utf8'));const fields=['lines','branches'];for(const f of fields)console.log(f.padEnd(12),d.total[f].pct.toFixed(2)+'%')"#,
            r#"(async()=>{const d={a:1};for(const k in d)console.log(k,d[k])})()"#,
            r#"const crypto=require('crypto'),fs=require('fs');const by={};for(const f of fs.readdirSync('.')){const h=crypto.createHash('md5').update(fs.readFileSync(f)).digest('hex');(by[h]??=[]).push(f)};console.log(Object.values(by).filter(g=>g.length>1))"#,
            r#"const by={};for(const w of 'a b a'.split(/\s+/))by[w]=by[w]?by[w]+1:1;console.log(by)"#,
            r#"const by=Object.create(null);for(const w of 'a b a'.split(/\s+/))by[w]=by[w]?by[w]+1:1;console.log(by)"#,
            r#"const lines=require('fs').readFileSync('a.csv','utf8').trim().split('\n');const h=lines[0].split(',');for(const l of lines.slice(1)){const c=l.split(',');console.log(h.map((k,i)=>k+'='+c[i]).join(' '))}"#,
            r#"const o={b:1,a:2};console.log(Object.fromEntries(Object.keys(o).sort().map(k=>[k,o[k]])))"#,
            r#"const by={};const r=[{k:'a',s:2}];for(const x of r){by[x.k]??={n:0,s:0};by[x.k].n++;by[x.k].s+=Number(x.s)};console.table(by)"#,
            r#"const by={};const r=[{k:'a',s:2}];for(const x of r){const g=by[x.k]||(by[x.k]={n:0});g.n++};console.table(by)"#,
            r#"const t=[5,3];for(let i=1;i<t.length;i++)if(t[i]<t[i-1])console.log('x',i,t[i])"#,
            r#"const dp=new Array(5).fill(0);for(let i=1;i<5;i++)dp[i]=dp[i-1]+i;console.log(dp)"#,
            r#"const {dependencies:a={},devDependencies:b={}}=require('./package.json');const all=['x'];for(const n of all)console.log(n,a[n]||b[n]||'none')"#,
            r#"const i=process.argv.indexOf('x');console.log(process.argv[i+1])"#,
            r#"const days=['Mon','Tue'];console.log(days[new Date().getDay()])"#,
            r#"const x=['a','b'];console.log(x[Math.floor(Math.random()*x.length)])"#,
            r#"const m=new Map();const o={a:1};for(const k of Object.keys(o))m.set(k,o[k]);console.log([...m])"#,
            r#"const seen={};const dup=['a','a'].filter(x=>seen[x]||(seen[x]=true,false));console.log(dup)"#,
            r#"const g=Object.groupBy([{t:'a'}],x=>x.t);for(const k in g)console.log(k,g[k].length)"#,
            r#"const a=JSON.parse('{}'),b=JSON.parse('{}');const ks=new Set([...Object.keys(a),...Object.keys(b)]);for(const k of [...ks].sort())if(JSON.stringify(a[k])!==JSON.stringify(b[k]))console.log(k,a[k],b[k])"#,
            r#"const cmp=(a,b)=>{for(let i=0;i<3;i++){if(a[i]!==b[i])return a[i]-b[i]}return 0};console.log([[1],[2]].sort(cmp))"#,
            r#"const keys=['name','version'];const p=require('./package.json');console.log(keys.map(k=>`${k}=${p[k]}`).join('\n'))"#,
            r#"const ws=JSON.parse(require('fs').readFileSync('d.json'));console.log(ws.map(w=>w.tags?.[0]??'-'), ws[ws.length-1]?.['name'])"#,
            r#"const v=[1,2,3];console.log(v.length%2?v[(v.length-1)/2]:(v[v.length/2-1]+v[v.length/2])/2)"#,
            r#"const sc=require('./package.json').scripts;for(const s in sc)console.log(s+': '+sc[s])"#,
            r#"const fs=require('fs');const c={};for(const l of fs.readFileSync('a.log','utf8').split('\n')){const m=l.match(/(\w+)/);if(m)c[m[1]]=(c[m[1]]??0)+1}Object.entries(c).sort((a,b)=>b[1]-a[1]).slice(0,10).forEach(([k,n])=>console.log(n,k))"#,
        ];
        let wrong: Vec<&str> = texts.into_iter().filter(|text| is_opaque(text)).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Each of these runs the text in `c`, or writes what all objects share.
    #[test]
    fn what_calls_what_a_computed_key_gives_is_opaque() {
        const START: &str =
            "const n='constructor!',k=n.slice(0,-1);const F=[][k][k];const c='globalThis.ran=1';";
        assert!(!is_opaque(START));
        #[rustfmt::skip]
        let texts = [
            r#"[][k][k](c)()"#,
            r#"F(c)()"#,
            r#"const f=F(c);f()"#,
            r#"const z=x=>x();z(F(c))"#,
            r#"new F(c)()"#,
            r#"const o=new F(c);[1].forEach(o)"#,
            r#"(0,F)(c)()"#,
            r#"(F)(c)()"#,
            r#"F?.(c)?.()"#,
            r#"F
(c)
()"#,
            r#"F['call'](null,c)()"#,
            r#"F.call(null,c)()"#,
            r#"F.apply(null,[c])()"#,
            r#"F['bi'+'nd'](null,c)()()"#,
            r#"const o={push:F};const r=o.push(c);const q={pop:r};q.pop()"#,
            r#"const o={};o['pu'+'sh']=F;const p='push';o[p]=F;const r=o.push(c);const q={};const t='pop';q[t]=r;q.pop()"#,
            r#"const p='push';const o={};o[p]=F;const r=o.push(c);const t='pop';const q={};q[t]=r;q.pop()"#,
            r#"const p='map';const o={};o[p]=F;const r=o.map(c);const q={};q[p]=r;q.map(1)"#,
            r#"const o=Object.fromEntries([['push',F]]);const r=o.push(c);const q=Object.fromEntries([['pop',r]]);q.pop()"#,
            r#"const o=JSON.parse('{"push":1}',(a,b)=>a==='push'?F:b);const r=o.push(c);const q=JSON.parse('{"pop":1}',(a,b)=>a==='pop'?r:b);q.pop()"#,
            r#"const o={toJSON:F};JSON.stringify({[c]:o},(a,b)=>{if(a===c){const q={toString:b};q+''}return b})"#,
            r#"const o={};const t='toJSON';o[t]=F;const w={};w[c]=o;JSON.stringify(w,(a,b)=>{if(a===c){const q={};const s='toString';q[s]=b;return q+''}return b})"#,
            r#"const t='toString';const q={};q[t]=F(c);q+''"#,
            r#"const q={toString:F(c)};`${q}`"#,
            r#"const o={exec:F};const re=/x/;re.exec=F;const m=c.match(re);m()"#,
            r#"const re=/x/;re.exec=F;const m=c.match(re);[1].map(m)"#,
            r#"const re=/x/;const e='exec';re[e]=F;const m=c.match(re);[1].map(m)"#,
            r#"const q={};q.toString=F(c);q+''"#,
            r#"const o={a:F};const {a:g}=o;g(c)()"#,
            r#"const {[k]:K}=[];const {[k]:G}=K;G(c)()"#,
            r#"const a=[];[a[0]]=[F];a[0](c)()"#,
            r#"const q={};const t='push';[q[t]]=[F];const r=q.push(c);[q[t]]=[r];q.push()"#,
            r#"const q={};const t='push';({x:q[t]}={x:F});const r=q.push(c);({x:q[t]}={x:r});q.push()"#,
            r#"const q={};const t='push';for(q[t] of [F]);const r=q.push(c);for(q[t] of [r]);q.push()"#,
            r#"const q={};const t='push';for(q.push of [F]);const r=q.push(c);for(q.push of [r]);q.push()"#,
            r#"const q={};const t='push';(q[t])=F;const r=q.push(c);(q[t])=r;q.push()"#,
            r#"const s=(m,d=5)=>{m[t]=d};const t='push';const q={};s(q,F);const r=q.push(c);s(q,r);q.push()"#,
            r#"const m={};const q={};const t='map';[q].forEach((m,i=5)=>{m[t]=F});const r=q.map(c);[q].forEach((m,i=5)=>{m[t]=r});q.map()"#,
            r#"let m={};const q={};const t='map';m||=q;m&&=q;m[t]=F;const r=q.map(c);m[t]=r;q.map()"#,
            r#"let m={};const q={};const t='map';[m]=[q];m[t]=F;const r=q.map(c);m[t]=r;q.map()"#,
            r#"let m={};const q={};const t='map';for(m of [q])m[t]=F;const r=q.map(c);m[t]=r;q.map()"#,
            r#"const P=[][k]['proto'+'type'];const t='then';P.push=F;const r=[].push(c);P.push=r;[].push()"#,
            r#"const pr='__pro'+'to__';const P=({})[pr];P.pop=F;const r=({}).pop(c);P.shift=r;({}).shift()"#,
            r#"const pr='__pro'+'to__';const m={};m[pr].pop=F;const r=({}).pop(c);m[pr].shift=r;({}).shift()"#,
            r#"const pr='__pro'+'to__';const m={};const t='pop';m[pr][t]=F;const r=({}).pop(c);m[pr][t]=r;({}).pop()"#,
            r#"const pr='__pro'+'to__';const m={};const t='pop';(m[pr]||{})[t]=F;const r=({}).pop(c);(m[pr]??={})[t]=r;({}).pop()"#,
            r#"const o={...{a:1},push:F};const r=o.push(c);const q={...{a:1},pop:r};q.pop()"#,
            r#"const o={get x(){return F}};o.x(c)()"#,
            r#"const o={push(a){return F(a)}};o.push(c)()"#,
            r#"const o={x(F2){return F2(c)}};o.x(F)()"#,
            r#"class X extends F{};new X(c)()"#,
            r#"setTimeout(F(c))"#,
            r#"setTimeout(F(c),0)"#,
            r#"(async()=>{const t={then:F(c)};await t})()"#,
            r#"const t='then';const q={};q[t]=F(c);(async()=>{await q})()"#,
            r#"(async()=>c)().then(F).then(f=>f())"#,
            r#"(async()=>c)().then(F).then(f=>[1].map(f))"#,
            r#"(async()=>{throw c})().catch(F).then(f=>f())"#,
            r#"const g=F(c);'x'.replace('x',g)"#,
            r#"const g=[c].map(x=>F(x));'x'.replace(/x/,g[0])"#,
            r#"[2,1].sort([c].map(x=>F(x))[0])"#,
            r#"const g=[c].reduceRight((a,b)=>F(b),1);[1].every(g)"#,
            r#"const a=[F(c)];[1].map(...a)"#,
            r#"'x'.replace(...['x',F(c)])"#,
            r#"JSON.parse(...['[1]',F(c)])"#,
            r#"JSON.stringify({a:1},F(c))"#,
            r#"process.stdin.on('end',F(c)).resume()"#,
            r#"const e=process.stdin.on('end',()=>1);e['on']('end',F(c));e.resume()"#,
            r#"process.stdout.write('x',F(c))"#,
            r#"new Map([[1,2]]).forEach(F(c))"#,
            r#"const m=new Map();m.set(1,F(c));m.get(1)()"#,
            r#"var await=F;await(c)()"#,
            r#"var yield=F;yield(c)()"#,
            r#"var async=F;async(c)()"#,
            r#"var of=F;of(c)()"#,
            r#"const g=(Number,q=5)=>Number(c)();g(F)"#,
            r#"const w=(f,q=5)=>f;const f=x=>1;const h=(f,q=5)=>f(c);h(F)()"#,
            r#"const f=x=>1;const h=({f,a:b})=>f(c)();h({f:F,a:1})"#,
            r#"const f=x=>1;const h=([f,q=5])=>f(c)();h([F])"#,
            r#"const f=x=>1;try{throw F}catch(f){f(c)()}"#,
            r#"const f=x=>1;for(const f of [F])f(c)()"#,
            r#"let f=x=>1;f=F;f(c)()"#,
            r#"let f=x=>1;[f]=[F];f(c)()"#,
            r#"var f=x=>1;for(f of [F])f(c)()"#,
            r#"var f=x=>1;f&&=F;f(c)()"#,
            r#"const f=function(){return F}();f(c)()"#,
            r#"const f=function(){}&&F;f(c)()"#,
            r#"function f(){};f=F;f(c)()"#,
            r#"function f(){return F}f()(c)()"#,
            r#"const h=async(f)=>f(c)();const f=x=>1;h(F)"#,
            r#"const f=x=>1;const o={map(f){return f(c)}};o.map(F)()"#,
            r#"const f=x=>1;const o={catch(f){return f(c)}};o.catch(F)()"#,
            r#"const f=x=>1;const o={if(f){return f(c)}};o['if'](F)()"#,
            r#"const q={};const t='toString';q[t]=F(c)
++q"#,
            r#"const q={};const t='push';q[t]=(1,F);const r=q.push(c);q[t]=(1,r);q.push()"#,
            r#"const q={};const t='push';q[t]=true?F:1;const r=q.push(c);q[t]=true?r:1;q.push()"#,
            r#"const q={};const t='push';q[t]=1&&F;const r=q.push(c);q[t]=1&&r;q.push()"#,
            r#"const q={};const t='push';q[t]??=F;const r=q.push(c);q[t]=null;q[t]??=r;q.push()"#,
            r#"const q={};const t='push';q[t]=[F].pop();const r=q.push(c);q[t]=[r].pop();q.push()"#,
            r#"const w={slice:()=>F};const v={slice:()=>r};const q={};const t='push';q[t]=w.slice();const r=q.push(c);q[t]=v.slice();q.push()"#,
            r#"const w={size:F};const q={};const t='push';q[t]=w.size;const r=q.push(c);const v={size:r};q[t]=v.size;q.push()"#,
            r#"const w={};const z='size';w[z]=F;const q={};const t='push';q[t]=w.size;const r=q.push(c);w[z]=r;q[t]=w.size;q.push()"#,
            r#"const w={};const z='slice';w[z]=()=>F;const q={};const t='push';q[t]=w.slice();const r=q.push(c);w[z]=()=>r;q[t]=w.slice();q.push()"#,
            r#"const q={};const t='push';q[t]=((a)=>a)(F);const r=q.push(c);q[t]=((a)=>a)(r);q.push()"#,
            r#"const id=x=>x;const q={};const t='push';q[t]=id(F);const r=q.push(c);q[t]=id(r);q.push()"#,
            r#"const t='push';const o=[1].reduce((a,x)=>{a[t]=F;return a},{});const r=o.push(c);const p=[1].reduce((a,x)=>{a[t]=r;return a},{});p.push()"#,
            r#"const q={};const t='push';const s=(m)=>{m[t]=F};s(q);const r=q.push(c);const u=(m)=>{m[t]=r};u(q);q.push()"#,
            r#"const q={};const t='push';q[t]=F;const w=[q];const r=w.map(x=>x.push(c))[0];const v={};v[t]=r;[v].map(x=>x.push())"#,
            r#"const q={};const t='push';q[t]=F;let r;JSON.stringify(q,(a,b)=>{if(b&&b.push)r=b.push(c);return 1});const v={};v[t]=r;JSON.stringify(v,(a,b)=>{b.push();return 1})"#,
            r#"const v=[F(c)];v[0]`x`"#,
            r#"String.raw`${F(c)()}`"#,
            r#"const g=F(c);`${g()}`"#,
            r#"const {x=F(c)()}={}"#,
            r#"const h=(x=F(c)())=>1;h()"#,
            r#"const it={next:F(c)};[...{[Symbol.iterator]:()=>it}]"#,
            r#"const S=Symbol;const q={};q[S.toPrimitive]=F(c);q+''"#,
            r#"const util=require('util');const i=util.inspect;const s=i['cus'+'tom'];const t='x';const q={};q[s]=F(c);console.log(q)"#,
            r#"const util=require('util');console.log(util.inspect({a:1},{stylize:F(c)}))"#,
            r#"console.dir({a:1,b:2},{sorted:F(c)})"#,
            r#"const crypto=require('crypto');const h=crypto.createHash('md5',{transform:F(c)});h.end('x')"#,
            r#"const q=require('querystring');const r=q.parse('a=b',null,null,{decodeURIComponent:F(c)})"#,
            r#"const querystring=require('querystring');querystring.parse('a=%20b',null,null,{decodeURIComponent:F(c)})"#,
            r#"const {parse}=require('querystring');parse('a=%20b',null,null,{decodeURIComponent:F(c)})"#,
            r#"const {join}=require('path');const h=(join,q=5)=>join(c)();h(F)"#,
            r#"const {join}=require('path');const h=({join,a:b})=>join(c)();h({join:F})"#,
            r#"Array[k](c)()"#,
            r#"Math[k][k](c)()"#,
            r#"console[k][k](c)()"#,
            r#"process[k][k](c)()"#,
            r#"fs['wri'+'teFileSync']('/tmp/js-pwn','x')"#,
            r#"const fs=require('fs');const w='writeFileSync';fs[w]('/tmp/js-pwn','x')"#,
            r#"const w='writeFileSync';require('fs')[w]('/tmp/js-pwn','x')"#,
            r#"`${[][k][k](c)()}`"#,
            r#"`${`${F(c)()}`}`"#,
            r#"(()=>F)()(c)()"#,
            r#"(function(){return F})()(c)()"#,
            r#"(async()=>(await F)(c)())()"#,
            r#"[F][0](c)()"#,
            r#"({a:F}).a(c)()"#,
            r#"const o={map:F,'filter':F};[o.map(c)].map(x=>({map:x}).map())"#,
            r#"const map=F;const o={map};const r=o.map(c);const p=({map:0,...{map:r}});p.map()"#,
            r#"label:{F(c)()}"#,
            r#"if(1){F(c)()}"#,
            r#"switch(1){case F(c)():1}"#,
            r#"do F(c)();while(0)"#,
            r#"for(const x of [F(c)()])1"#,
            r#"for(let i=F(c)();i;)1"#,
            r#"throw F(c)()"#,
            r#"x=>F(c)();[1].map(x=>F(c)())"#,
            r#"function*g(){yield F(c)()};[...g()]"#,
            r#"const o={};for(const x of [1])o[x]=F;o[1](c)()"#,
            r#"const o=[F];for(const f of o)f(c)()"#,
            r#"o=>o;const h=o=>o[k][k](c)();h([])"#,
            r#"const pr='__pro'+'to__';const P=({})[pr];P.then=(a,b)=>1"#,
            r#"const pr='__pro'+'to__';const m={};m[pr]=F;m.map(x=>x)"#,
            r#"const r=[1,2].reduce((a,x)=>{a['pu'+'sh']=F;return a},{});"#,
            r#"const t='pop';const pr='__pro'+'to__';[1,2].reduce((a,x)=>{a[t]=5;return a[pr]},{})"#,
            r#"globalThis[k]"#,
            r#"const e='env';process[e]"#,
            r#"const pr='__pro'+'to__';const o={};const n='flag';o[pr][n]=577"#,
            r#"const pr='__pro'+'to__';const o={};o[pr].flag|=577"#,
            r#"const pr='__pro'+'to__';const o={};const n='flag';o[pr][n]+='w'"#,
            r#"const pr='__pro'+'to__';const o={};const n='flag';o[pr][n]**=1"#,
            r#"const pr='__pro'+'to__';const o={};const n='flag';o[pr][n]>>=1"#,
        ];
        let wrong: Vec<&str> = texts.into_iter().filter(|text| !is_opaque(&[START, text].concat())).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
