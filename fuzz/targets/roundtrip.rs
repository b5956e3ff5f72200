//! What parses without a problem is printed as text that parses to the same tree.

#![no_main]

use guardrail_core::Limits;
use guardrail_core::shell::{outline, parse, print};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    // Where a glob `!(...)` holds a `#`, the layout decides whether it is a subshell with a
    // comment in it, and the printer does not keep the layout.
    if text.contains(&b'#') && text.windows(2).any(|pair| pair == b"!(") {
        return;
    }
    let script = parse(text, &Limits::STANDARD);
    if !script.problems().is_empty() {
        return;
    }
    let printed = print(&script);
    // Braces and newlines may make a text longer than the limits allow.
    let limits = Limits { bytes: printed.len(), ..Limits::STANDARD };
    let again = parse(&printed, &limits);
    assert!(again.problems().is_empty(), "{:?} in {:?}", again.problems(), String::from_utf8_lossy(&printed));
    assert_eq!(outline(&script), outline(&again), "{:?}", String::from_utf8_lossy(&printed));
});
