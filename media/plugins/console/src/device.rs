//! Which sound devices there are, and which is meant.

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{ErrorKind, Host};

/// Which way sound goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// From a microphone.
    In,
    /// To a loudspeaker.
    Out,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Direction::In => "microphone",
            Direction::Out => "loudspeaker",
        })
    }
}

/// A sound device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Device {
    /// What it is chosen by.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// Why there is no sound.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// The machine has none that works.
    #[error(
        "no {direction} can be opened ({reason}); is one plugged in, and may this user use it (group audio)? The console works without: --no-audio"
    )]
    None {
        /// Which way.
        direction: Direction,
        /// What the system says.
        reason: String,
    },
    /// None is called so.
    #[error("no {direction} is called {name:?}; there are: {known}")]
    Unknown {
        /// Which way.
        direction: Direction,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Somebody else has it.
    #[error("the {direction} {name:?} is taken by another program; close that, or choose another")]
    Busy {
        /// Which way.
        direction: Direction,
        /// Its name.
        name: String,
    },
    /// It speaks no format of ours.
    #[error(
        "the {direction} {name:?} offers no format with 16 or 32 bits or floats; choose one that converts, such as \"default\""
    )]
    Format {
        /// Which way.
        direction: Direction,
        /// Its name.
        name: String,
    },
}

/// The devices that sound can come from or go to, the system's own choice first.
#[must_use]
pub fn devices(direction: Direction) -> Vec<Device> {
    let host = cpal::default_host();
    let listed = all(&host, direction).into_iter().filter_map(|device| described(&device));
    let mut listed: Vec<Device> = listed.filter(|device| !is_no_device(device)).collect();
    listed.sort_by_key(|device| device.id != "default");
    listed
}

/// Whether `name` means a device, without opening it.
///
/// # Errors
/// [`SoundError::Unknown`], with what there is.
pub fn known(direction: Direction, name: &str) -> Result<(), SoundError> {
    choose(direction, Some(name)).map(drop)
}

/// Whether it swallows everything, or only converts what goes to another device: nobody chooses it
/// by looking at a list.
fn is_no_device(device: &Device) -> bool {
    ["null", "lavrate", "samplerate", "speexrate", "speex", "upmix", "vdownmix"]
        .contains(&device.id.as_str())
}

/// The device that `name` means: its id, or a part of its name; `None` is the system's own choice.
pub(crate) fn choose(direction: Direction, name: Option<&str>) -> Result<cpal::Device, SoundError> {
    let host = cpal::default_host();
    let Some(name) = name else {
        let default = match direction {
            Direction::In => host.default_input_device(),
            Direction::Out => host.default_output_device(),
        };
        let reason = || "the system names none".to_owned();
        return default.ok_or_else(|| SoundError::None { direction, reason: reason() });
    };
    let devices = all(&host, direction);
    let is = |test: &dyn Fn(&Device) -> bool| {
        devices.iter().find(|device| described(device).is_some_and(|it| test(&it)))
    };
    let wanted = name.to_lowercase();
    let found = is(&|device| device.id == name)
        .or_else(|| is(&|device| device.name.to_lowercase().contains(&wanted)));
    found.cloned().ok_or_else(|| {
        let known = devices.iter().filter_map(described).filter(|it| !is_no_device(it));
        let known: Vec<String> = known.map(|it| it.id).collect();
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        SoundError::Unknown { direction, name: name.to_owned(), known }
    })
}

pub(crate) fn id_of(device: &cpal::Device) -> String {
    described(device).map_or_else(|| "default".to_owned(), |it| it.id)
}

/// What an error of the system's means to a person.
pub(crate) fn refused(
    direction: Direction,
    device: &cpal::Device,
    error: &cpal::Error,
) -> SoundError {
    match error.kind() {
        ErrorKind::DeviceBusy => SoundError::Busy { direction, name: id_of(device) },
        ErrorKind::UnsupportedConfig => SoundError::Format { direction, name: id_of(device) },
        _ => SoundError::None { direction, reason: error.to_string() },
    }
}

fn all(host: &Host, direction: Direction) -> Vec<cpal::Device> {
    // Asking whether a device supports a direction would open every one of them.
    let goes = |device: &cpal::Device| {
        device.description().is_ok_and(|it| match direction {
            Direction::In => it.supports_input(),
            Direction::Out => it.supports_output(),
        })
    };
    host.devices().map(|devices| devices.filter(goes).collect()).unwrap_or_default()
}

fn described(device: &cpal::Device) -> Option<Device> {
    let id = device.id().ok()?.id().to_owned();
    let name = device.description().map_or_else(|_| id.clone(), |it| it.name().to_owned());
    Some(Device { id, name })
}
