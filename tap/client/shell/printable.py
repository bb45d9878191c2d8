"""Text of a service on a terminal, which must not be moved, coloured or renamed by it."""


def printable(text: str) -> str:
    """Return a text with a blank for each character that is none to be seen, but for ends of lines."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def on_one_line(text: str, most: int | None = None) -> str:
    """Return a text without ends of lines, cut short if it is longer than `most`."""
    text = " ".join(printable(text).split())
    return text if most is None or len(text) <= most else text[:most] + "…"
