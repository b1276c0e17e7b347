"""Makes what a student has written fit for a page that others open: text stays, whatever could run or reach out goes.

Markdown, HTML and formulas go through one gate, `html`: a list of what is allowed, kept by nh3 (the Ammonia library), and nothing else.
Formulas become MathML, which browsers draw by themselves: a page needs no script and no network.
"""

import re

import latex2mathml.converter
import nh3
from markupsafe import Markup, escape
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import STANDARD_TYPES

# Larger ones are shown as plain text and cut there: rendering them could take minutes.
MOST_CHARACTERS = 50_000
MOST_TAGS = 10_000
MOST_TEX = 2_000

PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,")
LINK = re.compile(r"(https?://|mailto:)", re.IGNORECASE)

_TEXT = """
a abbr b bdi blockquote br caption code col colgroup dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p
pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr tt u ul var"""
_MATH = "math mfrac mi mn mo mover mpadded mroot mrow mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover"
# Of these not even the text stays: it is not meant for readers.
_GONE = "script style svg iframe object embed applet noscript noembed noframes template title head select textarea xmp"

_CLEANER = nh3.Cleaner(
    tags=set(_TEXT.split()) | set(_MATH.split()),
    clean_content_tags=set(_GONE.split()),
    attributes={
        "*": {"title", "dir"},
        "a": {"href"},
        "img": {"src", "alt", "width", "height"},
        "ol": {"start"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan", "scope"},
        "math": {"display"},
        "mo": {"stretchy", "fence", "form", "lspace", "rspace"},
        "mspace": {"width"},
        "mstyle": {"displaystyle", "scriptlevel"},
        "mi": {"mathvariant"},
        "mtable": {"columnalign", "rowspacing", "columnspacing", "displaystyle"},
        "mover": {"accent"},
        "munder": {"accentunder"},
    },
    attribute_filter=lambda tag, name, value: _attribute(tag, name, value),
    # Colours of highlighted code. Other classes could borrow the looks of our own verdicts.
    allowed_classes={"span": {name for name in STANDARD_TYPES.values() if name}, "div": {"highlight"}},
    url_schemes={"http", "https", "mailto", "data"},
    link_rel="noopener noreferrer nofollow",
)


def _attribute(tag: str, name: str, value: str) -> str | None:
    if (tag, name) == ("img", "src"):
        return value if PICTURE.match(value) else None  # anything else would be fetched, and tell who looks
    if (tag, name) == ("a", "href"):
        return value if LINK.match(value) else None
    return value


def html(source: str) -> Markup:
    """Foreign HTML, with what may stay of it. Headings step down by two levels, below those of the page around."""
    if source.count("<") > MOST_TAGS:
        return plain(source)
    return Markup(re.sub(r"(</?h)([1-6])", lambda tag: f"{tag[1]}{min(int(tag[2]) + 2, 6)}", _CLEANER.clean(source)))


def markdown(source: str, attachments: dict[str, dict[str, str]] | None = None) -> Markup:
    """Foreign Markdown as HTML, with what may stay of it."""
    if len(source) > MOST_CHARACTERS:
        return plain(source)
    renderer = _Renderer(escape=False, exclude_anchor_links=True, attachments=attachments or {})
    try:
        return html(MarkdownWithMath(renderer=renderer).render(source))
    except Exception:  # an attachment that is missing, brackets nested too deep: the text as it was typed says more than nothing
        return plain(source)


def code(source: str) -> Markup:
    """Python code in colours."""
    if len(source) > MOST_CHARACTERS:
        return plain(source)
    return Markup(highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True)))


def plain(text: str) -> Markup:
    """Text as a terminal would show it, without colours, cut where it is too long."""
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in strip_ansi(text[:MOST_CHARACTERS]).split("\n"))
    rest = len(text) - MOST_CHARACTERS
    cut = f"\n… and {rest:,} characters more" if rest > 0 else ""
    return Markup("<pre>{}{}</pre>").format("\n".join(lines), cut)


def is_empty(page: Markup) -> bool:
    """Whether nothing to look at is left of some HTML."""
    return not re.search("<(img|table|hr|math)", page) and not page.striptags().strip()


def formula(tex: str, display: str) -> str:
    """A formula as MathML, or as it was typed where it is none."""
    try:
        if len(tex) > MOST_TEX:
            raise ValueError("too long for a formula")
        return latex2mathml.converter.convert(tex, display=display)
    except Exception:  # the converter raises all kinds of errors, RecursionError among them
        return Markup("<code>{}</code>").format(tex)


class _Renderer(IPythonRenderer):
    """nbconvert's renderer, with formulas drawn here and not by a script that comes from elsewhere."""

    def block_math(self, body: str) -> str:
        return formula(body, "block")

    def inline_math(self, body: str) -> str:
        return formula(body, "inline")

    def latex_environment(self, name: str, body: str) -> str:
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")

    def block_mermaidjs(self, code: str) -> str:
        return str(Markup("<pre>{}</pre>").format(escape(code)))
