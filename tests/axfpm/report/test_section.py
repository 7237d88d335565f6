from axfpm.report.section import Axis, Explorer, Section


def test_how_a_section_went():
    assert Section("a", "A").state == "done"
    assert Section("a", "A", not_run="no tool").state == "not run"
    assert Section("a", "A", not_run="no tool", failed="broke off").state == "failed"


def test_axes_by_group_and_kinds_in_order():
    axes = [Axis("mred", "error", "Error"), Axis("area", "area", "Hardware"), Axis("worst", "worst", "Error")]
    rows = [{"name": name, "family": family, "values": {}} for name, family in (("b", "y"), ("a", "x"), ("c", "y"))]
    explorer = Explorer(axes, rows, {}, "mred", "area", "")
    assert {group: [axis.key for axis in own] for group, own in explorer.groups.items()} == {
        "Error": ["mred", "worst"],
        "Hardware": ["area"],
    }
    assert explorer.families == ["y", "x"]
    assert explorer.to_dict()["axes"][1] == {
        "key": "area",
        "title": "area",
        "group": "Hardware",
        "better": "less",
        "log": True,
        "origin": "file",
    }
