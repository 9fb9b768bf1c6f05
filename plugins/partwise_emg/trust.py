"""How far can the synergies be believed? Each line is a number that was computed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from partwise.api import Trust, Uniqueness, graded, number
from partwise_emg.answer import Answer
from partwise_emg.compare import Against
from partwise_emg.cycles import OUTSIDE
from partwise_emg.delays import Delayed
from partwise_emg.doubt import Bands
from partwise_emg.prepared import Prepared
from partwise_emg.synergies import RULES, Found

__all__ = ["lines"]

_ALIKE = 0.95, 0.8  # cosines
_REPEATS = 0.3, 0.6  # correlation of odd with even cycles
_WIDE = 0.15, 0.3  # of a unit column: half-width of the widest interval
_KKT = 1e-2  # of the scaled optimality residual: above it, a fit has not settled
_ENOUGH_CYCLES = 4
_SOME_AWAY = 0.25  # of all cycles; one or two at the ends are usual
_ODD = 1.6  # times the usual length


def lines(answer: Answer, names: Sequence[str]) -> tuple[Trust, ...]:
    """Return the trust card; `names` are those of the synergies."""
    told = [_explained(answer), _muscles(answer), _residual(answer)]
    told += [_stability(answer, names)]
    if answer.doubt is not None:
        told.append(_uniqueness(answer.doubt, names))
    if answer.bands is not None:
        told.append(_widths(answer.bands, answer.prepared, names))
    told.append(_rank(answer.found))
    told += _cycles(answer.prepared)
    told += _channels(answer.prepared)
    if answer.delayed is not None:
        told.append(_delays(answer.delayed))
    if answer.against is not None:
        told += _comparison(answer.against)
    told.append(_converged(answer))
    return tuple(told)


def _explained(answer: Answer) -> Trust:
    return Trust(
        "explained",
        answer.vaf,
        graded(answer.vaf, 0.9, 0.75),
        f"{100 * answer.vaf:.1f} % explained (VAF)",
        f"Uncentred, 1 − SSE/Σx². About the grand mean, R² is {answer.r2:.3f}. One synergy alone "
        f"has a VAF of {100 * answer.vaf1:.1f} %: envelopes are alike before any synergy is.",
    )


def _muscles(answer: Answer) -> Trust:
    each = answer.muscles_vaf
    if not np.isfinite(each).any():
        return Trust("muscles", None, "look", "No muscle is active")
    worst = int(np.nanargmin(each))
    value = float(each[worst])
    return Trust(
        "muscles",
        value,
        graded(value, 0.8, 0.6),
        f"{answer.prepared.muscles[worst]} is explained least, {100 * value:.0f} %",
        "Uncentred VAF of that muscle alone; see the tab Muscles for the others.",
    )


def _residual(answer: Answer) -> Trust:
    value = answer.repeats
    if not np.isfinite(value):
        return Trust(
            "residual",
            None,
            "look",
            "One cycle: noise and structure cannot be told apart",
            "With several cycles, what is left and comes again in each of them is no noise.",
        )
    verdict = graded(-value, -_REPEATS[0], -_REPEATS[1])
    words = {
        "good": "What is left hardly repeats",
        "look": "Some of what is left repeats in every cycle",
        "bad": "What is left repeats in every cycle",
    }[verdict]
    return Trust(
        "residual",
        value,
        verdict,
        f"{words} (r = {number(round(value, 2))})",
        "Correlation of the residual of odd with that of even cycles; 0 for noise. A high one is "
        "of muscles or moments that no synergy holds, however much is explained.",
    )


def _stability(answer: Answer, names: Sequence[str]) -> Trust:
    alike = answer.found.alike
    known = np.isfinite(alike)
    if not known.any():
        return Trust(
            "stability",
            None,
            "look",
            "1 start: how steady the synergies are was not looked at",
            "Ask for more starts to see whether the same synergies come back.",
        )
    worst = int(np.nanargmin(alike))
    starts = f"{answer.found.scan.starts} random starts"
    return Trust(
        "stability",
        float(np.nanmean(alike)),
        graded(float(alike[worst]), *_ALIKE),
        f"{float(np.nanmean(alike)):.2f} alike when begun elsewhere",
        f"Mean cosine over {starts}. Least steady: {names[worst]}, {float(alike[worst]):.2f}.",
    )


def _uniqueness(doubt: Uniqueness, names: Sequence[str]) -> Trust:
    worst = int(np.argmin(doubt.spread))
    value = float(doubt.spread[worst])
    good, tried = doubt.solutions
    words = {
        "good": "No other synergies explain this as well",
        "look": "Slightly other synergies explain this as well",
        "bad": "The envelopes do not determine the synergies",
    }[doubt.verdict]
    return Trust(
        "uniqueness",
        value,
        doubt.verdict,
        f"{words} ({value:.2f})",
        f"{good} of {tried} other fits are as good; {names[worst]} changes most, to a cosine of "
        f"{value:.2f}.",
    )


def _widths(bands: Bands, prepared: Prepared, names: Sequence[str]) -> Trust:
    half = (bands.high - bands.low) / 2
    row, column = np.unravel_index(int(half.argmax()), half.shape)
    value = float(half[row, column])
    where = f"{prepared.muscles[int(row)]} in {names[int(column)]}"
    if not bands.cycles:
        return Trust(
            "intervals",
            value,
            "look",
            "Intervals of one cycle are too narrow",
            f"Stretches of the one cycle were drawn {bands.resamples} times; neighbouring points "
            f"are alike, so that they promise too much. Widest: ± {value:.2f}, {where}.",
        )
    cycles = prepared.cycles.count
    few = " Of so few cycles they are rough." if cycles < 8 else ""
    return Trust(
        "intervals",
        value,
        graded(-value, -_WIDE[0], -_WIDE[1]) if cycles >= _ENOUGH_CYCLES else "look",
        f"Weights known to ± {value:.2f} at worst",
        f"95 %, {bands.resamples} times {cycles} cycles drawn anew; widest: {where}.{few}",
    )


def _rank(found: Found) -> Trust:
    said = {name: rank for name, rank in found.rules.items() if rank is not None}
    agree = sum(rank == found.rank for rank in said.values())
    scan = found.scan
    edge = found.rank >= int(scan.rank[-1]) and len(scan.rank) > 1
    words = "; ".join(f"{RULES[name]}: {rank}" for name, rank in said.items())
    parts = "1 synergy" if found.rank == 1 else f"{found.rank} synergies"
    how = f" by {found.why}" if found.why else ", as asked for"
    beyond = " It is the largest number that was tried." if edge else ""
    return Trust(
        "rank",
        float(found.rank),
        "look" if edge or agree < 2 else "good",
        f"{parts}{how}; {agree} of {len(said)} rules agree",
        f"{words}. The number of synergies alone is no diagnosis.{beyond}",
    )


def _cycles(prepared: Prepared) -> list[Trust]:
    if prepared.whole:
        return [
            Trust(
                "cycles",
                0.0,
                "look",
                "No gait events: the record was taken as one stretch",
                "Give a table with touchdown_s and liftoff_s, or mark the cycles.",
            )
        ]
    count = prepared.cycles.count
    told = _events(prepared)
    if prepared.filters is not None and count < _ENOUGH_CYCLES:
        told.append(
            Trust(
                "cycles",
                float(count),
                "look",
                f"{count} {'cycle' if count == 1 else 'cycles'} only",
                "How much a person varies from step to step cannot be told from so few.",
            )
        )
    return told


def _events(prepared: Prepared) -> list[Trust]:
    """Do the events belong to this record, and is none missing?"""
    if prepared.events is None:
        return []
    lasting = np.diff(prepared.events.touchdown)
    told = []
    away = [k for k, why in prepared.cycles.left_out if why == OUTSIDE]
    if len(away) > _SOME_AWAY * len(lasting):
        told.append(
            Trust(
                "events",
                len(away) / len(lasting),
                "look",
                f"{len(away)} of {len(lasting)} cycles lie outside the record",
                "Are the events of this recording, and on its clock?",
            )
        )
    kept = np.setdiff1d(np.arange(len(lasting)), [k - 1 for k, _ in prepared.cycles.left_out])
    usual = float(np.median(lasting))
    odd = [k for k in kept if not usual / _ODD < lasting[k] < usual * _ODD]
    if odd:
        which = ", ".join(str(k + 1) for k in odd[:4]) + (" …" if len(odd) > 4 else "")
        told.append(
            Trust(
                "cycle-length",
                float(len(odd)),
                "look",
                f"Of another length than the rest: cycle{'s'[: len(odd) - 1]} {which}",
                f"{lasting[odd[0]]:.2f} s where {usual:.2f} s are usual: is a touch-down missing, "
                "or marked twice? Leave it out with reject, or mend the events.",
            )
        )
    return told


def _channels(prepared: Prepared) -> list[Trust]:
    health = prepared.health
    told = []
    if prepared.unusable:
        names = [name for name, _ in prepared.unusable]
        told.append(
            Trust(
                "unusable",
                float(len(names)),
                "look",
                f"Without {', '.join(names[:4])}{' …' if len(names) > 4 else ''}: no usable signal",
                "; ".join(f"{name}: {why}" for name, why in prepared.unusable[:8])
                + ". Sets of synergies compare only where the muscles are the same.",
            )
        )
    if health is None:
        return told
    if health.saturated:
        told.append(
            Trust(
                "saturation",
                float(len(health.saturated)),
                "bad",
                f"Saturated: {', '.join(health.saturated)}",
                "The amplifier was at its end for several samples in a row; leave the channel out.",
            )
        )
    if health.rest:
        told.append(
            Trust(
                "silent",
                float(len(health.rest)),
                "look",
                f"Hardly any signal: {', '.join(health.rest)}",
                "A thousandth of the usual strength; scaled to its maximum it is all noise.",
            )
        )
    if health.odd:
        told.append(
            Trust(
                "sampling-rate",
                health.odd,
                "bad",
                f"A line at {health.odd:g} Hz: is the sampling rate right?",
                "Mains stand at 50 or 60 Hz. A line elsewhere, in several channels, is what a "
                f"wrong rate in the header makes of them (by {50 / health.odd:.3g} or "
                f"{60 / health.odd:.3g} times).",
            )
        )
    if health.mains and not (prepared.filters and prepared.filters.mains):
        names = [name for name, hum in health.hum.items() if hum.expected]
        told.append(
            Trust(
                "mains",
                float(len(names)),
                "look",
                f"Mains hum in {', '.join(names[:4])}{' …' if len(names) > 4 else ''}",
                f"A line at {health.mains:g} Hz; the notch (Mains, advanced) takes it out.",
            )
        )
    return told


def _delays(delayed: Delayed) -> Trust:
    gain = delayed.vaf - delayed.plain_vaf
    return Trust(
        "delays",
        gain,
        "good" if gain > 0.02 else "look",
        f"Delays explain {100 * gain:.1f} % more",
        f"VAF {100 * delayed.vaf:.1f} % with delays, {100 * delayed.plain_vaf:.1f} % without, with "
        "as many synergies. Delays have many more numbers to fit with: a small gain says little.",
    )


def _comparison(against: Against) -> list[Trust]:
    like = against.like
    told = [
        Trust(
            "likeness",
            like.mean,
            "good" if like.shared == len(like.pairs) else "look",
            f"{like.shared} of {len(like.pairs)} pairs more alike than chance",
            f"With {against.other.name}: mean cosine {like.mean:.2f}; shuffled muscles reach "
            f"{like.chance:.2f} (95th percentile). {' '.join(against.notes)}".strip(),
        )
    ]
    tests = {"merged": against.merged, "split": against.split}
    pairs = {check: test.found() for check, test in tests.items() if test is not None}
    if all(pairs.get(check) for check in tests):
        told.append(
            Trust(
                "merged",
                None,
                "look",
                "Merged seen from both sides: these are other synergies",
                "Where each set looks merged in terms of the other, neither need be: they divide "
                "the same activity in different ways.",
            )
        )
        return told
    for check, of in (("merged", against.other.name), ("split", "this recording")):
        test = tests[check]
        if test is None:
            continue
        shown = ", ".join(f"{a + 1} with {b + 1}" for a, b in pairs[check])
        least = float(test.p.min()) if len(test.p) else 1.0
        words = f"Of {of}, {shown} act together" if shown else f"Of {of}, none have merged"
        persons = ""
        if against.other.norm is not None:  # tests/bench/emg.py: area under the curve 0.72 to 0.77
            persons = " Between persons it tells merged from apart in three of four cases only."
        told.append(
            Trust(
                check,
                least,
                "look" if shown else "good",
                f"{words} (p = {least:.2g})",
                "Synergies are kept apart and asked when they act; the null are data in which they "
                f"are apart, explained as badly ({100 * test.vaf:.0f} % VAF). p is for all pairs."
                f"{persons}",
            )
        )
    return told


def _converged(answer: Answer) -> Trust:
    fit = answer.found.fit
    good = fit.stop == "converged" and fit.kkt <= _KKT
    return Trust(
        "converged",
        float(fit.kkt),
        "good" if good else "look",
        f"{number(float(f'{fit.kkt:.1g}'))} from the optimum" if fit.kkt > 0 else "At an optimum",
        f"Ended after {fit.iterations} steps ({fit.stop}). The optimality residual is 0 where no "
        "small change lowers the error.",
    )
