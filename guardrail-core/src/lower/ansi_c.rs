//! Escapes: `$'...'`, `echo -e`, `printf` formats and `${x@E}`, decoded as bash does.

/// Which of bash's escape dialects is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `$'...'`
    Quote,
    /// `echo -e` and `printf %b`: octal needs a leading zero, `\c` ends the output.
    Echo,
    /// The format of `printf`: as a quote, but `\c` means nothing.
    Format,
}

/// Appends the decoded text. False where it ends early (`\c`, or a zero byte in a quote).
pub(super) fn decode(text: &[u8], dialect: Dialect, out: &mut Vec<u8>) -> bool {
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        if *byte != b'\\' {
            out.push(*byte);
            rest = tail;
            continue;
        }
        let Some((&escape, after)) = tail.split_first() else {
            out.push(b'\\');
            return true;
        };
        rest = after;
        let quote = dialect == Dialect::Quote;
        match escape {
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'e' | b'E' => out.push(27),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'\\' => out.push(b'\\'),
            b'\'' | b'"' | b'?' if dialect != Dialect::Echo => out.push(escape),
            b'0'..=b'7' if dialect != Dialect::Echo || escape == b'0' => {
                // `echo` counts its zero apart: `\0nnn`.
                let start = if dialect == Dialect::Echo { after } else { tail };
                let (value, digits) = number(start, 8, 3);
                rest = start.get(digits..).unwrap_or_default();
                let byte = (value & 0xff) as u8;
                if byte == 0 && quote {
                    return false;
                }
                out.push(byte);
            }
            b'x' => {
                let braced = quote && after.first() == Some(&b'{');
                let digits_at = if braced { after.get(1..).unwrap_or_default() } else { after };
                let (value, digits) = number(digits_at, 16, if braced { 16 } else { 2 });
                if digits == 0 && !braced {
                    out.extend_from_slice(b"\\x");
                    continue;
                }
                rest = digits_at.get(digits..).unwrap_or_default();
                if braced && rest.first() == Some(&b'}') {
                    rest = rest.get(1..).unwrap_or_default();
                }
                let byte = (value & 0xff) as u8;
                if byte == 0 && quote {
                    return false;
                }
                out.push(byte);
            }
            b'u' | b'U' => {
                let (value, digits) = number(after, 16, if escape == b'u' { 4 } else { 8 });
                if digits == 0 {
                    out.extend_from_slice(&[b'\\', escape]);
                    continue;
                }
                rest = after.get(digits..).unwrap_or_default();
                if value == 0 && quote {
                    return false;
                }
                utf8(value, out);
            }
            b'c' if quote => {
                let Some((&control, after)) = after.split_first() else {
                    out.extend_from_slice(b"\\c");
                    return true;
                };
                rest = after;
                // `\c\\` is one escape: the second backslash belongs to it.
                if control == b'\\' && rest.first() == Some(&b'\\') {
                    rest = rest.get(1..).unwrap_or_default();
                }
                let byte = if control == b'?' { 0x7f } else { control.to_ascii_uppercase() & 0x1f };
                if byte == 0 {
                    return false;
                }
                out.push(byte);
            }
            b'c' if dialect == Dialect::Echo => return false,
            _ => out.extend_from_slice(&[b'\\', escape]),
        }
    }
    true
}

/// The number in the leading digits of `text`, and how many there were, at most `most`.
fn number(text: &[u8], radix: u32, most: usize) -> (u64, usize) {
    let mut value = 0u64;
    let mut count = 0;
    for &byte in text.iter().take(most) {
        let Some(digit) = (byte as char).to_digit(radix) else { break };
        value = value.wrapping_mul(u64::from(radix)).wrapping_add(u64::from(digit));
        count += 1;
    }
    (value, count)
}

/// UTF-8 as bash writes it: also for surrogates and beyond Unicode, which `char` refuses.
fn utf8(value: u64, out: &mut Vec<u8>) {
    let low = |shift: u32| 0x80 | ((value >> shift) & 0x3f) as u8;
    match value {
        0..0x80 => out.push(value as u8),
        0x80..0x800 => out.extend([0xc0 | (value >> 6) as u8, low(0)]),
        0x800..0x1_0000 => out.extend([0xe0 | (value >> 12) as u8, low(6), low(0)]),
        0x1_0000..0x20_0000 => out.extend([0xf0 | (value >> 18) as u8, low(12), low(6), low(0)]),
        0x20_0000..0x400_0000 => {
            out.extend([0xf8 | (value >> 24) as u8, low(18), low(12), low(6), low(0)]);
        }
        _ => out.extend([0xfc | ((value >> 30) & 1) as u8, low(24), low(18), low(12), low(6), low(0)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        decode(text.as_bytes(), Dialect::Quote, &mut out);
        out
    }

    #[test]
    fn quotes() {
        assert_eq!(quote(r"\x72m"), b"rm");
        assert_eq!(quote(r"\162\155"), b"rm");
        assert_eq!(quote(r"\u72\U0000006d"), b"rm");
        assert_eq!(quote(r"a\0b"), b"a");
        assert_eq!(quote(r"\ca\e\'\q"), b"\x01\x1b'\\q");
        assert_eq!(quote(r"\xzz\u"), b"\\xzz\\u");
        assert_eq!(quote(r"\u20ac"), "€".as_bytes());
        assert_eq!(quote("end\\"), b"end\\");
    }

    #[test]
    fn echo() {
        let mut out = Vec::new();
        assert!(decode(br"\0162\x6d\101", Dialect::Echo, &mut out));
        assert_eq!(out, br"rm\101");
        assert!(!decode(br"a\cb", Dialect::Echo, &mut out));
    }
}
