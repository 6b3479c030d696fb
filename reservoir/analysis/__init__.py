"""Analysis of models and their outputs; pictures."""
