"""The per-region run: plan every job, execute the notebooks, write the pages. Only calls the layers below."""
