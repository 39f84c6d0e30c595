"""What is this export? Columns, stages and files are recognised by their names and by what they hold."""
