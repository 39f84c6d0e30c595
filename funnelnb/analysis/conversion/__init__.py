"""How do deals convert, and where are they lost?"""
