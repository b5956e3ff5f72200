//! What mongosh runs: JavaScript around a database. Reads are harmless; what changes data is a statement, as it is in SQL.

use std::borrow::Cow;

use super::super::cursor::find;
use super::super::{Act, Found, Statement, StatementKind};
use super::check;
use super::dialect::{Deed, Dialect, Syntax, with, without};

/// Reads a text. Nothing found means: it only asks.
pub(super) fn read(text: &[u8]) -> Vec<Found<'_>> {
    let plain = without_helpers(text);
    let mut found = Vec::new();
    if is_harmless(&plain) {
        return found;
    }
    // What changes data is put in the place of what does not; then only that is left.
    let mut tamed = plain;
    for (at, length, change) in changes(text) {
        if let Some(name) = tamed.get_mut(at..at + length) {
            name.fill(b' ');
            if let Some(find) = name.get_mut(..4) {
                find.copy_from_slice(b"find");
            }
        }
        found.push(Found { act: Act::Statement(change), at: at..at + length });
    }
    if found.is_empty() || !is_harmless(&tamed) {
        found.push(Found { act: Act::Opaque, at: 0..text.len() });
        super::plain::acts(&DIALECT, text, &mut found);
        // Also where the name is taken and called in another way.
        for (name, kind) in [
            ("dropDatabase", StatementKind::Drop),
            ("drop", StatementKind::Drop),
            ("deleteMany", StatementKind::Delete),
        ] {
            let at = find(text, name.as_bytes());
            if let Some(at) =
                at.filter(|at| !found.iter().any(|one| one.at.start == *at && one.at.len() == name.len()))
            {
                found.push(Found { act: Act::Statement(statement(kind)), at: at..at + name.len() });
                break;
            }
        }
        if find(text, b"system.users").is_some() || find(text, b"showCredentials").is_some() {
            found.push(Found { act: Act::Statement(statement(StatementKind::Secret)), at: 0..text.len() });
        }
    }
    found
}

fn is_harmless(text: &[u8]) -> bool {
    !writes_or_runs(text) && check::harmless(&DIALECT, text, &[]).is_some_and(|found| found.is_empty())
}

/// Stages that write and operators that run code, also where escapes or parts may spell them; and users' credentials.
fn writes_or_runs(text: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"$out",
        b"$merge",
        b"$where",
        b"$function",
        b"$accumulator",
        b"$listSessions",
        b"mapReduce",
        b"system.",
        b"showCredentials",
    ];
    let spelled = text
        .windows(2)
        .any(|pair| matches!(pair, [b'\\', b'u' | b'x' | b'0'..=b'9' | b'\n' | b'\r']) || pair == b"${");
    let bare: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'\\').collect();
    let lower_line = [&b"\xe2\x80\xa8"[..], b"\xe2\x80\xa9"].iter().any(|end| find(text, end).is_some());
    spelled
        || lower_line
        || WORDS.iter().any(|word| find(&bare, word).is_some())
        // A collection whose name is put together.
        || find(&bare, b"getCollection").is_some() && bare.contains(&b'+')
}

/// The text without the lines that the shell itself takes (`show dbs`, `use shop`) and without commands that only ask.
fn without_helpers(text: &[u8]) -> Vec<u8> {
    let mut plain = text.to_vec();
    let mut start = 0;
    for line in text.split(|byte| matches!(byte, b'\n' | b';')) {
        let words: Vec<&[u8]> =
            line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(4).collect();
        let helper = match words.as_slice() {
            [b"show", what] => SHOWN.contains(what),
            [b"show", b"log", name] | [b"use", name] => {
                name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            }
            _ => false,
        };
        if helper && let Some(line) = plain.get_mut(start..start + line.len()) {
            line.fill(b' ');
        }
        start += line.len() + 1;
    }
    // `db[name].stats()`: whatever the name is, what answers to that only tells of a collection.
    for at in text.windows(3).enumerate().filter(|(_, three)| *three == b"db[").map(|(at, _)| at) {
        let inside = text.get(at + 3..).unwrap_or_default();
        let length = inside.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let behind = inside.get(length..).and_then(|behind| behind.strip_prefix(b"]."));
        let tells = |method: &&[u8]| {
            behind.and_then(|behind| behind.strip_prefix(*method)).is_some_and(|rest| rest.starts_with(b"("))
        };
        let named = at
            .checked_sub(1)
            .and_then(|at| text.get(at))
            .is_some_and(|byte| !byte.is_ascii_whitespace() && !b"({;,=+".contains(byte));
        if length > 0 && !named && TELLING.iter().any(tells) {
            for (at, byte) in [(at + 2, b'.'), (at + 3 + length, b' ')] {
                if let Some(place) = plain.get_mut(at) {
                    *place = byte;
                }
            }
        }
    }
    for call in [&b"runCommand"[..], b"adminCommand"] {
        let mut from = 0;
        while let Some(at) = find(text.get(from..).unwrap_or_default(), call).map(|at| from + at) {
            from = at + call.len();
            let arguments = text.get(from..).unwrap_or_default().trim_ascii_start();
            if only_asks(arguments)
                && let Some(name) = plain.get_mut(at..from)
            {
                name.fill(b' ');
                if let Some(find) = name.get_mut(..4) {
                    find.copy_from_slice(b"find");
                }
            }
        }
    }
    plain
}

/// Methods of collections that tell of them, and of nothing in them.
const TELLING: &[&[u8]] = &[
    b"stats",
    b"count",
    b"countDocuments",
    b"estimatedDocumentCount",
    b"getIndexes",
    b"dataSize",
    b"storageSize",
    b"totalIndexSize",
    b"totalSize",
    b"isCapped",
];

/// What `show` shows.
const SHOWN: &[&[u8]] =
    &[b"dbs", b"databases", b"collections", b"tables", b"users", b"roles", b"profile", b"logs", b"log"];

/// Commands of the server that only ask.
const ASKING: &[&[u8]] = &[
    b"balancerStatus",
    b"buildInfo",
    b"buildinfo",
    b"collStats",
    b"connPoolStats",
    b"connectionStatus",
    b"count",
    b"currentOp",
    b"dataSize",
    b"dbStats",
    b"dbstats",
    b"distinct",
    b"features",
    b"find",
    b"getLog",
    b"getShardMap",
    b"hello",
    b"hostInfo",
    b"isMaster",
    b"isdbgrid",
    b"ismaster",
    b"listCollections",
    b"listCommands",
    b"listDatabases",
    b"listIndexes",
    b"lockInfo",
    b"ping",
    b"replSetGetConfig",
    b"replSetGetStatus",
    b"rolesInfo",
    b"serverStatus",
    b"top",
    b"usersInfo",
    b"whatsmyuri",
];

/// `({ping: 1})`, `("ping")`: the first name is the command.
fn only_asks(arguments: &[u8]) -> bool {
    arguments.strip_prefix(b"(").is_some_and(|arguments| ASKING.contains(&command(arguments)))
}

/// The name of a command of the server; empty where it is not plain.
fn command(arguments: &[u8]) -> &[u8] {
    let inner = arguments.trim_ascii_start();
    let inner = inner.strip_prefix(b"{").unwrap_or(inner).trim_ascii_start();
    let quote = inner.first().copied().filter(|byte| matches!(byte, b'\'' | b'"'));
    let name = if quote.is_some() { inner.get(1..).unwrap_or_default() } else { inner };
    let end = name.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(name.len());
    let (name, behind) = name.split_at(end);
    let behind = match quote {
        Some(quote) if behind.first() == Some(&quote) => behind.get(1..).unwrap_or_default(),
        Some(_) => return b"",
        None => behind,
    };
    let closed = matches!(behind.trim_ascii_start().first(), Some(b':' | b')'));
    if closed { name } else { b"" }
}

fn statement(kind: StatementKind) -> Statement<'static> {
    Statement { kind, everything: false, object: None, class: None }
}

/// Methods that change something, what they change, and the brackets behind which they change all of it.
#[rustfmt::skip]
const CHANGES: &[(&str, StatementKind)] = &[
    ("addShard", StatementKind::Admin), ("addUser", StatementKind::Grant), ("bulkWrite", StatementKind::Update),
    ("collMod", StatementKind::Alter), ("compact", StatementKind::Maintenance), ("create", StatementKind::Create),
    ("fsync", StatementKind::Lock), ("replSetReconfig", StatementKind::Admin), ("replSetStepDown", StatementKind::Admin),
    ("setParameter", StatementKind::Set), ("shutdown", StatementKind::Admin),
    ("compactStructuredEncryptionData", StatementKind::Maintenance), ("changeUserPassword", StatementKind::Alter),
    ("convertToCapped", StatementKind::Alter), ("createCollection", StatementKind::Create),
    ("createIndex", StatementKind::Create), ("createIndexes", StatementKind::Create),
    ("createRole", StatementKind::Grant), ("createUser", StatementKind::Grant), ("createView", StatementKind::Create),
    ("deleteMany", StatementKind::Delete), ("deleteOne", StatementKind::Delete), ("drop", StatementKind::Drop),
    ("dropAllRoles", StatementKind::Drop), ("dropAllUsers", StatementKind::Drop),
    ("dropDatabase", StatementKind::Drop), ("dropIndex", StatementKind::DropDerived),
    ("dropIndexes", StatementKind::DropDerived), ("dropRole", StatementKind::Drop), ("dropUser", StatementKind::Drop),
    ("enableSharding", StatementKind::Alter), ("ensureIndex", StatementKind::Create),
    ("findAndModify", StatementKind::Update), ("findOneAndDelete", StatementKind::Delete),
    ("findOneAndReplace", StatementKind::Update), ("findOneAndUpdate", StatementKind::Update),
    ("fsyncLock", StatementKind::Lock), ("fsyncUnlock", StatementKind::Lock),
    ("grantPrivilegesToRole", StatementKind::Grant), ("grantRolesToRole", StatementKind::Grant),
    ("grantRolesToUser", StatementKind::Grant), ("hideIndex", StatementKind::Alter), ("initiate", StatementKind::Admin),
    ("insert", StatementKind::Insert), ("insertMany", StatementKind::Insert), ("insertOne", StatementKind::Insert),
    ("killOp", StatementKind::Admin), ("moveChunk", StatementKind::Admin), ("reIndex", StatementKind::Maintenance),
    ("reconfig", StatementKind::Admin), ("remove", StatementKind::Delete), ("removeShard", StatementKind::Admin),
    ("removeUser", StatementKind::Drop), ("renameCollection", StatementKind::Alter),
    ("replaceOne", StatementKind::Update), ("resyncFrom", StatementKind::Admin),
    ("revokePrivilegesFromRole", StatementKind::Revoke), ("revokeRolesFromRole", StatementKind::Revoke),
    ("revokeRolesFromUser", StatementKind::Revoke), ("rotateCertificates", StatementKind::Security),
    ("save", StatementKind::Update), ("setProfilingLevel", StatementKind::Set), ("shardCollection", StatementKind::Alter),
    ("shutdownServer", StatementKind::Admin), ("startBalancer", StatementKind::Admin),
    ("stepDown", StatementKind::Admin), ("stopBalancer", StatementKind::Admin), ("unhideIndex", StatementKind::Alter),
    ("update", StatementKind::Update), ("updateMany", StatementKind::Update), ("updateOne", StatementKind::Update),
    ("updateRole", StatementKind::Grant), ("updateUser", StatementKind::Alter), ("validate", StatementKind::Maintenance),
];

/// Every method that changes something: where its name stands, how long it is, and what it does.
fn changes(text: &[u8]) -> Vec<(usize, usize, Statement<'_>)> {
    const ENOUGH: usize = 64;
    let mut found = Vec::new();
    for (dot, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'.') {
        let rest = text.get(dot + 1..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_ascii_start().len();
        let at = dot + 1 + blanks;
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(length);
        let Some(arguments) = behind.trim_ascii_start().strip_prefix(b"(") else { continue };
        let command = matches!(name, b"runCommand" | b"adminCommand").then(|| command(arguments));
        let change = command.map_or(name, |command| if command == b"delete" { b"remove" } else { command });
        let Some((_, kind)) = CHANGES.iter().find(|(known, _)| known.as_bytes() == change) else { continue };
        let bare: Vec<u8> = arguments.iter().copied().filter(|b| !b.is_ascii_whitespace()).take(3).collect();
        let all = matches!(bare.as_slice(), [b'{', b'}', ..] | [b')', ..]);
        let one = name.ends_with(b"One") || name.starts_with(b"findOne");
        let everything =
            all && !one && command.is_none() && matches!(kind, StatementKind::Delete | StatementKind::Update);
        let database = change == b"dropDatabase";
        let before = text.get(..dot).unwrap_or_default();
        let start = before
            .iter()
            .rposition(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-')))
            .map_or(0, |at| at + 1);
        let object = before.get(start..).filter(|object| !object.is_empty() && !database).map(Cow::Borrowed);
        let class = database.then_some(Cow::Borrowed(&b"DATABASE"[..]));
        found.push((at, length, Statement { kind: *kind, everything, object, class }));
        if found.len() > ENOUGH {
            break;
        }
    }
    found
}

#[rustfmt::skip]
pub(super) const DIALECT: Dialect = Dialect {
    syntax: Syntax::JavaScript,
    words: &[
        "Array", "BigInt", "BinData", "Boolean", "DBRef", "Date", "Decimal128", "Double", "Error",
        "HexData", "ISODate", "Infinity", "Int32", "Long", "MD5", "Map", "MaxKey", "MinKey", "NaN",
        "Number", "NumberDecimal", "NumberInt", "NumberLong", "ObjectID", "ObjectId", "RegExp", "Set",
        "String", "Timestamp", "UUID", "async", "await", "break", "case", "catch", "const", "continue",
        "db", "default", "do", "else", "exit", "false", "finally", "for", "function", "help", "hex_md5",
        "if", "in", "instanceof", "isFinite", "isNaN", "let", "new", "null", "of", "parseFloat", "parseInt",
        "print", "printjson", "printjsononeline", "quit", "return", "rs", "sh", "switch", "throw", "tojson",
        "tojsononeline", "true", "try", "typeof", "undefined", "var", "version", "void", "while",
    ],
    reserved: &[
        "AsyncFunction", "Atomics", "Buffer", "Function", "GeneratorFunction", "Mongo", "Object", "Promise",
        "Proxy", "Reflect", "Worker", "__proto__", "arguments", "cat", "cd", "child_process", "class",
        "connect", "constructor", "convertShardKeyToHashed", "crypto", "disableTelemetry", "edit",
        "enableTelemetry", "eval", "exports", "fetch", "fs", "global", "globalThis", "import", "listFiles",
        "load", "ls", "module", "os", "passwordPrompt", "path", "process", "prototype", "removeFile",
        "require", "rmDir", "run", "runProgram", "self", "shellHelper", "snippet", "startMongoProgram",
        "super", "this", "watch", "with", "writeFile",
    ],
    roots: &["EJSON", "JSON", "Math", "console"],
    modules: &[],
    members_of: &[
        "EJSON.stringify", "JSON.stringify", "Math.abs", "Math.ceil", "Math.floor", "Math.log", "Math.max",
        "Math.min", "Math.pow", "Math.round", "Math.sqrt", "console.dir", "console.error", "console.info",
        "console.log", "console.table",
    ],
    readers: &[],
    members: &[
        "UTC", "abs", "aggregate", "allowDiskUse", "allowPartialResults", "at", "batchSize", "charAt",
        "codePointAt", "collation", "comment", "concat", "conf", "config", "count", "countDocuments",
        "currentOp", "dataSize", "distinct", "endsWith", "entries", "estimatedDocumentCount", "every",
        "explain", "fill", "filter", "find", "findIndex", "findLast", "findOne", "flat", "flatMap",
        "forEach", "get", "getBalancerState", "getCollection", "getCollectionInfos", "getCollectionNames",
        "getDBNames", "getDBs", "getDate", "getDay", "getFullYear", "getHours", "getIndexKeys",
        "getIndexSpecs", "getIndexes", "getIndices", "getLogComponents", "getMilliseconds", "getMinutes",
        "getMongo", "getMonth", "getName", "getProfilingLevel", "getProfilingStatus", "getReplicationInfo",
        "getRole", "getRoles", "getSearchIndexes", "getSeconds", "getShardDistribution", "getShardVersion",
        "getSiblingDB", "getTime", "getTimestamp", "getTimezoneOffset", "getUTCDate", "getUTCDay",
        "getUTCFullYear", "getUTCHours", "getUTCMinutes", "getUTCMonth", "getUser", "getUsers", "has",
        "hasNext", "hasOwnProperty", "hello", "hint", "hostInfo", "includes", "indexOf", "isArray",
        "isBalancerRunning", "isCapped", "isExhausted", "isMaster", "itcount", "join", "keys",
        "lastIndexOf", "latencyStats", "limit", "listCommands", "localeCompare", "map", "match", "max",
        "maxAwaitTimeMS", "maxTimeMS", "min", "next", "noCursorTimeout", "now", "objsLeftInBatch",
        "oplogReplay", "padEnd", "padStart", "pop", "pretty", "printCollectionStats",
        "printReplicationInfo", "printSecondaryReplicationInfo", "printShardingStatus", "projection",
        "push", "queryHashes", "readConcern", "readPref", "reduce", "repeat", "replace", "replaceAll",
        "returnKey", "reverse", "search", "serverBits", "serverBuildInfo", "serverCmdLineOpts",
        "serverStatus", "shift", "showRecordId", "size", "skip", "slice", "some", "sort", "split",
        "startsWith", "stats", "status", "storageSize", "substr", "substring", "sum", "tableScan", "test",
        "toArray", "toDateString", "toFixed", "toHexString", "toISOString", "toJSON", "toLocaleString",
        "toLowerCase", "toPrecision", "toString", "toUpperCase", "totalIndexSize", "totalSize", "trim",
        "trimEnd", "trimStart", "tryNext", "unshift", "valueOf", "values", "version",
    ],
    never_members: &[
        "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "__proto__",
        "apply", "bind", "bulkWrite", "call", "callee", "caller", "constructor", "createCollection",
        "createIndex", "deleteMany", "deleteOne", "drop", "dropDatabase", "eval", "insert", "insertMany",
        "insertOne", "prototype", "remove", "require", "runCommand", "save", "update", "updateMany",
        "updateOne",
    ],
    acts: &[
        with("execSync(", Deed::Shell),
        with("exec(", Deed::Shell),
        with("spawnSync(", Deed::Argv),
        with("spawn(", Deed::Argv),
        with("runProgram(", Deed::Argv),
        with("writeFileSync(", Deed::Write),
        with("writeFile(", Deed::Write),
        with("unlinkSync(", Deed::Delete),
        with("rmSync(", Deed::Delete),
        with("removeFile(", Deed::Delete),
        with("fetch(", Deed::Network),
        without("connect(", Deed::Network),
        with("load(", Deed::Load),
    ],
    evaluators: &["eval(", "Function("],
    sources: &["cat(", "readFileSync(", "readFile("],
};

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::Mongo;

    use super::super::super::testing::{acts, check, harmless};

    #[test]
    fn asking_a_database_is_harmless() {
        harmless(
            Mongo,
            &[
                "",
                "db.orders.find()",
                "db.orders.find({status: 'open', total: {$gt: 5}}).sort({_id: -1}).limit(10).toArray()",
                "db.orders.findOne({_id: ObjectId('650000000000000000000000')})",
                "db.getSiblingDB('shop').orders.countDocuments({})",
                "db.getCollection('my-orders').estimatedDocumentCount()",
                "db.orders.aggregate([{$match: {a: 1}}, {$group: {_id: '$b', n: {$sum: 1}}}, {$sort: {n: -1}}])",
                "db.orders.find({at: {$gte: ISODate('2026-01-01')}}).explain('executionStats')",
                "db.orders.distinct('status')",
                "db.stats()",
                "db.serverStatus().connections",
                "db.runCommand({ping: 1})",
                "db.adminCommand('listDatabases')",
                "db.adminCommand({\"listDatabases\": 1, nameOnly: true})",
                "printjson(db.adminCommand({replSetGetStatus: 1}))",
                "rs.status()",
                "rs.status().members.forEach(m => print(m.name, m.stateStr))",
                "sh.status()",
                "show dbs",
                "use shop\nshow collections",
                "use shop; db.orders.find().limit(1)",
                "db.getCollectionNames().forEach(c => print(c))",
                "db.orders.find({name: /^a.*z$/i}, {name: 1, _id: 0}).pretty()",
                "db.orders.getIndexes()",
                "db.getCollectionNames().forEach(c => print(c, db[c].estimatedDocumentCount()))",
                "db.getCollectionNames().forEach(c => { const s = db[c].stats(); print(c, s.count, s.size) })",
                "db.version()",
                "EJSON.stringify(db.orders.find().toArray(), null, 2)",
            ],
        );
    }

    #[test]
    fn changing_a_database_is_a_statement() {
        check(
            Mongo,
            &[
                ("db.orders.drop()", &["Drop orders"]),
                ("db.dropDatabase()", &["Drop DATABASE"]),
                ("db.orders.deleteMany({})", &["Delete everything orders"]),
                ("db.orders.remove( { } )", &["Delete everything orders"]),
                ("db.orders.deleteMany({a: 1})", &["Delete orders"]),
                ("db.orders.deleteOne({})", &["Delete orders"]),
                ("db.orders.updateMany({}, {$set: {a: 1}})", &["Update everything orders"]),
                ("db.orders.insertOne({a: 1})", &["Insert orders"]),
                ("db.orders.createIndex({a: 1})", &["Create orders"]),
                ("db.createUser({user: 'a', pwd: 'b', roles: ['root']})", &["Grant db"]),
                ("use shop; db.orders . drop ( )", &["Drop"]),
                ("db.shutdownServer()", &["Admin db"]),
                ("db.runCommand({drop: 'orders'})", &["Drop db"]),
                ("db.adminCommand({'shutdown': 1})", &["Admin db"]),
            ],
        );
    }

    #[test]
    fn what_is_not_known_to_ask_is_opaque() {
        for text in [
            "db.eval('1')",
            "load('x.js')",
            "db.orders.frobnicate()",
            "db['orders']['drop']()",
            "db.orders['dr' + 'op']()",
            "db.orders.drop.call(db.orders)",
            "db.orders.aggregate([{$match: {}}, {$out: 'x'}])",
            "db.orders.aggregate([{'\\u0024out': 'x'}])",
            "db.orders.aggregate([{'$o\\ut': 'x'}])",
            "db.orders.aggregate([{['$o' + 'ut']: 'x'}])",
            "db.orders.aggregate([JSON.parse('{\"$o' + 'ut\": 1}')])",
            "db.orders.aggregate([{$merge: {into: 'x'}}])",
            "db.orders.find({$where: 'sleep(1000)'})",
            "db.orders.mapReduce(f, g, {out: 'x'})",
            "db.runCommand({[x]: 'orders'})",
            "db.adminCommand({frobnicate: 1})",
            "db.runCommand(x)",
            "require('child_process').execSync('id')",
            "process.env",
            "db.system.users.find()",
            "db.getSiblingDB('admin').getCollection('sys' + 'tem.users').find()",
            "db.getUsers({showCredentials: true})",
            "show dbs; db.orders.frobnicate()",
            "use shop db.orders.drop()",
            "new Mongo('evil').getDB('x')",
            "db.orders.watch()",
            "sh.enableAutoSplit()",
            "db.getMongo().setReadPref('x')",
            "this.constructor.constructor('x')()",
            "db.orders.find().map(db.orders.deleteOne)",
        ] {
            assert!(acts(Mongo, text).iter().any(|act| act == "opaque"), "{text}: {:?}", acts(Mongo, text));
        }
    }

    #[test]
    fn what_is_opaque_still_says_what_it_changes() {
        let found = acts(Mongo, "frobnicate(); db.orders.drop()");
        assert!(
            found.contains(&"Drop orders".to_owned()) && found.contains(&"opaque".to_owned()),
            "{found:?}"
        );
        let found = acts(Mongo, "db.getSiblingDB('admin').system.users.find()");
        assert!(found.contains(&"Secret".to_owned()), "{found:?}");
        let found = acts(Mongo, "db.orders.drop.call(db.orders)");
        assert!(found.contains(&"Drop".to_owned()), "{found:?}");
        assert!(acts(Mongo, "load('x.js')").contains(&"load:x.js".to_owned()));
    }
}
