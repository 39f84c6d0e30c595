# Kaplan-Meier and Aalen-Johansen of every set, and what is read from them. Run from this folder: Rscript curves.R
# R has no rows for late entry at 0 and time 0, so entry 0 is handed over as just before 0.
source("common.R")
data <- read.csv("observed.csv", comment.char = "#")
kaplan <- quantiles <- means <- johansen <- NULL
for (set in unique(data$set)) {
  d <- data[data$set == set, ]
  d$entry[d$entry == 0] <- -1e-3
  late <- any(d$entry > 0)
  if (late) { y <- with(d, Surv(entry, time, outcome > 0))
  } else    { y <- with(d, Surv(time, outcome > 0)) }
  for (type in c("log-log")) {
    fit <- survfit(y ~ 1, data = d, weights = n, conf.type = type, conf.int = .9, robust = FALSE, se.fit = TRUE)
    kaplan <- rbind(kaplan, data.frame(set, time = fit$time, n_risk = fit$n.risk, n_event = fit$n.event,
      survival = fit$surv, std_error = fit$std.err * fit$surv, lower = fit$lower, upper = fit$upper))
    q <- quantile(fit, c(.1, .25, .5, .75))
    quantiles <- rbind(quantiles, data.frame(set, share = c(.1, .25, .5, .75), time = unname(c(q$quantile)),
      lower = unname(c(q$lower)), upper = unname(c(q$upper))))
    for (until in c(10, 20)) {
      m <- summary(fit, rmean = until)$table
      means <- rbind(means, data.frame(set, until, mean = unname(m["rmean"]), std_error = unname(m["se(rmean)"])))
    }
  }
  state <- factor(d$outcome, 0:2, c("open", "won", "lost"))
  spread <- d[rep(seq_len(nrow(d)), d$n), ]; spread$id <- seq_len(nrow(spread))
  state <- factor(spread$outcome, 0:2, c("open", "won", "lost"))
  if (late) { y <- with(spread, Surv(entry, time, state))
  } else    { y <- with(spread, Surv(time, state)) }
  fit <- survfit(y ~ 1, data = spread, id = id, conf.int = .9)
  johansen <- rbind(johansen, data.frame(set, time = fit$time, n_risk = fit$n.risk[, 1], open = fit$pstate[, 1],
    won = fit$pstate[, 2], lost = fit$pstate[, 3], won_se = fit$std.err[, 2], lost_se = fit$std.err[, 3]))
}
write_csv(kaplan, "kaplan_meier.csv", "curves.R")
write_csv(quantiles, "quantiles.csv", "curves.R")
write_csv(means, "restricted_means.csv", "curves.R")
write_csv(johansen, "aalen_johansen.csv", "curves.R")
