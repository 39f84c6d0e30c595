"""One Spark for all tests of a worker: it takes ten seconds of processor time to begin."""

from __future__ import annotations

import os
import shutil
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT, skip_or_fail

if TYPE_CHECKING:
    from collections.abc import Iterator

BRIEF = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Of the Java machine: what runs for half a minute is not worth compiling twice, nor collecting on all cores."""


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """One small local Spark session for all tests."""
    if shutil.which("java") is None:
        skip_or_fail("PySpark needs Java, which is not installed")
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        skip_or_fail("pyspark is not installed")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PySpark's own remarks on pandas 3
        session = (
            SparkSession.builder.master("local[2]")
            .appName("funnelnb-tests")
            .config("spark.driver.extraJavaOptions", BRIEF)
            .config("spark.driver.memory", "1g")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.default.parallelism", "2")
            .config("spark.sql.session.timeZone", "UTC")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()
