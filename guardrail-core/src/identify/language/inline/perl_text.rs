//! Pieces of Perl: texts with what is interpolated into them, names, and signs that something is
//! given a value.

use super::super::cursor::Cursor;
use super::perl_refs::{Through, Way, Ways};

/// The other one of two brackets, or the same quote.
pub(super) fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        b'{' => b'}',
        b'<' => b'>',
        other => other,
    }
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Variables with which Perl itself opens, loads or runs something.
pub(super) fn is_reserved(name: &[u8], sigil: u8) -> bool {
    match name {
        b"ARGV" => sigil != b'$',
        _ => matches!(name, b"ARGVOUT" | b"ENV" | b"INC" | b"ISA" | b"SIG" | b"SIGRT"),
    }
}

/// A text in quotes that stands for itself.
pub(super) fn constant<'t>(cursor: &mut Cursor<'t>) -> Option<&'t [u8]> {
    let quote = cursor.next().filter(|byte| matches!(byte, b'\'' | b'"'))?;
    let text = cursor.eat_while(|byte| byte != quote && byte != b'\\');
    let plain = quote == b'\'' || !text.iter().any(|byte| matches!(byte, b'$' | b'@'));
    (cursor.eat(quote) && plain && !text.is_empty()).then_some(text)
}

/// What a value is given by what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    No,
    /// An empty list or hash of its own.
    Empty,
    Value,
}

/// What `=`, `.=`, `++` and the like do to what stands before them.
pub(super) fn writes(rest: &[u8]) -> Written {
    let mut rest = rest.trim_ascii_start();
    while let [b'#', comment @ ..] = rest {
        let end = comment.iter().position(|byte| *byte == b'\n').unwrap_or(comment.len());
        rest = comment.get(end..).unwrap_or_default().trim_ascii_start();
    }
    if rest.starts_with(b"++") || rest.starts_with(b"--") {
        return Written::Value;
    }
    let operators: &[&[u8]] = &[
        b"**", b"||", b"&&", b"^^", b"//", b"<<", b">>", b"|.", b"&.", b"^.", b"-", b"+", b".", b"*", b"/",
        b"|", b"&", b"^", b"%", b"x", b"",
    ];
    let given = operators.iter().find_map(|operator| rest.strip_prefix(*operator)?.strip_prefix(b"="));
    let Some(value) = given else { return Written::No };
    // `==`, `=~` and `=>`
    if matches!(value.first(), Some(b'=' | b'~' | b'>')) {
        return Written::No;
    }
    let inside = match value.trim_ascii_start() {
        [b'[', inside @ ..] => inside.trim_ascii_start().strip_prefix(b"]"),
        [b'{', inside @ ..] => inside.trim_ascii_start().strip_prefix(b"}"),
        _ => None,
    };
    let ends = |behind: &[u8]| matches!(behind.trim_ascii_start().first(), None | Some(b';' | b'}' | b')'));
    if inside.is_some_and(ends) { Written::Empty } else { Written::Value }
}

/// Whether what is interpolated into a text or pattern are plain variables; takes in which ones.
pub(super) fn interpolation<'t>(body: &'t [u8], ways: &mut Ways<'t>) -> Option<()> {
    let mut cursor = Cursor::new(body);
    while let Some(byte) = cursor.next() {
        match byte {
            b'\\' => cursor.skip(1),
            b'$' | b'@' => variable(&mut cursor, byte, ways, 0)?,
            _ => {}
        }
    }
    Some(())
}

/// A variable in a text, whose sigil was just taken, with its subscripts.
fn variable<'t>(cursor: &mut Cursor<'t>, sigil: u8, ways: &mut Ways<'t>, depth: u32) -> Option<()> {
    if depth > 3 {
        return None;
    }
    // `$#F`
    if sigil == b'$'
        && cursor.peek() == Some(b'#')
        && cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_alphabetic())
    {
        cursor.skip(1);
        let name = cursor.eat_while(is_name);
        let plain = !is_reserved(name, b'@') && !matches!(cursor.peek(), Some(b'[' | b'{' | b'-'));
        return (plain && !cursor.rest().starts_with(b"::")).then_some(());
    }
    // `@{$h{a}}`, `@$x`
    let last = sigil == b'$' && cursor.peek() == Some(b'#') && matches!(cursor.peek_at(1), Some(b'{' | b'$'));
    if last || sigil == b'@' && matches!(cursor.peek(), Some(b'{' | b'$')) {
        cursor.skip(usize::from(last));
        let block = cursor.eat(b'{');
        cursor.eat_while(|byte| block && byte == b' ');
        if !cursor.eat(b'$') {
            return None;
        }
        let name = cursor.eat_while(is_name);
        if name.is_empty() || is_reserved(name, b'@') || cursor.rest().starts_with(b"::") {
            return None;
        }
        let mut way = Way::of(b'$', name);
        if block {
            subscripts(cursor, &mut way, ways, depth)?;
            cursor.eat_while(|byte| byte == b' ');
            if !cursor.eat(b'}') {
                return None;
            }
        }
        // Of what is one of several, only a part may be shown.
        match cursor.peek() {
            Some(b'[' | b'{') if last => return None,
            Some(b'[') => {
                cursor.skip(1);
                key(cursor, b']', ways, depth)?;
                way.pass(Through::Array);
            }
            Some(b'{') => return None,
            _ => way.pass(Through::Array),
        }
        way.shown = true;
        ways.all.push(way);
        return Some(());
    }
    // `${name}`
    let braced = sigil == b'$' && cursor.eat(b'{');
    let name = cursor.eat_while(is_name);
    if braced && (!name.first().is_some_and(u8::is_ascii_alphabetic) || !cursor.eat(b'}')) {
        return None;
    }
    if name.is_empty() {
        // A name in a pattern: `$+{year}`
        if sigil == b'$' && cursor.rest().starts_with(b"+{") {
            cursor.skip(2);
            let name = cursor.eat_while(is_name);
            let ends = !name.is_empty() && cursor.eat(b'}');
            return (ends && !matches!(cursor.peek(), Some(b'[' | b'{' | b'-'))).then_some(());
        }
        match cursor.peek() {
            // An end of line in a pattern, or one of the short variables.
            None | Some(b')' | b'|' | b' ' | b'&' | b',' | b'.' | b'/' | b';' | b'!' | b'\n') => {}
            _ => return None,
        }
        // Code may stand in the subscript of what is no anchor.
        return (!matches!(cursor.peek_at(1), Some(b'[' | b'{' | b'-'))).then_some(());
    }
    if is_reserved(name, sigil) || cursor.rest().starts_with(b"::") {
        return None;
    }
    // Its elements are files that are still to be read.
    if name == b"ARGV" {
        return (!matches!(cursor.peek(), Some(b'[' | b'{' | b'-'))).then_some(());
    }
    let mut way = Way::of(sigil, name);
    subscripts(cursor, &mut way, ways, depth)?;
    way.shown = true;
    ways.all.push(way);
    (ways.all.len() < super::perl::MAX_WAYS).then_some(())
}

/// `[0]`, `{a}`, `->{a}`, one after another.
fn subscripts<'t>(cursor: &mut Cursor<'t>, way: &mut Way<'t>, ways: &mut Ways<'t>, depth: u32) -> Option<()> {
    loop {
        let mut ahead = *cursor;
        let arrow = ahead.eat_all(b"->");
        let open = match ahead.next() {
            Some(open @ (b'[' | b'{')) => open,
            // `->@*`
            Some(b'@' | b'$' | b'%') if arrow => return None,
            _ => return Some(()),
        };
        *cursor = ahead;
        let start = cursor.position();
        key(cursor, closing(open), ways, depth)?;
        let written = cursor.slice(start..cursor.position().saturating_sub(1));
        way.subscript(open, written, arrow);
    }
}

/// What stands in a subscript in a text, and the bracket that closes it: a name, a number, a variable.
fn key<'t>(cursor: &mut Cursor<'t>, close: u8, ways: &mut Ways<'t>, depth: u32) -> Option<()> {
    cursor.eat(b'-');
    if cursor.eat(b'$') {
        if cursor.eat(b'#') {
            let name = cursor.eat_while(is_name);
            if name.is_empty() || is_reserved(name, b'@') {
                return None;
            }
        } else {
            variable(cursor, b'$', ways, depth + 1)?;
        }
        if cursor.eat(b'+') || cursor.eat(b'-') {
            cursor.eat_while(|byte| byte.is_ascii_digit());
        }
    } else {
        cursor.eat_while(is_name);
        // `[0..2]`
        if close == b']' && cursor.eat_all(b"..") {
            cursor.eat_while(|byte| byte.is_ascii_digit());
        }
    }
    cursor.eat(close).then_some(())
}
