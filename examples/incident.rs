//! "The API is slow", from the agent's plan to the way back: a real git repository, a real PostgreSQL
//! and real terraform, on this machine and in a directory that is gone afterwards.
//!
//! The plan does what it says, its last check finds that reads are as slow as before, a person has
//! it undone, and the log verifies. Run it with `cargo run -p agent-guardrail-examples --bin
//! incident`; what it needs and does not find it says in one line.

use std::error::Error;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use guardrail::audit::verify::{Directory, Verification};
use guardrail::audit::{FileStore, Log, PlanFiles};
use guardrail::exec::{LocalWorld, News, Observer, ProcessExecutor, Runner, block_on};
use guardrail::plan::{
    Approver, Asked, Check, Command, Expect, Monitor, Origin, Plan, Principal, Question, Rollback, Say, Step,
    Stop,
};
use guardrail::redact::Redactor;
use guardrail::{Environment, Facts, Guard};

/// Stands in for a person: shows what is asked, and says yes.
struct Anna;

#[async_trait]
impl Approver for Anna {
    fn name(&self) -> &str {
        "anna"
    }

    async fn ask(&self, question: &Question) -> Asked {
        println!("\n--- {} ({} risk): anna says yes\n", question.title, question.risk);
        Asked::Replied(question.reply(Principal::person("anna"), Say::Approve(None), question.asked_at))
    }
}

/// A line for each command.
struct Lines;

impl Observer for Lines {
    fn saw(&self, news: &News<'_>) {
        if let News::Ended { slot, title, failures, .. } = news {
            println!("{} {slot}: {title}", if failures.is_empty() { "✓" } else { "✗" });
            failures.iter().for_each(|failure| println!("    {failure}"));
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    guardrail::exec::launch_if_asked();
    for tool in ["git", "terraform", "pg_ctl", "initdb"] {
        if program(tool).is_none() {
            println!("SKIPPED: this needs {tool}, which is not on PATH");
            return Ok(());
        }
    }
    let folder = tempfile::tempdir()?;
    let place = folder.path().canonicalize()?;
    let Some(database) = Database::start(&place)? else {
        println!("SKIPPED: PostgreSQL does not run as root, and there is no account `postgres`");
        return Ok(());
    };
    prepare(&place, &database)?;

    let log = Arc::new(Log::over(FileStore::options("example.org/incident").open(place.join("log"))?)?);
    let plans = Arc::new(PlanFiles::open(&place.join("plans"), Redactor::new())?);
    // PostgreSQL's own programs before those that the system puts in front of them.
    let world = LocalWorld::new();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", database.programs.display());
    let world = world
        .known(Facts { environment: Some(Environment::Staging), ..Facts::default() })
        .variable("PATH", path)
        .variable("PGHOST", database.folder.display().to_string())
        .variable("PGUSER", "postgres");
    let runner = Runner::builder(Arc::new(Guard::new()), log, plans, Arc::new(ProcessExecutor::new()))
        .approver(Arc::new(Anna))
        .world(Arc::new(world))
        .build();

    let requester = Principal::agent("on-call-helper");
    let origin = Origin { requester, owner: None, session: None, channel: None };
    let id = block_on(runner.propose(plan(&place), origin))?;
    let report = block_on(runner.drive(id.name, &Stop::new(), &Lines))?;
    println!("\n{}", report.summary());
    drop(runner);
    let verified = Verification::new().log(&Directory::new(place.join("log")))?;
    println!("the log has {} records and {} findings", verified.size, verified.findings.len());
    println!("the pool is as it was: {}", std::fs::read_to_string(place.join("repository/api.conf"))?.trim());
    Ok(())
}

/// What the agent proposes.
fn plan(place: &Path) -> Plan {
    let sql = |text: &str| Command::argv(["psql", "-tAc", text]);
    let pool = |size: &str| {
        Check::new("the size of the pool", Command::argv(["cat", "api.conf"]))
            .expect(Expect::Contains(format!("pool = {size}")))
    };
    let indexes = |least: f64, most: f64| {
        Check::new("the index", sql("SELECT count(*) FROM pg_indexes WHERE indexname = 'by_customer'"))
            .expect(Expect::AtLeast { pointer: None, number: least })
            .expect(Expect::AtMost { pointer: None, number: most })
    };
    let terraform = |words: &[&str], replicas: &str| {
        let words = words.iter().map(|word| (*word).to_owned());
        let set = ["-no-color".to_owned(), "-var".to_owned(), format!("replicas={replicas}")];
        Command::argv(["terraform".to_owned()].into_iter().chain(words).chain(set))
            .cwd(place.join("terraform").display().to_string())
    };
    let timed = |mut rollback: Rollback| {
        rollback.estimated_seconds = Some(2);
        rollback
    };
    let resize = |from: &str, to: &str| {
        Command::argv(["sed".into(), "-i".into(), format!("s/pool = {from}/pool = {to}/"), "api.conf".into()])
    };
    let mut replicas =
        Step::new("Five replicas instead of three", terraform(&["apply", "-auto-approve"], "5"));
    replicas.dry_run = Some(terraform(&["plan"], "5"));
    let mut plan = Plan::new("The API is slow")
        .reason("reads of orders by customer take 250 ms, and the pool is always empty")
        .cwd(place.join("repository").display().to_string())
        .before(Check::new("the database answers", sql("SELECT 1")))
        .step(
            Step::new("A larger pool", resize("5", "20"))
                .behind(pool("20"))
                .undone_by(timed(Rollback::new("as it was", [resize("20", "5")]).verified_by(pool("5")))),
        )
        .step(
            Step::new("Commit it", Command::argv(["git", "commit", "-qam", "A larger pool"])).undone_by(
                timed(
                    Rollback::new("revert it", [Command::argv(["git", "revert", "--no-edit", "HEAD"])])
                        .verified_by(Check::new(
                            "nothing is left over",
                            Command::argv(["git", "status", "--short"]),
                        )),
                ),
            ),
        )
        .step(
            Step::new("An index for reads by customer", sql("CREATE INDEX by_customer ON orders (customer)"))
                .before(indexes(0.0, 0.0))
                .behind(indexes(1.0, 1.0))
                .undone_by(timed(
                    Rollback::new("drop it", [sql("DROP INDEX by_customer")]).verified_by(indexes(0.0, 0.0)),
                )),
        )
        .step(replicas.undone_by(timed(
            Rollback::new("three again", [terraform(&["apply", "-auto-approve"], "3")]).verified_by(
                Check::new("nothing would change", terraform(&["plan", "-detailed-exitcode"], "3")),
            ),
        )))
        .behind(
            Check::new("reads take 100 ms at most", sql("SELECT milliseconds FROM latency"))
                .expect(Expect::AtMost { pointer: None, number: 100.0 }),
        );
    plan.impact = "nobody can write to orders while the index is made".to_owned();
    plan.monitor = Some(Monitor {
        window_seconds: 2,
        every_seconds: 1,
        checks: vec![Check::new("the database answers", sql("SELECT 1"))],
    });
    plan
}

/// A PostgreSQL of its own, on a socket in a directory, that ends with this value.
struct Database {
    folder: PathBuf,
    programs: PathBuf,
    /// As whom it runs, where this is root.
    account: Option<&'static str>,
}

impl Database {
    fn start(place: &Path) -> Result<Option<Self>, Box<dyn Error>> {
        let folder = place.join("database");
        std::fs::create_dir(&folder)?;
        let root = std::fs::metadata(&folder)?.uid() == 0;
        let account = root.then_some("postgres");
        if root {
            std::fs::set_permissions(place, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
            if run(Process::new("chown").args(["postgres"]).arg(&folder)).is_err() {
                return Ok(None);
            }
        }
        let real = program("pg_ctl").and_then(|path| path.canonicalize().ok());
        let programs =
            real.and_then(|path| Some(path.parent()?.to_owned())).ok_or("pg_ctl has no directory")?;
        let database = Self { folder, programs, account };
        let (data, socket) = (database.folder.join("data"), database.folder.display());
        let (data, log) = (data.display(), database.folder.join("log"));
        database.own(&format!("initdb -D {data} -A trust -U postgres -E UTF8"))?;
        let options = format!("-k {socket} -c listen_addresses=");
        database.own(&format!("pg_ctl -D {data} -o '{options}' -w -l {} start", log.display()))?;
        Ok(Some(database))
    }

    /// Runs one of its programs, as its own account.
    fn own(&self, line: &str) -> Result<(), Box<dyn Error>> {
        let line = format!("{}/{line}", self.programs.display());
        match self.account {
            Some(account) => run(Process::new("su").args([account, "-s", "/bin/sh", "-c", &line])),
            None => run(Process::new("sh").args(["-c", &line])),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        if let Err(error) = self.own(&format!("pg_ctl -D {} -m immediate stop", data.display())) {
            println!("the database was not stopped: {error}");
        }
    }
}

/// What is there before anything is slow.
fn prepare(place: &Path, database: &Database) -> Result<(), Box<dyn Error>> {
    let (repository, terraform) = (place.join("repository"), place.join("terraform"));
    std::fs::create_dir(&repository)?;
    std::fs::write(repository.join("api.conf"), "pool = 5\n")?;
    for words in [
        &["init", "-q"][..],
        &["config", "user.name", "api"],
        &["config", "user.email", "api@example.org"],
        &["add", "api.conf"],
        &["commit", "-qm", "The API"],
    ] {
        run(Process::new("git").current_dir(&repository).args(words))?;
    }
    std::fs::create_dir(&terraform)?;
    let text = "variable \"replicas\" { default = 3 }\n\
                resource \"terraform_data\" \"api\" { input = var.replicas }\n";
    std::fs::write(terraform.join("main.tf"), text)?;
    run(Process::new("terraform").current_dir(&terraform).arg("init"))?;
    run(Process::new("terraform").current_dir(&terraform).args(["apply", "-auto-approve"]))?;
    let mut psql = Process::new(database.programs.join("psql"));
    psql.arg("-h").arg(&database.folder).args(["-U", "postgres"]);
    for sql in [
        "CREATE TABLE orders (id int PRIMARY KEY, customer int)",
        "INSERT INTO orders SELECT n, n % 100 FROM generate_series(1, 10000) n",
        "CREATE TABLE latency AS SELECT 250 AS milliseconds",
    ] {
        psql.args(["-c", sql]);
    }
    run(&mut psql)
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn run(process: &mut Process) -> Result<(), Box<dyn Error>> {
    let output = process.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{process:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
