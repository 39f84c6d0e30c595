"""Where do people fall out on the way through pages and events, and why?"""
