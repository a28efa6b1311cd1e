//! A line of a comparison, for the table and the plot.

use super::figures::Figures;
use super::point::Point;

/// A subject's figures at one point.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) point: Point,
    pub(super) figures: Figures,
}
