//! The policy as a whole: presets, precedence, ways around a rule, problems with their places, explanations.

use super::*;
use crate::base::glob::HostPattern;
use crate::config::{Place, Preset, Problem};
use Action::{Allow, Deny, Escalate, LogOnly};

fn build(text: &str) -> Engine {
    Engine::build(Preset::Max, Some(("p.yaml", text)), &[], &[]).unwrap()
}

fn problems(text: &str) -> Vec<Problem> {
    Engine::build(Preset::Max, Some(("p.yaml", text)), &[], &[]).unwrap_err()
}

fn ask<T>(request: &str, headers: &[(&str, &'static str)], f: impl Fn(&Request<'_>) -> T) -> T {
    let (method, rest) = request.split_once(' ').unwrap();
    let end = rest.find('/').unwrap();
    let at = crate::base::host::Authority::parse(&rest[..end], Some(443)).unwrap();
    let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
    f(&Request { host: &at.host, port: at.port, method, path: &rest[end..], header: &header })
}

fn decide(engine: &Engine, request: &str) -> Decision {
    ask(request, &[], |r| engine.decide(r))
}

fn ruled(engine: &Engine, request: &str) -> (Action, String) {
    let decision = decide(engine, request);
    (decision.action, decision.rule.to_string())
}

#[test]
fn presets_hold_their_own_examples() {
    for preset in [Preset::Max, Preset::Balanced, Preset::Permissive] {
        let engine = Engine::build(preset, None, &[], &[]).unwrap();
        assert_eq!(engine.check_examples(), Vec::<String>::new());
        assert!(engine.rules().iter().filter(|rule| !rule.description.is_empty()).count() >= 7);
    }
}

#[test]
fn presets_rule_as_documented() {
    let engine = |preset| Engine::build(preset, None, &[], &[]).unwrap();
    let all = [engine(Preset::Max), engine(Preset::Balanced), engine(Preset::Permissive)];
    for (request, want) in [
        ("GET api.openai.com/v1/models", [Allow, Allow, Allow]),
        ("POST packages.example/-/npm/v1/security/advisories/bulk", [Allow, Allow, Allow]),
        ("POST github.com/a/b.git/git-upload-pack", [Allow, Allow, Allow]),
        ("GET metadata.google.internal/", [Deny, Deny, Deny]),
        ("POST webhook.site/x", [Deny, Escalate, Escalate]),
        ("GET x.oast.fun/", [Deny, Deny, LogOnly]),
        ("GET pastebin.com/raw/x", [Deny, Allow, Allow]),
        ("POST pastebin.com/api/api_post.php", [Deny, Escalate, Escalate]),
        ("GET a.trycloudflare.com/", [Deny, LogOnly, LogOnly]),
        ("GET dns.google/resolve?name=x", [Deny, Allow, Allow]),
        ("TRACE api.openai.com/", [Deny, Deny, LogOnly]),
    ] {
        let got = all.each_ref().map(|engine| decide(engine, request).action);
        assert_eq!(got, want, "{request}");
    }
    // escalations: refused in balanced, approved in permissive
    let catcher = all.each_ref().map(|engine| decide(engine, "POST webhook.site/x").permitted);
    assert_eq!(catcher, [false, false, true]);
    assert_eq!(all.each_ref().map(Engine::refuse_at), [Some(50), Some(80), Some(95)]);
}

#[test]
fn a_policy_says_from_which_score_findings_are_refused() {
    assert_eq!(build("name: a").refuse_at(), None, "it is left to the mode");
    assert_eq!(build("name: a\nextends: permissive").refuse_at(), Some(95));
    assert_eq!(build("name: a\nextends: permissive\ndefaults: {refuse_at: 60}").refuse_at(), Some(60));
    for (score, what) in [("49", "is lower than"), ("101", "not a number in range"), ("high", "not a number")]
    {
        let problems = problems(&format!("name: a\ndefaults: {{refuse_at: {score}}}"));
        assert!(problems[0].to_string().contains(what), "{score}: {}", problems[0]);
        assert_eq!(problems.len(), 1);
    }
}

const SHAPES: &str = "
name: shapes
extends: permissive
policies:
  - {name: low, host: '*.example.com', action: deny, priority: 10}
  - {name: off, host: a.example.com, action: deny, priority: 500, enabled: false}
  - {name: port, host: 'a.example.com:8443', action: deny, priority: 400}
  - {name: read, host: a.example.com, method: [get, head], path: [/public/**], action: allow, priority: 300}
  - {name: admin, host: [b.test, '*.b.test'], path: /admin/**, action: deny, priority: 200}
  - {name: del, host: b.test, method: DELETE, action: deny, priority: 190}
  - {name: agent, host: c.test, header: {User-Agent: 'curl/*', x-job: '*'}, action: deny}
  - name: cond
    host: d.test
    conditions:
      - {field: path, operator: matches_pattern, value: '/v[0-9]+/keys'}
      - {field: header.x-team, operator: argument_matches, value: 'red*'}
    action: log_only
  - {name: tool, tool_pattern: terminal, conditions: [{field: command, operator: contains_taint, value: true}]}
";

#[test]
fn the_highest_priority_that_matches_decides() {
    let engine = build(SHAPES);
    for (request, action, rule) in [
        ("GET a.example.com/public/x", Allow, "read"),
        ("HEAD a.example.com/public/x?y=/../..", Allow, "read"),
        ("POST a.example.com/public/x", Deny, "low"),
        ("GET a.example.com/private", Deny, "low"),
        ("GET a.example.com:8443/public/x", Deny, "port"),
        ("GET x.example.com/", Deny, "low"),
        ("GET example.com/", Allow, "default"),
        ("DELETE b.test/x", Deny, "del"),
        ("GET b.test/x", Allow, "default"),
        ("GET x.y.b.test/admin/x", Deny, "admin"),
    ] {
        assert_eq!(ruled(&engine, request), (action, rule.to_owned()), "{request}");
    }
    let agent = |headers: &[(&str, &'static str)]| ask("GET c.test/", headers, |r| engine.decide(r).action);
    assert_eq!(agent(&[("user-agent", "curl/8.1 (x/y)"), ("x-job", "1")]), Deny);
    assert_eq!(agent(&[("user-agent", "curl/8.1")]), Allow);
    assert_eq!(agent(&[("user-agent", "wget"), ("x-job", "1")]), Allow);
    let cond = |path: &str, team| {
        ask(&format!("GET d.test{path}"), &[("x-team", team)], |r| engine.decide(r).action)
    };
    assert_eq!(cond("/v12/keys", "redish"), LogOnly);
    assert_eq!((cond("/v/keys", "red"), cond("/v1/keys", "blue")), (Allow, Allow));
    let tools: Vec<_> = engine.rules().into_iter().filter(|rule| rule.tool_pattern.is_some()).collect();
    assert_eq!(
        (tools.len(), &*tools[0].name, &*tools[0].conditions[0]),
        (1, "tool", "command contains_taint true")
    );
}

#[test]
fn no_spelling_of_a_path_goes_around_a_rule() {
    let engine = build(SHAPES);
    for path in [
        "/admin/x",
        "/public/../admin/x",
        "/public/%2e%2e/admin/x",
        "/public/..%2fadmin/x",
        "/%61dmin/x",
        "/%2561dmin/x",
        "//admin/x",
        "/./admin/x",
        "/admin%2fx",
        "/admin;v=1/x",
        "/public/..;/admin/x",
        "/public\\..\\admin/x",
        "/admin/../admin/x",
        "/admin/../public",
    ] {
        assert_eq!(ruled(&engine, &format!("GET b.test{path}")).1, "admin", "{path}");
    }
    assert_eq!(ruled(&engine, "delete b.test/x").1, "del", "some servers fold methods");
    for (request, why) in [
        ("GET a.example.com/public/../secret", "climbs out of what is allowed"),
        ("GET a.example.com/public/%2e%2e/secret", "the same, escaped"),
        ("GET a.example.com/%70ublic/x", "one reading only"),
        ("get a.example.com/public/x", "not the method that is allowed"),
    ] {
        assert_eq!(ruled(&engine, request).1, "low", "{request}: {why}");
    }
    assert_eq!(ruled(&engine, "GET a.example.com/public/a%20b").1, "read");
    assert_eq!(ruled(&engine, "GET b.test/adminx").1, "default");
}

#[test]
fn domain_lists_come_first_and_deny_wins() {
    let patterns = |list: &[&str]| list.iter().map(|p| HostPattern::parse(p).unwrap()).collect::<Vec<_>>();
    let (allowed, denied) = (patterns(&["ok.test", "*.ok.test"]), patterns(&["bad.ok.test"]));
    let engine = Engine::build(Preset::Permissive, None, &allowed, &denied).unwrap();
    for (request, action, rule) in [
        ("GET ok.test/", Allow, "default"),
        ("GET a.ok.test/", Allow, "default"),
        ("GET bad.ok.test/", Deny, "denied_domains"),
        ("GET x.bad.ok.test/", Deny, "denied_domains"),
        ("GET notok.test/", Deny, "allowed_domains"),
        ("GET ok.test.evil.org/", Deny, "allowed_domains"),
    ] {
        assert_eq!(ruled(&engine, request), (action, rule.to_owned()), "{request}");
        let at = Host::parse(&request[4..request.len() - 1]).unwrap();
        assert_eq!(engine.connect(&at, 443).permitted, action == Allow, "{request}");
    }
}

#[test]
fn a_connection_is_refused_only_when_no_request_in_it_could_pass() {
    let engine = build(&SHAPES.replace("permissive", "balanced"));
    let connect = |host: &str, port| {
        let decision = engine.connect(&Host::parse(host).unwrap(), port);
        (decision.permitted, decision.rule.to_string())
    };
    assert_eq!(connect("x.example.com", 443), (false, "low".into()));
    assert_eq!(connect("a.example.com", 443), (true, "read".into()), "some of its paths are allowed");
    assert_eq!(connect("a.example.com", 8443), (false, "port".into()));
    assert_eq!(connect("b.test", 443), (true, "default".into()), "only some of its paths are denied");
    let closed =
        build("{name: closed, defaults: {request: deny}, policies: [{name: one, host: a.test, path: /x}]}");
    assert!(!closed.connect(&Host::parse("a.test").unwrap(), 443).permitted);
}

#[test]
fn every_problem_is_told_with_its_place() {
    let text = "name: p
version: \"1\"
colour: blue
escalate_action: maybe
policies:
  - name: a
    host: 'a*.example.com'
    enabled: \"true\"
  - name: b
    host: b.test
    hots: c.test
    priority: 10001
    conditions:
      - {field: path, operator: matches_pattern, value: '(?=x)'}
      - {field: path, operator: contains_taint, value: true}
      - {field: body, operator: argument_matches, value: x}
  - name: b2
    tool_pattern: x
    conditions:
      - {field: command, operator: contains_taint, value: 'true'}
      - {field: command, operator: sounds_like, value: x}
      - {field: command, operator: matches_pattern, value: '[a'}
  - {name: c, tool_pattern: x, host: y}
  - {name: d, action: allow}
  - {host: x, action: block}
  - {name: e, host: []}
  - {name: f, host: 'x:0', path: admin}
  - {name: g, host: x}
  - {name: g, host: y}
";
    let found = problems(text);
    let places: Vec<(usize, usize)> = found
        .iter()
        .map(|p| match &p.place {
            Place::File { name, at } if name == "p.yaml" => (at.line, at.column),
            other => panic!("{other:?}"),
        })
        .collect();
    let mut lines: Vec<usize> = places.iter().map(|(line, _)| *line).collect();
    let expected = [3, 4, 7, 8, 11, 12, 14, 15, 16, 20, 21, 22, 23, 24, 25, 25, 26, 27, 27, 29];
    lines.sort_unstable();
    assert_eq!(lines, expected, "{}", found.iter().map(|p| format!("{p}\n")).collect::<String>());
    assert!(places.iter().all(|(_, column)| *column > 0));
    let quoted = found.iter().find(|p| p.key == "policies[0].enabled").unwrap();
    assert!(
        quoted.to_string().starts_with("p.yaml:8:14: policies[0].enabled: `true` is neither"),
        "{quoted}"
    );
    assert_eq!(problems("a: [").len(), 1);
    assert_eq!(problems("name: x\nextends: nobody\n").len(), 1);
}

#[test]
fn what_is_not_said_is_closed() {
    let engine = build("{name: bare, policies: [{name: one, host: a.test, action: allow}]}");
    assert!(decide(&engine, "GET a.test/").permitted);
    let other = decide(&engine, "GET b.test/");
    assert_eq!((other.action, other.permitted), (Escalate, false));
    let dflt = build("{name: x, policies: [{name: no_action, host: a.test}]}");
    assert_eq!(decide(&dflt, "GET a.test/").action, Deny);
    for (how, want) in [("block", false), ("ask", false), ("auto_approve", true)] {
        let text = format!("{{name: x, escalate_action: {how}, defaults: {{request: escalate}}}}");
        assert_eq!(decide(&build(&text), "GET a.test/").permitted, want, "{how}");
    }
}

#[test]
fn a_file_overrides_what_it_extends_by_name() {
    let engine = build(
        "{name: mine, extends: balanced, policies: [
            {name: request_catchers, host: webhook.site, action: allow, priority: 700},
            {name: mine, host: '*.ngrok.io', action: deny, priority: 300}]}",
    );
    assert_eq!(decide(&engine, "POST webhook.site/x").action, Allow);
    assert_eq!(
        ruled(&engine, "GET x.requestcatcher.com/"),
        (Allow, "default".into()),
        "the rule was replaced whole"
    );
    assert_eq!(
        ruled(&engine, "GET x.ngrok.io/"),
        (Deny, "mine".into()),
        "own rules go before inherited ones"
    );
    assert_eq!(decide(&engine, "GET metadata.google.internal/").action, Deny);
}

#[test]
fn an_explanation_names_every_rule_passed_over_and_why() {
    let engine = build(SHAPES);
    let steps = ask("POST a.example.com/public/../x", &[], |r| engine.explain(r));
    let why = |rule: &str| steps.iter().find(|s| &*s.rule == rule).and_then(|s| s.passed_over.clone());
    assert_eq!(why("off").unwrap(), "the rule is disabled");
    assert_eq!(why("port").unwrap(), "host a.example.com:443 is not a.example.com:8443");
    assert_eq!(why("read").unwrap(), "method POST is not GET or HEAD");
    let last = steps.last().unwrap();
    assert_eq!((&*last.rule, last.passed_over.as_ref(), last.priority), ("low", None, Some(10)));
    let order: Vec<_> = steps.iter().filter_map(|s| s.priority).collect();
    assert!(order.is_sorted_by(|a, b| a >= b));
    let steps = ask("GET a.example.com/public/../x", &[], |r| engine.explain(r));
    let read = steps.iter().find(|s| &*s.rule == "read").unwrap();
    assert_eq!(read.passed_over.as_deref(), Some("not every reading of the path matches /public/**"));
    let steps = ask("GET c.test/", &[("user-agent", "sk-secret")], |r| engine.explain(r));
    assert_eq!(&*steps.last().unwrap().rule, "default");
    assert!(!format!("{steps:?}").contains("sk-secret"), "no header's value is shown");
    // the explanation and the decision never differ
    for request in ["GET a.example.com/public/x", "DELETE b.test/x", "GET b.test/admin/x", "GET q.test/"] {
        let decided = decide(&engine, request);
        let explained = ask(request, &[], |r| engine.explain(r));
        let last = explained.last().unwrap();
        assert_eq!((&last.rule, last.action), (&decided.rule, decided.action), "{request}");
    }
}
