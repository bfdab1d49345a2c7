//! Streams: entries in listpacks, and consumer groups.
//!
//! Left out of the digest is what an engine estimates anew when it loads an older form, and what differs between a primary
//! and its replicas: the group's count of entries read, and when a consumer was last seen and active.

use super::digest::ContentDigest;
use super::error::RdbError;
use super::file::File;
use super::keys::Content;
use super::listpack::Listpack;
use super::packed::{Element, Malformed};
use super::value::StreamVersion;

const ID: &str = "the id of a stream entry";
const META: &str = "the counters of a stream";
const GROUP: &str = "a consumer group";
const CONSUMER: &str = "a consumer";
const PENDING: &str = "a pending entry";
/// Flags of an entry.
const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

type Id = (u64, u64);

impl File {
    pub(super) async fn stream(&mut self, version: StreamVersion) -> Result<(), RdbError> {
        let mut live = 0;
        for _ in 0..self.input.length("a number of stream parts").await? {
            let offset = self.input.offset();
            let keys = &mut self.keys;
            self.input.string(&mut keys.packed, &mut keys.lzf, ID).await?;
            let base = id_of_bytes(&keys.packed).ok_or(RdbError::Corrupt { offset, expected: ID })?;
            let offset = self.input.offset();
            self.input.string(&mut keys.packed, &mut keys.lzf, "a part of a stream").await?;
            live += add_entries(&keys.packed, base, &mut keys.content)
                .map_err(|Malformed(expected)| RdbError::Corrupt { offset, expected })?;
        }
        let length = self.input.length(META).await?;
        if length != live {
            return Err(self.input.corrupt("as many stream entries as the stream states"));
        }
        let last = self.id().await?;
        let (deleted_max, added) = if version == StreamVersion::V1 {
            ((0, 0), length)
        } else {
            // The first id follows from the entries.
            self.id().await?;
            (self.id().await?, self.input.length(META).await?)
        };
        for number in [u64::MAX, length, last.0, last.1, deleted_max.0, deleted_max.1, added] {
            self.keys.content.ordered.put_number(number);
        }
        for _ in 0..self.input.length("a number of consumer groups").await? {
            self.group(version).await?;
        }
        Ok(())
    }

    async fn id(&mut self) -> Result<Id, RdbError> {
        Ok((self.input.length(META).await?, self.input.length(META).await?))
    }

    async fn group(&mut self, version: StreamVersion) -> Result<(), RdbError> {
        let keys = &mut self.keys;
        keys.content.payload_bytes += self.input.string(&mut keys.packed, &mut keys.lzf, GROUP).await?;
        let last = self.id().await?;
        if version >= StreamVersion::V2 {
            self.input.length(GROUP).await?;
        }
        let mut pending = ContentDigest::default();
        for _ in 0..self.input.length("a number of pending entries").await? {
            let id: [u8; 16] = self.input.array(PENDING).await?;
            let delivered: [u8; 8] = self.input.array(PENDING).await?;
            let count = self.input.length(PENDING).await?;
            let element = &mut self.keys.content.element;
            element.put(&id);
            element.put(&delivered);
            element.put_number(count);
            pending += element.take();
        }
        let mut consumers = ContentDigest::default();
        for _ in 0..self.input.length("a number of consumers").await? {
            consumers += self.consumer(version).await?;
        }
        let keys = &mut self.keys;
        let element = &mut keys.content.element;
        element.put_element(&keys.packed);
        element.put_number(last.0);
        element.put_number(last.1);
        element.put(&pending.to_bytes());
        element.put(&consumers.to_bytes());
        keys.content.add_element();
        Ok(())
    }

    async fn consumer(&mut self, version: StreamVersion) -> Result<ContentDigest, RdbError> {
        let content = &mut self.keys.content;
        content.payload_bytes += self.input.string(&mut content.element, &mut self.keys.lzf, CONSUMER).await?;
        self.input.array::<8>(CONSUMER).await?;
        if version >= StreamVersion::V3 {
            self.input.array::<8>(CONSUMER).await?;
        }
        for _ in 0..self.input.length("a number of pending entries").await? {
            let id: [u8; 16] = self.input.array(PENDING).await?;
            content.element.put(&id);
        }
        Ok(content.element.take())
    }
}

fn id_of_bytes(bytes: &[u8]) -> Option<Id> {
    let (high, low) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*high), u64::from_be_bytes(low.try_into().ok()?)))
}

/// The elements of a part of a stream, with what a stream expects of them.
struct Part<'p>(Listpack<'p>);

impl<'p> Part<'p> {
    fn element(&mut self) -> Result<Element<'p>, Malformed> {
        self.0.next().ok_or(Malformed("a whole stream entry"))?
    }

    fn number(&mut self) -> Result<i64, Malformed> {
        self.element()?.number().ok_or(Malformed("a number of a stream entry"))
    }

    fn count(&mut self) -> Result<u64, Malformed> {
        u64::try_from(self.number()?).map_err(|_negative| Malformed("a number of a stream entry"))
    }
}

/// Adds the entries of a part; gives how many of them are alive.
fn add_entries(packed: &[u8], base: Id, content: &mut Content) -> Result<u64, Malformed> {
    let mut part = Part(Listpack::new(packed)?);
    let (live, deleted) = (part.count()?, part.count()?);
    let mut fields = Vec::new();
    for _ in 0..part.count()? {
        fields.push(part.element()?);
    }
    if part.count()? != 0 {
        return Err(Malformed("the end of a stream's fields"));
    }
    let mut seen = 0;
    for _ in 0..live.checked_add(deleted).ok_or(Malformed("a number of stream entries"))? {
        let flags = part.number()?;
        let id = (base.0.wrapping_add_signed(part.number()?), base.1.wrapping_add_signed(part.number()?));
        let same_fields = flags & SAME_FIELDS != 0;
        let count = if same_fields { fields.len() as u64 } else { part.count()? };
        let is_live = flags & DELETED == 0;
        if is_live {
            seen += 1;
            content.ordered.put_number(id.0);
            content.ordered.put_number(id.1);
            content.ordered.put_number(count);
        }
        for index in 0..count {
            let field = if same_fields { fields[usize::try_from(index).expect("an index of a Vec")] } else { part.element()? };
            let value = part.element()?;
            if is_live {
                content.put_ordered(field);
                content.put_ordered(value);
            }
        }
        part.count()?;
    }
    match part.0.next() {
        None if seen == live => Ok(live),
        None | Some(Ok(_)) => Err(Malformed("as many stream entries as the part states")),
        Some(Err(malformed)) => Err(malformed),
    }
}
