//! From roles and a size to places. The same function lays out a canvas when it is made and when its window
//! changes size, so a canvas looks alike however it came to its size.
//!
//! | size | looks like |
//! |---|---|
//! | at least 120 columns, 12 rows | train left, graph right and a bit wider, status under both |
//! | at least 80 columns, 23 rows; or 50 columns, 30 rows | train, graph, status stacked; the graph gets the most |
//! | smaller | train over a one-line status; the graph in a second window |
//!
//! 23 rows, because a terminal of 80x24 leaves its window so many over tmux's status line. Below that a stack shows
//! too little of everything; a narrow but tall window still has room for all. A window that is wide but low
//! (200x20) reads better side by side than as two slots of seven rows.

/// Columns from which train and graph stand side by side: a chart needs some 60, a log line too.
const WIDE_COLS_MIN: u16 = 120;
/// Rows from which they may: a chart of eight, a border, a status of three.
const WIDE_ROWS_MIN: u16 = GRAPH_ROWS_MIN + 1 + 3;
/// Columns and rows, either pair of which a stack needs.
const STACKED_MIN: [(u16, u16); 2] = [(80, 23), (50, 30)];
/// Rows of log that tell anything.
const TRAIN_ROWS_MIN: u16 = 6;
/// Rows of a chart with its title, axis and footer.
const GRAPH_ROWS_MIN: u16 = 8;
/// Rows of the status when panes are stacked.
const STACKED_STATUS_ROWS: u16 = 3;
/// The role that is a strip under the others.
const STATUS: &str = "status";

/// Where a pane goes, in cells of the area, 0-based. Between two places lies tmux's border of one cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Role of the pane.
    pub role: String,
    /// Left column.
    pub x: u16,
    /// Top row.
    pub y: u16,
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

/// What goes where.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Arrangement {
    /// Panes of the canvas's window. They tile the area.
    pub main: Vec<Place>,
    /// Roles that did not fit: they go to a second window.
    pub second: Vec<String>,
}

/// Places `roles` in an area. Every role appears once; the order of the roles is the order from left and top,
/// `status` excepted, which is always a strip at the bottom.
pub fn plan(roles: &[&str], cols: u16, rows: u16) -> Arrangement {
    let body: Vec<&str> = roles.iter().copied().filter(|role| *role != STATUS).collect();
    let status = body.len() < roles.len();
    let area = Area { x: 0, y: 0, cols, rows };
    match body.len() {
        0 => Arrangement { main: status.then(|| area.holds(STATUS)).into_iter().collect(), second: vec![] },
        1 => with_status(area, status, status_rows(rows), |above| vec![above.holds(body[0])]),
        _ if cols >= WIDE_COLS_MIN && rows >= WIDE_ROWS_MIN && stack_fits(&body[1..], rows - status_rows(rows) - 1) => {
            with_status(area, status, status_rows(rows), |above| {
                let (left, right) = above.cut_at_col((above.cols - 1) * 9 / 20);
                let mut places = vec![left.holds(body[0])];
                places.extend(stack(&body[1..], right));
                places
            })
        }
        _ if STACKED_MIN.iter().any(|(cols_min, rows_min)| cols >= *cols_min && rows >= *rows_min)
            && stack_fits(&body, if status { rows - STACKED_STATUS_ROWS - 1 } else { rows }) =>
        {
            with_status(area, status, STACKED_STATUS_ROWS, |above| stack(&body, above))
        }
        _ => {
            let mut small = with_status(area, status, 1, |above| vec![above.holds(body[0])]);
            small.second.splice(0..0, body[1..].iter().map(|role| role.to_string()));
            small
        }
    }
}

/// Rows of a status that spans everything, by the height of the area.
fn status_rows(rows: u16) -> u16 {
    match rows {
        40.. => 5,
        24.. => 4,
        12.. => 3,
        _ => 1,
    }
}

fn with_status(area: Area, status: bool, status_rows: u16, body: impl FnOnce(Area) -> Vec<Place>) -> Arrangement {
    if !status {
        return Arrangement { main: body(area), second: vec![] };
    }
    if area.rows < status_rows + 2 {
        return Arrangement { main: body(area), second: vec![STATUS.to_string()] };
    }
    let (above, below) = area.cut_at_row(area.rows - status_rows - 1);
    let mut main = body(above);
    main.push(below.holds(STATUS));
    Arrangement { main, second: vec![] }
}

fn rows_min(role: &str) -> u16 {
    if role == "train" { TRAIN_ROWS_MIN } else { GRAPH_ROWS_MIN }
}

/// Whether the roles can stand over each other in so many rows.
fn stack_fits(roles: &[&str], rows: u16) -> bool {
    let borders = roles.len() - 1;
    roles.iter().map(|role| usize::from(rows_min(role))).sum::<usize>() + borders <= usize::from(rows)
}

/// Over each other: everyone gets its least, what is left over goes two to train for three to each other. The caller
/// has asked [`stack_fits`].
fn stack(roles: &[&str], area: Area) -> Vec<Place> {
    let weight = |role: &str| if role == "train" { 2 } else { 3 };
    let mut rest = area;
    let mut places = vec![];
    for (at, role) in roles.iter().enumerate() {
        let after = &roles[at + 1..];
        if after.is_empty() {
            places.push(rest.holds(role));
            break;
        }
        let least: u16 = after.iter().map(|role| rows_min(role)).sum();
        let spare = rest.rows.saturating_sub(rows_min(role) + least + after.len() as u16);
        let weights: u16 = after.iter().map(|role| weight(role)).sum::<u16>() + weight(role);
        let share = (rest.rows - after.len() as u16) * weight(role) / weights;
        let (this, below) = rest.cut_at_row(share.clamp(rows_min(role), rows_min(role) + spare));
        places.push(this.holds(role));
        rest = below;
    }
    places
}

#[derive(Clone, Copy)]
struct Area {
    x: u16,
    y: u16,
    cols: u16,
    rows: u16,
}

impl Area {
    fn holds(self, role: &str) -> Place {
        Place { role: role.to_string(), x: self.x, y: self.y, cols: self.cols, rows: self.rows }
    }

    /// Above and below a border at row `at`.
    fn cut_at_row(self, at: u16) -> (Area, Area) {
        (Area { rows: at, ..self }, Area { y: self.y + at + 1, rows: self.rows - at - 1, ..self })
    }

    /// Left and right of a border at column `at`.
    fn cut_at_col(self, at: u16) -> (Area, Area) {
        (Area { cols: at, ..self }, Area { x: self.x + at + 1, cols: self.cols - at - 1, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(cols: u16, rows: u16, want: &[&str]) {
        let arrangement = plan(&["train", "graph", "status"], cols, rows);
        let mut got: Vec<String> = arrangement.main.iter().map(|p| format!("{} {}x{}+{}+{}", p.role, p.cols, p.rows, p.x, p.y)).collect();
        got.extend(arrangement.second.iter().map(|role| format!("{role} second")));
        assert_eq!(got, want, "{cols}x{rows}");
    }

    #[test]
    fn a_wide_window_puts_the_graph_beside_the_training() {
        check(200, 50, &["train 89x44+0+0", "graph 110x44+90+0", "status 200x5+0+45"]);
        check(120, 24, &["train 53x19+0+0", "graph 66x19+54+0", "status 120x4+0+20"]);
    }

    #[test]
    fn wide_but_low_is_still_side_by_side() {
        check(200, 20, &["train 89x16+0+0", "graph 110x16+90+0", "status 200x3+0+17"]);
    }

    #[test]
    fn a_narrow_window_stacks() {
        check(80, 24, &["train 80x7+0+0", "graph 80x12+0+8", "status 80x3+0+21"]);
        check(119, 50, &["train 119x18+0+0", "graph 119x27+0+19", "status 119x3+0+47"]);
        check(80, 23, &["train 80x7+0+0", "graph 80x11+0+8", "status 80x3+0+20"]);
        check(60, 40, &["train 60x14+0+0", "graph 60x21+0+15", "status 60x3+0+37"]);
        check(50, 30, &["train 50x10+0+0", "graph 50x15+0+11", "status 50x3+0+27"]);
    }

    #[test]
    fn a_small_window_keeps_the_training_and_a_line_of_status() {
        check(50, 16, &["train 50x14+0+0", "status 50x1+0+15", "graph second"]);
        check(79, 24, &["train 79x22+0+0", "status 79x1+0+23", "graph second"]);
        check(80, 22, &["train 80x20+0+0", "status 80x1+0+21", "graph second"]);
        check(49, 24, &["train 49x22+0+0", "status 49x1+0+23", "graph second"]);
        check(80, 2, &["train 80x2+0+0", "graph second", "status second"]);
    }

    #[test]
    fn without_a_training_the_graph_takes_its_place() {
        let arrangement = plan(&["graph", "status"], 80, 24);
        assert_eq!(arrangement.main[0], Place { role: "graph".into(), x: 0, y: 0, cols: 80, rows: 19 });
        assert_eq!(arrangement.main[1], Place { role: "status".into(), x: 0, y: 20, cols: 80, rows: 4 });
        assert!(arrangement.second.is_empty());
    }

    proptest! {
        #[test]
        fn places_tile_the_area_and_every_role_is_somewhere(
            cols in 1u16..400,
            rows in 1u16..200,
            roles in proptest::sample::subsequence(vec!["train", "graph", "leet", "logs", "status"], 1..=5),
        ) {
            let arrangement = plan(&roles, cols, rows);
            let mut named: Vec<&str> = arrangement.main.iter().map(|p| p.role.as_str()).collect();
            named.extend(arrangement.second.iter().map(String::as_str));
            named.sort_unstable();
            let mut wanted = roles.clone();
            wanted.sort_unstable();
            prop_assert_eq!(named, wanted);

            // Every cell is covered at most once, and every uncovered cell is a border: it touches two places.
            let mut cover = vec![0u8; usize::from(cols) * usize::from(rows)];
            for place in &arrangement.main {
                prop_assert!(place.cols > 0 && place.rows > 0);
                prop_assert!(place.x + place.cols <= cols && place.y + place.rows <= rows);
                for y in place.y..place.y + place.rows {
                    for x in place.x..place.x + place.cols {
                        cover[usize::from(y) * usize::from(cols) + usize::from(x)] += 1;
                    }
                }
            }
            prop_assert!(cover.iter().all(|n| *n <= 1));
            let covered = |x: i32, y: i32| {
                x >= 0 && y >= 0 && x < cols.into() && y < rows.into() && cover[y as usize * usize::from(cols) + x as usize] == 1
            };
            for y in 0..i32::from(rows) {
                for x in 0..i32::from(cols) {
                    let bare = !covered(x, y);
                    let between = (covered(x - 1, y) && covered(x + 1, y))
                        || (covered(x, y - 1) && covered(x, y + 1))
                        || (covered(x - 1, y) && covered(x, y + 1))
                        || (covered(x, y - 1) && covered(x + 1, y))
                        || (covered(x - 1, y - 1) && covered(x + 1, y + 1));
                    prop_assert!(!bare || between, "hole at {x},{y} in {cols}x{rows}");
                }
            }
        }
    }
}
