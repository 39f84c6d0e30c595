"""Everything wrong with a request is told before the first notebook starts, all at once."""

from pathlib import Path
from typing import Any

import pytest

import funnelnb as fn
from funnelnb.batch import plan
from funnelnb.batch.run import run
from funnelnb.core.errors import FunnelError, ParameterError

from .conftest import PARAMETERS, REGIONS, Heard, write_notebook


def refused(request: plan.Request) -> str:
    """Run what must be refused; nothing may be started or left behind."""
    heard = Heard()
    with pytest.raises(FunnelError) as caught:
        run(request, heard)
    assert heard.begun == []
    assert not request.out.exists()
    return str(caught.value)


def test_an_unknown_region_is_refused_with_the_nearest(request_for: Any) -> None:
    said = refused(request_for(only=("Eest", "East", "华东/上海市")))
    assert "--only 'Eest'" in said
    assert "did you mean 'East'?" in said
    assert "did you mean '华东/上海'?" in said


def test_an_unknown_attribute_is_refused_with_the_nearest(request_for: Any) -> None:
    said = refused(request_for(by="regoin"))
    assert "--by 'regoin'" in said
    assert "did you mean 'region'?" in said


def test_values_without_an_attribute_are_refused(request_for: Any) -> None:
    assert "--only without --by" in refused(request_for(by="", only=("East",)))


def test_all_mistakes_are_told_at_once(request_for: Any) -> None:
    request = request_for(
        parameters={
            "horizn_days": "90",
            "horizon_days": "-5",
            "region": "East",
            "by": "team",
            "code_word": "x",
        },
        jobs=-1,
        as_of="yesterday",
        lang="fr",
    )
    said = refused(request)
    assert "7 things are not right" in said
    wanted = ["'horizn_days'", "did you mean 'horizon_days'?", "horizon_days = -5.0", "-p by", "--by instead"]
    for part in [*wanted, "parameter 'region'", "--jobs = -1", "yesterday", "'fr'"]:
        assert part in said


def test_a_parameter_of_the_wrong_type_is_refused(request_for: Any) -> None:
    said = refused(request_for(parameters={"horizon_days": "ninety"}))
    assert "horizon_days = 'ninety'" in said
    assert "a number (days)" in said


def test_a_period_that_is_none_is_refused_before_any_report(request_for: Any, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "when.ipynb", parameters=PARAMETERS + 'period: str = ""')
    said = refused(request_for(notebooks=(str(path),), parameters={"period": "Q9 2026"}))
    assert "period = 'Q9 2026'" in said
    assert "2026-Q3 (or Q3 2026)" in said
    for good in ("Q3 2026", "week", ""):
        plan.check_request(request_for(notebooks=(str(path),), parameters={"period": good}))


def test_pages_do_not_go_among_the_data(request_for: Any, company: Path) -> None:
    with pytest.raises(ParameterError, match="the data are in this folder"):
        plan.check_request(request_for(data=(str(company),), out=company))


def test_a_segment_that_the_deals_lack_is_refused(request_for: Any) -> None:
    said = refused(request_for(parameters={"segment": "segmnt"}))
    assert "did you mean 'segment'?" in said


def test_a_calendar_that_does_not_exist_is_refused(request_for: Any, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "days.ipynb", parameters=PARAMETERS + 'calendar: str = ""')
    said = refused(request_for(notebooks=(str(path),), parameters={"calendar": "CNN"}))
    assert "calendar = 'CNN'" in said
    assert "did you mean 'CN'?" in said


def test_a_notebook_that_cannot_be_run_per_region_is_refused(request_for: Any, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "own.ipynb", parameters='data: str = ""')
    said = refused(request_for(notebooks=(str(path),), as_of="2026-03-01"))
    for name in ("by", "value", "as_of"):
        assert f"declares no parameter '{name}'" in said


def test_two_notebooks_of_one_name_are_refused(
    request_for: Any, tmp_path: Path, quick_notebook: Path
) -> None:
    (tmp_path / "b").mkdir()
    other = write_notebook(tmp_path / "b" / "QUICK.ipynb")
    assert "two notebooks are called" in refused(request_for(notebooks=(str(quick_notebook), str(other))))


def test_missing_data_are_refused(request_for: Any, tmp_path: Path) -> None:
    assert "nowhere" in refused(request_for(data=(str(tmp_path / "nowhere"),)))


def made(request: plan.Request, company: Path, **changes: Any) -> plan.Plan:
    return plan.make(plan.check_request(request), fn.load(company, **changes), None)


def test_the_plan_holds_a_job_for_each_region(request_for: Any, company: Path) -> None:
    found = made(request_for(), company)
    assert sorted(job.value for job in found.jobs) == sorted(REGIONS)
    assert len({job.stem.casefold() for job in found.jobs}) == len(REGIONS)
    assert all(job.wanted for job in found.jobs)
    job = next(one for one in found.jobs if one.value == "East")
    assert job.parameters == {
        "data": str(company),
        "mapping": "",
        "playbook": "",
        "as_of": "",
        "by": "region",
        "value": "East",
        "lang": "en",
        "horizon_days": 60.0,
    }


def test_paths_are_made_absolute_and_names_are_left_alone(
    request_for: Any, company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(company.parent)
    request = request_for(data=("export",), mapping="export/funnelnb.toml", playbook="seven_step")
    job = made(request, company).jobs[0]
    assert job.parameters["data"] == str(company)
    assert job.parameters["mapping"] == str(company / "funnelnb.toml")
    assert job.parameters["playbook"] == "seven_step"


def test_the_horizon_comes_from_the_option_the_settings_the_notebook_or_the_data(
    request_for: Any, company: Path, tmp_path: Path
) -> None:
    book = fn.load(company)
    request = request_for()
    assert made(request, company).horizon_days == 60
    assert plan.make(plan.check_request(request), book, 45.0).horizon_days == 45
    given = request_for(parameters={"horizon_days": "30"})
    found = plan.make(plan.check_request(given), book, 45.0)
    assert found.horizon_days == 30
    assert found.jobs[0].parameters["horizon_days"] == 30
    bare = write_notebook(tmp_path / "bare.ipynb", parameters='data: str = ""\nby: str = ""\nvalue: str = ""')
    automatic = plan.make(plan.check_request(request_for(notebooks=(str(bare),))), book, None)
    assert automatic.horizon_days == fn.conversion(book).horizon_days


def test_a_parameter_goes_to_the_notebooks_that_declare_it(
    request_for: Any, company: Path, tmp_path: Path, quick_notebook: Path
) -> None:
    bare = write_notebook(tmp_path / "bare.ipynb", parameters='data: str = ""\nby: str = ""\nvalue: str = ""')
    request = request_for(notebooks=(str(quick_notebook), str(bare)), parameters={"code_word": "x"})
    jobs = made(request, company).jobs
    assert {("code_word" in job.parameters, job.notebook.name) for job in jobs} == {
        (True, "quick"),
        (False, "bare"),
    }


def test_names_are_the_same_whichever_reports_are_made(request_for: Any, company: Path) -> None:
    every = {job.value: job.stem for job in made(request_for(), company).jobs}
    some = made(request_for(only=("East",)), company)
    assert {job.value: job.stem for job in some.jobs} == every
    assert [job.value for job in some.jobs if job.wanted] == ["East"]


def test_errors_are_parameter_errors(request_for: Any) -> None:
    with pytest.raises(ParameterError):
        plan.check_request(request_for(parameters={"nonsense": "1"}))


def test_consent_is_offered_only_where_it_helps(tmp_path):
    from funnelnb.batch.intake import consent_helps

    deals = "Deal;Created;Phase\n1;03/04/2024;Lead\n2;05/06/2024;Won\n3;07/08/2024;Lost\n"
    (tmp_path / "x.csv").write_text(deals, encoding="utf-8")
    assert consent_helps((str(tmp_path),))  # the order of day and month is proposed
    (tmp_path / "funnelnb.toml").write_text("horizn_days = 3\n", encoding="utf-8")
    assert not consent_helps((str(tmp_path),))  # a key that nobody knows stays one
