//! The `.onnx.json` file that comes with a Piper voice.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::LoadError;

/// What a voice's description says, as far as we use it.
#[derive(Deserialize, Clone, Debug)]
pub(crate) struct VoiceConfig {
    pub audio: Audio,
    pub espeak: Espeak,
    #[serde(default)]
    pub inference: Inference,
    #[serde(default = "one")]
    pub num_speakers: u32,
    #[serde(default)]
    phoneme_type: Option<String>,
    phoneme_id_map: BTreeMap<String, Vec<i64>>,
}

#[derive(Deserialize, Clone, Copy, Debug)]
pub(crate) struct Audio {
    pub sample_rate: u32,
}

#[derive(Deserialize, Clone, Debug)]
pub(crate) struct Espeak {
    pub voice: String,
}

/// How lively the voice is. The defaults are Piper's own.
#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(default)]
pub(crate) struct Inference {
    pub noise_scale: f32,
    pub length_scale: f32,
    pub noise_w: f32,
}

impl Default for Inference {
    fn default() -> Self {
        Self { noise_scale: 0.667, length_scale: 1.0, noise_w: 0.8 }
    }
}

impl VoiceConfig {
    pub(crate) fn read(path: &Path) -> Result<Self, LoadError> {
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => LoadError::Missing { path: path.into() },
            _ => LoadError::Unreadable { path: path.into(), source },
        })?;
        let fault = |what: String| LoadError::Config { path: path.into(), what };
        let config: Self = serde_json::from_str(&text).map_err(|e| fault(e.to_string()))?;
        config.check().map_err(|what| fault(what.into()))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), &'static str> {
        let Inference { noise_scale, length_scale, noise_w } = self.inference;
        if !RATES_HZ.contains(&self.audio.sample_rate) {
            return Err("its sample rate is not between 8000 and 48000");
        }
        if self.phoneme_type.as_deref().is_some_and(|t| t != "espeak") {
            return Err("it takes other phonemes than espeak-ng's");
        }
        if !(0.1..=10.0).contains(&length_scale) || !noise_scale.is_finite() || !noise_w.is_finite()
        {
            return Err("its inference scales are out of range");
        }
        if [PAD, BOS, EOS].iter().any(|c| self.id(*c).is_none()) {
            return Err("its phoneme_id_map lacks `^`, `_` or `$`");
        }
        Ok(())
    }

    /// The network's number for a phoneme. `None` for one it does not know.
    pub(crate) fn id(&self, phoneme: char) -> Option<i64> {
        self.phoneme_id_map.get(phoneme.encode_utf8(&mut [0; 4]) as &str)?.first().copied()
    }

    /// The network's input for `ipa`: `^ _ p _ … $`, padding between all, unknown symbols left
    /// out.
    pub(crate) fn ids(&self, ipa: &str) -> Vec<i64> {
        let pad = self.id(PAD).unwrap_or(0);
        let mut ids = vec![self.id(BOS).unwrap_or(1), pad];
        for id in ipa.chars().filter_map(|c| self.id(c)) {
            ids.extend([id, pad]);
        }
        ids.push(self.id(EOS).unwrap_or(2));
        ids
    }
}

const fn one() -> u32 {
    1
}

const PAD: char = '_';
const BOS: char = '^';
const EOS: char = '$';
const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=48_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"{"audio":{"sample_rate":22050},"espeak":{"voice":"en-us"},
        "phoneme_id_map":{"_":[0],"^":[1],"$":[2]," ":[3],"a":[14],"b":[15]}}"#;

    #[test]
    fn every_phoneme_stands_between_pads() {
        let config: VoiceConfig = serde_json::from_str(SOUND).unwrap();
        assert_eq!(config.ids("ab"), [1, 0, 14, 0, 15, 0, 2]);
        assert_eq!(config.ids("a?b"), [1, 0, 14, 0, 15, 0, 2], "unknown symbols are left out");
        assert_eq!(config.ids(""), [1, 0, 2]);
    }

    #[test]
    fn descriptions_that_cannot_be_right_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v.onnx.json");
        for (from, to, expected) in [
            ("22050", "11", "sample rate"),
            (r#""_":[0],"#, "", "lacks"),
            (r#""espeak":{"#, r#""phoneme_type":"text","espeak":{"#, "other phonemes"),
            ("{\"audio\"", "[", "expected"),
            (r#""espeak""#, r#""inference":{"length_scale":0},"espeak""#, "out of range"),
        ] {
            std::fs::write(&path, SOUND.replace(from, to)).unwrap();
            let message = VoiceConfig::read(&path).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        assert!(matches!(
            VoiceConfig::read(&dir.path().join("none")),
            Err(LoadError::Missing { .. })
        ));
    }
}
