//! Which models there are.

/// What a model does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Hears: a whisper.cpp model.
    Recogniser,
    /// Speaks: a Piper voice.
    Voice,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Kind::Recogniser => "recogniser",
            Kind::Voice => "voice",
        })
    }
}

/// Something that can be fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
    /// What it is asked for by.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// A line for people: what to expect of it.
    pub about: String,
    /// Under which licence it comes.
    pub licence: String,
    /// Its files. The first is the one to name in the configuration.
    pub files: Vec<RemoteFile>,
}

/// One file of a model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteFile {
    /// Its name on disk.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Model {
    /// Bytes of all its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.bytes).sum()
    }
}

/// All models that can be fetched by name.
///
/// Addresses name a revision, so that what they lead to cannot change. Sizes and checksums were
/// compared with those that a dozen other projects have published for the same files; a wrong one
/// would make a fetch fail, not pass.
#[must_use]
pub fn catalogue() -> Vec<Model> {
    WHISPER.iter().map(recogniser).chain(PIPER.iter().map(voice)).collect()
}

/// The model called `name`.
#[must_use]
pub fn find(name: &str) -> Option<Model> {
    catalogue().into_iter().find(|m| m.name == name)
}

fn recogniser(&(size, bytes, sha256, about): &(&str, u64, &str, &str)) -> Model {
    let name = format!("ggml-{size}.bin");
    let url = format!(
        "https://huggingface.co/ggerganov/whisper.cpp/resolve/\
         5359861c739e955e79d9a303bcbc70fb988958b1/{name}"
    );
    Model {
        name: format!("whisper-{size}"),
        kind: Kind::Recogniser,
        about: about.into(),
        licence: "MIT (OpenAI)".into(),
        files: vec![RemoteFile { name, url, bytes, sha256: sha256.into() }],
    }
}

struct PiperVoice {
    name: &'static str,
    folder: &'static str,
    about: &'static str,
    model: (u64, &'static str),
    config: (u64, &'static str),
}

fn voice(voice: &PiperVoice) -> Model {
    let file = |suffix: &str, (bytes, sha256): (u64, &str)| {
        let name = format!("{}{suffix}", voice.name);
        let url = format!(
            "https://huggingface.co/rhasspy/piper-voices/resolve/\
             0d907f158acc877ddeebcbf827659ee13bea8bcd/{}/{name}",
            voice.folder
        );
        RemoteFile { name, url, bytes, sha256: sha256.into() }
    };
    Model {
        name: format!("piper-{}", voice.name),
        kind: Kind::Voice,
        about: voice.about.into(),
        licence: "depends on its recordings, see the voice's MODEL_CARD".into(),
        files: vec![file(".onnx", voice.model), file(".onnx.json", voice.config)],
    }
}

/// Size name, bytes, SHA-256, what to expect.
const WHISPER: [(&str, u64, &str, &str); 3] = [
    (
        "tiny.en",
        77_704_715,
        "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f",
        "English, any words; about every fifth one wrong on the phone",
    ),
    (
        "base.en",
        147_964_211,
        "a03779c86df3323075f5e796cb2ce5029f00ec8869eee3fdfb897afe36c6d002",
        "English, any words; twice the time of tiny.en, a little better",
    ),
    (
        "small.en",
        487_614_201,
        "c6138d6d58ecc8322097e0f987c32f1be8bb0a18532a3f88f734d1bbf9c41e5d",
        "English, any words; wants a fast core to itself",
    ),
];

const PIPER: [PiperVoice; 3] = [
    PiperVoice {
        name: "en_US-lessac-medium",
        folder: "en/en_US/lessac/medium",
        about: "American, female, clear",
        model: (63_201_294, "5efe09e69902187827af646e1a6e9d269dee769f9877d17b16b1b46eeaaf019f"),
        config: (4_885, "efe19c417bed055f2d69908248c6ba650fa135bc868b0e6abb3da181dab690a0"),
    },
    PiperVoice {
        name: "en_US-amy-medium",
        folder: "en/en_US/amy/medium",
        about: "American, female, warm",
        model: (63_201_294, "b3a6e47b57b8c7fbe6a0ce2518161a50f59a9cdd8a50835c02cb02bdd6206c18"),
        config: (4_882, "95a23eb4d42909d38df73bb9ac7f45f597dbfcde2d1bf9526fdeaf5466977d77"),
    },
    PiperVoice {
        name: "en_GB-alan-medium",
        folder: "en/en_GB/alan/medium",
        about: "British, male",
        model: (63_201_294, "0a309668932205e762801f1efc2736cd4b0120329622adf62be09e56339d3330"),
        config: (4_888, "c0f0d124e5895c00e7c03b35dcc8287f319a6998a365b182deb5c8e752ee8c1e"),
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_entry_is_whole() {
        let models = catalogue();
        let names: BTreeSet<&str> = models.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names.len(), models.len(), "names are distinct");
        for file in models.iter().flat_map(|m| &m.files) {
            assert!(file.url.starts_with("https://") && file.url.ends_with(&file.name));
            assert!(file.sha256.len() == 64 && file.sha256.bytes().all(|b| b.is_ascii_hexdigit()));
            assert!(file.bytes > 1_000 && !file.name.contains('/'));
        }
    }

    #[test]
    fn a_model_is_found_by_its_name_only() {
        assert_eq!(find("whisper-base.en").map(|m| m.bytes()), Some(147_964_211));
        assert_eq!(find("base.en"), None);
    }
}
