"""What stands in the tables twice, is spelled in two ways, or is no deal: proposed as changes, made, taken back."""
