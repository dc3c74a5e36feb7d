"""From images as stored to what networks take."""
