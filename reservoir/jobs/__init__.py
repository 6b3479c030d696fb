"""Training as a job: settings, sources of sequences, run directories that resume."""
