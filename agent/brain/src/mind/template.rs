use std::collections::BTreeMap;

use crate::config::Config;
use crate::genes::Slots;
use crate::speakable;

/// Values for the `{places}` of a template, already in words.
#[derive(Debug, Default)]
pub(super) struct Values(BTreeMap<String, String>);

impl Values {
    /// What a command printed as `key=value`. Numbers come in words; those whose key ends in
    /// `bytes` as an amount of data.
    pub(super) fn from_output(output: &str) -> Self {
        let pairs = output.lines().filter_map(|line| line.split_once('='));
        let values = pairs.take(VALUES_MAX).map(|(key, value)| {
            let (key, value) = (key.trim(), value.trim());
            (key.to_owned(), in_words(key, value))
        });
        Self(values.collect())
    }

    pub(super) fn from_slots(slots: &Slots) -> Self {
        let mut values = Self::default();
        let mut set = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                values.set(key, value);
            }
        };
        set("n", slots.number.map(|n| speakable::number(n.into())));
        set("duration", slots.duration.map(speakable::duration));
        set("time", slots.time.map(|time| speakable::clock(time.hour, time.minute)));
        set("name", slots.name.as_deref().map(speakable::capitalised));
        set("digits", slots.digits.as_deref().map(speakable::digits));
        set("text", slots.text.clone());
        values
    }

    pub(super) fn set(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }

    /// Fills the places in; one without a value becomes "some".
    pub(super) fn fill(&self, template: &str) -> String {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((key, after)) = after.split_once('}') else {
                filled.push_str(after);
                return filled;
            };
            filled.push_str(self.0.get(key).map_or("some", String::as_str));
            rest = after;
        }
        filled.push_str(rest);
        speakable::sentences(&filled)
    }
}

/// One argument of a command. Slots come as plain values, not in words.
pub(super) fn argument(part: &str, slots: &Slots, config: &Config) -> String {
    let mut filled = part
        .replace("{config_dir}", &config.directory.display().to_string())
        .replace("{brain}", &config.program.display().to_string());
    let values = [
        ("{n}", slots.number.map(|n| n.to_string())),
        ("{name}", slots.name.clone()),
        ("{digits}", slots.digits.clone()),
        ("{text}", slots.text.clone()),
    ];
    for (place, value) in values {
        filled = filled.replace(place, &value.unwrap_or_default());
    }
    filled
}

fn in_words(key: &str, value: &str) -> String {
    match value.parse::<u64>() {
        Ok(number) if key.ends_with("bytes") => speakable::bytes(number),
        Ok(number) => speakable::number(number),
        Err(_) => value.chars().take(VALUE_CHARS_MAX).collect(),
    }
}

/// A report has a handful.
const VALUES_MAX: usize = 64;

/// A value is a few words.
const VALUE_CHARS_MAX: usize = 200;
