"""What would be heard? A sink that keeps what it was given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from partwise_speech.player import FADE_S, NoSound, Player, Pull

RATE = 8000
FADE = round(FADE_S * RATE)
LENGTH = 4000


class Ear:
    """A sink that asks when the test says so."""

    latency = 0.0

    def __init__(self, pull: Pull, rate: int, channels: int) -> None:
        self.pull, self.rate, self.channels = pull, rate, channels
        self.heard: list[NDArray[np.float32]] = []
        self.started = self.closed = False

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        self.started = False

    def close(self) -> None:
        self.closed = True

    def listen(self, frames: int, block: int = 64) -> NDArray[np.float32]:
        """Hear some frames in blocks, all of one channel."""
        got = []
        while frames > 0:
            out = np.full((min(block, frames), self.channels), np.nan, np.float32)
            self.pull(out)
            got.append(out)
            frames -= len(out)
        return np.concatenate(got)[:, 0]


class Room:
    def __init__(self) -> None:
        self.ears: list[Ear] = []

    def open(self, pull: Pull, rate: int, channels: int) -> Ear:
        self.ears.append(Ear(pull, rate, channels))
        return self.ears[-1]

    @property
    def ear(self) -> Ear:
        return self.ears[-1]


def tracks(channels: int = 1) -> dict[str, NDArray[np.float32]]:
    """Sounds whose every sample tells its track and its place."""
    at = np.arange(LENGTH, dtype=np.float32) / LENGTH
    starts = {"whole": 0.2, "speech": 0.5, "noise": -0.3}
    made = {k: np.float32(s) + np.float32(0.1) * np.sign(s) * at for k, s in starts.items()}
    made = {k: t.astype(np.float32) for k, t in made.items()}
    if channels > 1:
        return {k: np.stack([t] * channels, axis=1) for k, t in made.items()}
    return made


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def player(room: Room) -> Player:
    made = Player(room.open)
    made.load(tracks(), RATE)
    made.choose({"whole": 1.0})
    return made


def test_it_begins_at_the_first_sample_and_ends_with_the_last(player: Player, room: Room) -> None:
    player.play()
    heard = room.ear.listen(LENGTH + 300)
    whole = tracks()["whole"]
    np.testing.assert_allclose(heard[FADE : LENGTH - FADE], whole[FADE : LENGTH - FADE], atol=1e-6)
    assert (heard[LENGTH:] == 0).all()
    assert heard[0] == pytest.approx(whole[0] / FADE)
    assert not player.playing
    assert player.silent
    assert player.position == pytest.approx(player.duration)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(FADE, 3000),
    st.integers(1, 700),
    st.sampled_from(["speech", "noise"]),
    st.booleans(),
)
def test_switching_goes_on_at_the_same_sample_without_a_gap(
    at: int, block: int, other: str, stereo: bool
) -> None:
    room = Room()
    player = Player(room.open)
    player.load(tracks(2 if stereo else 1), RATE)
    player.choose({"whole": 1.0})
    player.play()
    before = room.ear.listen(at, block)
    player.choose({other: 0.5})
    after = room.ear.listen(LENGTH - at, block)
    heard = np.concatenate([before, after])
    whole, then = tracks()["whole"], 0.5 * tracks()[other]
    np.testing.assert_allclose(heard[FADE:at], whole[FADE:at], atol=1e-6)
    new = slice(at + FADE, LENGTH - FADE)
    np.testing.assert_allclose(heard[new], then[new], atol=1e-6)
    # Between them the one fades out while the other fades in, their gains adding up to one.
    share = np.arange(1, FADE + 1) / FADE
    mixed = whole[at : at + FADE] * (1 - share) + then[at : at + FADE] * share
    if at + 2 * FADE < LENGTH:
        np.testing.assert_allclose(heard[at : at + FADE], mixed, atol=1e-5)


def test_no_step_is_louder_than_the_fade_however_wildly_one_switches(
    player: Player, room: Room
) -> None:
    rng = np.random.default_rng(1)
    player.set_loop((0.1, 0.3))
    player.play()
    heard = []
    for _ in range(60):
        heard.append(room.ear.listen(int(rng.integers(1, 90)), 32))
        player.choose({str(rng.choice(["whole", "speech", "noise"])): 1.0})
        if rng.random() < 0.3:
            player.seek(float(rng.uniform(0, 0.5)))
        if rng.random() < 0.2:
            player.toggle()
    steps = np.abs(np.diff(np.concatenate(heard)))
    assert steps.max() < 8 / FADE  # a cut from one track to another would be up to 1.0


def test_a_loop_comes_round_without_a_click_and_with_its_own_length(
    player: Player, room: Room
) -> None:
    low, high = 800, 1600
    player.set_loop((low / RATE, high / RATE))
    player.play()
    heard = room.ear.listen(3 * (high - low), 37)
    whole = tracks()["whole"]
    for turn in range(3):
        own = heard[turn * 800 + FADE : (turn + 1) * 800]
        np.testing.assert_allclose(own, whole[low + FADE : high], atol=1e-6)
    assert np.abs(np.diff(heard[FADE:])).max() < 2 / FADE
    assert low / RATE <= player.position <= high / RATE


def test_pausing_keeps_the_place_and_lets_the_sink_rest(player: Player, room: Room) -> None:
    player.play()
    room.ear.listen(1000)
    player.pause()
    tail = room.ear.listen(FADE + 100)
    assert tail[0] > 0.1
    assert (np.diff(tail[:FADE]) < 0).all()
    assert (tail[FADE:] == 0).all()
    assert player.silent
    player.rest()
    assert not room.ear.started
    assert player.position == pytest.approx(1000 / RATE)
    player.play()
    again = room.ear.listen(500)
    np.testing.assert_allclose(again[FADE:], tracks()["whole"][1000 + FADE : 1500], atol=1e-6)


def test_seeking_fades_over_and_leaves_a_loop_that_it_goes_out_of(
    player: Player, room: Room
) -> None:
    player.set_loop((0.1, 0.2))
    player.play()
    room.ear.listen(200)
    player.seek(0.4)
    assert player.loop is None
    heard = room.ear.listen(300)
    at = round(0.4 * RATE)
    np.testing.assert_allclose(heard[FADE:], tracks()["whole"][at + FADE : at + 300], atol=1e-6)
    player.seek(99)
    assert player.position == player.duration


def test_a_sum_of_tracks_is_a_sum(player: Player, room: Room) -> None:
    player.choose({"whole": 1.0, "speech": -1.0})
    player.play()
    heard = room.ear.listen(500)
    expected = tracks()["whole"][FADE:500] - tracks()["speech"][FADE:500]
    np.testing.assert_allclose(heard[FADE:], expected, atol=1e-6)


def test_the_playhead_is_what_is_heard_not_what_was_asked_for(player: Player, room: Room) -> None:
    player.play()
    room.ear.latency = 0.05
    room.ear.listen(1000)
    assert player.position == pytest.approx(1000 / RATE - 0.05)


def test_a_better_version_of_the_same_recording_is_heard_from_where_it_stands(
    player: Player, room: Room
) -> None:
    player.play()
    room.ear.listen(1000)
    better = {key: (0.5 * track).astype(np.float32) for key, track in tracks().items()}
    player.load(better, RATE)
    heard = room.ear.listen(500)
    np.testing.assert_allclose(heard[FADE:], better["whole"][1000 + FADE : 1500], atol=1e-6)
    assert len(room.ears) == 1
    player.load({"whole": np.zeros(100, np.float32)}, RATE)
    assert not player.playing
    assert player.position == 0


def test_another_rate_opens_another_sink(player: Player, room: Room) -> None:
    player.play()
    first = room.ear
    player.load(tracks(2), 16_000)
    assert first.closed
    player.choose({"whole": 1.0})
    player.play()
    assert (room.ear.rate, room.ear.channels) == (16_000, 2)


def test_nothing_to_play_on_is_said_and_nothing_else_suffers() -> None:
    def none(pull: Pull, rate: int, channels: int) -> Ear:
        raise NoSound("No loudspeaker")

    player = Player(none)
    player.load(tracks(), RATE)
    player.choose({"whole": 1.0})
    with pytest.raises(NoSound, match="No loudspeaker"):
        player.play()
    assert not player.playing
    player.seek(0.1)
    assert player.position == pytest.approx(0.1)
    player.load({}, RATE)
    player.play()


def test_tracks_have_one_length_and_only_what_there_is_can_be_chosen(player: Player) -> None:
    with pytest.raises(ValueError, match="one shape"):
        player.load({"a": np.zeros(3, np.float32), "b": np.zeros(4, np.float32)}, RATE)
    with pytest.raises(KeyError, match="hum"):
        player.choose({"hum": 1.0})
