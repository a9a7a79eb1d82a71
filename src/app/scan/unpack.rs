//! Archives and compressed files, taken apart as they are read: gzip, zstd, tar and zip within one another. How much comes out, how
//! many members and how deep are bounded; what is left unread is named.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder};

use super::{Report, Unread};

/// No more is unpacked from one file.
const MOST_BYTES: u64 = 256 << 20;
/// Nor more members.
const MOST_MEMBERS: usize = 20_000;
/// Nor deeper.
const DEEPEST: usize = 6;
/// A window larger than this is not made room for.
const ZSTD_WINDOW: u32 = 27;

/// What is done with a text.
type Visit<'v> = dyn FnMut(&str, &mut dyn Read, &mut Report) + 'v;

/// What a text begins with.
enum Kind {
    Gzip,
    Zstd,
    Zip,
    Tar,
    Unknown(&'static str),
    Plain,
}

fn kind(head: &[u8]) -> Kind {
    match head {
        [0x1f, 0x8b, 8, ..] => Kind::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Kind::Zstd,
        [b'P', b'K', 3, 4, ..] => Kind::Zip,
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Kind::Unknown("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Kind::Unknown("xz"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Kind::Unknown("7z"),
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Kind::Unknown("rar"),
        _ if head.len() >= 262 && &head[257..262] == b"ustar" => Kind::Tar,
        _ => Kind::Plain,
    }
}

/// How much may still be unpacked.
struct Room {
    bytes: Cell<u64>,
    members: Cell<usize>,
    full: Cell<bool>,
}

impl Room {
    /// One more member.
    fn member(&self) -> bool {
        let left = self.members.get();
        self.members.set(left.saturating_sub(1));
        self.full.set(self.full.get() || left == 0);
        !self.full.get()
    }
}

/// What comes out of a decoder, until there is no more room.
struct Measured<'a> {
    reader: &'a mut dyn Read,
    room: &'a Room,
}

impl Read for Measured<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.room.bytes.get();
        if left == 0 {
            self.room.full.set(true);
            return Ok(0);
        }
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let n = self.reader.read(&mut buffer[..most])?;
        self.room.bytes.set(left - n as u64);
        Ok(n)
    }
}

/// Visits what a reader gives, or what is packed in it.
pub(super) fn each(reader: Box<dyn Read>, name: &str, report: &mut Report, visit: &mut Visit<'_>) {
    let room =
        Room { bytes: Cell::new(MOST_BYTES), members: Cell::new(MOST_MEMBERS), full: Cell::new(false) };
    let mut buffered = BufReader::with_capacity(64 << 10, reader);
    let mut unpacking = Unpacking { room: &room, report, visit };
    unpacking.inside(&mut buffered, name, 0);
    if room.full.get() {
        let why = format!(
            "more than {} MiB or {MOST_MEMBERS} members are packed in it, or packed more than {DEEPEST} deep: not all was looked at",
            MOST_BYTES >> 20
        );
        report.unread.push(Unread { name: name.to_owned(), why });
    }
}

/// One file being taken apart.
struct Unpacking<'u, 'v> {
    room: &'u Room,
    report: &'u mut Report,
    visit: &'u mut Visit<'v>,
}

impl Unpacking<'_, '_> {
    fn inside(&mut self, reader: &mut dyn BufRead, name: &str, depth: usize) {
        // enough to tell a tar by
        let mut head = Vec::with_capacity(512);
        if let Err(why) = (&mut *reader).take(512).read_to_end(&mut head) {
            return self.not(name, &why.to_string());
        }
        let kind = kind(&head);
        let mut whole = io::Cursor::new(head).chain(reader);
        if depth >= DEEPEST && !matches!(kind, Kind::Plain) {
            self.room.full.set(true);
            return (self.visit)(name, &mut whole, self.report);
        }
        match kind {
            Kind::Gzip => self.decoded(&mut MultiGzDecoder::new(whole), name, depth),
            Kind::Zstd => match zstd::stream::read::Decoder::with_buffer(whole) {
                Ok(mut decoder) => match decoder.window_log_max(ZSTD_WINDOW) {
                    Ok(()) => self.decoded(&mut decoder, name, depth),
                    Err(why) => self.not(name, &why.to_string()),
                },
                Err(why) => self.not(name, &why.to_string()),
            },
            Kind::Zip => self.zip(&mut whole, name, depth),
            Kind::Tar => self.tar(&mut whole, name, depth),
            Kind::Unknown(packing) => {
                self.not(name, &format!("is packed with {packing}, which katana does not unpack"));
            }
            Kind::Plain => (self.visit)(name, &mut whole, self.report),
        }
    }

    fn not(&mut self, name: &str, why: &str) {
        self.report.unread.push(Unread { name: name.to_owned(), why: why.to_owned() });
    }

    fn decoded(&mut self, decoder: &mut dyn Read, name: &str, depth: usize) {
        let room = self.room;
        self.inside(&mut BufReader::new(Measured { reader: decoder, room }), name, depth + 1);
    }

    fn member(&mut self, reader: &mut dyn Read, name: &str, member: &str, depth: usize) {
        self.decoded(reader, &called(name, member), depth);
    }

    fn tar(&mut self, reader: &mut dyn Read, name: &str, depth: usize) {
        let mut long = None::<String>;
        let mut header = [0_u8; 512];
        while reader.read_exact(&mut header).is_ok() && header[0] != 0 && self.room.member() {
            let Some(size) = octal(&header[124..136]) else {
                return self.not(name, "is a tar that does not hold together");
            };
            let padding = (512 - size % 512) % 512;
            let mut content = (&mut *reader).take(size);
            match header[156] {
                b'L' | b'x' | b'g' if size <= 64 << 10 => {
                    let mut text = Vec::new();
                    let _lost = content.read_to_end(&mut text);
                    let text = String::from_utf8_lossy(&text).into_owned();
                    match header[156] {
                        b'L' => long = Some(text.trim_end_matches('\0').to_owned()),
                        b'x' => {
                            long = text
                                .lines()
                                .find_map(|l| l.split_once("path=").map(|(_, p)| p.to_owned()))
                                .or(long);
                        }
                        _ => {}
                    }
                }
                b'0' | 0 | b'7' | b'S' => {
                    let field = |bytes: &[u8]| {
                        String::from_utf8_lossy(bytes.split(|b| *b == 0).next().unwrap_or_default())
                            .into_owned()
                    };
                    let short = match field(&header[345..500]) {
                        prefix if prefix.is_empty() => field(&header[..100]),
                        prefix => format!("{prefix}/{}", field(&header[..100])),
                    };
                    self.member(&mut content, name, &long.take().unwrap_or(short), depth);
                }
                _ => long = None,
            }
            // what was not read, and what fills up the block
            let left = content.limit().saturating_add(padding);
            if io::copy(&mut (&mut *reader).take(left), &mut io::sink()).ok() != Some(left) {
                return self.not(name, "is a tar that ends too early");
            }
        }
    }

    /// Member after member as they come, without the directory at the end.
    fn zip(&mut self, reader: &mut dyn BufRead, name: &str, depth: usize) {
        loop {
            let mut header = [0_u8; 30];
            if reader.read_exact(&mut header[..4]).is_err() || &header[..4] != b"PK\x03\x04" {
                return; // the directory
            }
            if reader.read_exact(&mut header[4..]).is_err() || !self.room.member() {
                return self.not(name, "is a zip that ends too early");
            }
            let half = |at: usize| u64::from(u16::from_le_bytes([header[at], header[at + 1]]));
            let word = |at: usize| half(at) | half(at + 2) << 16;
            let (flags, method, packed) = (half(6), half(8), word(18));
            let mut names = Vec::new();
            let both = half(26) + half(28);
            if (&mut *reader).take(both).read_to_end(&mut names).ok() != usize::try_from(both).ok() {
                return self.not(name, "is a zip that ends too early");
            }
            let named =
                String::from_utf8_lossy(&names[..usize::try_from(half(26)).unwrap_or(0).min(names.len())])
                    .into_owned();
            let described = flags & 8 != 0;
            if flags & 1 != 0 || packed == 0xffff_ffff || described && method != 8 {
                let why = if flags & 1 != 0 {
                    "is encrypted"
                } else {
                    "is packed in a way katana does not take apart"
                };
                self.not(&called(name, &named), why);
                if described || packed == 0xffff_ffff {
                    return; // where the next begins is not known
                }
                let _passed = io::copy(&mut (&mut *reader).take(packed), &mut io::sink());
                continue;
            }
            let member = (named.as_str(), method, (!described).then_some(packed));
            if !self.zipped(reader, name, member, depth) {
                return;
            }
        }
    }

    /// One member of a zip: its name, how it is packed, its length if that is known. `false`: where the next begins is not known.
    fn zipped(
        &mut self,
        reader: &mut dyn BufRead,
        name: &str,
        (named, method, packed): (&str, u64, Option<u64>),
        depth: usize,
    ) -> bool {
        match method {
            8 if packed.is_none() => {
                let mut decoder = DeflateDecoder::new(&mut *reader);
                self.member(&mut decoder, name, named, depth);
                let _rest =
                    io::copy(&mut Measured { reader: &mut decoder, room: self.room }, &mut io::sink());
                if self.room.full.get() || !after(reader) {
                    return false;
                }
            }
            0 | 8 => {
                let mut packed = (&mut *reader).take(packed.unwrap_or(0));
                if method == 8 {
                    self.member(&mut DeflateDecoder::new(&mut packed), name, named, depth);
                } else {
                    self.member(&mut packed, name, named, depth);
                }
                let _rest = io::copy(&mut packed, &mut io::sink());
            }
            _ => {
                self.not(&called(name, named), "is packed in a way katana does not take apart");
                let _passed = io::copy(&mut (&mut *reader).take(packed.unwrap_or(0)), &mut io::sink());
            }
        }
        true
    }
}

/// A member as it is named to a person: what would act on a terminal is escaped.
fn called(name: &str, member: &str) -> String {
    let safe = |c: char| if c.is_control() { c.escape_default().collect() } else { vec![c] };
    let member: String = member.chars().take(400).flat_map(safe).collect();
    format!("{name}!{member}")
}

/// Steps over what stands behind a member whose length was not said before it.
fn after(reader: &mut dyn BufRead) -> bool {
    let mut word = [0_u8; 4];
    if reader.read_exact(&mut word).is_err() {
        return false;
    }
    let rest = if &word == b"PK\x07\x08" { 12 } else { 8 };
    io::copy(&mut reader.take(rest), &mut io::sink()).ok() == Some(rest)
}

/// A number of a tar's header.
fn octal(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        return Some(field[4..].iter().fold(0, |n, b| n << 8 | u64::from(*b)));
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    u64::from_str_radix(text, 8).ok()
}
