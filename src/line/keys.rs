/// The two ways in which a key press arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyPath {
    /// In the media: RFC 4733.
    Media,
    /// In signalling: SIP INFO.
    Signalling,
}

/// Which way a caller's key presses are taken from. A gateway that sends each of them both ways
/// means one press: the way that the first one came is the only one that counts in this call.
#[derive(Default)]
pub(super) struct Keys {
    way: Option<KeyPath>,
}

impl Keys {
    /// Whether a press that came by `way` counts.
    pub(super) fn count(&mut self, way: KeyPath) -> bool {
        *self.way.get_or_insert(way) == way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_that_comes_both_ways_counts_once_whichever_comes_first() {
        for (first, second) in
            [(KeyPath::Media, KeyPath::Signalling), (KeyPath::Signalling, KeyPath::Media)]
        {
            let mut keys = Keys::default();
            let presses = [first, second, first, second, second];
            assert_eq!(presses.map(|way| keys.count(way)), [true, false, true, false, false]);
        }
    }
}
