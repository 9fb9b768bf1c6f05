"""Running an analysis: progress, snapshots, cancel; in this process or in a worker."""
