"""An animated SVG from pictures of the terminal. It needs no script, so that a README can show it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

_CAPTION_HEIGHT = 46
_VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_STYLE = re.compile(r"<style>(.*?)</style>", re.S)


@dataclass(frozen=True)
class Frame:
    """One picture of the terminal.

    Attributes:
        svg: what Textual exports.
        seconds: how long it is shown.
        caption: what the person does next.
    """

    svg: str
    seconds: float
    caption: str


def combine(frames: list[Frame]) -> str:
    """Return an animated SVG that shows ``frames`` one after the other, again and again.

    With reduced motion, it shows the last one only.
    """
    match = _VIEW_BOX.search(frames[0].svg)
    assert match is not None, "Textual exports a view box"
    width, height = float(match[1]), float(match[2])
    total, at = sum(frame.seconds for frame in frames), 0.0
    styles = [
        ".frame { visibility: hidden; }",
        ".caption { font: 20px sans-serif; fill: #8a7f8e; text-anchor: middle; }",
    ]
    groups = []
    for number, frame in enumerate(frames):
        name = f"f{number}"
        svg = re.sub(r"\bterminal-(?:\d+-)?", f"{name}-", frame.svg)
        style = _STYLE.search(svg)
        assert style is not None, "Textual exports styles"
        start, end = 100 * at / total, 100 * (at + frame.seconds) / total
        at += frame.seconds
        steps = f"0% {{ visibility: {'visible' if number == 0 else 'hidden'}; }} "
        steps += f"{start:.3f}% {{ visibility: visible; }} {end:.3f}% {{ visibility: hidden; }}"
        styles += [
            re.sub(r"@font-face\s*\{.*?\}", "", style[1], flags=re.S).strip(),
            f"@keyframes {name} {{ {steps} }}",
            f"#{name} {{ animation: {name} {total:.2f}s step-end infinite; }}",
        ]
        body = svg[style.end() : svg.rindex("</svg>")]
        caption = f'<text class="caption" x="{width / 2:.0f}" y="{height + 30:.0f}">{escape(frame.caption)}</text>'
        groups.append(f'<g class="frame" id="{name}">{body}{caption}</g>')
    last = f"#f{len(frames) - 1}"
    styles.append(
        "@media (prefers-reduced-motion: reduce) { .frame { animation: none !important; } "
        f"{last} {{ visibility: visible; }} }}"
    )
    opening = f'<svg viewBox="0 0 {width:g} {height + _CAPTION_HEIGHT:g}" xmlns="http://www.w3.org/2000/svg">'
    return "\n".join([opening, "<style>", *styles, "</style>", *groups, "</svg>", ""])
