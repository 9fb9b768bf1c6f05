"""What does the speech panel bring? Its record, and nothing that takes time to import."""

from __future__ import annotations

from partwise.api import Exporter, Plugin, Reader, Sample
from partwise_speech.makes import PATTERNS

__all__ = ["PLUGIN"]

PLUGIN = Plugin(
    id="speech",
    title="Speech",
    version="1.0.0",
    api=">=1,<2",
    summary="Separates a voice from noise with dictionaries of both, and says what it cost.",
    readers=(
        Reader(
            "Recording",
            PATTERNS,
            "partwise_speech.readers:probe_sound",
            "partwise_speech.readers:load_sound",
        ),
    ),
    analyses=("partwise_speech.analysis:SpeechAnalysis",),
    panel="partwise_speech.panel:Panel",
    capture="partwise_speech.panel.capture:Capture",
    exporters=(
        Exporter(
            "speech",
            ".wav",
            "Speech, as long as the recording",
            "audio/wav",
            "partwise_speech.export:write_speech",
        ),
        Exporter(
            "noise",
            ".wav",
            "What was taken away",
            "audio/wav",
            "partwise_speech.export:write_noise",
        ),
        Exporter(
            "speech-flac",
            ".flac",
            "Speech as FLAC",
            "audio/flac",
            "partwise_speech.export:write_speech_flac",
            applies="partwise_speech.export:wants_flac",
        ),
        Exporter(
            "noise-flac",
            ".flac",
            "What was taken away, as FLAC",
            "audio/flac",
            "partwise_speech.export:write_noise_flac",
            applies="partwise_speech.export:wants_flac",
        ),
        Exporter(
            "noise-dictionary",
            ".npz",
            "Atoms of the noise, for other recordings",
            "application/zip",
            "partwise_speech.export:write_noise_dictionary",
        ),
        Exporter(
            "voice-dictionary",
            ".npz",
            "The voice that was learned, for other visits",
            "application/zip",
            "partwise_speech.export:write_voice_dictionary",
            applies="partwise_speech.export:has_learned_voice",
        ),
    ),
    samples=(
        Sample(
            "speech-street",
            "Talker in a street",
            "Synthetic speech in synthetic traffic, whose truth is known.",
            "partwise_speech.samples:street_recording",
            "BSD-3-Clause",
            "Made by partwise_speech.synth",
        ),
    ),
)
