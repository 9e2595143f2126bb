//! What a watcher may see.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is shown of calls to whoever looks through the HTTP door.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Show {
    /// What was said and written, by anybody; and the sound of it.
    pub words: bool,
    /// Phone numbers, addresses and pressed keys.
    pub numbers: bool,
}

impl Default for Show {
    /// Whoever may speak on a call may read it; whose number it is, is nobody's business.
    fn default() -> Self {
        Self { words: true, numbers: false }
    }
}

/// Texts that say how a call goes and nothing of what is said on it. One that nobody has judged is
/// hidden.
const HARMLESS: [&str; 38] = [
    "kind",
    "type",
    "line",
    "call",
    "call_id",
    "id",
    "trunk",
    "codec",
    "claim",
    "source",
    "holder",
    "why",
    "verdict",
    "ending",
    "state",
    "attestation",
    "hangup_by",
    "job",
    "tag",
    "direction",
    "door",
    "part",
    "answer",
    "lane",
    "error",
    "reason",
    "version",
    "cursor",
    "journal",
    "speaker",
    "priority",
    "on_interrupt",
    "dedup_key",
    "trouble",
    "message",
    "who",
    "largest_hop",
    "routes_down",
];
/// Of these the last two characters are left: enough to tell one's own callers apart.
const NUMBERS: [&str; 7] = ["caller", "called", "from", "to", "digit", "number", "digits"];
/// What stands for a hidden text.
const HIDDEN: &str = "…";

impl Show {
    /// Everything.
    pub const ALL: Show = Show { words: true, numbers: true };

    /// `value` with every text that may not be seen replaced.
    #[must_use]
    pub fn of(self, mut value: Value) -> Value {
        if self != Self::ALL {
            self.hide(&mut value);
        }
        value
    }

    fn hide(self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.hide(value)),
            Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| match value {
                Value::String(text) => {
                    if let Some(hidden) = self.hidden(name, text) {
                        *text = hidden;
                    }
                }
                Value::Array(values) if values.iter().all(Value::is_string) => {
                    if !self.words && !HARMLESS.contains(&name.as_str()) {
                        values.clear();
                    }
                }
                value => self.hide(value),
            }),
            _ => {}
        }
    }

    /// What is shown in the place of a text; `None`: itself.
    fn hidden(self, name: &str, text: &str) -> Option<String> {
        match name {
            name if NUMBERS.contains(&name) => (!self.numbers).then(|| crate::calls::hidden(text)),
            name if HARMLESS.contains(&name) => None,
            _ => (!self.words).then(|| if text.is_empty() { "" } else { HIDDEN }.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_hidden_but_for_their_end_and_words_when_asked() {
        let seen = json!({
            "kind": "call", "line": 1, "type": "caller_turn", "text": "my name is Anna",
            "caller": "sip:+4922155501@carrier.example", "nested": [{ "heard_text": "hello" }],
            "times": { "endpoint_ms": 3.5 },
        });
        let default = Show::default().of(seen.clone());
        assert_eq!(default["caller"], "…01");
        assert_eq!(default["text"], "my name is Anna");
        let nothing = Show { words: false, numbers: false }.of(seen.clone());
        assert_eq!(nothing["text"], "…");
        assert_eq!(nothing["nested"][0]["heard_text"], "…");
        assert_eq!((&nothing["type"], &nothing["line"]), (&json!("caller_turn"), &json!(1)));
        assert_eq!(nothing["times"]["endpoint_ms"], 3.5);
        assert_eq!(Show::ALL.of(seen.clone()), seen);
    }

    #[test]
    fn a_text_that_nobody_has_judged_is_hidden_with_the_words() {
        let seen =
            Show { words: false, numbers: true }.of(json!({ "news": "secret", "empty": "" }));
        assert_eq!(seen, json!({ "news": "…", "empty": "" }));
    }
}
