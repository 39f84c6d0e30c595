"""What does a cell mean? Text to numbers, dates and words, decided over whole columns."""
