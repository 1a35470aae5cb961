"""What all pages share: one file that loads nothing, light and dark, and the parts that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#22252b;--faint:#5c626b;--line:#e1e4e9;--panel:#f3f5f8;
--raised:#e9ecf1;--lit:#fff6d6;--arc:#b9bec6}
@media (prefers-color-scheme:dark){:root{--paper:#15171b;--ink:#e7e9ed;--faint:#a5abb5;--line:#30343c;--panel:#1d2026;
--raised:#2a2e36;--lit:#3d3820;--arc:#5a606a}}
*{box-sizing:border-box}
body{font:15px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:86rem;margin:2rem auto;
padding:0 1rem;overflow-wrap:break-word}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .3rem}
h2{font-size:1.3rem;margin:3rem 0 .3rem;padding-top:1rem;border-top:2px solid var(--ink)}
h3{font-size:1.05rem;margin:1.8rem 0 .3rem}
p{margin:.2rem 0 .7rem;color:var(--faint);max-width:62rem}p strong,p b{color:var(--ink)}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:1rem 1.5rem;margin:1.2rem 0}
@media (min-width:40rem){.figures{grid-template-columns:repeat(auto-fill,minmax(12rem,1fr))}}
.figures b{display:block;font-size:1.3rem;line-height:1.35;font-weight:600}
.figures span{display:block;color:var(--faint);font-size:.87rem;line-height:1.4}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.93rem}
caption{text-align:left;color:var(--faint);padding:.2rem .5rem}
th,td{text-align:right;padding:.2rem .5rem;border-bottom:1px solid var(--line);white-space:nowrap}
thead th{color:var(--faint);font-weight:500}tbody th{font-weight:400}
th.name,td.name{text-align:left}
.sideways{overflow-x:auto;margin:.4rem 0 1rem}
.key{list-style:none;display:flex;flex-wrap:wrap;gap:.15rem 1.3rem;margin:.4rem 0;padding:0;color:var(--faint)}
.key svg{vertical-align:-.1em;margin-right:.4em;overflow:visible}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem 1.2rem;margin:1rem 0}
dt{color:var(--faint)}dd{margin:0}
.pair{display:grid;grid-template-columns:minmax(0,1fr);gap:0 2.5rem;align-items:start}
@media (min-width:62rem){.pair{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}
.pair.uneven{grid-template-columns:minmax(0,2fr) minmax(0,3fr)}}
.plot{padding:2rem 1.2rem 2.9rem 3.8rem}.chart{display:block;overflow:visible;width:100%}
.bars{display:block;overflow:visible;width:100%;max-width:48rem;margin:.6rem 0 1rem}
svg text{font:12px system-ui,sans-serif;fill:var(--ink)}svg .faint{fill:var(--faint)}
svg .halo{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
svg .strong{font-weight:600}svg .grid{stroke:var(--line);stroke-width:1}svg .rule{stroke:var(--ink);stroke-width:1}

svg .track{fill:var(--raised)}svg .level{stroke:var(--ink);stroke-dasharray:2 3}
svg .curve{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}
svg .roomy{display:none}@media (min-width:46rem){svg .roomy{display:inline}}
@media (max-width:28rem){dl{grid-template-columns:minmax(0,1fr)}dt{margin-top:.4rem}}
@media print{body{margin:0}h2{break-after:avoid}.plot,.bars,tr{break-inside:avoid}}
"""


def document(title: str, body: str, style: str = "", script: str = "") -> str:
    """A whole page; `body` is HTML, below a head that says `title`.

    >>> "<h1>a &lt; b</h1><p>text</p>" in document("a < b", "<p>text</p>")
    True
    """
    code = f"<script>{script}</script>" if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>{body}\n{code}</body></html>\n"
    )


def figures(rows: Iterable[tuple[str, str]]) -> str:
    """Numbers to be seen first, each with what it is below.

    >>> figures([("12 ms", "a run")])
    '<div class="figures"><div><b>12 ms</b><span>a run</span></div></div>'
    """
    parts = (f"<div><b>{escape(number)}</b><span>{escape(text)}</span></div>" for number, text in rows)
    return f'<div class="figures">{"".join(parts)}</div>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names and what they are.

    >>> facts([("data", "<a file>")])
    '<dl><dt>data</dt><dd>&lt;a file&gt;</dd></dl>'
    """
    parts = (f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return f"<dl>{''.join(parts)}</dl>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], label: str, words: Sequence[int] = (0,)) -> str:
    """Rows of text under their heads, which scroll sideways where they must.

    `words` are the columns that hold no numbers, `label` says what the table is to those who do not see it.

    >>> table(["name", "size"], [["a", "1"]], "sizes").split("<tbody>")[1]
    '<tr><th scope="row" class="name">a</th><td>1</td></tr></tbody></table></div>'
    """
    head = "".join(
        f'<th scope="col"{_word_class(place in words)}>{escape(text)}</th>' for place, text in enumerate(heads)
    )
    body = "".join(f"<tr>{_row(row, words)}</tr>" for row in rows)
    return (
        f'<div class="sideways" tabindex="0" role="region" aria-label="{escape(label)}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _word_class(word: bool) -> str:
    return ' class="name"' if word else ""


def _row(texts: Sequence[str], words: Sequence[int]) -> str:
    first, *others = texts
    cells = [f'<th scope="row" class="name">{escape(first)}</th>']
    cells += [f"<td{_word_class(place in words)}>{escape(text)}</td>" for place, text in enumerate(others, 1)]
    return "".join(cells)


def key(entries: Iterable[tuple[str, str]]) -> str:
    """What signs mean: pairs of a sign, as HTML, and its meaning.

    >>> key([(swatch("#fff"), "white")]).endswith("</svg>white</li></ul>")
    True
    """
    return f'<ul class="key">{"".join(f"<li>{sign}{escape(text)}</li>" for sign, text in entries)}</ul>'


def swatch(colour: str) -> str:
    """A patch of a colour."""
    return f'<svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" rx="2" fill="{colour}"/></svg>'


def line_sign(colour: str, dashed: bool) -> str:
    """A piece of a curve, drawn as in the chart."""
    dashes = ' stroke-dasharray="6 4"' if dashed else ""
    dot = "" if dashed else f'<circle cx="13" cy="6" r="3.5" fill="{colour}"/>'
    return (
        f'<svg width="26" height="12" aria-hidden="true"><line x1="0" y1="6" x2="26" y2="6" stroke="{colour}" '
        f'stroke-width="2"{dashes}/>{dot}</svg>'
    )


def dot_sign(colour: str) -> str:
    """A point of a chart."""
    return (
        f'<svg width="12" height="12" aria-hidden="true"><circle cx="6" cy="6" r="5" fill="{colour}" '
        f'fill-opacity="0.6" stroke="{colour}"/></svg>'
    )
