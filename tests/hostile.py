"""Texts that would do something in a page that took them for markup, a template or a script; each would set `pwned`."""

MARK = "pwned"
"""What every text has in it, and the global that is set where one runs."""

TEXTS = (
    "<script>pwned=1</script>",
    "\"'><script>pwned=1</script>",
    '" autofocus tabindex=1 onfocus="pwned=1" onmouseover="pwned=1" x="',
    "' autofocus onfocus='pwned=1' onmouseover='pwned=1' x='",
    "<img src=x onerror=pwned=1><svg onload=pwned=1>",
    "</script></textarea></title></style></option></select></pre><script>pwned=1</script>",
    "--><script>pwned=1</script><!--",
    "]]><script>pwned=1</script>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe><iframe src=javascript:parent.pwned=1></iframe>",
    "javascript:pwned=1//",
    "data:text/html,<script>opener.pwned=1</script>",
    "{{7*7}}{% for pwned in ().__class__ %}${7*7}<%= 7*7 %>#{7*7}",
    '" hx-get="/help" hx-trigger="load" hx-on::load="pwned=1" hx-on:click="pwned=1" data-hx-on="pwned" x="',
    "<b hx-get=/help hx-trigger=load hx-on::load=pwned=1 hx-vals='js:{a:pwned=1}'>",
    "<base href=https://elsewhere.example/><meta http-equiv=refresh content='0;url=https://elsewhere.example/pwned'>",
    "<style>@import 'https://elsewhere.example/pwned'</style><link rel=stylesheet href=https://elsewhere.example/pwned>",
    "<form id=query-form action=https://elsewhere.example/pwned><input name=MAXREC form=query-form>",
    "\u202e\u2028\u2029\ufeff\uff1cscript\uff1epwned=1\uff1c/script\uff1e<\u0131mg pwned>",
    "&lt;script&gt;pwned=1&lt;/script&gt;&#60;script&#62;%3Cscript%3Epwned=1%3C/script%3E",
    "\\u003cscript\\u003epwned=1\\x3c/script\\x3e\\\"'`+pwned=1+`",
)
ALL = " ".join(TEXTS)
LINKS = (
    'https://elsewhere.example/"onmouseover="pwned=1"x="',
    "https://elsewhere.example/'><script>pwned=1</script>",
    "https:javascript:pwned=1",
    "javascript://elsewhere.example/%0apwned=1",
    "JaVaScRiPt:pwned=1",
    "data:text/html,<script>pwned=1</script>",
)
SHORT = "\"'><b onfocus=pwned=1>{{7*7}}"
"""For what has at most so many characters as a name."""
