//! Text to speech with Piper voices and espeak-ng behind media-core's TextToSpeech trait.
