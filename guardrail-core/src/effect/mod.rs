//! [`Call`] to [`Effect`]: what each call does to the world, and to what.

mod hidden;
mod manifest;
mod names;
mod place;
mod returned;
mod roles;
mod secret_names;
mod secret_places;

use std::cell::OnceCell;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{self as schema, EffectKind, Language, Mark, Prints, Role, Scope, Undo};

use crate::identify::language::jq::shows_only;
use crate::identify::{Call, Feed, FeedSource, Given, Identified, Marks, Standing, Unknown};
use crate::lower::{
    FileName, Input, Invocation, InvocationId, Lead, NoteKind, Origin, Place, Program, Redirect,
    RedirectKind, Roots, SourceId, Value, Word,
};
use crate::shell::Span;

pub(crate) use manifest::{blast_radius, documents};
pub(crate) use place::{Area, Location, View};

use secret_names::SecretNames;

/// One thing a call does to the world.
#[derive(Clone, Debug)]
pub(crate) struct Effect<'a, 'k> {
    pub(crate) kind: EffectKind,
    pub(crate) invocation: InvocationId,
    pub(crate) source: SourceId,
    pub(crate) span: Span,
    pub(crate) target: Target<'a>,
    pub(crate) scope: Scope,
    pub(crate) place: Place,
    pub(crate) undo: Undo,
    pub(crate) marks: Marks,
    /// It holds only if a word that cannot be known is what it asks for.
    pub(crate) possible: bool,
    /// What the knowledge file says beside the kind: a floor, a reason, something better.
    pub(crate) says: Option<&'k schema::Effect>,
}

/// What an effect is on.
#[derive(Clone, Debug)]
pub(crate) enum Target<'a> {
    /// Nothing that is named.
    Nothing,
    /// A path.
    Path(Word<'a>, Location),
    /// A named thing.
    Name(Word<'a>),
    /// A network address; whether it is constant, and one that is plainly fetched.
    Address(Word<'a>),
    /// Data sent to a network that is no file.
    Data(Word<'a>),
    /// Code: what it is and where it comes from.
    Code(Code<'a>),
    /// A statement on a database, with its kind's name.
    Statement(&'static str, Option<String>),
}

/// Code that a call runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Code<'a> {
    /// A program that nothing is known of, and where its file lies if it was named by a path.
    Program(Word<'a>, Option<Area>),
    /// The command word cannot be known.
    Nameless,
    /// Text that is there to be read by a person, in a language the analysis does not follow.
    Visible,
    /// Text that cannot be known.
    Opaque,
    /// What comes from a stream.
    Fed(Feed<'a>),
}

/// A floor that a knowledge file puts under a call without giving it another effect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor<'k> {
    pub(crate) source: SourceId,
    pub(crate) span: Span,
    pub(crate) says: &'k schema::Effect,
}

/// Everything that rules look at.
#[derive(Debug)]
pub(crate) struct Analysis<'a, 'k> {
    pub(crate) identified: Identified<'a, 'k>,
    pub(crate) effects: BumpVec<'a, Effect<'a, 'k>>,
    pub(crate) floors: BumpVec<'a, Floor<'k>>,
    roots: Roots<'a>,
}

impl<'a, 'k> Analysis<'a, 'k> {
    /// The file that a word of an invocation names.
    pub(crate) fn file(&self, word: &Word<'_>, invocation: &Invocation<'_>) -> FileName {
        FileName::of(word, &invocation.directory, self.roots)
    }

    pub(crate) fn new(arena: &'a Bump, identified: Identified<'a, 'k>, view: View<'a>) -> Self {
        let mut effects = BumpVec::with_capacity_in(4 * identified.calls.len(), arena);
        let mut floors = BumpVec::new_in(arena);
        let secret_names = OnceCell::new();
        for (index, call) in identified.calls.iter().enumerate() {
            let Some(invocation) = identified.program.invocation(call.invocation) else { continue };
            let first = index == 0
                || identified.calls.get(index - 1).is_none_or(|before| before.invocation != call.invocation);
            let mut collector = Collector {
                call,
                invocation,
                view: &view,
                secret_names: SecretNames { identified: &identified, channels: &secret_names },
                effects: &mut effects,
                floors: &mut floors,
            };
            if first {
                collector.redirects();
            }
            let before = collector.effects.len();
            collector.standing();
            collector.stated();
            collector.roles();
            collector.carried(before);
            collector.language_acts();
            collector.manifests();
            collector.code();
            if call.sends_input {
                collector.push(EffectKind::NetworkOut, call.named, Target::Nothing);
            }
        }
        for note in &identified.program.notes {
            if let NoteKind::OpaqueCode = note.kind {
                effects.push(Effect {
                    kind: EffectKind::Execute,
                    invocation: note.invocation.unwrap_or(InvocationId(0)),
                    source: note.source,
                    span: note.span,
                    target: Target::Code(Code::Opaque),
                    scope: Scope::Local,
                    place: Place::Here,
                    undo: Undo::Hard,
                    marks: Marks::default(),
                    possible: false,
                    says: None,
                });
            }
        }
        for effect in &mut effects {
            let id = effect.invocation;
            if effect.kind == EffectKind::ReadSecret
                && (hides_values(&identified, id) || effect.says.is_some() && shows_public(&identified, id))
            {
                // What was to be said of it was said of the secret.
                (effect.kind, effect.says) = (EffectKind::Read, None);
            }
        }
        let roots = Roots { cwd: view.cwd, home: view.home };
        Self { identified, effects, floors, roots }
    }
}

/// Whether an invocation prints names with their values, and nobody sees more of it than the names.
fn hides_values(identified: &Identified<'_, '_>, id: InvocationId) -> bool {
    let program = &identified.program;
    let prints = |id: InvocationId, which: &[Prints]| {
        let mut calls = identified.calls_of(id).peekable();
        calls.peek().is_some()
            && calls.all(|call| {
                let plain = call.keeps_form || call.prints != Some(Prints::Names);
                call.standing == Standing::Known
                    && plain
                    && call.prints.is_some_and(|prints| which.contains(&prints))
            })
    };
    prints(id, &[Prints::Pairs])
        && readers_are(program, id, |reader| prints(reader, &[Prints::Names, Prints::Number]))
}

/// Whether an invocation prints a document, and all that anybody sees of it are fields that hold no secrets.
fn shows_public(identified: &Identified<'_, '_>, id: InvocationId) -> bool {
    let one = |id: InvocationId, prints: Prints| {
        let mut calls = identified.calls_of(id);
        let call = calls.next().filter(|call| call.prints == Some(prints) && call.keeps_form)?;
        let plain = call.standing == Standing::Known && call.unknown.is_empty() && !call.influenced;
        (plain && calls.next().is_none()).then_some(call)
    };
    let Some(call) = one(id, Prints::Document) else { return false };
    let public = call.command.map(|command| command.public.as_slice()).unwrap_or_default();
    let selects = |reader: InvocationId| {
        let Some(call) = one(reader, Prints::Selection) else { return false };
        let mut operands = call.arguments.iter().filter(|argument| argument.given == Given::Operand);
        let (Some(filter), None) = (operands.next(), operands.next()) else { return false };
        let text = match filter.role {
            Role::Code(Language::Jq) => filter.word.as_known(),
            _ => None,
        };
        text.is_some_and(|text| shows_only(text, public))
    };
    // What goes elsewhere, messages included, somebody else may see.
    let hushed = |redirect: &Redirect<'_>| {
        redirect.descriptor == Some(2) && !redirect.both && redirect.target.as_known() == Some(b"/dev/null")
    };
    let writer = identified.program.invocation(id);
    writer.is_some_and(|writer| writer.redirects.iter().all(hushed))
        && readers_are(&identified.program, id, selects)
}

/// Whether what an invocation prints goes through a pipe to somebody, and only to such as those.
fn readers_are(program: &Program<'_>, id: InvocationId, mut fits: impl FnMut(InvocationId) -> bool) -> bool {
    let Some(channel) = program.invocation(id).and_then(|writer| writer.stdout) else { return false };
    let fed =
        |invocation: &Invocation<'_>| matches!(invocation.stdin, Input::Channel(input) if input == channel);
    let holds = |word: &Word<'_>| word.from.contains(&Origin::Channel(channel));
    let held = |invocation: &Invocation<'_>| {
        let input = match &invocation.stdin {
            Input::Text(word) | Input::File(word) => holds(word),
            _ => false,
        };
        input
            || invocation.words.iter().any(holds)
            || invocation.redirects.iter().any(|redirect| holds(&redirect.target))
            || invocation.assignments.iter().any(|assignment| holds(&assignment.value))
    };
    let invocations = || program.invocations.iter().zip(0..);
    let mut readers = invocations().filter(|(reader, _)| fed(reader)).peekable();
    readers.peek().is_some()
        && readers.all(|(_, reader)| fits(InvocationId(reader)))
        && !invocations().any(|(invocation, _)| held(invocation))
}

/// Collects the effects of one call.
struct Collector<'c, 'a, 'k> {
    call: &'c Call<'a, 'k>,
    invocation: &'c Invocation<'a>,
    view: &'c View<'a>,
    secret_names: SecretNames<'c, 'a, 'k>,
    effects: &'c mut BumpVec<'a, Effect<'a, 'k>>,
    floors: &'c mut BumpVec<'a, Floor<'k>>,
}

impl<'a, 'k> Collector<'_, 'a, 'k> {
    fn push(&mut self, kind: EffectKind, span: Span, target: Target<'a>) {
        self.effects.push(Effect {
            kind,
            invocation: self.call.invocation,
            source: self.call.source,
            span,
            target,
            scope: Scope::Local,
            place: self.invocation.place,
            undo: usual_undo(kind),
            marks: self.call.marks,
            possible: false,
            says: None,
        });
    }

    /// Files that the shell itself opens.
    fn redirects(&mut self) {
        for redirect in self.invocation.redirects {
            let kind = match redirect.kind {
                RedirectKind::Read => EffectKind::Read,
                kind if kind.writes() => EffectKind::Write,
                _ => continue,
            };
            // Process substitutions are streams, whatever their name.
            if redirect.target.is_pipe() {
                continue;
            }
            // To the shell `-` is a file like any other.
            let here = Word { value: Value::Known(b"./-"), ..redirect.target };
            let target = if redirect.target.as_known() == Some(b"-") { here } else { redirect.target };
            let before = self.effects.len();
            self.path(kind, target, redirect.span);
            for text in target.maybe {
                self.path(kind, Word::known(text, target.span), redirect.span);
            }
            // A port that is opened, and neither told nor asked anything (`< /dev/tcp/host/22`).
            let asks = self.invocation.says_nothing();
            for effect in self.effects.iter_mut().skip(before) {
                effect.source = redirect.source;
                if let (EffectKind::NetworkOut, Target::Path(word, _)) = (effect.kind, &effect.target)
                    && asks
                    && redirect.kind != RedirectKind::ReadWrite
                    && word.as_known().is_some()
                {
                    effect.kind = EffectKind::NetworkIn;
                }
            }
        }
    }

    fn standing(&mut self) {
        let code = match self.call.standing {
            Standing::Known | Standing::Nothing => return,
            Standing::Nameless => Code::Nameless,
            Standing::Elsewhere | Standing::Unknown | Standing::File => {
                let Some(&word) = self.invocation.words.first() else { return };
                let path = word.prefix().contains(&b'/') || word.lead != Lead::Text;
                let location = || place::locate(&word, &self.invocation.directory, self.view);
                Code::Program(word, path.then(|| location().area))
            }
        };
        self.push(EffectKind::Execute, self.call.named, Target::Code(code));
    }

    /// What the knowledge file states.
    fn stated(&mut self) {
        let scope = self.call.scope;
        for &(says, span) in &self.call.effects {
            let Some(kind) = says.kind else {
                self.floors.push(Floor { source: self.call.source, span, says });
                continue;
            };
            let scope = says.scope.unwrap_or(scope);
            let mut targets = 0;
            if let Some(name) = &says.target {
                for word in self.call.facet(name) {
                    targets += 1;
                    let span = span.join(word.span);
                    if scope != Scope::Local {
                        self.state(says, kind, scope, span, Target::Name(word));
                        continue;
                    }
                    let location = place::locate(&word, &self.invocation.directory, self.view);
                    let found = (location.area, location.whole);
                    self.state(says, kind, scope, span, Target::Path(word, location));
                    if kind == EffectKind::Delete && self.invocation.context.stayed {
                        self.where_it_stayed(kind, &word, found, span);
                    }
                }
            }
            if targets == 0 {
                // What is written without a name may be written where the script went.
                if kind == EffectKind::Write && scope == Scope::Local && says.target.is_none() {
                    let here = Word::known(b".", span);
                    let location = place::locate(&here, &self.invocation.directory, self.view);
                    if location.area == Area::System {
                        self.state(says, kind, scope, span, Target::Path(here, location));
                    }
                }
                // A local target that was not given is the working directory.
                let target = match (&says.target, scope) {
                    (Some(_), Scope::Local) => {
                        let here = Word::known(b".", span);
                        Target::Path(here, place::locate(&here, &self.invocation.directory, self.view))
                    }
                    _ => Target::Nothing,
                };
                self.state(says, kind, scope, span, target);
            }
        }
    }

    fn state(
        &mut self,
        says: &'k schema::Effect,
        kind: EffectKind,
        scope: Scope,
        span: Span,
        target: Target<'a>,
    ) {
        let kind = match (kind, &target) {
            (EffectKind::Read, Target::Path(_, location)) if location.secret => EffectKind::ReadSecret,
            _ => kind,
        };
        self.push(kind, span, target);
        if let Some(effect) = self.effects.last_mut() {
            effect.scope = scope;
            effect.undo = says.undo.unwrap_or(effect.undo);
            effect.possible = self.call.possible.iter().any(|possible| std::ptr::eq(*possible, says));
            effect.says = Some(says);
        }
    }

    /// An effect on a path, as what it turns out to be.
    fn path(&mut self, kind: EffectKind, word: Word<'a>, span: Span) {
        if matches!(word.as_known(), Some(b"-")) {
            return;
        }
        let location = place::locate(&word, &self.invocation.directory, self.view);
        let kind = match (kind, location.area) {
            (_, Area::Stream) => return,
            (_, Area::Network) => EffectKind::NetworkOut,
            (EffectKind::Read, _)
                if location.secret
                    || self.reads_everything(&location)
                    || self.secret_names.reach(&word, self.view)
                    || (word.prefix().first() != Some(&b'/')
                        && self.secret_names.reach(&self.invocation.directory, self.view)) =>
            {
                EffectKind::ReadSecret
            }
            (kind, _) => kind,
        };
        self.push(kind, span, Target::Path(word, location));
        if kind == EffectKind::Read {
            self.addressed(&word, span);
        }
        if matches!(kind, EffectKind::Write | EffectKind::Delete)
            && (self.invocation.context.stayed || !self.invocation.directory.from.is_empty())
        {
            self.where_it_stayed(kind, &word, (location.area, location.whole), span);
        }
    }

    /// What an operand names to a tool that also takes addresses: `file:///etc/shadow`, `//localhost/etc/shadow`.
    fn addressed(&mut self, word: &Word<'a>, span: Span) {
        let text = word.prefix();
        let behind = match text {
            [b'/', b'/', ..] => text,
            [b'f' | b'F', ..] => match text.split_at_checked(5) {
                Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"file:") => rest,
                _ => return,
            },
            _ => return,
        };
        let path = match behind.strip_prefix(b"//") {
            Some(rest) => rest.iter().position(|byte| *byte == b'/').and_then(|at| rest.get(at..)),
            None => Some(behind),
        };
        let path = path.and_then(|path| path.split(|byte| matches!(byte, b'?' | b'#')).next());
        // What is written with signs that stand for others is not followed.
        let plain = |path: &&[u8]| !path.iter().any(|byte| matches!(byte, b'%' | b'\\' | b'&'));
        let known = path.filter(|path| word.as_known().is_some() && plain(path));
        match known {
            Some(path) => {
                let path = Word { value: Value::Known(path), ..*word };
                let location = place::locate(&path, &self.invocation.directory, self.view);
                let kind = if location.secret { EffectKind::ReadSecret } else { EffectKind::Read };
                self.push(kind, span, Target::Path(path, location));
            }
            None if text.first() != Some(&b'/') || text.to_ascii_lowercase().starts_with(b"//localhost") => {
                self.push(
                    EffectKind::ReadSecret,
                    span,
                    Target::Path(*word, place::locate(word, &self.invocation.directory, self.view)),
                );
            }
            None => {}
        }
    }

    /// A change where the shell stood before: a `cd` that fails leaves it there. Of places of one kind the first
    /// is told.
    fn where_it_stayed(&mut self, kind: EffectKind, word: &Word<'a>, found: (Area, bool), span: Span) {
        const MOST: usize = 1024;
        let here = self.invocation.directory;
        let settled = here.as_known().is_some() || here.lead != Lead::Text;
        let relative =
            word.lead == Lead::Text && word.pattern.unwrap_or(word.prefix()).first() != Some(&b'/');
        if !settled || !relative {
            return;
        }
        let places = here.from.iter().filter_map(|origin| match origin {
            Origin::Files(lead, paths) => Some((*lead, *paths)),
            _ => None,
        });
        let each = places.flat_map(|(lead, paths)| {
            let paths = paths.split(|byte| *byte == b'\n').filter(|path| !path.is_empty());
            paths.map(move |path| match lead {
                Lead::Text => Word::known(path, span),
                _ => {
                    Word { value: Value::Partial { prefix: b"", suffix: path }, lead, ..Word::unknown(span) }
                }
            })
        });
        let home = self.invocation.context.stayed.then(|| Word::known(b"", span));
        let inside = |area: Area| matches!(area, Area::Workspace | Area::Temporary);
        let mut told = vec![(found.0, found.1 && inside(found.0))];
        for (at, directory) in home.into_iter().chain(each).enumerate() {
            // Of more than anybody looks at, one may be anywhere.
            let directory = if at < MOST { directory } else { Word::unknown(span) };
            let location = place::locate(word, &directory, self.view);
            let emptied = kind == EffectKind::Delete && location.whole;
            let worse = emptied || !matches!(location.area, Area::Workspace | Area::Temporary | Area::Stream);
            let whole = emptied && inside(location.area);
            if worse && !told.contains(&(location.area, whole)) {
                told.push((location.area, whole));
                self.push(kind, span, Target::Path(*word, location));
            }
            if at >= MOST {
                break;
            }
        }
    }

    /// A recursive read of a whole home, or of where the system keeps its secrets, reads them.
    fn reads_everything(&self, location: &Location) -> bool {
        location.hoard && self.call.marks.has(Mark::Recursive)
    }

    /// Code that cannot be seen, or that comes from a stream.
    fn code(&mut self) {
        let feeds = &self.call.feeds;
        for feed in feeds {
            let target = match feed.from {
                // As good as a script that is named.
                FeedSource::File(word) => {
                    Target::Path(word, place::locate(&word, &self.invocation.directory, self.view))
                }
                _ => Target::Code(Code::Fed(*feed)),
            };
            self.push(EffectKind::Execute, feed.span, target);
        }
        for &(unknown, span) in &self.call.unknown {
            if unknown == Unknown::Code && !self.call.feeds.iter().any(|feed| feed.span == span) {
                self.push(EffectKind::Execute, span, Target::Code(Code::Opaque));
            }
        }
    }
}

const fn usual_undo(kind: EffectKind) -> Undo {
    match kind {
        EffectKind::Delete | EffectKind::Execute | EffectKind::Schema => Undo::Hard,
        EffectKind::NetworkOut | EffectKind::ReadSecret => Undo::Never,
        _ => Undo::Easy,
    }
}
