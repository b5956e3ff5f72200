//! Reads sed scripts, as GNU sed does: which of their commands run programs or touch files.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::{Act, Found, Known, join};

/// Reads a sed script.
///
/// Versions of sed disagree about whether the delimiter of a regular expression ends it inside a
/// bracket expression (`s/[/]/x/`): where that matters, both readings count.
pub(super) fn read(script: &[u8]) -> Vec<Found<'_>> {
    let mut first = Reader::new(script, true);
    let mut readable = first.script().is_some();
    let stop = first.cursor.position();
    let mut found = first.found;
    if first.ambiguous {
        let mut second = Reader::new(script, false);
        readable |= second.script().is_some();
        join(&mut found, second.found);
    }
    if !readable {
        found.push(Found { act: Act::Opaque, at: stop.saturating_sub(1)..script.len() });
    }
    found
}

struct Reader<'t> {
    cursor: Cursor<'t>,
    /// Whether a bracket expression hides the delimiter.
    brackets: bool,
    /// Whether that made a difference so far.
    ambiguous: bool,
    blocks: usize,
    found: Vec<Found<'t>>,
}

impl<'t> Reader<'t> {
    fn new(script: &'t [u8], brackets: bool) -> Self {
        Self { cursor: Cursor::new(script), brackets, ambiguous: false, blocks: 0, found: Vec::new() }
    }

    /// Every command of the script; `None` where sed would refuse it.
    fn script(&mut self) -> Option<()> {
        loop {
            self.cursor.eat_while(|byte| byte == b';' || byte.is_ascii_whitespace() || byte == 0x0b);
            if self.cursor.is_at_end() {
                return (self.blocks == 0).then_some(());
            }
            self.addresses()?;
            self.blanks();
            if self.cursor.eat(b'!') {
                self.blanks();
            }
            self.command()?;
        }
    }

    fn command(&mut self) -> Option<()> {
        let start = self.cursor.position();
        match self.cursor.next()? {
            b'{' => {
                self.blocks += 1;
                Some(())
            }
            b'}' => {
                self.blocks = self.blocks.checked_sub(1)?;
                self.end_of_command()
            }
            b'#' => {
                self.rest_of_line();
                Some(())
            }
            b'=' | b'd' | b'D' | b'F' | b'g' | b'G' | b'h' | b'H' | b'n' | b'N' | b'p' | b'P' | b'x'
            | b'z' => self.end_of_command(),
            b'l' | b'L' | b'q' | b'Q' => {
                self.blanks();
                self.cursor.eat_while(|byte| byte.is_ascii_digit());
                self.end_of_command()
            }
            // A label ends at a blank or `;`; what follows is read as the next command, which is
            // the stricter reading where a sed would take more of the line.
            b':' => {
                self.blanks();
                let label = self.cursor.eat_while(|byte| byte != b';' && !byte.is_ascii_whitespace());
                (!label.is_empty()).then_some(())
            }
            b'b' | b't' | b'T' | b'v' => {
                self.blanks();
                self.cursor.eat_while(|byte| byte != b';' && byte != b'}' && !byte.is_ascii_whitespace());
                Some(())
            }
            b'a' | b'i' | b'c' => {
                self.blanks();
                if self.cursor.is_at_end() {
                    return None;
                }
                self.text();
                Some(())
            }
            b'e' => {
                self.execute(start);
                Some(())
            }
            b'r' | b'R' => self.file(start, Act::Read),
            b'w' | b'W' => self.file(start, Act::Write),
            b's' => self.substitute(start),
            b'y' => {
                let delimiter = self.delimiter()?;
                self.delimited(delimiter, false)?;
                self.delimited(delimiter, false)?;
                self.end_of_command()
            }
            _ => None,
        }
    }

    /// `1`, `$`, `/re/I`, `\cREc`, `first~step`, and after a comma also `+n` and `~n`.
    fn addresses(&mut self) -> Option<()> {
        if !self.address(false)? {
            return Some(());
        }
        self.blanks();
        if self.cursor.eat(b',') {
            self.blanks();
            return self.address(true)?.then_some(());
        }
        Some(())
    }

    fn address(&mut self, second: bool) -> Option<bool> {
        match self.cursor.peek() {
            Some(b'0'..=b'9') => {
                self.digits();
                self.blanks();
                if self.cursor.eat(b'~') {
                    self.blanks();
                    return self.digits().then_some(true);
                }
            }
            Some(b'+' | b'~') if second => {
                self.cursor.skip(1);
                self.blanks();
                return self.digits().then_some(true);
            }
            Some(b'$') => self.cursor.skip(1),
            Some(first @ (b'/' | b'\\')) => {
                self.cursor.skip(1);
                let delimiter = if first == b'\\' { self.delimiter()? } else { b'/' };
                self.delimited(delimiter, true)?;
                self.cursor.eat_while(|byte| matches!(byte, b'I' | b'M' | b' ' | b'\t'));
            }
            _ => return Some(false),
        }
        Some(true)
    }

    fn substitute(&mut self, start: usize) -> Option<()> {
        let delimiter = self.delimiter()?;
        self.delimited(delimiter, true)?;
        self.delimited(delimiter, false)?;
        loop {
            match self.cursor.peek() {
                None | Some(b'}' | b'#') => return Some(()),
                Some(b'\n' | b';') => {
                    self.cursor.skip(1);
                    return Some(());
                }
                Some(b'\r') if self.cursor.peek_at(1) == Some(b'\n') => self.cursor.skip(1),
                Some(b'g' | b'p' | b'i' | b'I' | b'm' | b'M' | b'0'..=b'9' | b' ' | b'\t') => {
                    self.cursor.skip(1)
                }
                Some(b'e') => {
                    self.cursor.skip(1);
                    self.push(Act::Shell(None), start);
                }
                Some(b'w') => {
                    self.cursor.skip(1);
                    return self.file(start, Act::Write);
                }
                Some(_) => return None,
            }
        }
    }

    /// The rest of the line is a shell command; none means that the input is.
    fn execute(&mut self, start: usize) {
        self.blanks();
        let text = self.cursor.position();
        self.text();
        let source = self.cursor.since(text).strip_suffix(b"\n").unwrap_or(self.cursor.since(text));
        // sed decodes escapes in it, and versions differ in how.
        let known = (!source.is_empty() && !source.contains(&b'\\')).then_some(Cow::Borrowed(source));
        self.push(Act::Shell(known), start);
    }

    /// A file name: the rest of the line.
    fn file(&mut self, start: usize, act: fn(Known<'t>) -> Act<'t>) -> Option<()> {
        self.blanks();
        let name = self.rest_of_line();
        if name.is_empty() {
            return None;
        }
        if !matches!(name, b"/dev/stdin" | b"/dev/stdout" | b"/dev/stderr") {
            self.push(act(Some(Cow::Borrowed(name))), start);
        }
        // Some seds end the name at `;` or `}`, and what follows is a command to them.
        if name.iter().any(|byte| matches!(byte, b';' | b'}')) {
            self.push(Act::Opaque, start);
        }
        Some(())
    }

    /// The text of `a`, `i`, `c` and `e`: up to a newline that no backslash precedes.
    fn text(&mut self) {
        while let Some(byte) = self.cursor.next() {
            match byte {
                b'\\' => self.cursor.skip(1),
                b'\n' => return,
                _ => {}
            }
        }
    }

    fn delimiter(&mut self) -> Option<u8> {
        self.cursor.next().filter(|&byte| byte != b'\n' && byte != b'\\')
    }

    /// Moves behind the next `delimiter` that is not escaped.
    fn delimited(&mut self, delimiter: u8, regex: bool) -> Option<()> {
        while let Some(byte) = self.cursor.next() {
            if byte == delimiter {
                return Some(());
            }
            match byte {
                b'\\' => self.cursor.skip(1),
                b'\n' => return None,
                b'[' if regex && self.brackets => self.bracket(delimiter),
                _ => {}
            }
        }
        None
    }

    /// Moves behind a bracket expression whose `[` was just taken.
    fn bracket(&mut self, delimiter: u8) {
        let start = self.cursor.position();
        self.cursor.eat(b'^');
        self.cursor.eat(b']');
        loop {
            match self.cursor.next() {
                None | Some(b'\n') => break,
                Some(b']') => {
                    self.ambiguous |= self.cursor.since(start).contains(&delimiter);
                    return;
                }
                Some(b'[') => {
                    let Some(class) = self.cursor.peek().filter(|byte| matches!(byte, b':' | b'.' | b'='))
                    else {
                        continue;
                    };
                    let mut ahead = self.cursor;
                    ahead.skip(1);
                    ahead.eat_while(|byte| byte != b'\n' && byte != class && byte != b']');
                    if ahead.eat_all(&[class, b']']) {
                        self.cursor = ahead;
                    }
                }
                Some(_) => {}
            }
        }
        // Not closed: no bracket expression to those who look for the delimiter first.
        self.ambiguous = true;
    }

    fn end_of_command(&mut self) -> Option<()> {
        self.blanks();
        match self.cursor.peek() {
            None | Some(b'}' | b'#') => Some(()),
            Some(b'\n' | b';') => {
                self.cursor.skip(1);
                Some(())
            }
            Some(b'\r') if self.cursor.peek_at(1) == Some(b'\n') => Some(()),
            Some(_) => None,
        }
    }

    fn digits(&mut self) -> bool {
        !self.cursor.eat_while(|byte| byte.is_ascii_digit()).is_empty()
    }

    fn blanks(&mut self) {
        self.cursor.eat_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c));
    }

    fn rest_of_line(&mut self) -> &'t [u8] {
        let line = self.cursor.eat_while(|byte| byte != b'\n');
        self.cursor.eat(b'\n');
        line
    }

    fn push(&mut self, act: Act<'t>, start: usize) {
        self.found.push(Found { act, at: start..self.cursor.position() });
    }
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::Sed;

    use super::super::testing::{check, harmless};

    #[test]
    fn edits_of_the_stream_do_nothing_else() {
        harmless(
            Sed,
            &[
                "",
                "1,200p",
                "260,640p",
                "$d",
                "$!N",
                "/a/,/b/{s/x/y/g;p}",
                "0~3p",
                "2~4!d",
                "0,/x/s//y/",
                "/start/,+3d",
                "1,~4p",
                r"\,/etc/passwd,d",
                r"\cREGEXc p",
                "/x/I,/y/M p",
                "s/e/w/",
                "s,a,b,gI3p",
                "s|/etc|/usr|2g",
                "s#a#b# # a comment: w pwned",
                "s/a/b/ ; s/c/d/ }".trim_end_matches(" }"),
                "s/w pwned/e/",
                r"s/\/e/\/w/",
                "s/[/]/x/g",
                "s/[^/]*$//",
                "s/[]/]/_/",
                "s/[[:alpha:]/]/_/",
                "s/a/b\\\nc/",
                r"s/\[/(/;s/\]/)/",
                "s1x1y1",
                "y/abc/xyz/",
                r"y/\//e/",
                ":a;N;$!ba;s/\\n/ /g",
                ":a;/x$/{N;s/x\\n//;ba}",
                "x;G;1!h;s/\\n/ /;$!d",
                "a e touch pwned",
                "a\\\ne touch pwned",
                "a\\\ntwo \\\ne lines",
                "1i\\  text; w pwned",
                "$a\\",
                "/x/c\\\nchanged; e id",
                "# e touch pwned\np",
                "#n\np",
                "1!G;h;$!d",
                "=",
                "l 5;q 3",
                "Q5",
                "z;F",
                "v 4.2\np",
                "{p;p};{;p;}",
                "n;d",
                "w /dev/stdout",
                "s/a/b/w /dev/stderr",
                "r /dev/stdin",
                "t end;s/a/b/;:end",
                "p;;;  ;p\n\np",
            ],
        );
    }

    #[test]
    fn programs_and_files_are_found() {
        check(
            Sed,
            &[
                ("1e touch pwned", &["shell:touch pwned"]),
                ("e", &["shell:?"]),
                ("$!{e\n}", &["shell:?"]),
                ("p;e rm -rf x; p\np", &["shell:rm -rf x; p"]),
                ("e\\\nid", &["shell:?"]),
                (r"e echo a\tb", &["shell:?"]),
                ("/a/,/b/ ! e id", &["shell:id"]),
                ("s/.*/touch pwned/e", &["shell:?"]),
                ("s/a/b/ge;p", &["shell:?"]),
                ("s/a/b/ew f", &["shell:?", "write:f"]),
                ("s;a;b;e", &["shell:?"]),
                ("s\u{7}a\u{7}b\u{7}e", &["shell:?"]),
                ("s/a/b/w pwned", &["write:pwned"]),
                ("1,5p;w pwned", &["write:pwned"]),
                ("w /root/.bashrc", &["write:/root/.bashrc"]),
                ("W f\nw g", &["write:f", "write:g"]),
                ("w a b c", &["write:a b c"]),
                ("w x;e id", &["write:x;e id", "opaque"]),
                ("r /etc/passwd", &["read:/etc/passwd"]),
                ("R/etc/passwd", &["read:/etc/passwd"]),
                ("y/a/b/;e id", &["shell:id"]),
                (r"\ewe e id", &["shell:id"]),
                ("/[/]/e id", &["shell:id"]),
                ("s/[/x/;e id", &["shell:id"]),
                ("s/[/]/;e id;#]/", &["shell:id;#]/"]),
                ("a\\\ntext\ne id", &["shell:id"]),
                ("a text\\\\\ne id", &["shell:id"]),
                ("b foo e id", &["shell:id"]),
                (":a;e id", &["shell:id"]),
                ("bx}e id", &["opaque"]),
                ("#n\ne id", &["shell:id"]),
            ],
        );
    }

    #[test]
    fn what_sed_refuses_is_opaque() {
        for script in [
            "k",
            "p p",
            "}",
            "{",
            "s/a/b",
            "s/a",
            "y/a/b",
            "s/a/b/k",
            "1,p",
            "~3p",
            "a",
            "w",
            "r",
            ":",
            "1~",
            "s\na\nb\n",
            "/a",
        ] {
            check(Sed, &[(script, &["opaque"])]);
        }
    }

    #[test]
    fn every_prefix_of_a_script_can_be_read() {
        let script = b"1,5!{s/[/]\\//x/gw f\n};\\,a,I,~3y/a/b/;a\\\nx\\\ny\n:a;ta}e id";
        for end in 0..script.len() {
            let _ = super::read(&script[..end]);
        }
    }
}
