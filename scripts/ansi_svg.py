"""An SVG of what `tmux capture-pane -e -p` prints: python3 ansi_svg.py COLS ROWS < screen > picture.svg"""

import re
import sys
from html import escape

CELL, BASELINE = (9, 18), 14
PAPER, INK = "#16161e", "#d0d0d0"
BASIC = "#15161e #f7768e #9ece6a #e0af68 #7aa2f7 #bb9af7 #7dcfff #a9b1d6 #565f89 #ff7a93 #b9f27c #ff9e64 #7da6ff #c0a8f7 #0db9d7 #ffffff".split()


def colour(n):
    if n < 16:
        return BASIC[n]
    if n < 232:
        level = [0, 95, 135, 175, 215, 255]
        return "#%02x%02x%02x" % tuple(level[(n - 16) // 6**k % 6] for k in (2, 1, 0))
    return "#" + "%02x" % (8 + (n - 232) * 10) * 3


def apply(codes, look):
    codes = [int(c or 0) for c in codes.split(";")]
    while codes:
        c = codes.pop(0)
        if c in (38, 48):
            side = "fg" if c == 38 else "bg"
            if codes.pop(0) == 2:
                look[side] = "#%02x%02x%02x" % tuple(codes[:3])
                del codes[:3]
            else:
                look[side] = colour(codes.pop(0))
        elif c == 0:
            look.clear()
        elif c in (1, 2, 7):
            look[c] = True
        elif c in (22, 27):
            [look.pop(k, None) for k in ((1, 2) if c == 22 else (7,))]
        elif c in (39, 49):
            look.pop("fg" if c == 39 else "bg", None)
        else:
            for base, side, offset in ((30, "fg", 0), (40, "bg", 0), (90, "fg", 8), (100, "bg", 8)):
                if base <= c < base + 8:
                    look[side] = colour(c - base + offset)


def main():
    cols, rows = map(int, sys.argv[1:])
    width, height = cols * CELL[0], rows * CELL[1]
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"')
    print(""" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="15">""")
    print(f'<rect width="{width}" height="{height}" fill="{PAPER}"/>')
    look = {}
    for y, line in enumerate(sys.stdin.read().split("\n")[:rows]):
        x = 0
        for part in re.split(r"(\x1b\[[0-9;]*m|\x0e|\x0f)", line):
            if part.startswith("\x1b["):
                apply(part[2:-1], look)
            elif part > "\x1f":
                fg, bg = look.get("fg", INK), look.get("bg")
                if look.get(7):
                    fg, bg = bg or PAPER, fg
                if bg:
                    print(f'<rect x="{x * CELL[0]}" y="{y * CELL[1]}" width="{len(part) * CELL[0]}" height="{CELL[1]}" fill="{bg}"/>')
                words = part.strip(" ")
                if words:
                    at = (x + len(part) - len(part.lstrip(" "))) * CELL[0]
                    weight = ' font-weight="bold"' if look.get(1) else ""
                    fade = ' opacity="0.6"' if look.get(2) else ""
                    print(f'<text x="{at}" y="{y * CELL[1] + BASELINE}" textLength="{len(words) * CELL[0]}" lengthAdjust="spacingAndGlyphs"'
                          f' xml:space="preserve" fill="{fg}"{weight}{fade}>{escape(words)}</text>')
                x += len(part)
    print("</svg>")


main()
