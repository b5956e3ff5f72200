//! The one who posts, over a real socket. Needs the feature `http`.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

#[path = "benches_of/mod.rs"]
mod benches_of;

use std::time::Duration;

use benches_of::take_posts;
use guardrail_approve::webhook::{Http, Post};

#[test]
fn it_posts_what_it_is_given_and_follows_nobody_elsewhere() {
    let (address, posted) = take_posts(&[200, 302, 500]);
    let http = Http::default();
    let target = format!("http://{address}/x");
    let within = Duration::from_secs(10);
    for expected in [200, 302, 500] {
        assert_eq!(http.post(&target, &[("X-One", "1")], b"body", within), Ok(expected));
    }
    let posted = posted.lock().unwrap();
    assert_eq!(posted.len(), 3);
    assert_eq!((posted[0].0["x-one"].as_str(), posted[0].1.as_slice()), ("1", &b"body"[..]));
}

#[test]
fn who_does_not_answer_is_not_waited_for() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("http://{}/x", silent.local_addr().unwrap());
    assert!(Http::default().post(&target, &[], b"", Duration::from_millis(200)).is_err());
}
