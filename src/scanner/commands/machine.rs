//! Walks a tree as a shell would, running nothing: works out each program's words, follows what flows through pipes, variables
//! and files, and goes into whatever is run as code. Steps and levels are counted; when they are used up it stops and says so.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::act::{Act, Field, From, Stream, Tricks, join};
use super::expand::push;
use super::parse::parse;
use super::programs;
use super::tree::{How, Node, Redirect, Simple, Word};
use super::wrappers::program;

/// Code within code within code is followed so far.
const LEVELS: usize = 10;
/// Commands looked at, and words, for one text; and so many for each of its bytes.
const STEPS: usize = 20_000;
const STEPS_A_BYTE: usize = 2;
/// Programs kept of one text; and one more for so many of its bytes.
const MOST_ACTS: usize = 2_048;
const BYTES_AN_ACT: usize = 2;
/// Times a loop's body is gone through.
const ROUNDS: usize = 3;

/// What is known while a text is walked through.
#[derive(Default)]
pub(super) struct Machine {
    pub(super) acts: Vec<Act>,
    pub(super) variables: HashMap<String, Vec<Field>>,
    pub(super) positional: Vec<Field>,
    pub(super) files: HashMap<String, Stream>,
    functions: HashMap<String, Rc<Node>>,
    pub(super) aliases: HashMap<String, String>,
    calling: Vec<String>,
    steps: usize,
    /// Length of the original.
    length: usize,
    level: usize,
    /// Where in the original the text stands that is being walked through, if it is not the original.
    outer: Option<Range<usize>>,
    /// How the text that is being walked through was hidden.
    pub(super) hidden: Tricks,
    /// Something was not as a shell would have it.
    pub(super) doubt: bool,
    /// Not everything was looked at.
    pub(super) exhausted: bool,
}

impl Machine {
    /// Walks through a text as it stands in the original.
    pub(super) fn start(&mut self, text: &str, base: usize) {
        self.length += text.len();
        let parsed = parse(text, base, 0);
        self.doubt |= parsed.doubt;
        self.exhausted |= parsed.too_deep;
        self.run(&parsed.node, &Stream::default());
    }

    /// Walks through text that is run as shell code.
    pub(super) fn shell(
        &mut self,
        text: &str,
        input: &Stream,
        span: &Range<usize>,
        hidden: Tricks,
    ) -> Stream {
        if self.level >= LEVELS || !self.spend(1 + text.len() / 32) {
            self.exhausted = true;
            return Stream::default();
        }
        let parsed = parse(text, 0, self.level * 2);
        self.exhausted |= parsed.too_deep;
        let outer = self.outer.replace(span.clone());
        let before = self.hidden;
        self.hidden.add(hidden);
        self.level += 1;
        let stream = self.run(&parsed.node, input);
        self.level -= 1;
        self.hidden = before;
        self.outer = outer;
        stream
    }

    pub(super) fn depth(&self) -> usize {
        self.level * 2
    }

    /// A command substitution's output.
    pub(super) fn nested(&mut self, node: &Node) -> Stream {
        if self.level >= LEVELS * 2 {
            self.exhausted = true;
            return Stream::default();
        }
        self.level += 1;
        let stream = self.run(node, &Stream::default());
        self.level -= 1;
        stream
    }

    /// The work done so far.
    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        self.steps
    }

    /// Counts work. `false`: there is no more to be done.
    pub(super) fn spend(&mut self, steps: usize) -> bool {
        self.steps += steps;
        let most = STEPS + self.length * STEPS_A_BYTE;
        self.exhausted |= self.steps > most;
        self.steps <= most
    }

    fn run(&mut self, node: &Node, input: &Stream) -> Stream {
        if !self.spend(1) {
            return Stream::default();
        }
        match node {
            Node::Simple(simple) => self.simple(simple, input),
            Node::Pipe(stages) => {
                let mut flows = input.clone();
                for stage in stages {
                    flows = self.run(stage, &flows);
                }
                flows
            }
            Node::List(nodes) => {
                let mut whole = Stream::known("");
                for node in nodes {
                    let one = self.run(node, input);
                    append(&mut whole, &one);
                }
                whole
            }
            Node::Group(body, redirects) => {
                let redirected = self.redirect(redirects);
                let input = redirected.input.unwrap_or_else(|| input.clone());
                let output = self.run(body, &input);
                self.write(&redirected.writes, &output);
                output
            }
            Node::Function(name, body) => {
                self.functions.insert(name.clone(), Rc::clone(body));
                Stream::known("")
            }
            Node::For(name, words, body) => {
                let fields = self.fields(words);
                let mut whole = Stream::known("");
                for field in fields
                    .into_iter()
                    .map(Some)
                    .take(ROUNDS)
                    .chain(std::iter::once(None).take(usize::from(words.is_empty())))
                {
                    if let Some(field) = field {
                        self.variables.insert(name.clone(), vec![field]);
                    }
                    let one = self.run(body, input);
                    append(&mut whole, &one);
                }
                whole
            }
        }
    }

    fn simple(&mut self, simple: &Simple, input: &Stream) -> Stream {
        let span = self.outer.clone().unwrap_or_else(|| simple.span.clone());
        let mut env = Vec::new();
        let mut assigned = Vec::new();
        for assignment in &simple.assigned {
            let values: Vec<Field> = if assignment.values.len() == 1 {
                vec![self.field(&assignment.values[0])]
            } else {
                self.fields(&assignment.values)
            };
            env.push((
                assignment.name.clone(),
                values.iter().map(|f| f.text.as_str()).collect::<Vec<_>>().join(" "),
            ));
            assigned.push((assignment.name.clone(), values, assignment.appends));
        }
        let argv = if simple.words.is_empty() { Vec::new() } else { self.fields(&simple.words) };
        if argv.is_empty() {
            for (name, values, appends) in assigned {
                self.assign(name, values, appends);
            }
        } else {
            // seen by the program alone, but `IFS=, eval …` and `x=1; sh -c '$x'` count on it
            for (name, values, appends) in assigned {
                self.assign(name, values, appends);
            }
        }
        let redirected = self.redirect(&simple.redirects);
        let input = redirected.input.unwrap_or_else(|| input.clone());
        if argv.is_empty() && redirected.writes.is_empty() && env.is_empty() {
            return Stream::default();
        }
        self.spend(argv.len() / 8);
        let call = Call {
            argv,
            env,
            input,
            reads: redirected.reads,
            writes: redirected.writes.clone(),
            span,
            feeds: redirected.from,
        };
        let output = self.call(call);
        self.write(&redirected.writes, &output);
        // what goes to a file does not go on
        if redirected.writes.iter().any(|w| !w.starts_with("/dev/")) {
            Stream { text: Some(String::new()), ..output }
        } else {
            output
        }
    }

    fn assign(&mut self, name: String, values: Vec<Field>, appends: bool) {
        let values = if values.is_empty() { vec![Field::default()] } else { values };
        match self.variables.get_mut(&name).filter(|_| appends) {
            Some(old) if values.len() == 1 && old.len() == 1 => {
                push(&mut old[0].text, &values[0].text);
                join(&mut old[0].from, &values[0].from);
            }
            Some(old) if old.len() < 256 => old.extend(values),
            _ => drop(self.variables.insert(name, values)),
        }
    }

    /// Runs, in a manner of speaking, one program with its words.
    pub(super) fn call(&mut self, mut call: Call) -> Stream {
        if !self.spend(1) || self.acts.len() >= MOST_ACTS + self.length / BYTES_AN_ACT {
            self.exhausted = true;
            return Stream::default();
        }
        let called = call.argv.first().map(|f| f.text.clone()).unwrap_or_default();
        if let Some(body) = self.functions.get(&called).cloned() {
            return self.function(&called, &body, call);
        }
        if let Some(words) = self.aliases.remove(&called) {
            let rest: Vec<String> = call.argv.iter().skip(1).map(|f| f.text.clone()).collect();
            let output =
                self.shell(&format!("{words} {}", rest.join(" ")), &call.input, &call.span, Tricks::VARIABLE);
            self.aliases.insert(called, words);
            return output;
        }
        let first = call.argv.first().cloned().unwrap_or_default();
        let mut tricks = first.tricks;
        tricks.add(self.hidden);
        let mut feeds: From = call.feeds.clone();
        join(&mut feeds, &call.input.from);
        call.argv.iter().for_each(|f| join(&mut feeds, &f.from));
        let act = Act {
            program: program(&called),
            args: if call.argv.is_empty() { Vec::new() } else { call.argv.split_off(1) },
            called,
            env: call.env,
            writes: call.writes,
            reads: call.reads,
            input: call.input.text.clone(),
            feeds,
            tricks,
            span: call.span,
            ..Act::default()
        };
        programs::run(self, act, &call.input)
    }

    fn function(&mut self, name: &str, body: &Rc<Node>, call: Call) -> Stream {
        if self.calling.iter().filter(|n| *n == name).count() > 1 || self.level >= LEVELS {
            return Stream::default(); // a fork bomb, or near enough
        }
        self.calling.push(name.to_owned());
        self.level += 1;
        let positional = std::mem::replace(&mut self.positional, call.argv);
        let output = self.run(body, &call.input);
        self.positional = positional;
        self.level -= 1;
        self.calling.pop();
        output
    }

    /// What redirections read and write.
    fn redirect(&mut self, redirects: &[Redirect]) -> Redirected {
        let mut all = Redirected::default();
        for redirect in redirects {
            let field = self.field(&tilde_kept(&redirect.target));
            join(&mut all.from, &field.from);
            match redirect.how {
                How::Text => {
                    all.input = Some(Stream {
                        text: (!field.text.contains("$(…)"))
                            .then(|| format!("{}\n", field.text.trim_end_matches('\n'))),
                        from: field.from,
                        tricks: field.tricks,
                    });
                }
                How::Read => {
                    let stream = self.file(&field.text);
                    join(&mut all.from, &stream.from);
                    all.input = Some(stream);
                    all.reads.push(field.text);
                }
                How::Write => all.writes.push(field.text),
                How::Copy => {}
            }
        }
        all
    }

    /// What is known of a file.
    pub(super) fn file(&self, path: &str) -> Stream {
        let path = path.strip_prefix("./").unwrap_or(path);
        self.files.get(path).cloned().unwrap_or_default()
    }

    pub(super) fn write(&mut self, paths: &[String], output: &Stream) {
        for path in paths {
            let path = path.strip_prefix("./").unwrap_or(path).to_owned();
            if self.files.len() < 1024 {
                let mut stream = output.clone();
                if let Some(old) = self.files.get(&path) {
                    let mut both = old.clone();
                    append(&mut both, &stream);
                    stream = both;
                }
                self.files.insert(path, stream);
            }
        }
    }
}

/// A program about to be run.
pub(super) struct Call {
    pub(super) argv: Vec<Field>,
    pub(super) env: Vec<(String, String)>,
    pub(super) input: Stream,
    pub(super) reads: Vec<String>,
    pub(super) writes: Vec<String>,
    pub(super) feeds: From,
    pub(super) span: Range<usize>,
}

#[derive(Default)]
struct Redirected {
    input: Option<Stream>,
    reads: Vec<String>,
    writes: Vec<String>,
    from: From,
}

/// Puts one output behind another.
fn append(whole: &mut Stream, one: &Stream) {
    whole.text = match (whole.text.take(), &one.text) {
        (Some(mut text), Some(more)) => {
            push(&mut text, more);
            Some(text)
        }
        _ => None,
    };
    join(&mut whole.from, &one.from);
    whole.tricks.add(one.tricks);
}

fn tilde_kept(word: &Word) -> Word {
    word.clone()
}
