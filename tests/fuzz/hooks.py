"""What the fuzz by Schemathesis has to know of Frontrow: where values come from, and what may be answered.

Two checks of the tool presume that everything which fits the types is taken, and that every error is the server's. A
title has a length and a fan has one wallet, which no type says, so `answers_as_documented` stands in their place; it is
stricter: every answer has the shape of the schema, and every error a code that docs and schema name.
"""

import json
import os
import urllib.request

import graphql
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

URL, TOKEN = os.environ["FUZZ_URL"], os.environ["FUZZ_TOKEN"]


def ask(query, token=TOKEN, **variables):
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(urllib.request.Request(URL, body, headers)) as answer:
        return json.load(answer)


SCHEMA = graphql.build_client_schema(ask(graphql.get_introspection_query())["data"])


def known_ids():
    """Of the demo's concert, its dates and some seats, and of a place in line."""
    concerts = ask("{ concerts { nodes { id series { id seats { id } } } } }")["data"]["concerts"]["nodes"]
    ids = []
    for concert in concerts:
        ids.append(concert["id"])
        for series in concert["series"]:
            ids += [series["id"]] + [seat["id"] for seat in series["seats"][:3]]
            join = "mutation($id: ID!) { issueToken(input: { seriesId: $id }) { tokenId } }"
            ids.append(ask(join, id=series["id"])["data"]["issueToken"]["tokenId"])
    return [one for one in ids if one]


ids = st.one_of(st.sampled_from(known_ids()), st.uuids().map(str), st.text(max_size=300))
schemathesis.graphql.scalar("ID", ids.map(nodes.String))

# Mostly what could be meant: a number of seats or points, a title, a key.
numbers = st.one_of(st.integers(-1, 120), st.integers(-1, 120), st.integers(-(2**31), 2**31 - 1))
schemathesis.graphql.scalar("Int", numbers.map(nodes.Int))
words = st.one_of(st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=40), st.text(max_size=1_000))
schemathesis.graphql.scalar("String", words.map(nodes.String))

# Times as RFC 3339 has them, and what only looks like one.
zones = st.sampled_from(["Z", "+09:00", "-03:30"])
times = st.builds("{}{}".format, st.datetimes().map(lambda at: at.isoformat()), zones)
odd = st.sampled_from(["", "+12345-01-01T00:00:00Z", "2026-12-01T12:00:60Z", "2026-12-01", "2026-13-01T00:00:00Z"])
schemathesis.graphql.scalar("DateTime", st.one_of(times, times, times, odd).map(nodes.String))

# An answer to what fits the types may be refused for these reasons. INTERNAL and UNAVAILABLE are no reasons.
REASONS = {"BAD_USER_INPUT", "FORBIDDEN", "NOT_FOUND", "SERIES_NOT_CREATED", "QUERY_TOO_COMPLEX", "UNAUTHENTICATED"}


def misfit(value, kind, selections, path, fragments):
    """Where the value is not what the schema promises; None if it is."""
    if isinstance(kind, graphql.GraphQLNonNull):
        return f"{path} is null" if value is None else misfit(value, kind.of_type, selections, path, fragments)
    if value is None:
        return None
    if isinstance(kind, graphql.GraphQLList):
        if not isinstance(value, list):
            return f"{path} is no list"
        found = (misfit(one, kind.of_type, selections, f"{path}[{n}]", fragments) for n, one in enumerate(value))
        return next((fault for fault in found if fault), None)
    if isinstance(kind, (graphql.GraphQLScalarType, graphql.GraphQLEnumType)):
        try:
            fits = kind.parse_value(value) is not None
        except graphql.GraphQLError:
            fits = False
        return None if fits else f"{path} is no {kind}: {value!r}"
    asked = fields_of(kind, value, selections, fragments)
    if set(asked) != set(value):
        return f"{path} has the fields {sorted(value)}, not {sorted(asked)}"
    found = (misfit(value[key], *of, f"{path}.{key}", fragments) for key, of in asked.items())
    return next((fault for fault in found if fault), None)


def fields_of(kind, value, selections, fragments):
    """The fields that were asked for by their keys: of which type, and with which selections."""
    asked = {}
    for one in selections:
        if isinstance(one, graphql.FieldNode):
            key, name = (one.alias or one.name).value, one.name.value
            of = graphql.GraphQLNonNull(graphql.GraphQLString) if name == "__typename" else kind.fields[name].type
            below = list(one.selection_set.selections) if one.selection_set else []
            asked[key] = (of, asked[key][1] + below if key in asked else below)
            continue
        part = fragments[one.name.value] if isinstance(one, graphql.FragmentSpreadNode) else one
        on = part.type_condition and SCHEMA.type_map[part.type_condition.name.value]
        if on is not None and on is not kind:
            # Which type a value of an interface has cannot be seen unless it was asked for.
            if "__typename" not in value or value["__typename"] != on.name:
                if not any(key in value for key in fields_of(on, value, part.selection_set.selections, fragments)):
                    continue
        for key, (of, below) in fields_of(on or kind, value, part.selection_set.selections, fragments).items():
            asked[key] = (of, asked[key][1] + below if key in asked else below)
    return asked


@schemathesis.check
def answers_as_documented(ctx, response, case):
    assert response.status_code in (200, 400), f"status {response.status_code}"
    answer = response.json()
    errors = answer.get("errors", [])
    for error in errors:
        code = error.get("extensions", {}).get("code")
        assert code in REASONS, f"{code}: {error['message']}"
        assert error["message"].strip(), "an error without a word"
    fits = case.meta is None or not case.meta.generation.mode.is_negative
    if fits:
        # What only validation can find, an error without a place in the answer, cannot be wrong with it.
        refused = [e for e in errors if "path" not in e and e["extensions"]["code"] == "BAD_USER_INPUT"]
        refused = [e for e in refused if not e["extensions"].get("inputs")]
        assert not refused, f"what fits the schema is refused: {refused[0]['message']}"
    if answer.get("data") is None:
        assert errors, "neither data nor an error"
        return
    document = graphql.parse(case.body if isinstance(case.body, str) else case.body["query"])
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, graphql.FragmentDefinitionNode)}
    operation = next(d for d in document.definitions if isinstance(d, graphql.OperationDefinitionNode))
    root = SCHEMA.get_root_type(operation.operation)
    fault = misfit(answer["data"], root, operation.selection_set.selections, "data", fragments)
    assert fault is None, fault
