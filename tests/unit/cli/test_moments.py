"""Times in templates, against what Go prints for the same moment."""

from __future__ import annotations

import pytest

from argosy.cli.documents import Moment
from argosy.cli.templates import Template, TemplateError

AT = "2026-03-04T15:06:07.089Z"
CASES = """
{{.At}} => 2026-03-04 15:06:07.089 +0000 UTC
{{.At.Unix}} {{.At.UnixMilli}} {{.At.UnixNano}} => 1772636767 1772636767089 1772636767089000000
{{.At.Year}} {{.At.Month}} {{.At.Day}} {{.At.Weekday}} {{.At.YearDay}} => 2026 March 4 Wednesday 63
{{.At.Hour}} {{.At.Minute}} {{.At.Second}} {{.At.Nanosecond}} {{.At.IsZero}} => 15 6 7 89000000 false
{{.Zero.IsZero}} {{.Zero}} {{.Zero.Unix}} => true 0001-01-01 00:00:00 +0000 UTC -62135596800
{{.At.Format "2006-01-02T15:04:05Z07:00"}} => 2026-03-04T15:06:07Z
{{.At.Format "Mon, 02 Jan 2006 15:04:05 MST"}} => Wed, 04 Mar 2026 15:06:07 UTC
{{.At.Format "Monday January _2 3:4:5PM -0700 06"}} => Wednesday March  4 3:6:7PM +0000 26
{{.At.Format "15:04:05.000 05.999999 05,00"}} => 15:06:07.089 07.089 07,08
{{.At.Format "x.000 day 002"}} => x.000 day 063
{{"2006" | .At.Format}} => 2026
{{printf "%T" .At}} {{json .At}} => time.Time "2026-03-04T15:06:07.089Z"
"""


def _shown(template: str) -> str:
    return Template(template, "inspect").execute({"At": Moment(AT), "Zero": Moment("0001-01-01T00:00:00Z")})


@pytest.mark.parametrize(("template", "wanted"), [line.split(" => ", 1) for line in CASES.strip().splitlines()])
def test_what_go_prints_of_a_time(template: str, wanted: str) -> None:
    assert _shown(template) == wanted


def test_a_time_has_no_other_fields() -> None:
    with pytest.raises(TemplateError, match=r"can't evaluate field Nope in type time\.Time"):
        _shown("{{.At.Nope}}")
