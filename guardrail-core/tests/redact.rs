//! What is redacted, what stays, and that a stream gives what the whole text gives.
//!
//! Tokens are put together at run time, so that no scanner takes this file for a leak.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test meets the world")]
#![allow(clippy::unwrap_used, reason = "test helpers")]

use std::borrow::Cow;

use guardrail_core::redact::{Kind, Redactor, RedactorError};
use proptest::prelude::*;

/// `len` letters and digits that look generated.
fn random(len: usize) -> String {
    "a7Kq2ZxB9mWd4RtY6vLp0Hs3NcJ8fGuE5oTi1".chars().cycle().take(len).collect()
}

fn token(prefix: &str, len: usize) -> String {
    format!("{prefix}{}", random(len))
}

fn pem(label: &str) -> String {
    let line = format!("MIIE{}", random(60));
    format!("-----BEGIN {label}-----\n{line}\n{line}\nabc=\n-----END {label}-----")
}

#[track_caller]
fn redacts(text: &str, expected: &str) {
    let redactor = Redactor::new();
    assert_eq!(redactor.redact(text), expected, "from {text:?}");
    assert_eq!(redactor.redact(expected), expected, "a second time");
}

#[track_caller]
fn stays(text: &str) {
    let redacted = Redactor::new().redact(text);
    assert!(matches!(redacted, Cow::Borrowed(_)), "{text:?} became {redacted:?}");
}

#[test]
fn tokens_with_a_shape_of_their_own() {
    let cases = [
        (token("ghp_", 36), Kind::GithubToken),
        (token("gho_", 36), Kind::GithubToken),
        (token("ghs_", 36), Kind::GithubToken),
        (format!("{}_{}", token("github_pat_", 22), random(59)), Kind::GithubToken),
        (token("glpat-", 20), Kind::GitlabToken),
        (token("glptt-", 40), Kind::GitlabToken),
        (format!("xoxb-123456789012-123456789012-{}", random(24)), Kind::SlackToken),
        (format!("xapp-1-A012345-{}", random(40)), Kind::SlackToken),
        (token("sk_live_", 24), Kind::StripeKey),
        (token("rk_test_", 24), Kind::StripeKey),
        (token("sk-ant-api03-", 90), Kind::AnthropicKey),
        (token("sk-proj-", 60), Kind::OpenaiKey),
        (token("sk-", 48), Kind::OpenaiKey),
        (token("AIza", 35), Kind::GoogleKey),
        (token("ya29.", 60), Kind::GoogleKey),
        (token("npm_", 36), Kind::NpmToken),
        (token("pypi-AgE", 80), Kind::PypiToken),
        (token("hf_", 34), Kind::ApiToken),
        (token("hvs.", 40), Kind::ApiToken),
        (format!("AKIA{}", random(16).to_uppercase()), Kind::AwsAccessKey),
        (format!("ASIA{}", random(16).to_uppercase()), Kind::AwsAccessKey),
        (format!("{}.{}.{}", token("eyJ", 30), token("eyJ", 50), random(43)), Kind::Jwt),
        (format!("{}..{}.{}", token("eyJ", 30), random(16), random(43)), Kind::Jwt),
        (pem("RSA PRIVATE KEY"), Kind::PrivateKey),
        (pem("OPENSSH PRIVATE KEY"), Kind::PrivateKey),
        (pem("PGP PRIVATE KEY BLOCK"), Kind::PrivateKey),
        (pem("PRIVATE KEY").replace('\n', "\\n"), Kind::PrivateKey),
        (pem("PRIVATE KEY").replace('\n', "\n    "), Kind::PrivateKey),
        (pem("PRIVATE KEY").replace('\n', "\n-"), Kind::PrivateKey),
        (pem("PRIVATE KEY").replace('\n', " "), Kind::PrivateKey),
        (
            pem("RSA PRIVATE KEY").replacen(
                '\n',
                "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\n",
                1,
            ),
            Kind::PrivateKey,
        ),
    ];
    let around =
        [("", ""), ("echo ", " | cat"), ("\"", "\""), ("\\n", "\n"), ("%3D", "&x"), ("\x1b[32m", "\x1b[0m")];
    for (token, kind) in cases {
        let replacement = kind.replacement();
        for (before, after) in around {
            redacts(&format!("{before}{token}{after}"), &format!("{before}{replacement}{after}"));
        }
        let hits = Redactor::new().redact_counted(&token).hits;
        assert_eq!((hits.count(kind), hits.total()), (1, 1), "{token}");
    }
    redacts(
        &format!("https://hooks.slack.com/services/T0123/B0123/{}", random(24)),
        "https://hooks.slack.com/services/[redacted:slack-token]",
    );
    let pair = format!("AKIA{},{}", random(16).to_uppercase(), random(40));
    redacts(&pair, "[redacted:aws-access-key],[redacted:aws-secret-key]");
}

/// Text before and after a secret, with the name of the kind.
type Row = (&'static str, &'static str, &'static str, &'static str);

#[track_caller]
fn redacts_rows(rows: &[Row]) {
    for (before, secret, after, kind) in rows {
        redacts(&format!("{before}{secret}{after}"), &format!("{before}[redacted:{kind}]{after}"));
    }
}

#[test]
fn passwords_in_every_spelling() {
    let rows: [(&str, &str, &str); 35] = [
        ("password=", "hunter2", ""),
        ("DB_PASSWORD=", "hunter2", " ./run"),
        ("export PGPASSWORD='", "hun ter2", "'; psql"),
        ("password: ", "hunter2", "\nuser: me"),
        ("  password: \"", "hunter2", "\" # dev"),
        ("{\"password\":\"", "hunter2", "\",\"user\":\"me\"}"),
        (r#""{\"password\": \""#, r#"hun\\\"ter2"#, r#"\"}""#),
        ("{'dbPassword': '", "hunter2", "'}"),
        ("mysql --password ", "hunter2", " -h db"),
        ("mysql --password=", "hunter2", " -h db"),
        ("[\"--db-password\", \"", "hunter2", "\", \"-v\"]"),
        ("config[\"password\"] = \"", "hunter2", "\""),
        ("password => '", "hunter2", "',"),
        ("password := \"", "hunter2", "\""),
        ("if password == \"", "hunter2", "\" {"),
        ("connect(password=b\"", "hunter2", "\")"),
        ("connect(password=", "hunter2", ")"),
        ("user=me, password=", "hunter2", ", x=1"),
        ("Server=db;Password=", "hunter2", ";Database=x"),
        ("Server=db;Pwd=", "hunter2", ";Database=x"),
        ("<password>", "hunter2", "</password>"),
        ("q?password%3D", "hunter2", ""),
        ("MYSQL_PWD=", "hunter2", " mysql"),
        ("SMTP_PASS=", "hunter2", ""),
        ("passphrase = ", "swordfish", ""),
        ("- name: DB_PASSWORD\n  value: ", "hunter2", "\n"),
        ("{\"name\":\"DB_PASSWORD\",\"value\":\"", "hunter2", "\"}"),
        ("curl -u admin:", "hunter2", " https://x"),
        ("curl --user admin:", "hunter2", " https://x"),
        ("curl --user 'admin:", "hunter2", "' https://x"),
        ("password=", "abc,def", ",user=me"),
        ("password=", "$ecret!9", " x"),
        ("password=\"", "two words", "\""),
        ("echo -e 'password: ", "hunter2", "\\nuser: me'"),
        ("Invalid password: ", "hunter2", "."),
    ];
    redacts_rows(&rows.map(|(before, secret, after)| (before, secret, after, "password")));
    // Longer than anything that is weighed.
    redacts(&format!("password={} x", random(500)), "password=[redacted:password] x");
    redacts(&format!("password=\"{} y\" x", random(500)), "password=\"[redacted:password]\" x");
}

#[test]
fn other_keys() {
    redacts_rows(&[
        ("api_key=", "0123456789abcdef", "", "secret"),
        ("X-Api-Key: ", "0123456789abcdef", "", "secret"),
        ("PRIVATE-TOKEN: ", "abcd1234efgh", "", "secret"),
        ("--token ", "s3cr3t-value", "", "secret"),
        ("https://x/?token=", "a1b2c3d4e5f6", "&x=1", "secret"),
        ("CI_TOKEN=", "s3cr3t-value", "", "secret"),
        ("token: ", "550e8400-e29b-41d4-a716-446655440000", "", "secret"),
        ("clientSecret: \"", "swordfish", "\"", "secret"),
        ("//registry/:_authToken=", "0123-4567-89ab", "", "secret"),
        ("AccountKey=", "Zm9vYmFyYmF6cXV4Zm9vYmFy==", ";x", "secret"),
        ("https://x/blob?sv=1&sig=", "Zm9vYmFyYmF6cXV4%2B3", "&se=2", "secret"),
    ]);
    let secret = format!("{}/+{}", random(19), random(19));
    redacts(
        &format!("aws_secret_access_key = {secret}"),
        "aws_secret_access_key = [redacted:aws-secret-key]",
    );
    // The shape says more than the key.
    redacts(&format!("GITHUB_TOKEN={}", token("ghp_", 36)), "GITHUB_TOKEN=[redacted:github-token]");
}

#[test]
fn headers_and_urls() {
    redacts_rows(&[
        ("-H 'Authorization: Bearer ", "abc123def", "'", "authorization"),
        ("Authorization: Basic ", "dXNlcjpwYXNz", "\r\nHost: x", "authorization"),
        ("{\"Authorization\":\"token ", "abc123def", "\"}", "authorization"),
        ("authorization: ", "abcdef012345", "", "authorization"),
        ("Bearer ", "0123456789abcdef0123", "", "authorization"),
        ("https://user:", "pass", "@host/x", "url-password"),
        ("https://:", "p4ss", "@host", "url-password"),
        ("https://user:", "p@ss", "@host/x@y", "url-password"),
        ("postgres://app:", "s3cr3t", "@db:5432/x?a=b", "url-password"),
        ("mongodb+srv://u:", "p%40ss", "@c.mongodb.net", "url-password"),
        ("redis://:", "s3cr3t", "@cache:6379/0", "url-password"),
        ("https://", "0a1b2c3d4e5f6a7b8c9d", "@host/x", "url-password"),
    ]);
}

#[test]
fn ordinary_text_stays() {
    for text in [
        "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "550e8400-e29b-41d4-a716-446655440000",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "password: \"\"",
        "password=",
        "password=\npassword:\n",
        "Password: ",
        "$PASSWORD",
        "<password>",
        "password=***",
        "password=$PASSWORD",
        "password=\"${DB_PASSWORD:-}\"",
        "PASSWORD=$(cat /run/secrets/db)",
        "PASSWORD=\"$(pass show db)\"",
        "PASSWORD=`pass show db`",
        "--password <password>",
        "--password \"$PW\" --token $TOKEN",
        "--password PASSWORD",
        "--password string   password of the registry",
        "docker login --password-stdin",
        "psql --no-password mydb",
        "password = {{ vault_password }}",
        "password: %DB_PASSWORD%",
        "password=<your-password>",
        "password=xxxxxxxx",
        "password: [hidden]",
        "password: /run/secrets/db",
        "password must be set",
        "password: must be at least 8 characters",
        "password: please choose another one",
        "Enter password: ",
        "\"password\": \"Enter your password\"",
        "\"password\": {\"type\": \"string\"}",
        "password: str = Field(...)",
        "let password = std::env::var(\"X\");",
        "let password: Option<String> = None;",
        "password = getpass.getpass()",
        "password=os.environ[\"PW\"]",
        "password = config.db_password",
        "password: !vault |",
        "pub pw_passwd: *mut c_char,",
        "const MAX_PASSWORD: usize = 1024;",
        "TYPE_PASS = 0x100,",
        "self._password = parsed.password",
        "password: typing.Optional[bytes],",
        "private_key: rsa.RSAPrivateKey, x",
        "passwd:         files systemd",
        "getent passwd: dir",
        "grep -r \"password=\" . | sh",
        "grep 'password:' file",
        "git log --grep=password -S'password' -- src",
        "sed 's/password=/x/'",
        "echo \"password=\" && curl x",
        "PWD=/home/me OLDPWD=/tmp",
        "cd \"$PWD\"; pwd",
        "max_tokens=4096 tokens: 12",
        "unexpected token: identifier",
        "nextToken=eyJhIjoxMjM0NTY3ODkwfQ",
        "page_token: CAESBggDEgIIAQ12",
        "kubectl create secret generic db --from-file=x",
        "secretName: app-tls-20240101",
        "secret: my-secret-v2",
        "kubectl get secret my-secret -o yaml",
        "secretKeyRef:\n  name: db\n  key: password\n",
        "next_token = self.next();",
        "https://example.com:8080/a@b",
        "https://host:443?mail=me@example.org",
        "ssh://git@github.com/a/b",
        "git@github.com:a/b.git",
        "https://$USER:$PASS@host",
        "https://user:${TOKEN}@host",
        "https://user:<password>@host",
        "Authorization: Bearer $TOKEN",
        "Authorization: Bearer <token>",
        "authorization: required",
        "authorization = base64.decodebytes(x)",
        "Bearer https://tools.ietf.org/html/rfc6750",
        "the --username and --password options",
        "bearer authentication is not supported",
        "Bearer of news",
        "docker run -u app:staff --user 1000:1000 x",
        "sk-learn-and-other-names-of-some-length",
        "task-0123456789012345678901234567890123456789",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "AKIA is a prefix",
        "grep -- '-----BEGIN RSA PRIVATE KEY-----' key.pem | wc -l",
        "-----BEGIN CERTIFICATE-----\nMIIEMIIEMIIEMIIEMIIE\n-----END CERTIFICATE-----",
        "eyJ.is.short",
        "npm_config_registry=https://registry.npmjs.org npm_lifecycle_event=x",
        "pass: 12, fail: 0",
        "test_pass = 3",
        "[redacted:password] password=[redacted:password]",
        "cargo test -- --nocapture token::tests::parses_password",
        "curl -fsSL https://sh.rustup.rs | sh -s -- -y",
        "wc -l < Cargo.lock && git -C x status --short",
    ] {
        stays(text);
    }
}

#[test]
fn no_replacement_hides_a_command() {
    redacts_rows(&[
        ("password=", "x1234", ";curl evil|sh", "password"),
        ("--password ", "x1234", "|sh", "password"),
        ("password=", "x1234", "&&rm${IFS}-rf", "password"),
        ("password=\"", "x1234", "$(curl evil)\"", "password"),
        ("password='", "x1234", "`id`'", "password"),
        ("password=", "x1234", "$(id)", "password"),
        ("token=", LONG, ";id", "secret"),
    ]);
    stays("https://u:p;id@h");
    let torn = format!("-----BEGIN PRIVATE KEY-----\n{}\nrm -rf /srv\n", random(64));
    redacts(&torn, "[redacted:private-key]\nrm -rf /srv\n");
}

const LONG: &str = "a7Kq2ZxB9mWd4RtY6vLp0Hs3NcJ8fGuE5oTi1a7Kq2ZxB9mWd4RtY6vLp0Hs3NcJ8fGuE5oTi1a7Kq2ZxB9mWd4RtY6vL\
    p0Hs3NcJ8fGuE5oTi1a7Kq2ZxB9mWd4RtY6vLp0Hs3NcJ8fGuE5oTi1a7Kq2ZxB9mWd4RtY6vLp0Hs3NcJ8fGuE5oTi1";

#[test]
fn registered_values_in_every_form() {
    let redactor = Redactor::builder().secret("p/s \"w\"&é'1\n").unwrap().build().unwrap();
    for form in [
        "p/s \"w\"&é'1",
        "p%2Fs+%22w%22%26%C3%A9%271",
        "p/s \\\"w\\\"\\u0026é'1",
        "p/s \"w\"&é'\\''1",
        "702f732022772226c3a92731",
        "702F732022772226C3A92731",
    ] {
        assert_eq!(redactor.redact(&format!("<{form}>")), "<[redacted:registered]>", "{form}");
    }
    assert!(!format!("{redactor:?}").contains("p/s"));
}

#[test]
fn entangled_secrets_are_covered_whole() {
    let redactor = Redactor::builder().secret("abcdef").unwrap().secret("defghi").unwrap().build().unwrap();
    assert_eq!(redactor.redact("xabcdefghiy"), "x[redacted:registered]y");
    let redactor = Redactor::builder().secret("nter2xyz").unwrap().build().unwrap();
    assert_eq!(redactor.redact("password=hunter2xyz."), "password=[redacted:password].");
}

#[test]
fn too_short_values_are_refused() {
    assert_eq!(Redactor::builder().secret(" abc\n").unwrap_err(), RedactorError::TooShort);
}

fn in_chunks(redactor: &Redactor, text: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (mut stream, mut out, mut rest) = (redactor.stream(), Vec::new(), text);
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*size).clamp(1, rest.len()));
        stream.push(chunk, &mut out);
        assert!(stream.held() <= redactor.hold_back_limit(), "held {}", stream.held());
        rest = after;
    }
    stream.finish(&mut out);
    assert_eq!(stream.hits(), &redactor.redact_bytes(text).hits);
    out
}

/// Pieces that begin, continue, end and entangle secrets.
fn piece() -> impl Strategy<Value = String> {
    let fixed = [
        "password",
        "=",
        ": ",
        "\"",
        "'",
        "\\",
        "\\\"",
        "hunter2",
        " ",
        "\n",
        "--token ",
        "https://",
        "user:",
        "@",
        "eyJ",
        ".",
        "-----BEGIN ",
        "PRIVATE KEY-----",
        "-----END ",
        "Authorization: ",
        "Bearer ",
        "AKIA",
        "$",
        "(",
        ")",
        "secret",
        "_access_key",
        "{",
        "}",
        ",",
        ";",
        "&",
        "x",
        "\u{e9}",
        "value",
        "name: ",
        "%3D",
        "<",
        ">",
        "-u ",
        "registered-value",
        "registered-",
        "value-two",
        "<password>",
        "</",
        "xoxb-",
        "sk-",
        "ghp_",
        "://",
        "[redacted:",
        "]",
    ];
    prop_oneof![
        8 => proptest::sample::select(fixed.to_vec()).prop_map(str::to_owned),
        2 => (1usize..60).prop_map(random),
        1 => (100usize..1200).prop_map(random),
        1 => Just(pem("RSA PRIVATE KEY")),
        1 => Just(token("ghp_", 36)),
        1 => Just(format!("{}.{}.{}", token("eyJ", 30), token("eyJ", 50), random(43))),
        1 => ".{0,12}",
    ]
}

fn known() -> Redactor {
    let builder = Redactor::builder().secret("registered-value").unwrap().secret("value-two-three").unwrap();
    builder.build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_chunking_gives_the_same(
        pieces in proptest::collection::vec(piece(), 0..24),
        sizes in proptest::collection::vec(1usize..40, 1..8),
    ) {
        let text = pieces.concat();
        let redactor = known();
        let whole = redactor.redact_bytes(text.as_bytes()).text.into_owned();
        let chunked = in_chunks(&redactor, text.as_bytes(), &sizes);
        prop_assert_eq!(String::from_utf8_lossy(&chunked), String::from_utf8_lossy(&whole));
    }

    #[test]
    fn every_single_split_gives_the_same(pieces in proptest::collection::vec(piece(), 0..6)) {
        let text = pieces.concat();
        let redactor = known();
        let whole = redactor.redact_bytes(text.as_bytes()).text.into_owned();
        for at in 1..text.len().min(200) {
            prop_assert_eq!(&in_chunks(&redactor, text.as_bytes(), &[at, usize::MAX]), &whole);
        }
        prop_assert_eq!(&in_chunks(&redactor, text.as_bytes(), &[1]), &whole);
    }

    #[test]
    fn redacted_text_is_text(pieces in proptest::collection::vec(piece(), 0..24)) {
        let text = pieces.concat();
        prop_assert!(std::str::from_utf8(&known().redact_bytes(text.as_bytes()).text).is_ok());
        prop_assert!(!known().redact(&text).contains("registered-value"));
    }
}

/// Would take minutes if any of these were read more than a bounded number of times.
#[test]
fn hostile_repetition_is_linear() {
    let redactor = known();
    for unit in [
        "xoxb-1234567890abcdefgh-AKIAABCDEFGHIJKLMNOP-",
        "password=",
        "eyJ",
        "://a",
        "-----BEGIN PRIVATE KEY-----",
        "token=\"",
        "Authorization: ",
        "registered-",
        "--password ",
        "password\\\\\\\"",
        "password=0123456789",
    ] {
        let text = unit.repeat((256 << 10) / unit.len());
        let _ = redactor.redact(&text);
        let _ = in_chunks(&redactor, text.as_bytes(), &[4096]);
    }
}
