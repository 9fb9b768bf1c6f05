"""Speech and noise as parts of one recording: learn them, hear them, take one away."""
