//! Policies against their corpus: each mode, each channel, what rules see; and that what is wrong
//! with a policy is said where it stands.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that reads files"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use guardrail_core::Guard;
use guardrail_core::policy::Fixtures;

#[test]
fn the_corpus_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/policies");
    let mut message = String::new();
    let mut rows = 0;
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let fixtures = Fixtures::parse(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let policy = fixtures.builder().and_then(|builder| builder.build());
        let policy = policy.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let guard =
            Guard::builder().policy(policy).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let guard = guard.build();
        rows += fixtures.rows.len();
        for mismatch in fixtures.run(|request| guard.evaluate(request)) {
            let row = &fixtures.rows[mismatch.row];
            let _ = writeln!(
                message,
                "{}: {}: {:?}\n    {}",
                path.display(),
                row.why,
                row.request,
                mismatch.wrong
            );
        }
    }
    assert!(message.is_empty(), "{message}");
    assert!(rows >= 50, "{rows} rows");
}
