"""sObject Tree: records with their children in one create, all or nothing.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobject_tree.htm
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tradepost.sandbox.salesforce import dml, rows
from tradepost.sandbox.salesforce.call import Answer, Call
from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import OrgState

MOST_RECORDS = 200
MOST_DEPTH = 5
MOST_KINDS = 5


@dataclass(frozen=True, slots=True)
class Node:
    """One record to make. `parent` is the index of the node above it, `link` the field that leads there."""

    sobject: SObject
    reference: str
    values: dict[str, Any]
    parent: int | None = None
    link: str = ""
    depth: int = 1


def create(state: OrgState, call: Call, name: str) -> Answer:
    """POST /composite/tree/{Object}."""
    sobject = rows.visible(state, call, name)
    nodes: list[Node] = []
    _collect(state, call, sobject, call.fields.get("records"), nodes, None, "")
    refusal = _whole(nodes)
    if refusal:
        return _failed(*refusal)
    savepoint = state.store.savepoint()
    made: list[str] = []
    for node in nodes:
        above = {} if node.parent is None else {node.link: made[node.parent]}
        try:
            made.append(dml.insert(state, call.actor, node.sobject, node.values | above, rows.options(call)))
        except Refused as refused:
            state.store.rollback(savepoint)
            return _failed(node.reference, refused)
    results = [{"referenceId": node.reference, "id": record_id} for node, record_id in zip(nodes, made, strict=True)]
    return Answer(status=201, body={"hasErrors": False, "results": results})


def _failed(reference: str, refused: Refused) -> Answer:
    return Answer(
        status=400, body={"hasErrors": True, "results": [{"referenceId": reference, "errors": [refused.row()]}]}
    )


def _whole(nodes: list[Node]) -> tuple[str, Refused] | None:
    """What refuses a tree before any record of it is looked at."""
    references = [node.reference for node in nodes]
    for node in nodes:
        if references.count(node.reference) > 1:
            text = f"Duplicate ReferenceId provided in the request: {node.reference}"
            return node.reference, Refused("INVALID_INPUT", text, [])
    if len(nodes) > MOST_RECORDS:
        return nodes[-1].reference, Refused("INVALID_INPUT", f"A tree can have at most {MOST_RECORDS} records.", [])
    if max(node.depth for node in nodes) > MOST_DEPTH or len({node.sobject.name for node in nodes}) > MOST_KINDS:
        text = f"A tree can be at most {MOST_DEPTH} deep and have at most {MOST_KINDS} different objects."
        return nodes[-1].reference, Refused("INVALID_INPUT", text, [])
    return None


def _collect(
    state: OrgState, call: Call, sobject: SObject, given: Any, nodes: list[Node], parent: int | None, link: str
) -> None:
    """Add records and what hangs below them, parents first. Raises for what is no tree."""
    if not isinstance(given, list) or not given or not all(isinstance(each, dict) for each in given):
        raise Refused("JSON_PARSER_ERROR", "records must be a list of sObjects")
    depth = 1 if parent is None else nodes[parent].depth + 1
    for record in given:
        attributes = record.get("attributes")
        facts = attributes if isinstance(attributes, dict) else {}
        reference = facts.get("referenceId")
        if not isinstance(reference, str) or str(facts.get("type", "")).lower() != sobject.name.lower():
            raise Refused("INVALID_INPUT", f"Each record needs attributes: type {sobject.name} and a referenceId.")
        below = {name: value for name, value in record.items() if isinstance(value, dict) and "records" in value}
        values = {name: v for name, v in record.items() if name != "attributes" and name not in below}
        nodes.append(Node(sobject, reference, values, parent, link, depth))
        here = len(nodes) - 1
        for name, value in below.items():
            child = _child(state, sobject, name)
            rows.visible(state, call, child[0].name)
            _collect(state, call, child[0], value["records"], nodes, here, child[1])


def _child(state: OrgState, sobject: SObject, relationship: str) -> tuple[SObject, str]:
    for child, reference in state.schema.children(sobject.name):
        if reference.child_name.lower() == relationship.lower():
            return child, reference.name
    raise Refused("INVALID_FIELD", f"No such relation '{relationship}' on entity '{sobject.name}'")
