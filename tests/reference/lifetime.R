# Parametric fits. Run from this folder: Rscript lifetime.R
# survreg where it can (right, left, interval censoring, weights); otherwise the likelihood is written out here and
# maximised by optim (late entry, gamma, generalised gamma, never-finishing share, share at once).
# standard errors: of log(parameter), but of the value itself for mu and q, and of the logit for shares.
source("common.R")
set.seed(20261123)
plain <- function(size, draw, width) {
  time <- draw(size); open <- runif(size, width / 20, width)
  data.frame(lower = round(pmin(time, open), 3), upper = round(ifelse(time <= open, pmin(time, open), Inf), 3), entry = 0, n = 1)
}
sets <- list()
sets$right <- plain(150, function(n) rweibull(n, 1.4, 40), 90)
mixed <- plain(160, function(n) rlnorm(n, 3.4, .8), 120)
week <- seq_len(160) %% 3 == 0 & is.finite(mixed$upper)
mixed$upper[week] <- 7 * (floor(mixed$lower[week] / 7) + 1); mixed$lower[week] <- 7 * floor(mixed$lower[week] / 7)
sets$interval <- mixed
sets$counted <- aggregate(n ~ lower + upper + entry, within(plain(400, function(n) 1 + rgamma(n, 2, 1 / 15), 70),
  { lower <- ceiling(lower); upper <- ceiling(upper) }), sum)
late <- plain(400, function(n) rlnorm(n, 3.5, .7), 150)
late$entry <- round(pmax(0, runif(400, -40, 40)), 3)
sets$late <- late[late$entry == 0 | late$entry < late$lower, ]
never <- plain(500, function(n) ifelse(runif(n) < .65, rweibull(n, 1.3, 30), Inf), 200)
sets$never <- never
late_never <- never; late_never$entry <- round(pmax(0, runif(500, -60, 30)), 3)
sets$late_never <- late_never[late_never$entry == 0 | late_never$entry < late_never$lower, ]
once <- plain(300, function(n) rlnorm(n, 3, .9), 100)
at <- runif(300) < .2; once$lower[at] <- 0; once$upper[at] <- 0
exact_once <- once
once$upper[at] <- 1; swift <- once$upper < 1; once$lower[swift] <- 0; once$upper[swift] <- 1
sets$once <- once; sets$exact_once <- exact_once
left <- plain(200, function(n) rlnorm(n, 3.2, 1), 100)  # what ended within 12 is only known to have done so
early <- left$upper <= 12; left$lower[early] <- 0; left$upper[early] <- 12
sets$left <- left
weeks <- plain(400, function(n) rweibull(n, 1.2, 45), 130)  # weekly snapshots, first seen at an entry age
weeks$entry <- 7 * floor(pmax(0, runif(400, -60, 40)) / 7)
ended <- is.finite(weeks$upper)
weeks$upper[ended] <- 7 * (floor(weeks$lower[ended] / 7) + 1); weeks$lower[ended] <- 7 * floor(weeks$lower[ended] / 7)
sets$late_interval <- weeks[weeks$entry == 0 | (weeks$entry <= weeks$lower & weeks$lower > 0 & (ended | weeks$entry < weeks$lower)), ]
data <- do.call(rbind, lapply(names(sets), function(name) cbind(set = name, sets[[name]])))
out <- within(data, { upper <- ifelse(is.finite(upper), upper, NA) })
write_csv(out, "lifetimes.csv", "lifetime.R")

rows <- quantiles <- NULL
add <- function(set, family, never, at_once, value, names, estimate, error)
  rows <<- rbind(rows, data.frame(set, family, never, at_once, log_likelihood = value, parameter = names, estimate, error))

for (set in c("right", "interval", "counted", "left")) for (dist in c("exponential", "weibull", "lognormal", "loglogistic")) {
  d <- sets[[set]]
  # left-censored rows have lower NA, open rows upper NA, as Surv wants them
  y <- with(d, Surv(ifelse(lower == 0, NA, lower), ifelse(is.finite(upper), upper, NA), type = "interval2"))
  fit <- survreg(y ~ 1, d, weights = n, dist = dist)
  mu <- unname(coef(fit)); s <- fit$scale; e <- sqrt(diag(vcov(fit)))
  if (dist == "exponential") add(set, dist, FALSE, FALSE, fit$loglik[1], "mean", exp(mu), e[1])
  else if (dist == "lognormal") add(set, dist, FALSE, FALSE, fit$loglik[1], c("mu", "sigma"), c(mu, s), e)
  else add(set, dist, FALSE, FALSE, fit$loglik[1], c("scale", "shape"), c(exp(mu), 1 / s), e)
  q <- predict(fit, type = "uquantile", p = c(.1, .5, .9), se.fit = TRUE, newdata = data.frame(one = 1))
  quantiles <- rbind(quantiles, data.frame(set, family = dist, share = c(.1, .5, .9), time = exp(as.vector(q$fit)),
    log_error = as.vector(q$se.fit)))
}

pieces <- list(  # density and distribution function by natural parameters; transform of the search
  exponential = list(names = "mean", log = TRUE, f = function(t, p) dexp(t, 1 / p), F = function(t, p) pexp(t, 1 / p)),
  weibull = list(names = c("scale", "shape"), log = c(TRUE, TRUE), f = function(t, p) dweibull(t, p[2], p[1]), F = function(t, p) pweibull(t, p[2], p[1])),
  lognormal = list(names = c("mu", "sigma"), log = c(FALSE, TRUE), f = function(t, p) dlnorm(t, p[1], p[2]), F = function(t, p) plnorm(t, p[1], p[2])),
  loglogistic = list(names = c("scale", "shape"), log = c(TRUE, TRUE),
    f = function(t, p) dlogis(p[2] * log(t / p[1])) * p[2] / t, F = function(t, p) plogis(p[2] * log(t / p[1]))),
  gamma = list(names = c("shape", "scale"), log = c(TRUE, TRUE), f = function(t, p) dgamma(t, p[1], scale = p[2]), F = function(t, p) pgamma(t, p[1], scale = p[2])),
  generalised_gamma = list(names = c("mu", "sigma", "q"), log = c(FALSE, TRUE, FALSE),
    f = function(t, p) { k <- p[3]^-2; u <- k * exp(p[3] * (log(t) - p[1]) / p[2]); abs(p[3]) / p[2] / t * dgamma(u, k) * u },
    F = function(t, p) { k <- p[3]^-2; pgamma(k * exp(p[3] * (log(t) - p[1]) / p[2]), k, lower.tail = p[3] > 0) }))
by_hand <- function(set, family, start, never = FALSE, once = FALSE) {
  d <- sets[[set]]; piece <- pieces[[family]]
  size <- length(piece$names)
  logs <- c(piece$log, rep(FALSE, never + once))
  loss <- function(x) {
    p <- ifelse(piece$log, exp(x[1:size]), x[1:size])
    c <- if (never) plogis(x[size + 1]) else 1
    z <- if (once) plogis(x[size + never + 1]) else 0
    G <- function(t) ifelse(t <= 0, 0, ifelse(is.finite(t), z + (1 - z) * c * piece$F(t, p), 1))
    like <- ifelse(d$lower == d$upper, ifelse(d$lower == 0, z, (1 - z) * c * piece$f(pmax(d$lower, 1e-9), p)),
      G(d$upper) - G(d$lower)) / (1 - G(d$entry))
    value <- -sum(d$n * log(like))
    if (is.finite(value)) value else 1e10
  }
  x <- start
  for (i in 1:6) x <- suppressWarnings(optim(x, loss, method = "Nelder-Mead", control = list(maxit = 4000, reltol = 1e-15)))$par
  best <- optim(x, loss, method = "BFGS", control = list(reltol = 1e-16, ndeps = rep(1e-5, length(x))))
  x <- if (best$value < loss(x)) best$par else x
  errors <- sqrt(diag(solve(optimHess(x, loss, control = list(ndeps = rep(1e-4, length(x)))))))
  shown <- x; shown[logs] <- exp(x[logs])
  if (never) shown[size + 1] <- plogis(x[size + 1])
  if (once) shown[size + never + 1] <- plogis(x[size + never + 1])
  add(set, family, never, once, -loss(x), c(piece$names, if (never) "finishing_share", if (once) "at_once_share"), shown, errors)
}
by_hand("late", "weibull", c(3.7, .3)); by_hand("late", "lognormal", c(3.5, -.3)); by_hand("late", "loglogistic", c(3.5, .5))
for (set in c("right", "interval", "counted", "late")) by_hand(set, "gamma", c(.3, 3))
for (set in c("right", "counted", "late")) by_hand(set, "generalised_gamma", c(3.4, -.3, .6))
for (set in c("never", "late_never")) {
  by_hand(set, "weibull", c(3.3, .2, .5), never = TRUE); by_hand(set, "lognormal", c(3.1, -.1, .5), never = TRUE)
  by_hand(set, "gamma", c(.2, 3, .5), never = TRUE)
}
for (set in c("once", "exact_once")) {
  by_hand(set, "lognormal", c(3, -.1, -1.4), once = TRUE)
  by_hand(set, "weibull", c(3, .1, 2, -1.4), never = TRUE, once = TRUE)
}
by_hand("late", "exponential", 3.7); by_hand("never", "loglogistic", c(3.1, .3, .5), never = TRUE)
by_hand("left", "gamma", c(.1, 3)); by_hand("left", "generalised_gamma", c(3.2, 0, .2))
by_hand("interval", "generalised_gamma", c(3.4, -.2, .2))
by_hand("late_interval", "exponential", 3.8); by_hand("late_interval", "weibull", c(3.8, .2))
by_hand("late_interval", "lognormal", c(3.4, -.1)); by_hand("late_interval", "loglogistic", c(3.5, .4))
by_hand("late_interval", "gamma", c(.2, 3.5))
write_csv(rows, "lifetime_fits.csv", "lifetime.R")
write_csv(quantiles, "lifetime_quantiles.csv", "lifetime.R")
