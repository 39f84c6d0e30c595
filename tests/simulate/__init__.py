"""Tests of funnelnb.simulate."""
