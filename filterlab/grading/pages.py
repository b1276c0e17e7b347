"""Pages that are one file each: no script, no network, and a policy that tells the browser to keep it so."""

import base64
import hashlib
import re
from importlib import resources

import jinja2
from markupsafe import Markup, escape
from pygments.formatters import HtmlFormatter

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("filterlab.grading"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_TEMPLATES.filters["points"] = lambda number: f"{number:g}".replace("-", "−")
# `code` between ticks, as the texts of the course have it.
_TEMPLATES.filters["ticks"] = lambda text: Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def render(template: str, **names: object) -> str:
    """The page that a template makes of these names."""
    css = _css()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return _TEMPLATES.get_template(template).render(css=Markup(css), css_digest=digest, **names)


def _css() -> str:
    """Our own rules, and the colours of code on light and on dark."""
    light, dark = (HtmlFormatter(style=style).get_style_defs(".highlight") for style in ("default", "github-dark"))
    own = resources.files("filterlab.grading").joinpath("templates", "page.css").read_text(encoding="utf-8")
    return f"@media not all and (prefers-color-scheme: dark) {{ {light} }}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{own}"
