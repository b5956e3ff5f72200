//! Functions that are known to do nothing but return a value.
//!
//! A list for each family of databases, from what the databases say of their functions themselves. Whose database a
//! text is for is not known here, so each function is what any of them takes it for, unless
//! [`reach`](super::function::reach) says otherwise.

/// Sorted words. Where two lists would have a word, the first has it.
const LISTS: &[&str] = &[
    // Keywords and types that brackets may follow.
    include_str!("pure/grammar.txt"),
    // PostgreSQL 15 and what comes with it, those that are not volatile; some that are, by hand; 16 to 18 by hand.
    include_str!("pure/postgresql.txt"),
    // MariaDB 10.11, MySQL 8.4 by hand.
    include_str!("pure/mysql.txt"),
    // SQLite 3.40 and its shell, and to 3.50 by hand.
    include_str!("pure/sqlite.txt"),
    // Scalar functions and aggregates of DuckDB.
    include_str!("pure/duckdb.txt"),
    // ClickHouse.
    include_str!("pure/clickhouse.txt"),
    // By hand: BigQuery, Snowflake, SQL Server, Oracle, Spark, Trino, Cassandra.
    include_str!("pure/others.txt"),
];

/// Whether calling what has this name does nothing but return a value. No user's function is known here.
pub(super) fn is_pure(name: &[u8]) -> bool {
    let mut lower = [0_u8; 64];
    let Some(lower) = lower.get_mut(..name.len()) else { return false };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    LISTS.iter().any(|list| has(list.as_bytes(), lower))
}

/// Whether a sorted list has a word: a binary search for it by its bytes.
fn has(list: &[u8], word: &[u8]) -> bool {
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let before = list.get(low..middle).unwrap_or_default();
        let start = before.iter().rposition(u8::is_ascii_whitespace).map_or(low, |at| low + at + 1);
        let behind = list.get(middle..high).unwrap_or_default();
        let end = behind.iter().position(u8::is_ascii_whitespace).map_or(high, |at| middle + at);
        match list.get(start..end).unwrap_or_default().cmp(word) {
            std::cmp::Ordering::Equal => return !word.is_empty(),
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::function::reach;
    use super::*;

    #[test]
    fn every_word_of_every_list_is_found_and_stands_once() {
        let mut all: Vec<&str> = Vec::new();
        for list in LISTS {
            let words: Vec<&str> = list.split_ascii_whitespace().collect();
            assert!(words.windows(2).all(|pair| pair[0] < pair[1]), "sorted");
            for word in &words {
                assert!(has(list.as_bytes(), word.as_bytes()), "{word}");
                assert!(is_pure(word.to_ascii_uppercase().as_bytes()), "{word}");
            }
            all.extend(words);
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "a word stands in one list");
    }

    #[test]
    fn nothing_is_both_pure_and_dangerous() {
        for word in LISTS.iter().flat_map(|list| list.split_ascii_whitespace()) {
            assert_eq!(reach(word.as_bytes()), None, "{word}");
        }
    }

    #[test]
    fn what_no_list_has_is_not_found() {
        for word in ["", "a", "zzz", "purge_all", "lowe", "lowers", "coun", "pg_read_file", "x y", "abs acos"]
        {
            assert!(!is_pure(word.as_bytes()), "{word}");
        }
        assert!(!is_pure(&[b'a'; 100]));
    }
}
