"""The worker's loop, in this process: a fake engine, a scripted gateway, virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest

from antiphon_engines.api import (
    Absent,
    Audio,
    AudioSteer,
    Done,
    Failed,
    ImageRequest,
    Performed,
    PlayedNote,
    Segment,
    Token,
)
from antiphon_engines.ipc.channel import (
    Cancel,
    Changed,
    Command,
    Events,
    Ping,
    Pong,
    Push,
    Recall,
    Report,
    Shutdown,
    SteerBand,
    SteerPicture,
    SteerRun,
    Submit,
    Traced,
    encode,
    report_decoder,
)
from antiphon_engines.ipc.events import Progressed, Queued, RunEvent, Started, Steered, SteerRejected
from antiphon_engines.ipc.trace import RestRecord, RunRecord, UnitRecord
from antiphon_engines.scheduling.scheduler import Scheduler
from antiphon_engines.settings import QueueBounds
from antiphon_engines.worker.inbox import Joined, Missing, News, Written
from antiphon_engines.worker.loop import MAX_BROKEN, EngineBroken, WorkerLoop
from antiphon_proto.document.jam import Transport
from antiphon_proto.params import ImageParams, ImageSteer, TextSteer
from support.fake_band import AHEAD, FakeBand, band_request
from support.fake_engine import FakeEngine, fake_info, request
from support.fake_painter import FakePainter
from support.inline_encoder import InlineEncoder

LOADING = Absent("image", "painter", "it is being loaded", loading=True)


def submit(
    ticket: int, instruction: str = "", *, share: str = "ann", tokens: int = 4, before: str = ""
) -> Submit:
    return Submit(ticket, f"run{ticket}", 0, share, 1.0, request(instruction, tokens=tokens, before=before))


class Gateway:
    """Both ends of the channel. `script[n]` are the messages there when the loop looks for the n-th time; after it
    nothing comes, and a loop that would wait is told to leave. A step takes 10 ms of virtual time."""

    def __init__(
        self,
        *script: Sequence[News],
        max_jobs: int = 4,
        bounds: QueueBounds | None = None,
        looks: int = 1000,
        encoder: InlineEncoder | None = None,
    ) -> None:
        self.now = 50.0
        self.script: list[Iterable[News]] = list(script)
        self.painter = FakePainter(self._on_step)
        self.band = FakeBand(lambda: self.now, self._on_step)
        self.steps: list[tuple[float, str]] = []
        """When each step ended, and its unit."""
        self.looks = looks
        self.frames: list[list[Report]] = []
        self.waits: list[float | None] = []
        self.engine = FakeEngine(fake_info(max_jobs, max_jobs), on_step=self._on_step)
        self.scheduler = Scheduler({"text": self.engine.info}, bounds or QueueBounds())
        self.encoder = encoder or InlineEncoder()
        self.loop = WorkerLoop(
            {"text": self.engine},
            self.scheduler,
            self,
            self._send,
            lambda: self.now,
            [LOADING],
            encoder=self.encoder,
        )

    def drain(self, timeout: float | None) -> list[News]:
        self.waits.append(timeout)
        while self.script:
            commands = list(self.script.pop(0))
            if commands or timeout is not None:
                self.now += timeout or 0.0
                return commands
        if timeout is None or len(self.waits) > self.looks:
            return [Shutdown()]
        self.now += timeout
        return []

    def run(self) -> Gateway:
        self.loop.run()
        return self

    @property
    def reports(self) -> list[Report]:
        return [report for frame in self.frames for report in frame]

    def events(self, ticket: int) -> list[RunEvent]:
        return [e for r in self.reports if isinstance(r, Events) and r.ticket == ticket for e in r.events]

    def kinds(self, ticket: int) -> list[str]:
        return [type(event).__name__ for event in self.events(ticket)]

    def text(self, ticket: int) -> str:
        return "".join(event.info.text for event in self.events(ticket) if isinstance(event, Token))

    def _send(self, reports: Sequence[Report]) -> None:
        self.frames.append(list(reports))

    def _on_step(self, unit: str, size: int) -> None:
        self.now += 0.01
        self.steps.append((self.now, unit))


def test_a_run_from_start_to_end() -> None:
    gateway = Gateway([submit(1, before="x" * 250)]).run()
    assert gateway.kinds(1) == ["Started", "Token", "Token", "Token", "Token", "Done"]
    assert gateway.text(1) == "w0 w1 w2 w3 "
    assert gateway.events(1)[-1] == Done("length")
    assert [unit for unit, _ in gateway.engine.steps] == ["prefill"] * 2 + ["decode"] * 4
    assert gateway.engine.jobs == []
    assert (gateway.scheduler.active, gateway.scheduler.waiting) == ([], 0)


def test_runs_share_steps_and_a_steps_outputs_are_one_write() -> None:
    gateway = Gateway([submit(1, share="ann"), submit(2, share="bob"), submit(3, share="eve")]).run()
    assert all(gateway.text(number) == "w0 w1 w2 w3 " for number in (1, 2, 3))
    shared = [frame for frame in gateway.frames if len(frame) == 3]
    assert len(shared) >= 3
    assert len(gateway.engine.steps) <= 6


def test_an_idle_loop_waits_instead_of_spinning() -> None:
    gateway = Gateway([], [submit(1, tokens=2)]).run()
    assert gateway.waits == [None, 0.0, 0.0, None]


def test_a_cancel_takes_effect_before_the_next_step() -> None:
    gateway = Gateway([submit(1, tokens=100)], [], [], [Cancel(1)]).run()
    assert gateway.kinds(1) == ["Started", "Token", "Token", "Token"]
    assert len(gateway.engine.steps) == 3
    assert gateway.engine.jobs == []


def test_a_cancelled_run_that_waits_never_starts() -> None:
    gateway = Gateway([submit(1), submit(2)], [Cancel(2)], max_jobs=1).run()
    assert gateway.kinds(2) == ["Queued"]
    assert gateway.kinds(1)[-1] == "Done"
    assert len(gateway.engine.steps) == 4


def test_cancelling_what_is_over_or_unknown_is_no_error() -> None:
    gateway = Gateway([submit(1, tokens=1)], [Cancel(1), Cancel(77), SteerRun(78, TextSteer(), 2)]).run()
    assert gateway.kinds(1) == ["Started", "Token", "Done"]


def test_what_a_cancelled_run_had_still_to_say_is_not_said() -> None:
    steer = SteerRun(1, TextSteer(instruction="invalid"), 2)
    gateway = Gateway([submit(1, tokens=100)], [], [steer, Cancel(1)]).run()
    assert gateway.kinds(1) == ["Started", "Token", "Token"]


def test_a_cancel_that_comes_with_its_submit_leaves_nothing_to_say() -> None:
    gateway = Gateway([submit(1), Cancel(1), Ping(1)]).run()
    assert gateway.kinds(1) == []
    assert [report.sequence for report in gateway.reports if isinstance(report, Pong)] == [1]


def test_a_steer_takes_effect_at_the_next_step() -> None:
    steer = SteerRun(1, TextSteer(instruction="go on"), 2)
    gateway = Gateway([submit(1, "wait")], [], [], [steer]).run()
    assert gateway.kinds(1) == ["Started", "Token", "Steered", "Token", "Token", "Token", "Done"]
    assert gateway.events(1)[2] == Steered(2)
    assert len(gateway.engine.steps) == 4


def test_a_steer_of_a_waiting_run_is_applied_when_it_starts() -> None:
    steers = [
        SteerRun(2, TextSteer(instruction="go on"), 2),
        SteerRun(2, TextSteer(instruction="invalid"), 3),
    ]
    gateway = Gateway([submit(1), submit(2, "wait")], steers, max_jobs=1).run()
    assert gateway.text(2) == "w0 w1 w2 w3 "
    assert [event for event in gateway.events(2) if isinstance(event, Steered | SteerRejected)] == [
        Steered(2),
        SteerRejected("the fake engine was asked to refuse the steer", 3),
    ]
    assert gateway.kinds(2)[1:3] == ["Started", "Steered"], "before anything is made"


def test_those_who_wait_are_told_where_they_stand_and_not_again_without_news() -> None:
    gateway = Gateway([submit(n, share=f"p{n}", tokens=50) for n in (1, 2, 3)], max_jobs=1).run()
    assert gateway.kinds(1)[0] == "Started"
    second = [event for event in gateway.events(2) if isinstance(event, Queued)]
    third = [event for event in gateway.events(3) if isinstance(event, Queued)]
    assert [event.position for event in second] == [1]
    assert [event.position for event in third] == [2, 1]
    assert 400 <= third[-1].expected_start_ms <= 600
    assert gateway.kinds(3)[2] == "Started"


def test_the_workers_own_bound_is_answered_too() -> None:
    gateway = Gateway(
        [submit(1), submit(2), submit(3)], max_jobs=1, bounds=QueueBounds(total=2, per_share=2)
    ).run()
    [failed] = gateway.events(3)
    assert isinstance(failed, Failed)
    assert failed.code == "queue_full"
    assert gateway.text(2) == "w0 w1 w2 w3 "


def test_a_refused_request_fails_alone() -> None:
    gateway = Gateway([submit(1, "invalid"), submit(2, "fail"), submit(3)]).run()
    assert gateway.events(1) == [Started("fake"), Failed("invalid", "the fake engine was asked to refuse")]
    assert gateway.kinds(2) == ["Started", "Token", "Token", "Failed"]
    assert gateway.text(3) == "w0 w1 w2 w3 "
    assert gateway.engine.jobs == []


def test_a_broken_step_fails_its_batch_and_the_loop_goes_on() -> None:
    gateway = Gateway([submit(1, "raise"), submit(2)], [], [], [], [], [submit(3)]).run()
    for number in (1, 2):
        end = gateway.events(number)[-1]
        assert isinstance(end, Failed)
        assert end.code == "engine_failed"
        assert end.message == "the model failed: RuntimeError: the fake engine broke"
    assert gateway.text(3) == "w0 w1 w2 w3 "
    assert gateway.engine.jobs == []


def test_an_engine_that_keeps_breaking_ends_the_worker_and_everybody_is_told() -> None:
    script: list[list[Command]] = [[submit(n, "raise")] for n in range(1, MAX_BROKEN + 1)]
    gateway = Gateway(*script, max_jobs=1)

    def breaks(jobs: Sequence[object]) -> list[list[object]]:
        raise MemoryError("no memory")

    gateway.engine.step = breaks
    with pytest.raises(EngineBroken, match="MemoryError: no memory"):
        gateway.run()
    for number in range(1, MAX_BROKEN + 1):
        assert gateway.kinds(number)[-1] == "Failed"


def test_failures_with_successes_in_between_do_not_end_the_worker() -> None:
    script: list[list[Command]] = []
    for turn in range(MAX_BROKEN + 2):
        script += [[submit(2 * turn, "raise", tokens=3)], [], [], [], [submit(2 * turn + 1, tokens=1)], []]
    gateway = Gateway(*script).run()
    ends = [gateway.kinds(number)[-1] for number in range(2 * (MAX_BROKEN + 2))]
    assert ends == ["Failed", "Done"] * (MAX_BROKEN + 2)


@pytest.mark.parametrize("answer", [[], [[], []]])
def test_an_engine_that_answers_for_the_wrong_number_of_jobs_is_broken(answer: list[list[object]]) -> None:
    gateway = Gateway([submit(1)])
    gateway.engine.step = lambda jobs: answer  # type: ignore[return-value]
    gateway.run()
    end = gateway.events(1)[-1]
    assert isinstance(end, Failed)
    assert "1 jobs were stepped" in end.message


def test_the_start_is_told_before_the_engine_sees_the_request() -> None:
    gateway = Gateway([submit(1)])
    admit: Callable[..., object] = gateway.engine.admit
    told: list[list[str]] = []

    def spy(wanted: object) -> object:
        told.append(gateway.kinds(1))
        return admit(wanted)

    gateway.engine.admit = spy
    gateway.run()
    assert told == [["Started"]]


def test_a_ping_is_answered_between_steps_with_an_account() -> None:
    gateway = Gateway([submit(1, tokens=3)], [], [Ping(5)], [], [Ping(6)]).run()
    first, second = (report for report in gateway.reports if isinstance(report, Pong))
    assert (first.sequence, first.stats.active, first.stats.tokens) == (5, 1, 2)
    assert (second.sequence, second.stats.active, second.stats.steps, second.stats.units) == (6, 0, 3, 3)
    assert second.stats.busy_seconds == pytest.approx(0.03)


def test_a_shutdown_stops_after_the_step_in_hand() -> None:
    gateway = Gateway([submit(1, tokens=100)], [], [Shutdown(), submit(2)]).run()
    assert len(gateway.engine.steps) == 2
    assert gateway.kinds(2) == []


def paint(ticket: int, steps: int = 3) -> Submit:
    wanted = ImageRequest("text_to_image", "a house", ImageParams(steps=steps))
    return Submit(ticket, f"run{ticket}", 0, "bob", 1.0, wanted)


def test_runs_wait_for_an_engine_that_is_still_loading() -> None:
    gateway = Gateway([paint(1), paint(2), paint(4)])
    gateway.script += [
        [Cancel(4)],
        [SteerPicture(1, ImageSteer(prompt="a cat"), 2)],
        [Joined(gateway.painter), submit(3)],
    ]
    gateway.run()
    # With nothing to step the loop waits for news and does not spin.
    assert gateway.waits[:4] == [None] * 4
    assert gateway.events(1)[0] == Queued(1, 0)
    assert gateway.events(2)[0] == Queued(2, 0)
    assert gateway.kinds(1)[-2:] == ["Image", "Done"]
    assert gateway.painter.steered == [ImageSteer(prompt="a cat")]
    assert gateway.kinds(4) == ["Queued"]
    [changed] = [report for report in gateway.reports if isinstance(report, Changed)]
    assert [info.modality for info in changed.engines] == ["text", "image"]
    assert changed.absent == ()
    assert gateway.kinds(2)[-2:] == ["Image", "Done"]
    assert gateway.text(3) == "w0 w1 w2 w3 "


def test_an_engine_that_cannot_be_loaded_stays_absent_for_a_stated_reason() -> None:
    gone = Absent("image", "painter", "no weights")
    gateway = Gateway([paint(3)], [Missing(gone), paint(1), submit(2)]).run()
    assert gateway.events(1) == [Failed("unavailable", "painter: no weights")]
    assert gateway.events(3)[-1] == gateway.events(1)[0]
    assert Changed((gateway.engine.info,), (gone,)) in gateway.reports
    assert gateway.text(2) == "w0 w1 w2 w3 "


def test_a_picture_reports_its_steps_and_what_is_left_of_it() -> None:
    gateway = Gateway([])
    gateway.script = [[Joined(gateway.painter), paint(1), Ping(1)]]
    gateway.run()
    gateway.script = [[paint(2), Ping(2)]]
    gateway.run()
    steps = [event for event in gateway.events(2) if isinstance(event, Progressed)]
    assert [(event.step, event.of) for event in steps] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    # Measured with the first picture: 10 ms a step, after 10 ms of encoding.
    assert [event.remaining_ms for event in steps][:3] == [40, 20, 10]
    assert gateway.kinds(2).count("Preview") == 3
    assert gateway.painter.sheets == []
    stats = [report.stats for report in gateway.reports if isinstance(report, Pong)][-1]
    assert (stats.painted, stats.tokens) == (3, 0)


def test_a_change_for_the_other_kind_of_run_is_rejected() -> None:
    gateway = Gateway([])
    gateway.script = [
        [Joined(gateway.painter), paint(1), submit(2)],
        [
            SteerRun(1, TextSteer(), 2),
            SteerPicture(2, ImageSteer(), 2),
            SteerPicture(1, ImageSteer(prompt="a cat"), 2),
        ],
    ]
    gateway.run()
    for number in (1, 2):
        assert gateway.kinds(number).count("SteerRejected") == 1
        assert gateway.kinds(number)[-1] == "Done"
    assert gateway.painter.steered == [ImageSteer(prompt="a cat")]


def writes(gateway: Gateway, *, broken: bool = False) -> Iterator[News]:
    """The messages after one more file has been written, or could not be."""
    if broken:
        _, future = gateway.encoder.waiting.pop(0)
        future.set_exception(OSError("no room"))
    else:
        gateway.encoder.write_one()
    yield Written()


def test_a_file_that_is_being_written_holds_no_place_and_nobody_up() -> None:
    gateway = Gateway(encoder=InlineEncoder(held=True))
    gateway.script = [
        [Joined(gateway.painter), paint(1, steps=1)],
        *[[]] * 3,
        [submit(2), Ping(1)],
        *[[]] * 4,
    ]
    gateway.run()
    assert gateway.kinds(2)[-1] == "Done", "the device went on"
    assert gateway.kinds(1) == ["Started", "Progressed", "Progressed"]
    assert gateway.painter.sheets == []
    assert len(gateway.encoder.waiting) == 2
    gateway.script = [writes(gateway), writes(gateway)]
    gateway.run()
    assert gateway.kinds(1)[3:] == ["Preview", "Image", "Done"]


def test_files_are_told_in_the_order_of_their_run() -> None:
    gateway = Gateway(encoder=InlineEncoder(held=True))
    steer = SteerPicture(1, ImageSteer(prompt="a cat"), 2)
    gateway.script = [[Joined(gateway.painter), paint(1, steps=2)], [], [steer]]
    gateway.run()
    assert gateway.kinds(1) == ["Started", "Progressed", "Progressed"]
    while gateway.encoder.waiting:
        gateway.script = [writes(gateway)]
        gateway.run()
    # Messages before the answer were made before it.
    assert gateway.kinds(1)[3:] == ["Preview", "Steered", "Progressed", "Preview", "Image", "Done"]


def test_nothing_is_told_of_a_run_that_was_cancelled_while_its_file_was_written() -> None:
    gateway = Gateway(encoder=InlineEncoder(held=True))
    gateway.script = [[Joined(gateway.painter), paint(1, steps=1)], *[[]] * 3, [Cancel(1)], *[[]] * 2]
    gateway.run()
    gateway.script = [writes(gateway), writes(gateway)]
    gateway.run()
    assert gateway.kinds(1) == ["Started", "Progressed", "Progressed"]


@pytest.mark.parametrize("good", [0, 1])
def test_a_file_that_cannot_be_written_fails_its_run_alone(good: int) -> None:
    """The preview of a run that goes on, or the picture of one that was over but for it."""
    gateway = Gateway(encoder=InlineEncoder(held=True))
    gateway.script = [
        [Joined(gateway.painter), paint(1, steps=1 if good else 50), submit(2, tokens=9)],
        *[[]] * 3,
    ]
    gateway.script += [*([writes(gateway)] if good else []), writes(gateway, broken=True), []]
    gateway.run()
    assert gateway.events(1)[-1] == Failed(
        "engine_failed", "the picture could not be written: OSError: no room"
    )
    assert gateway.kinds(1).count("Preview") == good
    assert gateway.kinds(2)[-1] == "Done"
    assert (gateway.painter.sheets, gateway.scheduler.active) == ([], [])


def test_what_was_painted_is_told_when_the_engine_breaks() -> None:
    gateway = Gateway(encoder=InlineEncoder(held=True))
    gateway.script = [[Joined(gateway.painter), paint(1, steps=1)], *[[]] * 3]
    gateway.run()
    settle = gateway.loop._reports.settle

    def write_and_settle() -> None:
        while gateway.encoder.waiting:
            gateway.encoder.write_one()
        settle()

    def breaks(jobs: Sequence[object]) -> list[list[object]]:
        raise MemoryError("no memory")

    gateway.loop._reports.settle = write_and_settle
    gateway.engine.step = breaks
    gateway.script = [[submit(number)] for number in range(2, 2 + MAX_BROKEN)]
    with pytest.raises(EngineBroken):
        gateway.run()
    assert gateway.kinds(1)[-2:] == ["Image", "Done"]


def play(gateway: Gateway, ticket: int, *, wait: float = 1.0) -> Submit:
    """A band whose first frame is due `wait` seconds from the beginning."""
    return Submit(ticket, f"band{ticket}", 0, "eve", 1.0, band_request(gateway.now + wait + 0.25))


def test_a_band_is_stepped_in_its_windows_and_the_loop_sleeps_in_between() -> None:
    gateway = Gateway(looks=12)
    gateway.script = [[Joined(gateway.band), play(gateway, 1)]]
    began = gateway.now
    gateway.run()
    frames = [event for event in gateway.events(1) if isinstance(event, Audio)]
    assert [frame.pts for frame in frames[:4]] == [0, 2400, 4800, 7200]
    assert all(frame.late == 0 for frame in frames)
    for index, (ended, _) in enumerate(gateway.steps):
        opened = began + 1.0 - AHEAD + 0.05 * index
        assert ended == pytest.approx(opened + 0.01)
    assert gateway.kinds(1)[:3] == ["Started", "Audio", "Performed"]
    # To the first window, then a look after each frame and a wait for the next window.
    assert gateway.waits[1:6] == pytest.approx([0.9, 0.0, 0.04, 0.0, 0.04])


def test_frames_are_sent_as_they_are_made() -> None:
    gateway = Gateway(looks=30)
    gateway.script = [[Joined(gateway.band), play(gateway, 1, wait=0.0), submit(2, tokens=8)]]
    gateway.run()
    sounding = [
        report
        for frame in gateway.frames
        for report in frame
        if isinstance(report, Events) and any(isinstance(event, Audio) for event in report.events)
    ]
    assert all(sum(isinstance(event, Audio) for event in report.events) == 1 for report in sounding)
    assert len(sounding) == gateway.band.sessions[0].made > 3


def test_a_band_goes_before_everything_else_and_does_not_wait_behind_text() -> None:
    bounds = QueueBounds(total=3, per_share=3)
    gateway = Gateway(max_jobs=1, bounds=bounds, looks=40)
    texts = [submit(n, share="eve", tokens=100) for n in (1, 2, 3)]
    gateway.script = [[Joined(gateway.band), *texts, play(gateway, 9, wait=AHEAD)]]
    gateway.run()
    assert "Queued" not in gateway.kinds(9)
    units = [unit for _, unit in gateway.steps]
    assert units[0] == "frame"
    # Frames of 50 ms, steps of 10 ms: one frame, four tokens.
    assert units[5:10].count("frame") == 1
    frames = [event for event in gateway.events(9) if isinstance(event, Audio)]
    assert all(frame.late == 0 for frame in frames)


def test_a_band_hears_what_is_pushed_and_obeys_steers() -> None:
    gateway = Gateway(looks=20)
    note = PlayedNote(100, "ann", 60, 90)
    still = SteerBand(1, AudioSteer(segments=(Segment(0, Transport()),)), 2)
    wrong = SteerBand(2, AudioSteer(), 2)
    gateway.script = [
        [Joined(gateway.band), play(gateway, 1, wait=0.0), submit(2, tokens=1), wrong],
        [Push(1, (note,)), Push(77, (note,))],
        [still],
    ]
    gateway.run()
    assert gateway.band.heard == [note]
    assert gateway.events(1)[-1] == Steered(2)
    assert gateway.kinds(2).count("SteerRejected") == 1
    # It stands still: no frame after the steer, and the loop waits for commands alone.
    assert gateway.waits[-1] is None
    assert [event for event in gateway.events(1) if isinstance(event, Performed)] != []


def test_the_band_that_is_due_first_goes_first() -> None:
    gateway = Gateway(looks=60)
    gateway.script = [[Joined(gateway.band), play(gateway, 1, wait=0.02), play(gateway, 2, wait=0.0)]]
    gateway.run()
    order = [
        report.ticket
        for report in gateway.reports
        if isinstance(report, Events) and any(isinstance(event, Audio) for event in report.events)
    ]
    # 20 ms lie between their deadlines, 50 ms between the frames of one.
    assert order[:4] == [2, 1, 2, 1]
    assert set(order[-6:]) == {1, 2}


def test_every_decision_is_in_the_trace() -> None:
    gateway = Gateway(looks=40)
    gateway.script = [[Joined(gateway.band), play(gateway, 1), submit(2, tokens=2)], [Cancel(77)]]
    gateway.script += [[]] * 20 + [[Cancel(1), Recall(5)]]
    gateway.run()
    [traced] = [report for report in gateway.reports if isinstance(report, Traced)]
    assert traced.sequence == 5
    units = [record for record in traced.records if isinstance(record, UnitRecord)]
    assert [unit.engine for unit in units[:3]] == ["text", "text", "audio"]
    assert {unit.reason for unit in units} == {"behind", "turn", "deadline"}
    assert all(unit.slack is not None and unit.slack > 0 for unit in units if unit.engine == "text")
    assert [unit.expected for unit in units[:2]] == [None, pytest.approx(0.01)]
    rests = [record for record in traced.records if isinstance(record, RestRecord)]
    assert sum(unit.seconds for unit in units) + sum(rest.seconds for rest in rests) == pytest.approx(
        gateway.now - 50.0
    )
    marks = [(record.ticket, record.what) for record in traced.records if isinstance(record, RunRecord)]
    assert marks[0] == (1, "queued")
    assert marks[-1] == (1, "cancelled")
    assert (2, "done") in marks
    assert [(named.run, named.engine) for named in traced.names] == [("band1", "audio"), ("run2", "text")]
    assert decode_everything(traced) == traced


def decode_everything(report: Report) -> Report:
    """Over the channel and back."""
    [decoded] = report_decoder().feed(encode(report))
    return decoded


def test_a_band_that_sleeps_is_cancelled_at_once() -> None:
    gateway = Gateway()
    gateway.script = [[Joined(gateway.band), play(gateway, 1)], [], [], [Cancel(1)]]
    gateway.run()
    made = [event for event in gateway.events(1) if isinstance(event, Audio)]
    assert len(made) == 1
    assert gateway.band.sessions == []
    assert gateway.waits[-1] is None, "nothing is left to wait for"


def test_a_picture_is_steered_and_cancelled_between_two_steps() -> None:
    gateway = Gateway()
    gateway.script = [
        [Joined(gateway.painter), paint(1, steps=50)],
        [],
        [SteerPicture(1, ImageSteer(prompt="a cat"), 2)],
        [],
        [Cancel(1)],
    ]
    gateway.run()
    kinds = gateway.kinds(1)
    assert kinds.index("Steered") == kinds.index("Preview") + 1
    assert [unit for _, unit in gateway.steps] == ["encode"] + ["denoise:64x64"] * 3
    assert gateway.painter.sheets == []


def test_a_run_that_the_device_cannot_serve_is_told_why() -> None:
    gateway = Gateway()
    reason = "one step of it takes 3.0 s here, too long while a band plays"
    gateway.script = [[submit(1, tokens=100)], []]
    gateway.scheduler.hopeless = lambda now: [
        (ticket, reason) for ticket in gateway.scheduler.active if ticket.outputs == 2
    ]
    gateway.run()
    assert gateway.events(1)[-1] == Failed("unavailable", reason)
    assert gateway.engine.jobs == []


def test_orphans_are_gone_at_the_next_unit_and_their_places_are_free() -> None:
    """A room was left: the gateway cancels all of its runs at once, whatever they are at."""
    mine = [submit(1, share="ann", tokens=500), submit(2, share="ann", tokens=500), submit(3, share="ann")]
    gateway = Gateway(
        [
            Joined(FakePainter(lambda unit, size: None)),
            *mine,
            Submit(4, "run4", 0, "ann", 1.0, ImageRequest("text_to_image", "x", ImageParams(steps=50))),
            SteerRun(3, TextSteer(), 1),
            submit(5, share="eve", tokens=3),
        ],
        *([[]] * 12),
        [Cancel(number) for number in (1, 2, 3, 4)],
        max_jobs=2,
    ).run()
    assert gateway.kinds(5)[-1] == "Done"
    for number in (1, 2, 3, 4):
        assert not {"Done", "Failed"} & set(gateway.kinds(number)), "nothing is heard of it any more"
    assert gateway.engine.jobs == []
    assert (gateway.scheduler.active, gateway.scheduler.waiting, gateway.scheduler.shares) == ([], 0, 0)
    ends = [r for r in _traced(gateway) if isinstance(r, RunRecord) and r.what == "cancelled"]
    units = [r for r in _traced(gateway) if isinstance(r, UnitRecord) and r.at > ends[0].at]
    assert len(ends) == 4
    assert all(set(unit.tickets) <= {5} for unit in units)


def _traced(gateway: Gateway) -> Sequence[UnitRecord | RestRecord | RunRecord]:
    return gateway.loop._accounting.recall(0).records
