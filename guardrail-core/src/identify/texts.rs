//! What a text in another language than the shell's brings with it: source that it starts, files
//! that it runs, modules that it loads.

use std::borrow::Cow;

use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{Language, Role};

use crate::identify::Identifier;
use crate::identify::call::{Call, LanguageAct, Unknown};
use crate::identify::language::{self, Act, Found};
use crate::identify::unwrap::{Inner, is_general_purpose};
use crate::lower::{Input, Invocation, Origin, Value, Word};
use crate::shell::Span;

impl<'a, 'k> Identifier<'a, 'k> {
    pub(super) fn small_language(
        &mut self,
        call: &mut Call<'a, 'k>,
        invocation: &Invocation<'a>,
        inner: Inner<'a>,
        language: Language,
        text: &'a [u8],
        span: Span,
    ) {
        for found in language::read(language, text, &given(invocation.words, span)) {
            match &found.act {
                Act::Shell(Some(code)) | Act::Pipe(code) => {
                    let code = match code {
                        Cow::Borrowed(code) => *code,
                        Cow::Owned(code) => self.arena.alloc_slice_copy(code),
                    };
                    // What the program hands it is not followed.
                    let fed = Input::File(Word { from: &[Origin::Input], ..Word::unknown(span) });
                    self.source(call, invocation, inner, code, span, &[], fed);
                }
                Act::Shell(None) => call.unknown.push((Unknown::Code, span)),
                // What it runs of a file may be what the script wrote there.
                Act::Load(Some(path)) if is_general_purpose(language) => {
                    let path: &'a [u8] = self.arena.alloc_slice_copy(path);
                    self.runs_file(inner, Some(language), Word::known(path, span), &[]);
                }
                Act::Import(module) => {
                    self.imports(call, inner, language, module, span);
                    continue;
                }
                _ => {}
            }
            call.found.push(LanguageAct { language, found, span });
        }
    }

    /// A module that is searched in the directory first: what the script puts there is what runs.
    fn imports(
        &mut self,
        call: &mut Call<'a, 'k>,
        inner: Inner<'a>,
        language: Language,
        module: &[u8],
        span: Span,
    ) {
        for ending in [&b".py"[..], b"/__init__.py"] {
            let path: &'a [u8] = self.arena.alloc_slice_copy(&[module, ending].concat());
            self.runs_module(inner, language, Word::known(path, span));
            let found = Found { act: Act::Import(Cow::Borrowed(path)), at: 0..0 };
            call.found.push(LanguageAct { language, found, span });
        }
    }

    /// The files that a tool runs wherever it finds them: what the script writes there is what runs.
    pub(super) fn unnamed(&mut self, call: &mut Call<'a, 'k>, invocation: &Invocation<'a>) {
        let Some(command) = call.command.filter(|command| !command.obeys.is_empty() && !call.rehearsal)
        else {
            return;
        };
        let inner = self.inner(call, invocation);
        for (path, role) in &command.obeys {
            let Role::Script(language) = *role else { continue };
            let path: &'a [u8] = self.arena.alloc_slice_copy(path.as_bytes());
            self.runs_module(inner, language, Word::known(path, call.named));
            let found = Found { act: Act::Import(Cow::Borrowed(path)), at: 0..0 };
            call.found.push(LanguageAct { language, found, span: call.named });
        }
    }

    /// A module that is run by its name lies in the directory if it can, as one that a text loads.
    pub(super) fn finds(&mut self, call: &mut Call<'a, 'k>, inner: Inner<'a>, words: &[Word<'a>]) {
        let language = match call.command.and_then(|command| command.stdin.as_ref()) {
            Some(Role::Code(language)) => *language,
            _ => return,
        };
        let Some(word) = words.first() else { return };
        let name = word.as_known().and_then(|name| name.split(|byte| *byte == b'.').next());
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            self.imports(call, inner, language, name, word.span);
        }
    }

    /// The same command, known by the family that its name is looked up in: a module is no program
    /// of the same name.
    pub(super) fn within(&self, words: &'a [Word<'a>], family: &str) -> &'a [Word<'a>] {
        let Some((&first, others)) = words.split_first() else { return words };
        let Some(name) = first.as_known() else { return words };
        let name: &'a [u8] = self.arena.alloc_slice_copy(&[family.as_bytes(), b" ", name].concat());
        let mut words = BumpVec::new_in(self.arena);
        words.push(Word { value: Value::Known(name), ..first });
        words.extend_from_slice_copy(others);
        words.into_bump_slice()
    }
}

/// The words behind a program's text, or behind the `-` that stands for it, if all of them are known.
fn given<'a>(words: &[Word<'a>], text: Span) -> Vec<&'a [u8]> {
    const ENOUGH: usize = 32;
    let place = words.iter().position(|word| word.span == text);
    // Switches alone may stand in front of it.
    let switch = |word: &&Word<'_>| matches!(word.as_known(), Some([b'-', letters @ ..]) if !letters.is_empty() && letters.iter().all(|letter| b"bBdEiIOPqsSuvx".contains(letter)));
    let place = place.or_else(|| {
        let at = 1 + words.iter().skip(1).take_while(switch).count();
        (words.get(at)?.as_known() == Some(b"-")).then_some(at)
    });
    let behind = place.and_then(|at| words.get(at + 1..)).unwrap_or_default();
    let known = behind.iter().map(|word| word.as_known()).collect::<Option<Vec<_>>>();
    known.filter(|words| words.len() <= ENOUGH).unwrap_or_default()
}
