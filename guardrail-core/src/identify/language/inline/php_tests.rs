//! What PHP one-liners look at.

use guardrail_schema::Language::Php;

use super::super::testing::{acts, check, harmless};

#[test]
fn computing_is_harmless() {
    harmless(
        Php,
        &[
            r#"$a = [3,1,2]; usort($a, fn($x, $y) => $x <=> $y); echo implode(",", $a);"#,
            "$a = array_filter([1,2,3], fn($x) => $x > 1); print_r($a);",
            r#"print_r(array_column([["id"=>1,"n"=>"a"]], "n", "id"));"#,
            r#"print_r(parse_url("https://a.b/c?d=e")); echo http_build_query(["a" => 1]);"#,
            r#"print_r(glob("app/Models/*.php"));"#,
            r#"echo ini_get("memory_limit"), PHP_EOL; var_dump(extension_loaded("intl")); print_r(get_loaded_extensions());"#,
            r#"echo date("Y-m-d", strtotime("2024-03-01 +1 week"));"#,
            r#"$d = new DateTime("2024-03-01"); echo $d->format("Y-m-d");"#,
            r#"echo (new DateTimeImmutable("2024-03-01"))->modify("+1 month")->format("Y-m-d");"#,
            r#"$a = new DateTime("2024-03-01"); $b = new DateTime("2024-05-01"); echo $a->diff($b)->days;"#,
            r#"echo preg_replace("/\s+/", " ", "a   b");"#,
            r#"echo preg_replace_callback("/\d+/", fn($m) => $m[0] * 2, "a1b2");"#,
            r#"var_dump("abc" == 0, "1" == "01", null ?? "x", 0.1 + 0.2);"#,
            r#"echo ucwords(str_replace("_", " ", "foo_bar"));"#,
            r#"echo PHP_VERSION_ID >= 80100 ? "ok" : "old";"#,
            r#"echo str_pad(decbin(10), 8, "0", STR_PAD_LEFT);"#,
            r#"echo hash("sha256", "abc"), md5("a"), sha1("a"), crc32("a");"#,
            r#"var_dump(filter_var("a@b.c", FILTER_VALIDATE_EMAIL), filter_var("1", FILTER_VALIDATE_INT));"#,
            r#"echo sprintf("%05d|%-10s|%.2f", 42, "a", 3.14159);"#,
            r#"echo number_format(1234567.891, 2, ".", ",");"#,
            "print_r(array_map(null, [1,2], [3,4]));",
            "echo array_sum(array_map(fn($x) => $x ** 2, range(1, 10)));",
            r#"list($a, $b) = explode("=", "k=v"); echo "$a -> $b\n";"#,
            r#"[$a, $b] = explode("=", "k=v"); echo "$a -> $b\n";"#,
            r#"echo mb_strlen("héllo"), mb_strtoupper("é"), strlen("é"), bin2hex("é");"#,
            "echo intdiv(7, 2), 7 % 2, 2 ** 10, PHP_INT_MAX;",
            r#"var_export(["a" => 1]);"#,
            "echo gettype(1.0), get_debug_type(1), PHP_EOL;",
            r#"print_r(sscanf("12 apples", "%d %s")); echo similar_text("World","Word"), soundex("a"), levenshtein("a","b");"#,
            "uasort($c, fn($a, $b) => $b - $a); print_r(array_slice($c, 0, 10, true));",
            r#"print_r(array_walk($a, function (&$v, $k) { $v = "$k:$v"; }));"#,
            "echo date_default_timezone_get(), date(DATE_ATOM, 0);",
            r#"print_r(array_intersect_key(["a"=>1,"b"=>2], array_flip(["a"])));"#,
            r#"print_r(pathinfo("/a/b.txt")); echo basename("/a/b"), dirname("/a/b");"#,
        ],
    );
}

#[test]
fn files_that_are_read_are_told() {
    check(
        Php,
        &[
            (
                r#"foreach (token_get_all(file_get_contents("x.php")) as $t) { if (is_array($t) && $t[0] === T_FUNCTION) { echo "{$t[2]}\n"; } }"#,
                &["read:x.php"],
            ),
            (
                r#"$t = token_get_all(file_get_contents("x.php")); foreach ($t as $i => $x) if (is_array($x) && $x[0] === T_CLASS) echo token_name($x[0]), " line {$x[2]}\n";"#,
                &["read:x.php"],
            ),
            (
                r#"$c = json_decode(file_get_contents("composer.json"), true); print_r(array_keys($c["require"]));"#,
                &["read:composer.json"],
            ),
            (
                r#"$c = json_decode(file_get_contents("composer.lock"), true); foreach ($c["packages"] as $p) echo $p["name"], " ", $p["version"], "\n";"#,
                &["read:composer.lock"],
            ),
            (
                r#"$c = json_decode(file_get_contents("composer.lock"), true); foreach ($c["packages"] as $p) echo "{$p["name"]} {$p["version"]}\n";"#,
                &["read:composer.lock"],
            ),
            (
                r#"$c = json_decode(file_get_contents("composer.lock"), true); foreach ($c["packages"] as $p) echo "{$p['name']} {$p['version']}\n";"#,
                &["read:composer.lock"],
            ),
            (
                r#"preg_match_all("/function (\w+)\(/", file_get_contents("src/A.php"), $m); print_r($m[1]);"#,
                &["read:src/A.php"],
            ),
            (
                r#"$l = file("app.log"); echo count($l), "\n"; print_r(array_slice($l, -5));"#,
                &["read:app.log"],
            ),
            (
                r#"$c = []; foreach (file("app.log") as $l) { if (preg_match("/status=(\d+)/", $l, $m)) { $c[$m[1]] = ($c[$m[1]] ?? 0) + 1; } } arsort($c); print_r($c);"#,
                &["read:app.log"],
            ),
            (
                r#"$h = fopen("data.csv", "r"); while (($r = fgetcsv($h)) !== false) { echo $r[0], "\n"; } fclose($h);"#,
                &["read:data.csv"],
            ),
            (r#"$rows = array_map("str_getcsv", file("data.csv")); print_r($rows[0]);"#, &["read:data.csv"]),
            (
                r#"$rows = array_map(fn($l) => str_getcsv($l), file("data.csv")); print_r($rows[0]);"#,
                &["read:data.csv"],
            ),
            (
                r#"$s = 0; foreach (array_map(fn($l) => str_getcsv($l), file("data.csv")) as $r) { $s += (float)$r[2]; } printf("%.2f\n", $s);"#,
                &["read:data.csv"],
            ),
            (
                r#"echo json_encode(json_decode(file_get_contents("a.json")), JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES);"#,
                &["read:a.json"],
            ),
            (
                r#"$u = array_unique(array_map(fn($l) => trim($l), file("a.txt"))); sort($u); echo implode("\n", $u);"#,
                &["read:a.txt"],
            ),
            (
                r#"print_r(array_diff(array_keys(json_decode(file_get_contents("a.json"), true)), array_keys(json_decode(file_get_contents("b.json"), true))));"#,
                &["read:a.json", "read:b.json"],
            ),
            (
                r#"echo print_r(array_count_values(str_word_count(strtolower(file_get_contents("README.md")), 1)), true);"#,
                &["read:README.md"],
            ),
        ],
    );
}

#[test]
fn what_may_do_more_is_opaque() {
    let rows = [
        r#"array_map(function(){} ? "system" : 1, ["echo HOLE6"]);"#,
        r#"array_map(function() use ($x) { return 1; } ?: "system", ["id"]);"#,
        r#"array_map(callback: "system", array: ["id"]);"#,
        r#"array_map(...["system", ["id"]]);"#,
        r#"array_map("system", ["id"]);"#,
        r#"array_map("SYSTEM", ["id"]);"#,
        r#"array_map("tr" . "im", ["id"]);"#,
        r#"array_map($f, ["id"]);"#,
        r#"array_map(["X", "y"], ["id"]);"#,
        r#"array_map(null ?? "system", ["id"]);"#,
        r#"array_filter(["id"], "system");"#,
        r#"array_filter(["id"], callback: "system");"#,
        "array_filter(...$x);",
        r#"usort($a, "system");"#,
        r#"usort(callback: "system", array: $a);"#,
        r#"preg_replace_callback("/a/", "system", "a");"#,
        r#"preg_replace("/a/e", "system('id')", "a");"#,
        r#"preg_replace($p, "system('id')", "a");"#,
        r#"preg_replace("/a/$f", "system('id')", "a");"#,
        r#"filter_var("id", FILTER_CALLBACK, ["options" => "system"]);"#,
        r#"filter_var("id", 1024, ["options" => "system"]);"#,
        r#"filter_var("id", FILTER_VALIDATE_INT + 767, ["options" => "system"]);"#,
        r#"filter_var("id", options: ["options" => "system"], filter: 1024);"#,
        r#"T_X("id");"#,
        r#"T_X ("id");"#,
        r#"(T_X)("id");"#,
        r#"echo "$_SERVER[HOME]";"#,
        r#"echo "{$_SERVER['HOME']}";"#,
        r#"echo "{$_ENV["HOME"]}";"#,
        r#"echo "{$GLOBALS['x']}";"#,
        r#"echo "{$x->y()}";"#,
        r#"echo "{$x['a']()}";"#,
        r#"echo "{$x[system('id')]}";"#,
        r#"echo "{$x["{$y()}"]}";"#,
        r#"echo "{$x["a"]}" . `id`;"#,
        r#"echo "{$x["a"} {$y(1)}"]}";"#,
        r#"$x->system("id");"#,
        r#"$x->$y("id");"#,
        r#"$x->{"system"}("id");"#,
        r#"$x->a->exec("id");"#,
        r#"($x->a)("id");"#,
        r#"$x->a["b"]("id");"#,
        "$x::y();",
        r#"new SplFileObject("x", "w");"#,
        r#"new $x("a");"#,
        r#"new (X)("a");"#,
        r#"new DateTime;system("id");"#,
        r#"new PDO("x");"#,
        r#"fopen("a", "w");"#,
        r#"fopen("a", $m);"#,
        r#"fopen($x, "r");"#,
        r#"fopen("http://x", "r");"#,
        r#"fopen("php://filter/write=x/resource=y", "r");"#,
        r#"fopen("a", "r+");"#,
        r#"fread(fopen("a", "w"), 1);"#,
        r#"DateTime::system("id");"#,
        r#"Closure::fromCallable("system")("id");"#,
        "Exception::x();",
        r#"echo glob("x") . system("id");"#,
        r#"token_name("system")("id");"#,
        r#"call_user_func("system", "id");"#,
        r#"is_callable("x::y") && X::y();"#,
        "extract($x);",
        r#"ini_set("error_log", "x");"#,
    ];
    for row in rows {
        assert_eq!(acts(Php, row).first().map(String::as_str), Some("opaque"), "{row}");
    }
}
