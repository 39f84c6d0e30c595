"""Where is it sick, what changed and why, and what should the weekly report say?"""
