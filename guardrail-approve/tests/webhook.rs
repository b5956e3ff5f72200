//! Webhooks over real sockets: deliveries that fail, callbacks that lie, and a listener among
//! hostile clients.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "benches_of/mod.rs"]
mod benches_of;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use benches_of::{Plain, reviewers, seconds, secret, send, take_posts};
use guardrail_approve::conformance::question;
use guardrail_approve::webhook::{
    CallbackError, Listener, Secret, Style, Webhook, WebhookNotifier, sign, verify,
};
use guardrail_approve::{Reviewer, Reviewers, block_on};
use guardrail_core::plan::{Approver, Asked, Notice, NoticeKind, Notifier, Principal, Question, Say, Shown};
use serde_json::json;

fn webhook(address: &str) -> Webhook {
    Webhook::to(address, Arc::new(Plain), reviewers()).unwrap()
}

fn soon() -> Question {
    let mut question = question();
    question.answer_by = question.asked_at + chrono::TimeDelta::milliseconds(1500);
    question
}

#[test]
fn what_is_posted_is_the_question_and_signed() {
    let (address, posted) = take_posts(&[503]);
    let webhook = webhook(&format!("http://{address}/x")).answered_with(secret());
    let mut question = question();
    question.answer_by = question.asked_at + chrono::TimeDelta::seconds(4);
    assert_eq!(block_on(webhook.ask(&question)), Asked::TimedOut);
    let posted = posted.lock().unwrap();
    assert_eq!(posted.len(), 2, "what was answered 503 was posted again");
    let (headers, body) = &posted[1];
    assert_eq!(serde_json::from_slice::<Question>(body).unwrap(), question);
    let (time, name) = (&headers["x-guardrail-timestamp"], &headers["x-guardrail-signature"]);
    assert_eq!(verify(&secret(), time, name, body, question.asked_at), Ok(()));
}

#[test]
fn what_is_refused_is_not_posted_again_and_the_address_stays_secret() {
    let (address, posted) = take_posts(&[403]);
    let Asked::NoChannel(reason) = block_on(webhook(&format!("http://{address}/hush")).ask(&question()))
    else {
        panic!("it was refused")
    };
    assert!(reason.contains("403") && posted.lock().unwrap().len() == 1, "{reason}");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lost = webhook(&format!("http://{nobody}/hush"));
    let Asked::NoChannel(reason) = block_on(lost.ask(&soon())) else { panic!("nobody listens") };
    assert!(!reason.contains("hush"), "{reason}");
    assert!(!format!("{lost:?}").contains("hush"));
}

#[test]
fn without_a_secret_it_is_delivered_and_no_callback_taken() {
    let (address, _) = take_posts(&[]);
    let webhook = webhook(&format!("http://{address}/"));
    let question = question();
    assert_eq!(block_on(webhook.ask(&question)), Asked::Delivered);
    assert_eq!(webhook.callback("", "", b"", question.asked_at), Err(CallbackError::NotExpected));
}

#[test]
fn where_no_reviewer_may_answer_nobody_is_asked() {
    let (address, posted) = take_posts(&[]);
    let mut question = question();
    question.requester = Principal::agent("ANNA");
    let only = Reviewer {
        principal: Principal::person("anna"),
        roles: vec![],
        key: None,
        account: Some("relay:anna".into()),
    };
    for listed in [vec![], vec![only]] {
        let reviewers = Arc::new(Reviewers::new(listed).unwrap());
        let webhook = Webhook::to(&format!("http://{address}/"), Arc::new(Plain), reviewers).unwrap();
        assert!(matches!(block_on(webhook.ask(&question)), Asked::NoChannel(_)));
    }
    assert!(posted.lock().unwrap().is_empty());
}

#[test]
fn a_button_in_slack_is_a_yes_to_what_the_card_held() {
    for (text, counts) in [("short\n".to_owned(), true), ("long\n".repeat(20_000), false)] {
        let (address, posted) = take_posts(&[]);
        let anna = Reviewer {
            principal: Principal::person("anna"),
            roles: vec![],
            key: None,
            account: Some("slack:T1/U1".into()),
        };
        let reviewers = Arc::new(Reviewers::new([anna]).unwrap());
        let webhook = Webhook::to(&format!("http://{address}/"), Arc::new(Plain), reviewers).unwrap();
        let webhook = webhook.as_style(Style::Slack).answered_with(secret()).named("slack");
        let mut question = soon();
        question.text = text;
        question.shown = Shown::digest_of(&question.text);
        let asked = std::thread::scope(|scope| {
            let asking = scope.spawn(|| block_on(webhook.ask(&question)));
            while posted.lock().unwrap().is_empty() {
                std::thread::sleep(Duration::from_millis(2));
            }
            let value = format!("{}:{}:{}", question.id, question.digest, question.shown);
            let press = json!({
                "type": "block_actions",
                "user": { "id": "U1", "team_id": "T1" },
                "actions": [{ "action_id": "guardrail_approve", "value": value }],
            });
            let escaped: String = press.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
            let body = format!("payload={escaped}").into_bytes();
            let time = seconds();
            let taken = webhook.callback(&time, &sign(&secret(), &time, &body), &body, question.asked_at);
            assert_eq!(taken.is_ok(), counts, "{taken:?}");
            asking.join().unwrap()
        });
        match asked {
            Asked::Replied(reply) => assert!(counts && reply.say == Say::Approve(None)),
            other => assert!(!counts && other == Asked::TimedOut, "{other:?}"),
        }
    }
}

#[test]
fn the_listener_outlives_hostile_clients() {
    let (address, _) = take_posts(&[]);
    let webhook = Arc::new(webhook(&format!("http://{address}/")).answered_with(secret()));
    let listener = Listener::start(Arc::clone(&webhook), "127.0.0.1:0", "/guardrail").unwrap();
    let host = listener.address().to_string();
    // Some who say nothing, and one who says half.
    let mut slow: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(&host).unwrap()).collect();
    slow[0].write_all(b"POST /guardrail HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf").unwrap();
    let says = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(&host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let _ = stream.write_all(bytes);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(says(b"GET /guardrail HTTP/1.1\r\n\r\n"), "405");
    assert_eq!(says(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), "404");
    assert_eq!(says(b"POST /guardrail HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n"), "413");
    assert_eq!(says(&b"x".repeat(40_000)), "431");
    assert_eq!(says(b"\x16\x03\x01\x02\x00"), "400");
    let within = Duration::from_secs(10);
    let body = b"{}";
    assert_eq!(send(&host, "/guardrail", &[], body, within).unwrap(), 401);
    let time = seconds();
    let signature = sign(&secret(), &time, body);
    let headers = [("X-Guardrail-Timestamp", time.as_str()), ("X-Guardrail-Signature", signature.as_str())];
    assert_eq!(send(&host, "/guardrail", &headers, body, within).unwrap(), 400);
    assert_eq!(send(&host, "/guardrail", &headers, body, within).unwrap(), 409, "the same again");
    let other = Secret::new("another secret of theirs").unwrap();
    let signature = sign(&other, &time, body);
    let headers = [("X-Guardrail-Timestamp", time.as_str()), ("X-Guardrail-Signature", signature.as_str())];
    assert_eq!(send(&host, "/guardrail", &headers, body, within).unwrap(), 401);
    drop(slow);
    drop(listener);
    assert!(TcpStream::connect_timeout(&host.parse().unwrap(), Duration::from_millis(500)).is_err());
}

#[test]
fn news_are_posted_once() {
    let (address, posted) = take_posts(&[200, 500]);
    let notice = Notice {
        kind: NoticeKind::StepFailed,
        at: question().asked_at,
        plan: None,
        step: Some(1),
        text: "*it* failed".into(),
    };
    let target = format!("http://{address}/news");
    let slack = WebhookNotifier::to(&target, Arc::new(Plain), Style::Slack).unwrap();
    assert_eq!(block_on(slack.notify(&notice)), Ok(()));
    let signed = WebhookNotifier::to(&target, Arc::new(Plain), Style::Json).unwrap().signed_with(secret());
    assert!(block_on(signed.notify(&notice)).unwrap_err().reason.contains("500"));
    let posted = posted.lock().unwrap();
    assert_eq!(posted.len(), 2);
    assert!(String::from_utf8_lossy(&posted[0].1).contains(r#""text":"*it* failed","type":"text""#));
    assert_eq!(serde_json::from_slice::<Notice>(&posted[1].1).unwrap(), notice);
    assert!(posted[1].0.contains_key("x-guardrail-signature"));
}
