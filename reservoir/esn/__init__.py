"""Echo state networks: a fixed recurrence of which only the readout is fitted."""
