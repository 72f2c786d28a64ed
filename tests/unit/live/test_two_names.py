"""Where two persons must approve: who counts, and what a release says until both have."""

from __future__ import annotations

import pytest

from etl.batches.ledger import Batch
from etl.errors import HeldElsewhere
from etl.live.approving import approve
from etl.live.desk import Desk
from etl.live.releasing import release
from tests.unit.live.scene import Scene


@pytest.fixture
def two(scene: Scene) -> Scene:
    """Give a scene of a company that wants two names, with a batch that waits."""
    path = scene.root / "pleo-etl.yaml"
    text = path.read_text().replace("template: generic", "approvals: 2, template: generic")
    path.write_text(text)
    scene.export()
    scene.run()
    return scene


def test_the_setting_reaches_the_desk(two: Scene) -> None:
    with two.desk() as desk:
        assert (desk.approvals, desk.margin) == (2, 300)


def test_the_margin_is_a_setting_too(two: Scene) -> None:
    path = two.root / "pleo-etl.yaml"
    path.write_text(path.read_text().replace("approvals: 2", "margin_minutes: 10"))
    with two.desk() as desk:
        assert (desk.approvals, desk.margin) == (1, 600)


def test_the_same_name_twice_is_written_down_once(two: Scene) -> None:
    two.approve("Ann")
    assert two.approve(" ANN ").state == "staged"
    assert [one.by for one in two.batch().approvals] == ["Ann"]
    assert two.approve("Ben").state == "approved"


def test_until_both_have_approved_a_release_says_who_is_missing(two: Scene) -> None:
    two.approve("Ann")
    with two.desk() as desk, pytest.raises(HeldElsewhere, match="REVIEW-4") as caught:
        release(desk, waiting(desk))
    assert "approved by Ann, and 2 persons must approve it" in str(caught.value)
    assert two.requests("send-event") == []


def test_unattended_is_no_person_and_approves_nothing(two: Scene) -> None:
    with two.desk() as desk, pytest.raises(HeldElsewhere, match="REVIEW-4") as caught:
        release(desk, waiting(desk), by="root", unattended=True)
    assert "approved by nobody, and 2 persons must approve it" in str(caught.value)
    two.approve("Ann")
    with two.desk() as desk, pytest.raises(HeldElsewhere, match="REVIEW-4"):
        release(desk, waiting(desk), by="root", unattended=True)
    assert [one.by for one in two.batch().approvals] == ["Ann"]
    assert two.requests("send-event") == []


def test_unattended_releases_what_both_have_approved(two: Scene) -> None:
    two.approve("Ann")
    two.approve("Ben")
    with two.desk() as desk:
        assert release(desk, waiting(desk), by="root", unattended=True).word == "closed"


def test_where_one_name_is_enough_from_now_on_the_same_person_completes_it(two: Scene) -> None:
    two.approve("Ann")
    with two.desk(approvals=1) as desk:
        assert approve(desk, waiting(desk), by="Ann").state == "approved"


def waiting(desk: Desk) -> Batch:
    batch = desk.unsettled()
    assert batch is not None
    return batch
