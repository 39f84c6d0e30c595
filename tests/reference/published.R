# Data sets that come with R's survival package, read as the tests read the same files. Run from this folder: Rscript published.R
# published.csv: any end; published_fits.csv: survreg; published_ends.csv: progression and death of mgus2, Gray's and
# the log-rank test by sex.
source("common.R")
sets <- list(lung = with(lung, data.frame(time, event = status == 2, group = sex)),
             leukemia = with(leukemia, data.frame(time, event = status == 1, group = x)),
             ovarian = with(ovarian, data.frame(time = futime, event = fustat == 1, group = rx)),
             veteran = with(veteran, data.frame(time, event = status == 1, group = trt)))
read <- fits <- ends <- NULL
for (set in names(sets)) {
  d <- sets[[set]]
  fit <- survfit(Surv(time, event) ~ 1, data = d, conf.type = "log-log", conf.int = .9)
  q <- quantile(fit, c(.25, .5, .75))
  read <- rbind(read, data.frame(set, what = c("q25", "median", "q75"), value = unname(q$quantile),
    lower = unname(q$lower), upper = unname(q$upper)))
  at <- summary(fit, times = c(30, 60, 90, 120), extend = TRUE)
  read <- rbind(read, data.frame(set, what = paste0("still_", at$time), value = at$surv, lower = at$lower, upper = at$upper))
  read <- rbind(read, data.frame(set, what = "log_rank", value = survdiff(Surv(time, event) ~ group, d)$chisq, lower = NA, upper = NA))
  for (dist in c("exponential", "weibull", "lognormal", "loglogistic")) {
    f <- survreg(Surv(time, event) ~ 1, d, dist = dist, control = survreg.control(rel.tolerance = 1e-12))
    mu <- unname(coef(f)); s <- f$scale
    value <- switch(dist, exponential = c(exp(mu), NA), lognormal = c(mu, s), c(exp(mu), 1 / s))
    fits <- rbind(fits, data.frame(set, family = dist, first = value[1], second = value[2], log_likelihood = f$loglik[1]))
  }
  # gamma: no survreg; the likelihood maximised directly
  loss <- function(x) -with(d, sum(ifelse(event, dgamma(time, exp(x[1]), scale = exp(x[2]), log = TRUE),
    pgamma(time, exp(x[1]), scale = exp(x[2]), lower.tail = FALSE, log.p = TRUE))))
  best <- optim(c(.2, log(mean(d$time))), loss, control = list(reltol = 1e-15, maxit = 5000))
  best <- optim(best$par, loss, method = "BFGS", control = list(reltol = 1e-16, ndeps = rep(1e-5, 2)))
  fits <- rbind(fits, data.frame(set, family = "gamma", first = exp(best$par[1]), second = exp(best$par[2]), log_likelihood = -best$value))
}
d <- mgus2
d$etime <- with(d, ifelse(pstat == 0, futime, ptime))
d$event <- factor(with(d, ifelse(pstat == 0, 2 * death, 1)), 0:2, c("open", "progression", "death"))
fit <- survfit(Surv(etime, event) ~ 1, data = d, id = id)
at <- summary(fit, times = c(12, 30, 60, 90, 120, 240, 360), extend = TRUE)
ends <- data.frame(what = "incidence", month = at$time, progression = at$pstate[, 2], death = at$pstate[, 3], open = at$pstate[, 1])
found <- with(d, cuminc(etime, as.integer(event) - 1, sex))$Tests
ends <- rbind(ends, data.frame(what = "gray", month = NA, progression = found[1, "stat"], death = found[2, "stat"], open = NA))
write_csv(read, "published.csv", "published.R")
write_csv(fits, "published_fits.csv", "published.R")
write_csv(ends, "published_ends.csv", "published.R")
