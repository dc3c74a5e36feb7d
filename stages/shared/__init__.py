"""What stages share: where things lie, the parameters, prepared images, and how a stage starts and ends."""
