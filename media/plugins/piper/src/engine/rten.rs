//! `rten`: pure Rust, runs Piper's VITS graphs and the built-in voice as they are.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use super::Engine;
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
    scale_values: [f32; 3],
}

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
            scale_values: [inference.noise_scale, inference.length_scale, inference.noise_w],
            model,
        })
    }
}

impl Engine for Rten {
    fn name(&self) -> &'static str {
        "rten"
    }

    fn synthesise(&self, utterance: &Utterance) -> Result<Vec<f32>, String> {
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
        guarded(|| {
            let [output] = self
                .model
                .run_n(inputs, [self.output], Some(options))
                .map_err(|e| e.to_string())?;
            let samples: rten_tensor::Tensor<f32> =
                output.try_into().map_err(|_| "its output is no audio".to_owned())?;
            Ok(samples.to_vec())
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
