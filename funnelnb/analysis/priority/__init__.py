"""Whom to call first?"""
