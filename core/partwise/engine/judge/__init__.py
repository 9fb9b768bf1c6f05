"""How many parts? How alike? How sure? Which is which?"""
