//! The guard's own word on what is let through: a form that it does not call Low, or that the operator's
//! policy could ask about, is dropped, whatever the knowledge seemed to prove.

use guardrail_core::policy::{ExplainedVerdict, Policy, Says};
use guardrail_core::{Decision, Guard, Request, Risk};

use crate::openclaw::form::{FlagForm, Form, NUMBER, Shape, Takes};
use crate::openclaw::programs::Program;
use crate::openclaw::word::{Word, matches};

/// Words that a command line is tried with.
const SAMPLES: &[&str] = &["web", "x", "10", "a.b", "pods/web", "src/main", "zz", "HEAD", "main"];

/// Judges the forms of one program.
pub(super) struct Judge<'g> {
    guard: &'g Guard,
    /// Whether more than the rubric has a say.
    policy: bool,
    program: &'g str,
    /// All names that it may be called by.
    names: Vec<&'g str>,
}

impl<'g> Judge<'g> {
    pub(super) fn new(guard: &'g Guard, program: &'g Program<'_>, accepted: &[String]) -> Self {
        let policy = guard.policy().digest() != Policy::standard().digest();
        let links = program.names().iter().map(String::as_str);
        let links = links.filter(|name| !accepted.iter().any(|glob| matches(glob, name, false)));
        let names = std::iter::once(program.name()).chain(links).collect();
        Self { guard, policy, program: program.path(), names }
    }

    /// The form without the flags that the guard objects to; `None` where it objects to what is left.
    pub(super) fn settle(&self, mut form: Form) -> Option<Form> {
        let path = sample_path(&form)?;
        let operands = sample_operands(&form.shape);
        if operands.is_none() {
            form.shape.most = Some(0);
        }
        let operands = operands.unwrap_or_default();
        let lines = |before: &[String], flags: &[String]| {
            let bare: Vec<String> = [before, &path, flags].concat();
            let full: Vec<String> = [before, &path, flags, &operands].concat();
            [bare, full]
        };
        if !lines(&[], &[]).iter().all(|words| self.low(words)) {
            return None;
        }
        // No arguments and two empty ones look alike to the matcher.
        if path.is_empty() && !self.low(&[String::new(), String::new()]) {
            return None;
        }
        let all = |options: &[FlagForm]| {
            options.iter().filter_map(given).flatten().flatten().collect::<Vec<String>>()
        };
        form.shape.flags.retain(|option| given(option).is_some());
        form.shape.before.retain(|option| given(option).is_some());
        let together = |shape: &Shape| {
            lines(&all(&shape.before), &all(&shape.flags)).iter().all(|words| self.low(words))
        };
        // None of them puts a read in place of something else, so together they are what the worst is.
        if !together(&form.shape) {
            let low = |before: &[String], flags: &[String]| lines(before, flags).iter().all(|w| self.low(w));
            let alone = |option: &FlagForm, before: bool| {
                let ways = given(option).unwrap_or_default();
                ways.iter().all(|way| if before { low(way, &[]) } else { low(&[], way) })
            };
            form.shape.flags.retain(|option| alone(option, false));
            form.shape.before.retain(|option| alone(option, true));
            if !together(&form.shape) {
                return None;
            }
        }
        (!self.policy || self.undisputed(&form.path, &form.shape)).then_some(form)
    }

    /// As the program at its path, and by its name in a shell, which may have a builtin of that name.
    fn low(&self, words: &[String]) -> bool {
        let argv: Vec<String> =
            std::iter::once(self.program.to_owned()).chain(words.iter().cloned()).collect();
        // No word that is let through has a quote in it.
        let quoted: String = words.iter().map(|word| format!(" '{word}'")).collect();
        let called = self.names.iter().map(|name| Request::shell(format!("'{name}'{quoted}")));
        called.chain([Request::argv(argv)]).all(|request| {
            let evaluation = self.guard.evaluate(&request);
            evaluation.risk == Risk::Low && evaluation.decision == Decision::Allow
        })
    }

    /// Whether no rule could ask, whatever the words are: they are given as unknown, and what a rule
    /// asks about them is then unknown too.
    fn undisputed(&self, path: &[String], shape: &Shape) -> bool {
        let mut text = self.program.to_owned();
        let values = |text: &mut String, options: &[FlagForm]| {
            for option in options.iter().filter(|option| option.takes != Takes::Nothing) {
                let long = option.spellings.iter().find(|spelling| spelling.len() > 2);
                match (long, option.spellings.first()) {
                    (Some(long), _) => text.push_str(&format!(" {long}=\"$V\"")),
                    (None, Some(short)) if option.takes == Takes::Value => {
                        text.push_str(&format!(" {short} \"$V\""));
                    }
                    _ => {}
                }
            }
        };
        values(&mut text, &shape.before);
        for word in path {
            text.push(' ');
            text.push_str(&word.replace('*', "\"$P\""));
        }
        values(&mut text, &shape.flags);
        if shape.most != Some(0) {
            text.push_str(" -- \"x$A\" \"$A\"");
        }
        let explanation = self.guard.explain(&Request::shell(&text));
        let mut rules = explanation.acts.iter().flat_map(|act| &act.rules);
        rules.all(|rule| rule.says == Says::Allow.as_str() || rule.matches == ExplainedVerdict::No)
    }
}

/// A word that is let through.
fn sample(word: &Word) -> Option<String> {
    SAMPLES.iter().find(|sample| word.admits(sample)).map(|sample| (*sample).to_owned())
}

/// The path, its stars filled.
fn sample_path(form: &Form) -> Option<Vec<String>> {
    let filled: Vec<String> = form.path.iter().map(|word| word.replace('*', "zz")).collect();
    let other = |path: &Vec<String>| path.iter().zip(&filled).all(|(glob, word)| matches(glob, word, false));
    (!form.but_not.iter().any(other)).then_some(filled)
}

fn sample_operands(shape: &Shape) -> Option<Vec<String>> {
    let words: Vec<String> = SAMPLES
        .iter()
        .filter(|sample| shape.operand.admits(sample))
        .take(shape.most.unwrap_or(2))
        .map(|sample| (*sample).to_owned())
        .collect();
    (shape.most == Some(0) || !words.is_empty()).then_some(words)
}

/// All ways in which a flag may be given; `None` where no value is left for it.
fn given(option: &FlagForm) -> Option<Vec<Vec<String>>> {
    let mut ways = Vec::new();
    for spelling in &option.spellings {
        let long = spelling.len() > 2;
        if spelling == NUMBER {
            ways.push(vec!["-5".to_owned()]);
            continue;
        }
        match option.takes {
            Takes::Nothing => ways.push(vec![spelling.clone()]),
            Takes::Value => {
                let value = sample(&option.value)?;
                if long {
                    ways.push(vec![format!("{spelling}={value}")]);
                }
                ways.push(vec![spelling.clone(), value]);
            }
            Takes::Maybe => {
                ways.push(vec![spelling.clone()]);
                if long {
                    ways.push(vec![format!("{spelling}={}", sample(&option.value)?)]);
                }
            }
            Takes::Attached => {
                if long {
                    ways.push(vec![format!("{spelling}={}", sample(&option.value)?)]);
                }
            }
        }
    }
    Some(ways)
}
