//! What is remembered changes no verdict.

use super::*;

#[test]
fn what_is_remembered_changes_no_verdict() {
    let judge = Judge::builtin().unwrap().with_memory();
    let filler = "The harbour was rebuilt after the flood and its cranes were painted green. ".repeat(3);
    let token = format!("{filler} ghp_{} {filler}", "x9K2mQ7vT4bN8cR1wL5zH3jD6fS0gA2pYeUi");
    let mut bodies: Vec<String> = requests().into_iter().map(|(_, body, _)| body).collect();
    bodies.extend([filler.clone(), token, format!("{filler}{ORDER}"), "short".to_owned()]);
    let tool = |text: &str| format!(r#"{{"role":"tool","tool_call_id":"c","content":"{text}"}}"#);
    let talk = |parts: &[&str]| {
        let parts: Vec<String> = parts.iter().map(|text| tool(text)).collect();
        format!(r#"{{"model":"m","messages":[{}]}}"#, parts.join(","))
    };
    bodies.extend([talk(&[&filler]), talk(&[&filler, &filler[1..]]), talk(&[&filler, ORDER, &filler])]);
    for round in 0..3 {
        for body in &bodies {
            for direction in [Request, Response] {
                let (with, without) = (
                    judge.verdict(&Subject::new(direction, Surface::Body), body.as_bytes()),
                    verdict(direction, body),
                );
                let all = |v: &Verdict| (v.findings.clone(), v.score, v.blocking, v.listed.clone());
                assert_eq!(all(&with), all(&without), "round {round}, {direction:?}: {body}");
            }
        }
    }
    let mark = judge.mark(Role::Whole(Request, Surface::Body), filler.as_bytes());
    assert!(mark.is_some() && judge.knows(mark), "it is remembered at all");
    assert!(judge.knows(judge.mark(Role::Part(Surface::ToolResult), filler.as_bytes())));
}

/// What each piece of a text that is cut every `len` bytes comes to.
fn each_passed(judge: &Judge, direction: Direction, text: &[u8], len: usize) -> Vec<(Vec<Finding>, usize)> {
    let (mut stream, mut held, mut out) = (Stream::default(), Vec::new(), Vec::new());
    let (pieces, subject) = (text.chunks(len), Subject::new(direction, Surface::Body));
    let count = pieces.len();
    for (i, new) in pieces.enumerate() {
        let seen = held.len();
        held.extend_from_slice(new);
        let piece = Piece { text: &held, seen, end: i + 1 == count };
        let (verdict, hold) = judge.pass(&subject, &mut stream, piece);
        held.drain(..hold);
        out.push((verdict.findings, hold));
    }
    out
}

#[test]
fn windows_of_a_stream_are_remembered_and_that_changes_nothing() {
    let (with, without) = (Judge::builtin().unwrap().with_memory(), Judge::builtin().unwrap());
    let filler = "The harbour was rebuilt after the flood and its cranes were painted green. ".repeat(120);
    let token = format!("ghp_{}", "x9K2mQ7vT4bN8cR1wL5zH3jD6fS0gA2pYeUi");
    let texts = [
        filler.repeat(4),
        format!("{filler}{filler}{token} {filler}"),
        format!("{filler}{filler}{ORDER} {filler}"),
        format!("{filler}{} {filler}{filler}", data_encoding::BASE64.encode(token.as_bytes())),
        format!("{filler}{}{filler}", "QUFB".repeat(2000)),
    ];
    for round in 0..3 {
        for text in &texts {
            for (direction, len) in [(Request, 6000), (Response, 6000), (Response, 5000), (Response, 9001)] {
                let of = |judge| each_passed(judge, direction, text.as_bytes(), len);
                assert_eq!(of(&with), of(&without), "round {round}, {direction:?}, {len}");
            }
        }
    }
    let window = |last| with.mark(Role::Window(Response, Surface::Body, last), &texts[0].as_bytes()[..6000]);
    assert!(
        with.open(window(false)).is_some() && with.open(window(true)).is_none(),
        "it is remembered at all"
    );
}

#[test]
fn what_there_was_no_room_to_look_at_is_not_remembered() {
    let judge = Judge::builtin().unwrap().with_memory();
    let turned = |by: u8| -> String {
        let turn = |b: u8, base: u8| char::from(base + (b - base + by) % 26);
        ORDER
            .bytes()
            .map(|b| match b {
                b'a'..=b'z' => turn(b, b'a'),
                b'A'..=b'Z' => turn(b, b'A'),
                _ => char::from(b),
            })
            .collect()
    };
    let order = turned(7);
    let part = |text: &str| format!(r#"{{"role":"tool","tool_call_id":"c","content":"{text}"}}"#);
    let body = |parts: &[String]| format!(r#"{{"model":"m","messages":[{}]}}"#, parts.join(","));
    let decoy = |n: usize| {
        part(&format!("{n} JFTW461 UQGC3DM69 6f x73 69YLOMQQHEZLWMVQWYIDUNBSSA43ZON2GK3JAOBZG63LQOQXA===="))
    };
    let mut parts: Vec<String> = (0..4000).map(decoy).collect();
    parts.push(part(&order));
    let subject = Subject::new(Request, Surface::Body);
    let crowd = judge.verdict(&subject, body(&parts).as_bytes());
    assert!(crowd.score < 80, "it is hidden there: {:?}", crowd.findings);
    let alone = judge.verdict(&subject, body(&[part(&order)]).as_bytes());
    assert!(alone.score >= 80, "{:?}", alone.findings);
}

#[test]
fn a_piece_that_is_shown_again_while_another_stage_holds_it_is_not_taken_for_clean() {
    let judge = Judge::builtin().unwrap().with_memory();
    let filler = "The harbour was rebuilt after the flood and its cranes were painted green. ".repeat(80);
    let text = format!("{filler}ghp_{} {filler}", "x9K2mQ7vT4bN8cR1wL5zH3jD6fS0gA2pYeUi");
    let subject = Subject::new(Request, Surface::Body);
    for _ in 0..3 {
        let mut stream = Stream::default();
        let mut pass = |seen| {
            let (verdict, _) =
                judge.pass(&subject, &mut stream, Piece { text: text.as_bytes(), seen, end: false });
            verdict.findings.iter().any(|f| &*f.rule == "github.token")
        };
        assert!(pass(0), "it is found each time");
        pass(text.len());
    }
}
