//! Speech to text with whisper.cpp behind media-core's SpeechToText trait.
