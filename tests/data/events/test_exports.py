"""The same eight events as five tools export them by their documented schemas: one count, whatever the file."""

from __future__ import annotations

import gzip
import json
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn

EVENTS = [
    ("u1", "view", 0, "web"), ("u1", "cart", 60, "web"), ("u1", "pay", 120, "web"),
    ("u2", "view", 10, "app"), ("u2", "cart", 400, "app"),
    ("u3", "view", 20, "web"), ("u3", "view", 30, "web"),
    ("u4", "cart", 50, "app"),
]  # fmt: skip
START = 1_772_359_200  # 2026-03-01 10:00 UTC
STEPS = ["view", "cart", "pay"]


def iso(second: int, more: str = "") -> str:
    return str(pd.Timestamp(START + second, unit="s")) + more


def amplitude() -> list[dict[str, Any]]:
    """Export API: one JSON object a line; event_time in UTC without an offset, -1 for no session."""
    return [
        {
            "app": 1, "amplitude_id": 1000 + int(user[1]), "user_id": user, "device_id": "d", "uuid": f"id{k}",
            "$insert_id": f"ins{k}", "event_id": k, "event_type": event, "event_time": iso(at, ".123000"),
            "client_event_time": iso(at), "server_upload_time": iso(at), "session_id": -1 if user == "u4" else 7,
            "event_properties": {"channel": channel, "price": 9.5}, "user_properties": {"plan": "free"},
            "group_properties": {}, "groups": {}, "country": "DE", "platform": "Web",
        }
        for k, (user, event, at, channel) in enumerate(EVENTS)
    ]  # fmt: skip


def mixpanel() -> list[dict[str, Any]]:
    """Raw export: event and properties; time in seconds; not deduplicated."""
    rows = [
        {
            "event": event,
            "properties": {
                "time": START + at, "distinct_id": user, "$insert_id": f"ins{k}", "mp_lib": "web",
                "mp_processing_time_ms": (START + at) * 1000, "channel": channel, "price": 9.5,
            },
        }
        for k, (user, event, at, channel) in enumerate(EVENTS)
    ]  # fmt: skip
    return [*rows, rows[0]]


def ga4() -> list[dict[str, Any]]:
    """BigQuery export: event_timestamp in microseconds, parameters as key and value records."""

    def param(key: str, **value: Any) -> dict[str, Any]:
        nothing = dict.fromkeys(("string_value", "int_value", "float_value", "double_value"))
        return {"key": key, "value": {**nothing, **value}}

    return [
        {
            "event_date": "20260301", "event_timestamp": str((START + at) * 10**6), "event_name": event,
            "event_params": [param("ga_session_id", int_value="77"), param("channel", string_value=channel)],
            "user_id": None, "user_pseudo_id": user, "user_properties": [], "platform": "WEB",
            "device": {"category": "desktop"}, "geo": {"country": "Germany"},
        }
        for user, event, at, channel in EVENTS
    ]  # fmt: skip


def posthog() -> list[dict[str, Any]]:
    """Batch export: properties as JSON text, moments with an offset."""
    return [
        {
            "uuid": f"id{k}", "event": event, "distinct_id": user, "team_id": 1,
            "properties": json.dumps({"channel": channel, "$session_id": f"s{user}"}),
            "timestamp": iso(at, ".123000+00:00").replace(" ", "T"), "created_at": iso(at, "+00:00"),
        }
        for k, (user, event, at, channel) in enumerate(EVENTS)
    ]  # fmt: skip


def snowplow() -> pd.DataFrame:
    """The atomic events table: several moments, of which the derived one says when it was done."""
    return pd.DataFrame(
        [
            {
                "app_id": "a", "collector_tstamp": iso(at + 3000, ".000"), "dvce_created_tstamp": iso(at, ".000"),
                "event": "struct", "event_id": f"e{k}", "user_id": None, "domain_userid": user,
                "network_userid": f"n{user}", "se_action": event, "event_name": event,
                "derived_tstamp": iso(at, ".000"), "domain_sessionid": f"s{user}", "channel": channel,
            }
            for k, (user, event, at, channel) in enumerate(EVENTS)
        ]
    )  # fmt: skip


def lines(rows: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(row) for row in rows) + "\n"


def written(tmp_path, name: str):
    """Return a file that holds the export called `name`."""
    path = tmp_path / name
    if name == "amplitude.zip":  # what the Export API answers: packed hours in an archive
        rows = amplitude()
        with zipfile.ZipFile(path, "w") as archive:
            for hour, part in enumerate((rows[:5], rows[5:])):
                archive.writestr(f"1/1_2026-03-01_{hour}#0.json.gz", gzip.compress(lines(part).encode()))
    elif name.endswith(".json.gz"):
        path.write_bytes(gzip.compress(lines(amplitude()).encode()))
    elif name == "ga4.parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [{**row, "event_timestamp": int(row["event_timestamp"])} for row in ga4()]
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif name == "posthog.parquet":
        frame = pd.DataFrame(posthog())
        frame.assign(timestamp=pd.to_datetime(frame["timestamp"], format="ISO8601")).to_parquet(path)
    elif name == "snowplow.tsv":
        snowplow().to_csv(path, sep="\t", index=False)
    else:
        made = {"amplitude": amplitude, "mixpanel": mixpanel, "ga4": ga4, "posthog": posthog}[path.stem]
        path.write_text(lines(made()), encoding="utf-8")
    return path


FILES = {
    "amplitude.json": "Amplitude", "amplitude_1.json.gz": "Amplitude", "amplitude.zip": "Amplitude",
    "mixpanel.jsonl": "Mixpanel", "ga4.json": "Google Analytics 4", "ga4.parquet": "Google Analytics 4",
    "posthog.jsonl": "PostHog", "posthog.parquet": "PostHog", "snowplow.tsv": "Snowplow",
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_every_export_is_one_log(tmp_path, name: str) -> None:
    log = fn.events(written(tmp_path, name))
    assert (len(log), len(log.actors), sorted(log.names)) == (8, 4, ["cart", "pay", "view"])
    told = {note.code: note.values for note in log.notes}
    assert told["events_recognised"]["tool"] == FILES[name]
    assert str(log.as_of)[:19] == "2026-03-01T10:06:40"
    result = fn.funnel(log, STEPS, within="1h", by="channel")
    reached = {(row.group[0], row.step): row.reached_n for row in result.steps}
    expected = {("web", "view"): 2, ("web", "cart"): 1, ("app", "view"): 1, ("app", "cart"): 1}
    assert {key: reached[key] for key in expected} == expected
    assert fn.funnel(log, STEPS, within="1h").overall[0].advanced_n == 1


def test_ids_used_again_lose_no_event(tmp_path) -> None:
    """Mixpanel: only the same id, event, person and time is the same event."""
    rows = mixpanel()[:-1]
    for row in rows:
        row["properties"]["$insert_id"] = "one for all"
    path = tmp_path / "m.jsonl"
    path.write_text(lines(rows), encoding="utf-8")
    assert len(fn.events(path)) == 8


def test_sessions_of_each_tool(tmp_path) -> None:
    """Amplitude's -1 is no session; PostHog's stands in the properties, Snowplow's in a column."""
    amplitudes = fn.events(written(tmp_path, "amplitude.json"))
    codes = amplitudes.sessions()
    assert set(codes[amplitudes.actor == list(amplitudes.actors).index("1004")]) == {-1}
    assert len(np.unique(fn.events(written(tmp_path, "snowplow.tsv")).sessions())) == 4
    posthogs = fn.events(written(tmp_path, "posthog.jsonl"))
    assert sorted(set(posthogs.codes("$session_id")[1])) == ["su1", "su2", "su3", "su4"]


def test_parts_with_other_properties_are_one_log(tmp_path) -> None:
    for k, more in enumerate(({"colour": "red"}, {"size": "L"})):
        row = {"user_id": f"u{k}", "event": "view", "timestamp": f"2026-03-0{k + 1}", **more}
        (tmp_path / f"{k}.jsonl").write_text(lines([row]), encoding="utf-8")
    log = fn.events(str(tmp_path / "*.jsonl"))
    assert len(log) == 2 and {"colour", "size"} <= set(log.properties)
