//! Somebody who knows the patterns.

use crate::STANDARD;
use crate::model::Fate;

#[test]
fn nothing_is_smuggled() {
    for argv in [
        // One argument that reads as several.
        &["kubectl", "get pods"][..],
        &["kubectl", "get", "pods --kubeconfig=x"],
    ] {
        let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
        assert!(!STANDARD.passes("main", &argv), "{argv:?}");
    }
    assert_eq!(STANDARD.shell("main", "kubectl 'get pods'"), Fate::Prompts);
}
