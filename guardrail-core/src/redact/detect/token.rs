//! Tokens that are known by their own shape.

use super::{Class, Match, Tail};
use crate::redact::kind::Kind;
use crate::redact::view::{More, View, is_boundary};

/// A literal followed by at least `min` bytes of a class.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) literal: &'static str,
    kind: Kind,
    class: Class,
    min: usize,
    /// Whether it may only stand where a word may begin. Literals that are no part of any word
    /// need none, and so are found in whatever they were pasted into.
    boundary: bool,
    /// Whether the literal is public, as the address of a webhook is.
    keep: bool,
}

const fn shape(kind: Kind, literal: &'static str, class: Class, min: usize) -> Shape {
    Shape { literal, kind, class, min, boundary: false, keep: false }
}

const fn bounded(kind: Kind, literal: &'static str, class: Class, min: usize) -> Shape {
    Shape { literal, kind, class, min, boundary: true, keep: false }
}

const fn after(kind: Kind, literal: &'static str, class: Class, min: usize) -> Shape {
    Shape { literal, kind, class, min, boundary: false, keep: true }
}

/// Lengths are the documented ones, or a little below where a service has changed its own.
pub(super) static SHAPES: &[Shape] = &[
    shape(Kind::GithubToken, "ghp_", Class::Alphanumeric, 36),
    shape(Kind::GithubToken, "gho_", Class::Alphanumeric, 36),
    shape(Kind::GithubToken, "ghu_", Class::Alphanumeric, 36),
    shape(Kind::GithubToken, "ghs_", Class::Alphanumeric, 36),
    shape(Kind::GithubToken, "ghr_", Class::Alphanumeric, 36),
    shape(Kind::GithubToken, "github_pat_", Class::Word, 36),
    shape(Kind::GitlabToken, "glpat-", Class::Segments, 20),
    shape(Kind::GitlabToken, "gldt-", Class::Token, 20),
    shape(Kind::GitlabToken, "glrt-", Class::Segments, 20),
    shape(Kind::GitlabToken, "glptt-", Class::Token, 20),
    shape(Kind::GitlabToken, "glcbt-", Class::Token, 20),
    shape(Kind::GitlabToken, "glsoat-", Class::Token, 20),
    shape(Kind::GitlabToken, "glagent-", Class::Token, 20),
    shape(Kind::SlackToken, "xoxb-", Class::Token, 16),
    shape(Kind::SlackToken, "xoxp-", Class::Token, 16),
    shape(Kind::SlackToken, "xoxa-", Class::Token, 16),
    shape(Kind::SlackToken, "xoxr-", Class::Token, 16),
    shape(Kind::SlackToken, "xoxs-", Class::Token, 16),
    shape(Kind::SlackToken, "xoxc-", Class::Token, 16),
    shape(Kind::SlackToken, "xoxd-", Class::Token, 16),
    shape(Kind::SlackToken, "xoxe-", Class::Token, 16),
    shape(Kind::SlackToken, "xapp-", Class::Token, 16),
    after(Kind::SlackToken, "hooks.slack.com/services/", Class::Path, 20),
    shape(Kind::StripeKey, "sk_live_", Class::Alphanumeric, 16),
    shape(Kind::StripeKey, "sk_test_", Class::Alphanumeric, 16),
    shape(Kind::StripeKey, "rk_live_", Class::Alphanumeric, 16),
    shape(Kind::StripeKey, "rk_test_", Class::Alphanumeric, 16),
    shape(Kind::StripeKey, "whsec_", Class::Alphanumeric, 24),
    shape(Kind::AnthropicKey, "sk-ant-", Class::Token, 20),
    shape(Kind::OpenaiKey, "sk-proj-", Class::Token, 32),
    shape(Kind::OpenaiKey, "sk-svcacct-", Class::Token, 32),
    shape(Kind::OpenaiKey, "sk-admin-", Class::Token, 32),
    bounded(Kind::OpenaiKey, "sk-or-v1-", Class::Alphanumeric, 32),
    bounded(Kind::OpenaiKey, "sk-", Class::Alphanumeric, 32),
    shape(Kind::GoogleKey, "AIza", Class::Token, 35),
    bounded(Kind::GoogleKey, "ya29.", Class::Token, 20),
    shape(Kind::GoogleKey, "GOCSPX-", Class::Token, 24),
    shape(Kind::NpmToken, "npm_", Class::Alphanumeric, 36),
    shape(Kind::PypiToken, "pypi-AgE", Class::Token, 32),
    bounded(Kind::ApiToken, "hf_", Class::Alphanumeric, 30),
    bounded(Kind::ApiToken, "gsk_", Class::Alphanumeric, 40),
    bounded(Kind::ApiToken, "xai-", Class::Alphanumeric, 60),
    shape(Kind::ApiToken, "dop_v1_", Class::Alphanumeric, 48),
    shape(Kind::ApiToken, "doo_v1_", Class::Alphanumeric, 48),
    shape(Kind::ApiToken, "dckr_pat_", Class::Token, 24),
    shape(Kind::ApiToken, "shpat_", Class::Alphanumeric, 32),
    shape(Kind::ApiToken, "shpss_", Class::Alphanumeric, 32),
    bounded(Kind::ApiToken, "SG.", Class::Segments, 50),
    bounded(Kind::ApiToken, "hvs.", Class::Token, 24),
    bounded(Kind::ApiToken, "hvb.", Class::Token, 24),
    shape(Kind::ApiToken, "glsa_", Class::Word, 32),
    shape(Kind::ApiToken, "tskey-", Class::Token, 20),
    shape(Kind::ApiToken, "lin_api_", Class::Alphanumeric, 32),
    shape(Kind::ApiToken, "AGE-SECRET-KEY-1", Class::Alphanumeric, 50),
    after(Kind::ApiToken, "discord.com/api/webhooks/", Class::Path, 40),
    // The base64 of `{"auths":"`, which is how registry logins are carried about.
    shape(Kind::Secret, "eyJhdXRocyI6", Class::Base64, 20),
];

/// How many bytes of a token's body have to be seen before it counts as one, at most.
const BODY: usize = 64;

pub(super) fn token(view: View<'_>, at: usize, shape: &Shape) -> Result<Option<Match>, More> {
    // The search ignores case, since key names come in all of them; tokens do not.
    if !view.starts_with(at, shape.literal.as_bytes())? {
        return Ok(None);
    }
    if shape.boundary && !is_boundary(view.before(at)) {
        return Ok(None);
    }
    let body = at + shape.literal.len();
    let end = view.run(body, shape.min.min(BODY), |b| shape.class.has(b))?;
    if end - body < shape.min || !is_varied(view.slice(body, end)) {
        return Ok(None);
    }
    let start = if shape.keep { body } else { at };
    Ok(Some(Match::new(at, start..end, shape.kind, Tail::Run(shape.class))))
}

/// Whether a token's body could be random. Documentation writes `xxxx…` and names have no
/// digits or capitals.
fn is_varied(body: &[u8]) -> bool {
    let mut seen = [false; 256];
    let mut distinct = 0;
    for b in body {
        if let Some(slot) = seen.get_mut(usize::from(*b))
            && !std::mem::replace(slot, true)
        {
            distinct += 1;
        }
    }
    distinct >= 6 && body.iter().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

pub(super) static AWS_PREFIXES: &[&str] = &["AKIA", "ASIA", "ABIA", "ACCA"];
const AWS_ID: usize = 20;
const AWS_SECRET: usize = 40;

pub(super) fn aws_access_key(view: View<'_>, at: usize) -> Result<Option<Match>, More> {
    let end = view.run(at, AWS_ID + 1, |b| b.is_ascii_uppercase() || b.is_ascii_digit())?;
    if end - at != AWS_ID || view.at(end)?.is_some_and(|b| b.is_ascii_alphanumeric()) {
        return Ok(None);
    }
    Ok(Some(Match::new(at, at..end, Kind::AwsAccessKey, Tail::Closed)))
}

/// The secret that follows an access key id, as in a downloaded credentials file.
pub(super) fn aws_secret_key(view: View<'_>, at: usize) -> Result<Option<Match>, More> {
    let Some(id) = aws_access_key(view, at)? else { return Ok(None) };
    let start =
        view.run(id.end, 8, |b| matches!(b, b' ' | b'\t' | b',' | b':' | b';' | b'"' | b'\'' | b'|'))?;
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let end = view.run(start, AWS_SECRET + 1, base64)?;
    if start == id.end || end - start != AWS_SECRET || !is_varied(view.slice(start, end)) {
        return Ok(None);
    }
    Ok(Some(Match::new(at, start..end, Kind::AwsSecretKey, Tail::Closed)))
}

/// A JSON Web Token: a base64url header that opens an object, a dot, and more. Cookies that
/// frameworks sign have the same form.
pub(super) fn jwt(view: View<'_>, at: usize) -> Result<Option<Match>, More> {
    const HEADER: usize = 768;
    const BODY: usize = 10;
    let before = view.before(at);
    let in_word = before.last() == Some(&b'-') || !is_boundary(before);
    if in_word || !view.starts_with(at, b"eyJ")? {
        return Ok(None);
    }
    let dot = view.run(at, HEADER, |b| Class::Token.has(b))?;
    if dot - at < 13 || view.at(dot)? != Some(b'.') {
        return Ok(None);
    }
    // An encrypted token may have an empty second segment.
    let body = dot + 1 + usize::from(view.at(dot + 1)? == Some(b'.'));
    let end = view.run(body, BODY, |b| Class::Token.has(b))?;
    if end - body < BODY {
        return Ok(None);
    }
    Ok(Some(Match::new(at, at..end, Kind::Jwt, Tail::Run(Class::Segments))))
}
