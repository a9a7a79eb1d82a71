//! Which files there are to scan: folders are walked, stdin is `-`, and what is no file, or leads out of the folder, is named.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Deeper folders are not walked.
const DEEPEST: usize = 128;

/// Something to scan, or the reason why not.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file, and its length as it was seen.
    File(PathBuf, u64),
    /// Standard input.
    Stdin,
    /// Not to be scanned, and why.
    Not(PathBuf, String),
}

impl Source {
    /// As it is named to a person: control characters escaped, what is no UTF-8 replaced.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Source::Stdin => "stdin".to_owned(),
            Source::File(path, _) | Source::Not(path, _) => path
                .to_string_lossy()
                .chars()
                .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
                .collect(),
        }
    }

    /// Its length, if that is known.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        if let Source::File(_, bytes) = self { *bytes } else { 0 }
    }

    /// Opens it; never waits for the other end of a pipe that took the file's place.
    pub(super) fn open(&self) -> Result<Box<dyn Read>, String> {
        match self {
            Source::Stdin => Ok(Box::new(io::stdin().lock())),
            Source::Not(_, why) => Err(why.clone()),
            Source::File(path, _) => {
                let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
                let file = fs::OpenOptions::new()
                    .read(true)
                    .custom_flags(nonblock)
                    .open(path)
                    .map_err(|e| e.to_string())?;
                match file.metadata() {
                    Ok(meta) if meta.is_file() => Ok(Box::new(Counted(file))),
                    Ok(_) => Err("is no file any more".to_owned()),
                    Err(e) => Err(e.to_string()),
                }
            }
        }
    }
}

/// A file; a read that a signal broke off is tried again.
struct Counted(File);

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

/// All that the paths name, folders walked, in a steady order.
#[must_use]
pub fn sources(paths: &[PathBuf]) -> Vec<Source> {
    let mut all = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            all.push(Source::Stdin);
            continue;
        }
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => {
                let root = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
                walk(path, &root, 0, &mut all);
            }
            Ok(meta) if meta.is_file() => all.push(Source::File(path.clone(), meta.len())),
            Ok(meta) => all.push(Source::Not(path.clone(), kind(meta.file_type()).to_owned())),
            Err(e) => all.push(Source::Not(path.clone(), e.to_string())),
        }
    }
    all
}

fn walk(dir: &Path, root: &Path, depth: usize, all: &mut Vec<Source>) {
    let entries = match fs::read_dir(dir) {
        Ok(entries) if depth < DEEPEST => entries,
        Ok(_) => {
            return all.push(Source::Not(dir.to_owned(), format!("lies more than {DEEPEST} folders deep")));
        }
        Err(e) => return all.push(Source::Not(dir.to_owned(), e.to_string())),
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            Err(e) => all.push(Source::Not(dir.to_owned(), e.to_string())),
        }
    }
    paths.sort();
    for path in paths {
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => walk(&path, root, depth + 1, all),
            Ok(meta) if meta.is_file() => all.push(Source::File(path, meta.len())),
            Ok(meta) if meta.is_symlink() => match fs::canonicalize(&path) {
                // what it leads to is scanned under its own name
                Ok(target) if target.starts_with(root) => {}
                Ok(_) => {
                    all.push(Source::Not(path, "is a symbolic link that leads out of the folder".to_owned()));
                }
                Err(e) => all.push(Source::Not(path, format!("is a symbolic link that leads nowhere: {e}"))),
            },
            Ok(meta) => all.push(Source::Not(path, kind(meta.file_type()).to_owned())),
            Err(e) => all.push(Source::Not(path, e.to_string())),
        }
    }
}

fn kind(kind: fs::FileType) -> &'static str {
    if kind.is_fifo() {
        "is a pipe, not a file"
    } else if kind.is_socket() {
        "is a socket, not a file"
    } else {
        "is a device, not a file"
    }
}
