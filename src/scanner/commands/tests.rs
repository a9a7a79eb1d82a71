//! The rules keep their promises, hidden or not; ordinary commands pass; hostile ones end.

use super::*;

#[test]
fn every_rule_finds_its_examples_and_nothing_else() {
    let mut faults: Vec<String> = Vec::new();
    for rule in Rules::catalogue().unwrap() {
        let finds = |text: &str| judged(Book::builtin(), text).1.iter().any(|f| f.rule == rule.id);
        faults.extend(
            rule.examples.iter().filter(|e| !finds(e)).map(|e| format!("{} does not find {e}", rule.id)),
        );
        faults.extend(
            rule.counter_examples.iter().filter(|e| finds(e)).map(|e| format!("{} finds {e}", rule.id)),
        );
    }
    assert!(faults.is_empty(), "{}\n{} faults", faults.join("\n"), faults.len());
}

#[test]
fn own_rules_join_and_take_the_place_of_others_or_say_why_not() {
    const OWN: &str = "family: command
rules:
  - id: acme.wipe
    class: destructive
    confidence: 92
    what: empties a cluster of ours
    programs: [acmectl]
    flags: [all]
    examples: ['acmectl wipe --all']
    counter_examples: ['acmectl list']
";
    let files = |text: &str| [("own.yaml".to_owned(), text.to_owned())];
    let found = |rules: &Rules, text: &str| {
        let mut found = Vec::new();
        rules.find(text.as_bytes(), &mut found);
        found.iter().map(|f| format!("{} {}", f.rule, f.confidence)).collect::<Vec<_>>()
    };
    let rules = Rules::with(&files(OWN)).unwrap();
    assert_eq!(found(&rules, "sudo sh -c 'acmectl wipe --all'"), ["command.destructive 92"]);
    assert_eq!(found(&rules, "rm -rf /").len(), found(&Rules::default(), "rm -rf /").len());
    assert!(found(&Rules::default(), "acmectl wipe --all").is_empty());
    let known = Rules::default().all()[1].id.clone();
    let clash = OWN.replace("acme.wipe", &known);
    for (text, why) in [
        (clash.clone(), "overrides: true` to put yours"),
        (OWN.replace("    class", "    overrides: true\n    class"), "no rule of this id"),
        (OWN.replace("acmectl list", "acmectl x --all"), "finds its counter-example"),
        (OWN.replace("['acmectl wipe --all']", "['acmectl wipe']"), "does not find its example"),
        (OWN.replace("92", "192"), "0 to 100"),
        (OWN.replace("[acmectl]", "[acmectl"), ""),
    ] {
        let faults = Rules::with(&files(&text)).unwrap_err();
        assert!(
            faults.iter().any(|f| f.source_name == "own.yaml" && f.reason.contains(why)),
            "{why}: {faults:?}"
        );
    }
    let replaced = clash.replace("    class", "    overrides: true\n    class");
    let rules = Rules::with(&files(&replaced)).unwrap();
    assert_eq!(rules.all().len(), Rules::default().all().len());
}

#[test]
fn every_expression_compiles() {
    assert!(code::expressions_compile() && windows::expressions_compile());
}

/// A name, and what it makes of a command.
type Disguise = (&'static str, fn(&str) -> String);

/// Ways to write a command line so that a reader does not see it.
const DISGUISES: &[Disguise] = &[
    ("sh -c", |c| format!("sh -c {}", quoted(c))),
    ("eval", |c| format!("eval {}", quoted(c))),
    ("base64", |c| format!("echo {} | base64 -d | sh", data_encoding::BASE64.encode(c.as_bytes()))),
    ("base64 in a substitution", |c| {
        format!("bash -c \"$(echo {} | base64 --decode)\"", data_encoding::BASE64.encode(c.as_bytes()))
    }),
    ("hexadecimal", |c| format!("echo {} | xxd -r -p | bash", data_encoding::HEXLOWER.encode(c.as_bytes()))),
    ("printf with escapes", |c| {
        let octal: String = c.bytes().map(|b| format!("\\{b:03o}")).collect();
        format!("printf '{octal}' | sh")
    }),
    ("a quote with escapes", |c| {
        let hex: String = c.bytes().map(|b| format!("\\x{b:02x}")).collect();
        format!("eval $'{hex}'")
    }),
    ("backwards", |c| {
        let back: String = c.chars().rev().collect();
        format!("rev <<< {} | sh", quoted(&back))
    }),
    ("ROT13", |c| {
        let turned = String::from_utf8(views::rot13(c.as_bytes())).unwrap();
        format!("echo {} | tr 'A-Za-z' 'N-ZA-Mn-za-m' | bash", quoted(&turned))
    }),
    ("a here-string", |c| format!("bash <<< {}", quoted(c))),
    ("a here-document", |c| format!("cat <<'END' | sh\n{c}\nEND")),
    ("a variable", |c| format!("x={}; eval \"$x\"", quoted(c))),
    ("a function", |c| format!("f() {{ {c}\n}}; f")),
    ("a file", |c| format!("echo {} > /tmp/.x; sh /tmp/.x", quoted(c))),
    ("a loop", |c| format!("for i in 1; do {c}\ndone")),
    ("a branch", |c| format!("if true; then {c}\nfi")),
    ("behind others", |c| format!("cd /tmp && ls -la; {c}")),
    ("in the background", |c| format!("( {c}\n) &")),
    ("an alias", |c| format!("alias q={}; q", quoted(c))),
    ("ssh", |c| format!("ssh host {}", quoted(c))),
    ("python", |c| format!("python3 -c \"import os; os.system({})\"", python(c))),
];

/// Ways to write a program's name.
const SPELLINGS: &[fn(&str) -> String] = &[
    |p| format!("{}''{}", &p[..1], &p[1..]),
    |p| format!("\"{}\"{}", &p[..1], &p[1..]),
    |p| format!("\\{p}"),
    |p| format!("{}$@{}", &p[..1], &p[1..]),
    |p| format!("{}${{nothing}}{}", &p[..1], &p[1..]),
    |p| format!("/usr/bin/{p}"),
    |p| format!("$(echo {p})"),
    |p| format!("`printf %s {p}`"),
    |p| p.bytes().map(|b| format!("$'\\x{b:02x}'")).collect(),
    |p| format!("sudo -n {p}"),
    |p| format!("env A=1 nohup {p}"),
    |p| format!("timeout 5 {p}"),
    |p| format!("{}\\\n{}", &p[..1], &p[1..]),
    |p| format!("${{x:-{p}}}"),
];

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn python(text: &str) -> String {
    format!(
        "'{}'",
        text.replace('\\', "\\\\")
            .replace('\'', "\\'")
            .replace('"', "\\x22")
            .replace('$', "\\x24")
            .replace('`', "\\x60")
            .replace('\n', "\\n")
    )
}

fn classes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    Rules::default().find(text.as_bytes(), &mut found);
    found.into_iter().filter(|f| f.confidence >= 40).map(|f| f.rule.to_string()).collect()
}

/// The rules whose examples are one line of a shell of Unix, and that look at one command.
fn plain_rules() -> Vec<CommandRule> {
    let odd = |text: &str| text.contains(['\\', '\n', '%']) || text.contains("HKCU");
    let mut all = Rules::catalogue().unwrap();
    all.retain(|r| {
        !r.class.is_empty()
            && r.text.is_empty()
            && r.code.is_empty()
            && r.confidence > 55
            && !odd(&r.examples[0])
    });
    all
}

/// Sampled unless `KATANA_COMMANDS=all`; the same sample on each run.
fn sampled(n: usize) -> bool {
    std::env::var("KATANA_COMMANDS").is_ok_and(|v| v == "all") || n.is_multiple_of(7)
}

#[test]
fn no_disguise_hides_an_example() {
    let (mut tried, mut missed) = (0, Vec::new());
    for (i, rule) in plain_rules().iter().enumerate() {
        for (j, (name, disguise)) in DISGUISES.iter().enumerate().filter(|(j, _)| sampled(i + j)) {
            let hidden = disguise(&rule.examples[0]);
            tried += 1;
            if !classes(&hidden).contains(&rule.finding) {
                missed.push(format!("{} by {name} ({j}): {hidden}", rule.id));
            }
        }
    }
    assert!(missed.len() * 50 <= tried, "{} of {tried} missed\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn no_spelling_hides_a_program() {
    let (mut tried, mut missed) = (0, Vec::new());
    for (i, rule) in plain_rules().iter().enumerate() {
        let example = &rule.examples[0];
        let Some((program, rest)) =
            example.split_once(' ').filter(|(p, _)| p.len() > 1 && p.bytes().all(|b| b.is_ascii_lowercase()))
        else {
            continue;
        };
        // these name no program that another could run
        if ["unset", "export", "set", "history", "exec"].contains(&program) {
            continue;
        }
        for (_, spelling) in SPELLINGS.iter().enumerate().filter(|(j, _)| sampled(i + j)) {
            let hidden = format!("{} {rest}", spelling(program));
            tried += 1;
            if !classes(&hidden).contains(&rule.finding) {
                missed.push(format!("{}: {hidden}", rule.id));
            }
        }
    }
    assert!(missed.len() * 50 <= tried, "{} of {tried} missed\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn a_disguise_makes_no_harm_of_what_is_harmless() {
    let ordinary = [
        "rm -rf node_modules",
        "cargo test --release",
        "git clean -fdx",
        "curl -s https://a.example/d | jq .",
        "docker run -it --rm ubuntu",
        "cat README.md",
        "ls -la /etc",
        "sudo apt-get install -y curl",
    ];
    for command in ordinary {
        for (name, disguise) in DISGUISES {
            let found: Vec<String> =
                classes(&disguise(command)).into_iter().filter(|c| c != "command.obfuscated").collect();
            assert!(found.is_empty(), "{command} by {name}: {found:?}");
        }
    }
}

#[test]
fn spans_are_of_the_original_bytes() {
    let spans = |text: &[u8]| {
        let mut found = Vec::new();
        Rules::default().find(text, &mut found);
        found.iter().map(|f| (f.rule.to_string(), f.start, f.end)).collect::<Vec<_>>()
    };
    assert_eq!(spans(b"ls; rm -rf / ; ls"), [("command.destructive".to_owned(), 4, 12)]);
    assert_eq!(spans(b"echo \xff\xfe; rm -rf /"), [("command.destructive".to_owned(), 9, 17)]);
    assert_eq!(spans(b"x=$(rm -rf /)"), [("command.destructive".to_owned(), 4, 12)]);
    let far = [b"ls\n".repeat(40_000), b"rm -rf /\n".to_vec()].concat();
    assert_eq!(spans(&far), [("command.destructive".to_owned(), 120_000, 120_008)]);
}

#[test]
fn hostile_text_ends() {
    for piece in [
        "(",
        "$(",
        "`",
        "\"$(",
        "{",
        "{ ",
        "${",
        "<(",
        "((",
        "if x;then ",
        "f(){ ",
        "cat <<A\n",
        "case x in x) ",
        "'",
        "\"",
        "\\",
        "a|",
        "{a,b}",
        "a=$a$a;",
        "eval ",
        "eval '",
        "sudo ",
        "xargs ",
        "bash -c '",
        "$'\\x",
        "for i in 1 2 3;do ",
        "[[ ",
        "a=(",
        "<<<",
        "/b?n/",
        "%a:~0,1%",
        "chr(11)+",
        "${a/b/c}",
        "f(){ f|f; };f;",
        "alias a=a;a;",
        "echo {a..z}{a..z}{a..z} ",
        "x=`",
        "python -c 'system(\"",
    ] {
        for times in [1, 24, 25, 400, 3_000] {
            let text = piece.repeat(times);
            let mut machine = Machine::default();
            machine.start(&text, 0);
            assert!(
                machine.acts.len() <= 2_048 + text.len() / 2 && machine.taken() <= 40_000 + 2 * text.len(),
                "{piece:?} {times}: {} steps",
                machine.taken()
            );
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    #[test]
    fn any_text_ends_within_itself(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "rm", " -rf ", "/", "$(", ")", "`", "'", "\"", "\\", "\n", ";", "|", "&", "{", "}", "(", "<<A\n", "A\n", "${x", "$x", "=", "eval ", "sh -c ", "echo ", "base64 -d", ">", "<", "<(",
        "for i in ", "do ", "done", "if ", "fi", "case ", "in ", "esac", "[[", "]]", "$'", "\\x41", "é", "\u{ff52}", "м", "*", "?", "[", "~", "%a%", "^", "curl a ", "python3 -c ", "\0",
    ]), 0..60), tail: Vec<u8>) {
        let text = [pieces.concat().into_bytes(), tail].concat();
        let mut found = Vec::new();
        Rules::default().find(&text, &mut found);
        for f in &found {
            proptest::prop_assert!(f.start <= f.end && f.end <= text.len() && f.confidence <= 100);
        }
        proptest::prop_assert!(Rules::default().explain(&text).iter().all(|c| c.start <= c.end && c.end <= text.len()));
    }
}
