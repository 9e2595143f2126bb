//! The only file that calls espeak-ng's C interface.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_short, c_void};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use espeak_rs_sys as sys;

use super::data::{EspeakError, Place, places};

/// Proof that the library is initialised. Every call takes the one lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Library(());

/// Audio of the formant voice at [`FORMANT_RATE_HZ`].
#[derive(Default, Debug)]
pub(crate) struct Formant {
    pub samples: Vec<i16>,
    pub words: Vec<SpokenAt>,
}

/// When a word begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SpokenAt {
    /// Characters of the text before the word.
    pub character: usize,
    /// Sample at which it begins.
    pub sample: usize,
}

/// Rate of everything espeak-ng synthesises itself.
pub(crate) const FORMANT_RATE_HZ: u32 = 22_050;

struct State {
    initialised: bool,
    voice: Option<CString>,
}

/// The one lock around the library.
static STATE: Mutex<State> = Mutex::new(State { initialised: false, voice: None });

impl Library {
    /// Initialises the library, once per process; later calls return at once and ignore `data`.
    pub(crate) fn open(data: Option<&Path>) -> Result<Self, EspeakError> {
        let mut state = lock();
        if !state.initialised {
            initialise(data)?;
            state.initialised = true;
        }
        Ok(Self(()))
    }

    /// The data folder in use.
    pub(crate) fn data_path(self) -> PathBuf {
        let _state = lock();
        let mut path: *const c_char = ptr::null();
        // SAFETY: initialised and under the lock; the library points `path` at its own static
        // buffer, which is copied before the lock is given back.
        let path = unsafe {
            sys::espeak_Info(&raw mut path);
            if path.is_null() { c"" } else { CStr::from_ptr(path) }
        };
        PathBuf::from(path.to_string_lossy().as_ref())
    }

    /// IPA of `text` in the language of `voice`, clauses joined by a blank. `text` should hold no
    /// punctuation: the library drops it.
    pub(crate) fn phonemes(self, voice: &str, text: &str) -> Result<String, EspeakError> {
        let text = c_string(text);
        let mut state = lock();
        select(&mut state, voice)?;
        let mut rest: *const c_void = text.as_ptr().cast();
        let mut ipa = String::new();
        // One call per clause; the library advances `rest` and sets it to null at the end. It
        // advances by at least one character per call, so the text's length bounds the loop.
        for _ in 0..=text.as_bytes().len() {
            if rest.is_null() {
                break;
            }
            // SAFETY: initialised and under the lock; `rest` points into `text`, which is
            // NUL-terminated and outlives the loop.
            let clause = unsafe {
                sys::espeak_TextToPhonemes(
                    &raw mut rest,
                    UTF8,
                    sys::espeakINITIALIZE_PHONEME_IPA as c_int,
                )
            };
            if clause.is_null() {
                continue;
            }
            // SAFETY: a NUL-terminated string in the library's buffer, valid until the next call
            // under the lock; it is copied here.
            let clause = unsafe { CStr::from_ptr(clause) }.to_string_lossy();
            let clause = without_language_switches(&clause);
            if !ipa.is_empty() && !clause.is_empty() {
                ipa.push(' ');
            }
            ipa.push_str(clause.trim());
        }
        Ok(ipa)
    }

    /// Speaks `text` with espeak-ng's own formant synthesiser.
    pub(crate) fn speak(self, voice: &str, text: &str) -> Result<Formant, EspeakError> {
        let text = c_string(text);
        let mut state = lock();
        select(&mut state, voice)?;
        CAPTURE.take();
        // SAFETY: initialised and under the lock; `capture` is a plain function; the text is
        // NUL-terminated and outlives the call, which is synchronous in this output mode.
        let code = unsafe {
            sys::espeak_SetSynthCallback(Some(capture));
            sys::espeak_Synth(
                text.as_ptr().cast(),
                text.as_bytes_with_nul().len(),
                0,
                sys::espeak_POSITION_TYPE_POS_CHARACTER,
                0,
                UTF8 as u32,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        drop(state);
        match code {
            sys::espeak_ERROR_EE_OK => Ok(CAPTURE.take()),
            code => Err(EspeakError::Failed { call: "espeak_Synth", code: i64::from(code) }),
        }
    }
}

fn lock() -> MutexGuard<'static, State> {
    // Nothing that runs under the lock leaves the state half-changed.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn initialise(data: Option<&Path>) -> Result<(), EspeakError> {
    let places = places(data)?;
    for place in &places {
        let path = match place {
            Place::Folder(path) => Some(c_string(&path.to_string_lossy())),
            Place::BuiltIn => None,
        };
        let path = path.as_ref().map_or(ptr::null(), |p| p.as_ptr());
        // SAFETY: called under the lock and before anything else of the library; `path` is null
        // or a NUL-terminated string that outlives the call, which copies it.
        let rate = unsafe {
            sys::espeak_Initialize(
                sys::espeak_AUDIO_OUTPUT_AUDIO_OUTPUT_SYNCHRONOUS,
                BUFFER_MS,
                path,
                sys::espeakINITIALIZE_DONT_EXIT as c_int,
            )
        };
        if rate == FORMANT_RATE_HZ as c_int {
            return Ok(());
        }
    }
    let names = places.iter().map(|p| match p {
        Place::Folder(path) => path.display().to_string(),
        Place::BuiltIn => "the path compiled in".to_owned(),
    });
    Err(EspeakError::NoData { searched: names.collect::<Vec<_>>().join(", ") })
}

fn select(state: &mut State, voice: &str) -> Result<(), EspeakError> {
    let name = c_string(voice);
    if state.voice.as_ref() == Some(&name) {
        return Ok(());
    }
    state.voice = None;
    // SAFETY: initialised, under the lock, and a NUL-terminated name.
    let code = unsafe { sys::espeak_SetVoiceByName(name.as_ptr()) };
    if code != sys::espeak_ERROR_EE_OK {
        return Err(EspeakError::NoVoice(voice.to_owned()));
    }
    state.voice = Some(name);
    Ok(())
}

thread_local! {
    /// Where [`capture`] puts what it is given. Synthesis is synchronous, so the callback runs on
    /// the thread that asked for it.
    static CAPTURE: RefCell<Formant> = RefCell::default();
}

/// Takes synthesised samples. Returns 1, which stops the synthesis, once there is too much.
unsafe extern "C" fn capture(
    samples: *mut c_short,
    count: c_int,
    mut events: *mut sys::espeak_EVENT,
) -> c_int {
    let Ok(count) = usize::try_from(count) else { return 1 };
    CAPTURE.with_borrow_mut(|capture| {
        // SAFETY: the library passes a list of events that ends with one of type
        // LIST_TERMINATED, and `count` samples or null.
        unsafe {
            while !events.is_null() && (*events).type_ != END_OF_EVENTS {
                if (*events).type_ == sys::espeak_EVENT_TYPE_espeakEVENT_WORD {
                    capture.words.push(SpokenAt {
                        character: usize::try_from((*events).text_position - 1).unwrap_or(0),
                        sample: usize::try_from((*events).audio_position).unwrap_or(0)
                            * FORMANT_RATE_HZ as usize
                            / 1_000,
                    });
                }
                events = events.add(1);
            }
            if !samples.is_null() {
                capture.samples.extend_from_slice(std::slice::from_raw_parts(samples, count));
            }
        }
        c_int::from(capture.samples.len() > SAMPLES_MAX)
    })
}

/// espeak marks words that it takes for another language: "(fr)…(en)". Those are not phonemes.
fn without_language_switches(ipa: &str) -> String {
    let mut depth = 0u32;
    let keep = |c: &char| match c {
        '(' => {
            depth += 1;
            false
        }
        ')' => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    };
    ipa.chars().filter(keep).collect()
}

/// `text` up to its first NUL.
fn c_string(text: &str) -> CString {
    let bytes: Vec<u8> = text.bytes().take_while(|b| *b != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

const UTF8: c_int = sys::espeakCHARS_UTF8 as c_int;
const END_OF_EVENTS: sys::espeak_EVENT_TYPE = sys::espeak_EVENT_TYPE_espeakEVENT_LIST_TERMINATED;
const BUFFER_MS: c_int = 60;
/// A clause of a minute is a mistake of ours; this stops it.
const SAMPLES_MAX: usize = 60 * FORMANT_RATE_HZ as usize;
