"""What is in a file, frame or database? Bytes to raw tables, before anybody decides what a column means."""
