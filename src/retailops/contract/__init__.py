"""What travels on the wire between the hub and its channels: models and strict JSON, no I/O."""
