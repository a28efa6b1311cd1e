//! The schedule of random kills.
//!
//! - CH1: kills are spread evenly over the work: of `n` kills, the `i`-th falls somewhere into the `i`-th of `n`
//!   equal parts of its plugin's work. Each kill's plugin is drawn at random.
//! - CH2: a kill is due when its plugin is given a certain piece of work, a call or an item of a stream, so that
//!   the plugin dies with work in hand. If there is enough work, no two kills fall on the same piece.
//! - CH3: the same seed gives the same kills.
//! - CH4: no kill is lost: those of a plugin without work go to another one.

use crate::plugin::PluginKind;

/// The kills that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    plugins: [Due; PluginKind::ALL.len()],
}

/// One plugin's kills.
#[derive(Debug, Default)]
struct Due {
    /// Their positions as fractions of its work, while the amount of work is unknown.
    drawn: Vec<f64>,
    /// The pieces of work at which they are due, in descending order.
    fixed: Vec<u64>,
}

impl Schedule {
    /// Draws `kills` kills for `plugins`, which will have work.
    pub(crate) fn draw(kills: u32, seed: u64, plugins: &[PluginKind]) -> Self {
        let mut schedule = Self::default();
        let mut random = SplitMix64(seed);
        if plugins.is_empty() {
            return schedule;
        }
        for stretch in 0..kills {
            let plugin = plugins[random.below(plugins.len() as u64) as usize];
            let share = (f64::from(stretch) + random.share()) / f64::from(kills);
            schedule.plugins[plugin as usize].drawn.push(share);
        }
        schedule
    }

    /// Sets how many pieces of work a plugin will have, and the number of the first.
    pub(crate) fn fix(&mut self, plugin: PluginKind, first: u64, pieces: u64) {
        let due = &mut self.plugins[plugin as usize];
        let mut next_free = 0;
        for share in due.drawn.drain(..) {
            // Shares are below 1 and come in order, so this is too.
            let wanted = (share * pieces as f64) as u64;
            let piece = wanted.max(next_free).min(pieces.saturating_sub(1));
            next_free = piece + 1;
            due.fixed.push(piece);
        }
        due.fixed.reverse();
        // If the last pieces are taken, earlier ones may still be free.
        let mut bound = pieces;
        for piece in &mut due.fixed {
            *piece = (*piece).min(bound.saturating_sub(1));
            bound = *piece;
        }
        for piece in &mut due.fixed {
            *piece += first;
        }
    }

    /// Gives one plugin's kills to another (CH4).
    pub(crate) fn hand_over(&mut self, from: PluginKind, to: PluginKind) {
        let shares = std::mem::take(&mut self.plugins[from as usize].drawn);
        let due = &mut self.plugins[to as usize];
        due.drawn.extend(shares);
        due.drawn.sort_by(f64::total_cmp);
    }

    /// Returns how many kills are due at this piece of work, counted from 0.
    pub(crate) fn reach(&mut self, plugin: PluginKind, piece: u64) -> u32 {
        let due = &mut self.plugins[plugin as usize];
        let mut kills = 0;
        while due.fixed.pop_if(|&mut at| at <= piece).is_some() {
            kills += 1;
        }
        kills
    }
}

/// Steele, Lea and Flood's generator of 2014: small, and as good as this needs.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`, which is small enough for the remainder to be unbiased.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Returns a number from 0 to below 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces at which kills are due, for each plugin with work.
    fn kills(schedule: &mut Schedule, pieces: u64) -> Vec<(PluginKind, u64, u32)> {
        let mut all = Vec::new();
        for plugin in PluginKind::ALL {
            schedule.fix(plugin, 0, pieces);
            for piece in 0..pieces {
                match schedule.reach(plugin, piece) {
                    0 => {}
                    kills => all.push((plugin, piece, kills)),
                }
            }
        }
        all
    }

    #[test]
    fn every_kill_comes_due_exactly_once() {
        for seed in 0..50 {
            for (number, pieces) in [(1, 1), (7, 3), (20, 112), (100, 10), (5, 1)] {
                let mut schedule = Schedule::draw(number, seed, &PluginKind::ALL);
                let sum: u32 = kills(&mut schedule, pieces)
                    .iter()
                    .map(|(_, _, kills)| kills)
                    .sum();
                assert_eq!(sum, number, "seed {seed}, {number} kills, {pieces} pieces");
            }
        }
    }

    #[test]
    fn kills_do_not_share_a_piece_of_work_where_there_is_enough() {
        for seed in 0..50 {
            let mut schedule = Schedule::draw(20, seed, &[PluginKind::Search]);
            assert!(
                kills(&mut schedule, 20)
                    .iter()
                    .all(|&(_, _, kills)| kills == 1),
                "seed {seed}"
            );
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_kills_and_another_seed_others() {
        let drawn = |seed| kills(&mut Schedule::draw(20, seed, &PluginKind::ALL), 1000);
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn kills_are_spread_over_the_whole_of_the_work() {
        let mut schedule = Schedule::draw(10, 3, &[PluginKind::Links]);
        let pieces: Vec<u64> = kills(&mut schedule, 1000)
            .iter()
            .map(|&(_, piece, _)| piece)
            .collect();
        for (stretch, piece) in (0..).zip(&pieces) {
            assert!(
                (stretch * 100..(stretch + 1) * 100).contains(piece),
                "{pieces:?}"
            );
        }
    }

    #[test]
    fn kills_handed_over_come_due_at_the_other_plugin() {
        let mut schedule = Schedule::draw(12, 1, &[PluginKind::Images, PluginKind::Links]);
        schedule.hand_over(PluginKind::Images, PluginKind::Links);
        let all = kills(&mut schedule, 100);
        assert!(
            all.iter()
                .all(|&(plugin, _, _)| plugin == PluginKind::Links)
        );
        assert_eq!(all.len(), 12);
    }

    #[test]
    fn work_that_begins_later_has_its_kills_later() {
        let mut schedule = Schedule::draw(4, 2, &[PluginKind::Images]);
        schedule.fix(PluginKind::Images, 50, 4);
        assert_eq!(schedule.reach(PluginKind::Images, 49), 0);
        let due: Vec<u32> = (50..54)
            .map(|piece| schedule.reach(PluginKind::Images, piece))
            .collect();
        assert_eq!(due, [1, 1, 1, 1]);
    }

    #[test]
    fn a_stream_that_starts_again_is_not_killed_twice_at_the_same_place() {
        let mut schedule = Schedule::draw(1, 5, &[PluginKind::Search]);
        schedule.fix(PluginKind::Search, 0, 10);
        let first: u32 = (0..10)
            .map(|piece| schedule.reach(PluginKind::Search, piece))
            .sum();
        let again: u32 = (0..10)
            .map(|piece| schedule.reach(PluginKind::Search, piece))
            .sum();
        assert_eq!((first, again), (1, 0));
    }
}
