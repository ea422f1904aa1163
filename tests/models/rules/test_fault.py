from __future__ import annotations

from app.domain.filefault import FileFault
from app.models.rules.fault import Fault


def test_what_is_wrong_in_figures():
    number = Fault(fault=FileFault.NUMBER, name="a.b", found="3", allowed="1-2")
    assert number.value == "a.b = 3 (1-2)"
    assert Fault(fault=FileFault.CHARSMAP, name="a").value == "a"
    assert Fault(fault=FileFault.WEIGHTS, name="a", found="F64").value == "a = F64"
    assert Fault(fault=FileFault.TOKENS, name="a", allowed="x").value == "a (x)"
