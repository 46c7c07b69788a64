//! Reading a persistence file at the start: replaying a log, mending a damaged one, importing a Go Pushgateway's.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::draft::Draft;
use super::error::OpenError;
use super::frame::{FILE_HEADER, Framer, Marker};
use super::keep::keep;
use super::open::{Content, Loaded, Opened};
use super::reader::{Reader, Sighting};
use super::replay::{Payload, Replayed, Sink, replay};
use super::storage::File;
use super::{Log, Start};
use crate::store::Change;
use crate::store::record::{Decoder, RecordError};
use crate::store::upstream::{self, UpstreamGroup};

/// Read at once where a file is read as a whole.
const CHUNK: usize = 1 << 20;

impl Opened {
    /// Reads everything, handing each change to `apply` in order, and makes the log ready for commits.
    ///
    /// A group of a Go Pushgateway's file becomes a change by `import`, or is left out if that gives none.
    pub fn load(
        self,
        import: &mut dyn FnMut(UpstreamGroup) -> Option<Change>,
        apply: &mut dyn FnMut(Change),
    ) -> Result<(Log, Loaded), OpenError> {
        let mut changes = 0;
        let mut apply = |change| {
            changes += 1;
            apply(change);
        };
        let loaded = match self.content {
            Content::GoPushgateway => self.import(import, &mut apply),
            Content::Log(marker) => self.read_log(marker, None, &mut apply),
            Content::DamagedHeader(marker) => {
                self.read_log(marker, Some(0..FILE_HEADER as u64), &mut apply)
            }
            Content::Unknown => self.salvage(&mut apply),
        };
        let (start, mut loaded) = loaded.map_err(|error| error.at(&self.names.file))?;
        loaded.changes = changes;
        let log = Log::new(self.storage, self.names, self.lock, start);
        Ok((log, loaded))
    }

    fn read_log(
        &self,
        marker: Marker,
        damaged_header: Option<Range<u64>>,
        apply: &mut dyn FnMut(Change),
    ) -> Result<(Start, Loaded), LoadError> {
        let length = self.file.entry()?.len;
        let start = Sighting {
            marker,
            at: (FILE_HEADER as u64).min(length),
            commit: 1,
        };
        self.read_records(start, damaged_header, apply)
    }

    /// A file without a recognisable header may still have records. If it has none, it is put aside as a whole.
    fn salvage(&self, apply: &mut dyn FnMut(Change)) -> Result<(Start, Loaded), LoadError> {
        let length = self.file.entry()?.len;
        let first = Reader::new(&*self.file, Marker([0; 8]), 0..length).find_any()?;
        if let Some(first) = first {
            return self.read_records(first, Some(0..first.at), apply);
        }
        let mut loaded = Loaded {
            bytes: length,
            damage: vec![(0, length)],
            ..Loaded::default()
        };
        let draft = Draft::create(&*self.storage, &self.names.rewriting)?;
        self.replace_damaged(draft, &mut loaded)
    }

    fn read_records(
        &self,
        from: Sighting,
        damage_before: Option<Range<u64>>,
        apply: &mut dyn FnMut(Change),
    ) -> Result<(Start, Loaded), LoadError> {
        let length = self.file.entry()?.len;
        let decoder = Decoder::for_bytes(length);
        let replayed = self.replay(from, &mut Loading { decoder, apply })?;
        let damage = damage_before.into_iter().chain(replayed.damage.clone());
        let mut loaded = Loaded {
            bytes: length,
            torn_bytes: replayed
                .torn
                .as_ref()
                .map_or(0, |torn| torn.end - torn.start),
            damage: damage.map(|range| (range.start, range.end)).collect(),
            ..Loaded::default()
        };
        if loaded.damage.is_empty() {
            return Ok((self.go_on(from.marker, &replayed, &loaded)?, loaded));
        }
        let mut draft = Draft::create(&*self.storage, &self.names.rewriting)?;
        let decoder = Decoder::for_bytes(length);
        self.replay(
            from,
            &mut Copying {
                decoder,
                draft: &mut draft,
            },
        )?;
        self.replace_damaged(draft, &mut loaded)
    }

    fn replay<K: Sink<Error = LoadError>>(
        &self,
        from: Sighting,
        sink: &mut K,
    ) -> Result<Replayed, LoadError> {
        let length = self.file.entry()?.len;
        let mut reader = Reader::new(&*self.file, from.marker, from.at..length);
        replay(&mut reader, (from.at, from.commit), sink)
    }

    /// A sound file is used as it is, without what a crash has left at its end.
    fn go_on(&self, marker: Marker, replayed: &Replayed, loaded: &Loaded) -> io::Result<Start> {
        let file = self.storage.open(&self.names.file)?;
        if replayed.torn.is_some() {
            file.set_len(replayed.end)?;
        }
        // What was read may so far only be in the kernel's memory: the last process may have been killed before it
        // had synced it. From now on it is shown to scrapes, so it must last.
        file.sync_data()?;
        self.storage.sync_folder(&self.names.file)?;
        let mut status = loaded.status();
        status.live_bytes = replayed.snapshot_end;
        Ok(Start {
            id: file.entry()?.id,
            file,
            framer: Framer {
                marker,
                next_commit: replayed.next_commit,
            },
            end: replayed.end,
            is_sealed: replayed.is_sealed,
            status,
        })
    }

    /// The file as it was found gets another name; what was intact in it takes its place.
    fn replace_damaged(
        &self,
        draft: Draft,
        loaded: &mut Loaded,
    ) -> Result<(Start, Loaded), LoadError> {
        let kept = keep(&*self.storage, &self.names.file, self.names.damaged())?;
        loaded.set_aside = Some(kept);
        self.put_into_place(draft, loaded)
    }

    fn put_into_place(
        &self,
        mut draft: Draft,
        loaded: &Loaded,
    ) -> Result<(Start, Loaded), LoadError> {
        draft.seal()?;
        draft.rename(&*self.storage, &self.names.file)?;
        self.storage.sync_folder(&self.names.file)?;
        Ok((Start::from_draft(draft, loaded.status())?, loaded.clone()))
    }

    fn import(
        &self,
        import: &mut dyn FnMut(UpstreamGroup) -> Option<Change>,
        apply: &mut dyn FnMut(Change),
    ) -> Result<(Start, Loaded), LoadError> {
        let bytes = read_all(&*self.file)?;
        let mut loaded = Loaded {
            bytes: bytes.len() as u64,
            ..Loaded::default()
        };
        let groups = upstream::read(&bytes).unwrap_or_else(|partial| {
            loaded.damage.push((partial.at as u64, bytes.len() as u64));
            loaded.import_error = Some(partial.to_string());
            partial.groups
        });
        let mut draft = Draft::create(&*self.storage, &self.names.importing)?;
        for change in groups.into_iter().filter_map(import) {
            draft.append(&change)?;
            apply(change);
        }
        draft.end_snapshot()?;
        let kept = keep(
            &*self.storage,
            &self.names.file,
            self.names.go_pushgateway(),
        )?;
        if loaded.import_error.is_some() {
            loaded.set_aside = Some(kept.clone());
        }
        loaded.imported_from = Some(kept);
        self.put_into_place(draft, &loaded)
    }
}

/// What ends a load.
#[derive(Debug)]
enum LoadError {
    Io(io::Error),
    NewerRecord(RecordError),
}

impl LoadError {
    fn at(self, path: &Path) -> OpenError {
        match self {
            Self::Io(error) => OpenError::new(path, error),
            Self::NewerRecord(error) => OpenError::NewerRecord {
                path: path.to_path_buf(),
                problem: error.to_string(),
            },
        }
    }
}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Gives changes to the store.
struct Loading<'a> {
    decoder: Decoder,
    apply: &'a mut dyn FnMut(Change),
}

impl Sink for Loading<'_> {
    type Item = Change;
    type Error = LoadError;

    fn read(&mut self, payload: &[u8]) -> Result<Payload<Change>, LoadError> {
        judge(&mut self.decoder, payload)
    }

    fn apply(&mut self, change: Change) -> Result<(), LoadError> {
        (self.apply)(change);
        Ok(())
    }
}

/// Copies what counts to a new file.
struct Copying<'a> {
    decoder: Decoder,
    draft: &'a mut Draft,
}

impl Sink for Copying<'_> {
    type Item = Vec<u8>;
    type Error = LoadError;

    fn read(&mut self, payload: &[u8]) -> Result<Payload<Vec<u8>>, LoadError> {
        Ok(match judge(&mut self.decoder, payload)? {
            Payload::Damaged => Payload::Damaged,
            Payload::Item(_) | Payload::Optional => Payload::Item(payload.to_vec()),
        })
    }

    fn apply(&mut self, payload: Vec<u8>) -> Result<(), LoadError> {
        Ok(self.draft.append_payload(&payload)?)
    }
}

fn judge(decoder: &mut Decoder, payload: &[u8]) -> Result<Payload<Change>, LoadError> {
    match decoder.decode(payload) {
        Ok(change) => Ok(Payload::Item(change)),
        Err(RecordError::OptionalKind(_)) => Ok(Payload::Optional),
        Err(error @ RecordError::UnknownKind(_)) => Err(LoadError::NewerRecord(error)),
        Err(
            RecordError::Truncated
            | RecordError::Text
            | RecordError::Key(_)
            | RecordError::Number { .. }
            | RecordError::Order { .. },
        ) => Ok(Payload::Damaged),
    }
}

fn read_all(file: &dyn File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = file.read_at(&mut buffer, bytes.len() as u64)?;
        if read == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
}
