"""Tables between their marks in a README."""

from pathlib import Path


def put(readme: Path, name: str, lines: list[str]) -> None:
    """Put lines between `<!-- name -->` and `<!-- end of name -->`, in place of what stands there."""
    text = readme.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, after = text.index(begin) + len(begin), text.index(end)
    readme.write_text("\n".join([text[:before], *lines, text[after:]]))
