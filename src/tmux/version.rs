//! Which tmux it is, and whether it can do what og needs.

use std::fmt;

/// A version of tmux, as `tmux -V` says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    text: String,
    number: Option<(u32, u32)>,
}

impl Version {
    /// The oldest tmux that og works with: `-e` of new-session, `pause-after` and `copy-mode -q` came with it.
    ///
    /// See also [`Version::survives_a_dying_pane`].
    pub const FLOOR: (u32, u32) = (3, 2);

    /// Reads `tmux 3.3a`, `tmux next-3.4`, `tmux master`, `tmux openbsd-7.4`.
    ///
    /// `None`: this is not what a tmux says.
    pub fn parse(said: &str) -> Option<Version> {
        let text = said.trim().strip_prefix("tmux ")?.trim();
        let number = match text.strip_prefix("openbsd-") {
            Some(system) => of_openbsd(numbers(system)?),
            None if text == "master" => None,
            None => Some(numbers(text.strip_prefix("next-").unwrap_or(text))?),
        };
        Some(Version { text: text.into(), number })
    }

    /// Whether og works with it. A build from master says no number and is taken as new enough.
    pub fn is_enough(&self) -> bool {
        self.number.is_none_or(|number| number >= Version::FLOOR)
    }
}

impl Version {
    /// Whether the server survives a pane that dies under `remain-on-exit` while output of it waits for a control client.
    /// That of 3.2 and 3.2a crashes (tmux issue 2828, fixed in 3.3; seen with both, at the end of a flood that was also
    /// piped), and takes every program in it along.
    pub fn survives_a_dying_pane(&self) -> bool {
        self.number.is_none_or(|number| number >= (3, 3))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// OpenBSD names its tmux after itself: 7.0 was the first release with all of 3.2.
fn of_openbsd(system: (u32, u32)) -> Option<(u32, u32)> {
    if system < (7, 0) { Some((3, 1)) } else { None }
}

fn numbers(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &str, text: &str, enough: bool) {
        let version = Version::parse(said).unwrap();
        assert_eq!((version.to_string().as_str(), version.is_enough()), (text, enough));
    }

    #[test]
    fn every_way_tmux_says_its_version_is_read() {
        check("tmux 3.3a\n", "3.3a", true);
        check("tmux 3.2", "3.2", true);
        check("tmux 3.2-rc3", "3.2-rc3", true);
        check("tmux 3.1c", "3.1c", false);
        check("tmux 2.9a", "2.9a", false);
        check("tmux 10.0", "10.0", true);
        check("tmux next-3.4", "next-3.4", true);
        check("tmux master", "master", true);
        check("tmux openbsd-7.4", "openbsd-7.4", true);
        check("tmux openbsd-6.8", "openbsd-6.8", false);
    }

    #[test]
    fn another_program_is_not_a_version() {
        for said in ["", "tmux", "screen 4.9", "tmux x", "tmux next-", "tmux .1"] {
            assert_eq!(Version::parse(said), None, "{said}");
        }
    }
}
