//! A tool as the analysis uses it: compiled from a knowledge file, packed, looked up by name.

use serde::{Deserialize, Serialize};

use crate::{EffectKind, Mark, Operand, Risk, Role, Scope, Undo};

/// What is known of one command-line tool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tool {
    /// Its names; the first is the one shown.
    pub names: Vec<String>,
    /// The version of the tool that its file was checked against.
    pub checked: String,
    /// How its command line is read.
    pub grammar: Grammar,
    /// Whether flags of the tool itself may also stand behind a subcommand.
    pub root_flags_anywhere: bool,
    /// Whether the unique beginning of a long flag stands for it, as with `getopt_long`.
    pub abbreviations: bool,
    /// The programs that are its subcommands where it has none of the name itself.
    pub externals: Option<Externals>,
    /// The word behind which another of its commands stands (`mlr head then put ...`).
    pub chain: Option<String>,
    /// Whether any subcommand's path holds a glob.
    pub globs: bool,
    /// Whether a version behind its name still names it (`python3.12`).
    pub versions: bool,
    /// Whether its flags are read as Go's pflag reads them: a short one takes `-f=value`.
    pub pflag: bool,
    /// Whether the word behind a flag that takes a value is that value where it begins with a dash.
    pub dash_values: bool,
    /// Whether a flag's value may stand in the same word (`-fVALUE`, `--flag=VALUE`).
    pub attached_values: bool,
    /// The word that directly behind a subcommand asks for its help alone (`git log --help`).
    pub help: Option<String>,
    /// What the beginning of a value says of the rest of it (`file://`), for words that have no
    /// role of their own.
    pub prefixes: Vec<(String, Role)>,
    /// The tool itself first, then its subcommands, sorted by their paths.
    pub commands: Vec<Command>,
    /// Environment variables that change what it does.
    pub variables: Vec<Variable>,
    /// The languages and programs that it runs on, whose variables it obeys as well: names of
    /// [`Runtime`]s. `None` where its file does not say, and then it may be any of them.
    pub runtimes: Option<Vec<String>>,
    /// Named tool calls (not command lines) that the file describes.
    pub calls: Vec<NamedCall>,
}

/// How a tool finds the program of a subcommand that is not its own: `git absorb` is `git-absorb`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Externals {
    /// What stands before the subcommand in the program's name.
    pub prefix: String,
    /// Whether the program is given the subcommand as its first word (`cargo audit` is `cargo-audit audit`).
    pub again: bool,
}

/// How a command line is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grammar {
    /// GNU `getopt_long`: clusters of short flags, long flags with unique abbreviations,
    /// operands and flags in any order, `--` ends flags.
    #[default]
    Getopt,
    /// The same, but the first operand ends flags.
    Posix,
    /// Long names behind one dash or two, no clusters (Go's `flag`, terraform).
    SingleDash,
    /// Start paths, then an expression of primaries behind one dash; no `--`.
    Find,
    /// `key=value` operands (dd).
    KeyValue,
    /// Getopt, but the first word may be a cluster without its dash (tar, ar, ps).
    Bundled,
    /// Flags behind one dash or a slash, in letters of either case, each by any unique beginning
    /// (PowerShell, cmd). Spelled here in small letters, with a dash.
    Windows,
    /// No flags: every word is an operand.
    None,
}

/// A tool or one of its subcommands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Command {
    /// The subcommand's words; each may be a glob. Empty for the tool itself. Not packed with the
    /// rest: commands that differ in their names alone are packed once.
    #[serde(skip)]
    pub path: Vec<String>,
    /// How its own words are read, if not as the tool's.
    pub grammar: Option<Grammar>,
    /// Spellings of flags, sorted, each with its place in `flags`.
    pub spellings: Vec<(String, u16)>,
    /// What the flags mean.
    pub flags: Vec<Flag>,
    /// The flags that have a value where they are not given, by their places in `flags`.
    pub assumed: Vec<u16>,
    /// Whether flags that are not listed are known to matter to nobody.
    pub other_flags_harmless: bool,
    /// Its operands, in order.
    pub operands: Vec<Operand>,
    /// Whether it does something when it is called as it is. False for a mere group of
    /// subcommands (`docker container`).
    pub runs: bool,
    /// What it does, beside what the roles of its words say.
    pub effects: Vec<Effect>,
    /// Refinements by the values of operands and flags.
    pub cases: Vec<Case>,
    /// What it does with its standard input when no operand or flag gave it code.
    pub stdin: Option<Role>,
    /// Files that it runs though no word names them, each with its role (make's `Makefile`).
    pub obeys: Vec<(String, Role)>,
    /// Whether what it reads from standard input is added to the wrapped command (xargs), and how
    /// it is taken apart.
    pub appends_input: Option<Pieces>,
    /// What it prints, where that is something simple.
    pub prints: Option<Prints>,
    /// Fields of the document that it prints which hold no secrets, though others do: whatever shows nothing but
    /// these of it shows none (`.items[].metadata.name`; behind `.data{}`, the names in an object).
    pub public: Vec<String>,
    /// Whether what it writes leads to what it reads.
    pub links: bool,
    /// Globs of shell text that this shell reads in another way than bash does.
    pub otherwise: Vec<String>,
    /// What it leaves in the files that it writes; `None` where that may be anything.
    pub leaves: Option<Leaves>,
    /// Where the command it wraps runs.
    pub inside: Inside,
    /// Where its effects land.
    pub scope: Scope,
    /// What a subcommand without knowledge is at least.
    pub unlisted: Risk,
    /// The flag or command that rehearses it.
    pub dry_run: Option<String>,
    /// The command whose output tells the state before it.
    pub capture: Option<String>,
    /// The command that takes it back.
    pub inverse: Option<String>,
}

/// What a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prints {
    /// Numbers, or nothing.
    Number,
    /// Hexadecimal digits, a word on each line, or nothing.
    Hashes,
    /// Its operands.
    Operands,
    /// The files that its operands name, as they stand, one behind the other; without any, its standard
    /// input. A flag may change that.
    Files,
    /// A `name=value` on each line.
    Pairs,
    /// Of such lines, nothing but the names.
    Names,
    /// Lines of what it is given, each as it stands.
    Lines,
    /// Absolute paths, or nothing.
    Paths,
    /// Words of letters, digits and `._-/:@`, of which each, and each piece of it between `/`, `:` and `@`, begins with a
    /// letter or a digit; or nothing.
    Ids,
    /// Words of which none begins with a dash, and none holds a blank or a glob; or nothing.
    Words,
    /// Lines whose first words are such as [`Self::Ids`].
    Table,
    /// Of each line that it is given pieces between blanks, `/`, `:` and `@`.
    Pieces,
    /// Of each line that it is given the first word.
    Firsts,
    /// Of each line that it is given the first word, and others of it behind that.
    Rows,
    /// Lines that each begin with a number and a colon; or nothing.
    Numbered,
    /// Of each line that it is given what stands before the first colon.
    Heads,
    /// Paths below its operands, a zero byte behind each.
    Found,
    /// Its standard input, with the values of the variables that are named there (`$NAME`).
    Expanded,
    /// The JSON of which [`Command::public`] tells, as it stands.
    Document,
    /// What its program selects of the document that it is given, as jq reads that.
    Selection,
    /// What the servers of the addresses that it is given answer.
    Reply,
}

/// What a command leaves in the files that it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leaves {
    /// What was in them: it makes directories, or changes times and rights.
    Content,
    /// What it reads, as it stands.
    Copies,
    /// Its standard input, as it stands.
    Input,
}

/// Where a wrapped command runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inside {
    /// On this machine.
    #[default]
    Here,
    /// In a container or a changed root.
    Container,
    /// On another machine.
    Remote,
}

/// What the input of a command that adds it to another's words is taken apart into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pieces {
    /// Words between blanks, with quotes and backslashes (xargs).
    Words,
    /// Lines (parallel).
    Lines,
    /// What stands between zero bytes.
    Nul,
    /// What stands between the value of the flag.
    Value,
    /// As before, but only some at a time.
    Groups,
    /// Nothing: the words come from elsewhere.
    Elsewhere,
}

/// What a flag means.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Flag {
    /// Its first spelling.
    pub name: String,
    /// Whether it takes a value.
    pub value: ValueKind,
    /// The facet name of its value, or of its presence.
    pub facet: String,
    /// What the program does with the value.
    pub role: Option<Role>,
    /// What it does with a second value, of a flag that takes two (`jq --rawfile NAME FILE`).
    pub then: Option<Role>,
    /// Whether its value is the first word of the command that is wrapped (`--entrypoint`).
    pub leads: bool,
    /// What the wrapped command's name is looked up in: `python -m` makes the value `pip` the tool
    /// of the name `python -m pip`.
    pub within: Option<String>,
    /// Values that change nothing that matters; each may be a glob.
    pub harmless: Vec<String>,
    /// For `key=value` values: what each key's value is. The first match counts; a key without
    /// one is unknown.
    pub keys: Vec<(String, Role)>,
    /// What the beginning of its value says of the rest (`@`), where it begins so.
    pub prefixes: Vec<(String, Role)>,
    /// Effects it adds.
    pub effects: Vec<Effect>,
    /// The effects that stand in place of the command's own when it is on.
    pub sets: Option<Vec<Effect>>,
    /// Whether `sets` counts only where nothing else is said: the flag is the one word behind the
    /// command.
    pub alone: bool,
    /// The values for which `sets` (or, without it, `effects`) holds; empty for any.
    pub when: Vec<String>,
    /// The operands that stand in place of the command's own when it is on.
    pub operands: Option<Vec<Operand>>,
    /// The operand that its value takes the place of (`grep -e` gives `pattern`).
    pub provides: Option<String>,
    /// What it adds to the meaning of the effects.
    pub marks: Vec<Mark>,
    /// What it makes the program do with standard input.
    pub stdin: Option<Role>,
    /// How the input is taken apart that is added to the wrapped command.
    pub pieces: Option<Pieces>,
    /// What stands for a path in a wrapped command's words.
    pub placeholder: Option<Placeholder>,
    /// The value that it has where it is not given, of a flag that names documents.
    pub absent: Option<String>,
    /// Whether what is said of the form of what the command prints holds beside it.
    pub keeps_form: bool,
}

/// What stands for a path in the words of a command that a flag takes whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Placeholder {
    /// The text in the words.
    pub text: String,
    /// The operand that the path lies under.
    pub of: String,
    /// Whether the path is added behind the words where they do not hold the text.
    pub appends: bool,
}

/// Whether a flag takes a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueKind {
    /// No.
    #[default]
    None,
    /// Yes: attached or the next word.
    Required,
    /// Only attached (`--flag=value`, `-fvalue`).
    Optional,
    /// All words up to `;`, or up to `+` behind `{}` (find's `-exec`).
    Terminated,
}

/// One effect of a command, flag or case.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Effect {
    /// What kind; `None` for a mere floor on the effects that are there.
    pub kind: Option<EffectKind>,
    /// The operand or flag whose value is its target.
    pub target: Option<String>,
    /// Where it lands, if not where the command's effects do.
    pub scope: Option<Scope>,
    /// How hard it is to undo.
    pub undo: Option<Undo>,
    /// A floor under its risk.
    pub risk: Option<Risk>,
    /// Why, in a clause without capital or period.
    pub why: Option<String>,
    /// What to do instead.
    pub instead: Option<String>,
}

/// A refinement of a command by the values of its operands and flags.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Case {
    /// All must hold.
    pub when: Vec<Condition>,
    /// The effects that stand in place of the command's own; with `adds`, beside them.
    pub effects: Vec<Effect>,
    /// Whether the effects are added rather than put in place of the command's own.
    pub adds: bool,
    /// Whether it counts only where it provably matches.
    pub known: bool,
    /// What it then prints.
    pub prints: Option<Prints>,
}

/// A condition on one facet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Condition {
    /// The operand or flag, by its name.
    pub facet: String,
    /// What must hold of it.
    pub test: Test,
}

/// What a [`Condition`] asks of a facet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Test {
    /// It was given.
    Present,
    /// It was not given.
    Absent,
    /// It was given at most once.
    Once,
    /// One of its values matches one of these globs, letters of either case alike.
    Matches(Vec<String>),
}

/// An environment variable that changes what a tool does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Variable {
    /// Its name; may be a glob.
    pub name: String,
    /// What the program does with the value.
    pub role: Option<Role>,
    /// Whether it holds a number where the request does not set it.
    pub number: bool,
    /// What setting it does, beside what the role says.
    pub effects: Vec<Effect>,
    /// Values that change nothing that matters; each may be a glob.
    pub harmless: Vec<String>,
    /// Words that change nothing that matters; each may be a glob. A value is harmless where each
    /// of the words in it is one of these.
    pub harmless_words: Vec<String>,
}

/// A language or a program that tools run on, with the environment variables that it obeys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Runtime {
    /// Its name, as tools give it.
    pub name: String,
    /// The variables.
    pub variables: Vec<Variable>,
}

/// A variable that holds somebody's secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secret {
    /// Its name; may be a glob.
    pub name: String,
    /// The hosts of whoever gave it out, each may be a glob: sent there, it is no news to anybody.
    pub hosts: Vec<String>,
}

/// A named tool call: what the values in its JSON arguments are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NamedCall {
    /// The names it is called by; each may be a glob.
    pub names: Vec<String>,
    /// JSON pointers (RFC 6901; `*` stands for any one token) with their facet name and role.
    pub arguments: Vec<(String, String, Role)>,
    /// What it does, beside what the roles of its arguments say.
    pub effects: Vec<Effect>,
    /// Refinements by the values of arguments.
    pub cases: Vec<Case>,
    /// Where its effects land.
    pub scope: Scope,
}
