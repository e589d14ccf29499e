from frontdesk.run.window import Window


def test_it_starts_with_one_job_and_widens_while_answers_come_at_once() -> None:
    window = Window(largest=8)
    assert window.size == 1
    for _ in range(10):
        window.answered(0.01)
    assert window.size == 8


def test_it_narrows_down_to_one_when_answers_take_long() -> None:
    window = Window(largest=64)
    for _ in range(10):
        window.answered(0.01)
    for _ in range(10):
        window.answered(2.0)
    assert window.size == 1


def test_it_keeps_its_width_in_between() -> None:
    window = Window(largest=64)
    window.answered(0.01)
    window.answered(0.3)
    assert window.size == 2
