//! What must not happen with a permit does not compile: forged, copied, used twice, without an
//! approval, without a record.

#[test]
fn what_must_not_happen_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/permits/*.rs");
}
