//! The stack trace of Python, whose lines are a program and no rows: `main(epoch=3, loss=0.5)`.

/// Where in a trace the next line stands.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub(super) enum Trace {
    #[default]
    None,
    /// Below a place, whose line of the program comes.
    Place,
    /// Behind its head or a line of the program: at the next place, or at what was raised.
    Behind,
}

impl Trace {
    /// Takes a line, with the spaces in front of it. True: it is of a trace.
    pub(super) fn go_on(&mut self, wide: &str) -> bool {
        let text = wide.trim_ascii();
        let is_place = text.starts_with("File \"") && text.contains("\", line ");
        let (next, is_of_it) = match self {
            _ if is_place => (Trace::Place, true),
            Trace::None => return false,
            Trace::Place if wide.starts_with(' ') => (Trace::Behind, true),
            // `~~~~^^^^`: what in the line it was.
            Trace::Behind if !text.contains(char::is_alphanumeric) => (Trace::Behind, true),
            _ => (Trace::None, is_raised(text)),
        };
        *self = next;
        is_of_it
    }
}

/// `torch.OutOfMemoryError: 3 GiB`
fn is_raised(text: &str) -> bool {
    let name = text.split_once(':').map_or(text, |(name, _)| name);
    !name.contains(' ') && ["Error", "Exception", "Interrupt", "Exit"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on_to_what_was_raised() {
        let mut trace = Trace::Behind;
        let lines = [
            ("File \"train.py\", line 10, in <module>", true),
            ("    main(epoch=3, loss=0.5)", true),
            ("~~~~^^^^", true),
            ("File \"<stdin>\", line 3, in main", true),
            ("torch.OutOfMemoryError: 3 GiB", true),
            ("MeanSquaredError: 0.5", false),
        ];
        assert_eq!(lines.map(|(line, _)| trace.go_on(line)), lines.map(|(_, is_of_it)| is_of_it));
        for mut trace in [Trace::Behind, Trace::Place] {
            assert!(!trace.go_on("step 1 loss 0.5"), "it was cut off");
            assert_eq!(trace, Trace::None);
        }
    }
}
