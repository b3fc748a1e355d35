"""The shop's releases, rehearsed on bluegreen's lab: pytest --bluegreen-lab"""

from toolkit.lab.rehearsal.service import LabService


def test_a_cutover_and_the_rollback_after_it_lose_no_request(bluegreen_service: LabService) -> None:
    with bluegreen_service.load() as load:
        bluegreen_service.run("cutover", "--bake", "0")
        assert bluegreen_service.answers(20) == {"green": 20}
        bluegreen_service.run("rollback")
    assert load.failed == 0
    assert bluegreen_service.weights() == {"blue": 100, "green": 0}


def test_a_cutover_to_a_sick_side_is_refused(bluegreen_service: LabService) -> None:
    bluegreen_service.set_unhealthy("green")
    bluegreen_service.run("cutover", "--bake", "0", exit_code=14)
    assert bluegreen_service.answers(20) == {"blue": 20}
