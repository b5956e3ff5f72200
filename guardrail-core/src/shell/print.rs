//! A script back to shell text, laid out one command a line.

use crate::shell::heredoc::without_quotes;
use crate::shell::{
    Arm, ArmEnd, Assignment, Command, CommandId, CommandKind, Descriptor, Item, Join, Parameter,
    ParameterOperator, Part, Redirect, RedirectOperator, Script, Slice, Span, SubstitutionStyle, Word,
};

/// Writes `script` as shell text that reads as the same tree, but for its spans. Comments and
/// layout are lost. Of a script with problems it writes what was read.
#[must_use]
pub fn print(script: &Script<'_>) -> Vec<u8> {
    let mut printer =
        Printer { script, out: Vec::with_capacity(script.text.len() + 16), pending: Vec::new(), base: 0 };
    printer.items(script.body());
    printer.out
}

struct Printer<'p> {
    script: &'p Script<'p>,
    out: Vec<u8>,
    /// Here-documents whose bodies belong behind the next newline.
    pending: Vec<Redirect>,
    /// Those of the innermost substitution begin here.
    base: usize,
}

impl Printer<'_> {
    fn text(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    fn span(&mut self, span: Span) {
        self.out.extend_from_slice(span.of(self.script.text));
    }

    fn newline(&mut self) {
        self.text(b"\n");
        for redirect in self.pending.split_off(self.base) {
            let RedirectOperator::HereDocument { delimiter, .. } = redirect.operator else { continue };
            // As it was: a line break more, inside of a substitution, could be the delimiter's.
            self.span(redirect.target.span);
            self.out.extend(without_quotes(delimiter.of(self.script.text)).0.iter());
            self.text(b"\n");
        }
    }

    /// Prints something whose newlines begin no here-document announced outside of it.
    fn fenced(&mut self, print: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.base, self.pending.len());
        print(self);
        self.base = outer;
    }

    fn list(&mut self, list: Slice<Item>) {
        self.items(self.script.list(list));
    }

    fn items(&mut self, items: &[Item]) {
        let mut items = items.iter().peekable();
        while let Some(item) = items.next() {
            self.command(item.command);
            match items.peek().map(|next| next.join) {
                Some(Join::And) => self.text(b" && "),
                Some(Join::Or) => self.text(b" || "),
                Some(Join::Sequence) | None => {
                    if item.background {
                        self.text(b" &");
                    }
                    self.newline();
                }
            }
        }
    }

    fn command(&mut self, id: CommandId) {
        let Some(&Command { kind, redirects, .. }) = self.script.command(id) else { return };
        match kind {
            CommandKind::Simple { assignments, words } => {
                let mut space: &[u8] = b"";
                for assignment in self.script.assignments(assignments) {
                    self.text(space);
                    self.assignment(assignment);
                    space = b" ";
                }
                // Before the words: a reserved word behind a redirection is none.
                for redirect in self.script.redirects(redirects) {
                    self.text(space);
                    self.redirect(redirect);
                    space = b" ";
                }
                if !words.is_empty() {
                    self.text(space);
                }
                return self.words(words, b" ");
            }
            CommandKind::Pipeline { stages, negated, timed } => {
                if timed {
                    // The dashes keep a first word `-p` from being an option.
                    self.text(b"time -- ");
                }
                match (negated, timed, stages.len()) {
                    (true, ..) => self.text(b"! "),
                    (false, false, 0 | 1) => self.text(b"! ! "),
                    _ => {}
                }
                let mut pipe: &[u8] = b"";
                for stage in self.script.stages(stages) {
                    self.text(pipe);
                    self.command(stage.command);
                    pipe = if stage.stderr { b" |& " } else { b" | " };
                }
            }
            CommandKind::Subshell(list) => self.block(b"( ", list, b")"),
            CommandKind::Group(list) => self.block(b"{ ", list, b"}"),
            CommandKind::If { branches, otherwise } => {
                let mut keyword: &[u8] = b"if ";
                for branch in self.script.branches(branches) {
                    self.block(keyword, branch.condition, b"then ");
                    self.list(branch.body);
                    keyword = b"elif ";
                }
                if let Some(otherwise) = otherwise {
                    self.block(b"else ", otherwise, b"");
                }
                self.text(b"fi");
            }
            CommandKind::While { until, condition, body } => {
                self.block(if until { b"until " } else { b"while " }, condition, b"");
                self.block(b"do ", body, b"done");
            }
            CommandKind::For { select, name, words, body } => {
                self.text(if select { b"select " } else { b"for " });
                self.word(&name);
                if let Some(words) = words {
                    self.text(b" in ");
                    self.words(words, b" ");
                }
                self.newline();
                self.block(b"do ", body, b"done");
            }
            CommandKind::ArithmeticFor { expressions: [start, condition, step], body } => {
                self.text(b"for ((");
                self.parts(start, false);
                self.text(b";");
                self.parts(condition, false);
                self.text(b";");
                self.parts(step, false);
                self.text(b"))");
                self.newline();
                self.block(b"do ", body, b"done");
            }
            CommandKind::Case { word, arms } => {
                self.text(b"case ");
                self.word(&word);
                self.text(b" in");
                self.newline();
                self.script.arms(arms).iter().for_each(|arm| self.arm(arm));
                self.text(b"esac");
            }
            CommandKind::Function { name, body } => {
                // A name with blanks in brackets is one word only where an assignment could be.
                if !name.span.of(self.script.text).contains(&b' ') {
                    self.text(b"function ");
                }
                self.word(&name);
                self.text(b" () ");
                self.command(body);
            }
            CommandKind::Coproc { name, body } => {
                self.text(b"coproc ");
                if let Some(name) = name {
                    self.word(&name);
                    self.text(b" ");
                }
                self.command(body);
            }
            CommandKind::Test(words) => {
                self.text(b"[[ ");
                self.words(words, b" ");
                self.text(b" ]]");
            }
            CommandKind::Arithmetic(parts) => {
                self.text(b"((");
                self.parts(parts, false);
                self.text(b"))");
            }
        }
        for redirect in self.script.redirects(redirects) {
            self.text(b" ");
            self.redirect(redirect);
        }
    }

    fn block(&mut self, open: &[u8], list: Slice<Item>, close: &[u8]) {
        self.text(open);
        self.list(list);
        self.text(close);
    }

    fn arm(&mut self, arm: &Arm) {
        self.text(b"(");
        self.words(arm.patterns, b" | ");
        self.text(b") ");
        self.list(arm.body);
        self.text(match arm.end {
            ArmEnd::Break => b";;",
            ArmEnd::FallThrough => b";&",
            ArmEnd::Continue => b";;&",
        });
        self.newline();
    }

    fn assignment(&mut self, assignment: &Assignment) {
        self.span(assignment.name);
        if let Some(subscript) = assignment.subscript {
            self.text(b"[");
            self.parts(subscript, false);
            self.text(b"]");
        }
        self.text(if assignment.append { b"+=" } else { b"=" });
        self.word(&assignment.value);
    }

    fn redirect(&mut self, redirect: &Redirect) {
        match redirect.descriptor {
            Descriptor::Default => {}
            Descriptor::Number(number) => self.text(number.to_string().as_bytes()),
            Descriptor::Variable(name) => {
                self.text(b"{");
                self.span(name);
                self.text(b"}");
            }
        }
        self.text(match redirect.operator {
            RedirectOperator::Input => b"< ",
            RedirectOperator::Output => b"> ",
            RedirectOperator::Clobber => b">| ",
            RedirectOperator::Append => b">> ",
            RedirectOperator::ReadWrite => b"<> ",
            RedirectOperator::DuplicateInput => b"<& ",
            RedirectOperator::DuplicateOutput => b">& ",
            RedirectOperator::OutputAndError => b"&> ",
            RedirectOperator::AppendOutputAndError => b"&>> ",
            RedirectOperator::HereString => b"<<< ",
            RedirectOperator::HereDocument { strip, delimiter, .. } => {
                self.text(if strip { b"<<- " } else { b"<< " });
                self.span(delimiter);
                self.pending.push(*redirect);
                return;
            }
        });
        self.word(&redirect.target);
    }

    fn words(&mut self, words: Slice<Word>, separator: &[u8]) {
        for (index, word) in self.script.words(words).iter().enumerate() {
            if index > 0 {
                self.text(separator);
            }
            self.word(word);
        }
    }

    fn word(&mut self, word: &Word) {
        self.parts(word.parts, false);
    }

    /// `quoted` says whether the parts stand directly between double quotes.
    fn parts(&mut self, parts: Slice<Part>, quoted: bool) {
        self.script.parts(parts).iter().for_each(|&part| self.part(part, quoted));
    }

    fn part(&mut self, part: Part, quoted: bool) {
        match part {
            Part::Literal(span) | Part::Opaque(span) => self.span(span),
            Part::Escaped(span) => {
                self.text(b"\\");
                self.span(span);
            }
            Part::SingleQuoted(span) => {
                self.text(b"'");
                self.span(span);
                self.text(b"'");
            }
            Part::AnsiQuoted(span) => {
                self.text(b"$'");
                self.span(span);
                self.text(b"'");
            }
            Part::DoubleQuoted { parts, locale, .. } => {
                self.text(if locale { b"$\"" } else { b"\"" });
                self.parts(parts, true);
                self.text(b"\"");
            }
            Part::Parameter(id) => {
                if let Some(parameter) = self.script.parameter(id) {
                    self.parameter(parameter);
                }
            }
            Part::CommandSubstitution { body, style, .. } => self.fenced(|printer| match style {
                SubstitutionStyle::Dollar => printer.block(b"$( ", body, b")"),
                SubstitutionStyle::Backquote => printer.block(b"`", body, b"`"),
                SubstitutionStyle::Funsub => printer.block(b"${ ", body, b"}"),
                SubstitutionStyle::Valsub => printer.block(b"${|", body, b"}"),
            }),
            Part::Backquoted { script, .. } => {
                let Some(nested) = self.script.nested(script) else { return };
                self.text(b"`");
                for byte in print(nested) {
                    if matches!(byte, b'\\' | b'`' | b'$') || (quoted && byte == b'"') {
                        self.out.push(b'\\');
                    }
                    self.out.push(byte);
                }
                self.text(b"`");
            }
            Part::ProcessSubstitution { body, output, .. } => {
                self.fenced(|printer| printer.block(if output { b">( " } else { b"<( " }, body, b")"));
            }
            Part::Arithmetic { parts, bracket, .. } => {
                self.text(if bracket { b"$[" } else { b"$((" });
                self.parts(parts, false);
                self.text(if bracket { b"]" } else { b"))" });
            }
            Part::ExtendedGlob { operator, parts, .. } => {
                self.text(&[operator, b'(']);
                self.parts(parts, false);
                self.text(b")");
            }
            Part::Array { words, .. } => {
                self.text(b"(");
                self.words(words, b" ");
                self.text(b")");
            }
        }
    }

    fn parameter(&mut self, parameter: &Parameter) {
        let [first, second] = parameter.arguments;
        let operator = parameter.operator;
        if operator == ParameterOperator::Bad {
            // Whatever it is, it reads the same again.
            return self.span(parameter.span);
        }
        self.text(b"${");
        if operator == ParameterOperator::Length {
            self.text(b"#");
        }
        if parameter.indirect {
            self.text(b"!");
        }
        self.span(parameter.name);
        if let Some(subscript) = parameter.subscript {
            self.text(b"[");
            self.parts(subscript, false);
            self.text(b"]");
        }
        let colon = |colon: bool, with: &'static [u8; 2]| match with {
            [_, operator] if !colon => std::slice::from_ref(operator),
            both => both,
        };
        match operator {
            ParameterOperator::Plain
            | ParameterOperator::Length
            | ParameterOperator::Keys
            | ParameterOperator::Bad => {}
            ParameterOperator::Default { colon: with } => self.text(colon(with, b":-")),
            ParameterOperator::Assign { colon: with } => self.text(colon(with, b":=")),
            ParameterOperator::Error { colon: with } => self.text(colon(with, b":?")),
            ParameterOperator::Alternate { colon: with } => self.text(colon(with, b":+")),
            ParameterOperator::RemovePrefix { longest } => self.text(if longest { b"##" } else { b"#" }),
            ParameterOperator::RemoveSuffix { longest } => self.text(if longest { b"%%" } else { b"%" }),
            ParameterOperator::Replace { which: b'a' } => self.text(b"//"),
            ParameterOperator::Replace { which: b'/' } => self.text(b"/"),
            ParameterOperator::Replace { which } => self.text(&[b'/', which]),
            ParameterOperator::Substring => self.text(b":"),
            ParameterOperator::Case { which, all: false } => self.out.push(which),
            ParameterOperator::Case { which, all: true } => self.text(&[which, which]),
            ParameterOperator::Transform(letter) => self.text(&[b'@', letter]),
            ParameterOperator::Names => self.text(b"*"),
        }
        self.parts(first, false);
        // `${x:}` is no substring, but `${x::}` is.
        if !second.is_empty() || (operator == ParameterOperator::Substring && first.is_empty()) {
            let separator: &[u8] = if operator == ParameterOperator::Substring { b":" } else { b"/" };
            self.text(separator);
            self.parts(second, false);
        }
        self.text(b"}");
    }
}

#[cfg(test)]
mod tests {
    use super::print;
    use crate::shell::{outlined, parsed};

    fn printed(text: &str) -> String {
        String::from_utf8(print(&parsed(text))).unwrap()
    }

    #[test]
    fn one_command_stands_on_a_line() {
        assert_eq!(printed("a;b&&c&"), "a\nb && c &\n");
        assert_eq!(printed("if a;then b;fi>f"), "if a\nthen b\nfi > f\n");
        assert_eq!(printed("a <<E|b\n$x\nE"), "<< E a | b\n$x\nE\n");
    }

    #[test]
    fn what_could_read_otherwise_is_written_so_that_it_does_not() {
        for text in [
            ">f if",
            "time -- -p",
            "! ! a",
            "$( (a) )",
            "`a \\`b\\``",
            "\"`a \\\"b\\\"`\"",
            "$x[1]",
            "case x in (esac) a;; esac",
            "f[ a ]() { b; }",
            "${x::}",
            "cat <<E\n$(cat <<F\nx\nF\nE)\nE",
        ] {
            assert_eq!(outlined(&printed(text)), outlined(text), "{text}");
        }
    }
}
