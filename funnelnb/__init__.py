"""Sales-funnel workbooks for Jupyter: every number with how sure it is."""
