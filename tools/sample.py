"""Write or check ``data/sample``: the generated sample company.

python tools/sample.py write
python tools/sample.py check
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from funnelnb.simulate import simulate  # noqa: E402
from funnelnb.simulate.company import SAMPLE_SEED, sample_floor, side_tables  # noqa: E402
from funnelnb.simulate.shop import shop  # noqa: E402

if TYPE_CHECKING:
    import pandas as pd

FOLDER = ROOT / "data" / "sample"
LIMIT_BYTES = 2_000_000
NEWLINE = b"\n"

SETTINGS = """\
# Settings of the sample company; written by tools/sample.py.
playbook = "{playbook}"
as_of = "{as_of}"
currency = "{currency}"
horizon_days = 180
by = "region"
"""


def sample_tables() -> dict[str, pd.DataFrame]:
    """Return all tables of the sample company."""
    floor = sample_floor()
    sales = simulate(floor, SAMPLE_SEED)
    opportunities, history = sales.tables["opportunities"], sales.tables["stage_history"]
    tables = {"opportunities": opportunities, "stage_history": history}
    plant_unlisted(tables, won_stage=floor.playbook.stage_ids[floor.playbook.won])
    return tables | side_tables(sales, floor, SAMPLE_SEED)


def plant_unlisted(tables: dict[str, pd.DataFrame], won_stage: str, owner: str = "林浩", n: int = 3) -> None:
    """Make the largest wins of one person deals that were never in the funnel before (E6)."""
    deals, history = tables["opportunities"], tables["stage_history"]
    rows = deals[(deals["owner"] == owner) & (deals["outcome"] == "won")].nlargest(n, "amount").index
    deals.loc[rows, "created_at"] = deals.loc[rows, "closed_at"]
    ids = deals.loc[rows, "opportunity_id"]
    reached = (
        history[history["opportunity_id"].isin(ids)]
        .groupby("opportunity_id")["stage"]
        .transform(lambda s: (s == won_stage).cumsum())
    )
    before = reached.index[reached == 0]
    tables["stage_history"] = history.drop(before).reset_index(drop=True)


def render() -> dict[str, bytes]:
    """Return the content of every generated file by name."""
    floor = sample_floor()
    files = {
        f"{name}.csv": table.to_csv(
            index=False, lineterminator="\n", date_format="%Y-%m-%d", float_format="%.0f"
        ).encode("utf-8")
        for name, table in sample_tables().items()
    }
    settings = SETTINGS.format(playbook=floor.playbook.id, as_of=floor.as_of, currency=floor.currency)
    events = shop().to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d %H:%M:%S").encode("utf-8")
    return files | {"funnelnb.toml": settings.encode("utf-8"), "shop/events.csv": events}


def write(folder: Path = FOLDER) -> None:
    """Write the generated files, each at once."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in render().items():
        (folder / name).parent.mkdir(exist_ok=True)
        temporary = folder / f"{name}.tmp"
        temporary.write_bytes(content)
        temporary.replace(folder / name)
        print(f"{name:20} {len(content):>9,} bytes {content.count(NEWLINE) - 1:>7,} rows")


def check(folder: Path = FOLDER) -> list[str]:
    """Return what is wrong with the files in `folder`; empty if they are as generated."""
    problems = []
    files = render()
    for name, content in files.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif path.read_bytes() != content:
            problems.append(f"{name} is not what tools/sample.py writes")
    size = sum(map(len, files.values()))
    if size > LIMIT_BYTES:
        problems.append(f"the sample takes {size:,} bytes, more than {LIMIT_BYTES:,}")
    return problems


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("write", "check"))
    if parser.parse_args(arguments).command == "write":
        write()
        return 0
    problems = check()
    for problem in problems:
        print(f"data/sample: {problem}; run: python tools/sample.py write", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
