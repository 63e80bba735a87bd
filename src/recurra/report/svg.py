"""A drawn figure as one inline SVG element: accessible, self-contained, own ids, colours from CSS."""

import hashlib
import io
import re
from xml.etree import ElementTree as ET

from recurra.report.canvas import TEXT, Figure
from recurra.report.palette import variables

_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_POINT = re.compile(r"-?\d+\.\d+")
_KEPT = ("line-", "mark-", "marks-", "points-", "point-", "arrows-", "band-")  # what a figure names itself
_SVG = "http://www.w3.org/2000/svg"


def to_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """Render the figure.

    The bytes depend on the figure alone: no date, fixed salt, ids that start with `name` and a hash of it.

    Args:
        figure: a drawn figure.
        name: what kind of figure it is; the start of its ids.
        title: what it shows, in a few words.
        description: what can be read from it, for those who cannot see it.
    """
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing, facecolor="none", edgecolor="none")
    root = _plain(ET.fromstring(buffer.getvalue()))
    for part, text in (("desc", description), ("title", title)):
        element = ET.Element(part, {"id": f"line-{part}"})
        element.text = text
        root.insert(0, element)
    root.attrib = {
        "xmlns": _SVG, "class": "figure", "role": "img", "aria-labelledby": "line-title line-desc",
        "viewBox": root.attrib["viewBox"], "font-size": str(TEXT), "font-family": _FONTS,
        "stroke-linejoin": "round", "fill": "currentColor",
    }  # fmt: skip
    bare = ET.tostring(root, encoding="unicode")
    return with_prefix(bare, f"{name}-{hashlib.sha256(bare.encode()).hexdigest()[:8]}")


def with_prefix(svg: str, prefix: str) -> str:
    """The same SVG with `prefix-` before every id and every reference to one: several fit into one page.

    >>> with_prefix('<g id="a"/><use href="#a"/>', "one")
    '<g id="one-a"/><use href="#one-a"/>'
    """
    svg = re.sub(r'(<[^<>]*?\sid=")', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r'(<[^<>]*?\shref="#)', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r'(<[^<>]*?\sclip-path="url\(#)', rf"\g<1>{prefix}-", svg)
    return re.sub(
        r'(<[^<>]*?\saria-labelledby=")([^"]*)',
        lambda found: found[1] + " ".join(f"{prefix}-{each}" for each in found[2].split()),
        svg,
    )


def _plain(root: ET.Element) -> ET.Element:
    """Without name spaces, style sheets, metadata and ids that nothing refers to; numbers to 0.01 points."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)
    colours = variables()
    wanted = _references(root)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        element.text = element.text.strip() if element.text else None
        element.tail = None
        attributes = element.attrib
        if attributes.get("id") not in wanted and not attributes.get("id", "").startswith(_KEPT):
            attributes.pop("id", None)
        if "style" in attributes:
            attributes["style"] = _style(attributes["style"], colours)
        if "d" in attributes:
            attributes["d"] = _path(attributes["d"])
        if attributes.get("transform", "").startswith("rotate(-0 "):
            del attributes["transform"]
        for key in ("x", "y"):
            if key in attributes:
                attributes[key] = _short(attributes[key])
    return root


def _references(root: ET.Element) -> set[str]:
    found = set()
    for element in root.iter():
        for value in element.attrib.values():
            if value.startswith("#"):
                found.add(value[1:])
            elif value.startswith("url(#"):
                found.add(value[5:-1])
    return found


def _style(style: str, colours: dict[str, str]) -> str:
    """The font comes from the root, so that the page may enlarge it; the colours from CSS variables."""
    kept = [part.strip() for part in style.split(";") if not part.strip().startswith(("font-size", "font-family"))]
    return _COLOUR.sub(lambda colour: colours.get(colour[0], colour[0]), "; ".join(kept))


def _path(d: str) -> str:
    short = _POINT.sub(lambda point: _short(point[0]), " ".join(d.split()))
    return re.sub(r" ?([MLCQZz]) ?", r"\1", short)


def _short(value: str) -> str:
    text = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
