//! Any bytes parse, as a program and as a template: no panic, no hang, and every span that a walk
//! meets lies within its text. Tighter limits show as problems, or change nothing.

#![no_main]

#[path = "../../guardrail-core/tests/shell_walk/mod.rs"]
mod shell_walk;

use guardrail_core::Limits;
use guardrail_core::shell::{ProblemKind, outline, parse, parse_template, print};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let script = parse(text, &Limits::STANDARD);
    let found = shell_walk::walk(&script);
    assert_eq!(found.stray_spans, 0);
    assert!(found.nodes <= 64 * (text.len() + 1), "{} nodes of {} bytes", found.nodes, text.len());
    for problem in script.problems() {
        assert!(problem.span.start <= problem.span.end && problem.span.end as usize <= text.len());
    }
    let zero = script.problems().iter().any(|problem| problem.kind == ProblemKind::ZeroByte);
    assert_eq!(zero, text.contains(&0));
    let _ = print(&script);

    let tight = Limits { depth: 6, steps_per_byte: 1, here_document_bytes: 8, ..Limits::STANDARD };
    let limited = parse(text, &tight);
    if !limited.problems().iter().any(|problem| problem.kind.is_limit()) {
        assert_eq!(outline(&script), outline(&limited));
        assert_eq!(script.problems(), limited.problems());
    }

    let (template, _) = parse_template(text, &Limits::STANDARD);
    assert!(template.body().is_empty());
    assert_eq!(shell_walk::walk(&template).stray_spans, 0);
});
