"""Raw tables to tables of the contract: converted, joined, validated, cut at the as-of date."""
