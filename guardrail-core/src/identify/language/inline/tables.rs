//! Methods of tables (pandas) that call what a text names, or write where an argument says: which of their
//! calls do neither.

use super::check::Checker;
use super::lex::{Lexed, Token};
use super::names::Constant;
use super::shape::{each_argument, matching};

/// What `agg` calls by its name, and only computes.
const AGGREGATES: &[&[u8]] = &[
    b"all",
    b"any",
    b"count",
    b"first",
    b"idxmax",
    b"idxmin",
    b"last",
    b"max",
    b"mean",
    b"median",
    b"min",
    b"nunique",
    b"prod",
    b"quantile",
    b"sem",
    b"size",
    b"std",
    b"sum",
    b"var",
];

/// `('sum')`, `(['sum', 'mean'])`, `({'price': 'sum'})`, `(total=('price', 'sum'))`: a text is the name of a
/// column, or of what only computes.
pub(super) fn aggregates(bound: &[&[u8]], rest: &[Lexed<'_>]) -> bool {
    let Some(arguments) = rest.get(1..).and_then(|rest| rest.get(..matching(rest)?)) else { return false };
    arguments.iter().enumerate().all(|(index, one)| {
        let next = arguments.get(index + 1).map(|one| one.token);
        let column = next == Some(Token::Mark(b':'))
            || (next == Some(Token::Mark(b',')) && begins_pair(arguments, index));
        match one.token {
            Token::Text(text) => column || AGGREGATES.contains(&text),
            Token::Name(name) => {
                (matches!(name, b"len" | b"max" | b"min" | b"sum" | b"list" | b"set")
                    && !bound.contains(&name))
                    || next == Some(Token::Mark(b'='))
            }
            Token::Mark(mark) => matches!(mark, b'[' | b']' | b'{' | b'}' | b'(' | b')' | b',' | b':' | b'='),
            Token::Newline | Token::Number => true,
            _ => false,
        }
    })
}

/// `total=(` stands in front: a column and what is computed of it.
fn begins_pair(tokens: &[Lexed<'_>], index: usize) -> bool {
    let token = |at: usize| index.checked_sub(at).and_then(|at| tokens.get(at)).map(|one| one.token);
    (token(2), token(1)) == (Some(Token::Mark(b'=')), Some(Token::Mark(b'(')))
        && !matches!(token(3), Some(Token::Name(b"func" | b"aggfunc")))
}

/// `(lambda row: ...)`, `(len)`: nothing that a text or a name of the text names.
pub(super) fn applies(bound: &[&[u8]], rest: &[Lexed<'_>]) -> bool {
    match rest {
        [_, Lexed { token: Token::Name(b"lambda"), .. }, ..] => true,
        [_, Lexed { token: Token::Name(name), .. }, Lexed { token: Token::Mark(b')' | b','), .. }, ..] => {
            matches!(
                *name,
                b"len" | b"str" | b"int" | b"float" | b"abs" | b"round" | b"sum" | b"repr" | b"set"
            ) && !bound.contains(name)
        }
        _ => false,
    }
}

/// How a table is printed.
const PRINT_OPTIONS: &[&[u8]] = &[
    b"columns",
    b"decimal",
    b"float_format",
    b"force_ascii",
    b"header",
    b"indent",
    b"index",
    b"justify",
    b"line_width",
    b"lines",
    b"max_colwidth",
    b"max_cols",
    b"max_rows",
    b"na_rep",
    b"orient",
    b"sep",
    b"tablefmt",
];

/// `(index=False)`: arguments that say how, and none that says where to.
pub(super) fn prints(bound: &[&[u8]], rest: &[Lexed<'_>]) -> bool {
    let Some(arguments) = rest.get(1..).and_then(|rest| rest.get(..matching(rest)?)) else { return false };
    let says = |argument: &[Lexed<'_>]| {
        matches!(
            argument,
            [Lexed { token: Token::Name(name), .. }, Lexed { token: Token::Mark(b'='), .. }, _, ..]
                if PRINT_OPTIONS.contains(name)
        )
    };
    let stdout = |argument: &[Lexed<'_>]| {
        matches!(
            argument,
            [
                Lexed { token: Token::Name(b"sys"), .. },
                Lexed { token: Token::Mark(b'.'), .. },
                Lexed { token: Token::Name(b"stdout"), .. },
            ]
        ) && !bound.contains(&&b"sys"[..])
    };
    arguments.is_empty() || each_argument(arguments).all(|argument| says(argument) || stdout(argument))
}

/// What is said of a pivot table besides how it is computed.
const PIVOTS: &[&[u8]] =
    &[b"columns", b"dropna", b"fill_value", b"index", b"margins", b"margins_name", b"normalize", b"values"];

/// `(index='a', values='b', aggfunc='sum')`: what computes is as in [`aggregates`].
pub(super) fn pivots(bound: &[&[u8]], rest: &[Lexed<'_>]) -> bool {
    let Some(arguments) = rest.get(1..).and_then(|rest| rest.get(..matching(rest)?)) else { return false };
    each_argument(arguments).all(|argument| pivot(bound, argument))
}

/// One argument of such a call.
pub(super) fn pivot(bound: &[&[u8]], argument: &[Lexed<'_>]) -> bool {
    let computes = |one: &Lexed<'_>| match one.token {
        Token::Text(text) => AGGREGATES.contains(&text),
        Token::Name(name) => matches!(name, b"len" | b"max" | b"min" | b"sum") && !bound.contains(&name),
        Token::Mark(mark) => matches!(mark, b'[' | b']' | b','),
        _ => false,
    };
    match argument {
        [
            Lexed { token: Token::Name(b"aggfunc"), .. },
            Lexed { token: Token::Mark(b'='), .. },
            value @ ..,
        ] => value.iter().all(computes),
        [Lexed { token: Token::Name(name), .. }, Lexed { token: Token::Mark(b'='), .. }, ..] => {
            PIVOTS.contains(name)
        }
        [] => true,
        // Values, rows and columns in this order; what computes is named.
        [Lexed { token: Token::Text(_), .. }] => true,
        _ => false,
    }
}

/// Methods of tables that call what a text names, run what it says, or write: never columns.
const NO_COLUMNS: &[&[u8]] = &[
    b"agg",
    b"aggregate",
    b"apply",
    b"applymap",
    b"attrs",
    b"boxplot",
    b"eval",
    b"flags",
    b"hist",
    b"map",
    b"pipe",
    b"pivot_table",
    b"plot",
    b"query",
    b"style",
    b"transform",
];

impl Checker<'_> {
    /// `table.price` of a name that only ever stands for a table that was read: whatever the column is called.
    pub(super) fn is_column(&self, name: &[u8], tokens: &[Lexed<'_>], index: usize) -> bool {
        let token = |at: usize| index.checked_sub(at).and_then(|at| tokens.get(at)).map(|one| one.token);
        let of_table = matches!(token(2), Some(Token::Name(table)) if matches!(self.names.constant(table), Some(Constant::Table)))
            && token(3) != Some(Token::Mark(b'.'));
        of_table && !name.starts_with(b"_") && !name.starts_with(b"to_") && !NO_COLUMNS.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::Python;

    use super::super::super::testing::check;

    fn all_are(lines: &[&str], wanted: &[&str]) {
        for line in lines {
            let text = format!("import pandas as pd\ndf = pd.read_csv('a.csv')\n{line}");
            check(Python, &[(text.as_str(), wanted)]);
        }
    }

    #[test]
    fn tables_are_grouped_and_printed() {
        all_are(
            &[
                "print(df.head().to_string(index=False))",
                "df.to_csv(sys.stdout)",
                "print(df.groupby('a').agg({'to_csv': 'sum', 'b': ['min', 'max']}))",
                "print(df.groupby('a').agg(total=('price', 'sum'), n=('id', 'nunique')))",
                "print(df.name.apply(len).max(), df['x'].apply(lambda v: v * 2).mean())",
                "print(df[df.price > 3].sort_values('x').head(3), df.price.mean(), len(df.unlink))",
                "print(df[df.kind == 'a'].shape)",
            ],
            &["read:a.csv", "import:pandas"],
        );
    }

    #[test]
    fn what_a_text_names_is_not_called() {
        all_are(
            &[
                "df.to_string('b.csv')",
                "df.to_string(buf='b.csv')",
                "df.to_json(*['b'])",
                "df.agg('to_csv', path_or_buf='b')",
                "df.agg(('to_csv', 'sum'), path_or_buf='sum')",
                "df.agg(func='to_csv', path_or_buf='sum')",
                "f = 'to_csv'\ndf.agg(f, path_or_buf='sum')",
                "df.agg(*['to_csv', 'x'])",
                "df.agg(**{'func': 'to_csv'})",
                "df.apply('to_csv', path_or_buf='sum')",
                "f = 'to_csv'\ndf.apply(f, path_or_buf='sum')",
                "g = df.to_csv\ng('x')",
                "[f('x') for f in [df.to_csv]]",
                "(df.to_csv)('x')",
                "g = (x for x in [])\nprint(g.gi_frame.f_builtins['exec']('print(1)'))",
                "g = (x for x in [])\nh = max(g.gi_frame, g.gi_frame, key=id)\nh.f_builtins['exec']('1')",
                "x = df.apply\nx('to_csv', path_or_buf='b')",
                "print(h := df.to_csv)\nh('b')",
                "sum = 'to_csv'\ndf.apply(sum, path_or_buf='b')",
                "sum = 'to_csv'\nlen = 'b'\ndf.agg(sum, path_or_buf=len)",
                "df.agg(func=('to_csv', 'sum'), path_or_buf='sum')",
                "sys = 1\ndf.to_csv(sys.stdout)",
                "df.pivot_table(index='x', aggfunc='_op_via_apply', name='to_csv', path_or_buf='b')",
                "q = df.query\nq('@x')",
                "type(df)(1)",
                "t = type(df)\nt(1)",
            ],
            &["opaque", "import:pandas"],
        );
    }
}
