//! Reads awk programs (POSIX awk and gawk): which of their expressions and statements start
//! programs, touch files or open connections.

mod lex;

use std::borrow::Cow;

use self::lex::{Lexer, Token, Unreadable, decode};
use super::nesting::Nesting;
use super::{Act, Found, Known, join};

/// Reads an awk program.
///
/// Awks disagree about whether `/` ends a regular expression inside a bracket expression
/// (`/[/]/`): where that matters, both readings count.
pub(super) fn read(program: &[u8]) -> Vec<Found<'_>> {
    let mut first = Reader::new(program, true);
    let mut readable = first.program().is_ok();
    let stop = first.lexer.start;
    let mut found = first.found;
    if first.lexer.ambiguous {
        let mut second = Reader::new(program, false);
        readable |= second.program().is_ok();
        join(&mut found, second.found);
    }
    if !readable {
        found.push(Found { act: Act::Opaque, at: stop..program.len() });
    }
    found
}

struct Reader<'t> {
    lexer: Lexer<'t>,
    found: Vec<Found<'t>>,
    /// What stands before the next token, for [`Lexer::next`].
    operand: Option<bool>,
    /// The kinds of open brackets, innermost last.
    open: Nesting<Bracket>,
    /// How many round brackets are open.
    round: u32,
    /// In a `print` or `printf` that started inside this many round brackets.
    print: Option<u32>,
    /// A `getline` stands earlier in this statement.
    getline: bool,
    /// The constant that the last tokens make, with where it starts.
    constant: Constant,
}

/// Whether the last tokens are a string constant that nothing is concatenated to from the left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Constant {
    None,
    /// A constant may start here.
    Possible,
    /// One may start here, in brackets that are a constant themselves if they hold nothing else.
    Open(usize),
    /// One string, or strings in brackets, starting here; inside such brackets or not.
    One {
        open: Option<usize>,
        start: usize,
    },
    /// Several strings since such brackets opened here.
    Many(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    /// A group, or the arguments of a call: an operand when it closes.
    Group,
    /// The head of `if`, `while`, `for`, `switch`: a statement follows.
    Head,
    Square,
    Curly,
}

impl<'t> Reader<'t> {
    fn new(program: &'t [u8], brackets: bool) -> Self {
        Self {
            lexer: Lexer::new(program, brackets),
            found: Vec::new(),
            operand: Some(false),
            open: Nesting::new(),
            round: 0,
            print: None,
            getline: false,
            constant: Constant::Possible,
        }
    }

    fn program(&mut self) -> Result<(), Unreadable> {
        let mut before = Token::Newline;
        // The head of a control statement follows.
        let mut head = false;
        loop {
            let token = self.lexer.next(self.operand)?;
            let start = self.lexer.start;
            let was = self.constant;
            self.constant = Constant::None;
            let mut next_head = false;
            let mut operand = Some(false);
            match token {
                Token::End => return if self.open.is_empty() { Ok(()) } else { Err(Unreadable) },
                Token::Name(name) => {
                    operand = self.name(name, start);
                    next_head = matches!(name, b"if" | b"while" | b"for" | b"switch");
                    if matches!(name, b"return" | b"do" | b"else") {
                        self.constant = Constant::Possible;
                    }
                }
                Token::Number | Token::Regex => operand = Some(true),
                Token::Text(text) => {
                    operand = Some(true);
                    if let Some(host) = network(text) {
                        self.push(Act::Network(host), start);
                    }
                    self.constant = match was {
                        Constant::Possible => Constant::One { open: None, start },
                        Constant::Open(open) => Constant::One { open: Some(open), start },
                        Constant::One { open: Some(open), .. } | Constant::Many(open) => Constant::Many(open),
                        Constant::One { open: None, .. } | Constant::None => Constant::None,
                    };
                }
                Token::Newline => {
                    // Newlines behind these continue the statement, however many there are.
                    if matches!(before, Token::Mark(b',' | b'?' | b':') | Token::Logic) {
                        self.constant = was;
                        continue;
                    }
                    self.end_of_statement();
                }
                Token::Mark(b';') => self.end_of_statement(),
                Token::Mark(b'{') => {
                    self.open.push(Bracket::Curly).ok_or(Unreadable)?;
                    self.end_of_statement();
                }
                Token::Mark(b'}') => {
                    self.close(Bracket::Curly)?;
                    self.end_of_statement();
                }
                Token::Mark(b'(') => {
                    self.open.push(if head { Bracket::Head } else { Bracket::Group }).ok_or(Unreadable)?;
                    self.round += 1;
                    let starts = !head && matches!(was, Constant::Possible | Constant::Open(_));
                    self.constant = if starts { Constant::Open(start) } else { Constant::Possible };
                }
                Token::Mark(b')') => {
                    self.round = self.round.saturating_sub(1);
                    let bracket = self.open.pop().ok_or(Unreadable)?;
                    match bracket {
                        Bracket::Group => operand = Some(true),
                        Bracket::Head => self.constant = Constant::Possible,
                        _ => return Err(Unreadable),
                    }
                    if let (Bracket::Group, Constant::One { open: Some(open), .. } | Constant::Many(open)) =
                        (bracket, was)
                    {
                        self.constant = Constant::One { open: None, start: open };
                    }
                }
                Token::Mark(b'[') => self.open.push(Bracket::Square).ok_or(Unreadable)?,
                Token::Mark(b']') => {
                    self.close(Bracket::Square)?;
                    operand = Some(true);
                }
                Token::Step => operand = if self.operand == Some(true) { Some(true) } else { None },
                Token::Mark(b'|') | Token::Coprocess => self.pipe(was, start),
                Token::Mark(b'>') if self.print == Some(self.round) => self.write(start),
                Token::Append => self.write(start),
                Token::Mark(b'<') if self.getline => self.read_file(start),
                Token::Mark(b'@') => self.at_sign(start)?,
                Token::Mark(b',' | b'?' | b':' | b'=') | Token::Logic => self.constant = Constant::Possible,
                Token::Mark(_) | Token::Operator => {}
            }
            head = next_head || head && token == Token::Newline;
            self.operand = operand;
            before = token;
        }
    }

    fn close(&mut self, bracket: Bracket) -> Result<(), Unreadable> {
        if self.open.pop() == Some(bracket) { Ok(()) } else { Err(Unreadable) }
    }

    fn end_of_statement(&mut self) {
        self.print = None;
        self.getline = false;
        self.constant = Constant::Possible;
    }

    /// A name; says whether an operand ends with it.
    fn name(&mut self, name: &'t [u8], start: usize) -> Option<bool> {
        match name {
            b"print" | b"printf" => self.print = Some(self.round),
            b"system" => {
                let mut ahead = self.lexer;
                let source = if ahead.next(Some(true)) == Ok(Token::Mark(b'(')) {
                    constant(&mut ahead, |token| token == Token::Mark(b')'))
                } else {
                    None
                };
                // `system("")` is how awk programs flush their output.
                if source.as_deref().is_none_or(|source| !source.trim_ascii().is_empty()) {
                    self.push(Act::Shell(source), start);
                }
            }
            b"getline" => {
                self.getline = true;
                return None;
            }
            b"ENVIRON" => self.push(Act::Environment, start),
            // What it is assigned to is what awk opens next.
            b"ARGV" => self.push(Act::Read(None), start),
            // Every variable and function by name.
            b"SYMTAB" | b"FUNCTAB" => self.push(Act::Opaque, start),
            b"if" | b"else" | b"while" | b"for" | b"do" | b"switch" | b"case" | b"default" | b"return"
            | b"exit" | b"in" | b"delete" | b"BEGIN" | b"END" | b"BEGINFILE" | b"ENDFILE" | b"func"
            | b"function" => {}
            _ => return Some(true),
        }
        Some(false)
    }

    /// `command | getline`, `print | command`, and both with `|&`.
    fn pipe(&mut self, before: Constant, start: usize) {
        let mut ahead = self.lexer;
        let command = match ahead.next(Some(false)) {
            Ok(Token::Name(b"getline")) => match before {
                Constant::One { start, .. } if self.print.is_none() => {
                    let mut again = self.lexer;
                    again.rewind(start);
                    whole_constant(&mut again)
                }
                _ => None,
            },
            _ if self.print.is_some() => constant(&mut self.lexer.clone(), ends_statement),
            _ => None,
        };
        match command.as_deref().and_then(network) {
            Some(host) => self.push(Act::Network(host), start),
            None => match command {
                Some(command) if is_filter(&command) => self.push(Act::Pipe(command), start),
                command => self.push(Act::Shell(command), start),
            },
        }
    }

    fn write(&mut self, start: usize) {
        let name = constant(&mut self.lexer.clone(), ends_statement);
        if !name.as_deref().is_some_and(is_standard_stream) {
            self.push(Act::Write(name), start);
        }
    }

    fn read_file(&mut self, start: usize) {
        let mut ahead = self.lexer;
        let mut name = None;
        if let Ok(Token::Text(text)) = ahead.next(Some(false)) {
            // What is concatenated to it belongs to the name for some awks.
            let alone = matches!(
                ahead.next(Some(true)),
                Ok(Token::Mark(b')' | b';' | b'}' | b'>' | b'<')
                    | Token::Newline
                    | Token::Logic
                    | Token::Operator
                    | Token::End)
            );
            let mut value = Cow::Borrowed(&[][..]);
            if alone && decode(&mut value, text).is_some() {
                name = Some(value);
            }
        }
        if !name.as_deref().is_some_and(|name| name == b"-" || is_standard_stream(name)) {
            self.push(Act::Read(name), start);
        }
    }

    /// `@include "file"`, `@load "extension"`, `@namespace "name"`, `@/regex/`, `@function()`.
    fn at_sign(&mut self, start: usize) -> Result<(), Unreadable> {
        let mut ahead = self.lexer;
        let path = match ahead.next(Some(false))? {
            Token::Regex => return Ok(()),
            Token::Name(b"namespace") => return Ok(()),
            Token::Name(b"include" | b"load") => constant(&mut ahead, ends_statement),
            _ => {
                self.push(Act::Opaque, start);
                return Ok(());
            }
        };
        self.push(Act::Load(path), start);
        Ok(())
    }

    fn push(&mut self, act: Act<'t>, start: usize) {
        self.found.push(Found { act, at: start..self.lexer.position() });
    }
}

/// What the strings from here to a token that `ends` say together; `None` if anything else is
/// among them.
fn constant<'t>(lexer: &mut Lexer<'t>, ends: impl Fn(Token<'t>) -> bool) -> Known<'t> {
    let mut value = Cow::Borrowed(&[][..]);
    let mut empty = true;
    loop {
        match lexer.next(Some(true)) {
            Ok(Token::Text(text)) => decode(&mut value, text)?,
            Ok(token) if !empty && ends(token) => return Some(value),
            _ => return None,
        }
        empty = false;
    }
}

/// One string, or strings in round brackets.
fn whole_constant<'t>(lexer: &mut Lexer<'t>) -> Known<'t> {
    match lexer.next(Some(false)).ok()? {
        Token::Mark(b'(') => constant(lexer, |token| token == Token::Mark(b')')),
        Token::Text(text) => {
            let mut value = Cow::Borrowed(&[][..]);
            decode(&mut value, text)?;
            Some(value)
        }
        _ => None,
    }
}

fn ends_statement(token: Token<'_>) -> bool {
    matches!(token, Token::Mark(b';' | b'}') | Token::Newline | Token::End)
}

/// The host of gawk's `/inet/protocol/local-port/host/remote-port`.
fn network(name: &[u8]) -> Option<Known<'static>> {
    let rest = name.strip_prefix(b"/inet")?;
    let rest = rest.strip_prefix(b"4").or_else(|| rest.strip_prefix(b"6")).unwrap_or(rest);
    let host = rest.strip_prefix(b"/")?.split(|&byte| byte == b'/').nth(2);
    let plain = |host: &&[u8]| !host.is_empty() && !host.contains(&b'\\');
    Some(host.filter(plain).map(|host| Cow::Owned(host.to_vec())))
}

fn is_standard_stream(name: &[u8]) -> bool {
    matches!(
        name,
        b"/dev/stdin" | b"/dev/stdout" | b"/dev/stderr" | b"/dev/fd/0" | b"/dev/fd/1" | b"/dev/fd/2"
    )
}

/// Whether a command is a word with flags and numbers, so that it works on nothing but what it is handed
/// (`sort -rn`, `date +%s`): behind another word it might take that for names (`xargs cat`).
fn is_filter(command: &[u8]) -> bool {
    let command = command.trim_ascii();
    let command = command.strip_suffix(b"1>&2").or_else(|| command.strip_suffix(b">&2")).unwrap_or(command);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-+%,.:_".contains(byte);
    let mut words = command.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let name = words.next().is_some_and(|name| name.iter().all(plain));
    name && words.all(|word| {
        let flag = matches!(word, [b'-' | b'+', _, ..]) || word.iter().all(u8::is_ascii_digit);
        flag && word.iter().all(plain)
    })
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::Awk;

    use super::super::testing::{check, harmless};

    #[test]
    fn programs_that_only_compute_do_nothing() {
        harmless(
            Awk,
            &[
                "",
                "{print $1}",
                "NR==1{print $2; exit}",
                "/system/ { print }",
                "$0 ~ /a\\/b/ && !/c|d/",
                "{ print $1 / $2, a[1] / 2, (x) / y, length / 2, NF/2 }",
                "{ sum += $1 } END { print sum/NR }",
                "{ i++ / 2; x /= 3 }",
                "BEGIN { FS = \":\"; OFS = \"\\t\" } { $1 = $1 } 1",
                "{ print \"system(\\\"id\\\")\" }",
                "{ print \"a > b | c\" }",
                "{ print (a > b) }",
                "{ print (a > b) ? 1 : 0, ($1 > 2) }",
                "$3 > 100 { print $1 }",
                "{ if ($1 > 2 && $2 < 3) print }",
                "{ if ($1 > 2) { print } else if (x < 1) next }",
                "{ print a >= b }",
                "{ x = a > b; print x }",
                "{ print > \"/dev/stderr\" }",
                "{ print \"x\" > \"/dev/\" \"stderr\" }",
                "{ printf(\"%s\\n\", $1) > \"/dev/stdout\" }",
                "{ gsub(/[^/]*$/, \"\"); print }",
                "{ gsub(/[/]/, \"x\") } 1",
                "{ gsub(/[[:space:]/]+/, \"\"); y = a / b }",
                "{ gsub(/\\//, \"_\"); print }",
                "a[$0]++ == 0",
                "!seen[$0]++",
                "{ for (i = NF; i > 0; i--) printf \"%s \", $i; print \"\" }",
                "{ while (i-- > 0) /x/ ; do i++; while (i < 3) }",
                "{ getline; print }",
                "{ getline line; print line }",
                "(getline line) > 0 { print }",
                "{ while ((getline line < \"-\") > 0) n++ }",
                "function f(a, b) { return a < b ? a : b }\n{ print f($1, $2) }",
                "BEGIN { print 1 # system(\"id\")\n}",
                "BEGIN { system(\"\") }",
                "BEGIN { close(\"x\"); fflush() }",
                "{ switch ($1) { case /a/: print; break; case \"b\": default: next } }",
                "{ print \"x\\\ny\", 1, \\\n 2 }",
                "BEGIN { print length(\"abc\") substr(\"x\", 1) toupper(\"y\") }",
                "{ print a || b }",
                "NR % 2 { delete a[1]; print 1e3 .5 3. }",
                "$1 ~ \"^a\", /b/",
                "BEGIN { PROCINFO[\"sorted_in\"] = \"@ind_num_asc\" }",
                "{ x = @/re/ }",
            ],
        );
    }

    #[test]
    fn programs_files_and_connections_are_found() {
        check(
            Awk,
            &[
                ("BEGIN{system(\"touch pwned\")}", &["shell:touch pwned"]),
                ("BEGIN{system (\"a\" \"b\\tc\")}", &["shell:ab\tc"]),
                ("BEGIN{system(\"rm \" $1)}", &["shell:?"]),
                ("BEGIN{system(cmd)}", &["shell:?"]),
                ("BEGIN{awk::system(\"id\")}", &["shell:id"]),
                ("BEGIN{system(\"\\x69d\")}", &["shell:?"]),
                ("{print > \"pwned\"}", &["write:pwned"]),
                ("{print $1, $2 >> \"pwned\"; x}", &["write:pwned"]),
                ("{print > $1 \".txt\"}", &["write:?"]),
                ("{print>FILENAME}", &["write:?"]),
                ("{printf \"%s\", (a > b) > \"f\"}", &["write:f"]),
                ("{print (1)(2) > \"f\"}", &["write:f"]),
                ("{print a,\n b > \"f\"}", &["write:f"]),
                ("{print a ?\n b : c > \"f\"}", &["write:f"]),
                ("{if (x) print > \"f\"; else print > \"g\"}", &["write:f", "write:g"]),
                ("{print | \"sh\"}", &["pipe:sh"]),
                ("{print \"x\" | \"cat 1>&2\"}", &["pipe:cat 1>&2"]),
                ("{printf(\"x\") | cmd}", &["shell:?"]),
                ("{\"date\" | getline; print}", &["pipe:date"]),
                ("{while (\"date\" | getline d) print d}", &["pipe:date"]),
                ("{while ((\"da\" \"te\" | getline d) > 0) print d}", &["shell:?"]),
                ("{while (((\"da\" \"te\") | getline d) > 0) print d}", &["pipe:date"]),
                ("{x = \"date\" | getline}", &["pipe:date"]),
                ("{x \"date\" | getline}", &["shell:?"]),
                ("{\"a\" \"date\" | getline}", &["shell:?"]),
                ("{close($0|getline)}", &["shell:?"]),
                ("{print \"date\" | getline}", &["shell:?"]),
                ("{\"sort\" |& getline}", &["pipe:sort"]),
                ("{print |& \"sort\"}", &["pipe:sort"]),
                (
                    "BEGIN{s=\"/inet/tcp/0/10.0.0.1/443\"; while((s|&getline l)>0) system(l)}",
                    &["network:10.0.0.1", "shell:?", "shell:?"],
                ),
                ("BEGIN{print |& \"/in\" \"et4/tcp/0/h/1\"}", &["network:h"]),
                ("{while ((getline l < \"/etc/passwd\") > 0) print l}", &["read:/etc/passwd"]),
                ("{getline < FILENAME}", &["read:?"]),
                ("{getline x[1] < \"a\" \"b\"}", &["read:?"]),
                ("BEGIN{ARGV[1] = \"/etc/shadow\"; ARGC = 2}", &["read:?"]),
                ("BEGIN{print ENVIRON[\"HOME\"]}", &["environment"]),
                ("BEGIN{for (k in ENVIRON) print k}", &["environment"]),
                ("BEGIN{f = \"x\"; @f(1)}", &["opaque"]),
                ("BEGIN{print SYMTAB[\"x\"]}", &["opaque"]),
                ("@load \"filefuncs\"\nBEGIN{}", &["load:filefuncs"]),
                ("@include \"x.awk\"", &["load:x.awk"]),
                ("{ x = 4 / 2; system(\"id\") / 1 }", &["shell:id"]),
                ("{ if (1) /x; y/ ; system(\"id\") }", &["shell:id"]),
                ("{ print \"\\\\\"; system(\"id\") }", &["shell:id"]),
                ("{ /[/; system(\"id\"); #]/\n}", &["shell:id"]),
                ("{ /[/]/; system(\"id\"); /]/ }", &["shell:id"]),
                ("# system(\nBEGIN{system(\"id\")}", &["shell:id"]),
            ],
        );
    }

    #[test]
    fn what_awk_refuses_is_opaque() {
        for program in [
            "{",
            "}",
            "(",
            "{(}",
            "\"a",
            "{/a",
            "{print \"a\nb\"}",
            "{ x++ / 2",
            "'",
            "{`id`}",
            "1 # \\\n{x}",
        ] {
            check(Awk, &[(program, &["opaque"])]);
        }
        let deep = format!("{{print {}1{}}}", "(".repeat(100), ")".repeat(100));
        check(Awk, &[(&deep, &["opaque"])]);
    }

    #[test]
    fn every_prefix_of_a_program_can_be_read() {
        let program = b"@load \"x\" BEGIN{while((\"a\\\"\"|getline x[1]<\"f\")>0) print /[/]\\//,a/b > \"/inet/tcp/\" |& @f(\n)}";
        for end in 0..program.len() {
            let _ = super::read(&program[..end]);
        }
    }
}
