# Log-rank (plain, stratified, late entry) and Gray's test. Run from this folder: Rscript rank_test.R
source("common.R")
data <- read.csv("observed.csv", comment.char = "#")
rows <- NULL
add <- function(...) rows <<- rbind(rows, data.frame(...))
for (set in unique(data$set)) {
  d <- data[data$set == set, ]
  d <- d[rep(seq_len(nrow(d)), d$n), ]
  d$event <- as.integer(d$outcome > 0)
  if (any(d$entry > 0)) {
    d$entry[d$entry == 0] <- -1e-3
    fit <- coxph(Surv(entry, time, event) ~ group, data = d, ties = "exact")
    add(test = "log_rank", set, strata = FALSE, cause = 0, statistic = fit$score, df = 2)
    fit <- coxph(Surv(entry, time, event) ~ group + strata(stratum), data = d, ties = "exact")
    add(test = "log_rank", set, strata = TRUE, cause = 0, statistic = fit$score, df = 2)
    next
  }
  add(test = "log_rank", set, strata = FALSE, cause = 0, statistic = survdiff(Surv(time, event) ~ group, d)$chisq, df = 2)
  add(test = "log_rank", set, strata = TRUE, cause = 0,
      statistic = survdiff(Surv(time, event) ~ group + strata(stratum), d)$chisq, df = 2)
  for (strata in c(FALSE, TRUE)) {
    found <- if (strata) cuminc(d$time, d$outcome, d$group, d$stratum)$Tests else cuminc(d$time, d$outcome, d$group)$Tests
    for (cause in 1:2) add(test = "gray", set, strata, cause, statistic = found[cause, "stat"], df = found[cause, "df"])
  }
}
write_csv(rows, "rank_tests.csv", "rank_test.R")
