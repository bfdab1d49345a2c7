//! Values: every encoding of strings, lists, sets, sorted sets and hashes.

use super::error::RdbError;
use super::file::File;
use super::intset::intset;
use super::keys::{Content, Kind};
use super::listpack::Listpack;
use super::packed::{Element, Malformed};
use super::ziplist::{Ziplist, Zipmap};

const STRING: &str = "a string";
const ELEMENT: &str = "an element";
const COUNT: &str = "a number of elements";
const SCORE: &str = "a score";

/// The encodings of values, as the file names them by a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    String,
    List,
    Set,
    SortedSetOfText,
    SortedSet,
    Hash,
    HashWithExpiry,
    HashZipmap,
    ListZiplist,
    SetIntset,
    SortedSetZiplist,
    HashZiplist,
    ListOfZiplists,
    HashListpack,
    SortedSetListpack,
    ListOfListpacks,
    SetListpack,
    Stream(StreamVersion),
}

/// How much a stream tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StreamVersion {
    V1,
    V2,
    V3,
}

/// The code of hashes with expiring fields, which means something else in files of newer Redis.
pub(super) const HASH_WITH_EXPIRY: u8 = 22;

impl Encoding {
    pub(super) fn of_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::String,
            1 => Self::List,
            2 => Self::Set,
            3 => Self::SortedSetOfText,
            4 => Self::Hash,
            5 => Self::SortedSet,
            9 => Self::HashZipmap,
            10 => Self::ListZiplist,
            11 => Self::SetIntset,
            12 => Self::SortedSetZiplist,
            13 => Self::HashZiplist,
            14 => Self::ListOfZiplists,
            15 => Self::Stream(StreamVersion::V1),
            16 => Self::HashListpack,
            17 => Self::SortedSetListpack,
            18 => Self::ListOfListpacks,
            19 => Self::Stream(StreamVersion::V2),
            20 => Self::SetListpack,
            21 => Self::Stream(StreamVersion::V3),
            HASH_WITH_EXPIRY => Self::HashWithExpiry,
            _ => return None,
        })
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::String => Kind::String,
            Self::List | Self::ListZiplist | Self::ListOfZiplists | Self::ListOfListpacks => Kind::List,
            Self::Set | Self::SetIntset | Self::SetListpack => Kind::Set,
            Self::SortedSetOfText | Self::SortedSet | Self::SortedSetZiplist | Self::SortedSetListpack => Kind::SortedSet,
            Self::Hash | Self::HashWithExpiry | Self::HashZipmap | Self::HashZiplist | Self::HashListpack => Kind::Hash,
            Self::Stream(_) => Kind::Stream,
        }
    }
}

impl File {
    pub(super) async fn value(&mut self, encoding: Encoding) -> Result<(), RdbError> {
        match encoding {
            Encoding::String => {
                let keys = &mut self.keys;
                keys.content.payload_bytes += self.input.string(&mut keys.content.ordered, &mut keys.lzf, STRING).await?;
                Ok(())
            }
            Encoding::List => self.list().await,
            Encoding::Set => self.set().await,
            Encoding::SortedSetOfText | Encoding::SortedSet => self.sorted_set(encoding).await,
            Encoding::Hash | Encoding::HashWithExpiry => self.hash(encoding).await,
            Encoding::ListOfZiplists | Encoding::ListOfListpacks => self.list_of_parts(encoding).await,
            Encoding::Stream(version) => self.stream(version).await,
            Encoding::HashZipmap
            | Encoding::ListZiplist
            | Encoding::SetIntset
            | Encoding::SortedSetZiplist
            | Encoding::HashZiplist
            | Encoding::HashListpack
            | Encoding::SortedSetListpack
            | Encoding::SetListpack => self.packed_value(encoding).await,
        }
    }

    async fn list(&mut self) -> Result<(), RdbError> {
        let content = &mut self.keys.content;
        for _ in 0..self.input.length(COUNT).await? {
            content.payload_bytes += self.input.string(&mut content.ordered, &mut self.keys.lzf, ELEMENT).await?;
            content.count += 1;
        }
        Ok(())
    }

    async fn set(&mut self) -> Result<(), RdbError> {
        let content = &mut self.keys.content;
        for _ in 0..self.input.length(COUNT).await? {
            content.payload_bytes += self.input.string(&mut content.element, &mut self.keys.lzf, ELEMENT).await?;
            content.add_element();
        }
        Ok(())
    }

    async fn sorted_set(&mut self, encoding: Encoding) -> Result<(), RdbError> {
        for _ in 0..self.input.length(COUNT).await? {
            let content = &mut self.keys.content;
            content.payload_bytes += self.input.string(&mut content.element, &mut self.keys.lzf, ELEMENT).await?;
            let score = if encoding == Encoding::SortedSet {
                f64::from_le_bytes(self.input.array(SCORE).await?)
            } else {
                self.score_of_text().await?
            };
            if !self.keys.content.put_score(score) {
                return Err(self.input.corrupt("a score that is a number"));
            }
            self.keys.content.add_element();
        }
        Ok(())
    }

    /// A score as text after its length; three lengths stand for what is no digits.
    async fn score_of_text(&mut self) -> Result<f64, RdbError> {
        let mut text = [0; 252];
        let length = match self.input.byte(SCORE).await? {
            255 => return Ok(f64::NEG_INFINITY),
            254 => return Ok(f64::INFINITY),
            253 => return Ok(f64::NAN),
            length => usize::from(length),
        };
        for byte in &mut text[..length] {
            *byte = self.input.byte(SCORE).await?;
        }
        Element::Bytes(&text[..length]).score().ok_or_else(|| self.input.corrupt(SCORE))
    }

    async fn hash(&mut self, encoding: Encoding) -> Result<(), RdbError> {
        for _ in 0..self.input.length(COUNT).await? {
            let (content, lzf) = (&mut self.keys.content, &mut self.keys.lzf);
            content.payload_bytes += self.input.string(&mut content.element, lzf, "a field").await?;
            content.payload_bytes += self.input.string(&mut content.element, lzf, "the value of a field").await?;
            let mut expiry_ms = None;
            if encoding == Encoding::HashWithExpiry {
                let written = i64::from_le_bytes(self.input.array("the expiry of a field").await?);
                if written < -1 {
                    return Err(self.input.corrupt("the expiry of a field"));
                }
                expiry_ms = (written != -1).then_some(written);
            }
            content.put_field_expiry(expiry_ms);
            content.add_element();
        }
        Ok(())
    }

    async fn list_of_parts(&mut self, encoding: Encoding) -> Result<(), RdbError> {
        const PLAIN: u64 = 1;
        const PACKED: u64 = 2;
        for _ in 0..self.input.length("a number of list parts").await? {
            let states_kind = encoding == Encoding::ListOfListpacks;
            let container = if states_kind { self.input.length("the kind of a list part").await? } else { PACKED };
            match container {
                PLAIN => {
                    let content = &mut self.keys.content;
                    content.payload_bytes += self.input.string(&mut content.ordered, &mut self.keys.lzf, ELEMENT).await?;
                    content.count += 1;
                }
                PACKED => self.packed_value(encoding).await?,
                _ => return Err(self.input.corrupt("a list part that is plain or packed")),
            }
        }
        Ok(())
    }

    async fn packed_value(&mut self, encoding: Encoding) -> Result<(), RdbError> {
        let offset = self.input.offset();
        self.input.string(&mut self.keys.packed, &mut self.keys.lzf, "a packed value").await?;
        add_packed(encoding, &self.keys.packed, &mut self.keys.content)
            .map_err(|Malformed(expected)| RdbError::Corrupt { offset, expected })
    }
}

/// Adds the elements of a packed container to the content.
fn add_packed(encoding: Encoding, packed: &[u8], content: &mut Content) -> Result<(), Malformed> {
    match encoding {
        Encoding::ListZiplist | Encoding::ListOfZiplists => add_in_order(Ziplist::new(packed)?, content),
        Encoding::ListOfListpacks => add_in_order(Listpack::new(packed)?, content),
        Encoding::SetIntset => {
            for number in intset(packed)? {
                content.put_unordered(Element::Number(number));
                content.add_element();
            }
            Ok(())
        }
        Encoding::SetListpack => {
            for element in Listpack::new(packed)? {
                content.put_unordered(element?);
                content.add_element();
            }
            Ok(())
        }
        Encoding::SortedSetZiplist => add_members(Ziplist::new(packed)?, content),
        Encoding::SortedSetListpack => add_members(Listpack::new(packed)?, content),
        Encoding::HashZipmap => add_fields(Zipmap::new(packed)?, content),
        Encoding::HashZiplist => add_fields(Ziplist::new(packed)?, content),
        Encoding::HashListpack => add_fields(Listpack::new(packed)?, content),
        Encoding::String
        | Encoding::List
        | Encoding::Set
        | Encoding::SortedSetOfText
        | Encoding::SortedSet
        | Encoding::Hash
        | Encoding::HashWithExpiry
        | Encoding::Stream(_) => Err(Malformed("a packed value")),
    }
}

type Elements<'p> = Result<Element<'p>, Malformed>;

fn add_in_order<'p>(elements: impl Iterator<Item = Elements<'p>>, content: &mut Content) -> Result<(), Malformed> {
    for element in elements {
        content.put_ordered(element?);
        content.count += 1;
    }
    Ok(())
}

fn add_members<'p>(mut elements: impl Iterator<Item = Elements<'p>>, content: &mut Content) -> Result<(), Malformed> {
    const MISSING: Malformed = Malformed("a score for each member");
    while let Some(member) = elements.next() {
        content.put_unordered(member?);
        let score = elements.next().ok_or(MISSING)??.score().ok_or(MISSING)?;
        if !content.put_score(score) {
            return Err(MISSING);
        }
        content.add_element();
    }
    Ok(())
}

fn add_fields<'p>(mut elements: impl Iterator<Item = Elements<'p>>, content: &mut Content) -> Result<(), Malformed> {
    while let Some(field) = elements.next() {
        content.put_unordered(field?);
        content.put_unordered(elements.next().ok_or(Malformed("a value for each field"))??);
        content.put_field_expiry(None);
        content.add_element();
    }
    Ok(())
}
