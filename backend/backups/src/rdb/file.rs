//! A file from its first byte to its last: header, opcodes, keys, trailer.

use valkyard_model::{SLOT_COUNT, SlotRange, slot_of_key};

use super::error::RdbError;
use super::input::Input;
use super::keys::{Beginning, Keys};
use super::summary::{Checksum, Format, Library, RdbSummary};
use super::totals::KeyTotals;
use super::value::{Encoding, HASH_WITH_EXPIRY};

/// The families of files, with what they begin with, how many digits of version follow, and the newest version known.
/// `VALKEY` begins at 80; 12 was written by no Valkey, but differs from 11 only in values that are refused.
const FAMILIES: [(&str, usize, u16, u16); 2] = [("REDIS", 4, 1, 12), ("VALKEY", 3, 80, 80)];
/// Both beginnings have this many bytes.
const HEADER_BYTES: usize = 9;
/// Versions from here on end with a checksum.
const CHECKSUM_SINCE: u16 = 5;
/// Most function libraries that are listed.
const LIBRARIES_MAX: usize = 10_000;

const SLOT_IMPORT: u8 = 243;
const SLOT_INFO: u8 = 244;
const FUNCTION: u8 = 245;
const MODULE_AUX: u8 = 247;
const IDLE: u8 = 248;
const FREQUENCY: u8 = 249;
const AUX: u8 = 250;
const RESIZE_DATABASE: u8 = 251;
const EXPIRY_MS: u8 = 252;
const EXPIRY_S: u8 = 253;
const SELECT_DATABASE: u8 = 254;
const END: u8 = 255;
/// Value types that belong to modules.
const MODULE_VALUES: [u8; 2] = [6, 7];

/// What a complete, valid file holds.
pub(crate) struct Contents {
    pub(crate) summary: RdbSummary,
    /// What the keys of each owner amount to.
    pub(crate) of_owners: Vec<KeyTotals>,
}

/// A file being read.
pub(super) struct File {
    pub(super) input: Input,
    pub(super) keys: Keys,
    format: Format,
    engine: Option<String>,
    database: u64,
    libraries: Vec<Library>,
    importing: Vec<SlotRange>,
}

impl File {
    pub(super) fn new(input: Input, owners: usize) -> Self {
        let format = Format { magic: "", version: 0 };
        let (libraries, importing) = (Vec::new(), Vec::new());
        Self { input, keys: Keys::new(owners), format, engine: None, database: 0, libraries, importing }
    }

    pub(super) async fn read(mut self) -> Result<Contents, RdbError> {
        self.header().await?;
        let mut expiry_ms = None;
        loop {
            let offset = self.input.offset();
            let code = self.input.byte("a key, or the end of the file").await?;
            match code {
                END => return self.trailer().await,
                EXPIRY_MS | EXPIRY_S | IDLE | FREQUENCY => {
                    if let Some(tape) = self.input.tape_from_last() {
                        tape.begin_key();
                    }
                    self.attribute(code, &mut expiry_ms).await?;
                    if let Some(tape) = self.input.tape_up_to_here() {
                        tape.end_attribute(offset)?;
                    }
                }
                SLOT_IMPORT..END => self.opcode(code, offset).await?,
                _ => {
                    self.key(code, expiry_ms, offset).await?;
                    expiry_ms = None;
                }
            }
        }
    }

    async fn header(&mut self) -> Result<(), RdbError> {
        let header: [u8; HEADER_BYTES] = self.input.array("the beginning of an RDB file").await?;
        let not_rdb = || RdbError::NotRdb { found: header.escape_ascii().to_string() };
        for (magic, digits, oldest, newest) in FAMILIES {
            let Some(version) = header.strip_prefix(magic.as_bytes()) else { continue };
            let version = str::from_utf8(version).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let version: u16 =
                version.filter(|text| text.len() == digits).and_then(|text| text.parse().ok()).ok_or_else(not_rdb)?;
            if version > newest {
                return Err(RdbError::Unknown { magic, version, newest });
            }
            if version < oldest {
                return Err(not_rdb());
            }
            self.format = Format { magic, version };
            return Ok(());
        }
        Err(not_rdb())
    }

    /// What is said of the next key.
    async fn attribute(&mut self, code: u8, expiry_ms: &mut Option<i64>) -> Result<(), RdbError> {
        match code {
            EXPIRY_MS => *expiry_ms = Some(i64::from_le_bytes(self.input.array("an expiry").await?)),
            EXPIRY_S => *expiry_ms = Some(i64::from(i32::from_le_bytes(self.input.array("an expiry").await?)) * 1_000),
            IDLE => drop(self.input.length("how long a key was idle").await?),
            _ => drop(self.input.byte("how often a key was used").await?),
        }
        Ok(())
    }

    /// What is neither a key nor said of one.
    async fn opcode(&mut self, code: u8, offset: u64) -> Result<(), RdbError> {
        const HINT: &str = "a size hint";
        match code {
            SELECT_DATABASE => self.database = self.input.length("a database").await?,
            RESIZE_DATABASE => {
                self.input.length(HINT).await?;
                self.input.length(HINT).await?;
            }
            SLOT_INFO => {
                for _ in 0..3 {
                    self.input.length(HINT).await?;
                }
            }
            AUX => self.aux().await?,
            FUNCTION => self.library().await?,
            SLOT_IMPORT if self.is_valkey() => self.slot_import(offset).await?,
            MODULE_AUX => {
                let name = module_name(self.input.length("a module").await?);
                return Err(RdbError::Module { offset, name });
            }
            _ => return Err(RdbError::UnknownCode { offset, code, version: self.format.version }),
        }
        Ok(())
    }

    fn is_valkey(&self) -> bool {
        self.format.magic == FAMILIES[1].0
    }

    /// A name and a value about the file; only the writing engine matters here.
    async fn aux(&mut self) -> Result<(), RdbError> {
        let (mut name, mut value) = (Beginning::default(), Beginning::default());
        self.input.string(&mut name, &mut self.keys.lzf, "a name of the file's own data").await?;
        self.input.string(&mut value, &mut self.keys.lzf, "a value of the file's own data").await?;
        match name.bytes.as_slice() {
            b"valkey-ver" => self.engine = Some(format!("valkey {}", value.text())),
            b"redis-ver" => self.engine = Some(format!("redis {}", value.text())),
            _ => {}
        }
        Ok(())
    }

    async fn library(&mut self) -> Result<(), RdbError> {
        if let Some(tape) = self.input.tape_from_last() {
            tape.begin_library();
        }
        let mut code = Beginning::default();
        self.input.string(&mut code, &mut self.keys.lzf, "a function library").await?;
        if self.libraries.len() == LIBRARIES_MAX {
            return Err(self.input.corrupt("fewer function libraries"));
        }
        let first_line = code.text().lines().next().unwrap_or_default().to_owned();
        let library = Library { first_line, digest: code.hash.take() };
        if let Some(tape) = self.input.tape_up_to_here() {
            tape.end_library(&library);
        }
        self.libraries.push(library);
        Ok(())
    }

    async fn slot_import(&mut self, offset: u64) -> Result<(), RdbError> {
        const RANGE: &str = "a range of slots that were being moved";
        let mut job = Beginning::default();
        self.input.string(&mut job, &mut self.keys.lzf, "a movement of slots").await?;
        for _ in 0..self.input.length(RANGE).await? {
            let (first, last) = (self.input.length(RANGE).await?, self.input.length(RANGE).await?);
            let number = |slot: u64| u16::try_from(slot).ok();
            let range = number(first).zip(number(last)).and_then(|(first, last)| SlotRange::new(first, last));
            if self.importing.len() >= usize::from(SLOT_COUNT) {
                return Err(self.input.corrupt("fewer ranges of slots"));
            }
            self.importing.push(range.ok_or_else(|| self.input.corrupt(RANGE))?);
        }
        if self.input.is_taped() && !self.importing.is_empty() {
            return Err(RdbError::Importing { offset, slots: self.importing.drain(..).collect() });
        }
        Ok(())
    }

    async fn key(&mut self, code: u8, expiry_ms: Option<i64>, offset: u64) -> Result<(), RdbError> {
        if MODULE_VALUES.contains(&code) {
            self.input.string(&mut self.keys.name, &mut self.keys.lzf, "the name of a key").await?;
            let name = module_name(self.input.length("a module").await?);
            return Err(RdbError::Module { offset, name });
        }
        let encoding = Encoding::of_code(code).filter(|_known| code != HASH_WITH_EXPIRY || self.is_valkey());
        let encoding = encoding.ok_or(RdbError::UnknownCode { offset, code, version: self.format.version })?;
        if self.input.is_taped() && self.database != 0 {
            return Err(RdbError::Database { offset, database: self.database });
        }
        if let Some(tape) = self.input.tape_from_last() {
            tape.begin_key();
        }
        self.input.string(&mut self.keys.name, &mut self.keys.lzf, "the name of a key").await?;
        if let Some(tape) = self.input.tape_up_to_here() {
            self.keys.owner = tape.route(slot_of_key(&self.keys.name), offset)?;
        }
        self.keys.begin(self.database, encoding.kind(), expiry_ms);
        self.value(encoding).await?;
        if let Some(tape) = self.input.tape_up_to_here() {
            tape.end_key(self.keys.owner);
        }
        self.keys.end(encoding.kind(), expiry_ms);
        Ok(())
    }

    async fn trailer(mut self) -> Result<Contents, RdbError> {
        let mut checksum = Checksum::Absent;
        if self.format.version >= CHECKSUM_SINCE {
            let (offset, computed) = (self.input.offset(), self.input.checksum());
            let stored = u64::from_le_bytes(self.input.array("the checksum").await?);
            if stored != 0 {
                if stored != computed {
                    return Err(RdbError::Checksum { offset, stored, computed });
                }
                checksum = Checksum::Right;
            }
        }
        if !self.input.is_at_end().await {
            return Err(self.input.corrupt("nothing after the end mark"));
        }
        let mut totals = KeyTotals::default();
        self.keys.totals.iter().for_each(|some| totals.add(some));
        let summary = RdbSummary {
            format: self.format,
            checksum,
            engine: self.engine,
            bytes: self.input.offset(),
            keys: totals.keys,
            keys_expiring: totals.keys_expiring,
            keys_lasting: totals.keys_lasting,
            first_expiry_ms: totals.first_expiry_ms,
            digest: totals.digest,
            digest_lasting: totals.digest_lasting,
            libraries: self.libraries,
            slots: self.keys.slots.to_set(),
            slots_importing: self.importing.into_iter().collect(),
            largest: totals.largest,
        };
        Ok(Contents { summary, of_owners: self.keys.totals })
    }
}

/// The name of a module's type, nine letters of six bits above ten bits of version.
fn module_name(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = |index: u32| char::from(LETTERS[usize::try_from(id >> (10 + 6 * index) & 63).expect("six bits")]);
    (0..9).rev().map(letter).collect()
}
