"""What do the headers of a DICOM series say of tracer, dose, patient, unit and decay?"""

from __future__ import annotations

from typing import Any

from partwise_pet.dicomslices import clock_of, is_number

__all__ = ["facts_of", "unit_of"]

_UNITS = {"BQML": "Bq/mL", "CNTS": "counts", "GML": "g/mL", "PROPCNTS": "prop. counts"}
_CODES = {"bq/ml": "Bq/mL", "kbq/ml": "kBq/mL"}
_DAY_S = 86400.0
_LEAST_BQ = 1e5  # below, a dose can only be in MBq


def facts_of(head: Any, first_s: float | None) -> dict[str, Any]:
    """Return what is known of ``tracer``, ``half_life_s``, ``dose_bq``, ``weight_kg`` and decay.

    Parameters
    ----------
    head : pydicom.Dataset
    first_s : float or None
        When the first frame began, on the clock of the day; times of injection and of decay
        correction are told relative to it.
    """
    facts: dict[str, Any] = {}
    info = _radiopharmaceutical(head)
    if info is not None:
        half, dose = info.get("RadionuclideHalfLife", None), info.get("RadionuclideTotalDose", None)
        if is_number(half) and float(half) > 0:
            facts["half_life_s"] = float(half)
        if is_number(dose) and float(dose) > 0:
            # Doses are in Bq by the standard; some exports write MBq.
            bq = float(dose)
            facts["dose_bq"] = bq if bq >= _LEAST_BQ else bq * 1e6
            facts["dose_was_mbq"] = bq < _LEAST_BQ
        tracer = str(info.get("Radiopharmaceutical", "")).strip()
        if tracer:
            facts["tracer"] = tracer[:60]
        injected = _clock(info, "RadiopharmaceuticalStart")
        if injected is not None and first_s is not None:
            facts["injected_s"] = _apart(injected, first_s)
    weight = head.get("PatientWeight", None)
    if is_number(weight) and 0 < float(weight) < 1000:
        facts["weight_kg"] = float(weight)
    return facts | _decay(head, facts.get("injected_s"), first_s)


def unit_of(head: Any) -> str:
    """Return the unit of the values; empty where none is told."""
    told = str(head.get("Units", ""))
    if told:
        return _UNITS.get(told, told[:16])
    # Enhanced objects name the unit where they map stored to real values.
    shared = head.get("SharedFunctionalGroupsSequence", None)
    own = head.get("PerFrameFunctionalGroupsSequence", None)
    for group in (*(shared or ()), *(own or ())[:1]):
        for mapping in group.get("RealWorldValueMappingSequence", None) or ():
            for code in mapping.get("MeasurementUnitsCodeSequence", None) or ():
                word = str(code.get("CodeValue", ""))[:16]
                return _CODES.get(word.lower(), word)
    return ""


def _decay(head: Any, injected_s: float | None, first_s: float | None) -> dict[str, Any]:
    """Whether decay was corrected, and to which moment after the first frame began."""
    told = str(head.get("DecayCorrection", ""))
    enhanced = str(head.get("DecayCorrected", ""))
    if told:
        facts: dict[str, Any] = {"decay_corrected": told != "NONE"}
        at = {"START": 0.0, "ADMIN": injected_s}.get(told)
    elif enhanced:
        facts = {"decay_corrected": enhanced == "YES"}
        clock = clock_of(str(head.get("DecayCorrectionDateTime", ""))[8:14])
        at = _apart(clock, first_s) if clock is not None and first_s is not None else None
    else:
        return {}
    if facts["decay_corrected"] and at is not None:
        facts["decay_reference_s"] = at
    return facts


def _clock(info: Any, name: str) -> float | None:
    told = clock_of(str(info.get(f"{name}Time", "")))
    return told if told is not None else clock_of(str(info.get(f"{name}DateTime", ""))[8:14])


def _apart(at: float, first_s: float) -> float:
    """Seconds from the first frame to a time of day, over midnight where that is nearer."""
    return (at - first_s + _DAY_S / 2) % _DAY_S - _DAY_S / 2


def _radiopharmaceutical(head: Any) -> Any:
    sequence = head.get("RadiopharmaceuticalInformationSequence", None)
    return sequence[0] if sequence else None
