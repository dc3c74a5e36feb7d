"""The tables of all results, what they say in a sentence, and how numbers and names are written in them."""
