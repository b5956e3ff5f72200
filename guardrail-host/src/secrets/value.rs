//! What a value has to be to be handed out, and how one is read without leaving copies behind.

use std::io::{self, Read};

use guardrail_core::plan::Secret;
use guardrail_core::redact::SHORTEST;
use zeroize::Zeroizing;

/// The most bytes of a value.
pub const LONGEST: usize = 32 << 10;

/// Why a value is none. It says nothing of the value but this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// There is nothing in it.
    #[error("its value is empty")]
    Empty,
    /// It could not be kept out of the output.
    #[error("its value has fewer than {SHORTEST} bytes, and so cannot be kept out of the output")]
    TooShort,
    /// It is too long.
    #[error("its value has more than {LONGEST} bytes")]
    TooLong,
    /// It cannot be read.
    #[error("its value cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Whether a value can be handed out.
pub(super) fn check(secret: &Secret) -> Result<(), ValueError> {
    let value = secret.expose();
    match value.trim_ascii().len() {
        0 => Err(ValueError::Empty),
        _ if value.len() > LONGEST => Err(ValueError::TooLong),
        length if length < SHORTEST => Err(ValueError::TooShort),
        _ => Ok(()),
    }
}

/// Reads a value to its end, and checks it. The end of the line is dropped where it is one line, as
/// `echo` and editors write one; a text of several lines, such as a key, stays as it is.
///
/// # Errors
///
/// [`ValueError`] where it cannot be read or handed out.
pub fn read_value(from: impl Read) -> Result<Secret, ValueError> {
    let mut value = read(from, LONGEST)?.ok_or(ValueError::TooLong)?;
    if let Some(end) = value.iter().position(|byte| *byte == b'\n')
        && end + 1 == value.len()
    {
        value.truncate(end);
        if value.last() == Some(&b'\r') {
            value.pop();
        }
    }
    let secret = Secret::new(std::mem::take(&mut *value));
    check(&secret)?;
    Ok(secret)
}

/// All that is there, in one buffer that never grew; `None` where there is more than `most`.
pub(super) fn read(mut from: impl Read, most: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut buffer = Zeroizing::new(vec![0; most.saturating_add(1)]);
    let mut length = 0;
    while let Some(room) = buffer.get_mut(length..).filter(|room| !room.is_empty()) {
        match from.read(room) {
            Ok(0) => {
                buffer.truncate(length);
                return Ok(Some(buffer));
            }
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_line_is_no_part_of_a_value() {
        let read = |text: &str| read_value(text.as_bytes()).unwrap().expose().to_owned();
        for text in ["correct", "correct\n", "correct\r\n"] {
            assert_eq!(read(text), b"correct");
        }
        assert_eq!(read("one\ntwo\n"), b"one\ntwo\n", "a key ends in the end of its line");
        assert_eq!(read("white \n"), b"white ");
        assert_eq!(read_value(&b"\xff\xfe\x00\x01"[..]).unwrap().expose(), b"\xff\xfe\x00\x01");
    }

    #[test]
    fn what_cannot_be_handed_out_is_no_value() {
        for (bytes, why) in
            [(&b""[..], "empty"), (b"\n", "empty"), (b" \t\n\n", "empty"), (b" abc\n", "fewer")]
        {
            assert!(read_value(bytes).err().unwrap().to_string().contains(why), "{bytes:?}");
        }
        assert!(read_value(&vec![b'x'; LONGEST][..]).is_ok());
        assert!(matches!(read_value(&vec![b'x'; LONGEST + 1][..]), Err(ValueError::TooLong)));
        assert!(matches!(read_value(io::repeat(b'x')), Err(ValueError::TooLong)));
    }
}
