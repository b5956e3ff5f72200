//! Whether what a command gave is what was expected of it.

use serde_json::Value;

use super::document::{Capture, Check, Expect};
use super::executor::{Ended, Execution, Output};

/// The most bytes that a compiled regular expression may take.
const REGEX_BYTES: usize = 1 << 20;

impl Check {
    /// What is not as it should be, in a sentence each; empty where the check passes.
    ///
    /// Output that was cut passes no look at it: what is missing could be what mattered.
    ///
    /// ```
    /// use guardrail_core::plan::{Check, Command, Ended, Execution, Expect, Output};
    ///
    /// let check = Check::new("ready", Command::argv(["kubectl", "get", "deployment", "api"]))
    ///     .expect(Expect::AtLeast { pointer: Some("/status/readyReplicas".into()), number: 3.0 });
    /// let mut execution = Execution::ended(Ended::Exited(0), 0.2);
    /// execution.stdout = Output::whole(r#"{ "status": { "readyReplicas": 2 } }"#);
    /// assert_eq!(check.failures(&execution), ["/status/readyReplicas is 2, and should be at least 3"]);
    /// ```
    #[must_use]
    pub fn failures(&self, execution: &Execution) -> Vec<String> {
        failures(&self.expect, execution)
    }
}

pub(super) fn failures(expected: &[Expect], execution: &Execution) -> Vec<String> {
    let status = match &execution.ended {
        Ended::Exited(status) => *status,
        other => return vec![ended(other)],
    };
    let mut found = Vec::new();
    if !expected.iter().any(|expect| matches!(expect, Expect::Exit(_))) && status != 0 {
        found.push(format!("it ended with status {status}"));
    }
    for expect in expected {
        if let Err(failure) = holds(expect, status, &execution.stdout) {
            found.push(failure);
        }
    }
    found
}

/// How something ended that did not end by itself.
pub(super) fn ended(how: &Ended) -> String {
    match how {
        Ended::Exited(status) => format!("it ended with status {status}"),
        Ended::NotStarted(refusal) => format!("it did not start: {refusal}"),
        Ended::Signalled(signal) => format!("it was ended by signal {signal}"),
        Ended::Stopped => "it was stopped".to_owned(),
        Ended::OverLimit(limit) => {
            let limit = match limit {
                super::Limit::Wall => "time",
                super::Limit::Cpu => "processor time",
                super::Limit::Memory => "memory",
                super::Limit::Processes => "processes",
                super::Limit::FileSize => "the size of a file",
                super::Limit::Output => "output",
            };
            format!("it went past its limit for {limit}")
        }
        Ended::Lost(reason) => format!("how it ended cannot be known: {reason}"),
    }
}

impl Capture {
    /// The captured value.
    ///
    /// # Errors
    ///
    /// What is wrong with what the command gave, in a sentence.
    pub fn value(&self, execution: &Execution) -> Result<String, String> {
        if let Some(failure) = failures(&[], execution).pop() {
            return Err(failure);
        }
        let Some(pointer) = &self.pick else {
            return Ok(all(&execution.stdout)?.trim_end().to_owned());
        };
        match picked(&execution.stdout, pointer)? {
            Value::String(text) => Ok(text),
            value @ (Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
            _ => Err(format!("{pointer} is neither a text nor a number nor a truth value")),
        }
    }
}

/// What is wrong with an expectation that no output could meet.
pub(super) fn malformed(expect: &Expect) -> Option<String> {
    let pointer = match expect {
        Expect::Matches(pattern) => {
            return regex(pattern)
                .err()
                .map(|error| format!("`{pattern}` is no regular expression: {error}"));
        }
        Expect::Json { pointer, .. } => Some(pointer),
        Expect::AtLeast { pointer, number } | Expect::AtMost { pointer, number } => {
            if !number.is_finite() {
                return Some("a bound is a finite number".to_owned());
            }
            pointer.as_ref()
        }
        Expect::Exit(_) => None,
        Expect::Contains(text) | Expect::Lacks(text) => {
            return text.is_empty().then(|| "an empty text is in every output".to_owned());
        }
    };
    pointer.and_then(|pointer| malformed_pointer(pointer))
}

pub(super) fn malformed_pointer(pointer: &str) -> Option<String> {
    (!pointer.is_empty() && !pointer.starts_with('/'))
        .then(|| format!("`{pointer}` is no JSON pointer: one is empty or begins with `/`"))
}

fn holds(expect: &Expect, status: i32, output: &Output) -> Result<(), String> {
    let check = |good: bool, failure: &dyn Fn() -> String| if good { Ok(()) } else { Err(failure()) };
    match expect {
        Expect::Exit(expected) => check(status == *expected, &|| {
            format!("it ended with status {status}, and should with {expected}")
        }),
        Expect::Contains(text) => {
            check(all(output)?.contains(text.as_str()), &|| format!("the output does not contain `{text}`"))
        }
        Expect::Lacks(text) => {
            check(!all(output)?.contains(text.as_str()), &|| format!("the output contains `{text}`"))
        }
        Expect::Matches(pattern) => {
            let regex = regex(pattern).map_err(|error| error.to_string())?;
            check(regex.is_match(all(output)?), &|| format!("the output does not match `{pattern}`"))
        }
        Expect::Json { pointer, equals } => {
            let value = picked(output, pointer)?;
            check(same(&value, equals), &|| {
                format!("{} is {value}, and should be {equals}", place(Some(pointer)))
            })
        }
        Expect::AtLeast { pointer, number } => {
            let value = measured(output, pointer.as_deref())?;
            check(value >= *number, &|| {
                format!("{} is {value}, and should be at least {number}", place(pointer.as_deref()))
            })
        }
        Expect::AtMost { pointer, number } => {
            let value = measured(output, pointer.as_deref())?;
            check(value <= *number, &|| {
                format!("{} is {value}, and should be at most {number}", place(pointer.as_deref()))
            })
        }
    }
}

fn regex(pattern: &str) -> Result<regex_lite::Regex, regex_lite::Error> {
    regex_lite::RegexBuilder::new(pattern).size_limit(REGEX_BYTES).build()
}

fn place(pointer: Option<&str>) -> &str {
    pointer.filter(|pointer| !pointer.is_empty()).unwrap_or("the output")
}

fn all(output: &Output) -> Result<&str, String> {
    if output.cut { Err("the output was cut, and cannot be judged".to_owned()) } else { Ok(&output.text) }
}

fn picked(output: &Output, pointer: &str) -> Result<Value, String> {
    let value: Value =
        serde_json::from_str(all(output)?).map_err(|error| format!("the output is not JSON: {error}"))?;
    value.pointer(pointer).cloned().ok_or_else(|| format!("the output has no {pointer}"))
}

fn measured(output: &Output, pointer: Option<&str>) -> Result<f64, String> {
    let number = match pointer {
        None => all(output)?.trim().parse().ok(),
        Some(pointer) => {
            let value = picked(output, pointer)?;
            // Many tools give numbers as texts.
            value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
        }
    };
    number
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| format!("{} is not a number", place(pointer)))
}

/// Equality of JSON in which 5 and 5.0 are one number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn gave(status: i32, text: &str) -> Execution {
        let mut execution = Execution::ended(Ended::Exited(status), 0.1);
        execution.stdout = Output::whole(text);
        execution
    }

    #[test]
    fn each_expectation_bites_and_lets_pass() {
        let at = |pointer: &str| Some(pointer.to_owned());
        for (expect, good, bad) in [
            (Expect::Contains("up".into()), "it is up", "it is down"),
            (Expect::Lacks("error".into()), "fine", "an error"),
            (Expect::Matches(r"(?m)^v\d+$".into()), "x\nv12\n", "v1x"),
            (Expect::Json { pointer: "/a/0".into(), equals: json!(5) }, r#"{"a":[5.0]}"#, r#"{"a":[6]}"#),
            (Expect::Json { pointer: String::new(), equals: json!({"a": null}) }, r#"{"a":null}"#, "{}"),
            (Expect::AtLeast { pointer: None, number: 3.0 }, " 3\n", "2.9"),
            (Expect::AtMost { pointer: at("/n"), number: 0.5 }, r#"{"n":"0.5"}"#, r#"{"n":0.6}"#),
            (Expect::AtMost { pointer: None, number: 1.0 }, "1", "nan"),
        ] {
            assert_eq!(malformed(&expect), None);
            assert_eq!(failures(std::slice::from_ref(&expect), &gave(0, good)), Vec::<String>::new());
            assert_eq!(failures(std::slice::from_ref(&expect), &gave(0, bad)).len(), 1, "{expect:?}");
            let mut cut = gave(0, good);
            cut.stdout.cut = true;
            assert_eq!(failures(std::slice::from_ref(&expect), &cut).len(), 1, "cut: {expect:?}");
            assert!(!failures(std::slice::from_ref(&expect), &gave(1, good)).is_empty(), "a status of 1");
        }
        assert!(failures(&[Expect::Exit(2)], &gave(2, "")).is_empty());
        assert_eq!(failures(&[Expect::Exit(2)], &gave(0, "")).len(), 1);
        assert_eq!(failures(&[], &Execution::ended(Ended::Signalled(9), 0.1)).len(), 1);
    }

    #[test]
    fn what_cannot_be_met_is_found_before() {
        for expect in [
            Expect::Matches("(".into()),
            Expect::Matches("(a{1000}){1000}".into()),
            Expect::Json { pointer: "a".into(), equals: json!(1) },
            Expect::AtLeast { pointer: None, number: f64::NAN },
            Expect::Contains(String::new()),
        ] {
            assert!(malformed(&expect).is_some(), "{expect:?}");
        }
    }

    #[test]
    fn captures_take_what_they_name() {
        let capture = |pick: Option<&str>| Capture {
            name: "n".into(),
            command: super::super::Command::argv(["x"]),
            pick: pick.map(str::to_owned),
            hold: false,
        };
        assert_eq!(capture(None).value(&gave(0, "abc\n")), Ok("abc".into()));
        assert_eq!(capture(Some("/r")).value(&gave(0, r#"{"r":3}"#)), Ok("3".into()));
        assert!(capture(Some("/r")).value(&gave(0, r#"{"r":[3]}"#)).is_err());
        assert!(capture(None).value(&gave(1, "abc")).is_err());
    }
}
