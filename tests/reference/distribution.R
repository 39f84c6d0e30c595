# Which distribution describes the days in a stage of the sample company? Run from this folder: Rscript distribution.R
# Input: distribution_times.csv, the counted times in whole days as tests/analysis/test_distribution.py writes them.
# A deal that left after 0 days took less than half a day. survreg where it can; with a share that leaves the same day
# the likelihood is written out and maximised by optim.
source("common.R")
d <- subset(read.csv("distribution_times.csv", comment.char = "#"), time > 0 | event == 1)  # open after 0 days says nothing
low <- ifelse(d$event == 1 & d$time == 0, 0, d$time)
high <- ifelse(d$event == 0, Inf, ifelse(d$time == 0, 0.5, d$time))
rows <- NULL
add <- function(family, at_once, value, parameter, estimate, lower = NA, upper = NA)
  rows <<- rbind(rows, data.frame(family, at_once, log_likelihood = value, parameter, estimate, lower, upper))
for (dist in c("exponential", "weibull", "lognormal", "loglogistic")) {
  y <- Surv(ifelse(low == 0 & is.finite(high), NA, low), ifelse(is.finite(high), high, NA), type = "interval2")
  fit <- survreg(y ~ 1, weights = d$n, dist = dist); mu <- unname(coef(fit)); s <- fit$scale
  if (dist == "exponential") add(dist, FALSE, fit$loglik[1], "mean", exp(mu))
  else if (dist == "lognormal") add(dist, FALSE, fit$loglik[1], c("mu", "sigma"), c(mu, s))
  else add(dist, FALSE, fit$loglik[1], c("scale", "shape"), c(exp(mu), 1 / s))
}
by_hand <- function(family, names, f, F, start) {
  loss <- function(x) {
    p <- exp(x[1:2]); once <- plogis(x[3])
    G <- function(t) once + (1 - once) * F(t, p)
    like <- ifelse(!is.finite(high), ifelse(low > 0, 1 - G(low), 1), ifelse(low == 0, G(high), (1 - once) * f(pmax(low, 1e-9), p)))
    -sum(d$n * log(like))
  }
  x <- start
  for (i in 1:6) x <- optim(x, loss, method = "Nelder-Mead", control = list(maxit = 4000, reltol = 1e-15))$par
  half <- qnorm(.95) * sqrt(diag(solve(optimHess(x, loss, control = list(ndeps = rep(1e-4, 3))))))
  shown <- function(x) c(exp(x[1:2]), plogis(x[3]))
  add(family, TRUE, -loss(x), c(names, "same_day_share"), shown(x), shown(x - half), shown(x + half))
}
by_hand("weibull", c("scale", "shape"), function(t, p) dweibull(t, p[2], p[1]), function(t, p) pweibull(t, p[2], p[1]), c(3, 0, -2))
by_hand("gamma", c("shape", "scale"), function(t, p) dgamma(t, p[1], scale = p[2]), function(t, p) pgamma(t, p[1], scale = p[2]), c(0, 3, -2))
write_csv(rows, "distribution_fits.csv", "distribution.R")
