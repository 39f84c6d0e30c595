"""Results whole: tables with what belongs under them, files for spreadsheets, the display hook."""
