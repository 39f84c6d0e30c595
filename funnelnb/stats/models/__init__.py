"""Which chance has each case by its attributes?"""
