//! The parser's state: where it stands in the text, what it may still spend, what it has built.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::Limits;
use crate::shell::heredoc::Pending;
use crate::shell::{
    Arm, Assignment, Branch, Command, CommandId, CommandKind, Item, Parameter, ParameterId, Part, Problem,
    ProblemKind, Redirect, Script, Slice, Span, Stage, Word,
};

/// Ends an unquoted word: blanks, newline and the operator bytes.
pub(super) const DELIMITER: u8 = 1;
/// Starts a quote or an expansion: `\ $ ' " ` and the backquote.
pub(super) const ACTIVE: u8 = 2;
/// May fence a run of parts: brackets and separators, and `<` and `>`.
pub(super) const FENCE: u8 = 4;
/// A letter or underscore.
pub(super) const NAME_START: u8 = 8;
/// A decimal digit.
pub(super) const DIGIT: u8 = 16;
/// A byte that reserved words are made of.
pub(super) const KEYWORD: u8 = 32;
/// A newline, where lines matter inside a run.
pub(super) const NEWLINE: u8 = 64;

#[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b' ' | b'\t' | b'&' | b'|' => DELIMITER,
            b'\n' => DELIMITER | NEWLINE,
            b';' | b'(' | b')' | b'<' | b'>' => DELIMITER | FENCE,
            b'\\' | b'$' | b'\'' | b'"' | b'`' => ACTIVE,
            b'{' | b'}' | b'[' | b']' => FENCE | KEYWORD,
            b'/' | b':' => FENCE,
            b'!' => KEYWORD,
            b'a'..=b'z' => NAME_START | KEYWORD,
            b'A'..=b'Z' | b'_' => NAME_START,
            b'0'..=b'9' => DIGIT,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// Whether `byte` is in any of the `classes`.
#[inline]
pub(super) fn is(byte: u8, classes: u8) -> bool {
    CLASSES.get(byte as usize).is_some_and(|class| class & classes != 0)
}

/// Steps are counted as if the text were longer by this, so that in a short one an odd construct
/// may be read several times.
const SHORT_TEXT: usize = 256;

/// A parse in progress.
pub(super) struct Parser<'t> {
    pub(super) arena: &'t Bump,
    pub(super) text: &'t [u8],
    /// The next byte to read.
    pub(super) at: usize,
    /// Where reading stops: the end of the region, or the cursor once parsing has halted, so that
    /// every open construct sees the end and closes with what it has.
    pub(super) end: usize,
    /// The end of the region: the text, or the body of a backquote or here-document in it.
    pub(super) region_end: usize,
    /// How many regions lie around the cursor; outside of all of them the length limit applies.
    pub(super) regions: u32,
    /// A syntax error was found in this region and its rest is not being read.
    pub(super) halted: bool,
    /// A limit was hit: nothing more is read anywhere.
    pub(super) exhausted: bool,
    pub(super) out: Script<'t>,
    pub(super) scratch: Scratch<'t>,
    /// Here-documents announced on this line.
    pub(super) pending: Vec<Pending<'t>>,
    /// Those of the innermost substitution begin here.
    pub(super) pending_base: usize,
    /// What ends the innermost substitution: `)`, or the `}` of `${ list; }`.
    pub(super) closer: Option<u8>,
    /// Bodies that were read, by the start of their delimiter.
    pub(super) bodies: Vec<(u32, Word)>,
    /// Where an attempt failed (`((` was two subshells, `!(` a glob, `${ ` no list), so that no
    /// place is tried twice.
    pub(super) refuted: BTreeSet<usize>,
    pub(super) fuel: usize,
    pub(super) depth: u32,
    pub(super) max_depth: u32,
    /// Bytes that quoted here-documents may still take beyond the length limit.
    pub(super) here_document_bytes: usize,
}

/// Children of the constructs being read. They move to their arena when the construct is
/// complete, which is what makes them neighbours there.
pub(super) struct Scratch<'t> {
    pub(super) items: BumpVec<'t, Item>,
    pub(super) stages: BumpVec<'t, Stage>,
    pub(super) arms: BumpVec<'t, Arm>,
    pub(super) branches: BumpVec<'t, Branch>,
    pub(super) words: BumpVec<'t, Word>,
    pub(super) parts: BumpVec<'t, Part>,
    pub(super) assignments: BumpVec<'t, Assignment>,
    pub(super) redirects: BumpVec<'t, Redirect>,
}

impl<'t> Scratch<'t> {
    fn new(arena: &'t Bump, words: usize) -> Self {
        Self {
            items: BumpVec::with_capacity_in(4, arena),
            stages: BumpVec::with_capacity_in(4, arena),
            arms: BumpVec::new_in(arena),
            branches: BumpVec::new_in(arena),
            words: BumpVec::with_capacity_in(words, arena),
            parts: BumpVec::with_capacity_in(4, arena),
            assignments: BumpVec::new_in(arena),
            redirects: BumpVec::new_in(arena),
        }
    }
}

/// Moves `scratch[base..]` to the end of `arena`.
#[inline]
pub(super) fn commit<T: Copy>(
    scratch: &mut BumpVec<'_, T>,
    base: usize,
    arena: &mut BumpVec<'_, T>,
) -> Slice<T> {
    let children = scratch.get(base..).unwrap_or_default();
    if children.is_empty() {
        return Slice::EMPTY;
    }
    let slice = Slice { start: arena.len() as u32, len: children.len() as u32, of: PhantomData };
    arena.extend_from_slice_copy(children);
    scratch.truncate(base);
    slice
}

/// A place to come back to when an attempt fails.
pub(super) struct Mark {
    at: usize,
    region_end: usize,
    here_document_bytes: usize,
    lengths: [usize; 13],
}

impl<'t> Parser<'t> {
    #[inline]
    pub(super) fn new(arena: &'t Bump, text: &'t [u8], limits: &Limits) -> Self {
        let end = text.len().min(limits.bytes).min(u32::MAX as usize);
        let steps = limits.steps_per_byte as usize;
        // A word of a command has five bytes or so.
        let words = (end / 6 + 2).min(64);
        Self {
            arena,
            text,
            at: 0,
            end,
            region_end: end,
            regions: 0,
            halted: false,
            exhausted: false,
            out: Script::new(arena, text, words),
            scratch: Scratch::new(arena, words),
            pending: Vec::new(),
            pending_base: 0,
            closer: None,
            bodies: Vec::new(),
            refuted: BTreeSet::new(),
            fuel: text.len().saturating_add(SHORT_TEXT).saturating_mul(steps),
            depth: 0,
            max_depth: limits.depth,
            here_document_bytes: limits.here_document_bytes,
        }
    }

    // Reading. Line continuations vanish before the shell sees a token, so `peek` and its kin
    // step over them; what is literal (single quotes, comments) is read with `byte`.

    /// The byte at `at`, continuations included.
    #[inline]
    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        if at < self.end { self.text.get(at).copied() } else { None }
    }

    /// The first place from `at` on that is no line continuation.
    #[inline]
    pub(super) fn past_joins(&self, mut at: usize) -> usize {
        while self.byte(at) == Some(b'\\') && self.byte(at + 1) == Some(b'\n') {
            at += 2;
        }
        at
    }

    /// The next byte.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        let byte = self.byte(self.at)?;
        if byte != b'\\' {
            return Some(byte);
        }
        self.at = self.past_joins(self.at);
        self.byte(self.at)
    }

    /// The byte after the next one.
    #[inline]
    pub(super) fn peek_second(&self) -> Option<u8> {
        self.byte(self.past_joins(self.at + 1))
    }

    /// Takes the next byte if it is `byte`.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes `operator` if the text goes on with it.
    pub(super) fn eat_all(&mut self, operator: &[u8]) -> bool {
        let mut at = self.at;
        for &expected in operator {
            at = self.past_joins(at);
            if self.byte(at) != Some(expected) {
                return false;
            }
            at += 1;
        }
        self.at = at;
        true
    }

    /// What is left of the region.
    #[inline]
    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    /// Goes on to the next byte that is in one of the `classes`, or to the end.
    #[inline]
    pub(super) fn skip_to(&mut self, classes: u8) {
        let rest = self.rest();
        self.at += rest.iter().position(|&byte| is(byte, classes)).unwrap_or(rest.len());
    }

    /// The first `byte` at or after `from`.
    pub(super) fn find(&self, from: usize, byte: u8) -> Option<usize> {
        let rest = self.text.get(from..self.end)?;
        rest.iter().position(|&b| b == byte).map(|offset| from + offset)
    }

    /// Skips blanks, and the comment that may begin where a token could.
    #[inline]
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.byte(self.at) {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if self.byte(self.at + 1) == Some(b'\n') => self.at += 2,
                Some(b'#') => self.at = self.find(self.at, b'\n').unwrap_or(self.end),
                _ => return,
            }
        }
    }

    /// Skips blanks, comments and newlines; here-documents announced before them are read.
    pub(super) fn skip_newlines(&mut self) {
        loop {
            self.skip_blanks();
            if self.byte(self.at) != Some(b'\n') {
                return;
            }
            self.newline();
        }
    }

    /// Takes the newline under the cursor and the here-documents that begin behind it.
    pub(super) fn newline(&mut self) {
        self.at += 1;
        if self.pending.len() > self.pending_base {
            self.here_documents();
        }
    }

    /// Whether a word can begin here: no operator, unless it is a process substitution.
    #[inline]
    pub(super) fn at_word(&mut self) -> bool {
        match self.peek() {
            None => false,
            Some(b'<' | b'>') => self.peek_second() == Some(b'('),
            Some(byte) => !is(byte, DELIMITER),
        }
    }

    pub(super) fn span_from(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }

    // Problems and limits.

    /// Records that there is a zero byte, if there is one.
    pub(super) fn note_zero_bytes(&mut self) {
        // `contains` is much faster than a search for the place.
        if self.text.contains(&0) {
            let at = self.text.iter().position(|&byte| byte == 0).unwrap_or_default();
            self.note(ProblemKind::ZeroByte, Span::new(at, at + 1));
        }
    }

    /// Records a problem and goes on.
    pub(super) fn note(&mut self, kind: ProblemKind, span: Span) {
        self.out.problems.push(Problem { kind, span });
    }

    /// Records a problem and stops reading this region. Only the first one counts: what follows
    /// from it is no news.
    pub(super) fn fail(&mut self, kind: ProblemKind, span: Span) {
        if self.halted {
            return;
        }
        let kind = if self.is_cut() { ProblemKind::TooLong } else { kind };
        self.note(kind, span);
        self.exhausted |= kind == ProblemKind::TooLong;
        self.halt();
    }

    /// Records that what stands here, or that the text ends here, is wrong.
    pub(super) fn unexpected(&mut self) {
        let kind = match self.peek() {
            Some(_) => ProblemKind::Unexpected,
            None => ProblemKind::UnexpectedEnd,
        };
        self.fail(kind, Span::new(self.at, self.end.min(self.at + 1)));
    }

    /// Moves the cursor back; a parser that has halted stays without anything to read.
    pub(super) fn back_to(&mut self, at: usize) {
        self.at = at;
        if self.halted {
            self.end = at;
        }
    }

    fn halt(&mut self) {
        self.halted = true;
        self.at = self.at.min(self.end);
        self.end = self.at;
    }

    /// Whether the cursor stands where the length limit cut the text off.
    pub(super) fn is_cut(&self) -> bool {
        self.regions == 0 && !self.halted && self.at >= self.end && self.end < self.text.len()
    }

    /// Whether a limit is among the problems from the one at `index` on.
    pub(super) fn hit_limit(&self, index: usize) -> bool {
        let found = self.out.problems.get(index..).unwrap_or_default();
        self.exhausted || found.iter().any(|problem| problem.kind.is_limit())
    }

    /// Spends steps.
    #[inline]
    pub(super) fn charge(&mut self, steps: usize) {
        match self.fuel.checked_sub(steps) {
            Some(left) => self.fuel = left,
            None => self.exhaust(),
        }
    }

    #[cold]
    fn exhaust(&mut self) {
        self.fuel = 0;
        if !self.exhausted {
            self.exhausted = true;
            self.note(ProblemKind::TooManySteps, Span::new(self.at.min(self.end), self.at.min(self.end)));
        }
        self.halt();
    }

    /// Goes one construct deeper, if the limit allows. Every recursive call goes through here.
    pub(super) fn enter(&mut self) -> bool {
        if self.depth >= self.max_depth {
            self.fail(ProblemKind::TooDeep, Span::new(self.at, self.end.min(self.at + 1)));
            return false;
        }
        self.depth += 1;
        true
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    // Building.

    pub(super) fn push_command(
        &mut self,
        kind: CommandKind,
        redirects: Slice<Redirect>,
        span: Span,
    ) -> CommandId {
        let id = CommandId(self.out.commands.len() as u32);
        self.out.commands.push(Command { kind, redirects, span });
        id
    }

    /// Stands in for a command that could not be read.
    pub(super) fn no_command(&mut self, start: usize) -> CommandId {
        let kind = CommandKind::Simple { assignments: Slice::EMPTY, words: Slice::EMPTY };
        let span = Span::new(start.min(self.at), self.at);
        self.push_command(kind, Slice::EMPTY, span)
    }

    pub(super) fn push_parameter(&mut self, parameter: Parameter) -> Part {
        let id = ParameterId(self.out.parameters.len() as u32);
        self.out.parameters.push(parameter);
        Part::Parameter(id)
    }

    #[inline]
    pub(super) fn push_part(&mut self, part: Part) {
        self.charge(1);
        self.scratch.parts.push(part);
    }

    /// A word that is one literal.
    #[inline]
    pub(super) fn literal_word(&mut self, span: Span) -> Word {
        let start = self.out.parts.len() as u32;
        self.out.parts.push(Part::Literal(span));
        Word { parts: Slice { start, len: 1, of: PhantomData }, span }
    }

    #[inline]
    pub(super) fn commit_parts(&mut self, base: usize) -> Slice<Part> {
        commit(&mut self.scratch.parts, base, &mut self.out.parts)
    }

    #[inline]
    pub(super) fn commit_words(&mut self, base: usize) -> Slice<Word> {
        commit(&mut self.scratch.words, base, &mut self.out.words)
    }

    #[inline]
    pub(super) fn commit_items(&mut self, base: usize) -> Slice<Item> {
        commit(&mut self.scratch.items, base, &mut self.out.items)
    }

    #[inline]
    pub(super) fn commit_redirects(&mut self, base: usize) -> Slice<Redirect> {
        commit(&mut self.scratch.redirects, base, &mut self.out.redirects)
    }

    // Attempts and regions.

    pub(super) fn mark(&self) -> Mark {
        let out = &self.out;
        Mark {
            at: self.at,
            region_end: self.region_end,
            here_document_bytes: self.here_document_bytes,
            lengths: [
                out.commands.len(),
                out.items.len(),
                out.stages.len(),
                out.arms.len(),
                out.branches.len(),
                out.words.len(),
                out.parts.len(),
                out.assignments.len(),
                out.redirects.len(),
                out.parameters.len(),
                out.nested.len(),
                self.bodies.len(),
                self.pending.len(),
            ],
        }
    }

    /// Forgets what was built since `mark`; the cursor and the problems stay.
    pub(super) fn forget(&mut self, mark: &Mark) {
        let out = &mut self.out;
        let [
            commands,
            items,
            stages,
            arms,
            branches,
            words,
            parts,
            assignments,
            redirects,
            parameters,
            nested,
            bodies,
            pending,
        ] = mark.lengths;
        out.commands.truncate(commands);
        out.items.truncate(items);
        out.stages.truncate(stages);
        out.arms.truncate(arms);
        out.branches.truncate(branches);
        out.words.truncate(words);
        out.parts.truncate(parts);
        out.assignments.truncate(assignments);
        out.redirects.truncate(redirects);
        out.parameters.truncate(parameters);
        out.nested.truncate(nested);
        self.bodies.truncate(bodies);
        self.pending.truncate(pending);
    }

    /// Goes back to `mark`, and pays for the bytes that will be read again.
    pub(super) fn rewind(&mut self, mark: &Mark, problems: usize) {
        let spent = self.at.saturating_sub(mark.at);
        self.forget(mark);
        let since = self.out.problems.get(problems..).unwrap_or_default();
        let limit = since.iter().find(|problem| problem.kind.is_limit()).copied();
        self.out.problems.truncate(problems);
        if self.exhausted {
            // It will not be found again, since nothing more is read.
            self.out.problems.extend(limit);
        }
        self.at = mark.at;
        self.region_end = mark.region_end;
        self.here_document_bytes = mark.here_document_bytes;
        self.halted = self.exhausted;
        self.end = if self.exhausted { self.at } else { self.region_end };
        self.charge(spent);
    }

    /// Reads `start..end` on its own: an error in it does not reach the text around it, which
    /// goes on at `end`. Says whether all of it was read.
    pub(super) fn region<R>(
        &mut self,
        start: usize,
        end: usize,
        read: impl FnOnce(&mut Self) -> R,
    ) -> (R, bool) {
        let outer = (self.end, self.region_end, self.pending_base, self.closer);
        let halted = std::mem::take(&mut self.halted);
        let problems = self.out.problems.len();
        (self.at, self.end, self.region_end) = (start, end, end);
        self.pending_base = self.pending.len();
        self.closer = None;
        self.regions += 1;
        self.charge(end.saturating_sub(start));

        let result = read(self);

        self.regions -= 1;
        self.pending.truncate(self.pending_base);
        for problem in self.out.problems.get_mut(problems..).unwrap_or_default() {
            if !problem.kind.is_limit() {
                problem.kind = ProblemKind::BadSubstitution;
            }
        }
        (self.end, self.region_end, self.pending_base, self.closer) = outer;
        self.at = end;
        self.halted = false;
        if halted || self.exhausted {
            self.halt();
        }
        (result, self.out.problems.len() == problems)
    }
}
