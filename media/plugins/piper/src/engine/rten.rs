//! `rten`: pure Rust, runs Piper's VITS graphs and the built-in voice as they are.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use super::{Engine, Made};
use crate::LoadError;
use crate::config::VoiceConfig;
use crate::utterance::Utterance;

pub(crate) struct Rten {
    model: Model,
    ids: NodeId,
    lengths: NodeId,
    scales: NodeId,
    speaker: Option<NodeId>,
    output: NodeId,
    timing: Option<Timing>,
    scale_values: [f32; 3],
}

/// What inside the graph says how long each id lasts.
#[derive(Clone, Copy)]
enum Timing {
    /// The length of every id, in the network's frames: graphs that Piper exports.
    Lengths(NodeId),
    /// Where every id ends, in frames, without the padding: the built-in voice.
    Ends(NodeId),
}

impl Timing {
    /// By the names that the exporter of PyTorch gives to the one node of its kind.
    fn of(model: &Model) -> Option<Self> {
        let lengths = model.find_node("/Ceil_output_0").map(Timing::Lengths);
        lengths.or_else(|| model.find_node("/Round_output_0").map(Timing::Ends))
    }

    fn node(self) -> NodeId {
        match self {
            Timing::Lengths(node) | Timing::Ends(node) => node,
        }
    }

    /// Where each of `ids` ends, as a part of the whole, if `frames` are about them.
    fn ends(self, ids: &[i64], frames: &[f32]) -> Option<Vec<f32>> {
        let mut frames = frames.iter();
        let (mut ends, mut at) = (Vec::with_capacity(ids.len()), 0.0_f32);
        for id in ids {
            match self {
                Timing::Lengths(_) => at += frames.next()?.max(0.0),
                Timing::Ends(_) if *id == PADDING => {}
                Timing::Ends(_) => at = frames.next()?.max(at),
            }
            ends.push(at);
        }
        let is_whole = frames.next().is_none() && at.is_finite() && at > 0.0;
        is_whole.then(|| ends.into_iter().map(|end| end / at).collect())
    }
}

/// Of Piper's voices.
const PADDING: i64 = 0;

impl Rten {
    pub(crate) fn load(
        path: &Path,
        bytes: Vec<u8>,
        config: &VoiceConfig,
    ) -> Result<Self, LoadError> {
        let fault = |what: String| LoadError::Model { path: path.into(), what };
        let model = guarded(|| {
            ModelOptions::with_all_ops()
                .prepack_weights(true)
                .load(bytes)
                .map_err(|e| e.to_string())
        })
        .map_err(fault)?;
        let node = |name: &str| {
            model.node_id(name).map_err(|_| fault(format!("it has no input `{name}`")))
        };
        let speaker = if config.num_speakers > 1 { Some(node("sid")?) } else { None };
        let output = model.output_ids().first().copied();
        let inference = config.inference;
        Ok(Self {
            ids: node("input")?,
            lengths: node("input_lengths")?,
            scales: node("scales")?,
            speaker,
            output: output.ok_or_else(|| fault("it has no output".into()))?,
            timing: Timing::of(&model),
            scale_values: [inference.noise_scale, inference.length_scale, inference.noise_w],
            model,
        })
    }
}

impl Engine for Rten {
    fn name(&self) -> &'static str {
        "rten"
    }

    fn synthesise(&self, utterance: &Utterance) -> Result<Made, String> {
        let ids: Result<Vec<i32>, _> = utterance.ids.iter().map(|&id| i32::try_from(id)).collect();
        let ids = ids.map_err(|_| "a phoneme id out of range")?;
        let count = ids.len();
        let mut inputs: Vec<(NodeId, ValueOrView<'_>)> = vec![
            (self.ids, NdTensor::from_data([1, count], ids).into()),
            (self.lengths, NdTensor::from_data([1], vec![count as i32]).into()),
            (self.scales, NdTensor::from_data([3], self.scale_values.to_vec()).into()),
        ];
        if let Some(speaker) = self.speaker {
            inputs.push((speaker, NdTensor::from_data([1], vec![0i32]).into()));
        }
        let options = RunOptions::default().with_thread_pool(Some(own_pool()));
        let outputs: Vec<NodeId> =
            [Some(self.output), self.timing.map(Timing::node)].into_iter().flatten().collect();
        guarded(|| {
            let made = self.model.run(inputs, &outputs, Some(options));
            let mut made = made.map_err(|e| e.to_string())?.into_iter();
            let mut next = || -> Option<Vec<f32>> {
                let tensor: rten_tensor::Tensor<f32> = made.next()?.try_into().ok()?;
                Some(tensor.to_vec())
            };
            let samples = next().ok_or("its output is no audio")?;
            let ends = self.timing.and_then(|timing| timing.ends(&utterance.ids, &next()?));
            Ok(Made { samples, ends })
        })
    }
}

/// A pool of one thread for each speech worker that calls. The library's own pool is shared by
/// all and has a thread per core, so that one line's sentence would take the cores from under the
/// audio threads; speech workers are few and already run side by side.
fn own_pool() -> Arc<ThreadPool> {
    thread_local! {
        static POOL: OnceCell<Arc<ThreadPool>> = const { OnceCell::new() };
    }
    POOL.with(|pool| Arc::clone(pool.get_or_init(|| Arc::new(ThreadPool::with_num_threads(1)))))
}

/// Runs `work`; a panic inside it, which a damaged graph can cause, is an error.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("the graph is damaged".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_says_where_each_id_ends_or_what_it_says_is_left_out() {
        let ids = [1, PADDING, 14, PADDING, 2];
        let lengths = |frames: &[f32]| Timing::Lengths(NodeId::from_u32(0)).ends(&ids, frames);
        let ends = |frames: &[f32]| Timing::Ends(NodeId::from_u32(0)).ends(&ids, frames);
        let expected = Some(vec![0.0, 0.25, 0.75, 0.75, 1.0]);
        assert_eq!(lengths(&[0.0, 2.0, 4.0, 0.0, 2.0]), expected);
        assert_eq!(ends(&[2.0, 6.0, 8.0]), Some(vec![0.25, 0.25, 0.75, 0.75, 1.0]));
        for odd in [&[][..], &[1.0; 4], &[1.0; 6], &[f32::NAN; 5], &[0.0; 5]] {
            assert_eq!(lengths(odd), None, "{odd:?}");
            assert_eq!(ends(odd), None, "{odd:?}");
        }
    }
}
