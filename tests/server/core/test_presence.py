from __future__ import annotations

from antiphon_proto.messages import Participant
from antiphon_server.core.presence import PresenceBoard

ANN = Participant("ann", "Ann", "#000000", "editor", "human")
BO = Participant("bo", "Bo", "#ffffff", "editor", "human")


def test_a_client_id_belongs_to_who_came_first() -> None:
    board = PresenceBoard(0.0, 100)
    assert board.set(ANN, 1, "{}")
    assert not board.set(BO, 1, "{}")
    assert board.knows(1)


def test_old_clocks_of_plain_clients_are_ignored() -> None:
    board = PresenceBoard(0.0, 100)
    assert board.set(ANN, 1, '{"a":1}', 5)
    assert not board.set(ANN, 1, '{"a":2}', 5)
    assert board.set(ANN, 1, '{"a":3}', 6)


def test_clocks_go_on_after_a_client_left_and_came_back() -> None:
    board = PresenceBoard(0.0, 100)
    board.set(ANN, 1, "{}", 7)
    assert board.drop(1, BO.id) is None, "another's"
    assert board.drop(1, ANN.id) is not None
    assert board.drop(1, ANN.id) is None
    assert not board.set(ANN, 1, "{}", 8), "8 is what the others heard of its leaving"
    assert board.set(ANN, 1, "{}", 9)


def test_an_unchanged_state_is_not_sent_again() -> None:
    board = PresenceBoard(0.0, 100)
    board.set(ANN, 1, "{}")
    assert len(list(board.due(0.0, 2))) == 1
    board.set(ANN, 1, "{}")
    assert not board.pending
    assert list(board.due(9.0, 2)) == []


def test_hiding_is_told_once_and_newcomers_do_not_see_it() -> None:
    board = PresenceBoard(0.0, 100)
    board.set(ANN, 1, "{}")
    list(board.due(0.0, 2))
    board.set(ANN, 1, "null")
    assert len(list(board.due(1.0, 2))) == 1
    assert list(board.all(but="")) == []
    assert board.heartbeat() is None


def test_a_crowd_that_moves_is_told_of_by_turns_within_a_bound() -> None:
    board = PresenceBoard(0.04, 0)
    people = [Participant(f"p{number}", "A", "#000000", "editor", "human") for number in range(50)]
    listeners = 1000
    told: list[str] = []
    now = 0.0
    for _ in range(20):
        for number, person in enumerate(people):
            board.set(person, number + 1, f'{{"x": "{now:04.2f}{"y" * 4000}"}}')
        told += [participant for participant, _ in board.due(now, listeners)]
        assert board.pending
        now += 0.05
    # A frame to everybody is 4 MB; 4 MB may go at once and 16 MB in the second: each time another is told of.
    assert 3 <= len(told) <= 7
    assert len(set(told)) == len(told)
