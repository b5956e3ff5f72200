//! Whether the rest of a line is strict JSON, looked at once, byte by byte, and eight at a time
//! within strings.

use super::damage::Malformed;

/// How deep values may be nested, the line's object included.
const DEPTH: usize = 100;
/// More members than a record can have are compared with each other all the same.
const EXPECTED: usize = 32;

type Checked<T> = Result<T, (Malformed, usize)>;

/// Checks a line from behind the value of its `kind` on. The error has the place of the byte.
pub(super) fn check(line: &[u8], from: usize) -> Checked<()> {
    let mut text = Text { line, at: from, plain: true };
    text.members()?;
    if text.at != line.len() {
        return Err((Malformed::Json, text.at));
    }
    if !text.plain
        && let Err(error) = std::str::from_utf8(line)
    {
        return Err((Malformed::Utf8, error.valid_up_to()));
    }
    Ok(())
}

struct Text<'l> {
    line: &'l [u8],
    at: usize,
    /// Whether only ASCII was seen.
    plain: bool,
}

impl<'l> Text<'l> {
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn bad<T>(&self) -> Checked<T> {
        Err((Malformed::Json, self.at))
    }

    fn take(&mut self, byte: u8) -> Checked<()> {
        if self.peek() != Some(byte) {
            return self.bad();
        }
        self.at += 1;
        Ok(())
    }

    /// `,"name":value` as often as it comes, and the brace that closes the line.
    fn members(&mut self) -> Checked<()> {
        let mut names: Vec<&[u8]> = Vec::new();
        // One bit for each pair of a length and a first letter that was seen.
        let mut seen = 0_u64;
        for name in [&b"v"[..], b"prev", b"seq", b"timestamp", b"kind"] {
            seen |= bit(name);
        }
        loop {
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.bad(),
            }
            let start = self.at;
            self.take(b'"')?;
            let name = self.name()?;
            let mark = bit(name);
            if seen & mark != 0
                && (names.contains(&name) || matches!(name, b"v" | b"prev" | b"seq" | b"timestamp" | b"kind"))
            {
                return Err((Malformed::DuplicateName, start));
            }
            seen |= mark;
            if names.is_empty() {
                names.reserve(EXPECTED);
            }
            names.push(name);
            self.take(b':')?;
            self.value()?;
        }
    }

    /// A name of the line's own object, behind its first quotation mark: it has no escapes.
    fn name(&mut self) -> Checked<&'l [u8]> {
        let start = self.at;
        loop {
            self.at = self.skip_plain();
            match self.peek() {
                Some(b'"') => {
                    let name = self.line.get(start..self.at).unwrap_or_default();
                    if name.is_empty() {
                        return self.bad();
                    }
                    self.at += 1;
                    return Ok(name);
                }
                Some(b'\\') => return Err((Malformed::EscapedName, self.at)),
                Some(byte) if byte >= 0x80 => {
                    self.plain = false;
                    self.at += 1;
                }
                _ => return Err((Malformed::Control, self.at)),
            }
        }
    }

    /// One value, with everything in it. The stack is a bit for each open object or array.
    fn value(&mut self) -> Checked<()> {
        let mut objects: u128 = 0;
        let mut depth = 1;
        loop {
            // A value begins here.
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.string()?;
                }
                Some(open @ (b'{' | b'[')) => {
                    self.at += 1;
                    let close = if open == b'{' { b'}' } else { b']' };
                    if self.peek() == Some(close) {
                        self.at += 1;
                    } else {
                        if depth == DEPTH {
                            return Err((Malformed::TooDeep, self.at));
                        }
                        depth += 1;
                        objects = objects << 1 | u128::from(open == b'{');
                        if open == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                _ => return self.bad(),
            }
            // A value ended here; so may what it is in.
            loop {
                if depth == 1 {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(byte) if byte == if object { b'}' } else { b']' } => {
                        self.at += 1;
                        objects >>= 1;
                        depth -= 1;
                    }
                    _ => return self.bad(),
                }
            }
        }
    }

    fn key(&mut self) -> Checked<()> {
        self.take(b'"')?;
        self.string()?;
        self.take(b':')
    }

    fn word(&mut self, word: &[u8]) -> Checked<()> {
        if self.line.get(self.at..self.at + word.len()) != Some(word) {
            return self.bad();
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Checked<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Checked<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { self.bad() } else { Ok(()) }
    }

    /// A string, behind its first quotation mark.
    fn string(&mut self) -> Checked<()> {
        loop {
            self.at = self.skip_plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(byte) if byte >= 0x80 => {
                    self.plain = false;
                    self.at += 1;
                }
                _ => return Err((Malformed::Control, self.at)),
            }
        }
    }

    fn escape(&mut self) -> Checked<()> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                match self.unit()? {
                    0xd800..=0xdbff => {
                        self.word(b"\\u")?;
                        match self.unit()? {
                            0xdc00..=0xdfff => Ok(()),
                            _ => Err((Malformed::Surrogate, start)),
                        }
                    }
                    0xdc00..=0xdfff => Err((Malformed::Surrogate, start)),
                    _ => Ok(()),
                }
            }
            _ => self.bad(),
        }
    }

    fn unit(&mut self) -> Checked<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            match self.peek().and_then(|byte| char::from(byte).to_digit(16)) {
                Some(digit) => unit = unit << 4 | digit,
                None => return self.bad(),
            }
            self.at += 1;
        }
        Ok(unit)
    }

    /// The place of the first byte that is not a plain ASCII character of a string: a quotation mark,
    /// a backslash, a control character or the part of another character.
    #[inline]
    fn skip_plain(&self) -> usize {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = 0x8080_8080_8080_8080;
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let mut at = self.at;
        let mut rest = self.line.get(at..).unwrap_or_default();
        while let Some((eight, more)) = rest.split_first_chunk::<8>() {
            let word = u64::from_le_bytes(*eight);
            let quote = zero(word ^ (ONES * 0x22));
            let slash = zero(word ^ (ONES * 0x5c));
            let control = word.wrapping_sub(ONES * 0x20) & !word;
            // A borrow can only set bits above the first one that is rightly set.
            let found = (quote | slash | control | word) & HIGH;
            if found != 0 {
                return at + found.trailing_zeros() as usize / 8;
            }
            at += 8;
            rest = more;
        }
        at + rest
            .iter()
            .take_while(|&&byte| (0x20..0x80).contains(&byte) && byte != b'"' && byte != b'\\')
            .count()
    }
}

/// A bit for a name, by its length and its first letter.
fn bit(name: &[u8]) -> u64 {
    let first = name.first().copied().unwrap_or_default();
    1 << ((name.len() * 7 + usize::from(first)) % 64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checked(rest: &str) -> Checked<()> {
        check(rest.as_bytes(), 0)
    }

    #[test]
    fn strict_json_passes() {
        for good in [
            "}",
            r#","a":1}"#,
            r#","a":"","b":[],"c":{},"d":[{}],"e":[[],{}],"f":{"x":[1,2,{"y":null}]}}"#,
            r#","a":-0.5e+10,"b":0,"c":1E9,"d":true,"e":false,"f":null}"#,
            r#","a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀 0123456789"}"#,
            r#","a":{"a":1,"a":2},"é":1}"#,
        ] {
            assert_eq!(checked(good), Ok(()), "{good}");
        }
        let deep = format!(",\"a\":{}1{}}}", "[".repeat(99), "]".repeat(99));
        assert_eq!(checked(&deep), Ok(()));
    }

    #[test]
    fn anything_else_does_not() {
        for (bad, why, at) in [
            ("", Malformed::Json, 0),
            ("}}", Malformed::Json, 1),
            (r#","a":1"#, Malformed::Json, 6),
            (r#","a":1,}"#, Malformed::Json, 7),
            (r#", "a":1}"#, Malformed::Json, 1),
            (r#","a": 1}"#, Malformed::Json, 5),
            (r#","a":01}"#, Malformed::Json, 6),
            (r#","a":1.}"#, Malformed::Json, 7),
            (r#","a":.1}"#, Malformed::Json, 5),
            (r#","a":-}"#, Malformed::Json, 6),
            (r#","a":1e}"#, Malformed::Json, 7),
            (r#","a":+1}"#, Malformed::Json, 5),
            (r#","a":NaN}"#, Malformed::Json, 5),
            (r#","a":nul}"#, Malformed::Json, 5),
            (r#","a":[1,]}"#, Malformed::Json, 8),
            (r#","a":[1}"#, Malformed::Json, 7),
            (r#","a":{"b"}}"#, Malformed::Json, 9),
            (r#","a":{1:2}}"#, Malformed::Json, 6),
            (r#","a":"\x"}"#, Malformed::Json, 7),
            (r#","a":"\u12g4"}"#, Malformed::Json, 10),
            (r#","a":"\ud800"}"#, Malformed::Json, 12),
            (r#","a":"\ud800\u0041"}"#, Malformed::Surrogate, 6),
            (r#","a":"\udc00"}"#, Malformed::Surrogate, 6),
            (",\"a\":\"x\u{1f}\"}", Malformed::Control, 7),
            (",\"a\":\"long enough \0\"}", Malformed::Control, 18),
            (",\"a\":\"open", Malformed::Control, 10),
            (r#","":1}"#, Malformed::Json, 2),
            (r#","a":1,"b":2,"a":3}"#, Malformed::DuplicateName, 13),
            (r#","kind":"x"}"#, Malformed::DuplicateName, 1),
            (r#","v":1}"#, Malformed::DuplicateName, 1),
            (r#","\u0061":1}"#, Malformed::EscapedName, 2),
        ] {
            assert_eq!(checked(bad), Err((why, at)), "{bad}");
        }
        let deep = format!(",\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100));
        assert_eq!(checked(&deep), Err((Malformed::TooDeep, 105)));
        assert_eq!(check(b",\"a\":\"\xff\"}", 0), Err((Malformed::Utf8, 6)));
        assert_eq!(check(b",\"a\":\"\xed\xa0\x80\"}", 0), Err((Malformed::Utf8, 6)));
    }

    proptest! {
        #[test]
        fn what_serde_writes_passes(text in "\\PC{0,40}", raw: String, number: f64, deep in prop::collection::btree_map("\\PC{0,9}", any::<Option<i64>>(), 0..5)) {
            let value = serde_json::json!({ "text": text, "raw": raw, "number": number, "deep": deep, "list": [deep, [], text] });
            let line = format!(",{}", serde_json::to_string(&value).unwrap().strip_prefix('{').unwrap());
            prop_assert_eq!(checked(&line), Ok(()));
        }

        #[test]
        fn what_passes_is_read_by_serde(rest in r#"(,"[ab]{1,2}":(-?[0-9]{1,2}(\.[0-9])?|"[a-c\\u0-9"]{0,7}"|\[[0-9,\[\]]{0,4}\]|\{("a":1,?){0,2}\}|null)){0,3}\}"#) {
            let whole = format!("{{\"kind\":\"x\"{rest}");
            let passes = check(whole.as_bytes(), 11).is_ok();
            let read = serde_json::from_str::<serde_json::Value>(&whole);
            prop_assert!(!passes || read.is_ok(), "{}", whole);
            if let Ok(read) = read {
                let names = whole.matches("\":").count();
                // What serde reads and we do not has a name twice.
                prop_assert!(passes || read.as_object().unwrap().len() < names, "{}", whole);
            }
        }

        #[test]
        fn any_bytes_are_checked(bytes: Vec<u8>) {
            if check(&bytes, 0).is_ok() {
                std::str::from_utf8(&bytes).unwrap();
            }
        }
    }
}
