use super::LAG_SLACK;
use super::correlate::Match;

/// An echo path: delay in samples, and factor from sent to heard.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Path {
    pub(super) lag: usize,
    pub(super) gain: f32,
}

/// Finds the path among the explanations of many frames. A single frame's best delay may be a
/// whole pitch period off, since a vowel resembles itself; the right one is voted for by all.
pub(super) struct PathSearch {
    votes: Vec<f32>,
    all: f32,
    known: Option<Path>,
}

impl PathSearch {
    pub(super) fn new(lags: usize) -> Self {
        Self { votes: vec![0.0; lags], all: 0.0, known: None }
    }

    pub(super) fn known(&self) -> Option<Path> {
        self.known
    }

    /// Takes the best explanation of one frame into account.
    pub(super) fn vote(&mut self, found: Match) {
        self.votes.iter_mut().for_each(|vote| *vote *= FORGETTING);
        self.all = self.all * FORGETTING + found.coherence;
        if let Some(vote) = self.votes.get_mut(found.lag) {
            *vote += found.coherence;
        }
        let (lag, weight) = self.favourite();
        if weight < VOTES_TO_BELIEVE || weight < self.all * MAJORITY {
            return;
        }
        let gain = match self.known {
            Some(path) if near(path.lag, lag) && near(found.lag, lag) => {
                path.gain + (found.gain - path.gain) * GAIN_LEARNING
            }
            Some(path) if near(path.lag, lag) => path.gain,
            _ => found.gain,
        };
        self.known = Some(Path { lag, gain });
    }

    /// The delay with the most votes, and the votes for it and its neighbours.
    fn favourite(&self) -> (usize, f32) {
        let best = (0..self.votes.len()).max_by(|&a, &b| self.votes[a].total_cmp(&self.votes[b]));
        let lag = best.unwrap_or(0);
        let around = lag.saturating_sub(LAG_SLACK)..(lag + LAG_SLACK + 1).min(self.votes.len());
        (lag, self.votes[around].iter().sum())
    }
}

pub(super) fn near(a: usize, b: usize) -> bool {
    a.abs_diff(b) <= LAG_SLACK
}

/// The last fifty votes or so decide: a transferred call has a new path.
const FORGETTING: f32 = 0.98;
/// Three frames that are nearly all echo.
const VOTES_TO_BELIEVE: f32 = 1.8;
const MAJORITY: f32 = 0.5;
const GAIN_LEARNING: f32 = 0.2;
