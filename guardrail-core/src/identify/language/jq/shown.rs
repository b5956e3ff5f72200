//! What a filter of jq shows of the document that it is given: whether that is nothing but fields that are known to hold
//! no secrets. Values are followed by where they come from; what is not followed here may show anything.
//!
//! An error of jq's shows the value that it is about, so that nothing which could fail is done to a value that may
//! be a secret.

use super::super::cursor::Cursor;

/// Whether `filter` shows nothing of a document but `public` fields: paths such as `.items[].metadata.name`, where `[]`
/// stands for any index; behind `.data{}` the names in an object are public, and what they name is not.
pub(crate) fn shows_only(filter: &[u8], public: &[String]) -> bool {
    let mut reader = Reader { cursor: Cursor::new(filter), public, names: Vec::new(), depth: 0 };
    let shown = reader.pipe(&Value::of(Shape::Node(String::new())));
    reader.blanks();
    shown.is_some_and(|shown| shown.is_public()) && reader.cursor.peek().is_none()
}

/// How deep expressions stand in each other.
const MOST_DEPTH: u32 = 24;

/// How many places one value is followed from.
const MOST_SHAPES: usize = 16;

/// The parts of a value that may be secret: none, and it is public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Value(Vec<Shape>);

/// Where a part of a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// What stands at a path of the document.
    Node(String),
    /// A name of an object and what it names, as `to_entries` takes apart what stands at a path.
    Entry(String),
    /// An array or an object that the filter makes of such values.
    Made(Value),
}

impl Value {
    fn of(shape: Shape) -> Self {
        Self(vec![shape])
    }

    fn is_public(&self) -> bool {
        self.0.iter().all(|shape| matches!(shape, Shape::Made(value) if value.is_public()))
    }

    fn or(mut self, other: Self) -> Option<Self> {
        for shape in other.0 {
            if !self.0.contains(&shape) {
                self.0.push(shape);
            }
        }
        (self.0.len() <= MOST_SHAPES).then_some(self)
    }

    /// Each part by what becomes of it.
    fn each(&self, mut becomes: impl FnMut(&Shape) -> Option<Self>) -> Option<Self> {
        self.0.iter().try_fold(Self::default(), |all, shape| all.or(becomes(shape)?))
    }
}

struct Reader<'f, 'p> {
    cursor: Cursor<'f>,
    public: &'p [String],
    /// What `as $name` binds.
    names: Vec<(&'f [u8], Value)>,
    depth: u32,
}

impl<'f> Reader<'f, '_> {
    fn blanks(&mut self) {
        self.cursor.eat_while(|byte| byte.is_ascii_whitespace());
    }

    /// Takes a sign, after blanks.
    fn sign(&mut self, sign: &[u8]) -> bool {
        self.blanks();
        self.cursor.eat_all(sign)
    }

    /// Takes a word, after blanks.
    fn word(&mut self, word: &[u8]) -> bool {
        self.blanks();
        let rest = self.cursor.rest();
        let found = rest.starts_with(word) && !rest.get(word.len()).is_some_and(is_name);
        if found {
            self.cursor.skip(word.len());
        }
        found
    }

    /// `a | b`
    fn pipe(&mut self, input: &Value) -> Option<Value> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return None;
        }
        let mut value = self.comma(input)?;
        if self.is_pipe() {
            self.cursor.skip(1);
            value = self.pipe(&value)?;
        }
        self.depth -= 1;
        Some(value)
    }

    fn is_pipe(&mut self) -> bool {
        self.blanks();
        self.cursor.peek() == Some(b'|') && self.cursor.peek_at(1) != Some(b'=')
    }

    fn comma(&mut self, input: &Value) -> Option<Value> {
        let mut value = self.either(input)?;
        while self.sign(b",") {
            value = value.or(self.either(input)?)?;
        }
        Some(value)
    }

    /// `a // b`
    fn either(&mut self, input: &Value) -> Option<Value> {
        let mut value = self.truth(input)?;
        while self.sign(b"//") {
            value = value.or(self.truth(input)?)?;
        }
        Some(value)
    }

    /// `a and b`, `a == b`: of a secret not even that is told.
    fn truth(&mut self, input: &Value) -> Option<Value> {
        let mut value = self.comparison(input)?;
        while self.word(b"and") || self.word(b"or") {
            let other = self.comparison(input)?;
            if !(value.is_public() && other.is_public()) {
                return None;
            }
            value = Value::default();
        }
        Some(value)
    }

    fn comparison(&mut self, input: &Value) -> Option<Value> {
        const SIGNS: &[&[u8]] = &[b"==", b"!=", b"<=", b">=", b"<", b">"];
        let value = self.sum(input)?;
        if !SIGNS.iter().any(|sign| self.sign(sign)) {
            return Some(value);
        }
        // Whether something is there at all, its name tells too.
        if self.word(b"null") {
            return Some(Value::default());
        }
        let other = self.sum(input)?;
        (value.is_public() && other.is_public()).then(Value::default)
    }

    fn sum(&mut self, input: &Value) -> Option<Value> {
        let value = self.postfix(input)?;
        let mut public = value.is_public();
        let mut summed = false;
        loop {
            self.blanks();
            let sums = matches!(self.cursor.peek(), Some(b'+' | b'-' | b'*' | b'%'))
                || self.cursor.peek() == Some(b'/') && self.cursor.peek_at(1) != Some(b'/');
            if !sums || self.cursor.peek_at(1) == Some(b'=') {
                break;
            }
            self.cursor.skip(1);
            public &= self.postfix(input)?.is_public();
            summed = true;
        }
        match (summed, public) {
            (false, _) => Some(value),
            (true, true) => Some(Value::default()),
            (true, false) => None,
        }
    }

    fn postfix(&mut self, input: &Value) -> Option<Value> {
        let mut value = self.term(input)?;
        loop {
            match (self.cursor.peek(), self.cursor.peek_at(1)) {
                (Some(b'?'), next) if next != Some(b'/') => self.cursor.skip(1),
                (Some(b'.'), Some(b'[')) => {
                    self.cursor.skip(1);
                }
                (Some(b'.'), Some(b'"')) => {
                    self.cursor.skip(2);
                    let name = self.plain_text()?;
                    value = self.field(&value, name)?;
                }
                (Some(b'.'), Some(next)) if is_name(&next) && !next.is_ascii_digit() => {
                    self.cursor.skip(1);
                    let name = self.cursor.eat_while(|byte| is_name(&byte));
                    value = self.field(&value, name)?;
                }
                (Some(b'['), _) => {
                    self.cursor.skip(1);
                    value = self.indexed(&value, input)?;
                }
                _ => break,
            }
        }
        if !self.word(b"as") {
            return Some(value);
        }
        // `a as $x | b` goes on as far as it can, and what stands before `a` is no part of it.
        if !self.sign(b"$") {
            return None;
        }
        let name = self.cursor.eat_while(|byte| is_name(&byte));
        if !self.is_pipe() {
            return None;
        }
        self.cursor.skip(1);
        self.names.push((name, value));
        let value = self.pipe(input)?;
        self.names.pop();
        Some(value)
    }

    fn term(&mut self, input: &Value) -> Option<Value> {
        self.blanks();
        match self.cursor.peek()? {
            b'.' => {
                // `..` goes through everything.
                if self.cursor.peek_at(1) == Some(b'.') {
                    return None;
                }
                let named = matches!(self.cursor.peek_at(1), Some(b'[' | b'"'))
                    || self.cursor.peek_at(1).is_some_and(|next| is_name(&next));
                if !named {
                    self.cursor.skip(1);
                }
                Some(input.clone())
            }
            b'(' => {
                self.cursor.skip(1);
                let value = self.pipe(input)?;
                self.sign(b")").then_some(value)
            }
            b'[' => {
                self.cursor.skip(1);
                if self.sign(b"]") {
                    return Some(Value::default());
                }
                let value = self.pipe(input)?;
                self.sign(b"]").then(|| Value::of(Shape::Made(value)))
            }
            b'{' => {
                self.cursor.skip(1);
                self.depth += 1;
                let made = self.object(input)?;
                self.depth -= 1;
                Some(made)
            }
            b'"' => {
                self.cursor.skip(1);
                self.text(input)
            }
            b'@' => {
                self.cursor.skip(1);
                self.cursor.eat_while(|byte| is_name(&byte));
                self.blanks();
                if self.cursor.eat(b'"') {
                    return self.text(input);
                }
                input.is_public().then(Value::default)
            }
            b'$' => {
                self.cursor.skip(1);
                let name = self.cursor.eat_while(|byte| is_name(&byte));
                self.names.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
            }
            b'-' if !self.cursor.peek_at(1).is_some_and(|next| next.is_ascii_digit()) => None,
            b'-' | b'0'..=b'9' => {
                self.cursor.skip(1);
                self.cursor.eat_while(|byte| byte.is_ascii_digit() || byte == b'.');
                Some(Value::default())
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                let name = self.cursor.eat_while(|byte| is_name(&byte));
                self.function(name, input)
            }
            _ => None,
        }
    }

    /// Behind `"`: everything that is put in has to be public.
    fn text(&mut self, input: &Value) -> Option<Value> {
        loop {
            match self.cursor.next()? {
                b'"' => return Some(Value::default()),
                b'\\' if self.cursor.next()? == b'(' && !self.is_put_in(input)? => return None,
                _ => {}
            }
        }
    }

    /// Behind `\(`: whether what is put in is public.
    fn is_put_in(&mut self, input: &Value) -> Option<bool> {
        let value = self.pipe(input)?;
        Some(self.sign(b")") && value.is_public())
    }

    /// Behind `"`: a text that stands there as it is.
    fn plain_text(&mut self) -> Option<&'f [u8]> {
        let text = self.cursor.eat_while(|byte| !matches!(byte, b'"' | b'\\'));
        self.cursor.eat(b'"').then_some(text)
    }

    /// Behind `{`.
    fn object(&mut self, input: &Value) -> Option<Value> {
        let mut all = Value::default();
        if self.depth > MOST_DEPTH {
            return None;
        }
        while !self.sign(b"}") {
            self.blanks();
            let start = self.cursor.peek()?;
            // What `{name}` and `{$name}` take.
            let mut named = None;
            match start {
                b'"' => {
                    self.cursor.skip(1);
                    self.text(input)?;
                }
                b'(' => {
                    self.cursor.skip(1);
                    let key = self.pipe(input)?;
                    if !(key.is_public() && self.sign(b")")) {
                        return None;
                    }
                }
                b'$' => named = Some(self.term(input)?),
                _ if is_name(&start) => {
                    let name = self.cursor.eat_while(|byte| is_name(&byte));
                    self.blanks();
                    if self.cursor.peek() != Some(b':') {
                        named = Some(self.field(input, name)?);
                    }
                }
                _ => return None,
            }
            let value = match named {
                Some(value) => value,
                None if !self.sign(b":") => return None,
                // Up to a comma.
                None => {
                    let mut value = self.either(input)?;
                    while self.is_pipe() {
                        self.cursor.skip(1);
                        value = self.either(&value)?;
                    }
                    value
                }
            };
            all = all.or(value)?;
            if !self.sign(b",") && self.cursor.peek() != Some(b'}') {
                return None;
            }
        }
        Some(Value::of(Shape::Made(all)))
    }

    /// Behind `[` of an index.
    fn indexed(&mut self, value: &Value, input: &Value) -> Option<Value> {
        self.blanks();
        if self.cursor.eat(b'"') {
            let name = self.plain_text()?;
            let value = self.field(value, name)?;
            return self.sign(b"]").then_some(value);
        }
        if !self.sign(b"]") {
            // A slice, or the number of an element; what is looked up may not be a secret either.
            if !self.sign(b":") {
                if !self.pipe(input)?.is_public() {
                    return None;
                }
                if self.sign(b"]") {
                    return self.elements(value);
                }
                if !self.sign(b":") {
                    return None;
                }
            }
            self.blanks();
            if self.cursor.peek() != Some(b']') && !self.pipe(input)?.is_public() {
                return None;
            }
            return self.sign(b"]").then(|| value.clone());
        }
        self.elements(value)
    }

    /// `.name`, of which an error tells the name alone.
    fn field(&self, value: &Value, name: &[u8]) -> Option<Value> {
        let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
        let written = !name.contains(['.', '[', '{']);
        value.each(|shape| match shape {
            Shape::Node(_) if !written => None,
            Shape::Node(path) => Some(self.node(format!("{path}.{name}"))),
            Shape::Entry(_) if name == "key" => Some(Value::default()),
            Shape::Entry(path) if name == "value" => Some(self.node(format!("{path}[]"))),
            Shape::Entry(_) => None,
            Shape::Made(inside) => Some(inside.clone()),
        })
    }

    /// What iterating a value gives.
    fn elements(&self, value: &Value) -> Option<Value> {
        value.each(|shape| match shape {
            Shape::Node(path) => self.holds(path).then(|| self.node(format!("{path}[]"))),
            Shape::Entry(_) => None,
            Shape::Made(inside) => Some(inside.clone()),
        })
    }

    /// How the fields are spelled that begin as `path` does.
    fn below<'s>(&'s self, path: &'s str) -> impl Iterator<Item = &'s str> {
        let spelled = self.public.iter().map(|public| match public.strip_prefix(".[") {
            Some(_) => public.get(1..).unwrap_or_default(),
            None => public.as_str(),
        });
        spelled.filter_map(move |public| public.strip_prefix(path))
    }

    fn node(&self, path: String) -> Value {
        let public = self.below(&path).any(str::is_empty);
        match public {
            true => Value::default(),
            false => Value::of(Shape::Node(path)),
        }
    }

    /// Whether an object or an array stands there by all that is known: something public lies below.
    fn holds(&self, path: &str) -> bool {
        path.is_empty() || self.below(path).any(|rest| rest.starts_with(['.', '[', '{']))
    }

    /// Whether only arrays stand there, which alone can be put in order.
    fn is_array(&self, value: &Value) -> bool {
        value.0.iter().all(|shape| match shape {
            Shape::Node(path) => self.below(path).any(|rest| rest.starts_with('[')),
            Shape::Entry(_) => false,
            Shape::Made(_) => true,
        })
    }

    /// Whether nothing that is done to a container fails with what is in it.
    fn is_container(&self, value: &Value) -> bool {
        value.0.iter().all(|shape| match shape {
            Shape::Node(path) => self.holds(path),
            Shape::Entry(_) | Shape::Made(_) => true,
        })
    }

    fn function(&mut self, name: &[u8], input: &Value) -> Option<Value> {
        match name {
            b"null" | b"true" | b"false" | b"empty" => Some(Value::default()),
            b"if" => self.condition(input),
            b"length" | b"keys" | b"keys_unsorted" => self.is_container(input).then(Value::default),
            b"type" => Some(Value::default()),
            b"has" => {
                let key = self.argument(input)?;
                (key.is_public() && self.is_container(input)).then(Value::default)
            }
            b"select" => self.argument(input)?.is_public().then(|| input.clone()),
            b"map" => {
                let elements = self.elements(input)?;
                Some(Value::of(Shape::Made(self.argument(&elements)?)))
            }
            b"any" | b"all" => {
                let elements = self.elements(input)?;
                self.blanks();
                match self.cursor.peek() {
                    Some(b'(') => self.argument(&elements)?.is_public().then(Value::default),
                    _ => elements.is_public().then(Value::default),
                }
            }
            b"sort_by" | b"unique_by" | b"min_by" | b"max_by" | b"group_by" => {
                let elements = self.elements(input)?;
                if !self.is_array(input) || !self.argument(&elements)?.is_public() {
                    return None;
                }
                match name {
                    b"group_by" => Some(Value::of(Shape::Made(input.clone()))),
                    b"sort_by" | b"unique_by" => Some(input.clone()),
                    _ => Some(elements),
                }
            }
            b"reverse" => self.is_array(input).then(|| input.clone()),
            b"to_entries" => {
                let entries = input.each(|shape| match shape {
                    Shape::Node(path) if self.holds(path) => Some(Value::of(Shape::Entry(path.clone()))),
                    Shape::Made(value) if value.is_public() => Some(Value::default()),
                    _ => None,
                });
                Some(Value::of(Shape::Made(entries?)))
            }
            _ if ENDS.contains(&name) => {
                self.blanks();
                match self.cursor.peek() {
                    Some(b'(') => self.argument(input),
                    _ => self.elements(input),
                }
            }
            b"limit" => {
                if !(self.sign(b"(") && self.pipe(input)?.is_public() && self.sign(b";")) {
                    return None;
                }
                let value = self.pipe(input)?;
                self.sign(b")").then_some(value)
            }
            b"not" => input.is_public().then(Value::default),
            _ if COMPUTES.contains(&name) => {
                if !input.is_public() {
                    return None;
                }
                self.blanks();
                if self.cursor.eat(b'(') {
                    loop {
                        if !self.pipe(input)?.is_public() {
                            return None;
                        }
                        if self.sign(b")") {
                            break;
                        }
                        if !self.sign(b";") {
                            return None;
                        }
                    }
                }
                Some(Value::default())
            }
            _ => None,
        }
    }

    /// `(f)`
    fn argument(&mut self, input: &Value) -> Option<Value> {
        if !self.sign(b"(") {
            return None;
        }
        let value = self.pipe(input)?;
        self.sign(b")").then_some(value)
    }

    /// Behind `if`.
    fn condition(&mut self, input: &Value) -> Option<Value> {
        let mut all = Value::default();
        loop {
            if !(self.pipe(input)?.is_public() && self.word(b"then")) {
                return None;
            }
            all = all.or(self.pipe(input)?)?;
            if !self.word(b"elif") {
                break;
            }
        }
        all = match self.word(b"else") {
            true => all.or(self.pipe(input)?)?,
            false => all.or(input.clone())?,
        };
        self.word(b"end").then_some(all)
    }
}

/// Functions that give one element, or one output of what they are given.
const ENDS: &[&[u8]] = &[b"first", b"last"];

/// Functions that make something of what is public alone.
#[rustfmt::skip]
const COMPUTES: &[&[u8]] = &[
    b"add", b"ascii_downcase", b"ascii_upcase", b"contains", b"endswith", b"flatten", b"floor",
    b"from_entries", b"gsub", b"index", b"indices", b"inside", b"join", b"ltrimstr", b"max", b"min", b"round",
    b"rtrimstr", b"split", b"sort", b"startswith", b"sub", b"test", b"tojson", b"tonumber", b"tostring",
    b"unique", b"values", b"with_entries", b"IN",
];

const fn is_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::shows_only;

    fn plan(filter: &str) -> bool {
        let public = [
            ".format_version",
            ".resource_changes[].address",
            ".resource_changes[].type",
            ".resource_changes[].change.actions",
            ".outputs{}",
        ];
        shows_only(filter.as_bytes(), &public.map(str::to_owned))
    }

    #[test]
    fn public_fields_are_shown() {
        for filter in [
            r#".resource_changes[] | select(.change.actions != ["no-op"]) | "\(.change.actions | join(",")) \(.address)""#,
            ".resource_changes[].change.actions[0]",
            ".resource_changes[]?.address // empty",
            "[.resource_changes[]?.change.actions[]] | group_by(.) | map({(.[0]): length}) | add",
            r#"[.resource_changes[] | select(.change.actions | index("delete"))] | length"#,
            ".resource_changes | length",
            ".resource_changes | group_by(.type) | map({type: .[0].type, n: length})",
            ".resource_changes | map(.address) | sort | .[]",
            ".resource_changes[] | {address, type, a: .change.actions}",
            ".resource_changes[] | [.address, .type] | @tsv",
            ".resource_changes[] | .type as $t | \"\\($t) \\(.address)\"",
            ".resource_changes | sort_by(.address) | .[:3] | .[].address",
            "if .format_version == \"1\" then \"a\" else .format_version end",
            "keys",
            "keys[]",
            ".outputs | keys[]",
            ".outputs | to_entries[] | .key",
            "to_entries | map(.key) | join(\",\")",
            ".resource_changes[] | select(.change.importing != null) | .address",
            ".[\"resource_changes\"][0].address",
            "",
        ] {
            assert_eq!(plan(filter), !filter.is_empty(), "{filter}");
        }
    }

    #[test]
    fn what_may_be_secret_is_not_shown_by_any_way() {
        for filter in [
            ".",
            "..",
            ".resource_changes",
            ".resource_changes[]",
            ".resource_changes[].change",
            ".resource_changes[].change.after",
            ".resource_changes[].change.after.address",
            ".resource_changes[].change[]",
            ".variables",
            ".variables.x.value",
            ".variables | keys",
            ".outputs[]",
            ".outputs.x",
            ".outputs | to_entries",
            ".outputs | to_entries[] | .value",
            "to_entries[] | .value",
            "[.variables]",
            "{a: .variables}",
            "{variables}",
            "{a: .format_version, b: .variables | .x}",
            "\"\\(.variables)\"",
            ".variables as $v | $v",
            ".variables | tostring",
            ".variables | length",
            ".variables[]",
            ".variables | @base64",
            ".format_version, .variables",
            ".nothing // .variables",
            "if .format_version then .variables else 1 end",
            "if .format_version then 1 end",
            "if .variables.x.value == \"a\" then 1 else 2 end",
            "select(.variables.x.value == \"a\") | .format_version",
            "select(.variables.x.value | startswith(\"a\")) | .format_version",
            ".resource_changes[] | select(.change.after.password > \"m\") | .address",
            ".resource_changes | sort_by(.change.after.password) | .[].address",
            "error",
            "error(.variables)",
            "debug",
            "input",
            "[inputs]",
            "$ENV",
            "env",
            "$x",
            "getpath([\"variables\"])",
            "path(..)",
            "[paths]",
            "tojson",
            "tostream",
            "limit(1; .variables)",
            "first(.variables)",
            "reduce .variables as $v (0; $v)",
            "def f: .variables; f",
            "with_entries(.)",
            "map_values(.)",
            "del(.x)",
            ".format_version |= .",
            ".x = .variables",
            "ltrimstr(.variables)",
            ".format_version | test($x)",
            ".format_version + .variables",
            ".variables + \"\"",
            ".variables | not",
            "-.variables",
            ".outputs | sort_by(1) | length",
            "min_by(1) | type",
            ".outputs | reverse | length",
            ".variables, .format_version as $x | 1",
            ".format_version as $x | .variables",
            ".variables and true",
            "{(.variables.x.value): 1}",
            ".[\"resource_changes\"][0][\"change\"]",
            ".[.variables.x.value]",
            ".resource_changes[.variables.x.value]",
            "splits(\"a\")",
            "try error(.variables) catch .",
            "label $f | .variables",
            ".\"resource_changes[].address\"",
            "import \"a\" as a; a::b",
            "@json \"\\(.)\"",
            "(",
            ".resource_changes[",
        ] {
            assert!(!plan(filter), "{filter}");
        }
    }
}
