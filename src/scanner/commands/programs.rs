//! What a program does with its words: whether it runs another, or code, and what it prints and writes.

use super::act::{Act, Field, Stream, Tricks, join};
use super::code;
use super::machine::{Call, Machine};
use super::prints;
use super::windows;
use super::wrappers::{inner, is_assignment, is_interpreter, is_shell};
use super::writes::named_writes;

/// Takes an act down, and goes into what it runs.
pub(super) fn run(machine: &mut Machine, mut act: Act, input: &Stream) -> Stream {
    files(machine, &mut act);
    let id = machine.acts.len();
    let output = prints::output(&act, input.text.as_deref());
    machine.acts.push(act.clone());
    let mut from = act.feeds.clone();
    let within = within(machine, id, &act, input);
    join(&mut from, &[id]);
    let mut stream = match (within, output) {
        (Some(stream), _) => stream,
        (None, Some((text, tricks))) => {
            let mut all = input.tricks;
            all.add(tricks);
            act.args.iter().for_each(|a| all.add(a.tricks));
            Stream { text: Some(text), from: Vec::new(), tricks: all }
        }
        (None, None) => {
            let known = matches!(act.program.as_str(), "cat" | "head" | "tail")
                .then(|| act.args.iter().map(|a| machine.file(&a.text).text).collect::<Option<String>>())
                .flatten();
            Stream { text: known.filter(|t| !t.is_empty()), from: Vec::new(), tricks: input.tricks }
        }
    };
    join(&mut stream.from, &from);
    let writes: Vec<String> = machine.acts[id]
        .writes
        .iter()
        .filter(|w| !act.writes.contains(w) || act.program == "tee")
        .cloned()
        .collect();
    machine.write(&writes, &stream);
    let named = named_writes(&act);
    machine.write(&named, &stream);
    stream
}

/// Files that its words name: what is read feeds it, what is written is noted.
fn files(machine: &mut Machine, act: &mut Act) {
    for arg in &act.args {
        let path = arg.text.trim_start_matches('@');
        let path = path.split_once("=@").map_or(path, |(_, p)| p);
        let origin = machine.file(path).from;
        join(&mut act.feeds, &origin);
    }
    let origin = machine.file(&act.called).from;
    join(&mut act.runs, &origin);
    act.writes.extend(named_writes(act));
}

/// Goes into what the act runs; its output, where that is the act's own.
fn within(machine: &mut Machine, id: usize, act: &Act, input: &Stream) -> Option<Stream> {
    remember(machine, act, input);
    inside_of(machine, id, act, input).or_else(|| pasted(machine, act, input))
}

/// What sets names for later.
fn remember(machine: &mut Machine, act: &Act, input: &Stream) {
    match act.program.as_str() {
        "alias" => {
            for arg in &act.args {
                if let Some((name, value)) = arg.text.split_once('=') {
                    machine.aliases.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        "export" | "declare" | "typeset" | "local" | "readonly" | "set" => {
            for arg in act.args.iter().filter(|a| is_assignment(&a.text)) {
                if let Some((name, value)) = arg.text.split_once('=') {
                    machine
                        .variables
                        .insert(name.to_owned(), vec![Field { text: value.to_owned(), ..arg.clone() }]);
                }
            }
        }
        "read" => {
            let name =
                act.args.iter().rfind(|a| !a.text.starts_with('-')).map_or("REPLY", |a| a.text.as_str());
            let line = input.text.as_deref().and_then(|t| t.lines().next());
            let text = line.map_or_else(|| format!("${name}"), str::to_owned);
            machine.variables.insert(
                name.to_owned(),
                vec![Field { text, from: input.from.clone(), tricks: input.tricks }],
            );
        }
        _ => {}
    }
}

fn inside_of(machine: &mut Machine, id: usize, act: &Act, input: &Stream) -> Option<Stream> {
    let words = |from: usize| {
        act.args[from.min(act.args.len())..].iter().map(|a| a.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    let mut tricks = act.tricks;
    act.args.iter().for_each(|a| tricks.add(a.tricks));
    match act.program.as_str() {
        "eval" => {
            run_from(machine, id, &act.args);
            Some(machine.shell(&words(0), input, &act.span, hiding(tricks)))
        }
        "source" | "." if !act.args.is_empty() => {
            let file = machine.file(&act.args[0].text);
            join(&mut machine.acts[id].runs, &file.from);
            run_from(machine, id, &act.args[..1]);
            file.text.map(|t| machine.shell(&t, input, &act.span, hiding(file.tricks)))
        }
        "trap" | "flock" | "su" | "runuser" | "script" | "watch" | "mapfile"
            if code_word(act).is_some() || act.program == "trap" =>
        {
            let code = if act.program == "trap" {
                act.args.first().map(|a| a.text.clone())
            } else {
                code_word(act)
            }?;
            Some(machine.shell(&code, input, &act.span, Tricks::default()))
        }
        "at" | "batch" => {
            input.text.as_deref().map(|t| machine.shell(t, &Stream::default(), &act.span, Tricks::default()))
        }
        "find" | "fd" | "fdfind" => found(machine, id, act, input),
        "xargs" | "parallel" => xargs(machine, id, act, input),
        "forfiles" => {
            code_after(act, &["/c", "/C"]).map(|c| machine.shell(&c, input, &act.span, Tricks::default()))
        }
        _ if is_shell(&act.program) => shell(machine, id, act, input),
        _ if is_interpreter(&act.program) || code::may_run(&act.program) => {
            code::interpreter(machine, id, act, input)
        }
        _ => {
            let at = inner(&act.program, &act.args)?;
            let mut argv = act.args[at..].to_vec();
            // `ssh host 'a; b'`, `watch 'a | b'`, `env -S 'a b'`: one word is a line of shell
            let lines = matches!(act.program.as_str(), "ssh" | "watch" | "env" | "start");
            if argv.len() == 1 && lines && argv[0].text.contains([' ', ';', '|', '&']) {
                let text = argv.remove(0).text;
                return Some(machine.shell(&text, input, &act.span, Tricks::default()));
            }
            Some(inside(machine, id, act, argv, input))
        }
    }
}

/// The program of a wrapper.
fn inside(machine: &mut Machine, id: usize, act: &Act, argv: Vec<Field>, input: &Stream) -> Stream {
    machine.acts[id].wraps = true;
    let own = act
        .args
        .iter()
        .filter(|a| is_assignment(&a.text))
        .filter_map(|a| a.text.split_once('='))
        .map(|(n, v)| (n.to_owned(), v.to_owned()));
    let env = act.env.iter().cloned().chain(own).collect();
    let hidden = machine.hidden;
    machine.hidden = act.tricks;
    let output = machine.call(Call {
        argv,
        env,
        input: input.clone(),
        reads: act.reads.clone(),
        writes: act.writes.clone(),
        feeds: Vec::new(),
        span: act.span.clone(),
    });
    machine.hidden = hidden;
    output
}

/// `find … -exec`: what it finds is where it looks, unless it picks.
fn found(machine: &mut Machine, id: usize, act: &Act, input: &Stream) -> Option<Stream> {
    let is = |a: &Field| matches!(a.text.as_str(), "-exec" | "-execdir" | "-ok" | "-x" | "-X" | "--exec");
    let at = act.args.iter().position(is)? + 1;
    let picks = act.args[..at].iter().any(|a| {
        [
            "-name", "-iname", "-path", "-ipath", "-regex", "-mtime", "-mmin", "-size", "-newer", "-empty",
            "-user", "-perm",
        ]
        .contains(&a.text.as_str())
    });
    let first = act.args.first().filter(|a| !picks && !a.text.starts_with('-'));
    let place = first.map_or_else(|| "{}".to_owned(), |a| a.text.clone());
    let argv = act.args[at..]
        .iter()
        .take_while(|a| a.text != ";" && a.text != "+")
        .map(|a| Field { text: a.text.replace("{}", &place), ..a.clone() })
        .collect();
    Some(inside(machine, id, act, argv, input))
}

/// `xargs`: what it reads becomes words.
fn xargs(machine: &mut Machine, id: usize, act: &Act, input: &Stream) -> Option<Stream> {
    let at = inner(&act.program, &act.args).unwrap_or(act.args.len());
    let mut argv = act.args[at..].to_vec();
    if argv.is_empty() {
        argv.push(Field::new("echo"));
    }
    let mark =
        act.args[..at].windows(2).find(|w| w[0].text == "-I").map(|w| w[1].text.clone()).or_else(|| {
            act.args[..at]
                .iter()
                .find_map(|a| a.text.strip_prefix("-I").filter(|m| !m.is_empty()).map(str::to_owned))
        });
    let mark = mark.or_else(|| {
        (act.program == "parallel" || act.args[..at].iter().any(|a| a.text == "-i")).then(|| "{}".to_owned())
    });
    let given = input.text.clone().unwrap_or_else(|| "…".to_owned());
    match mark.filter(|m| argv.iter().any(|a| a.text.contains(m.as_str()))) {
        Some(mark) => {
            for arg in &mut argv {
                if arg.text.contains(&mark) {
                    arg.text = arg.text.replace(
                        &mark,
                        given.trim_end().get(..given.trim_end().len().min(4096)).unwrap_or_default(),
                    );
                    join(&mut arg.from, &input.from);
                    arg.tricks.add(input.tricks);
                }
            }
        }
        None => argv.extend(given.split_whitespace().take(64).map(|w| Field {
            text: w.to_owned(),
            from: input.from.clone(),
            tricks: input.tricks,
        })),
    }
    Some(inside(machine, id, act, argv, &Stream::default()))
}

/// A shell: code in a word, in a file, or on its input.
fn shell(machine: &mut Machine, id: usize, act: &Act, input: &Stream) -> Option<Stream> {
    if let Some((text, tricks)) = windows::code(act) {
        run_from(machine, id, &act.args);
        return Some(machine.shell(&text, input, &act.span, tricks));
    }
    if let Some(at) = act.args.iter().position(|a| {
        a.text.starts_with('-') && !a.text.starts_with("--") && a.text.ends_with('c') || a.text == "--command"
    }) {
        let code = act.args.get(at + 1)?;
        run_from(machine, id, &act.args[at + 1..=at + 1]);
        let mut hidden = hiding(code.tricks);
        hidden.add(hiding(act.tricks));
        let positional =
            std::mem::replace(&mut machine.positional, act.args[(at + 2).min(act.args.len())..].to_vec());
        let output = machine.shell(&code.text, input, &act.span, hidden);
        machine.positional = positional;
        return Some(output);
    }
    let reads_input = act.args.iter().any(|a| matches!(a.text.as_str(), "-s" | "-" | "/dev/stdin"));
    let file = act
        .args
        .iter()
        .find(|a| !a.text.starts_with('-') && !a.text.starts_with('+'))
        .filter(|_| !reads_input);
    let (code, hidden) = match file {
        Some(file) => {
            let stream = machine.file(&file.text);
            join(&mut machine.acts[id].runs, &stream.from);
            join(&mut machine.acts[id].runs, &file.from);
            (stream.text, stream.tricks)
        }
        None => {
            let from = input.from.clone();
            join(&mut machine.acts[id].runs, &from);
            (input.text.clone(), input.tricks)
        }
    };
    let code = code?;
    Some(machine.shell(&code, &Stream::default(), &act.span, hiding(hidden)))
}

/// The words are run as code.
pub(super) fn run_from(machine: &mut Machine, id: usize, args: &[Field]) {
    for arg in args {
        join(&mut machine.acts[id].runs, &arg.from);
    }
}

/// What hides code from a reader, of what its word was made of.
fn hiding(tricks: Tricks) -> Tricks {
    let mut hiding = Tricks::default();
    for trick in [Tricks::DECODED, Tricks::ESCAPE, Tricks::WINDOWS] {
        if tricks.has(trick) {
            hiding.add(trick);
        }
    }
    hiding
}

/// The word behind `-c`.
fn code_word(act: &Act) -> Option<String> {
    code_after(act, &["-c", "--command"])
}

fn code_after(act: &Act, flags: &[&str]) -> Option<String> {
    act.args.windows(2).find(|w| flags.contains(&w[0].text.as_str())).map(|w| w[1].text.clone())
}

/// A program's name with blanks and signs in it is a piece meant for another's quotes: `'; rm -rf /; echo '`.
fn pasted(machine: &mut Machine, act: &Act, input: &Stream) -> Option<Stream> {
    let signs =
        act.called.contains([';', '|', '&', '\n', '(']) || act.called.contains(' ') && act.args.is_empty();
    (signs && act.called.len() > 3 && act.called.contains(' '))
        .then(|| machine.shell(&act.called, input, &act.span, Tricks::default()))
}
