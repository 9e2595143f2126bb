//! What the benches share: a ratio that other load on the machine does not spoil, and a word
//! about where and how it was taken.

/// How much longer one thing takes than another.
pub struct Ratio {
    /// What the subject took, median of the rounds.
    pub subject: f64,
    /// The baseline, likewise.
    pub baseline: f64,
    /// The first over the second in the same round: lower quartile, median, upper quartile.
    pub times: [f64; 3],
}

impl Ratio {
    /// From rounds of subject and baseline.
    pub fn of(rounds: Vec<[f64; 2]>) -> Self {
        let sorted = |of: fn(&[f64; 2]) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
        };
        Ratio {
            subject: sorted(|round| round[0])[1],
            baseline: sorted(|round| round[1])[1],
            times: sorted(|round| round[0] / round[1]),
        }
    }
}

/// Prints where and how.
pub fn print(what: &str) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    println!("machine: {cores} cores, {}, load average {load}", model.map_or("?", |m| m.1));
    println!("method: {what}\n");
}
