"""The documentation site: assembled from documents, docstrings and notebooks, built by Sphinx, checked for links.

``python -m tools.website`` builds ``build/site``; nothing is fetched, neither while it is built nor by its pages.
"""
