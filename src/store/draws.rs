//! The files of published draws, one a date: JSON, written from the front to the end under another name, and then given its own, so that
//! there is never half of one.

use std::{
    collections::HashMap,
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::{
    domain::{
        catalog::Series,
        id::{SeriesId, TokenId},
        lobby::{Drawing, Drawn},
    },
    files,
};

/// How the names of all of them begin, with a number that grows when they are written in another way.
const PREFIX: &str = "draw-2-";

/// How the names of those begin that are not finished.
const UNFINISHED: &str = "unfinished-draw-";

/// What is written at once.
const BUFFER_BYTES: usize = 64 << 10;

/// A finished file. Its name says of which draw it is and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    path: PathBuf,
    drawn_at: i64,
    /// SHA-256 of the content, in hexadecimal.
    hash: String,
}

impl Published {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 of its content, in hexadecimal: the same content, the same hash, at every process.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether it is of the draw that this date has had.
    #[must_use]
    pub fn is_of(&self, series: &Series) -> bool {
        series.drawn_at.is_some_and(|at| at.timestamp_millis() == self.drawn_at)
    }

    fn name(series: SeriesId, drawn_at: i64, hash: &str) -> String {
        format!("{PREFIX}{series}-{drawn_at}-{hash}.json")
    }

    /// Reads the name of a file; `None` for one that is none of these.
    fn of_path(path: PathBuf) -> Option<(SeriesId, Self)> {
        let name = path.file_name()?.to_str()?;
        let said = name.strip_prefix(PREFIX)?.strip_suffix(".json")?;
        // The id itself has hyphens, and always as many characters.
        let (series, said) = (said.get(..36)?.parse().ok()?, said.get(37..)?);
        let (drawn_at, hash) = said.split_once('-')?;
        let (drawn_at, hash) = (drawn_at.parse().ok()?, hash.to_owned());
        (Self::name(series, drawn_at, &hash) == name).then_some((series, Self { path, drawn_at, hash }))
    }
}

/// Makes a folder for them, for its owner alone, if it is missing; the finished files in it. What an earlier process has
/// not finished is deleted; what is nothing of ours is left alone.
///
/// # Errors
/// A sentence for the operator.
pub fn open_folder(folder: &Path) -> Result<HashMap<SeriesId, Published>, String> {
    files::own_folder(folder, Path::new(""))?;
    look_into(folder).map_err(|error| format!("the folder {} cannot be read: {error}", folder.display()))
}

fn look_into(folder: &Path) -> io::Result<HashMap<SeriesId, Published>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(UNFINISHED)) {
            // Another process may have finished or deleted it just now.
            let _ = fs::remove_file(&path);
        } else if let Some((series, published)) = Published::of_path(path) {
            found.insert(series, published);
        }
    }
    Ok(found)
}

/// A file that is being written. Deleted if it is dropped before it is finished.
#[derive(Debug)]
pub struct Writer {
    out: BufWriter<Hashed<NamedTempFile>>,
    drawing: Drawing,
    drawn: Drawn,
    folder: PathBuf,
    series: SeriesId,
    drawn_at: i64,
}

impl Writer {
    /// Begins the file of a drawn date with so many joins.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(folder: &Path, series: &Series, joins: u64) -> io::Result<Self> {
        let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        let out = BufWriter::with_capacity(BUFFER_BYTES, Hashed { inner: file, hash: Sha256::new() });
        let (id, secret) = (series.id, &series.draw_secret);
        let drawn = series.lobby_hash.map_or(Drawn::BySecretAlone, Drawn::With);
        let mut writer = Self {
            out,
            drawing: Drawing::new(secret, drawn, usize::try_from(joins).unwrap_or_default()),
            drawn,
            folder: folder.to_owned(),
            series: id,
            drawn_at: series.drawn_at.map_or(0, |at| at.timestamp_millis()),
        };
        let (commitment, secret) = (secret.commitment(), secret.reveal());
        let hash = series.lobby_hash.map_or_else(|| "null".to_owned(), |hash| format!("\"{hash}\""));
        write!(
            writer.out,
            "{{\"seriesId\":\"{id}\",\"commitment\":\"{commitment}\",\"secret\":\"{secret}\",\"lobbyHash\":{hash},\
             \"lobby\":["
        )?;
        Ok(writer)
    }

    /// Adds the next of the lobby, in the order of the joins.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn with(mut self, tokens: &[TokenId]) -> io::Result<Self> {
        list(&mut self.out, self.drawing.places() == 0, tokens.iter().copied())?;
        self.drawing.add(tokens.iter().copied());
        Ok(self)
    }

    /// Adds the order, and gives the file its name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> io::Result<Published> {
        let Self { mut out, drawing, drawn, folder, series, drawn_at } = self;
        if drawn.lobby_hash().is_some_and(|hash| hash != drawing.lobby_hash()) {
            // Whoever checks it will say so too; to publish nothing would hide it.
            tracing::error!(%series, "the lobby in the database is not the one that was drawn; its draw is published as it is");
        }
        let places = drawing.places();
        write!(out, "],\"order\":[")?;
        list(&mut out, true, drawing.in_order())?;
        writeln!(out, "],\"places\":{places}}}")?;
        let Hashed { inner: file, hash } = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        let hash = hex::encode(hash.finalize());
        // Or the name might outlive a loss of power, and the content not.
        file.as_file().sync_all()?;
        let path = folder.join(Published::name(series, drawn_at, &hash));
        file.persist(&path)?;
        Ok(Published { path, drawn_at, hash })
    }
}

/// Writes these ids as items of a JSON list, of which they are the first or not.
fn list(out: &mut impl Write, mut are_first: bool, tokens: impl Iterator<Item = TokenId>) -> io::Result<()> {
    for token in tokens {
        let comma = if std::mem::take(&mut are_first) { "" } else { "," };
        write!(out, "{comma}\"{token}\"")?;
    }
    Ok(())
}

/// Counts what is written into a hash.
#[derive(Debug)]
struct Hashed<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
