//! The tree of a script as one line of text without spans: equal for scripts that mean the same.

use std::fmt::Write;

use crate::shell::{
    Assignment, CommandId, CommandKind, Descriptor, Item, Parameter, Part, Redirect, RedirectOperator,
    Script, Slice, Span, SubstitutionStyle, Word,
};

/// Writes the tree of `script`. Two scripts that differ only in layout, comments, line
/// continuations, or the spelling of backquotes have the same outline.
#[must_use]
pub fn outline(script: &Script<'_>) -> String {
    let mut outline = Outline { script, out: String::new() };
    outline.items(script.body());
    outline.out
}

struct Outline<'o> {
    script: &'o Script<'o>,
    out: String,
}

impl Outline<'_> {
    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn debug(&mut self, value: impl std::fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{value:?}");
    }

    fn span(&mut self, span: Span) {
        let _ = write!(self.out, "{}", span.of(self.script.text).escape_ascii());
    }

    fn list(&mut self, list: Slice<Item>) {
        self.text("[");
        self.items(self.script.list(list));
        self.text("]");
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.debug(item.join);
            self.text(if item.background { " & " } else { " " });
            self.command(item.command);
            self.text("; ");
        }
    }

    fn command(&mut self, id: CommandId) {
        let Some(command) = self.script.command(id) else { return };
        match command.kind {
            CommandKind::Simple { assignments, words } => {
                self.text("simple");
                self.script
                    .assignments(assignments)
                    .iter()
                    .for_each(|assignment| self.assignment(assignment));
                self.words(words);
            }
            CommandKind::Pipeline { stages, negated, timed } => {
                self.text("pipeline");
                self.debug((negated, timed));
                for stage in self.script.stages(stages) {
                    self.text(if stage.stderr { " |& " } else { " | " });
                    self.command(stage.command);
                }
            }
            CommandKind::Subshell(list) => self.labelled("subshell", list),
            CommandKind::Group(list) => self.labelled("group", list),
            CommandKind::If { branches, otherwise } => {
                for branch in self.script.branches(branches) {
                    self.labelled("if", branch.condition);
                    self.labelled("then", branch.body);
                }
                if let Some(otherwise) = otherwise {
                    self.labelled("else", otherwise);
                }
            }
            CommandKind::While { until, condition, body } => {
                self.labelled(if until { "until" } else { "while" }, condition);
                self.labelled("do", body);
            }
            CommandKind::For { select, name, words, body } => {
                self.text(if select { "select" } else { "for" });
                self.word(&name);
                if let Some(words) = words {
                    self.text(" in");
                    self.words(words);
                }
                self.labelled("do", body);
            }
            CommandKind::ArithmeticFor { expressions, body } => {
                self.text("for");
                expressions.iter().for_each(|&expression| self.parts(expression));
                self.labelled("do", body);
            }
            CommandKind::Case { word, arms } => {
                self.text("case");
                self.word(&word);
                for arm in self.script.arms(arms) {
                    self.words(arm.patterns);
                    self.labelled(")", arm.body);
                    self.debug(arm.end);
                }
            }
            CommandKind::Function { name, body } => {
                self.text("function");
                self.word(&name);
                self.command(body);
            }
            CommandKind::Coproc { name, body } => {
                self.text("coproc");
                if let Some(name) = name {
                    self.word(&name);
                }
                self.text(" ");
                self.command(body);
            }
            CommandKind::Test(words) => {
                self.text("test");
                self.words(words);
            }
            CommandKind::Arithmetic(parts) => {
                self.text("arithmetic");
                self.parts(parts);
            }
        }
        self.script.redirects(command.redirects).iter().for_each(|redirect| self.redirect(redirect));
    }

    fn labelled(&mut self, label: &str, list: Slice<Item>) {
        self.text(label);
        self.list(list);
    }

    fn assignment(&mut self, assignment: &Assignment) {
        self.text(" ");
        self.span(assignment.name);
        if let Some(subscript) = assignment.subscript {
            self.parts(subscript);
        }
        self.text(if assignment.append { "+=" } else { "=" });
        self.word(&assignment.value);
    }

    fn redirect(&mut self, redirect: &Redirect) {
        self.text(" ");
        match redirect.descriptor {
            Descriptor::Variable(name) => self.span(name),
            descriptor => self.debug(descriptor),
        }
        match redirect.operator {
            RedirectOperator::HereDocument { quoted, strip, .. } => self.debug(("here", quoted, strip)),
            operator => self.debug(operator),
        }
        self.word(&redirect.target);
    }

    fn words(&mut self, words: Slice<Word>) {
        self.script.words(words).iter().for_each(|word| self.word(word));
    }

    fn word(&mut self, word: &Word) {
        self.text(" ");
        self.parts(word.parts);
    }

    fn parts(&mut self, parts: Slice<Part>) {
        self.text("<");
        let mut literal = false;
        for &part in self.script.parts(parts) {
            // Literals that stand next to each other are one.
            let continues = literal && matches!(part, Part::Literal(_));
            literal = matches!(part, Part::Literal(_));
            if !continues {
                self.text("|");
            }
            self.part(part);
        }
        self.text(">");
    }

    fn part(&mut self, part: Part) {
        match part {
            Part::Literal(span) => self.span(span),
            Part::Escaped(span) => self.marked("\\", span),
            Part::SingleQuoted(span) => self.marked("'", span),
            Part::AnsiQuoted(span) => self.marked("$'", span),
            Part::Opaque(span) => self.marked("opaque ", span),
            Part::DoubleQuoted { parts, locale, .. } => {
                self.text(if locale { "$\"" } else { "\"" });
                self.parts(parts);
            }
            Part::Parameter(id) => {
                if let Some(parameter) = self.script.parameter(id) {
                    self.parameter(parameter);
                }
            }
            Part::CommandSubstitution { body, style, .. } => {
                if style == SubstitutionStyle::Backquote {
                    self.labelled("`", body);
                } else {
                    self.debug(style);
                    self.list(body);
                }
            }
            Part::Backquoted { script, .. } => {
                if let Some(nested) = self.script.nested(script) {
                    self.text("`[");
                    self.out.push_str(&outline(nested));
                    self.text("]");
                }
            }
            Part::ProcessSubstitution { body, output, .. } => {
                self.labelled(if output { ">(" } else { "<(" }, body);
            }
            Part::Arithmetic { parts, bracket, .. } => {
                self.text(if bracket { "$[" } else { "$((" });
                self.parts(parts);
            }
            Part::ExtendedGlob { operator, parts, .. } => {
                self.out.push(char::from(operator));
                self.text("(");
                self.parts(parts);
            }
            Part::Array { words, .. } => {
                self.text("(");
                self.words(words);
                self.text(")");
            }
        }
    }

    fn marked(&mut self, mark: &str, span: Span) {
        self.text(mark);
        self.span(span);
    }

    fn parameter(&mut self, parameter: &Parameter) {
        self.text("${");
        self.span(parameter.name);
        self.debug((parameter.indirect, parameter.operator));
        if let Some(subscript) = parameter.subscript {
            self.parts(subscript);
        }
        parameter.arguments.iter().for_each(|&argument| self.parts(argument));
        self.text("}");
    }
}
