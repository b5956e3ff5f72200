//! `env -S`: a text that is split into words by rules of its own, which are not the shell's.

/// A word of such a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// What it begins with; all of it, unless a variable is in it.
    pub(super) text: Vec<u8>,
    /// Whether the value of a variable follows.
    pub(super) open: bool,
}

/// The words of `text`; `None` where env refuses it.
pub(super) fn split(text: &[u8]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut word: Option<Piece> = None;
    let (mut single, mut double) = (false, false);
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let literal = match byte {
            b'\'' if !double => {
                single = !single;
                None
            }
            b'"' if !single => {
                double = !double;
                None
            }
            b' ' | b'\t' | b'\n' | 0x0B | 0x0C | b'\r' if !single && !double => {
                pieces.extend(word.take());
                continue;
            }
            b'#' if word.is_none() && !single && !double => break,
            b'\\' if single && !matches!(bytes.peek(), Some(b'\\' | b'\'')) => Some(byte),
            b'\\' => match bytes.next()? {
                escaped @ (b'"' | b'#' | b'$' | b'\'' | b'\\') => Some(escaped),
                b'_' if double => Some(b' '),
                b'_' => {
                    pieces.extend(word.take());
                    continue;
                }
                b'c' if double => return None,
                b'c' => break,
                b'f' => Some(0x0C),
                b'n' => Some(b'\n'),
                b'r' => Some(b'\r'),
                b't' => Some(b'\t'),
                b'v' => Some(0x0B),
                _ => return None,
            },
            b'$' if !single => {
                if bytes.next() != Some(b'{') {
                    return None;
                }
                bytes.find(|&byte| byte == b'}')?;
                word.get_or_insert(Piece { text: Vec::new(), open: false }).open = true;
                continue;
            }
            other => Some(other),
        };
        let piece = word.get_or_insert(Piece { text: Vec::new(), open: false });
        if !piece.open {
            piece.text.extend(literal);
        }
    }
    if single || double {
        return None;
    }
    pieces.extend(word);
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_splits_as_env_does() {
        for (text, words) in [
            ("sh -c 'rm -rf x'", &["sh", "-c", "rm -rf x"][..]),
            (r#"sh -c "rm\_-rf\_/""#, &["sh", "-c", "rm -rf /"]),
            (r"rm\_-rf\_/", &["rm", "-rf", "/"]),
            (r"a'\x\'b\\'c", &[r"a\x'b\c"]),
            ("a '' b # c", &["a", "", "b"]),
            (r"a b\c d", &["a", "b"]),
        ] {
            let split = split(text.as_bytes()).map(|pieces| {
                pieces
                    .into_iter()
                    .map(|piece| String::from_utf8_lossy(&piece.text).into_owned())
                    .collect::<Vec<_>>()
            });
            assert_eq!(split, Some(words.iter().map(|word| (*word).to_owned()).collect()), "{text}");
        }
        let open = [Piece { text: b"a".to_vec(), open: true }, Piece { text: b"b".to_vec(), open: false }];
        assert_eq!(split(b"a${X}y b"), Some(Vec::from(open)));
        for refused in ["'", "\"a", r"\x", "$X", "${X", r#""\c""#, "a\\"] {
            assert_eq!(split(refused.as_bytes()), None, "{refused}");
        }
    }
}
