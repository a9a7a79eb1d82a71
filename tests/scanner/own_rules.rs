//! The page on rules of one's own: what it shows is read as it stands, and does what it says.

use katana::scanner::{Direction, Judge, Subject, Surface};
use std::fs;
use std::path::Path;

/// Writes every block that is marked with a file's name to that file.
fn written(page: &str, dir: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for block in page.split("<!-- file: ").skip(1) {
        let (name, rest) = block.split_once(" -->").unwrap();
        let text = rest.split_once("```yaml\n").unwrap().1.split_once("```").unwrap().0;
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        files.push(name.to_owned());
    }
    files
}

fn found(judge: &Judge, host: &str, text: &str) -> Vec<String> {
    let subject = Subject { host: Some(host), ..Subject::new(Direction::Request, Surface::Body) };
    judge.verdict(&subject, text.as_bytes()).findings.iter().map(|f| f.rule.to_string()).collect()
}

#[test]
fn the_pages_examples_do_what_they_say() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        written(&page, dir.path()),
        ["rules/acme.yaml", "rules/stricter.yaml", "rules/acmectl.yaml", "allow.yaml"]
    );
    let judge = Judge::load(dir.path()).unwrap();
    let token = "token acmed_q8W7e6R5t4Y3u2I1o0P9a8S7";
    assert_eq!(found(&judge, "other.test", token), ["acme.deploy_token"]);
    assert!(found(&judge, "ci.build.acme.test", token).is_empty(), "allowed");
    let call =
        judge.verdict(&Subject::new(Direction::Request, Surface::ToolCall), b"cd /srv && acmectl wipe --all");
    assert_eq!(&*call.findings[0].rule, "command.destructive");
    let overridden = judge.scanner().rules().iter().filter(|r| &*r.id == "assigned_password");
    assert_eq!(overridden.map(|r| r.overrides).collect::<Vec<_>>(), [true]);
    assert_eq!(found(&judge, "other.test", "company_password=t7!kQ2-vvX9p"), ["assigned_password"]);
    let hits: Vec<u64> = judge.allow_list().entries().iter().map(katana::scanner::Allowance::hits).collect();
    assert_eq!(hits, [1, 0, 0]);
    assert!(judge.warnings().is_empty());
}
