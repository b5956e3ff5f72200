//! Makes logs by the page `docs/audit-format.md` alone, in memory and the same each time: for the golden
//! log, and for tests of the verifier.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration};
use guardrail_audit::Hash;
use guardrail_audit::checkpoint::Checkpoint;
use guardrail_audit::merkle::Frontier;
use guardrail_audit::note::NoteSigner;
use serde_json::{Value, json};

/// Signs the golden log. It is no secret.
pub const GOLDEN_KEY: &str =
    "PRIVATE+KEY+example.org/golden+670d95fe+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";

/// A log that is being made.
pub struct Maker {
    pub segments: BTreeMap<u32, Vec<u8>>,
    pub sequence: u64,
    pub frontier: Frontier,
    pub head: Hash,
    origin: String,
    log_id: String,
    signer: Option<NoteSigner>,
    number: u32,
    /// The first number and the number of lines of the segment.
    first: u64,
    from: String,
    now: String,
    /// The number, head and frontier before each segment.
    starts: BTreeMap<u32, (u64, Hash, Frontier)>,
}

impl Maker {
    pub fn new(origin: &str, log_id: &str, signer: Option<NoteSigner>) -> Self {
        let mut maker = Self {
            segments: BTreeMap::new(),
            sequence: 0,
            frontier: Frontier::default(),
            head: Hash::of(format!("guardrail-audit/v1\n{origin}").as_bytes()),
            origin: origin.into(),
            log_id: log_id.into(),
            signer,
            number: 0,
            first: 0,
            from: String::new(),
            now: String::new(),
            starts: BTreeMap::new(),
        };
        maker.begin("genesis", None);
        maker
    }

    /// Appends a line. `members` are those behind the kind.
    pub fn append(&mut self, kind: &str, members: &Value) {
        let start = DateTime::from_timestamp(1_769_421_600, 0).unwrap();
        let time = start + Duration::microseconds(self.sequence as i64 * 1_250_001);
        let time = time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        let members = serde_json::to_string(members).unwrap();
        let members = members.strip_prefix('{').unwrap();
        let comma = if members == "}" { "" } else { "," };
        let (head, sequence) = (self.head, self.sequence);
        let line = format!(
            "{{\"v\":1,\"prev\":\"{head}\",\"seq\":{sequence},\"timestamp\":\"{time}\",\"kind\":\"{kind}\"{comma}{members}"
        );
        self.head = Hash::of_line(line.as_bytes());
        self.frontier.push(self.head);
        self.sequence += 1;
        let segment = self.segments.get_mut(&self.number).unwrap();
        if segment.is_empty() {
            self.from = time.clone();
        }
        self.now = time;
        segment.extend_from_slice(line.as_bytes());
        segment.push(b'\n');
    }

    fn begin(&mut self, kind: &str, previous: Option<Value>) {
        self.number += 1;
        self.first = self.sequence;
        self.starts.insert(self.number, (self.sequence, self.head, self.frontier.clone()));
        self.segments.insert(self.number, Vec::new());
        let mut details = json!({
            "log_id": self.log_id, "origin": self.origin, "segment": self.number, "max_segment_bytes": 67_108_864,
        });
        if let Some(signer) = &self.signer {
            details["key"] = signer.verifier().to_string().into();
        }
        if let Some(previous) = previous {
            details["previous"] = previous;
        }
        self.append(kind, &json!({ "details": details }));
    }

    pub fn checkpoint(&mut self) {
        let root = self.frontier.root();
        let mut details = json!({ "size": self.sequence, "root": root });
        if let Some(signer) = &self.signer {
            let checkpoint = Checkpoint { origin: self.origin.clone(), size: self.sequence, root };
            details["note"] = checkpoint.sign(signer).unwrap().into();
        }
        self.append("checkpoint", &json!({ "details": details }));
    }

    pub fn seal(&mut self) {
        let details = json!({
            "records": self.sequence - self.first, "first": self.first, "last": self.sequence - 1,
            "from": self.from, "to": self.now,
        });
        self.append("seal", &json!({ "details": details }));
    }

    /// Begins the next segment; the one before ends with bytes that do not count.
    pub fn next_segment(&mut self, torn: &[u8]) {
        let segment = self.segments.get_mut(&self.number).unwrap();
        let mut previous = json!({
            "segment": self.number, "good_bytes": segment.len(), "records": self.sequence - self.first,
            "head": self.head, "torn_bytes": torn.len(),
        });
        segment.extend_from_slice(torn);
        if !torn.is_empty() {
            previous["torn_sha256"] = Hash::of(torn).to_string().into();
        }
        self.begin("segment", Some(previous));
    }

    /// Says that the segments before one are removed, without removing them.
    pub fn pruned(&mut self, segment: u32) {
        let (sequence, head, frontier) = &self.starts[&segment];
        let details = json!({
            "segment": segment, "sequence": sequence, "head": head,
            "root": frontier.root(), "frontier": frontier.hashes(),
        });
        self.append("pruned", &json!({ "details": details }));
    }

    pub fn note(&mut self, reason: &str) {
        self.append("note", &json!({ "reason": reason }));
    }
}

/// The golden log: three segments, of which the first is sealed and the second has a torn tail.
pub fn golden() -> Maker {
    let signer = NoteSigner::parse(GOLDEN_KEY).unwrap();
    made("example.org/golden", "0198e7a4-5f6b-4c3a-9d2e-8f7a6b5c4d3e", Some(signer))
}

/// A log of the shape of the golden one.
pub fn made(origin: &str, log_id: &str, signer: Option<NoteSigner>) -> Maker {
    let mut log = Maker::new(origin, log_id, signer);
    log.append(
        "evaluation",
        &json!({
            "actor": "agent-7", "session": "s-1", "channel": "cli", "tool": "kubectl",
            "action": "kubectl scale deployment/api --replicas=5", "resource": "deployment/api",
            "risk": "medium", "decision": "ask", "rule": "scale", "reason": "load is \"high\" \u{2014} 92 %",
        }),
    );
    log.append("plan", &json!({ "plan_id": "plan-1", "revision": 1, "status": "proposed" }));
    log.append("approval", &json!({ "plan_id": "plan-1", "approver": "mira", "status": "approved" }));
    log.checkpoint();
    log.seal();
    log.next_segment(b"");
    log.append(
        "intent",
        &json!({ "id": "11111111-2222-4333-8444-555555555555", "plan_id": "plan-1", "step": 1, "status": "started" }),
    );
    log.append(
        "outcome",
        &json!({
            "id": "11111111-2222-4333-8444-555555555555", "plan_id": "plan-1", "step": 1,
            "status": "succeeded", "duration_seconds": 4.25, "result": "scaled\n",
        }),
    );
    log.checkpoint();
    log.next_segment(b"{\"v\":1,\"prev\":\"0123");
    log.append("recovered", &json!({ "details": { "torn_bytes": 19 } }));
    log.append("plan", &json!({ "plan_id": "plan-1", "revision": 1, "status": "succeeded" }));
    log.checkpoint();
    log.note("behind the last checkpoint");
    log.note("and one more");
    log
}
