//! A service of one's own: it takes posted questions on a socket, and sends signed callbacks to the
//! listener on another.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use guardrail_approve::conformance::{Act, Bench, Scene, Who, is_open};
use guardrail_approve::webhook::{Listener, Post, Secret, Webhook, sign};
use guardrail_approve::{Reviewer, Reviewers};
use guardrail_core::plan::{Approver, Digest, Principal, Question};
use serde_json::{Value, json};
use uuid::Uuid;

use super::person;

/// Services with two accounts each.
pub(crate) struct Services;

/// What a service has been sent: headers in lower case, and bodies.
pub(crate) type Posted = Arc<Mutex<Vec<(BTreeMap<String, String>, Vec<u8>)>>>;

/// The plainest client there is.
pub(crate) struct Plain;

impl Post for Plain {
    fn post(
        &self,
        address: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        within: Duration,
    ) -> Result<u16, String> {
        let rest = address.strip_prefix("http://").ok_or("not plain")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        send(host, &format!("/{path}"), headers, body, within).map_err(|error| format!("{address}: {error}"))
    }
}

/// Sends one request, and gives the status.
pub(crate) fn send(
    host: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    within: Duration,
) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(within))?;
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other(format!("no status in {answer:?}")))
}

/// Takes posts, and answers them with these statuses in turn, then with 200.
pub(crate) fn take_posts(statuses: &[u16]) -> (SocketAddr, Posted) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let posted: Posted = Posted::default();
    let (kept, statuses) = (Arc::clone(&posted), statuses.to_vec());
    thread::spawn(move || {
        let mut statuses = statuses.into_iter();
        while let Ok((stream, _)) = listener.accept() {
            let mut reader = BufReader::new(stream);
            let mut headers = BTreeMap::new();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap_or(0) > 0 && line.trim() != "" {
                if let Some((name, value)) = line.split_once(':') {
                    headers.insert(name.to_lowercase(), value.trim().to_owned());
                }
                line.clear();
            }
            let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            let mut body = vec![0; length];
            let _ = reader.read_exact(&mut body);
            kept.lock().unwrap().push((headers, body));
            let status = statuses.next().unwrap_or(200);
            let _ = write!(reader.get_mut(), "HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (address, posted)
}

pub(crate) fn secret() -> Secret {
    Secret::new("0123456789abcdef0123456789abcdef").unwrap()
}

pub(crate) fn reviewers() -> Arc<Reviewers> {
    let listed = [Who::First, Who::Second].map(|who| Reviewer {
        principal: person(who),
        roles: vec![],
        key: None,
        account: Some(format!("relay:{}", person(who).name)),
    });
    Arc::new(Reviewers::new(listed).unwrap())
}

pub(crate) fn seconds() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string()
}

struct Service {
    webhook: Arc<Webhook>,
    listener: Listener,
    reviewers: Arc<Reviewers>,
    posted: Posted,
    last: Mutex<Option<(String, String, Vec<u8>)>>,
}

impl Service {
    fn at(address: &str, posted: Posted) -> Self {
        let reviewers = reviewers();
        let webhook = Webhook::to(address, Arc::new(Plain), Arc::clone(&reviewers)).unwrap();
        let webhook = Arc::new(webhook.answered_with(secret()));
        let listener = Listener::start(Arc::clone(&webhook), "127.0.0.1:0", "/guardrail").unwrap();
        Self { webhook, listener, reviewers, posted, last: Mutex::default() }
    }

    fn calls_back(&self, timestamp: &str, signature: &str, body: &[u8]) -> u16 {
        let headers = [("X-Guardrail-Timestamp", timestamp), ("X-Guardrail-Signature", signature)];
        send(&self.listener.address().to_string(), "/guardrail", &headers, body, Duration::from_secs(10))
            .unwrap()
    }

    fn has(&self, question: &Question) -> bool {
        let is_it = |body: &[u8]| {
            serde_json::from_slice::<Question>(body).is_ok_and(|posted| posted.plan == question.plan)
        };
        self.posted.lock().unwrap().iter().any(|(_, body)| is_it(body))
    }
}

impl Scene for Service {
    fn approver(&self) -> &dyn Approver {
        &*self.webhook
    }

    fn reviewer(&self, who: Who) -> Principal {
        person(who)
    }

    fn act(&self, question: &Question, who: Who, act: Act) -> bool {
        while !self.has(question) && is_open(question) {
            thread::sleep(Duration::from_millis(2));
        }
        let mut answer = json!({
            "question": question.id,
            "digest": question.digest,
            "shown": question.shown,
            "say": { "approve": null },
            "account": format!("relay:{}", person(who).name),
        });
        let other = Value::from(Digest::of_content(b"other").to_string());
        match act {
            Act::Approve | Act::Garbage | Act::Replay => {}
            Act::Reject => answer["say"] = json!({ "reject": null }),
            Act::AnotherQuestion => answer["question"] = json!(Uuid::new_v4()),
            Act::AnotherDigest => answer["digest"] = other,
            Act::AnotherText => answer["shown"] = other,
            Act::Stranger => answer["account"] = "relay:eve".into(),
            Act::Revoked => assert_eq!(self.reviewers.revoke(&person(who).name), 1),
            _ => return false,
        }
        let body = if act == Act::Garbage { b"yes".to_vec() } else { answer.to_string().into_bytes() };
        let timestamp = seconds();
        let signature = sign(&secret(), &timestamp, &body);
        if act == Act::Replay {
            let (timestamp, signature, body) = self.last.lock().unwrap().clone().unwrap();
            assert_eq!(self.calls_back(&timestamp, &signature, &body), 409);
            return true;
        }
        self.calls_back(&timestamp, &signature, &body);
        *self.last.lock().unwrap() = Some((timestamp, signature, body));
        true
    }
}

impl Bench for Services {
    fn scene(&self) -> Box<dyn Scene> {
        let (address, posted) = take_posts(&[]);
        Box::new(Service::at(&format!("http://{address}/questions"), posted))
    }

    fn lost(&self) -> Option<Box<dyn Scene>> {
        // Nobody listens on a port that was given back.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Some(Box::new(Service::at(&format!("http://{address}/"), Posted::default())))
    }
}
