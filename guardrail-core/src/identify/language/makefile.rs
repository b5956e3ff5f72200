//! Makefiles: recipes, and what already runs when they are read.

use std::borrow::Cow;

use super::cursor::find;
use super::{Act, Found};

/// What make itself calls these.
const VARIABLES: &[(&[u8], &[u8])] =
    &[(b"CC", b"cc"), (b"CXX", b"c++"), (b"MAKE", b"make"), (b"RM", b"rm -f"), (b"SHELL", b"sh")];

/// Texts of one makefile that are told apart.
const MOST: usize = 256;

/// The shell source in a makefile, and the files that it includes.
pub(super) fn read(text: &[u8]) -> Vec<Found<'_>> {
    let mut found: Vec<Found<'_>> = Vec::new();
    let mut start = 0;
    let mut goes_on: Option<(Vec<u8>, usize)> = None;
    for line in text.split(|byte| *byte == b'\n') {
        let at = start..start + line.len();
        start += line.len() + 1;
        let (mut whole, from) = goes_on.take().unwrap_or_else(|| (Vec::new(), at.start));
        whole.extend_from_slice(line);
        if whole.last() == Some(&b'\\') {
            // The shell sees what continues a recipe as make does.
            whole.pop();
            whole.push(b' ');
            goes_on = Some((whole, from));
            continue;
        }
        statement(&whole, from..at.end, &mut found);
    }
    if let Some((whole, from)) = goes_on {
        statement(&whole, from..text.len(), &mut found);
    }
    found
}

fn statement(line: &[u8], at: std::ops::Range<usize>, found: &mut Vec<Found<'_>>) {
    let mut push = |act: Act<'static>| {
        if found.len() < MOST {
            found.push(Found { act, at: at.clone() });
        }
    };
    let shell = |code: &[u8]| Act::Shell(Some(Cow::Owned(expand(code))));
    // What make runs while it reads.
    let mut rest = line;
    let mut calls = 0;
    while let Some(open) = [&b"$(shell "[..], b"${shell "].iter().filter_map(|name| find(rest, name)).min() {
        let code = rest.get(open + b"$(shell ".len()..).unwrap_or_default();
        let end = closing(code);
        push(shell(code.get(..end).unwrap_or_default()));
        rest = code;
        calls += 1;
        if calls >= MOST {
            break;
        }
    }
    if let Some(recipe) = line.strip_prefix(b"\t") {
        let signs =
            recipe.iter().take_while(|byte| matches!(byte, b'@' | b'-' | b'+' | b' ' | b'\t')).count();
        let recipe = recipe.get(signs..).unwrap_or_default();
        if !recipe.is_empty() && !recipe.starts_with(b"#") {
            push(shell(recipe));
        }
        return;
    }
    let line = line.trim_ascii();
    if line.starts_with(b"#") {
        return;
    }
    if line.starts_with(b".RECIPEPREFIX") {
        return push(Act::Opaque);
    }
    for word in [&b"include "[..], b"-include ", b"sinclude ", b"load ", b"-load "] {
        if let Some(path) = line.strip_prefix(word) {
            let known = !path.contains(&b'$') && !path.contains(&b' ');
            return push(Act::Load(known.then(|| Cow::Owned(path.to_vec()))));
        }
    }
    if let Some(at) = find(line, b"!=") {
        return push(shell(line.get(at + 2..).unwrap_or_default()));
    }
    // `target: other ; recipe`
    if let Some(semicolon) = line.iter().position(|byte| *byte == b';')
        && line.get(..semicolon).is_some_and(|rule| rule.contains(&b':'))
    {
        push(shell(line.get(semicolon + 1..).unwrap_or_default()));
    }
}

/// Where the bracket closes that opened just before.
fn closing(code: &[u8]) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.iter().enumerate() {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' if depth == 0 => return at,
            b')' | b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// What the shell gets: make's own variables are known, others are unknown to it as well.
fn expand(code: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(code.len());
    let mut bytes = code.iter().enumerate();
    while let Some((at, &byte)) = bytes.next() {
        if byte != b'$' {
            text.push(byte);
            continue;
        }
        match code.get(at + 1) {
            Some(b'$') => {
                text.push(b'$');
                bytes.next();
            }
            Some(b'(' | b'{') => {
                let inside = code.get(at + 2..).unwrap_or_default();
                let end = closing(inside);
                let name = inside.get(..end).unwrap_or_default();
                match VARIABLES.iter().find(|(known, _)| *known == name) {
                    Some((_, value)) => text.extend_from_slice(value),
                    None => text.extend_from_slice(b"$__make"),
                }
                for _ in 0..end + 2 {
                    bytes.next();
                }
            }
            Some(_) => {
                text.extend_from_slice(b"$__make");
                bytes.next();
            }
            None => text.push(b'$'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::Makefile;

    use super::super::testing::check;

    #[test]
    fn recipes_and_what_runs_at_once_are_found() {
        check(
            Makefile,
            &[
                ("", &[]),
                ("# $x\nA = b\nall: b c\n", &[]),
                ("all:\n\t@rm -rf /\n", &["shell:rm -rf /"]),
                ("all: ; -rm -rf /", &["shell: -rm -rf /"]),
                ("A := $(shell rm -rf /)", &["shell:rm -rf /"]),
                ("A := ${shell (rm x)}", &["shell:(rm x)"]),
                ("A != rm x", &["shell: rm x"]),
                ("x:\n\t$(RM) a $$HOME $@ $(B)\n", &["shell:rm -f a $HOME $__make $__make"]),
                ("x:\n\trm \\\n -rf /\n", &["shell:rm   -rf /"]),
                ("include x.mk", &["load:x.mk"]),
                ("-include $(A)", &["load:?"]),
                (".RECIPEPREFIX = >", &["opaque"]),
                ("$(shell ", &["shell:"]),
                ("x:\n\t$", &["shell:$"]),
            ],
        );
    }
}
