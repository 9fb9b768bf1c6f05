"""Any table of nonnegative numbers: how many parts, and which?"""
