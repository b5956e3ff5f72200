//! Which variable names say that the value is a secret: one table.

/// Pieces of a name (case does not matter) that mark a secret.
const PIECES: &[&str] = &[
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
    "CREDENTIAL",
    "DATABASE_URL",
    "CONNECTION_STRING",
];

/// Whole names that mark a secret.
const NAMES: &[&str] = &["PGPASS", "MYSQL_PWD", "PAT", "GH_PAT", "NPM_AUTH", "KUBECONFIG_DATA", "REDIS_URL"];

/// Names that hold one of the pieces and no secret.
const HARMLESS: &[&str] = &["TOKENS", "TOKENIZE", "TOKENIS", "AWS_ACCESS_KEY_ID_FILE"];

/// Whether a variable of this name holds a secret, by all appearance.
pub(crate) fn is_secret(name: &[u8]) -> bool {
    // The shortest entry has three bytes, and most names fail here.
    name.len() >= 3
        && (NAMES.iter().any(|entry| name.eq_ignore_ascii_case(entry.as_bytes()))
            || (PIECES.iter().any(|piece| contains(name, piece.as_bytes()))
                && !HARMLESS.iter().any(|piece| contains(name, piece.as_bytes()))))
}

fn contains(name: &[u8], piece: &[u8]) -> bool {
    name.windows(piece.len()).any(|window| window.eq_ignore_ascii_case(piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "db_password", "OPENAI_API_KEY", "MYSQL_PWD"] {
            assert!(is_secret(name.as_bytes()), "{name}");
        }
        for name in ["HOME", "MAX_TOKENS", "TOKENIZERS_PARALLELISM", "PATH", "KEY", "x"] {
            assert!(!is_secret(name.as_bytes()), "{name}");
        }
    }
}
