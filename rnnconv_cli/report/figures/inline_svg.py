"""An SVG file as an element of a page: its own ids, its words, the page's colours, and no more bytes than it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from rnnconv_cli.report.plain import visible

SVG = "http://www.w3.org/2000/svg"
REFERENCE = re.compile(r"#([\w-]+)")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
AROUND_LETTERS = re.compile(r" ?([A-Za-z]) ?")  # of a path, where letters part numbers as blanks do
DOT = re.compile(r"M([^A-Z]+)L\1(?=M|$)")  # a stroke without length: its round ends are a dot
UPRIGHT = re.compile(r"rotate\(-?0 .*?\)")
FAMILY = re.compile(r"font-family:[^;]*;\s*")
LEFT_OUT = frozenset({"metadata", "style"})
ENTERED = "stroke-linejoin: round; stroke-linecap: butt"  # what matplotlib says for a whole document


def inlined(text: str, *, prefix: str, title: str, words: str, colours: Mapping[str, str]) -> str:
    """The element of an SVG document that matplotlib has written.

    Ids begin with `prefix`, `colours` are replaced, and with any the letters are the page's. <title> and <desc> hold
    the words that stand for the picture. Its view box is in points; how wide it is shown is left to the page.
    """
    root = ElementTree.fromstring(text)
    used = {name for each in root.iter() for value in each.attrib.values() for name in REFERENCE.findall(value)}
    names = {name: f"{prefix}-{count}" for count, name in enumerate(sorted(used & _ids(root)))}
    found = Element("svg", {"xmlns": SVG, "viewBox": root.attrib["viewBox"], "role": "img", "style": ENTERED})
    found.attrib["aria-labelledby"] = f"{prefix}-title {prefix}-desc"
    for tag, content in (("title", title), ("desc", words)):
        ElementTree.SubElement(found, tag, {"id": f"{prefix}-{tag}"}).text = visible(content)
    found.extend(_kept(root, names, colours))
    return ElementTree.tostring(found, encoding="unicode")


def _ids(root: Element) -> set[str]:
    return {each.attrib["id"] for each in root.iter() if "id" in each.attrib}


def _kept(parent: Element, names: Mapping[str, str], colours: Mapping[str, str]) -> Iterator[Element]:
    """The children that show something, without namespaces, groups that group nothing, and blanks between them."""
    for each in parent:
        tag = each.tag.rsplit("}", 1)[-1]
        if tag in LEFT_OUT or (tag == "path" and each.attrib.get("style") == "fill: none"):
            continue
        own = {name.rsplit("}", 1)[-1]: value for name, value in each.attrib.items()}
        said = (name for name in own if _says(name, own, names))
        kept = Element(tag, {name: _attribute(name, own[name], names, colours) for name in said})
        kept.text = each.text if tag == "text" else None
        kept.extend(_kept(each, names, colours))
        if tag in ("g", "defs") and (len(kept) == 0 or (tag == "g" and not kept.attrib)):
            yield from kept
        else:
            yield kept


def _says(name: str, attributes: Mapping[str, str], names: Mapping[str, str]) -> bool:
    """Whether an attribute says anything: an id that nothing refers to does not."""
    if name == "id":
        return attributes[name] in names
    return not (name == "transform" and UPRIGHT.fullmatch(attributes[name]))


def _attribute(name: str, value: str, names: Mapping[str, str], colours: Mapping[str, str]) -> str:
    """Its value with the new ids and colours, in hundredths of a point."""
    if name == "id":
        return names[value]
    value = REFERENCE.sub(lambda match: f"#{names.get(match[1], match[1])}", value)
    value = LONG_NUMBER.sub(lambda match: f"{round(float(match[0]), 2):g}", value)
    if name == "d":
        return DOT.sub(r"M\1h0", AROUND_LETTERS.sub(r"\1", " ".join(value.split())))
    if name == "style" and colours:
        value = FAMILY.sub("", value)
        for colour, variable in colours.items():
            value = value.replace(colour, variable)
    return value
