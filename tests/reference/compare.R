# Reference values for funnelnb.stats.rates.compare. Run from this folder: Rscript compare.R
set.seed(20261123)
head <- paste0("# made by compare.R with ", R.version.string, ", package stats")
write_csv <- function(frame, file) {
  writeLines(head, file)
  suppressWarnings(write.table(frame, file, sep = ",", row.names = FALSE, quote = FALSE, append = TRUE))
}
n <- c(3, 8, 20, 45, 120, 400, 1500)
tables <- do.call(rbind, lapply(1:40, function(i) {
  a <- sample(n, 1); b <- sample(n, 1)
  data.frame(k = rbinom(1, a, .3), n = a, rest_k = rbinom(1, b, .4), rest_n = b)
}))
tables$fisher_p <- apply(tables, 1, function(r)
  fisher.test(matrix(c(r[1], r[2] - r[1], r[3], r[4] - r[3]), 2))$p.value)
tables$wilson_lower <- apply(tables, 1, function(r) prop.test(r[1], r[2], conf.level = .9, correct = FALSE)$conf.int[1])
tables$wilson_upper <- apply(tables, 1, function(r) prop.test(r[1], r[2], conf.level = .9, correct = FALSE)$conf.int[2])
tables$p_adjusted_bh <- p.adjust(tables$fisher_p, "BH")
write_csv(format(tables, digits = 15, trim = TRUE), "compare_tables.csv")

groups <- do.call(rbind, lapply(1:12, function(i) {
  size <- if (i <= 6) sample(c(60, 150, 700), 5, TRUE) else sample(3:14, 5, TRUE)
  k <- rbinom(5, size, runif(5, .2, .4))
  whole <- suppressWarnings(chisq.test(rbind(k, size - k), correct = FALSE))
  drawn <- chisq.test(rbind(k, size - k), simulate.p.value = TRUE, B = 200000)
  data.frame(case = i, k = k, n = size, statistic = unname(whole$statistic), p_chi_squared = whole$p.value,
             p_simulated = drawn$p.value)
}))
write_csv(format(groups, digits = 15, trim = TRUE), "compare_groups.csv")
