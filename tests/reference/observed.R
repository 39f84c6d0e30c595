# Small made-up data sets for every curve and test. Run from this folder, before the others: Rscript observed.R
# set: plain (continuous), tied (whole days, many ties and same-day), late (late entry), counted (weights n).
source("common.R")
set.seed(20261123)
make <- function(set, size, whole, late = FALSE, counted = FALSE) {
  group <- sample(c("a", "b", "c"), size, TRUE)
  win <- rweibull(size, 1.2, ifelse(group == "a", 40, 60)); lose <- rexp(size, 1 / 70)
  open <- runif(size, 5, 120)
  time <- pmin(win, lose, open)
  outcome <- ifelse(time == open, 0, ifelse(time == win, 1, 2))
  time <- if (whole) floor(time / 4) else round(time, 3)
  entry <- if (late) round(pmax(0, runif(size, -25, 20)), if (whole) 0 else 3) else rep(0, size)
  n <- if (counted) sample(1:4, size, TRUE) else rep(1, size)
  data.frame(set, time, outcome, entry, n, group, stratum = sample(1:2, size, TRUE))[entry == 0 | entry < time, ]
}
data <- rbind(make("plain", 70, FALSE), make("tied", 120, TRUE), make("late", 90, FALSE, TRUE),
              make("late_tied", 120, TRUE, TRUE), make("counted", 40, TRUE, counted = TRUE))
write_csv(data, "observed.csv", "observed.R")
