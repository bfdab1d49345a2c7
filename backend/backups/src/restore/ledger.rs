//! What the files have in common: libraries, slots, and how much of all was read.

use std::collections::BTreeMap;

use valkyard_model::{SLOT_COUNT, Slot, SlotSet};

use super::PlaceProgress;
use super::source::PlaceSource;
use crate::pipeline::PipelineError;
use crate::rdb::{ContentDigest, Library};

/// What was learned of all files so far, and who hears of it.
pub(super) struct Ledger<T> {
    names: Vec<String>,
    /// By name: the hash of its code, and the file that it was first found in.
    libraries: BTreeMap<String, (ContentDigest, usize)>,
    /// The file that has keys of each slot.
    slots: Box<[Option<usize>]>,
    progress: Vec<PlaceProgress>,
    told: T,
}

impl<T: FnMut(PlaceProgress)> Ledger<T> {
    pub(super) fn new(sources: &[PlaceSource], told: T) -> Self {
        Self {
            names: sources.iter().map(PlaceSource::name).collect(),
            libraries: BTreeMap::new(),
            slots: vec![None; usize::from(SLOT_COUNT)].into_boxed_slice(),
            progress: vec![PlaceProgress::default(); sources.len()],
            told,
        }
    }

    /// How many libraries there are.
    pub(super) fn libraries(&self) -> u64 {
        self.libraries.len() as u64
    }

    /// Whether a library that was found is new.
    pub(super) fn admit(&mut self, library: &Library, file: usize) -> Result<bool, PipelineError> {
        let name = name_of(&library.first_line);
        let Some((digest, first)) = self.libraries.get(&name) else {
            self.libraries.insert(name, (library.digest, file));
            return Ok(true);
        };
        if *digest == library.digest {
            return Ok(false);
        }
        Err(PipelineError::LibrariesDiffer { name, files: [*first, file].map(|index| self.names[index].clone()) })
    }

    /// The file has keys of these slots, and is the only one.
    pub(super) fn claim(&mut self, slots: &SlotSet, file: usize) -> Result<(), PipelineError> {
        for range in slots.ranges() {
            for number in range.first().number()..=range.last().number() {
                if let Some(first) = self.slots[usize::from(number)].replace(file) {
                    let slot = Slot::new(number).expect("within a range of slots");
                    let files = [first, file].map(|index| self.names[index].clone());
                    return Err(PipelineError::SourcesShare { slot, files });
                }
            }
        }
        Ok(())
    }

    /// So much was read of the file.
    pub(super) fn tell(&mut self, file: usize, progress: PlaceProgress) {
        self.progress[file] = progress;
        let sum = |of: fn(&PlaceProgress) -> u64| self.progress.iter().map(of).sum();
        let all = PlaceProgress { bytes: sum(|some| some.bytes), keys: sum(|some| some.keys) };
        (self.told)(all);
    }

    pub(super) fn name(&self, file: usize) -> String {
        self.names[file].clone()
    }
}

/// The name in a library's first line, `#!lua name=mylib`; a line without one stands for itself.
fn name_of(first_line: &str) -> String {
    const KEY: &str = "name=";
    let named = first_line.split_whitespace().find_map(|word| {
        let (key, name) = word.split_at_checked(KEY.len())?;
        key.eq_ignore_ascii_case(KEY).then_some(name)
    });
    named.unwrap_or(first_line).trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn a_library_is_called_as_its_first_line_says() {
        for (line, name) in [("#!lua name=mine", "mine"), ("#!LUA  NAME=\"mine\" more=1", "mine"), ("#!lua", "#!lua"), ("é", "é")]
        {
            assert_eq!(name_of(line), name);
        }
    }
}
