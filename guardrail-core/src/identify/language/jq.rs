//! Reads jq filters, and yq's where they have the same shape: which of their names reach beyond
//! the input.

mod shown;

use std::borrow::Cow;

use super::cursor::{Cursor, find};
use super::nesting::Nesting;
use super::{Act, Found, Known};

pub(crate) use shown::shows_only;

/// Reads a filter of jq or yq.
pub(super) fn read(filter: &[u8]) -> Vec<Found<'_>> {
    let mut reader = Reader {
        cursor: Cursor::new(filter),
        open: Nesting::new(),
        strings: 0,
        before: Before::Other,
        found: Vec::new(),
    };
    if reader.filter().is_none() {
        let stop = reader.cursor.position().saturating_sub(1);
        reader.found.push(Found { act: Act::Opaque, at: stop..filter.len() });
    }
    reader.found
}

struct Reader<'t> {
    cursor: Cursor<'t>,
    open: Nesting<Bracket>,
    /// How many strings an interpolation stands in.
    strings: u32,
    before: Before,
    found: Vec<Found<'t>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Round,
    Square,
    Curly,
    /// `\(` in a string.
    Interpolation,
}

/// What the last token was, as far as the next one's meaning depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// `$`: a variable's name follows.
    Dollar,
    /// `{` or `,`: in an object, a key may follow.
    Separator,
    Other,
}

impl<'t> Reader<'t> {
    /// `None` where the text is no filter.
    fn filter(&mut self) -> Option<()> {
        loop {
            self.blanks()?;
            let start = self.cursor.position();
            let Some(byte) = self.cursor.next() else {
                return self.open.is_empty().then_some(());
            };
            let before = std::mem::replace(&mut self.before, Before::Other);
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.name(start, before)?,
                b'$' => self.before = Before::Dollar,
                b'.' => {
                    // `..` is no field access: what follows it stands for itself.
                    if self.cursor.peek() == Some(b'.') {
                        self.cursor.eat_while(|byte| byte == b'.');
                    } else if self.cursor.peek().is_some_and(|byte| !byte.is_ascii_digit()) {
                        self.cursor.eat_while(is_word);
                    }
                }
                b'@' => {
                    self.cursor.eat_while(is_word);
                }
                b'"' => self.string()?,
                b'{' => {
                    self.open.push(Bracket::Curly)?;
                    self.before = Before::Separator;
                }
                b'[' => self.open.push(Bracket::Square)?,
                b'(' => self.open.push(Bracket::Round)?,
                b'}' => self.close(Bracket::Curly)?,
                b']' => self.close(Bracket::Square)?,
                b')' => match self.open.pop()? {
                    Bracket::Round => {}
                    Bracket::Interpolation => {
                        self.strings = self.strings.saturating_sub(1);
                        self.string()?;
                    }
                    _ => return None,
                },
                b',' => self.before = Before::Separator,
                b'0'..=b'9'
                | b'|'
                | b':'
                | b';'
                | b'='
                | b'<'
                | b'>'
                | b'+'
                | b'-'
                | b'*'
                | b'/'
                | b'%'
                | b'!'
                | b'?'
                | b'&'
                | b'^'
                | b'~' => {}
                _ => return None,
            }
        }
    }

    fn close(&mut self, bracket: Bracket) -> Option<()> {
        (self.open.pop()? == bracket).then_some(())
    }

    fn blanks(&mut self) -> Option<()> {
        loop {
            self.cursor.eat_while(|byte| byte.is_ascii_whitespace());
            if self.cursor.peek() != Some(b'#') {
                return Some(());
            }
            // Since 1.7 a backslash continues a comment.
            let comment = self.cursor.eat_while(|byte| byte != b'\n');
            if comment.trim_ascii_end().ends_with(b"\\") {
                return None;
            }
        }
    }

    /// The rest of a string, up to its end or an interpolation.
    fn string(&mut self) -> Option<()> {
        let start = self.cursor.position();
        loop {
            match self.cursor.next()? {
                b'"' => break,
                b'\\' if self.cursor.next()? == b'(' => {
                    self.open.push(Bracket::Interpolation)?;
                    self.strings += 1;
                    return Some(());
                }
                _ => {}
            }
        }
        // To a version without interpolation, a string inside one is no string.
        let suspicious = [b"env".as_slice(), b"ENV", b"load", b"eval", b"system"];
        if self.strings > 0 && suspicious.iter().any(|word| find(self.cursor.since(start), word).is_some()) {
            self.push(Act::Opaque, start);
        }
        Some(())
    }

    fn name(&mut self, start: usize, before: Before) -> Option<()> {
        self.cursor.eat_while(is_word);
        while self.cursor.peek_at(2).is_some_and(is_word) && self.cursor.eat_all(b"::") {
            self.cursor.eat_while(is_word);
        }
        let path = self.cursor.since(start);
        let name = path.rsplit(|&byte| byte == b':').next().unwrap_or(path);
        if before == Before::Dollar {
            if name == b"ENV" {
                self.push(Act::Environment, start);
            }
            return Some(());
        }
        if !matches!(name.first(), Some(b'e' | b'i' | b'l' | b'm' | b's')) || self.is_key(before)? {
            return Some(());
        }
        let act = match name {
            b"env" | b"strenv" | b"envsubst" => Act::Environment,
            b"import" | b"include" => Act::Load(self.argument(false)?),
            b"modulemeta" => Act::Load(None),
            b"eval" => Act::Opaque,
            b"system" => Act::Shell(None),
            _ if name.starts_with(b"load") => Act::Read(self.argument(true)?),
            _ => return Some(()),
        };
        self.push(act, start);
        Some(())
    }

    /// The name just read is a key of an object.
    fn is_key(&self, before: Before) -> Option<bool> {
        if before != Before::Separator || self.open.top() != Some(Bracket::Curly) {
            return Some(false);
        }
        let mut ahead = Reader { cursor: self.cursor, found: Vec::new(), ..*self };
        ahead.blanks()?;
        Some(matches!(ahead.cursor.peek(), Some(b':' | b',' | b'}')))
    }

    /// The constant string that comes next, in brackets or not.
    fn argument(&self, brackets: bool) -> Option<Known<'t>> {
        let mut ahead = Reader { cursor: self.cursor, found: Vec::new(), ..*self };
        ahead.blanks()?;
        if brackets && !ahead.cursor.eat(b'(') {
            return Some(None);
        }
        ahead.blanks()?;
        if !ahead.cursor.eat(b'"') {
            return Some(None);
        }
        let text = ahead.cursor.eat_while(|byte| byte != b'"' && byte != b'\\');
        let mut known = ahead.cursor.eat(b'"');
        ahead.blanks()?;
        known &= !brackets || ahead.cursor.peek() == Some(b')');
        Some(known.then_some(Cow::Borrowed(text)))
    }

    fn push(&mut self, act: Act<'t>, start: usize) {
        self.found.push(Found { act, at: start..self.cursor.position() });
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::Jq;

    use super::super::testing::{check, harmless};

    #[test]
    fn filters_of_the_input_do_nothing_else() {
        harmless(
            Jq,
            &[
                "",
                ".",
                ".[]",
                ".a.b[0].\"c d\"?",
                ".env",
                ".env.env",
                ".a?.env",
                ".[\"env\"]",
                ".\"env\"",
                "{env: 1}",
                "{env}",
                "{a, env, load: .x, import: 2}",
                "{\"env\": .env}",
                ". as {env: $e, $env} | $e, $env",
                "{env # comment\n: 1}",
                "# env\n.a",
                "\"env \\\" $ENV\"",
                "\"a \\(.env + \"x\") b\"",
                "@sh \"echo \\(.x | @base64)\"",
                "@base64d, @json",
                ".items[] | select(.metadata.name | test(\"^a\")) | {name: .metadata.name, n: (.spec.containers | length)}",
                "[.[] | .a, .b] | @csv",
                "to_entries | map(\"\\(.key)=\\(.value)\") | join(\"&\")",
                "reduce .[] as [$i, $j] (0; . + $i * $j)",
                "def f(x): x * 2; f(.a) // empty",
                "[inputs, input] | add / length",
                "input_filename, $__loc__, $__prog_args",
                "halt_error, debug, stderr, error(\"x\")",
                "ltrimstr(\"a\") | splits(\"b\") | getpath([\"env\"])",
                "if . then 1 elif .x then -1 else 1.5e3 end",
                "try error catch .",
                ".a |= . + 1 | .b //= 3 | del(.c)",
                ".[2:4], .[-1:], ..",
                ".a as [$x] ?// $x | $x",
                "..|objects|select(has(\"env\"))",
                "limit(3; .[])",
                "length as $env | $env",
                ".spec.template.spec.containers[0].env",
                "[.[] | select(.env == \"prod\" and .environment != null)]",
                ".a[] as $item (0; 1)",
                ".. style=\"double\"",
                "... comments=\"\"",
                ".a *+ .b, .c *d .d",
            ],
        );
    }

    #[test]
    fn what_reaches_beyond_the_input_is_found() {
        check(
            Jq,
            &[
                ("env", &["environment"]),
                ("$ENV", &["environment"]),
                ("$ ENV", &["environment"]),
                ("$#x\nENV", &["environment"]),
                ("($ENV).OPENAI_API_KEY", &["environment"]),
                ("env.PATH", &["environment"]),
                ("{a: env}", &["environment"]),
                ("{$ENV}", &["environment"]),
                ("{(env|keys[0]): 1}", &["environment"]),
                ("{a: (1, env)}", &["environment"]),
                ("{\"\\(env)\": 1}", &["environment"]),
                ("\"a \\(\"b \\($ENV.X)\")\"", &["environment"]),
                (".[env|length:]", &["environment"]),
                (".a|env", &["environment"]),
                ("..env", &["environment"]),
                (".\"x\" | env", &["environment"]),
                ("\"\\\\\" | env", &["environment"]),
                ("# x\nenv", &["environment"]),
                ("import \"envdump\" as e; e::read", &["load:envdump"]),
                ("include \"a\" {search: \"./\"}; .", &["load:a"]),
                ("import \"a\\u0062\" as $d; $d", &["load:?"]),
                ("\"x\" | modulemeta", &["load:?"]),
                ("load(\"/etc/passwd\")", &["read:/etc/passwd"]),
                (".a = load_str ( \"x\" )", &["read:x"]),
                ("load(\"x\" + .y)", &["read:?"]),
                (".x |= eval(.y)", &["opaque"]),
                (".a = strenv(SECRET)", &["environment"]),
                (".a |= envsubst", &["environment"]),
                ("system(\"id\")", &["shell:?"]),
                ("\"\\(\" | env(X) | \")\"", &["opaque"]),
            ],
        );
    }

    #[test]
    fn what_jq_refuses_is_opaque() {
        for filter in
            ["(", ")", "[)", "{", "\"a", "\"\\(1", "'a'", "`a`", "1 # x \\\n| 2", "\u{e9}", "\\", "\u{0}"]
        {
            check(Jq, &[(filter, &["opaque"])]);
        }
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        check(Jq, &[(&deep, &["opaque"])]);
    }
}
