"""How long does it take, and what is stuck?"""
