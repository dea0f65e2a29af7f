//! Numbers that anyone can draw again: splitmix64, and Zipf's law over ranks.
//!
//! Deliberately no package: the workload is defined by these few lines, and a release of somebody's generator must not
//! change what a figure was measured on.

/// Source: S. Vigna, splitmix64.c, public domain.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finisher of splitmix64: one number well mixed.
pub const fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub const fn draw(&mut self) -> u64 {
        let drawn = mix(self.state);
        self.state = self.state.wrapping_add(GOLDEN);
        drawn
    }

    /// 0 to `bound - 1`; the high half of the product, whose bias below 2⁻³² nobody can see. One draw.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.draw() as u128 * bound as u128) >> 64) as u64
    }

    /// 0 to 1, 1 excluded: the upper 53 bits. One draw.
    pub const fn fraction(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Picks among items whose weights are given, each pick one draw.
#[derive(Clone, Debug)]
pub struct Weighted {
    items: Vec<u16>,
    /// Share of all mass up to and including the item.
    upto: Vec<f64>,
}

/// Zipf(1.0): the weight of a 0-based rank.
pub fn zipf_weight(rank: usize) -> f64 {
    1.0 / (rank + 1) as f64
}

impl Weighted {
    /// Ranks by Zipf's law, their masses taken as they are and not ranked anew.
    pub fn zipf(ranks: impl IntoIterator<Item = u16>) -> Self {
        let items: Vec<u16> = ranks.into_iter().collect();
        let total: f64 = items.iter().map(|rank| zipf_weight(usize::from(*rank))).sum();
        let mut sum = 0.0;
        let upto = items
            .iter()
            .map(|rank| {
                sum += zipf_weight(usize::from(*rank));
                sum / total
            })
            .collect();
        Self { items, upto }
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// `None` only when there are no items.
    pub fn pick(&self, random: &mut Random) -> Option<u16> {
        let point = random.fraction();
        let at = self.upto.partition_point(|upto| *upto <= point).min(self.items.len().saturating_sub(1));
        self.items.get(at).copied()
    }
}
