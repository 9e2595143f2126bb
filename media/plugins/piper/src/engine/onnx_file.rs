//! Walks the structure of an ONNX file before an engine does.
//!
//! An ONNX file is a protobuf message. Damaged ones have made `rten` 0.27 loop for ever (ten
//! continuation bytes in a row), so lengths, numbers and nesting are checked here first; what the
//! fields mean is the engine's affair.

/// Checks that `bytes` are one whole ONNX model.
///
/// # Errors
/// What does not fit, and where.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut walk = Walk { bytes, at: 0 };
    let has_graph = walk.message(Kind::Model, bytes.len(), 0).map_err(|what| match what {
        Fault::Length => format!("it ends early or holds a wrong length, at byte {}", walk.at),
        Fault::Number => format!("a number does not end, at byte {}", walk.at),
        Fault::Wire => format!("there is no such field type, at byte {}", walk.at),
        Fault::Depth => "its graphs are nested too deep".to_owned(),
    })?;
    if has_graph { Ok(()) } else { Err("there is no graph in it".to_owned()) }
}

/// The messages of onnx.proto3 that engines decode.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    /// No messages inside.
    Leaf,
}

/// What a length-delimited field holds.
enum Inside {
    Message(Kind),
    Varints,
    Bytes,
}

/// onnx.proto3, as far as it is messages and packed numbers.
const fn inside(kind: Kind, field: u64) -> Inside {
    use Inside::{Bytes, Message, Varints};
    match (kind, field) {
        (Kind::Model, 7) => Message(Kind::Graph),
        (Kind::Model, 8 | 14) => Message(Kind::Leaf),
        (Kind::Graph, 1) => Message(Kind::Node),
        (Kind::Graph, 5) => Message(Kind::Tensor),
        (Kind::Graph, 11..=13) => Message(Kind::ValueInfo),
        (Kind::Node, 5) => Message(Kind::Attribute),
        (Kind::Attribute, 5 | 10) => Message(Kind::Tensor),
        (Kind::Attribute, 6 | 11) => Message(Kind::Graph),
        (Kind::Attribute, 8) | (Kind::Tensor, 1 | 5 | 7 | 11) => Varints,
        (Kind::Tensor, 13) => Message(Kind::Leaf),
        (Kind::ValueInfo, 2) => Message(Kind::Type),
        (Kind::Type, 1) => Message(Kind::TensorType),
        (Kind::TensorType, 2) => Message(Kind::Shape),
        (Kind::Shape, 1) => Message(Kind::Leaf),
        _ => Bytes,
    }
}

enum Fault {
    Length,
    Number,
    Wire,
    Depth,
}

struct Walk<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Walk<'_> {
    /// Walks one message up to `end`. Whether a graph was among its fields.
    fn message(&mut self, kind: Kind, end: usize, depth: u8) -> Result<bool, Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::Depth);
        }
        let mut has_graph = false;
        while self.at < end {
            let tag = self.varint(end)?;
            let field = tag >> 3;
            match tag & 7 {
                0 => {
                    self.varint(end)?;
                }
                1 => self.skip(8, end)?,
                2 => {
                    let length = self.varint(end)?;
                    let length = usize::try_from(length).map_err(|_| Fault::Length)?;
                    has_graph |= kind == Kind::Model && field == 7;
                    self.delimited(inside(kind, field), length, end, depth)?;
                }
                5 => self.skip(4, end)?,
                _ => return Err(Fault::Wire),
            }
        }
        Ok(has_graph)
    }

    fn delimited(
        &mut self,
        inside: Inside,
        length: usize,
        end: usize,
        depth: u8,
    ) -> Result<(), Fault> {
        let inner = self.at.checked_add(length).filter(|e| *e <= end).ok_or(Fault::Length)?;
        match inside {
            Inside::Message(kind) => self.message(kind, inner, depth + 1).map(|_| ()),
            Inside::Varints => {
                while self.at < inner {
                    self.varint(inner)?;
                }
                Ok(())
            }
            Inside::Bytes => self.skip(length, end),
        }
    }

    fn varint(&mut self, end: usize) -> Result<u64, Fault> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = *self.bytes[..end].get(self.at).ok_or(Fault::Length)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Fault::Number)
    }

    fn skip(&mut self, count: usize, end: usize) -> Result<(), Fault> {
        self.at = self.at.checked_add(count).filter(|at| *at <= end).ok_or(Fault::Length)?;
        Ok(())
    }
}

/// Piper's graphs nest three deep (model, graph, node, attribute, tensor).
const DEPTH_MAX: u8 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn builtin() -> Vec<u8> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../assets/models/");
        std::fs::read(format!("{path}{}", crate::BUILTIN_VOICE)).unwrap()
    }

    #[test]
    fn a_whole_model_passes_and_no_part_of_it_does() {
        let whole = builtin();
        assert_eq!(check(&whole), Ok(()));
        for cut in [0, 1, 10, 1_000, whole.len() / 2, whole.len() - 1] {
            assert!(check(&whole[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn numbers_that_do_not_end_are_found() {
        assert!(check(&[0xa5; 64]).unwrap_err().contains("does not end"));
    }

    #[test]
    fn nesting_is_bounded() {
        // A graph in an attribute in a node in a graph, over and over, inside a model.
        let inside_out = [0x32, 0x2a, 0x0a].iter().cycle().take(30).chain([&0x3a]);
        let nested = inside_out.fold(Vec::new(), |inner: Vec<u8>, field| {
            let length = [0x80 | (inner.len() & 0x7f) as u8, (inner.len() >> 7) as u8];
            [&[*field][..], &length, &inner].concat()
        });
        assert!(check(&nested).unwrap_err().contains("too deep"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = check(&bytes);
        }
    }
}
