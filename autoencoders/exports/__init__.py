"""What a network that is taken elsewhere has with it: thresholds, its mixture, and a manifest of its files."""
