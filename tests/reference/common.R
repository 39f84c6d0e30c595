# Shared by the reference scripts: one way to write a table with its origin in the first line.
suppressMessages({library(survival); library(cmprsk)})
origin <- function(script) paste0("# made by ", script, " with ", R.version.string, ", survival ",
  packageVersion("survival"), ", cmprsk ", packageVersion("cmprsk"))
write_csv <- function(frame, file, script) {
  number <- sapply(frame, is.double)
  frame[number] <- lapply(frame[number], function(x) ifelse(is.na(x), "", format(x, digits = 12, trim = TRUE, scientific = FALSE)))
  writeLines(origin(script), file)
  suppressWarnings(write.table(frame, file, sep = ",", row.names = FALSE, quote = FALSE, append = TRUE))
}
