//! Walks a script as an embedder could: every command word, every span.

use guardrail_core::shell::{
    Command, CommandId, CommandKind, Item, ParameterId, Part, Script, Slice, Span, Word,
};

/// What a walk over a script finds.
#[derive(Default)]
pub(crate) struct Found {
    /// The raw command words, in the order of the tree.
    pub(crate) commands: Vec<String>,
    /// Spans that do not lie within the text they point into.
    pub(crate) stray_spans: usize,
    /// Nodes visited.
    pub(crate) nodes: usize,
}

/// Walks all of `script`.
pub(crate) fn walk(script: &Script) -> Found {
    let mut found = Found::default();
    visit(script, script.body(), &mut found);
    found
}

fn visit(script: &Script, items: &[Item], found: &mut Found) {
    Walker { script, found }.items(items);
}

struct Walker<'w, 's> {
    script: &'w Script<'s>,
    found: &'w mut Found,
}

impl Walker<'_, '_> {
    fn span(&mut self, span: Span) {
        self.found.nodes += 1;
        let end = span.end as usize;
        self.found.stray_spans += usize::from(span.start > span.end || end > self.script.text().len());
    }

    fn list(&mut self, slice: Slice<Item>) {
        self.items(self.script.list(slice));
    }

    fn items(&mut self, items: &[Item]) {
        items.iter().for_each(|item| self.command_id(item.command));
    }

    fn command_id(&mut self, id: CommandId) {
        let command = self.script.command(id).expect("a command of this script");
        self.command(command);
    }

    fn command(&mut self, command: &Command) {
        let script = self.script;
        self.span(command.span);
        match command.kind {
            CommandKind::Simple { assignments, words } => {
                for assignment in script.assignments(assignments) {
                    self.span(assignment.span);
                    self.span(assignment.name);
                    self.parts(assignment.subscript.unwrap_or_default());
                    self.word(&assignment.value);
                }
                let words = script.words(words);
                if let Some(first) = words.first() {
                    let text = String::from_utf8_lossy(first.span.of(script.text())).into_owned();
                    self.found.commands.push(text);
                }
                words.iter().for_each(|word| self.word(word));
            }
            CommandKind::Pipeline { stages, .. } => {
                script.stages(stages).iter().for_each(|stage| self.command_id(stage.command));
            }
            CommandKind::Subshell(list) | CommandKind::Group(list) => self.list(list),
            CommandKind::If { branches, otherwise } => {
                for branch in script.branches(branches) {
                    self.list(branch.condition);
                    self.list(branch.body);
                }
                self.list(otherwise.unwrap_or_default());
            }
            CommandKind::While { condition, body, .. } => {
                self.list(condition);
                self.list(body);
            }
            CommandKind::For { name, words, body, .. } => {
                self.word(&name);
                self.words(words.unwrap_or_default());
                self.list(body);
            }
            CommandKind::ArithmeticFor { expressions, body } => {
                expressions.iter().for_each(|&expression| self.parts(expression));
                self.list(body);
            }
            CommandKind::Case { word, arms } => {
                self.word(&word);
                for arm in script.arms(arms) {
                    self.words(arm.patterns);
                    self.list(arm.body);
                }
            }
            CommandKind::Function { name, body } => {
                self.word(&name);
                self.command_id(body);
            }
            CommandKind::Coproc { name, body } => {
                self.word(&name.unwrap_or_default());
                self.command_id(body);
            }
            CommandKind::Test(words) => self.words(words),
            CommandKind::Arithmetic(parts) => self.parts(parts),
        }
        for redirect in script.redirects(command.redirects) {
            self.span(redirect.span);
            self.word(&redirect.target);
        }
    }

    fn words(&mut self, words: Slice<Word>) {
        self.script.words(words).iter().for_each(|word| self.word(word));
    }

    fn word(&mut self, word: &Word) {
        self.span(word.span);
        self.parts(word.parts);
    }

    fn parts(&mut self, parts: Slice<Part>) {
        self.script.parts(parts).iter().for_each(|part| self.part(*part));
    }

    fn part(&mut self, part: Part) {
        match part {
            Part::Literal(span)
            | Part::Escaped(span)
            | Part::SingleQuoted(span)
            | Part::AnsiQuoted(span)
            | Part::Opaque(span) => self.span(span),
            Part::DoubleQuoted { parts, span, .. }
            | Part::Arithmetic { parts, span, .. }
            | Part::ExtendedGlob { parts, span, .. } => {
                self.span(span);
                self.parts(parts);
            }
            Part::Parameter(id) => self.parameter(id),
            Part::CommandSubstitution { body, span, .. } | Part::ProcessSubstitution { body, span, .. } => {
                self.span(span);
                self.list(body);
            }
            Part::Backquoted { script, span } => {
                self.span(span);
                let nested = self.script.nested(script).expect("a nested script of this script");
                visit(nested, nested.body(), self.found);
            }
            Part::Array { words, span } => {
                self.span(span);
                self.words(words);
            }
        }
    }

    fn parameter(&mut self, id: ParameterId) {
        let parameter = self.script.parameter(id).expect("a parameter of this script");
        self.span(parameter.span);
        self.span(parameter.name);
        self.parts(parameter.subscript.unwrap_or_default());
        parameter.arguments.iter().for_each(|&argument| self.parts(argument));
    }
}
