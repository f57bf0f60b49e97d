//! Where the right place and the guesses of a group lie, drawn with dots.

use crate::source::{RolloutGroup, TrajectoryHead};
use crate::text;
use crate::ui::{raster::Raster, theme::Theme};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

/// The least that a map shows, in degrees: with less, a guess that is right would fill the world.
const DEGREES_MIN: f64 = 0.05;
/// What stays free around the places.
const MARGIN: f64 = 0.12;
/// Mean radius of the Earth.
const EARTH_KM: f64 = 6371.0;

/// Latitude and longitude in degrees.
type Place = (f64, f64);

/// A map of the guesses of a group.
pub struct Map<'a> {
    pub group: &'a RolloutGroup,
    pub one: &'a TrajectoryHead,
    pub theme: &'a Theme,
}

impl Map<'_> {
    /// Whether there is anything to be seen.
    pub fn is_there(&self) -> bool {
        self.group.truth.is_some_and(is_place) || self.one.guess.is_some_and(is_place)
    }

    /// Its words: the places and how far they are apart.
    pub fn words(&self) -> String {
        let [(truth_sign, _), (guess_sign, _), (other_sign, _)] = self.theme.places();
        let place = |sign: &str, name: &str, place: Option<Place>| {
            place.map(|(lat, lon)| format!("{sign} {name} {}, {}", text::number(lat, 5), text::number(lon, 5)))
        };
        let apart = self.distance().map(|km| format!("{} km apart", text::number(km, 4)));
        let guesses = self.group.trajectories.iter().filter(|one| one.guess.is_some_and(is_place)).count();
        let others = (guesses > 1).then(|| format!("{other_sign} others"));
        let parts = [place(truth_sign, "right", self.group.truth), place(guess_sign, "guess", self.one.guess), apart, others];
        parts.into_iter().flatten().collect::<Vec<_>>().join("   ")
    }

    /// What was logged, else what the places say.
    pub fn distance(&self) -> Option<f64> {
        self.one.distance_km.or_else(|| Some(apart_km(self.group.truth?, self.one.guess?))).filter(|km| km.is_finite())
    }

    /// Draws it: every guess of the group, the one in focus, and the line from there to the right place.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        let guesses = || self.group.trajectories.iter().filter_map(|one| one.guess).filter(|place| is_place(*place));
        let Some(centre) = self.group.truth.filter(|place| is_place(*place)).or(self.one.guess) else { return };
        if area.width < 2 || area.height < 2 {
            return;
        }
        // As it lies from there, also across the date line.
        let near = |(lat, lon): Place| (lat, centre.1 + (lon - centre.1 + 180.0).rem_euclid(360.0) - 180.0);
        let all: Vec<Place> = guesses().chain([centre]).map(near).collect();
        let mut raster = Raster::new(self.theme.dots(), area.width, area.height);
        let frame = Window::around(&all, (raster.width(), raster.height()), area);
        for x in 0..raster.width() {
            for y in (0..raster.height()).filter(|y| frame.is_grid(x, *y)) {
                raster.dot(x, y, 0);
            }
        }
        let dot = |place: Place| frame.dot(place, (raster.width(), raster.height()));
        let guess = self.one.guess.filter(|place| is_place(*place)).map(near);
        if let (Some(guess), Some(_)) = (guess, self.group.truth) {
            let (from, to) = (dot(guess), dot(centre));
            raster.line(from, to, 1);
        }
        raster.draw(area, buf, &[self.theme.faint(), self.theme.quiet()]);
        let [truth_sign, guess_sign, other] = self.theme.places();
        let truth = self.group.truth.filter(|place| is_place(*place)).map(near);
        let marks = guesses().map(|place| (near(place), other)).chain(guess.map(|place| (place, guess_sign)));
        for (place, (sign, style)) in marks.chain(truth.map(|place| (place, truth_sign))) {
            let at = frame.cell(place, area);
            if area.contains(at) {
                buf[at].reset();
                buf[at].set_symbol(sign).set_style(style);
            }
        }
        let height = format!(" {} high ", degrees(frame.lat.1 - frame.lat.0));
        buf.set_stringn(area.x, area.bottom() - 1, self.theme.plain(height.into()), usize::from(area.width), self.theme.faint());
    }
}

/// A stretch in degrees, in degrees or kilometres.
fn degrees(stretch: f64) -> String {
    let km = stretch.to_radians() * EARTH_KM;
    format!("{} km", text::number(km, 2))
}

fn is_place((lat, lon): Place) -> bool {
    lat.abs() <= 90.0 && lon.abs() <= 360.0
}

/// The way between two places over the ground.
fn apart_km((lat0, lon0): Place, (lat1, lon1): Place) -> f64 {
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let a = half(lat0, lat1) + lat0.to_radians().cos() * lat1.to_radians().cos() * half(lon0, lon1);
    2.0 * EARTH_KM * a.clamp(0.0, 1.0).sqrt().asin()
}

/// The part of the world that is shown.
#[derive(Clone, Copy, Debug)]
struct Window {
    lat: Place,
    lon: Place,
    /// Degrees between two lines of the grid.
    grid: f64,
    dots: (usize, usize),
}

impl Window {
    /// Shows all of `places`, with a kilometre as long from left to right as from top to bottom.
    fn around(places: &[Place], dots: (usize, usize), area: Rect) -> Window {
        let span = |of: fn(&Place) -> f64| {
            let (lo, hi) = places.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), x| (lo.min(x), hi.max(x)));
            ((lo + hi) / 2.0, (hi - lo).max(DEGREES_MIN) * (1.0 + 2.0 * MARGIN))
        };
        let ((lat, mut height), (lon, mut width)) = (span(|place| place.0), span(|place| place.1));
        let squeeze = lat.to_radians().cos().max(0.05);
        // A cell of a terminal is twice as high as it is wide.
        let aspect = f64::from(area.width) / (2.0 * f64::from(area.height));
        let wanted = height * aspect / squeeze;
        if width < wanted {
            width = wanted
        } else {
            height = width * squeeze / aspect
        }
        let around = |middle: f64, span: f64| (middle - span / 2.0, middle + span / 2.0);
        // A handful of lines across the longer side.
        let steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0, 90.0];
        let grid = steps.into_iter().find(|step| width.max(height) / step <= 5.0).unwrap_or(90.0);
        Window { lat: around(lat, height), lon: around(lon, width), grid, dots }
    }

    fn share((lat, lon): Place, window: &Window) -> (f64, f64) {
        ((lon - window.lon.0) / (window.lon.1 - window.lon.0), (window.lat.1 - lat) / (window.lat.1 - window.lat.0))
    }

    fn dot(&self, place: Place, (width, height): (usize, usize)) -> (usize, usize) {
        let (x, y) = Window::share(place, self);
        let at = |share: f64, count: usize| (share.clamp(0.0, 1.0) * count.saturating_sub(1) as f64).round() as usize;
        (at(x, width), at(y, height))
    }

    fn cell(&self, place: Place, area: Rect) -> Position {
        let (x, y) = self.dot(place, self.dots);
        let at = |dot: usize, dots: usize, cells: u16| (dot * usize::from(cells) / dots.max(1)) as u16;
        Position::new(area.x + at(x, self.dots.0, area.width), area.y + at(y, self.dots.1, area.height))
    }

    /// Whether a line of the grid goes through a dot: a line is dotted.
    fn is_grid(&self, x: usize, y: usize) -> bool {
        let at = |dot: usize, dots: usize, (lo, hi): Place| ((lo + (hi - lo) * dot as f64 / dots.max(1) as f64) / self.grid).floor();
        let across = at(x, self.dots.0, self.lon) != at(x + 1, self.dots.0, self.lon);
        let top_down = (self.lat.1, self.lat.0);
        let down = at(y, self.dots.1, top_down) != at(y + 1, self.dots.1, top_down);
        across && y.is_multiple_of(2) || down && x.is_multiple_of(4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_way_between_two_places() {
        assert_eq!(apart_km((48.8566, 2.3522), (51.5074, -0.1278)).round(), 344.0);
        assert!((apart_km((0.0, 179.5), (0.0, -179.5)) - 111.2).abs() < 0.1);
    }

    proptest! {
        #[test]
        fn any_places_are_drawn(
            truth in prop::option::of((any::<f64>(), -400.0..400.0f64)), guesses in prop::collection::vec(prop::option::of((-100.0..100.0f64, any::<f64>())), 1..4),
            width in 0u16..40, height in 0u16..12,
        ) {
            let one = |guess| TrajectoryHead { guess, ..TrajectoryHead::default() };
            let group = RolloutGroup { truth, trajectories: guesses.into_iter().map(one).collect(), ..RolloutGroup::default() };
            for theme in [Theme::new(true, true), Theme::new(false, false)] {
                let map = Map { group: &group, one: &group.trajectories[0], theme: &theme };
                let mut buf = Buffer::empty(Rect::new(0, 0, 40, 12));
                map.draw(Rect::new(0, 0, width, height), &mut buf);
                map.words();
            }
        }
    }
}
