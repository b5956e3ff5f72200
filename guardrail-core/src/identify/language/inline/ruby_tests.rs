//! What Ruby one-liners look at.

use guardrail_schema::Language::Ruby;

use super::super::testing::{acts, check, harmless};

#[test]
fn computing_is_harmless() {
    harmless(
        Ruby,
        &[
            r#"p "foo_bar-baz".split(/[_-]/).map(&:capitalize).join"#,
            r#"p "x".unicode_normalize(:nfd).bytes.size"#,
            r#"puts Gem::Version.new("1.2.10") <=> Gem::Version.new("1.2.9")"#,
            r#"puts Gem::Requirement.new("~> 1.2").satisfied_by?(Gem::Version.new("1.2.9"))"#,
            r#"puts RbConfig::CONFIG["host_os"]"#,
            r#"puts Dir.glob("app/models/**/*.rb").size"#,
            r##"puts Dir["app/**/*.rb"].map { |f| [File.size(f), f] }.sort.reverse.first(10).map { |s, f| "#{s} #{f}" }"##,
            r##"Dir.glob("lib/**/*.rb").each { |f| puts "#{f} #{File.mtime(f)}" }"##,
            r#"require "date"; puts (Date.parse("2024-03-01") - Date.today).to_i"#,
            r#"require "time"; puts Time.parse("2024-03-01T10:00:00Z").utc.iso8601"#,
            r#"require "bigdecimal"; puts BigDecimal("0.1") + BigDecimal("0.2")"#,
            r##"puts "#{$.}: #{$_}" if $_ =~ /TODO/"##,
            r##"puts "#{$1} #{$2}" if /(\w+)=(\w+)/ =~ $_"##,
            r##"print "#{$.}: #{$_}""##,
            r#"puts $_.split(",")[2]"#,
            "(1..20).each_slice(5) { |s| p s }",
            "p [1,2,3].each_cons(2).map { |a, b| b - a }",
            "p %w[a b a].tally",
            "p %w[foo bar].group_by(&:size).transform_values(&:count)",
            "p [1,2].zip([3,4]).to_h",
            r#"puts format("%.2f", 3.14159)"#,
            "h = { a: { b: 1 } }; p h.dig(:a, :b)",
            r##"puts "a,b".split(",").each_with_index.map { |x, i| "#{i}:#{x}" }.join(" ")"##,
            "puts [3,1,2].sort { |a, b| b <=> a }.inspect",
            r#"puts File.exist?("Gemfile"), File.extname("a.rb"), File.basename("a/b.rb", ".rb")"#,
            r#"require "json"; puts JSON.pretty_generate(JSON.parse($stdin.read))"#,
            "puts $stdin.read.lines.map(&:to_i).sum",
            r#"puts "héllo".bytes.map { |b| b.to_s(16) }.join(" ")"#,
            r#"puts "%05.2f|%-10s|" % [3.14159, "abc"]"#,
            r#"puts "abc".tr("a-c", "A-C"), "abc".ljust(10, "."), "abc".center(11, "*")"#,
            r#"require "erb"; puts ERB::Util.html_escape("<a>")"#,
            r#"require "benchmark"; puts Benchmark.realtime { 1000.times { "a" * 10 } }"#,
            "x = [1, nil, 3].compact.sum { |v| v * 2 }; puts x",
            "puts (1..Float::INFINITY).lazy.map { |x| x * 2 }.first(3).inspect",
            "puts 10.fdiv(3).round(2), 10.divmod(3).inspect, 2**100",
            "puts Gem.loaded_specs.keys",
            r#"puts Integer("42") + Float("1.5")"#,
            r#"case "abc" when /b/ then puts "yes" else puts "no" end"#,
            r#"puts "a-b_c".gsub(/[-_](\w)/) { $1.upcase }"#,
        ],
    );
}

#[test]
fn files_that_are_read_are_told() {
    check(
        Ruby,
        &[
            (
                r#"File.readlines("Gemfile.lock").grep(/^    \S/).map(&:strip).sort.first(40).each { |l| puts l }"#,
                &["read:Gemfile.lock"],
            ),
            (
                r#"puts File.readlines("Gemfile.lock").grep(/^    \S/).map(&:strip).sort.first(40)"#,
                &["read:Gemfile.lock"],
            ),
            (
                r#"require "csv"; h = Hash.new(0); CSV.foreach("data/orders.csv", headers: true) { |r| h[r["currency"]] += r["amount"].to_f }; p h"#,
                &["read:data/orders.csv"],
            ),
            (
                r#"require "csv"; rows = CSV.read("data/orders.csv", headers: true); puts rows.size, rows.headers.inspect"#,
                &["read:data/orders.csv"],
            ),
            (
                r#"require "csv"; t = CSV.table("data/orders.csv"); puts t[:amount].sum"#,
                &["read:data/orders.csv"],
            ),
            (
                r##"h = Hash.new(0); File.foreach("app.log") { |l| h[l[/status=(\d+)/, 1]] += 1 }; h.sort_by { |k, v| -v }.first(10).each { |k, v| puts "#{k}: #{v}" }"##,
                &["read:app.log"],
            ),
            (
                r#"require "yaml"; c = YAML.safe_load(File.read("config/x.yml"), aliases: true); puts c.keys"#,
                &["read:config/x.yml"],
            ),
            (
                r#"require "yaml"; c = YAML.safe_load_file("config/x.yml", aliases: true); puts c["production"]"#,
                &["read:config/x.yml"],
            ),
            (
                r##"require "json"; JSON.parse(File.read("x.json")).each { |k,v| puts "#{k}: #{v["schedule"]}" }"##,
                &["read:x.json"],
            ),
            (
                r#"require "set"; a = Set.new(File.readlines("a.txt").map(&:chomp)); b = Set.new(File.readlines("b.txt").map(&:chomp)); puts (a - b).to_a.sort"#,
                &["read:a.txt", "read:b.txt"],
            ),
            (r#"require "digest"; puts Digest::SHA256.hexdigest(File.read("a.txt"))"#, &["read:a.txt"]),
            (r#"require "digest"; puts Digest::SHA256.file("a.txt").hexdigest"#, &["read:a.txt"]),
            (
                r#"require "pp"; require "json"; pp JSON.parse(File.read("package.json"))["scripts"]"#,
                &["read:package.json"],
            ),
            (
                r##"require "json"; d = JSON.parse(File.read("package-lock.json")); d["packages"].each { |k, v| puts "#{k.sub("node_modules/", "")} #{v["version"]}" }"##,
                &["read:package-lock.json"],
            ),
            (
                r#"s = File.read("config/routes.rb"); puts s.scan(/get ["']([^"']+)["']/).flatten.uniq.sort"#,
                &["read:config/routes.rb"],
            ),
            (
                r#"s = File.read("app.log"); puts s.lines.select { |l| l.include?("ERROR") }.last(5)"#,
                &["read:app.log"],
            ),
            (
                r##"puts File.read("a.rb").lines.each_with_index.select { |l, i| l =~ /def / }.map { |l, i| "#{i + 1}: #{l.strip}" }"##,
                &["read:a.rb"],
            ),
            (
                r#"require "json"; d = JSON.parse(File.read("a.json"), symbolize_names: true); puts d[:name]"#,
                &["read:a.json"],
            ),
            (
                r##"data = File.read("a.txt").scan(/(\w+)=(\d+)/).each_with_object(Hash.new { |h, k| h[k] = [] }) { |(k, v), h| h[k] << v.to_i }; data.each { |k, v| puts "#{k} #{v.sum}" }"##,
                &["read:a.txt"],
            ),
            (
                r#"a = File.readlines("a.txt", chomp: true); b = File.readlines("b.txt", chomp: true); puts "only a: #{(a - b).join(", ")}""#,
                &["read:a.txt", "read:b.txt"],
            ),
            (
                r##"require "yaml"; y = YAML.safe_load(File.read("docker-compose.yml")); y["services"].each { |n, s| puts "#{n}: #{s["image"]}" }"##,
                &["read:docker-compose.yml"],
            ),
            (
                r#"lines = File.readlines("a.log"); puts "total #{lines.size}, errors #{lines.count { |l| l.include?("ERROR") }}""#,
                &["read:a.log"],
            ),
            ("Dir[\"lib/*.rb\"].sort.each { |f| puts File.read(f) }", &["read:lib/*.rb"]),
        ],
    );
}

#[test]
fn what_may_do_more_is_opaque() {
    let rows = [
        r##"puts "#{v[`id`]}""##,
        r##"puts "#{v["#{`id`}"]}""##,
        r##"puts "#{"a" + system("id")}""##,
        r##"puts "#{x # }
}#{system("id")}""##,
        r##"puts "#{%w[a}]}; system('id') #""##,
        r#"puts "a#{"b}" + `id`}""#,
        "[1].map(&:system)",
        "[1].map(& :system)",
        r"[1].map(&
:system)",
        r#"["id"].inject(1, :system)"#,
        r#"["id"].reduce(:system)"#,
        r#"["id"].inject :system"#,
        r#"s = :system; ["id"].map(&s)"#,
        "s = :system; 1.inject(s)",
        r#"1.send(:system, "id")"#,
        "%i[system].each { |s| [1].inject(s) }",
        "[1].map(&%i[system][0])",
        "p = 3; p %w[fork]",
        r#"/(?<p>a)(?<w>b)/ =~ "ab"; p %w[fork]"#,
        "1 => p; p %w[fork]",
        "case 1 in p then 1 end; p %w[fork]",
        "[1].each { |p| p %w[fork] }",
        "x = 3; x %w[fork]",
        "p, w = 1, [2]; p %w[fork]",
        "puts %w[`id`]",
        "puts %w[a#{`id`}]",
        "puts %x[id]",
        r#"::Kernel.system("id")"#,
        r#"Kernel::system("id")"#,
        r#"File::write("a", "b")"#,
        "Process::Status",
        r#"Gem::Specification.load("x")"#,
        r#"Gem.install("x")"#,
        "Gem::Version",
        "RbConfig::fork",
        r#"CSV.open("a", "w")"#,
        r#"CSV.foreach("a", "w") { |r| 1 }"#,
        r#"CSV.read("a", mode: "w")"#,
        "CSV.read(x)",
        r#"CSV.read("|id")"#,
        r#"CSV.generate("x") { |c| c << `id` }"#,
        r#"CSV.foreach("a", *["w"])"#,
        r#"CSV.foreach("a", **o)"#,
        r#"CSV.read("a", headers: true, opener: x)"#,
        "CSV",
        "Digest::SHA256.file(x)",
        r#"Digest::Evil.hexdigest("x")"#,
        "Digest::SHA256.new",
        r#"ERB.new("x").result"#,
        "ERB::Util",
        r#"require "open-uri""#,
        r#"URI.parse("http://x").read"#,
        r#"YAML.load_file("x")"#,
        r#"YAML.unsafe_load("x")"#,
        r#"YAML.load(File.read("x"))"#,
        r#"Dir["lib/*"].each { |f| f.replace("/etc/shadow"); puts File.read(f) }"#,
        r#"Dir["lib/*"].each { |f| f << "/../x"; puts File.read(f) }"#,
        r#"Dir["lib/*"].each { |f| g = f; g << "/../x"; puts File.read(f) }"#,
        r#"Dir["lib/*"].each { |f| f[0] = "x"; puts File.read(f) }"#,
        r#"Dir["lib/*"].each { |f| f = "x"; puts File.read(f) }"#,
        r#"Dir["lib/*"].each { |f| f.sub!("a", "b"); puts File.read(f) }"#,
        r##"Dir["lib/*"].each { |f| puts "#{f << "/x"}"; puts File.read(f) }"##,
        r#"Dir["lib/*"].each { |f| [f].each { |g| g.concat("x") }; puts File.read(f) }"#,
        r#"Dir["*"].each { |f| puts File.read(f) }"#,
        r#"Dir["lib/*"].each { |f| puts File.read(f + "x") }"#,
        r#"Dir["lib/*"].map { |f| "|id" }.each { |f| puts File.read(f) }"#,
        r#"Dir["lib/*"].each_slice(2) { |f| puts File.read(f) }"#,
        r#"Dir["lib/*"].each { |f| f += "x"; puts File.read(f) }"#,
        r##"Dir["#{x}/*"].each { |f| puts File.read(f) }"##,
        r#"Dir["lib/*"].each { |f| File.delete(f) }"#,
        r#"x.class.read("|id")"#,
        r#"begin; 1; rescue => system; system("id"); end"#,
        r#"begin; 1; rescue => e; e.system("id"); end"#,
        r#"h = {1 => evil}; evil("id")"#,
        "puts <<X",
        r"x <<X
id
X",
        "x <<~X",
        r#"ARGV << "x""#,
        "class << self; end",
        "puts $stdin.class",
        r##""#$x""##,
        r##""#@x""##,
        r#"$x = "x""#,
        r#"$LOAD_PATH << "x""#,
        r#"$: << "x""#,
        r#"$stdout.reopen("x")"#,
        r#"Dir["lib/*"].each { |f| f[0], x = "x", 1; File.read(f) }"#,
        r#"Dir["lib/*"].each { |f| f[0] ||= "x"; File.read(f) }"#,
        r#"Dir["lib/*"].each { |f| f[0] &&= "x"; File.read(f) }"#,
        r#"Dir["lib/*"].each { |f| for f[0] in ["x"] do 1 end; File.read(f) }"#,
        r#"Dir["lib/*"].each { |f| begin; raise "x"; rescue => f[0]; 1; end; File.read(f) }"#,
        r##"Dir["lib/*"].each { |f| puts "#{f[0] = "x"}#{File.read(f)}" }"##,
        r#"Dir["lib/*"].each { |f| File.read("a", 1, f) }"#,
        r#"Dir["lib/*"].each { |f| x = 1; [["x"]].each { |f[0]| 1 }; File.read(f) }"#,
        r##"Dir["lib/*"].each { |f| puts "#{f[0], x = "x", 1}"; puts File.read(f) }"##,
        r##"Dir["lib/*"].each { |f| puts "#{f[0] ||= "x"}"; puts File.read(f) }"##,
    ];
    for row in rows {
        assert_eq!(acts(Ruby, row).first().map(String::as_str), Some("opaque"), "{row}");
    }
}
