//! tmux's layout strings (`bb62,159x48,0,0{79x48,0,0,0,79x48,80,0,1}`) as a tree of cells.
//! Reads and writes only; what a good layout is, the canvas decides.

use std::{fmt, str::FromStr};

use super::{PaneId, decimal};

/// Deepest nesting read. tmux's strings end at 8191 bytes, where a level takes at least 16 (`1x1,0,0{1x1,0,0,`).
const DEPTH_MAX: usize = 512;

/// One cell of a window: a pane, or cells side by side or one above the other, with a border line between.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Width in cells.
    pub cols: u32,
    /// Height in cells.
    pub rows: u32,
    /// Left edge in the window, 0-based.
    pub x: u32,
    /// Top edge in the window, 0-based.
    pub y: u32,
    /// What is in it.
    pub node: Node,
}

/// What a cell of a layout holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Node {
    /// A pane. `select-layout` does not need the id: it fills the leaves with the window's panes in their order.
    Leaf(Option<PaneId>),
    /// Cells from left to right.
    Columns(Vec<Layout>),
    /// Cells from top to bottom.
    Rows(Vec<Layout>),
}

/// A text that is not a layout.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LayoutError {
    /// The sum at its start is not that of the rest.
    #[error("layout has checksum {found}, should be {wanted:04x}")]
    Checksum {
        /// What stands there.
        found: String,
        /// What should.
        wanted: u16,
    },
    /// The cells cannot be read from here on.
    #[error("layout cannot be read from byte {at} of its cells")]
    Syntax {
        /// Offset after the checksum and its comma.
        at: usize,
    },
}

impl Layout {
    /// The panes of the leaves, in tmux's order.
    pub fn panes(&self) -> Vec<PaneId> {
        match &self.node {
            Node::Leaf(pane) => pane.iter().copied().collect(),
            Node::Columns(cells) | Node::Rows(cells) => cells.iter().flat_map(Layout::panes).collect(),
        }
    }

    fn cells(&self, out: &mut String) {
        out.push_str(&format!("{}x{},{},{}", self.cols, self.rows, self.x, self.y));
        match &self.node {
            Node::Leaf(None) => {}
            Node::Leaf(Some(pane)) => out.push_str(&format!(",{}", pane.0)),
            Node::Columns(cells) => group(cells, ['{', '}'], out),
            Node::Rows(cells) => group(cells, ['[', ']'], out),
        }
    }
}

/// Writes the layout string, checksum included.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cells = String::new();
        self.cells(&mut cells);
        write!(f, "{:04x},{cells}", checksum(cells.as_bytes()))
    }
}

/// Reads a layout string. Floating panes (`<...>`, from tmux 3.7 on) are not part of the tree and are left out.
impl FromStr for Layout {
    type Err = LayoutError;

    fn from_str(text: &str) -> Result<Layout, LayoutError> {
        let (found, cells) = text.split_once(',').ok_or(LayoutError::Syntax { at: 0 })?;
        let wanted = checksum(cells.as_bytes());
        if found.len() != 4 || u16::from_str_radix(found, 16) != Ok(wanted) {
            return Err(LayoutError::Checksum { found: found.into(), wanted });
        }
        let mut reader = Reader { text: cells, at: 0 };
        match reader.cell(0) {
            Some(layout) if reader.rest().is_empty() || reader.rest().starts_with('<') => Ok(layout),
            _ => Err(LayoutError::Syntax { at: reader.at }),
        }
    }
}

fn group(cells: &[Layout], [open, close]: [char; 2], out: &mut String) {
    out.push(open);
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        cell.cells(out);
    }
    out.push(close);
}

/// Source: tmux `layout-custom.c`, `layout_checksum`.
fn checksum(cells: &[u8]) -> u16 {
    cells.iter().fold(0u16, |sum, byte| sum.rotate_right(1).wrapping_add(*byte as u16))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn cell(&mut self, depth: usize) -> Option<Layout> {
        if depth > DEPTH_MAX {
            return None;
        }
        let cols = self.number()?;
        self.eat('x')?;
        let rows = self.number()?;
        self.eat(',')?;
        let x = self.number()?;
        self.eat(',')?;
        let y = self.number()?;
        let node = match self.rest().chars().next() {
            Some('{') => Node::Columns(self.group('}', depth)?),
            Some('[') => Node::Rows(self.group(']', depth)?),
            _ => Node::Leaf(self.pane()),
        };
        Some(Layout { cols, rows, x, y, node })
    }

    fn group(&mut self, close: char, depth: usize) -> Option<Vec<Layout>> {
        let mut cells = vec![];
        loop {
            self.at += 1;
            cells.push(self.cell(depth + 1)?);
            if !self.rest().starts_with(',') {
                self.eat(close)?;
                return Some(cells);
            }
        }
    }

    /// `,12` is the pane, but `,12x` is the next cell.
    fn pane(&mut self) -> Option<PaneId> {
        let before = self.at;
        let pane = self.eat(',').and_then(|()| self.number()).filter(|_| !self.rest().starts_with('x'));
        if pane.is_none() {
            self.at = before;
        }
        pane.map(PaneId)
    }

    fn number(&mut self) -> Option<u32> {
        let rest = self.rest();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = decimal(&rest[..digits])?;
        self.at += digits;
        Some(number)
    }

    fn eat(&mut self, c: char) -> Option<()> {
        self.rest().starts_with(c).then(|| self.at += c.len_utf8())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaf(cols: u32, rows: u32, x: u32, y: u32, pane: Option<u32>) -> Layout {
        Layout { cols, rows, x, y, node: Node::Leaf(pane.map(PaneId)) }
    }

    #[test]
    fn a_layout_of_the_manual_reads_as_its_tree() {
        let text = "bb62,159x48,0,0{79x48,0,0,79x48,80,0}";
        let layout: Layout = text.parse().unwrap();
        let columns = Node::Columns(vec![leaf(79, 48, 0, 0, None), leaf(79, 48, 80, 0, None)]);
        assert_eq!(layout, Layout { cols: 159, rows: 48, x: 0, y: 0, node: columns });
        assert_eq!(layout.to_string(), text);
    }

    #[test]
    fn panes_come_in_the_order_of_the_leaves() {
        let inner = Node::Rows(vec![leaf(39, 12, 41, 0, Some(5)), leaf(39, 11, 41, 13, Some(2))]);
        let right = Layout { cols: 39, rows: 24, x: 41, y: 0, node: inner };
        let layout = Layout { cols: 80, rows: 24, x: 0, y: 0, node: Node::Columns(vec![leaf(40, 24, 0, 0, Some(9)), right]) };
        assert_eq!(layout.to_string().parse::<Layout>().unwrap().panes(), [PaneId(9), PaneId(5), PaneId(2)]);
    }

    #[test]
    fn a_wrong_sum_and_a_cut_text_are_errors() {
        assert!(matches!("bb63,159x48,0,0{79x48,0,0,79x48,80,0}".parse::<Layout>(), Err(LayoutError::Checksum { .. })));
        for cells in
            ["", "1", "1x", "1x1,0", "1x1,0,0{", "1x1,0,0{}", "1x1,0,0{1x1,0,0]", "1x1,0,0,", "1x1,0,0,1,", "99999999999x1,0,0", "é"]
        {
            let text = format!("{:04x},{cells}", checksum(cells.as_bytes()));
            assert!(matches!(text.parse::<Layout>(), Err(LayoutError::Syntax { .. })), "{text}");
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let cells = "1x1,0,0{".repeat(100_000);
        assert!(format!("{:04x},{cells}", checksum(cells.as_bytes())).parse::<Layout>().is_err());
    }

    fn layout() -> impl Strategy<Value = Layout> {
        let numbers = || (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>());
        let leaf = (numbers(), any::<Option<u32>>()).prop_map(|((c, r, x, y), pane)| leaf(c, r, x, y, pane));
        leaf.prop_recursive(5, 40, 5, move |inner| {
            (numbers(), prop::collection::vec(inner, 1..5), any::<bool>()).prop_map(|((cols, rows, x, y), cells, wide)| Layout {
                cols,
                rows,
                x,
                y,
                node: if wide { Node::Columns(cells) } else { Node::Rows(cells) },
            })
        })
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back(layout in layout()) {
            prop_assert_eq!(layout.to_string().parse(), Ok(layout));
        }

        #[test]
        fn any_text_with_the_right_sum_is_read_or_refused(cells in "[0-9x,{}\\[\\]<é-]{0,60}") {
            let _ = format!("{:04x},{cells}", checksum(cells.as_bytes())).parse::<Layout>();
        }
    }
}
