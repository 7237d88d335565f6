"""The rule on claims of saved energy: each verdict, and where it changes."""

import pytest
from made_up_inference import result

from synth.energy.inference.claims import CLAIMS, FAILS, HOLDS, LEAST_TECHNOLOGIES, NOT_RUN, OPEN, decide, ruled

pytest.importorskip("scipy")

BELOW, ACROSS, ABOVE = (0.4, 0.3, 0.49), (0.45, 0.4, 0.51), (0.6, 0.51, 0.7)


@pytest.mark.parametrize(
    ("ratios", "verdict", "reason"),
    [
        ((BELOW, BELOW), HOLDS, "the interval stays below 0.5 on all 2 technologies"),
        ((BELOW, ACROSS), OPEN, "the interval reaches above 0.5 on lib1"),
        ((BELOW, ABOVE), FAILS, "the whole interval lies above 0.5 on lib1"),
        ((ACROSS, ABOVE), FAILS, "the whole interval lies above 0.5 on lib1"),
        ((BELOW,), OPEN, "below 0.5, but on 1 technology alone"),
        ((ABOVE,), FAILS, "the whole interval lies above 0.5 on lib0"),
        (((0.4, 0.3, 0.5), BELOW), OPEN, "the interval reaches above 0.5 on lib0"),
        (((0.6, 0.5, 0.7), BELOW), FAILS, "the whole interval lies above 0.5 on lib0"),
    ],
    ids=str,
)
def test_verdicts(ratios, verdict, reason):
    assert ruled(0.5, {f"lib{k}": each for k, each in enumerate(ratios)}) == (verdict, reason)


def test_every_claim_against_every_baseline():
    found = decide([result(factor=0.4, strong=0.8), result("NangateOpenCellLibrary", factor=0.45, strong=0.8)])
    assert len(found) == 2 * len(CLAIMS)
    assert LEAST_TECHNOLOGIES == 2
    verdicts = {(each.claim.share, each.baseline): each.verdict for each in found}
    assert verdicts[0.5, "exact"] == HOLDS  # 0.40 and 0.45
    assert verdicts[0.5, "exact-trunc (booth tree)"] == FAILS  # 0.50 and 0.56
    assert verdicts[0.33, "exact"] == FAILS
    assert verdicts[0.62, "exact"] == verdicts[0.62, "exact-trunc (booth tree)"] == HOLDS
    first = found[0]
    assert first.ratios == {
        "osu018": pytest.approx((0.4, 0.4, 0.4)),
        "nangate45": pytest.approx((0.45, 0.45, 0.45)),
    }
    assert first.network == "toy (toy-digits)"


def test_what_was_not_measured_is_not_judged():
    found = decide([result()], subject="mitchell")
    assert {each.verdict for each in found} == {NOT_RUN}
    assert found[0].reason == "mitchell or exact was not measured on osu018"


def test_json():
    plain = decide([result(), result("NangateOpenCellLibrary")])[0].to_dict()
    assert plain["text"] == "up to 50% less energy"
    assert plain["share"] == 0.5
    assert plain["ratios"]["osu018"] == pytest.approx([0.4, 0.4, 0.4])
