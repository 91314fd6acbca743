//! Ratings: what each seat of a battle wins or loses, in whole numbers.

use shared::msg::matchmaker_battle::Stakes;

/// Expected score in thousandths of who is rated higher by 0, 25, 50, ... 800 points:
/// 1000 / (1 + 10^(-difference / 400)), the logistic form of the Elo system (Elo: "The Rating of
/// Chessplayers, Past and Present", 1978; Glickman: "A Comprehensive Guide to Chess Ratings",
/// 1995). Larger differences count as 800.
const EXPECTED: [i32; 33] = [
    500, 536, 571, 606, 640, 673, 703, 733, 760, 785, 808, 830, 849, 867, 882, 896, 909, 920, 930,
    939, 947, 954, 960, 965, 969, 973, 977, 980, 983, 985, 987, 989, 990,
];
const DIFFERENCE_STEP: i32 = 25;
const DIFFERENCE_MAX: i32 = 800;

/// The expected score, in thousandths, of a player who is rated `difference` higher.
pub(super) fn expected_score(difference: i32) -> i32 {
    let higher = difference.unsigned_abs().min(DIFFERENCE_MAX.unsigned_abs());
    let step = usize::try_from(higher / DIFFERENCE_STEP.unsigned_abs()).unwrap_or(0);
    let rest = i32::try_from(higher % DIFFERENCE_STEP.unsigned_abs()).unwrap_or(0);
    let low = EXPECTED[step];
    let high = EXPECTED[(step + 1).min(EXPECTED.len() - 1)];
    let score = low + divide_rounded((high - low) * rest, DIFFERENCE_STEP);
    if difference < 0 { 1000 - score } else { score }
}

/// By how much the rating of a player changes who meets a side of average rating `other`.
pub(super) fn stakes(rating: i32, other: i32, rating_k: i32) -> Stakes {
    let expected = expected_score(rating.saturating_sub(other));
    let change = |score: i32| divide_rounded(rating_k * (score - expected), 1000);
    Stakes { won: change(1000), lost: change(0), drawn: change(500) }
}

/// The quotient rounded to the nearest whole number, halves away from zero.
fn divide_rounded(value: i32, by: i32) -> i32 {
    (value + value.signum() * (by / 2)) / by
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_the_logistic_curve() {
        for difference in -900..=900 {
            let clamped = f64::from(difference).clamp(-800.0, 800.0);
            let exact = 1000.0 / (1.0 + 10f64.powf(-clamped / 400.0));
            let off = (f64::from(expected_score(difference)) - exact).abs();
            assert!(off < 1.7, "{difference}: {off}");
        }
    }

    #[test]
    fn equals_play_for_half_of_k_and_a_draw_changes_nothing() {
        assert_eq!(stakes(1500, 1500, 32), Stakes { won: 16, lost: -16, drawn: 0 });
    }

    #[test]
    fn a_favourite_wins_little_and_risks_much() {
        assert_eq!(stakes(1700, 1500, 32), Stakes { won: 8, lost: -24, drawn: -8 });
        assert_eq!(stakes(1500, 1700, 32), Stakes { won: 24, lost: -8, drawn: 8 });
    }

    #[test]
    fn what_one_of_two_wins_the_other_loses() {
        for rating in (0..3000).step_by(7) {
            let (one, other) = (stakes(rating, 1500, 32), stakes(1500, rating, 32));
            assert_eq!(one.won, -other.lost, "{rating}");
            assert_eq!(one.lost, -other.won, "{rating}");
            assert_eq!(one.drawn, -other.drawn, "{rating}");
        }
    }

    #[test]
    fn extreme_ratings_stay_within_k() {
        for (rating, other) in [(i32::MAX, i32::MIN), (i32::MIN, i32::MAX), (0, i32::MAX)] {
            let stakes = stakes(rating, other, 32);
            assert!((0..=32).contains(&stakes.won) && (-32..=0).contains(&stakes.lost));
        }
    }
}
