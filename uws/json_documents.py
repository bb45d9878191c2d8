"""XML documents as JSON, for clients that ask for it: by one rule, so that both say the same.

An element is an object of its attributes and of the elements in it, by their names without a prefix. One with a text beside
attributes has it as `value`, one with a text alone is that text, an empty one is null. What may come several times is an
array, under its name in the plural, even if it comes once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from uws.xml import XLINK, XSI

_NIL = f"{{{XSI}}}nil"
_ATTRIBUTES = {f"{{{XLINK}}}href": "href", f"{{{XSI}}}type": "xsi:type"}
"""Those of other namespaces that say something; the rest is left out."""

Element = Any


@dataclass(frozen=True, slots=True)
class JsonRule:
    """What the names of a kind of document mean: `arrays` has those of elements that may come several times, with their plurals.

    `texts` always have a value, even an empty one.
    """

    arrays: Mapping[str, str]
    numbers: frozenset[str] = frozenset()
    booleans: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    def is_list(self, name: str) -> bool:
        """Return whether an element is nothing but a list of others, as `parameters` is of each `parameter`."""
        return name in self.arrays.values() and name not in self.arrays

    def document(self, xml: bytes) -> bytes:
        root: Element = etree.fromstring(xml)
        name = etree.QName(root).localname
        members = ({name: []} if self.is_list(name) else {}) | self._members(root)
        return json.dumps(members, ensure_ascii=False).encode()

    def _members(self, element: Element) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, text in element.attrib.items():
            if name := _ATTRIBUTES.get(key, "" if key.startswith("{") else key):
                members[name] = self._typed(name, text)
        for child in element:
            name, value = etree.QName(child).localname, self._value(child)
            if name in self.arrays:
                members.setdefault(self.arrays[name], []).append(value)
            else:
                members[name] = value
        return members

    def _value(self, element: Element) -> Any:
        name, text = etree.QName(element).localname, element.text
        members = self._members(element)
        if self.is_list(name):
            return members.get(name, [])
        if len(element) or element.get(_NIL):
            return members or None
        if not members:
            return self._typed(name, text) if text else None
        if text or name in self.texts:
            members["value"] = self._typed(name, text or "")
        return members

    def _typed(self, name: str, text: str) -> str | float | bool:
        if name in self.booleans:
            return text.strip() in {"true", "1"}
        if name in self.numbers:
            return int(text) if text.strip().isdigit() else float(text)
        return text


UWS_JSON = JsonRule(
    arrays={"jobref": "jobs", "parameter": "parameters", "result": "results"},
    numbers=frozenset("executionDuration size rows bytes uploadedRows uploadedRowsDone queuePosition attempt".split()),
    booleans=frozenset({"byReference", "hasDetail", "overflow"}),
    texts=frozenset({"parameter"}),
)
