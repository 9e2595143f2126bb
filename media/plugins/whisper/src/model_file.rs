//! Reads the structure of a ggml whisper model before whisper.cpp does.
//!
//! whisper.cpp's loader takes sizes from the file on trust: a truncated or damaged file makes it
//! allocate gigabytes, index tables out of bounds or throw through C. Here every length is bounded
//! before it is used and the tensors must end exactly where the file does.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::LoadError;

/// What a model file says about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModelShape {
    /// Entries in the vocabulary. 51864 for English-only models.
    pub vocabulary: u32,
    /// Encoder positions, 20 ms each.
    pub audio_context: u32,
    /// Width of the network.
    pub width: u32,
    /// Encoder layers.
    pub audio_layers: u32,
    /// Decoder positions.
    pub text_context: u32,
    /// Decoder layers.
    pub text_layers: u32,
}

impl ModelShape {
    /// Whether the model knows other languages than English.
    #[must_use]
    pub const fn is_multilingual(&self) -> bool {
        self.vocabulary >= 51_865
    }
}

/// Reads `path` to its end and checks that it is a whole whisper.cpp model.
///
/// # Errors
/// [`LoadError::Missing`], [`LoadError::Unreadable`], [`LoadError::NotAModel`],
/// [`LoadError::Damaged`].
pub fn check_model_file(path: &Path) -> Result<ModelShape, LoadError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => LoadError::Missing { path: path.into() },
        _ => LoadError::Unreadable { path: path.into(), source },
    };
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let mut scan = Scan { input: BufReader::new(file), length, at: 0 };
    scan.model().map_err(|fault| match fault {
        Fault::Io(source) => unreadable(source),
        Fault::Magic(found) => LoadError::NotAModel { path: path.into(), found },
        Fault::Damaged(what) => LoadError::Damaged { path: path.into(), what },
    })
}

pub(crate) const MAGIC: u32 = 0x6767_6d6c;

enum Fault {
    Io(std::io::Error),
    Magic(u32),
    Damaged(String),
}

struct Scan {
    input: BufReader<File>,
    length: u64,
    at: u64,
}

impl Scan {
    fn model(&mut self) -> Result<ModelShape, Fault> {
        let magic = self.u32("its magic number")?;
        if magic != MAGIC {
            return Err(Fault::Magic(magic));
        }
        let shape = self.header()?;
        self.vocabulary()?;
        self.tensors(&shape)?;
        Ok(shape)
    }

    fn header(&mut self) -> Result<ModelShape, Fault> {
        let vocabulary = self.within("vocabulary size", 51_864, 51_866)?;
        let audio_context = self.within("audio context", 1, 1_500)?;
        let width = self.within("audio width", 32, 1_280)?;
        let heads = self.within("audio heads", 1, 20)?;
        let audio_layers = self.within("audio layers", 1, 32)?;
        let text_context = self.within("text context", 8, 448)?;
        self.within("text width (must equal the audio width)", width, width)?;
        let text_heads = self.within("text heads", 1, 20)?;
        let text_layers = self.within("text layers", 1, 32)?;
        let mels = self.within("mel bands", 80, 128)?;
        let file_type = self.within("number format", 0, 1_000 * 10 + 30)?;
        if width % heads != 0 || width % text_heads != 0 {
            return Err(Fault::Damaged("heads that do not divide its width".into()));
        }
        // 4 to 6 are formats that were withdrawn; whisper.cpp stops the process on some of them.
        if !matches!(file_type % 1_000, 0..=3 | 7..=14) {
            return Err(Fault::Damaged(format!("number format {file_type}, which is not known")));
        }
        self.within("mel filter bands", mels, mels)?;
        let bins = self.within("mel filter bins", 201, 201)?;
        self.skip(u64::from(mels * bins) * 4, "its mel filters")?;
        Ok(ModelShape { vocabulary, audio_context, width, audio_layers, text_context, text_layers })
    }

    fn vocabulary(&mut self) -> Result<(), Fault> {
        let words = self.within("vocabulary entries", 1, 51_866)?;
        for _ in 0..words {
            let bytes = self.within("length of a vocabulary entry", 0, WORD_BYTES_MAX)?;
            self.skip(bytes.into(), "its vocabulary")?;
        }
        Ok(())
    }

    fn tensors(&mut self, shape: &ModelShape) -> Result<(), Fault> {
        let expected = 10 + 15 * shape.audio_layers + 24 * shape.text_layers;
        let mut names = BTreeSet::new();
        while self.at < self.length {
            let name = self.tensor()?;
            if !names.insert(name) || names.len() > TENSORS_MAX {
                return Err(Fault::Damaged("a tensor twice, or too many of them".into()));
            }
        }
        if (names.len() as u32) < expected - 1 {
            let got = names.len();
            return Err(Fault::Damaged(format!("{got} tensors where {expected} are expected")));
        }
        Ok(())
    }

    /// One tensor; its name. The order is dimensions, name length, number format, sizes, name.
    fn tensor(&mut self) -> Result<Vec<u8>, Fault> {
        let dimensions = self.within("tensor dimensions", 1, 4)?;
        let name_bytes = self.within("length of a tensor's name", 1, 128)?;
        let format = self.within("tensor format", 0, 30)?;
        let Some((block, block_bytes)) = block_layout(format) else {
            return Err(Fault::Damaged(format!("tensor format {format}, which is not known")));
        };
        let mut elements = 1u64;
        let mut row = 1;
        for i in 0..dimensions {
            let size = u64::from(self.within("tensor size", 1, 1 << 20)?);
            row = if i == 0 { size } else { row };
            elements *= size; // at most 2^80 would overflow; the bound below stops it before
            if elements > ELEMENTS_MAX {
                return Err(Fault::Damaged("a tensor larger than any whisper model has".into()));
            }
        }
        if row % block != 0 {
            return Err(Fault::Damaged("a tensor row that is no whole number of blocks".into()));
        }
        let mut name = vec![0; name_bytes as usize];
        self.bytes(&mut name, "a tensor's name")?;
        self.skip(elements / block * block_bytes, "a tensor")?;
        Ok(name)
    }

    fn within(&mut self, what: &str, least: u32, most: u32) -> Result<u32, Fault> {
        let at = self.at;
        let value = self.u32(what)?;
        if (least..=most).contains(&value) {
            return Ok(value);
        }
        Err(Fault::Damaged(format!(
            "{what} is {value} at byte {at}, which is outside {least} to {most}"
        )))
    }

    fn u32(&mut self, what: &str) -> Result<u32, Fault> {
        let mut raw = [0; 4];
        self.bytes(&mut raw, what)?;
        Ok(u32::from_le_bytes(raw))
    }

    fn bytes(&mut self, out: &mut [u8], what: &str) -> Result<(), Fault> {
        self.advance(out.len() as u64, what)?;
        self.input.read_exact(out).map_err(Fault::Io)
    }

    fn skip(&mut self, count: u64, what: &str) -> Result<(), Fault> {
        self.advance(count, what)?;
        let count = i64::try_from(count).map_err(|_| Fault::Damaged(what.into()))?;
        self.input.seek_relative(count).map_err(Fault::Io)
    }

    fn advance(&mut self, count: u64, what: &str) -> Result<(), Fault> {
        self.at += count;
        if self.at <= self.length {
            return Ok(());
        }
        let length = self.length;
        Err(Fault::Damaged(format!("it ends at byte {length}, in the middle of {what}")))
    }
}

/// Elements per block and bytes per block of a ggml number format (`ggml.c`, `type_traits`).
const fn block_layout(format: u32) -> Option<(u64, u64)> {
    match format {
        0 => Some((1, 4)),      // f32
        1 => Some((1, 2)),      // f16
        2 => Some((32, 18)),    // q4_0
        3 => Some((32, 20)),    // q4_1
        6 => Some((32, 22)),    // q5_0
        7 => Some((32, 24)),    // q5_1
        8 => Some((32, 34)),    // q8_0
        10 => Some((256, 84)),  // q2_K
        11 => Some((256, 110)), // q3_K
        12 => Some((256, 144)), // q4_K
        13 => Some((256, 176)), // q5_K
        14 => Some((256, 210)), // q6_K
        _ => None,
    }
}

const WORD_BYTES_MAX: u32 = 1_024; // the longest GPT-2 token has 128
const TENSORS_MAX: usize = 10 + (15 + 24) * 32 + 16; // large has 32 layers each
const ELEMENTS_MAX: u64 = 1 << 28; // the largest tensor of `large` has 2^26
