# Stages and whole way of the sample company. Run from this folder, after python -m tests.reference.sample_times:
# Rscript durations.R
# durations.csv: any end (Kaplan-Meier), by what is read; ends.csv: going on and losing (Aalen-Johansen);
# duration_fits.csv: survreg, where a stay of 0 between two dates is one of less than half a day.
source("common.R")
data <- read.csv("sample_times.csv", comment.char = "#")
until <- c(find_opportunity = 201, qualify = 183, project_approved = 159, shortlist = 152, negotiation = 92, whole = 381)
read <- ends <- fits <- NULL
for (span in names(until)) {
  d <- data[data$span == span, ]
  add <- function(what, value, lower = NA, upper = NA, error = NA)
    read <<- rbind(read, data.frame(span, what, value, lower, upper, error))
  fit <- survfit(Surv(days, outcome > 0) ~ 1, data = d, weights = n, conf.type = "log-log", conf.int = .9,
                 robust = FALSE, se.fit = TRUE)
  add("n", sum(d$n)); add("ended", sum(d$n[d$outcome > 0]))
  q <- quantile(fit, c(.25, .5, .75))
  for (i in 1:3) add(c("q25", "median", "q75")[i], q$quantile[i], q$lower[i], q$upper[i])
  m <- summary(fit, rmean = until[[span]])$table
  add("mean", m["rmean"], error = m["se(rmean)"])
  at <- summary(fit, times = c(30, 60, 90, 120), extend = TRUE)
  for (i in 1:4) add(paste0("still_", at$time[i]), at$surv[i], at$lower[i], at$upper[i])
  spread <- d[rep(seq_len(nrow(d)), d$n), ]; spread$id <- seq_len(nrow(spread))
  state <- survfit(Surv(days, factor(outcome, 0:2, c("open", "on", "lost"))) ~ 1, data = spread, id = id)
  at <- summary(state, times = c(0, 7, 30, 60, 90, 180), extend = TRUE)
  ends <- rbind(ends, data.frame(span, day = at$time, advance = at$pstate[, 2], lose = at$pstate[, 3], open = at$pstate[, 1]))
  lower <- ifelse(d$outcome > 0 & d$days == 0, NA, d$days)
  upper <- ifelse(d$outcome > 0, ifelse(d$days == 0, .5, d$days), NA)
  seen <- !(d$days == 0 & d$outcome == 0)  # open since today: says nothing, and survreg takes no time of 0
  for (dist in c("exponential", "weibull", "lognormal", "loglogistic")) {
    f <- survreg(Surv(lower[seen], upper[seen], type = "interval2") ~ 1, weights = d$n[seen], dist = dist,
                 control = survreg.control(rel.tolerance = 1e-12, maxiter = 200))
    mu <- unname(coef(f)); s <- f$scale
    value <- switch(dist, exponential = c(exp(mu), NA), lognormal = c(mu, s), c(exp(mu), 1 / s))
    half <- predict(f, type = "uquantile", p = .5, se.fit = TRUE, newdata = data.frame(one = 1))
    fits <- rbind(fits, data.frame(span, family = dist, first = value[1], second = value[2],
      log_likelihood = f$loglik[1], median = exp(half$fit[1]), log_error = half$se.fit[1]))
  }
}
write_csv(read, "durations.csv", "durations.R")
write_csv(ends, "ends.csv", "durations.R")
write_csv(fits, "duration_fits.csv", "durations.R")
