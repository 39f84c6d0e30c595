"""What does a target need, and how likely is it?"""
